"""A database with a long past: interactions, check-ins, points and replies of the same shape as the load's, fast."""

import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bot.bench.load import MEMBERS, Ids, event_id, luck_of, member_of, name_of
from bot.world import RealWorld, to_ms
from storage.database import Database

DAYS = 300
PIECE = 50_000
_SHOP = "house:check_in"
_INTERACTION = (
    "INSERT INTO interaction (id, kind, at, channel, group_id, member_id, text, route) VALUES (?,?,?,?,?,?,?,?)"
)
_OUTBOX = (
    "INSERT INTO outbox (key, sort, channel, group_id, phrase, slots, event_id, because, created_at, not_before,"
    " expires_at, state, attempts, text, settled_at)"
    " VALUES (?,'reply','pipe',?,?,?,?,?,?,?,?,'sent',1,'早呀，签到成功，积分到账。',?)"
)


def write_history(db: Path, interactions: int, crowds: int, ids: Ids) -> None:
    """Fills a new database: members of so many crowds talked for 300 days; one message in nine is a check-in."""
    Database.open(db, "off").close()
    conn = sqlite3.connect(db, isolation_level=None)
    conn.execute("PRAGMA synchronous=OFF")
    conn.execute("PRAGMA cache_size=-400000")
    try:
        people = [(*member_of(crowd, member), name_of(member)) for crowd in range(crowds) for member in range(MEMBERS)]
        first = RealWorld().now() - timedelta(days=DAYS)
        started = to_ms(first)
        conn.execute("BEGIN")
        conn.executemany(
            "INSERT OR IGNORE INTO chat_group (group_id, channel, first_seen) VALUES (?,'pipe',?)",
            ((g, started) for g, _, _ in people),
        )
        conn.executemany(
            "INSERT INTO member (member_id, name, channel, first_seen) VALUES (?,?,'pipe',?)",
            ((member, name, started) for _, member, name in people),
        )
        conn.execute("COMMIT")
        _write(conn, people, interactions, first.date(), started, ids)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        conn.close()


def _write(
    conn: sqlite3.Connection, people: list[tuple[str, str, str]], interactions: int, first: date, started: int,
    ids: Ids,
) -> None:  # fmt: skip
    balances: dict[str, int] = {}
    checked: dict[str, date] = {}
    for start in range(0, interactions, PIECE):
        conn.execute("BEGIN")
        rows = list(_interactions(people, start, min(start + PIECE, interactions), interactions, started, ids))
        conn.executemany(_INTERACTION, rows)
        _write_check_ins(conn, rows, first, started, balances, checked)
        answered = [row for row in rows if row[7] is not None]
        conn.executemany(_OUTBOX, (
            (f"{row[0]}/0", row[4], "checkin.done", '{"name": "小满", "streak": 1}', row[0], "回应 message", row[2],
             row[2], row[2] + 600_000, row[2] + 20) for row in answered
        ))  # fmt: skip
        conn.execute("COMMIT")


def _interactions(
    people: list[tuple[str, str, str]], start: int, stop: int, of: int, started: int, ids: Ids
) -> Iterator[tuple[Any, ...]]:
    for number in range(start, stop):
        digest = luck_of(number)
        luck = int.from_bytes(digest[10:], "big")
        group, member, _ = people[luck % len(people)]
        at = started + number * DAYS * 86_400_000 // of
        kind = luck % 100
        text, route = (
            ("签到", "checkin.check_in") if kind < 11
            else ("怎么退款", "faq.answer") if kind < 18
            else (f"今天在路上想起上次聚会了，哈哈{luck % 97}", None)
        )  # fmt: skip
        yield event_id(number, digest, ids), "message", at, "pipe", group, member, text, route


def _write_check_ins(
    conn: sqlite3.Connection, rows: list[tuple[Any, ...]], first: date, started: int, balances: dict[str, int],
    checked: dict[str, date],
) -> None:  # fmt: skip
    """The first 签到 of a member and day is a check-in with its points."""
    days: list[tuple[Any, ...]] = []
    movements: list[tuple[Any, ...]] = []
    entries: list[tuple[Any, ...]] = []
    (number,) = conn.execute("SELECT coalesce(max(id), 0) FROM movement").fetchone()
    for event, _, at, _, group, member, text, _ in rows:
        day = first + timedelta(days=(at - started) // 86_400_000)
        if text != "签到" or checked.get(member) == day:
            continue
        checked[member] = day
        number += 1
        days.append((group, member, day.isoformat(), at, event))
        movements.append((number, f"check_in/{event}", at, event, group))
        for account, amount in ((_SHOP, -5), (f"member:{member}", 5)):
            balances[account] = balances.get(account, 0) + amount
            entries.append((number, account, amount, balances[account]))
    conn.executemany(
        "INSERT INTO check_in (group_id, member_id, day, at, kind, streak, event_id) VALUES (?,?,?,?,'own',1,?)", days
    )
    conn.executemany(
        "INSERT INTO movement (id, key, at, event_id, cause, group_id) VALUES (?,?,?,?,'签到',?)", movements
    )
    conn.executemany(
        "INSERT INTO entry (movement_id, account, asset, amount, balance) VALUES (?,?,'points',?,?)", entries
    )
