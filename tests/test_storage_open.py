"""Opening a database: it migrates itself; what cannot be used is refused in one clear line, with nothing half-done."""

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database as Tables
from sqlite_utils.migrations import Migrations

import storage.database
from bot.errors import StorageFailure
from storage.database import Database, LockedError, NewerSchemaError, StorageError
from storage.fsck import check
from storage.schema import steps
from tests.conftest import OpenRoom, Room
from tests.test_storage_week import two_weeks


def test_a_new_file_gets_all_its_tables_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bot.db"
    Database.open(path).close()
    assert check(path).is_clean


def test_opening_again_changes_no_table(tmp_path: Path) -> None:
    path = two_weeks(tmp_path)
    before = check(path)
    Database.open(path).close()
    assert check(path) == before


@pytest.fixture
def newer_steps(monkeypatch: pytest.MonkeyPatch) -> Migrations:
    """The steps of a version to come: ours, and one that drops a table."""
    coming = Migrations(steps.name)
    for step in steps._migrations:
        coming(name=step.name)(step.fn)

    @coming(name="m900_no_more_cooldowns")
    def drop(db: Tables) -> None:
        db.conn.execute("DROP TABLE cooldown")

    monkeypatch.setattr(storage.database, "steps", coming)
    return coming


def tables(path: Path) -> set[str]:
    conn = sqlite3.connect(path)
    try:
        return {row[0] for row in conn.execute("SELECT name FROM sqlite_master")}
    finally:
        conn.close()


def test_an_older_file_is_brought_up_to_date_in_passing(tmp_path: Path, newer_steps: Migrations) -> None:
    path = two_weeks(tmp_path)
    assert "cooldown" in tables(path)
    opened = Database.open(path)
    opened.close()
    assert "cooldown" not in tables(path)
    assert opened.kept_backup is None


def test_a_backup_is_kept_before_a_destructive_step(
    tmp_path: Path, newer_steps: Migrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.database, "DESTRUCTIVE", frozenset({"m900_no_more_cooldowns"}))
    path = two_weeks(tmp_path)
    before = check(path)
    opened = Database.open(path)
    opened.close()
    assert opened.kept_backup == path.with_name("week.db.before-m900_no_more_cooldowns")
    assert "cooldown" in tables(opened.kept_backup)
    assert check(opened.kept_backup) == before
    again = Database.open(path)
    again.close()
    assert again.kept_backup is None


def test_where_no_backup_can_be_kept_nothing_is_destroyed(
    tmp_path: Path, newer_steps: Migrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.database, "DESTRUCTIVE", frozenset({"m900_no_more_cooldowns"}))
    path = two_weeks(tmp_path)
    path.with_name("week.db.before-m900_no_more_cooldowns").mkdir()
    with pytest.raises(StorageError, match="写不了"):
        Database.open(path)
    assert "cooldown" in tables(path)


def test_a_step_that_breaks_leaves_the_file_as_it_was(tmp_path: Path, newer_steps: Migrations) -> None:
    @newer_steps(name="m901_wrong")
    def wrong(db: Tables) -> None:
        db.conn.execute("CREATE TABLE half (a INTEGER)")
        db.conn.execute("DROP TABLE never_was")

    path = two_weeks(tmp_path)
    with pytest.raises(StorageError):
        Database.open(path)
    assert "half" not in tables(path)
    assert "interaction" in tables(path)


