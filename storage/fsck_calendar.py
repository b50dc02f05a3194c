"""Promises of the calendar, proven on real data: nothing waits for ever, nothing is said twice."""

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import quote

Found = Iterator[tuple[str, str]]

_QUESTIONS = {
    "late_post_forgotten": "SELECT beat || ' ' || group_id || ' ' || due, '等着' || CASE state WHEN 'ask' THEN '回话'"
    " ELSE '并入下一条' END || '，却没有到期的闹钟' FROM late_post l WHERE state IN ('ask', 'merge')"
    " AND NOT EXISTS (SELECT 1 FROM wake w WHERE w.topic = 'late' AND w.key = CAST(l.id AS TEXT))",
    "late_post_and_missed": "SELECT l.beat || ' ' || l.group_id || ' ' || l.due, '发了，又记成漏发' FROM late_post l"
    " JOIN missed m ON m.beat = l.beat AND m.group_id = l.group_id AND m.due = l.due"
    " WHERE l.state IN ('late', 'merged', 'merge', 'ask')",
    "step_without_start": "SELECT beat || ' ' || member_id || ' ' || since, '没有起因（加好友、进群、购买）'"
    " FROM sequence_step s WHERE NOT EXISTS (SELECT 1 FROM sequence_start b WHERE b.member_id = s.member_id"
    " AND b.group_id = s.group_id AND b.at = s.since)",
    "task_forgotten": "SELECT '任务 ' || id, '还开着、也没提醒满，却没有闹钟' FROM task t WHERE state = 'open'"
    " AND reminders < 3 AND NOT EXISTS (SELECT 1 FROM wake w WHERE w.topic = 'task' AND w.key = CAST(t.id AS TEXT))",
}


def _ask(sql: str, conn: sqlite3.Connection) -> Found:
    yield from ((str(where), str(what)) for where, what in conn.execute(sql))


def _step_forgotten(conn: sqlite3.Connection) -> Found:
    """Ids stand in the key of a wake-up as in an address (bot/sequences.py), which SQL cannot write."""
    alarms = {row[0] for row in conn.execute("SELECT key FROM wake WHERE topic = 'sequence'")}
    waiting = "SELECT beat, since, group_id, member_id FROM sequence_step WHERE state = 'waiting'"
    for beat, since, group_id, member_id in conn.execute(waiting):
        if f"{beat}/{since}/{quote(group_id, safe='')}/{quote(member_id, safe='')}" not in alarms:
            yield f"{beat} {member_id} {since}", "等着到点，却没有闹钟"


CALENDAR_RULES: dict[str, Callable[[sqlite3.Connection], Found]] = {
    "step_forgotten": _step_forgotten,
    **{name: partial(_ask, sql) for name, sql in _QUESTIONS.items()},
}
"""Rule -> what breaks it."""
