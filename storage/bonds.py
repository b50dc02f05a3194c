"""What members and the house agreed on: distance, complaints, hand-overs, open questions, purchases."""

from collections.abc import Sequence
from typing import NamedTuple

from storage.database import Database


class Distance(NamedTuple):
    """How near a member wants us. `paused_until` ms; `plain`: nothing chosen for them by what we know of them."""

    choice: str = "often"
    less: int = 0
    paused_until: int | None = None
    plain: int = 0


UNSAID = Distance()


class Trouble(NamedTuple):
    """The newest complaint or distress of a member that still keeps promotion away. Times in ms."""

    mood: str
    word: str
    text: str
    at: int
    until: int


class Handover(NamedTuple):
    """A member whom a person looks after. Times in ms."""

    id: int
    member_id: str
    group_id: str | None
    at: int
    until: int


class Question(NamedTuple):
    """A question that nobody has answered yet. `seq` is its place among all events."""

    event_id: str
    seq: int
    group_id: str | None
    member_id: str
    at: int
    text: str


class Bonds:
    """The tables `distance`, `care`, `handover`, `open_question` and `noted_purchase`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self._handed_over: set[str] | None = None

    def forget_cache(self) -> None:
        """Drops what is remembered: called whenever something was taken back."""
        self._handed_over = None

    # -- distance -----------------------------------------------------------------------------------------------------

    def distance(self, member_id: str) -> Distance:
        """What a member chose last."""
        row = self._execute(
            "SELECT choice, less, paused_until, plain FROM distance WHERE member_id = ? ORDER BY id DESC LIMIT 1",
            (member_id,),
        ).fetchone()
        return Distance(*row) if row else UNSAID

    def agree(self, member_id: str, wish: Distance, said: str, *, at: int, event_id: str) -> None:
        """Notes a choice; the former ones stay as history."""
        self._execute(
            "INSERT INTO distance (member_id, at, choice, less, paused_until, plain, said, event_id)"
            " VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (event_id) DO NOTHING",
            (member_id, at, *wish, said, event_id),
        )

    def distances(self, member_id: str, most: int) -> list[tuple[int, str]]:
        """(at ms, the word that was said) of a member's choices, newest first."""
        return self._execute(
            "SELECT at, said FROM distance WHERE member_id = ? ORDER BY id DESC LIMIT ?", (member_id, most)
        ).fetchall()

    # -- complaints and distress --------------------------------------------------------------------------------------

    def worry(
        self, member_id: str, group_id: str | None, mood: str, word: str, text: str, *, at: int, until: int,
        event_id: str,
    ) -> None:  # fmt: skip
        """Notes a complaint or distress; promotion stays away until `until` (ms)."""
        self._execute(
            "INSERT INTO care (member_id, group_id, at, mood, word, text, until, event_id) VALUES (?,?,?,?,?,?,?,?)"
            " ON CONFLICT (event_id) DO NOTHING",
            (member_id, group_id, at, mood, word, text, until, event_id),
        )

    def trouble(self, member_id: str, at: int) -> Trouble | None:
        """What keeps promotion away from a member at a moment (ms)."""
        row = self._execute(
            "SELECT mood, word, text, at, until FROM care WHERE member_id = ? AND until > ?"
            " ORDER BY until DESC LIMIT 1",
            (member_id, at),
        ).fetchone()
        return Trouble(*row) if row else None

    def calm(self, member_id: str, at: int) -> int:
        """Staff settled it: promotion may come again from `at` (ms) on. Returns how many worries ended."""
        return self._execute("UPDATE care SET until = ?1 WHERE member_id = ?2 AND until > ?1", (at, member_id)).rowcount

    # -- hand-over ----------------------------------------------------------------------------------------------------

    def is_handed_over(self, member_id: str | None) -> bool:
        """Whether a person looks after this member: the bot keeps quiet to them. Asked for every message."""
        if self._handed_over is None:
            rows = self._execute("SELECT member_id FROM handover WHERE ended_at IS NULL")
            self._handed_over = {row[0] for row in rows}
        return member_id in self._handed_over

    def hand_over(self, member_id: str, group_id: str | None, *, at: int, until: int, event_id: str) -> bool:
        """A person takes over. False when one does already."""
        cursor = self._execute(
            "INSERT INTO handover (member_id, group_id, at, until, event_id) VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING",
            (member_id, group_id, at, until, event_id),
        )
        self._handed_over = None
        return bool(cursor.rowcount)

    def handover(self, member_id: str) -> Handover | None:
        """The open hand-over of a member."""
        row = self._execute(
            "SELECT id, member_id, group_id, at, until FROM handover WHERE member_id = ? AND ended_at IS NULL",
            (member_id,),
        ).fetchone()
        return Handover(*row) if row else None

    def handovers(self, most: int) -> list[Handover]:
        """Open hand-overs, oldest first."""
        rows = self._execute(
            "SELECT id, member_id, group_id, at, until FROM handover WHERE ended_at IS NULL ORDER BY id LIMIT ?",
            (most,),
        )
        return [Handover(*row) for row in rows]

    def hand_back(self, member_id: str, *, at: int, by: str) -> bool:
        """The bot looks after the member again. False when nobody had taken over."""
        cursor = self._execute(
            "UPDATE handover SET ended_at = ?, ended_by = ? WHERE member_id = ? AND ended_at IS NULL",
            (at, by, member_id),
        )
        self._handed_over = None
        return bool(cursor.rowcount)

    # -- questions ----------------------------------------------------------------------------------------------------

    def ask(self, event_id: str, group_id: str | None, member_id: str, text: str, *, at: int) -> None:
        """Notes a question that waits for an answer."""
        self._execute(
            "INSERT INTO open_question (event_id, seq, group_id, member_id, at, text) SELECT ?1, seq, ?2, ?3, ?4, ?5"
            " FROM interaction WHERE id = ?1 ON CONFLICT DO NOTHING",
            (event_id, group_id, member_id, at, text),
        )

    def question(self, event_id: str) -> Question | None:
        """A question that waits."""
        row = self._execute(
            "SELECT event_id, seq, group_id, member_id, at, text FROM open_question WHERE event_id = ?", (event_id,)
        ).fetchone()
        return Question(*row) if row else None

    def close_question(self, event_id: str) -> None:
        """Answered, or staff know."""
        self._execute("DELETE FROM open_question WHERE event_id = ?", (event_id,))

    def answered_in_group(self, one: Question, most: int) -> bool:
        """Whether anybody else spoke in the group after a question, of the next `most` events."""
        return (
            self._execute(
                "SELECT 1 FROM interaction WHERE seq > ?1 AND seq <= ?1 + ?2 AND group_id = ?3 AND kind = 'message'"
                " AND member_id <> ?4 LIMIT 1",
                (one.seq, most, one.group_id, one.member_id),
            ).fetchone()
            is not None
        )

    def event(self, event_id: str) -> tuple[str, str | None, str, int] | None:
        """(kind, member, text, at ms) of what a line answered."""
        row = self._execute(
            "SELECT kind, member_id, coalesce(text, ''), at FROM interaction WHERE id = ?", (event_id,)
        ).fetchone()
        return tuple(row) if row else None

    def last_lines(self, group_id: str | None, member_id: str, seq_from: int, most: int) -> Sequence[tuple[str, str]]:
        """(member, text) of the newest messages of a place, oldest first; of 1:1 those of the member alone."""
        rows = self._execute(
            "SELECT member_id, text FROM interaction WHERE seq > (SELECT max(seq) FROM interaction) - ?1"
            " AND kind = 'message' AND group_id IS ?2 AND (?2 IS NOT NULL OR member_id = ?3)"
            " AND coalesce(text, '') <> '' ORDER BY seq DESC LIMIT ?4",
            (seq_from, group_id, member_id, most),
        ).fetchall()
        return rows[::-1]

    # -- purchases ----------------------------------------------------------------------------------------------------

    def bought(self, member_id: str, at: int, what: str, *, by: str, event_id: str) -> None:
        """Notes a purchase."""
        self._execute(
            "INSERT INTO noted_purchase (member_id, at, what, noted_by, event_id) VALUES (?,?,?,?,?)"
            " ON CONFLICT DO NOTHING",
            (member_id, at, what, by, event_id),
        )

    def last_purchase(self, member_id: str) -> int | None:
        """When a member last bought something (ms)."""
        row = self._execute("SELECT max(at) FROM noted_purchase WHERE member_id = ?", (member_id,)).fetchone()
        return row[0] if row else None

    def first_seen(self, member_id: str) -> int | None:
        """When a member was first seen anywhere (ms)."""
        row = self._execute("SELECT first_seen FROM member WHERE member_id = ?", (member_id,)).fetchone()
        return row[0] if row else None
