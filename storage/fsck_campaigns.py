"""Promises about campaigns, proven on real data: skipped is not sent, approved by another, no tap forgotten."""

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial

Found = Iterator[tuple[str, str]]

_QUESTIONS = {
    "skipped_and_sent": "SELECT s.beat || ' ' || s.group_id || ' ' || s.due, '说过跳过，还是发了' FROM beat_skip s"
    " JOIN beat_send x ON x.beat = s.beat AND x.group_id = s.group_id AND x.due = s.due"
    " WHERE x.how IN ('due', 'merged')",
    "sent_while_paused": "SELECT p.beat || ' ' || p.group_id, '暂停着，还是发了' FROM beat_pause p"
    " JOIN beat_send x ON x.beat = p.beat AND x.group_id = p.group_id AND x.at > p.at",
    "approved_alone": "SELECT '待批 ' || id, '提的人自己批了' FROM approval"
    " WHERE state = 'approved' AND (decider_id IS NULL OR decider_id = proposer_id)",
    "approval_forgotten": "SELECT '待批 ' || id, '还等着，却没有到期的闹钟' FROM approval a WHERE state = 'waiting'"
    " AND NOT EXISTS (SELECT 1 FROM wake w WHERE w.topic = 'approval' AND w.key = CAST(a.id AS TEXT))",
    "tap_forgotten": "SELECT '任务 ' || task_id, '等人点发送，任务却已经关了' FROM hand_send h WHERE state = 'waiting'"
    " AND NOT EXISTS (SELECT 1 FROM task t WHERE t.id = h.task_id AND t.state = 'open')",
    "tap_counted": "SELECT '发件箱 ' || h.line, '没人点发送，却记成说过了' FROM hand_send h"
    " JOIN outbox o ON o.key = h.line"
    " WHERE h.state IN ('declined', 'expired', 'merged') AND o.state IN ('sending', 'sent', 'unknown')",
}


def _ask(sql: str, conn: sqlite3.Connection) -> Found:
    yield from ((str(where), str(what)) for where, what in conn.execute(sql))


CAMPAIGN_RULES: dict[str, Callable[[sqlite3.Connection], Found]] = {
    name: partial(_ask, sql) for name, sql in _QUESTIONS.items()
}
"""Rule -> what breaks it."""
