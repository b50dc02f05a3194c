"""`yuanzi backup` and `yuanzi restore`: copies that are proven, and a way back that loses nothing."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.commands.backup import dated
from bot.world import VirtualWorld
from storage.database import Database
from storage.fsck import check
from tests.test_storage_week import two_weeks

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def week(tmp_path: Path) -> Path:
    return two_weeks(tmp_path)


def backup(db: Path, to: object) -> int:
    return main(["backup", "--db", str(db), "--to", str(to)])


def restore(copy: Path, db: Path, *more: str) -> int:
    return main(["restore", str(copy), "--db", str(db), *more])


def count(path: Path, table: str = "interaction") -> int:
    conn = sqlite3.connect(path)
    try:
        return int(conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        conn.close()


def forget_everything(path: Path) -> None:
    conn = sqlite3.connect(path)
    with conn:
        conn.execute("DELETE FROM outbox")
        conn.execute("DELETE FROM interaction")
    conn.close()


def break_a_promise(path: Path) -> None:
    conn = sqlite3.connect(path)
    with conn:
        conn.execute("UPDATE check_in SET streak = 77 WHERE streak = 1")
    conn.close()


# -- backup ----------------------------------------------------------------------------------------------------------


def test_a_backup_holds_everything_and_says_so(week: Path, tmp_path: Path, capfd: Capture) -> None:
    week.chmod(0o600)
    assert backup(week, tmp_path / "new" / "copy.db") == 0
    copy = tmp_path / "new" / "copy.db"
    assert "核对无误" in capfd.readouterr().out
    assert check(copy) == check(week)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in copy.parent.iterdir()] == ["copy.db"]


def test_a_backup_into_a_directory_is_named_after_the_moment(week: Path, tmp_path: Path) -> None:
    assert backup(week, f"{tmp_path / 'kept'}/") == 0
    assert backup(week, tmp_path / "kept") == 0
    names = sorted(one.name for one in (tmp_path / "kept").iterdir())
    assert len(names) == 2
    assert all(name.startswith("yuanzi-2") and name.endswith(".db") for name in names)


def test_the_name_of_a_backup_is_in_chinese_time_and_never_taken(tmp_path: Path) -> None:
    world = VirtualWorld(datetime.fromisoformat("2026-12-02T23:30:00+00:00"))
    first = dated(tmp_path, world)
    assert first.name == "yuanzi-20261203-073000.db"
    first.touch()
    assert dated(tmp_path, world).name == "yuanzi-20261203-073000-2.db"


def test_a_backup_while_somebody_writes_is_one_consistent_moment(tmp_path: Path) -> None:
    db = two_weeks(tmp_path)
    before = count(db)
    started, enough = threading.Event(), threading.Event()

    def write() -> None:
        database = Database.open(db, "off")
        number = 0
        while not enough.is_set():
            database.begin()
            for _ in range(20):  # every event with its line: half of a transaction would be an orphan
                database.execute(
                    "INSERT INTO outbox (key, sort, channel, group_id, phrase, slots, event_id, because, created_at,"
                    " not_before, expires_at, state) VALUES (?, 'reply', 'x', 'g', 'p', '{}', ?, 'b', 0, 0, 0, 'held')",
                    (f"w{number}/0", f"w{number}"),
                )
                database.execute(
                    "INSERT INTO interaction (id, kind, at, channel) VALUES (?, 'message', 0, 'x')", (f"w{number}",)
                )
                number += 1
            database.commit()
            started.set()
        database.close()

    writer = threading.Thread(target=write)
    writer.start()
    started.wait()
    try:
        results = [backup(db, tmp_path / f"copy{number}.db") for number in range(5)]
    finally:
        enough.set()
        writer.join()
    assert results == [0] * 5
    assert count(tmp_path / "copy0.db") > before


def test_what_only_the_log_of_a_killed_bot_holds_is_backed_up(week: Path, tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom storage.database import Database\n"
        "db = Database.open(Path(sys.argv[1]), 'full')\n"
        "db.execute(\"INSERT INTO interaction (id, kind, at, channel) VALUES ('last', 'message', 0, 'x')\")\n"
        "os._exit(9)\n"
    )
    before = count(week)
    assert subprocess.run([sys.executable, "-c", script, str(week)], check=False).returncode == 9
    assert week.with_name("week.db-wal").stat().st_size > 0
    assert backup(week, tmp_path / "copy.db") == 0
    assert count(tmp_path / "copy.db") == before + 1


def test_a_copy_that_breaks_a_promise_never_replaces_a_good_backup(week: Path, tmp_path: Path, capfd: Capture) -> None:
    copy = tmp_path / "copy.db"
    assert backup(week, copy) == 0
    good = copy.read_bytes()
    break_a_promise(week)
    assert backup(week, copy) == 1
    assert copy.read_bytes() == good
    err = capfd.readouterr().err
    assert "streaks" in err
    assert "copy.db.unproven" in err
    assert check(tmp_path / "copy.db.unproven").violations


def test_a_backup_onto_itself_is_refused(week: Path) -> None:
    before = week.read_bytes()
    assert backup(week, week) == 2
    assert week.read_bytes() == before


def test_no_database_no_backup(tmp_path: Path, capfd: Capture) -> None:
    assert backup(tmp_path / "none.db", tmp_path / "copy.db") == 1
    assert "找不到" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


# -- restore ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(week: Path, tmp_path: Path) -> Path:
    path = tmp_path / "copy.db"
    assert backup(week, path) == 0
    return path


def test_restoring_brings_everything_back_and_keeps_the_old_database(week: Path, copy: Path, capfd: Capture) -> None:
    forget_everything(week)
    assert restore(copy, week) == 0
    assert "核对无误" in capfd.readouterr().out
    assert check(week) == check(copy)
    assert count(week.with_name("week.db.before-restore")) == 0
    assert not list(week.parent.glob("*.restoring*"))


def test_a_second_restore_does_not_overwrite_what_the_first_kept(week: Path, copy: Path) -> None:
    forget_everything(week)
    assert restore(copy, week) == 0
    assert restore(copy, week) == 0
    assert count(week.with_name("week.db.before-restore")) == 0
    assert count(week.with_name("week.db.before-restore-2")) > 0


def test_the_bot_goes_on_with_a_restored_database(week: Path, copy: Path) -> None:
    assert restore(copy, week) == 0
    database = Database.open(week)
    database.execute("INSERT INTO interaction (id, kind, at, channel) VALUES ('on', 'message', 0, 'x')")
    database.close()
    assert count(week) == count(copy) + 1


def test_where_nothing_was_the_backup_simply_arrives(copy: Path, tmp_path: Path, capfd: Capture) -> None:
    assert restore(copy, tmp_path / "new" / "bot.db") == 0
    assert "原来没有数据库" in capfd.readouterr().out
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["bot.db"]


def test_a_database_that_a_bot_has_open_is_left_alone(week: Path, copy: Path, capfd: Capture) -> None:
    bot = Database.open(week, "off")  # idle, but there
    try:
        assert restore(copy, week) == 1
        assert "先停下元子" in capfd.readouterr().err
        assert not week.with_name("week.db.before-restore").exists()
        bot.execute("INSERT INTO interaction (id, kind, at, channel) VALUES ('on', 'message', 0, 'x')")
    finally:
        bot.close()
    assert restore(copy, week) == 0


def test_the_log_of_the_old_database_stays_with_it(week: Path, copy: Path) -> None:
    before = count(week)
    database = Database.open(week, "off")
    database.execute("INSERT INTO interaction (id, kind, at, channel) VALUES ('last', 'message', 0, 'x')")
    for end in ("", "-wal", "-shm"):
        shutil.copy(f"{week}{end}", f"{week}.killed{end}")  # as a killed bot leaves it
    database.close()
    killed = week.with_name("week.db.killed")
    assert restore(copy, killed) == 0
    assert count(killed) == before
    assert count(killed.with_name("week.db.killed.before-restore")) == before + 1
    assert sorted(one.name for one in week.parent.glob("week.db.killed*")) == [
        "week.db.killed", "week.db.killed.before-restore",
    ]  # fmt: skip


@pytest.mark.parametrize("damage", [b"", b"not a database" * 999])
def test_a_broken_database_is_what_restoring_is_for(week: Path, copy: Path, damage: bytes) -> None:
    week.write_bytes(damage)
    week.with_name("week.db-wal").write_bytes(b"stale")
    week.with_name("week.db-shm").write_bytes(b"stale")
    assert restore(copy, week) == 0
    assert check(week).is_clean
    assert week.with_name("week.db.before-restore").exists()


def test_a_broken_database_that_a_bot_still_has_open_is_left_alone(week: Path, copy: Path, capfd: Capture) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom storage.database import Database\n"
        "db = Database.open(Path(sys.argv[1]), 'off')\nprint('open', flush=True)\n"
        "sys.stdin.read()\nimport os; os._exit(0)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(week)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as bot:
        assert bot.stdout is not None
        assert bot.stdout.readline() == b"open\n"
        with week.open("rb+") as file:
            file.write(b"\xff" * 4096)
        assert restore(copy, week) == 1
        assert "先停下元子" in capfd.readouterr().err
        bot.communicate(b"")
    assert restore(copy, week) == 0


def test_a_backup_that_breaks_a_promise_is_not_restored_unless_one_insists(
    week: Path, copy: Path, capfd: Capture
) -> None:
    before = week.read_bytes()
    break_a_promise(copy)
    assert restore(copy, week) == 1
    assert "streaks" in capfd.readouterr().err
    assert week.read_bytes() == before
    assert restore(copy, week, "--anyway") == 1
    assert check(week).violations == check(copy).violations != []


def test_a_torn_backup_is_not_restored(week: Path, copy: Path, capfd: Capture) -> None:
    before = week.read_bytes()
    copy.write_bytes(copy.read_bytes()[:20_000])
    assert restore(copy, week) == 1
    assert "已损坏" in capfd.readouterr().err
    assert week.read_bytes() == before


def test_a_restore_from_itself_or_from_nothing_changes_nothing(week: Path, tmp_path: Path) -> None:
    before = week.read_bytes()
    assert restore(week, week) == 2
    assert restore(tmp_path / "none.db", week) == 1
    assert week.read_bytes() == before


def test_a_link_to_the_database_goes_on_pointing_to_it(week: Path, copy: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    real = tmp_path / "data" / "real.db"
    week.rename(real)
    week.symlink_to(real)
    forget_everything(real)
    assert restore(copy, week) == 0
    assert week.is_symlink()
    assert count(real) == count(copy)
