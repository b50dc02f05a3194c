"""Promises of the staff desk: a changed setting is what its newest change says; no digest without its week."""

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial

Found = Iterator[tuple[str, str]]

_QUESTIONS = {
    "setting_change_lost": "SELECT '审计 ' || c.audit_id, c.group_id || ' 的 ' || c.key || ' 不是最后一次改成的值'"
    " FROM setting_change c LEFT JOIN group_setting s ON s.group_id = c.group_id AND s.key = c.key"
    " WHERE c.after IS NOT s.value AND c.audit_id = (SELECT max(l.audit_id) FROM setting_change l"
    " WHERE l.group_id = c.group_id AND l.key = c.key)",
    "digest_without_week": "SELECT '发件箱 ' || o.key, '周报发了，却没有记下是哪一周' FROM outbox o"
    " WHERE o.phrase = 'digest.week' AND NOT EXISTS (SELECT 1 FROM digest_sent d WHERE d.event_id = o.event_id)",
}


def _ask(sql: str, conn: sqlite3.Connection) -> Found:
    yield from ((str(where), str(what)) for where, what in conn.execute(sql))


STAFFDESK_RULES: dict[str, Callable[[sqlite3.Connection], Found]] = {
    name: partial(_ask, sql) for name, sql in _QUESTIONS.items()
}
"""Rule -> what breaks it."""
