"""`yuanzi restore`: puts a proven backup in the place of the database, and keeps the old one beside it."""

import argparse
import contextlib
import fcntl
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from bot.commands.backup import sweep
from bot.commands.fsck import add_database, database_of, tell_problems
from storage.database import LockedError, StorageError, copy_to
from storage.fsck import check

_SHARED_FIRST, _SHARED_SIZE = 0x40000002, 510
"""The bytes of a database file on which SQLite keeps its shared locks (https://www.sqlite.org/fileformat2.html)."""


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi restore`."""
    parser.add_argument("backup", type=Path, metavar="备份文件", help="yuanzi backup 写的文件")
    add_database(parser)
    parser.add_argument("--anyway", action="store_true", help="备份核对没通过也恢复：没有更好的备份时才用")
    parser.epilog = "先停下元子再恢复。备份先核对（同 fsck）；原来的数据库留在旁边，后缀 .before-restore，不会丢。"


def run(args: argparse.Namespace) -> int:
    """Proves the backup, swaps it in, proves the result. 1 when that fails, 2 when the wish cannot be."""
    db = database_of(args)
    if args.backup.resolve() == db.resolve():
        sys.stderr.write(f"备份 {args.backup} 就是要恢复的数据库本身，换一个备份文件\n")
        return 2
    report = check(args.backup)
    if not report.is_clean and not args.anyway:
        tell_problems(report, f"备份 {args.backup} 核对没通过，没有恢复")
        sys.stderr.write("换一份备份；实在没有更好的，加 --anyway。\n")
        return 1
    try:
        kept = swap_in(args.backup, db)
    except OSError as error:
        raise StorageError(f"恢复 {db} 没有成功：{error.strerror}。原来的数据库没有动。") from error
    report = check(db)
    if not report.is_clean:
        tell_problems(report, f"{db} 恢复后核对没通过")
        return 1
    where = f"原来的留在 {kept}" if kept else "原来没有数据库"
    sys.stdout.write(f"已恢复到 {db}，核对无误：{report.events} 件互动，{report.check_ins} 次签到。{where}。\n")
    return 0


def swap_in(backup: Path, db: Path) -> Path | None:
    """Puts a copy of the backup in the place of `db`. Returns where the old one is now.

    Raises StorageError and OSError.
    """
    db = db.resolve()  # where a symbolic link leads, so that the link stays
    fresh = db.with_name(f"{db.name}.restoring")
    with _held(db):
        try:
            copy_to(backup, fresh)
            kept = None
            if db.exists():
                shutil.copymode(db, fresh)
                kept = _free_name(db)
                _keep(db, kept)
            fresh.replace(db)
            _make_durable(db.parent)
        finally:
            sweep(fresh)
    return kept


@contextlib.contextmanager
def _held(db: Path) -> Iterator[None]:
    """Holds the database so that nobody else writes; what waits in its -wal goes into the file. Raises LockedError
    when somebody has it open."""
    if not db.exists():
        yield
        return
    conn = sqlite3.connect(db, timeout=0.5, isolation_level=None)
    try:
        try:
            # Leaving WAL takes the whole file for oneself, which fails while a running bot has it open.
            conn.execute("PRAGMA journal_mode=DELETE")
            conn.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            conn.close()
            if "locked" in str(error) or "busy" in str(error) or _is_open_elsewhere(db):
                raise LockedError(f"数据库 {db} 正在被使用，没有恢复。先停下元子，再试一次。") from error
            # The old file is too broken to be opened: that is what restoring is for. It is kept as it is.
        yield
    finally:
        conn.close()


def _is_open_elsewhere(db: Path) -> bool:
    """Whether another process holds a lock on a file that SQLite itself can no longer read."""
    try:
        with db.open("rb+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
    except BlockingIOError:
        return True
    return False


def _free_name(db: Path) -> Path:
    """`x.db.before-restore`, or the next number when an earlier restore left one."""
    names = (db.with_name(f"{db.name}.before-restore{'' if n == 1 else f'-{n}'}") for n in range(1, 10_000))
    return next(name for name in names if not name.exists())


def _keep(db: Path, kept: Path) -> None:
    """Leaves the old database under its new name; its own name goes on existing until the backup takes it."""
    for end in ("-wal", "-shm", "-journal"):
        # Left by a broken file; beside a restored one they would be replayed into it.
        aside = db.with_name(db.name + end)
        if aside.exists():
            aside.replace(kept.with_name(kept.name + end))
    try:
        os.link(db, kept)
    except OSError:
        shutil.copy2(db, kept)  # a file system without hard links


def _make_durable(directory: Path) -> None:
    number = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
