"""What the tests of `yuanzi fsck` share: a database that is clean, and which promises a few statements break on it."""

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from storage.fsck import check
from tests.conftest import Room, a_config

Conn = sqlite3.Connection
Break = Callable[[Conn], object]


def lived(path: Path, changes: Mapping[str, Any], play: Callable[[Room], Awaitable[object]], **more: Any) -> bytes:
    """A database after a play with these settings: whole and clean, ready to be written down elsewhere."""

    async def live() -> None:
        room = Room(lambda: a_config(changes), path, **more)
        await room.open()
        await play(room)
        await room.close()

    asyncio.run(live())
    assert check(path).violations == []
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()
    return path.read_bytes()


def copied(folder: Path, clean: bytes) -> Path:
    """A copy to break."""
    path = folder / "broken.db"
    path.write_bytes(clean)
    return path


def broken(path: Path, work: Break) -> list[str]:
    """The rules that are named after somebody worked on the file without any of its guards."""
    conn = sqlite3.connect(path, isolation_level=None)
    try:
        work(conn)
    finally:
        conn.close()
    return sorted({one.rule for one in check(path).violations})


def sql(*statements: str) -> Break:
    """Statements, each of which must change something."""

    def work(conn: Conn) -> None:
        for statement in statements:
            assert conn.execute(statement).rowcount != 0, statement

    return work


def both(*works: Break) -> Break:
    def work(conn: Conn) -> None:
        for one in works:
            one(conn)

    return work


def unguarded(table: str, *statements: str) -> Break:
    """Works on a table that has lost its unique keys."""

    def work(conn: Conn) -> None:
        (create,) = conn.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        loose = re.sub(r" UNIQUE|,\s*PRIMARY KEY \([^)]*\)|, WITHOUT ROWID", "", create)
        columns = ",".join(row[1] for row in conn.execute(f"PRAGMA table_info({table})"))
        conn.execute("PRAGMA legacy_alter_table=ON")
        conn.execute(f"ALTER TABLE {table} RENAME TO old")
        conn.execute(loose)
        conn.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM old")
        conn.execute("DROP TABLE old")
        sql(*statements)(conn)

    return work