def test_a_file_of_a_newer_version_is_refused_and_left_alone(
    tmp_path: Path, newer_steps: Migrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = two_weeks(tmp_path)
    Database.open(path).close()
    before = path.read_bytes()
    monkeypatch.undo()
    with pytest.raises(NewerSchemaError, match=r"m900_no_more_cooldowns.*升级"):
        Database.open(path)
    with pytest.raises(NewerSchemaError, match="升级"):
        check(path)
    assert path.read_bytes() == before


# -- files that cannot be used ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def without_privileges(*paths: Path) -> Iterator[None]:
    """As root every file is writable: these tests are then run as nobody."""
    if os.geteuid() != 0:
        yield
        return
    for path in paths:
        os.chown(path, 65534, 65534)
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def open_directory(tmp_path: Path) -> Iterator[Path]:
    """A directory that anybody may enter."""
    # pytest-xdist puts one more folder in between.
    modes = {one: one.stat().st_mode for one in (tmp_path, *tmp_path.parents[:3]) if one.name.startswith(("test", "p"))}
    for one, mode in modes.items():
        one.chmod(mode | 0o055)
    yield tmp_path
    for one, mode in modes.items():
        one.chmod(mode)


def line_of(error: BaseException) -> str:
    text = str(error)
    assert text
    assert "\n" not in text
    return text


def test_a_read_only_file_is_noticed_at_once(open_directory: Path) -> None:
    path = two_weeks(open_directory)
    path.chmod(0o444)
    before = path.read_bytes()
    with without_privileges(path, open_directory), pytest.raises(StorageError, match="只读") as refused:
        Database.open(path)
    assert "权限" in line_of(refused.value)
    assert path.read_bytes() == before
    with without_privileges(path, open_directory):
        assert check(path).is_clean


def test_a_directory_that_cannot_be_written_is_named(open_directory: Path) -> None:
    closed = open_directory / "closed"
    closed.mkdir(mode=0o555)
    with without_privileges(closed), pytest.raises(StorageError, match="closed") as refused:
        Database.open(closed / "bot.db")
    line_of(refused.value)


def test_a_locked_database_is_waited_for_and_then_named(tmp_path: Path) -> None:
    path = two_weeks(tmp_path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LockedError, match="占用") as refused:
        Database.open(path, wait=0.01)
    line_of(refused.value)
    other.execute("ROLLBACK")
    other.close()
    Database.open(path, wait=0.01).close()


@pytest.mark.parametrize("data", [b"not a database at all" * 500, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_corrupted_file_is_named_with_what_to_do(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bot.db"
    path.write_bytes(data)
    with pytest.raises(StorageError, match=r"已损坏.*yuanzi restore") as refused:
        Database.open(path)
    line_of(refused.value)
    assert path.read_bytes() == data


# -- a full disk -----------------------------------------------------------------------------------------------------


async def talk_on(room: Room) -> None:
    for number in range(1000):
        await room.says(f"成员{number}", "签到")


async def test_on_a_full_disk_nothing_is_said_that_was_not_stored(open_room: OpenRoom) -> None:
    room = await open_room()
    pages = room.one("PRAGMA page_count")
    room.app.store.db.execute(f"PRAGMA max_page_count={pages + 5}")
    with pytest.raises(StorageFailure, match="磁盘满了") as failed:
        await talk_on(room)
    line_of(failed.value)
    said = {line.key for line in room.said}
    room.app.close()
    conn = sqlite3.connect(room.db)
    stored = {row[0] for row in conn.execute("SELECT key FROM outbox")}
    events = {row[0] for row in conn.execute("SELECT id FROM interaction WHERE kind = 'message'")}
    conn.close()
    assert said <= stored
    assert len(events) == room.count - 1
    assert len(events) > 0
    assert check(room.db).is_clean


def on_a_small_disk(limit: int, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Runs `yuanzi` where no file can grow beyond so many bytes."""

    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-B", "-m", "bot", *map(str, arguments)], capture_output=True, text=True, check=False,
        preexec_fn=small, encoding="utf-8",
    )  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ["backup", "--db", "week.db", "--to", "copy.db"],
        ["restore", "week.db", "--db", "other.db"],
        ["export", "outbox", "--db", "week.db", "--out", "out.csv"],
        ["export", "outbox", "--db", "week.db", "--out", "out.xlsx"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
@pytest.mark.parametrize("limit", [200, 4096])
def test_a_disk_that_fills_up_leaves_nothing_half_written(tmp_path: Path, arguments: list[str], limit: int) -> None:
    conn = sqlite3.connect(two_weeks(tmp_path))
    conn.execute("PRAGMA journal_mode=DELETE")  # reading it then needs no file of its own
    conn.close()
    for name in ("copy.db", "out.csv", "out.xlsx"):
        (tmp_path / name).write_text("老的", encoding="utf-8")
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    absolute = [str(tmp_path / one) if one.endswith((".db", ".csv", ".xlsx")) else one for one in arguments]
    done = on_a_small_disk(limit, *absolute)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert "磁盘" in done.stderr
    assert {
        one.name: one.read_bytes() for one in tmp_path.iterdir() if not one.name.endswith(("-shm", "-wal"))
    } == before
