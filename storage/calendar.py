"""Posts that came too late and what became of them; which entries of a bank a group has heard."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage.database import Database

_DAY = 86_400_000
OPEN = ("ask", "expired", "dropped", "declined")
"""States of a late post that staff may still send by hand."""


@dataclass(frozen=True, slots=True)
class LatePost:
    """A post that was not made in time. Moments in ms; `until`: how long it is still worth something."""

    number: int
    beat: str
    group_id: str
    due: int
    noticed_at: int
    until: int
    state: str
    reason: str


_COLUMNS = "id, beat, group_id, due, noticed_at, until, state, reason"


class Calendar:
    """The tables `late_post` and `bank_use`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def note_late(
        self, beat: str, group_id: str, *, due: int, at: int, until: int, state: str, reason: str
    ) -> int | None:
        """Writes a late post down. Returns its number, or None when it is known already."""
        cursor = self._execute(
            "INSERT INTO late_post (beat, group_id, due, noticed_at, until, state, reason) VALUES (?,?,?,?,?,?,?)"
            " ON CONFLICT DO NOTHING",
            (beat, group_id, due, at, until, state, reason),
        )
        return int(cursor.lastrowid or 0) if cursor.rowcount else None

    def late(self, number: int) -> LatePost | None:
        """A late post by its number."""
        row = self._execute(f"SELECT {_COLUMNS} FROM late_post WHERE id = ?", (number,)).fetchone()
        return LatePost(*row) if row else None

    def merging(self, group_id: str, at: int, most: int) -> list[LatePost]:
        """Late posts of a group that wait for the next one, oldest first."""
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM late_post WHERE state = 'merge' AND group_id = ? AND until >= ?"
            " ORDER BY id LIMIT ?",
            (group_id, at, most),
        )
        return [LatePost(*row) for row in rows]

    def settle(self, number: int, old: Sequence[str], state: str, by: str, reason: str = "") -> bool:
        """A late post is decided: from one of the states `old` to `state`. False when it was decided before."""
        marks = ",".join("?" * len(old))
        cursor = self._execute(
            "UPDATE late_post SET state = ?, settled_by = ?, reason = CASE WHEN ? = '' THEN reason ELSE ? END"
            f" WHERE id = ? AND state IN ({marks})",
            (state, by, reason, reason, number, *old),
        )
        return bool(cursor.rowcount)

    def noticed_since(self, at: int, most: int) -> tuple[int, list[LatePost]]:
        """How many posts were noticed to be late since (ms), and the first of them: questions to staff come first."""
        (count,) = self._execute("SELECT count(*) FROM late_post WHERE noticed_at >= ?", (at,)).fetchone()
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM late_post WHERE noticed_at >= ? ORDER BY state <> 'ask', due, id LIMIT ?",
            (at, most),
        )
        return count, [LatePost(*row) for row in rows]

    def unsent(self, group_id: str | None, since: int, most: int) -> list[LatePost]:
        """Posts that were not made since (ms), newest first; of one group, or of all."""
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM late_post WHERE noticed_at >= ?1 AND state IN ('merge', 'ask', 'declined',"
            " 'expired', 'dropped') AND (?2 IS NULL OR group_id = ?2) ORDER BY id DESC LIMIT ?3",
            (since, group_id, most),
        )
        return [LatePost(*row) for row in rows]

    def unsaid(self, group_id: str | None, since: int, most: int) -> list[tuple[int, str, str, str, str, str]]:
        """(when ms, group, event, phrase, state, why not) of posts that were made and never arrived, newest first."""
        return self._execute(
            "SELECT created_at, coalesce(group_id, member_id), event_id, phrase, state, coalesce(why_not, '')"
            " FROM outbox WHERE sort IN ('campaign', 'reminder') AND state IN ('failed', 'held', 'expired', 'unknown')"
            " AND created_at >= ?1 AND (?2 IS NULL OR group_id = ?2) ORDER BY id DESC LIMIT ?3",
            (since, group_id, most),
        ).fetchall()

    def used_entries(self, bank: str, group_id: str) -> dict[str, int]:
        """Entry -> when (ms) a group last heard it."""
        return dict(
            self._execute("SELECT entry, used_at FROM bank_use WHERE bank = ? AND group_id = ?", (bank, group_id))
        )

    def use_entry(self, bank: str, group_id: str, entry: str, at: int) -> None:
        """A group hears an entry now."""
        self._execute(
            "INSERT INTO bank_use VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET used_at = excluded.used_at",
            (bank, group_id, entry, at),
        )

    def drop_old(self, at: int) -> None:
        """Removes what nobody needs any more: late posts decided over 90 days ago."""
        self._execute("DELETE FROM late_post WHERE noticed_at < ? AND state NOT IN ('merge', 'ask')", (at - 90 * _DAY,))
