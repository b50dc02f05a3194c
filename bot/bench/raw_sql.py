"""What the bot is compared with: plain sqlite3, one commit per message (the floor), and the bot's own SQL in groups
without the bot (the ceiling)."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from bot.bench.run import Run, queue_up

Statement = tuple[str, Any, bool]
"""SQL, its values, and whether they are many rows."""
Script = list[Statement]
FACT = "INSERT INTO interaction ("
"""Every event begins with this statement."""


class Recording(sqlite3.Connection):
    """A connection that notes what is executed while `script` is a list."""

    script: Script | None = None

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if self.script is not None:
            self.script.append((sql, parameters, False))
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        rows = list(parameters)
        if self.script is not None:
            self.script.append((sql, rows, True))
        return super().executemany(sql, rows)


def connect(db: Path) -> sqlite3.Connection:
    """A connection with the pragmas of storage/database.py."""
    conn = sqlite3.connect(db, isolation_level=None, cached_statements=512)
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-8000",
        "wal_autocheckpoint=4000",
    ):
        conn.execute(f"PRAGMA {pragma}")
    return conn


def floor(db: Path, in_flight: int, messages: int, seconds: float) -> Run:
    """One message, one full commit: a log row, a check-in that is unique, points added up, and the sum read back."""
    conn = connect(db)
    conn.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, event TEXT UNIQUE, member TEXT, at INTEGER, text TEXT)")
    conn.execute("CREATE TABLE check_in (member TEXT, day TEXT, at INTEGER, PRIMARY KEY (member, day)) WITHOUT ROWID")
    conn.execute("CREATE TABLE points (member TEXT PRIMARY KEY, sum INTEGER NOT NULL) WITHOUT ROWID")

    def message(number: int) -> None:
        member, day = f"member-{number % 2_000}", f"day-{number // 2_000}"
        conn.execute("BEGIN IMMEDIATE")
        conn.execute(
            "INSERT INTO log (event, member, at, text) VALUES (?,?,?,?)", (f"event-{number}", member, number, "签到")
        )
        conn.execute("INSERT INTO check_in VALUES (?,?,?) ON CONFLICT DO NOTHING", (member, day, number))
        conn.execute("INSERT INTO points VALUES (?, 5) ON CONFLICT DO UPDATE SET sum = sum + 5", (member,))
        conn.execute("SELECT sum FROM points WHERE member = ?", (member,)).fetchone()
        conn.execute("COMMIT")

    try:
        return queue_up(in_flight, range(messages), message, seconds)
    finally:
        conn.close()


def floor_of_script(db: Path, start: Path, script: Script, in_flight: int, messages: int, seconds: float) -> Run:
    """The bot's own statements, one message, one full commit."""
    shutil.copyfile(start, db)
    conn = connect(db)

    def message(statements: Script) -> None:
        conn.execute("BEGIN IMMEDIATE")
        for statement in statements:
            _execute(conn, statement)
        conn.execute("COMMIT")

    pieces = (piece for _, piece in zip(range(messages), _message_by_message(script), strict=False))
    try:
        return queue_up(in_flight, pieces, message, seconds)
    finally:
        conn.close()


def ceiling(db: Path, start: Path, script: Script) -> Run:
    """The bot's own statements in the bot's own transactions, and nothing else."""
    shutil.copyfile(start, db)
    conn = connect(db)
    try:
        began = perf_counter()
        for statement in script:
            _execute(conn, statement)
        taken = perf_counter() - began
    finally:
        conn.close()
    return Run(messages_in(script), taken, [])


def messages_in(script: Script) -> int:
    """How many events a script records."""
    return sum(sql.startswith(FACT) for sql, _, _ in script)


def per_commit(script: Script) -> float:
    """How many events share one commit."""
    return messages_in(script) / max(1, sum(sql == "COMMIT" for sql, _, _ in script))


def _execute(conn: sqlite3.Connection, statement: Statement) -> None:
    sql, values, many = statement
    cursor = conn.executemany(sql, values) if many else conn.execute(sql, values)
    if cursor.description is not None:
        cursor.fetchall()


def _message_by_message(script: Script) -> Iterator[Script]:
    piece: Script = []
    for statement in script:
        if statement[0].startswith(FACT) and piece:
            yield piece
            piece = []
        if statement[0] not in {"BEGIN IMMEDIATE", "COMMIT"}:
            piece.append(statement)
    yield piece
