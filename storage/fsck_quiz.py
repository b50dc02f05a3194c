"""Promises of the quiz, proven on real data: what was scored was paid, in the order in which answers came."""

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial

Found = Iterator[tuple[str, str]]


def _ask(sql: str, conn: sqlite3.Connection) -> Found:
    yield from ((str(where), str(what)) for where, what in conn.execute(sql))


_PAID = """
SELECT substr(e.account, 8) AS member_id, m.key, e.amount FROM movement m
 JOIN entry e ON e.movement_id = m.id AND e.amount > 0 AND e.asset = 'points'
 WHERE m.key >= 'game/' AND m.key < 'game0' AND m.reverses IS NULL
 AND NOT EXISTS (SELECT 1 FROM movement r WHERE r.reverses = m.id)"""
_WHERE = "'第 ' || a.session_id || ' 局第 ' || a.number || ' 题'"

_PLACE = (
    "(1 + (SELECT count(*) FROM quiz_answer b WHERE b.session_id = a.session_id AND b.number = a.number"
    " AND b.is_right = 1 AND b.place < a.place))"
)

_QUESTIONS = {
    "quiz_two_winners": f"SELECT {_WHERE}, '抢答却有 ' || count(*) || ' 人得分' FROM quiz_answer a"
    " WHERE a.race = 1 AND a.rank IS NOT NULL GROUP BY a.session_id, a.number HAVING count(*) > 1",
    "quiz_order": f"SELECT {_WHERE}, a.member_id || ' 排第 ' || a.rank || '，按答对的先后应排第 ' || {_PLACE}"
    f" FROM quiz_answer a WHERE a.rank IS NOT NULL AND a.rank <> {_PLACE}",
    "quiz_answer_without_event": f"SELECT {_WHERE}, '作答的事件 ' || a.event_id || ' 不在互动记录里' FROM quiz_answer a"
    " WHERE NOT EXISTS (SELECT 1 FROM interaction i WHERE i.id = a.event_id)",
    "quiz_open_and_scored": f"SELECT {_WHERE}, '还没结束就有得分' FROM quiz_answer a JOIN quiz_question q"
    " ON q.session_id = a.session_id AND q.number = a.number WHERE a.rank IS NOT NULL"
    " AND (q.closed_at IS NULL OR q.void = 1)",
    "quiz_left_open": "SELECT '第 ' || q.session_id || ' 局第 ' || q.number || ' 题', '这一局结束了，题还开着'"
    " FROM quiz_question q JOIN game_session s ON s.id = q.session_id WHERE q.closed_at IS NULL"
    " AND s.status <> 'open'",
}  # fmt: skip


def _points(conn: sqlite3.Connection) -> Found:
    """For every question and member: the points written down are the points that the ledger paid and kept.

    A payment that staff took back by hand (撤销) has no standing movement; then nothing but its reversal may be there.
    """
    paid: dict[tuple[str, str, str], int] = {}
    for member, key, amount in conn.execute(_PAID):
        parts = key.split("/")
        if len(parts) >= 4 and parts[2][:1] == "q" and parts[2][1:].isdecimal():
            where = (parts[1], parts[2][1:], member)
            paid[where] = paid.get(where, 0) + amount
    for session, number, member, points in conn.execute(
        "SELECT session_id, number, member_id, points FROM quiz_answer WHERE points > 0 ORDER BY session_id, number"
    ):
        booked = paid.pop((str(session), str(number), member), 0)
        if booked != points and not (booked == 0 and _taken_back(conn, session, number, member)):
            yield f"第 {session} 局第 {number} 题 {member}", f"记了 {points} 分，账上有效的是 {booked} 分"
    quizzes = {str(row[0]) for row in conn.execute("SELECT id FROM game_session WHERE game = 'quiz'")}
    for (one, question, member), amount in sorted(paid.items()):
        if one in quizzes:
            yield f"第 {one} 局第 {question} 题 {member}", f"账上有 {amount} 分，这一题却没有得分"


def _taken_back(conn: sqlite3.Connection, session: int, number: int, member: str) -> bool:
    prefix = f"game/{session}/q{number}/"
    row = conn.execute(
        "SELECT 1 FROM movement m JOIN entry e ON e.movement_id = m.id AND e.amount > 0 AND e.account = ?"
        " JOIN movement r ON r.reverses = m.id WHERE m.key >= ? AND m.key < ?",
        (f"member:{member}", prefix, prefix + "\U0010ffff"),
    ).fetchone()
    return row is not None


QUIZ_RULES: dict[str, Callable[[sqlite3.Connection], Found]] = {
    "quiz_points": _points,
    **{name: partial(_ask, sql) for name, sql in _QUESTIONS.items()},
}
"""Name -> rule, for storage/fsck.py."""
