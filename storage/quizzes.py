"""Quiz: which questions a group was asked, every answer in order, what it brought, and appeals against rulings."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.database import Database


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was asked. `closed_at` is None while it can be answered; a void one counts for nobody."""

    session_id: int
    number: int
    question_id: str
    question: Mapping[str, Any]
    asked_at: int
    closed_at: int | None
    void: bool


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One answer. `ruled`: who judged it, the rule or staff. `rank` and `points` are what it brought."""

    place: int
    member_id: str
    at: int
    text: str
    right: bool
    ruled: str
    hints: int
    rank: int | None
    points: int


@dataclass(frozen=True, slots=True)
class Appeal:
    """One appeal: open, upheld or refused."""

    id: int
    session_id: int
    number: int
    member_id: str
    state: str


class Quizzes:
    """The tables `quiz_question`, `quiz_answer` and `quiz_appeal`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def ask(self, session_id: int, number: int, group_id: str, question: Mapping[str, Any], at: int) -> None:
        """Notes that a question was asked."""
        self._execute(
            "INSERT INTO quiz_question (session_id, number, group_id, question_id, question, asked_at)"
            " VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING",
            (session_id, number, group_id, question["id"], json.dumps(question, ensure_ascii=False), at),
        )

    def close(self, session_id: int, number: int, at: int, *, void: bool = False) -> None:
        """Nobody can answer it any more."""
        self._execute(
            "UPDATE quiz_question SET closed_at = ?, void = ? WHERE session_id = ? AND number = ?",
            (at, int(void), session_id, number),
        )

    def asked_since(self, group_id: str, since: int) -> set[str]:
        """Ids of the questions that a group was asked since then (ms)."""
        rows = self._execute(
            "SELECT DISTINCT question_id FROM quiz_question WHERE group_id = ? AND asked_at >= ?", (group_id, since)
        )
        return {row[0] for row in rows}

    def next_place(self, session_id: int, number: int, member_id: str) -> int | None:
        """The place that an answer of a member would have, 1 for the first; None when they gave theirs."""
        where = "FROM quiz_answer WHERE session_id = ?1 AND number = ?2"
        last, given = self._execute(
            f"SELECT (SELECT max(place) {where}), EXISTS (SELECT 1 {where} AND member_id = ?3)",
            (session_id, number, member_id),
        ).fetchone()
        return None if given else (last or 0) + 1

    def answer(
        self, session_id: int, number: int, place: int, member_id: str, *, race: bool, at: int, text: str, right: bool,
        hints: int, event_id: str,
    ) -> None:  # fmt: skip
        """Writes an answer down. A second one of the same member breaks the table's promise."""
        self._execute(
            "INSERT INTO quiz_answer (session_id, number, place, member_id, race, at, text, is_right, hints, event_id)"
            " VALUES (?,?,?,?,?,?,?,?,?,?)",
            (session_id, number, place, member_id, int(race), at, text[:200], int(right), hints, event_id),
        )

    def score(self, session_id: int, number: int, scores: Iterable[tuple[str, int, int]]) -> None:
        """What a question brought: (member, rank, points), instead of whatever was written before."""
        where = "session_id = ? AND number = ?"
        self._execute(f"UPDATE quiz_answer SET rank = NULL, points = 0 WHERE {where}", (session_id, number))
        for member_id, rank, points in scores:
            self._execute(
                f"UPDATE quiz_answer SET rank = ?, points = ? WHERE {where} AND member_id = ?",
                (rank, points, session_id, number, member_id),
            )

    def rule(self, session_id: int, number: int, member_id: str, *, right: bool) -> None:
        """Staff judged an answer themselves."""
        self._execute(
            "UPDATE quiz_answer SET is_right = ?, ruled = 'staff'"
            " WHERE session_id = ? AND number = ? AND member_id = ?",
            (int(right), session_id, number, member_id),
        )

    def asked(self, session_id: int) -> list[Asked]:
        """The questions of a session, in order."""
        rows = self._execute(
            "SELECT session_id, number, question_id, question, asked_at, closed_at, void FROM quiz_question"
            " WHERE session_id = ? ORDER BY number",
            (session_id,),
        )
        return [Asked(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5], bool(row[6])) for row in rows]

    def answers(self, session_id: int, number: int) -> list[AnswerRow]:
        """The answers to a question, in order."""
        rows = self._execute(
            "SELECT place, member_id, at, text, is_right, ruled, hints, rank, points FROM quiz_answer"
            " WHERE session_id = ? AND number = ? ORDER BY place",
            (session_id, number),
        )
        return [AnswerRow(row[0], row[1], row[2], row[3], bool(row[4]), row[5], row[6], row[7], row[8]) for row in rows]

    def right_answers(
        self, groups: Sequence[str], *, least: int, since: int, until: int
    ) -> list[tuple[str, str, int]]:  # fmt: skip
        """(member, group, at ms) of those who gave `least` right answers within a time, to questions of these groups
        that were asked in it and are closed; `at` is when they had that many."""
        marks = ",".join("?" * len(groups))
        return self._execute(
            "SELECT member_id, group_id, at FROM (SELECT a.member_id, q.group_id, a.at, a.session_id, a.number,"
            " a.place, row_number() OVER (PARTITION BY a.member_id ORDER BY a.at, a.session_id, a.number) AS nth"
            " FROM quiz_question q JOIN quiz_answer a ON a.session_id = q.session_id AND a.number = q.number"
            f" WHERE q.group_id IN ({marks}) AND q.asked_at >= ? AND q.asked_at < ? AND q.closed_at IS NOT NULL"
            " AND q.void = 0 AND a.is_right = 1 AND a.at < ?) AS given WHERE nth = ?"
            " ORDER BY at, session_id, number, place",
            (*groups, since, until, until, least),
        ).fetchall()

    def last_wrong(self, group_id: str, member_id: str, number: int | None) -> tuple[int, int, int | None] | None:
        """(session, question, closed at) of a member's newest answer in a group that was judged wrong."""
        row: tuple[int, int, int | None] | None = self._execute(
            "SELECT a.session_id, a.number, q.closed_at FROM quiz_answer a JOIN quiz_question q"
            " ON q.session_id = a.session_id AND q.number = a.number WHERE q.group_id = ?1 AND a.member_id = ?2"
            " AND a.is_right = 0 AND q.void = 0 AND (?3 IS NULL OR a.number = ?3)"
            " ORDER BY a.session_id DESC, a.number DESC LIMIT 1",
            (group_id, member_id, number),
        ).fetchone()
        return row

    def appeal(self, session_id: int, number: int, member_id: str, *, at: int, event_id: str) -> int | None:
        """Opens an appeal. Returns its number, or None when this answer was appealed before."""
        cursor = self._execute(
            "INSERT INTO quiz_appeal (session_id, number, member_id, at, event_id) VALUES (?,?,?,?,?)"
            " ON CONFLICT DO NOTHING",
            (session_id, number, member_id, at, event_id),
        )
        return cursor.lastrowid if cursor.rowcount else None

    def appeals(self, group_id: str) -> list[Appeal]:
        """The open appeals of a group, oldest first."""
        rows = self._execute(
            "SELECT p.id, p.session_id, p.number, p.member_id, p.state FROM quiz_appeal p JOIN game_session s"
            " ON s.id = p.session_id WHERE s.group_id = ? AND p.state = 'open' ORDER BY p.id",
            (group_id,),
        )
        return [Appeal(*row) for row in rows]

    def decide(self, session_id: int, number: int, member_id: str, *, upheld: bool, by: str, at: int) -> None:
        """Closes the open appeal against an answer, if there is one."""
        self._execute(
            "UPDATE quiz_appeal SET state = ?, ruled_by = ?, ruled_at = ?"
            " WHERE session_id = ? AND number = ? AND member_id = ? AND state = 'open'",
            ("upheld" if upheld else "refused", by, at, session_id, number, member_id),
        )
