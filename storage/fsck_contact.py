"""What fsck asks about contact: budgets kept as recorded, nothing sent against its verdict, no post sent twice."""

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial

Found = Iterator[tuple[str, str]]
_ARRIVED = "state IN ('sending', 'sent', 'unknown')"


def _ask(sql: str, conn: sqlite3.Connection) -> Found:
    yield from ((str(where), str(what)) for where, what in conn.execute(sql))


def _budgets(conn: sqlite3.Connection) -> Found:
    """Never more lines of a budget in a day, or in seven, than the limit that was in force when the last one left."""
    for place, private in (("group_id", ""), ("member_id", "AND e.group_id IS NULL")):
        rows = conn.execute(
            f"SELECT e.{place}, CASE WHEN e.group_id IS NULL AND e.class <> 'reminder' THEN 'campaign'"
            " ELSE e.class END,"
            " julianday(e.day), e.at, e.line, e.day_limit, e.week_limit FROM exposure e JOIN outbox o ON o.key = e.line"
            f" WHERE e.{place} IS NOT NULL AND e.day IS NOT NULL AND o.{_ARRIVED} {private} ORDER BY 1, 2, 4, 5"
        )
        owner: tuple[str, str] | None = None
        days: list[float] = []
        for who, klass, day, _, line, day_limit, week_limit in rows:
            if owner != (who, klass):
                owner, days = (who, klass), []
            days = [one for one in days if one > day - 7] + [day]
            today = sum(one == day for one in days)
            week = sum(one <= day for one in days)
            for count, limit, window in ((today, day_limit, "一天"), (week, week_limit, "7 天")):
                if limit is not None and count > limit:
                    yield f"发件箱 {line}", f"{who} 的 {klass} {window}里第 {count} 条，当时的上限是 {limit}"


_QUESTIONS = {
    "contact_uncounted": "SELECT '发件箱 ' || o.key, '没人要的话发出去了，却没有记进触达' FROM outbox o"
    " JOIN exposure e ON e.line = o.key WHERE o.sort IN ('campaign', 'reminder')"
    f" AND o.{_ARRIVED} AND e.day IS NULL",
    "contact_against_verdict": "SELECT '发件箱 ' || o.key, '判了 ' || e.verdict || '（' || e.rule || '），却发出去了'"
    f" FROM outbox o JOIN exposure e ON e.line = o.key WHERE o.{_ARRIVED} AND e.verdict IN"
    " ('later', 'merged', 'held', 'expired', 'never')",
    "contact_verdict_without_reason": "SELECT '发件箱 ' || line, '判了 ' || verdict || '，没有写规则或原因'"
    " FROM exposure WHERE verdict IN ('later', 'merged', 'held', 'expired', 'never') AND (rule = '' OR why = '')",
    "contact_class": "SELECT '发件箱 ' || e.line, '记的是 ' || e.sort || '，发件箱是 ' || o.sort FROM exposure e"
    " JOIN outbox o ON o.key = e.line WHERE e.sort <> o.sort OR coalesce(e.group_id, '') <> coalesce(o.group_id, '')"
    " OR coalesce(e.member_id, '') <> coalesce(o.member_id, '')",
    "handover_twice": "SELECT '成员 ' || member_id, '同时有 ' || count(*) || ' 次转人工' FROM handover"
    " WHERE ended_at IS NULL GROUP BY member_id HAVING count(*) > 1",
}

CONTACT_RULES: dict[str, Callable[[sqlite3.Connection], Found]] = {
    "contact_budget": _budgets,
    **{name: partial(_ask, sql) for name, sql in _QUESTIONS.items()},
}
