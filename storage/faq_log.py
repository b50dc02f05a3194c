"""What was asked of the question book: answers, choices offered, misses with their clusters, answers called wrong."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from storage.database import Database

WORDINGS = 8
"""Different wordings of one unanswered question that are kept."""


class Told(NamedTuple):
    """One answer that was given. `at` ms."""

    id: int
    event_id: str
    entry: str
    asked: str
    at: int


class Unanswered(NamedTuple):
    """A question that nobody could answer, with all that sound like it. `last_at` ms."""

    id: int
    text: str
    similar: tuple[str, ...]
    times: int
    group_id: str | None
    last_at: int
    state: str


class FaqLog:
    """The tables `faq_reply`, `faq_unanswered` and `faq_wrong`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def note(
        self, event_id: str, group_id: str | None, member_id: str, outcome: str, asked: str, *, at: int,
        entry: str | None = None, score: float | None = None, unanswered_id: int | None = None,
    ) -> None:  # fmt: skip
        """Notes what became of a question: answer, choices or miss. `at` ms; a repeat changes nothing."""
        self._execute(
            "INSERT INTO faq_reply (event_id, at, group_id, member_id, outcome, entry, score, asked, unanswered_id)"
            " VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
            (event_id, at, group_id, member_id, outcome, entry, score, asked, unanswered_id),
        )

    def misses_in_a_row(self, group_id: str | None, member_id: str, since: int, most: int = 5) -> int:
        """How many of a member's newest questions in a place were not answered, since a moment (ms)."""
        rows = self._execute(
            "SELECT outcome FROM faq_reply WHERE coalesce(group_id, '') = ? AND member_id = ? AND at >= ?"
            " ORDER BY id DESC LIMIT ?",
            (group_id or "", member_id, since, most),
        ).fetchall()
        return next((number for number, (outcome,) in enumerate(rows) if outcome != "miss"), len(rows))

    # -- what nobody could answer -----------------------------------------------------------------------------------

    def unanswered(self, most: int) -> list[Unanswered]:
        """Open questions, asked most often first, then newest."""
        return self._many("WHERE state = 'open' ORDER BY times DESC, last_at DESC, id DESC LIMIT ?", most)

    def newest_unanswered(self, most: int) -> list[Unanswered]:
        """Open questions, newest first: those that a new one is compared with."""
        return self._many("WHERE state = 'open' ORDER BY last_at DESC, id DESC LIMIT ?", most)

    def one_unanswered(self, number: int) -> Unanswered | None:
        """One of them, by its number."""
        found = self._many("WHERE id = ?", number)
        return found[0] if found else None

    def _many(self, where: str, value: int) -> list[Unanswered]:
        rows = self._execute(
            f"SELECT id, text, similar, times, group_id, last_at, state FROM faq_unanswered {where}", (value,)
        )
        return [Unanswered(row[0], row[1], tuple(json.loads(row[2])), *row[3:]) for row in rows]

    def begin_unanswered(self, key: str, text: str, group_id: str | None, at: int) -> int:
        """A question that is like no open one; returns its number. `at` ms."""
        cursor = self._execute(
            "INSERT INTO faq_unanswered (key, text, similar, times, group_id, first_at, last_at, state)"
            " VALUES (?,?,'[]',1,?,?,?,'open')",
            (key, text, group_id, at, at),
        )
        return int(cursor.lastrowid or 0)

    def again(self, one: Unanswered, text: str, group_id: str | None, at: int) -> None:
        """The same question once more, maybe in other words. `at` ms."""
        known = {one.text, *one.similar}
        similar = one.similar if text in known or len(one.similar) >= WORDINGS else (*one.similar, text)
        self._execute(
            "UPDATE faq_unanswered SET times = times + 1, last_at = max(last_at, ?), group_id = ?, similar = ?"
            " WHERE id = ?",
            (at, group_id, json.dumps(similar, ensure_ascii=False), one.id),
        )

    def close_unanswered(self, number: int, entry_id: int | None) -> None:
        """Became an entry, or (None) needs no answer."""
        state = "ignored" if entry_id is None else "taught"
        self._execute("UPDATE faq_unanswered SET state = ?, entry_id = ? WHERE id = ?", (state, entry_id, number))

    def close_same(self, key: str, entry_id: int) -> None:
        """What was asked in just these words has an answer now."""
        self._execute(
            "UPDATE faq_unanswered SET state = 'taught', entry_id = ? WHERE key = ? AND state = 'open'", (entry_id, key)
        )

    def count_unanswered(self) -> int:
        """How many questions are open."""
        return int(self._execute("SELECT count(*) FROM faq_unanswered WHERE state = 'open'").fetchone()[0])

    # -- wrong answers ----------------------------------------------------------------------------------------------

    def answer_of(self, event_id: str) -> Told | None:
        """The answer that an event brought."""
        row = self._execute(
            "SELECT id, event_id, entry, asked, at FROM faq_reply WHERE event_id = ? AND outcome = 'answer'",
            (event_id,),
        ).fetchone()
        return Told(*row) if row else None

    def last_answer(self, group_id: str | None, member_id: str, since: int) -> Told | None:
        """The newest answer of a group, or of a 1:1 conversation, since a moment (ms)."""
        row = self._execute(
            "SELECT id, event_id, entry, asked, at FROM faq_reply WHERE outcome = 'answer' AND group_id IS ?1"
            " AND (?1 IS NOT NULL OR member_id = ?2) AND at >= ?3 ORDER BY id DESC LIMIT 1",
            (group_id, member_id, since),
        ).fetchone()
        return Told(*row) if row else None

    def call_wrong(self, reply_id: int, member_id: str, *, at: int, event_id: str) -> bool:
        """A member says that an answer was wrong. False when they said so before. `at` ms."""
        cursor = self._execute(
            "INSERT INTO faq_wrong (reply_id, member_id, at, event_id) VALUES (?,?,?,?) ON CONFLICT DO NOTHING",
            (reply_id, member_id, at, event_id),
        )
        return bool(cursor.rowcount)

    def wrong_count(self, entry: str, since: int = 0) -> int:
        """How often answers of an entry were called wrong since a moment (ms)."""
        return int(
            self._execute(
                "SELECT count(*) FROM faq_wrong w JOIN faq_reply r ON r.id = w.reply_id"
                " WHERE r.entry = ? AND w.at >= ?",
                (entry, since),
            ).fetchone()[0]
        )

    def told_count(self, entry: str) -> int:
        """How often an entry was the answer."""
        return int(self._execute("SELECT count(*) FROM faq_reply WHERE entry = ?", (entry,)).fetchone()[0])

    # -- figures ------------------------------------------------------------------------------------------------------

    def outcomes(self, group_id: str | None, since: int, until: int) -> dict[str, int]:
        """Outcome -> how often, between two moments (ms)."""
        rows = self._execute(
            "SELECT outcome, count(*) FROM faq_reply WHERE group_id IS ? AND at >= ? AND at < ? GROUP BY outcome",
            (group_id, since, until),
        )
        return dict(rows.fetchall())

    def top_entries(self, group_id: str | None, since: int, until: int, most: int) -> Sequence[tuple[str, int, str]]:
        """(entry, how often, one way in which it was asked), most often first."""
        return self._execute(
            "SELECT entry, count(*) AS times, max(asked) FROM faq_reply WHERE outcome = 'answer' AND group_id IS ?"
            " AND at >= ? AND at < ? GROUP BY entry ORDER BY times DESC, entry LIMIT ?",
            (group_id, since, until, most),
        ).fetchall()

    def top_misses(self, group_id: str | None, since: int, until: int, most: int) -> Sequence[tuple[int, int, str]]:
        """(number, how often, text) of open questions that were missed, most often first."""
        return self._execute(
            "SELECT u.id, count(*) AS times, u.text FROM faq_reply r JOIN faq_unanswered u ON u.id = r.unanswered_id"
            " WHERE r.group_id IS ? AND r.at >= ? AND r.at < ? AND u.state = 'open' GROUP BY u.id"
            " ORDER BY times DESC, u.id LIMIT ?",
            (group_id, since, until, most),
        ).fetchall()

    def top_wrong(self, group_id: str | None, since: int, until: int, most: int) -> Sequence[tuple[str, int]]:
        """(entry, how often it was called wrong), most often first."""
        return self._execute(
            "SELECT r.entry, count(*) AS times FROM faq_wrong w JOIN faq_reply r ON r.id = w.reply_id"
            " WHERE r.group_id IS ? AND w.at >= ? AND w.at < ? GROUP BY r.entry ORDER BY times DESC, r.entry LIMIT ?",
            (group_id, since, until, most),
        ).fetchall()

    def drop_old(self, before: int, most: int) -> None:
        """Removes up to `most` notes older than a moment (ms); entries and open questions stay."""
        self._execute(
            "DELETE FROM faq_reply WHERE id IN (SELECT id FROM faq_reply WHERE at < ? LIMIT ?)", (before, most)
        )
        self._execute("DELETE FROM faq_pending WHERE until < ?", (before,))
