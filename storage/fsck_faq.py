"""Promises of the question book, proven on real data: every state has its history, every miss its cluster."""

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial

Found = Iterator[tuple[str, str]]

_QUESTIONS = {
    "faq_entry_twice": "SELECT '问题 ' || key || ' ' || coalesce(group_id, '到处'), '同时有 ' || count(*) || ' 条在用'"
    " FROM faq_entry WHERE state = 'on' GROUP BY coalesce(group_id, ''), key HAVING count(*) > 1",
    "faq_entry_without_history": "SELECT '问答 ' || e.id, '现在的样子和最后一版记录对不上' FROM faq_entry e"
    " LEFT JOIN faq_version v ON v.entry_id = e.id AND v.version = e.version WHERE v.entry_id IS NULL"
    " OR (v.question, v.similar, v.answer, v.state) IS NOT (e.question, e.similar, e.answer, e.state)",
    "faq_history_with_gaps": "SELECT '问答 ' || entry_id, '版本记录缺号' FROM faq_version GROUP BY entry_id"
    " HAVING min(version) <> 1 OR max(version) <> count(*)",
    "faq_unanswered_count": "SELECT '未答 ' || u.id, '记了 ' || u.times || ' 次，提问却有 ' || count(r.id) || ' 条'"
    " FROM faq_unanswered u JOIN faq_reply r ON r.unanswered_id = u.id GROUP BY u.id HAVING count(r.id) > u.times",
    "faq_offer_entry": "SELECT '记住 ' || o.id, '说记住了，问答里却没有' FROM faq_offer o WHERE o.state = 'taken'"
    " AND NOT EXISTS (SELECT 1 FROM faq_entry e WHERE e.id = o.entry_id)",
}  # fmt: skip


def _ask(sql: str, conn: sqlite3.Connection) -> Found:
    yield from ((str(where), str(what)) for where, what in conn.execute(sql))


FAQ_RULES: dict[str, Callable[[sqlite3.Connection], Found]] = {
    name: partial(_ask, sql) for name, sql in _QUESTIONS.items()
}
"""Rule -> what breaks it."""
