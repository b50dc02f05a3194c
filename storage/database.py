"""One SQLite file: opening it safely, migrating it, transactions and savepoints, read-only connections, backups."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from sqlite_utils import Database as Tables

from storage.schema import DESTRUCTIVE, steps

Synchronous = Literal["full", "normal", "off"]


class StorageError(Exception):
    """The file cannot be used. The message says why and what to do, in Chinese, for whoever runs the bot."""


class NewerSchemaError(StorageError):
    """A newer version of the product wrote this file."""


class LockedError(StorageError):
    """Another process is writing."""


def explain(error: sqlite3.Error, path: str | Path) -> StorageError:
    """A database error as one clear line: what happened, to which file, and what helps."""
    text = str(error).lower()
    if "locked" in text or "busy" in text:
        return LockedError(f"数据库 {path} 正被别的进程占用。看看是不是已经开着一个元子，关掉再试。")
    if "readonly" in text or "read-only" in text:
        return StorageError(f"数据库 {path} 是只读的，写不进去。检查文件和所在目录的权限。")
    if "full" in text:
        return StorageError(f"磁盘满了，{path} 写不进去。腾出空间后重新启动；没记下的话一句也没说出去。")
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return StorageError(f"数据库 {path} 已损坏。用最近一次备份恢复：yuanzi restore 备份文件 --db {path}")
    if "unable to open" in text:
        return StorageError(f"打不开数据库 {path}。检查目录是否存在、有没有权限。")
    if "disk i/o" in text:
        return StorageError(f"读写 {path} 时磁盘出错。检查磁盘；修好后重新启动，已经记下的都在。")
    return StorageError(f"数据库 {path} 出错：{error}")


class Database:
    """The one connection that writes. Use it from one task at a time.

    Transactions are explicit (`begin`, `commit`, `rollback`); `savepoint` marks a place that `undo_to` returns to.
    """

    def __init__(
        self, path: Path, conn: sqlite3.Connection, *, durable: bool = True, backup: Path | None = None
    ) -> None:
        self.path = path
        self.conn = conn
        self.durable = durable
        """Every commit waits for the disk."""
        self.execute = conn.execute
        self.executemany = conn.executemany
        self.kept_backup = backup
        """The copy that a destructive migration step left behind, if one ran."""

    @classmethod
    def open(cls, path: Path, synchronous: Synchronous = "full", wait: float = 5.0) -> "Database":
        """Opens and migrates the file. `wait`: seconds to wait for another writer. Raises StorageError."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            conn = sqlite3.connect(
                path, timeout=wait, isolation_level=None, check_same_thread=False, cached_statements=512
            )
        except (sqlite3.Error, OSError) as error:
            raise (
                explain(error, path)
                if isinstance(error, sqlite3.Error)
                else StorageError(f"打不开数据库 {path}：{error.strerror}")
            ) from error
        try:
            conn.execute("PRAGMA journal_mode=WAL")
            conn.execute(f"PRAGMA synchronous={synchronous}")
            conn.execute("PRAGMA foreign_keys=ON")
            conn.execute("PRAGMA cache_size=-8000")
            # Fewer, larger checkpoints: a checkpoint every 16 MB instead of every 4.
            conn.execute("PRAGMA wal_autocheckpoint=4000")
            backup = _migrate(path, conn)
            # A file that can be read but not written must be noticed now, not at the first message.
            conn.execute("BEGIN IMMEDIATE")
            conn.execute("INSERT OR REPLACE INTO fact VALUES ('opened', '1')")
            conn.execute("COMMIT")
        except sqlite3.Error as error:
            conn.close()
            raise explain(error, path) from error
        except StorageError:
            conn.close()
            raise
        return cls(path, conn, durable=synchronous == "full", backup=backup)

    def begin(self) -> None:
        """Starts a transaction that may write."""
        self.conn.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Makes everything since `begin` durable. May run in another thread while this one leaves the file alone."""
        self.conn.execute("COMMIT")

    def rollback(self) -> None:
        """Forgets everything since `begin`; harmless when SQLite has done it already."""
        if self.conn.in_transaction:
            self.conn.execute("ROLLBACK")

    def savepoint(self) -> None:
        """Marks the place that `undo_to` returns to."""
        self.conn.execute("SAVEPOINT event")

    def release(self) -> None:
        """Keeps what happened since the mark."""
        self.conn.execute("RELEASE event")

    def undo_to(self) -> None:
        """Takes back what happened since the mark."""
        self.conn.execute("ROLLBACK TO event")
        self.conn.execute("RELEASE event")

    def close(self) -> None:
        """Closes the file; an open transaction is forgotten."""
        self.conn.close()


def is_ours_alone(path: Path) -> bool:
    """Whether nobody else has the file open right now. A file that does not exist is nobody's."""
    if not path.is_file():
        return True
    conn = sqlite3.connect(path, timeout=0.0, isolation_level=None)
    try:
        # Leaving WAL takes the whole file for oneself; whoever opens it next enters WAL again.
        return bool(conn.execute("PRAGMA journal_mode=DELETE").fetchone()[0] == "delete")
    except sqlite3.Error:
        return False
    finally:
        conn.close()


def read_only(path: Path, *, untouched: bool = False) -> sqlite3.Connection:
    """A connection of one's own that cannot write: for exports, checks and pages. Raises StorageError.

    `untouched`: while no log lies beside the file nobody has it open; it is then read without leaving files of SQLite's
    own beside it, also from a place that cannot be written to.
    """
    if not path.is_file():
        raise StorageError(f"找不到数据库 {path}。")
    try:
        still = untouched and not path.with_name(f"{path.name}-wal").exists()
        options = "mode=ro&immutable=1" if still else "mode=ro"
        conn = sqlite3.connect(f"{path.resolve().as_uri()}?{options}", uri=True, timeout=5.0)
        conn.row_factory = sqlite3.Row
        conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise explain(error, path) from error
    return conn


def copy_to(source: Path, target: Path) -> None:
    """A consistent copy of a database that may be in use. Written beside the target first, then moved into place.

    Raises StorageError.
    """
    unfinished = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        origin = read_only(source)
        copy = sqlite3.connect(unfinished)
        try:
            origin.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
        finally:
            copy.close()
            origin.close()
        unfinished.replace(target)
    except sqlite3.Error as error:
        damaged = any(word in str(error) for word in ("malformed", "not a database"))
        raise explain(error, source if damaged else target) from error
    except OSError as error:
        raise StorageError(f"写不了 {target}：{error.strerror}") from error
    finally:
        for rest in (unfinished, unfinished.with_name(unfinished.name + "-journal")):
            rest.unlink(missing_ok=True)


def _migrate(path: Path, conn: sqlite3.Connection, backup: Callable[[Path, Path], None] = copy_to) -> Path | None:
    """Applies pending steps; keeps a copy of the file first when one of them destroys something."""
    tables = Tables(conn)
    known = {step.name for step in steps.pending(tables)} | {step.name for step in steps.applied(tables)}
    ours = {step.name for step in steps._migrations}
    newer = sorted(known - ours)
    if newer:
        raise NewerSchemaError(f"{path} 是更新版本的元子写的（{newer[-1]}）。请升级后再打开，旧版本不动它。")
    pending = [step.name for step in steps.pending(tables)]
    kept: Path | None = None
    if steps.applied(tables) and DESTRUCTIVE.intersection(pending):
        kept = path.with_name(f"{path.name}.before-{pending[0]}")
        backup(path, kept)
    if pending:
        steps.apply(tables)
    return kept
