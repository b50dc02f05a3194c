"""Sequences for single members: what began one, and every step with what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage.database import Database

MOST = 200
"""Steps of one member looked at together."""


@dataclass(frozen=True, slots=True)
class Step:
    """One beat for one member. `group_id` is "" for what happens in 1:1; moments in ms."""

    beat: str
    member_id: str
    group_id: str
    since: int
    due: int
    state: str
    watches: bool


_COLUMNS = "beat, member_id, group_id, since, due, state, watches"


class Sequences:
    """The tables `sequence_start` and `sequence_step`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self._watched: set[str] | None = None

    def forget_cache(self) -> None:
        """Drops what is remembered: called whenever something was taken back."""
        self._watched = None

    def begin(self, event: str, member_id: str, group_id: str, at: int, event_id: str) -> bool:
        """Notes that something happened from which sequences count. False when it is known already."""
        cursor = self._execute(
            "INSERT INTO sequence_start (event, member_id, group_id, at, event_id) VALUES (?,?,?,?,?)"
            " ON CONFLICT DO NOTHING",
            (event, member_id, group_id, at, event_id),
        )
        return bool(cursor.rowcount)

    def has_begun(self, event: str, member_id: str, group_id: str | None = None) -> bool:
        """Whether such a thing ever happened to a member, in one group or anywhere."""
        sql = (
            "SELECT 1 FROM sequence_start WHERE member_id = ?1 AND event = ?2 AND (?3 IS NULL OR group_id = ?3) LIMIT 1"
        )
        return self._execute(sql, (member_id, event, group_id)).fetchone() is not None

    def plan(self, beat: str, member_id: str, group_id: str, since: int, due: int, *, watches: bool) -> bool:
        """A step waits for its moment. False when it is planned, said or over already."""
        cursor = self._execute(
            "INSERT INTO sequence_step (beat, member_id, group_id, since, due, state, watches)"
            " VALUES (?,?,?,?,?,'waiting',?) ON CONFLICT DO NOTHING",
            (beat, member_id, group_id, since, due, int(watches)),
        )
        if cursor.rowcount and watches and self._watched is not None:
            self._watched.add(member_id)
        return bool(cursor.rowcount)

    def get(self, beat: str, member_id: str, group_id: str, since: int) -> Step | None:
        """One step."""
        row = self._execute(
            f"SELECT {_COLUMNS} FROM sequence_step WHERE beat = ? AND member_id = ? AND group_id = ? AND since = ?",
            (beat, member_id, group_id, since),
        ).fetchone()
        return _step(row) if row else None

    def become(self, step: Step, state: str, reason: str = "", *, watches: bool = False) -> bool:
        """A step goes from the state it was read in to another one. False when it is in another state by now."""
        cursor = self._execute(
            "UPDATE sequence_step SET state = ?, reason = ?, watches = ? WHERE beat = ? AND member_id = ?"
            " AND group_id = ? AND since = ? AND state = ?",
            (state, reason, int(watches), step.beat, step.member_id, step.group_id, step.since, step.state),
        )
        if cursor.rowcount and watches and self._watched is not None:
            self._watched.add(step.member_id)
        return bool(cursor.rowcount)

    def move(self, step: Step, due: int) -> None:
        """A step that waits has another moment now."""
        self._execute(
            "UPDATE sequence_step SET due = ? WHERE beat = ? AND member_id = ? AND group_id = ? AND since = ?",
            (due, step.beat, step.member_id, step.group_id, step.since),
        )

    def waiting(self, most: int) -> list[Step]:
        """Steps that wait for their moment, the next ones first."""
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM sequence_step WHERE state = 'waiting' ORDER BY due LIMIT ?", (most,)
        )
        return [_step(row) for row in rows]

    def ahead(self, beats: Sequence[str], group_id: str | None, at: int) -> tuple[int, int | None]:
        """How many steps of these beats are still to come after then (ms), of one group or of all, and when the next
        one is due."""
        where, values = _of_beats(beats, group_id)
        row = self._execute(
            f"SELECT count(*), min(due) FROM sequence_step WHERE state = 'waiting' AND due > ? AND {where}",
            (at, *values),
        ).fetchone()
        return int(row[0]), row[1]

    def ended(self, beats: Sequence[str], group_id: str | None, since: int, reason: str) -> int:
        """How many steps of these beats that fell due since then (ms) are over for this reason."""
        where, values = _of_beats(beats, group_id)
        row = self._execute(
            f"SELECT count(*) FROM sequence_step WHERE state = 'cancelled' AND due >= ? AND reason = ? AND {where}",
            (since, reason, *values),
        ).fetchone()
        return int(row[0])

    def overdue(self, beats: Sequence[str], group_id: str | None, at: int) -> list[Step]:
        """Steps of these beats whose moment came by then (ms) and that were not said: they were paused."""
        where, values = _of_beats(beats, group_id)
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM sequence_step WHERE state = 'waiting' AND due <= ? AND {where}"
            " ORDER BY due, member_id, beat",
            (at, *values),
        )
        return [_step(row) for row in rows]

    def queued(self, prefix: str) -> list[tuple[int, str]]:
        """(row, event) of lines in the outbox that wait for their turn, of events whose id begins so."""
        return self._execute(
            "SELECT id, event_id FROM outbox WHERE state = 'queued' AND substr(event_id, 1, ?) = ? ORDER BY id",
            (len(prefix), prefix),
        ).fetchall()

    def watching(self, member_id: str) -> list[Step]:
        """Steps that look at what a member does: they end when they talk, or are done when they did it."""
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM sequence_step WHERE member_id = ? AND watches = 1 ORDER BY since, beat LIMIT ?",
            (member_id, MOST),
        )
        return [_step(row) for row in rows]

    def is_awake(self, group_id: str | None, member_id: str | None) -> bool:  # noqa: ARG002  the shape of watchers
        """Whether something waits for what this member says."""
        if self._watched is None:
            rows = self._execute("SELECT DISTINCT member_id FROM sequence_step WHERE watches = 1")
            self._watched = {row[0] for row in rows}
        return member_id in self._watched

    def rest(self, member_id: str) -> None:
        """Nothing waits for this member any more."""
        if self._watched is not None:
            self._watched.discard(member_id)

    def drop_old(self, at: int) -> None:
        """Removes steps that ended over a year ago; that something happened is remembered."""
        self._execute(
            "DELETE FROM sequence_step WHERE due < ? AND state IN ('done', 'cancelled', 'missed')",
            (at - 365 * 86_400_000,),
        )


def _of_beats(beats: Sequence[str], group_id: str | None) -> tuple[str, tuple[str | None, ...]]:
    marks = ",".join("?" * len(beats))
    return f"beat IN ({marks}) AND (? IS NULL OR group_id = ?)", (*beats, group_id, group_id)


def _step(row: tuple[str, str, str, int, int, str, int]) -> Step:
    return Step(*row[:6], watches=bool(row[6]))
