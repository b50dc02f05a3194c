"""Campaigns as staff steer them: pauses, skipped times, sends, approvals, lines that wait for a tap, own ones."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.database import Database

_DAY = 86_400_000
MOST = 200
"""Own campaigns that are loaded at most."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Something that waits for a second person. `what` is what happens when they agree; moments in ms."""

    number: int
    kind: str
    title: str
    what: Mapping[str, Any]
    group_id: str | None
    proposer: str
    expires: int
    state: str


@dataclass(frozen=True, slots=True)
class HandSend:
    """A line that a person has to tap. `number` is that of its task; `line` its key in the outbox; moments in ms."""

    number: int
    line: str
    event_id: str
    group_id: str | None
    member_id: str | None
    title: str
    until: int
    state: str


_APPROVAL = "id, kind, title, what, group_id, proposer_id, expires, state"
_HAND = "task_id, line, event_id, group_id, member_id, title, until, state"


class Campaigns:
    """The tables `beat_pause`, `beat_skip`, `beat_send`, `approval`, `hand_send`, `own_beat`, `campaign_draft`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self._drafting: set[str] | None = None

    def forget_cache(self) -> None:
        """Drops what is remembered: called whenever something was taken back."""
        self._drafting = None

    # -- pauses and skipped times ----------------------------------------------------------------------------------

    def pause(self, beat: str, group_id: str, *, at: int, by: str, event_id: str) -> bool:
        """From now on a beat is not sent to a group. False when it was paused before."""
        cursor = self._execute(
            "INSERT INTO beat_pause VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING", (beat, group_id, at, by, event_id)
        )
        return bool(cursor.rowcount)

    def resume(self, beat: str, group_id: str) -> bool:
        """Goes on with a beat. False when it was not paused."""
        return bool(self._execute("DELETE FROM beat_pause WHERE beat = ? AND group_id = ?", (beat, group_id)).rowcount)

    def paused(self, beat: str, group_id: str) -> tuple[int, str] | None:
        """(since ms, by whom) of a pause that holds."""
        row = self._execute(
            "SELECT at, staff_id FROM beat_pause WHERE beat = ? AND group_id = ?", (beat, group_id)
        ).fetchone()
        return (row[0], row[1]) if row else None

    def skip(self, beat: str, group_id: str, due: int, *, day: str, rule: str, by: str, event_id: str) -> bool:
        """One time of a beat is left out. False when it was before."""
        cursor = self._execute(
            "INSERT INTO beat_skip VALUES (?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
            (beat, group_id, due, day, rule, by, event_id),
        )
        return bool(cursor.rowcount)

    def skipped(self, beat: str, group_id: str, due: int, *, day: str, rule: str) -> str | None:
        """Who left this time out. Where the rule of the beat was changed meanwhile, its business day counts."""
        row = self._execute(
            "SELECT staff_id FROM beat_skip WHERE beat = ? AND group_id = ? AND (due = ? OR (day = ? AND rule <> ?))",
            (beat, group_id, due, day, rule),
        ).fetchone()
        return str(row[0]) if row else None

    def unskip(self, beat: str, group_id: str, after: int) -> int:
        """Times later than `after` (ms) are not left out any more. Returns how many."""
        return self._execute(
            "DELETE FROM beat_skip WHERE beat = ? AND group_id = ? AND due > ?", (beat, group_id, after)
        ).rowcount

    def hold_waiting(self, beat: str, group_id: str, *, at: int, why: str) -> int:
        """Holds lines of a beat that wait in the outbox for their turn. Returns how many."""
        return self._execute(
            "UPDATE outbox SET state = 'held', settled_at = ?, why_not = ? WHERE state = 'queued' AND group_id = ?"
            " AND event_id IN (SELECT event_id FROM beat_send WHERE beat = ? AND group_id = ? AND how <> 'merged'"
            " AND at >= ?)",
            (at, why, group_id, beat, group_id, at - 7 * _DAY),
        ).rowcount

    # -- what was sent ---------------------------------------------------------------------------------------------

    def note_send(self, beat: str, group_id: str, due: int, *, at: int, how: str, event_id: str) -> bool:
        """A beat is sent now for this due time. False when it was before: nothing is sent twice."""
        cursor = self._execute(
            "INSERT INTO beat_send VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING",
            (beat, group_id, due, at, how, event_id),
        )
        return bool(cursor.rowcount)

    def sends_of(self, event_id: str) -> list[tuple[str, str, int]]:
        """(beat, group, due ms) that one event sent."""
        return self._execute(
            "SELECT beat, group_id, due FROM beat_send WHERE event_id = ? ORDER BY how <> 'merged', due", (event_id,)
        ).fetchall()

    def take_back(self, event_id: str) -> None:
        """What this event sent did not reach anybody after all: those due times are open again."""
        self._execute("DELETE FROM beat_send WHERE event_id = ?", (event_id,))

    def last_send(self, beat: str, group_id: str) -> int | None:
        """When (ms) a beat was last sent to a group."""
        row = self._execute(
            "SELECT max(at) FROM beat_send WHERE beat = ? AND group_id = ?", (beat, group_id)
        ).fetchone()
        return row[0] if row else None

    # -- a second person -------------------------------------------------------------------------------------------

    def propose(
        self, kind: str, title: str, what: Mapping[str, Any], *, group_id: str | None, by: str, at: int, expires: int,
        event_id: str,
    ) -> int:  # fmt: skip
        """Something waits for a second person. Returns its number."""
        cursor = self._execute(
            "INSERT INTO approval (kind, title, what, group_id, proposer_id, at, expires, event_id)"
            " VALUES (?,?,?,?,?,?,?,?)",
            (kind, title, json.dumps(what, ensure_ascii=False), group_id, by, at, expires, event_id),
        )
        return int(cursor.lastrowid or 0)

    def approval(self, number: int) -> Approval | None:
        """One of them by its number."""
        row = self._execute(f"SELECT {_APPROVAL} FROM approval WHERE id = ?", (number,)).fetchone()
        return Approval(row[0], row[1], row[2], json.loads(row[3]), *row[4:]) if row else None

    def waiting_approvals(self, most: int) -> list[Approval]:
        """Those that wait, the most urgent first."""
        rows = self._execute(
            f"SELECT {_APPROVAL} FROM approval WHERE state = 'waiting' ORDER BY expires, id LIMIT ?", (most,)
        ).fetchall()
        return [Approval(row[0], row[1], row[2], json.loads(row[3]), *row[4:]) for row in rows]

    def decide(self, number: int, state: str, by: str | None, at: int) -> bool:
        """A waiting one is approved, declined or expired. False when it was decided before."""
        cursor = self._execute(
            "UPDATE approval SET state = ?, decider_id = ?, decided_at = ? WHERE id = ? AND state = 'waiting'",
            (state, by, at, number),
        )
        return bool(cursor.rowcount)

    # -- sends that wait for a tap ---------------------------------------------------------------------------------

    def await_tap(
        self, number: int, line: str, *, event_id: str, group_id: str | None, member_id: str | None, title: str,
        at: int, until: int,
    ) -> None:  # fmt: skip
        """A line lies before a person, who has until `until` (ms); `number` is their task."""
        self._execute(
            "INSERT INTO hand_send (task_id, line, event_id, group_id, member_id, title, at, until)"
            " VALUES (?,?,?,?,?,?,?,?)",
            (number, line, event_id, group_id, member_id, title, at, until),
        )

    def hand_send(self, number: int) -> HandSend | None:
        """The line that a task is about, if it is about one."""
        row = self._execute(f"SELECT {_HAND} FROM hand_send WHERE task_id = ?", (number,)).fetchone()
        return HandSend(*row) if row else None

    def line(self, row: int) -> tuple[str, str, str | None, str | None, str, int] | None:
        """(key, event, group, member, words, expires ms) of a line of the outbox by its row."""
        found = self._execute(
            "SELECT key, event_id, group_id, member_id, coalesce(text, ''), expires_at FROM outbox WHERE id = ?", (row,)
        ).fetchone()
        return tuple(found) if found else None

    def end_tap(self, number: int, state: str, *, at: int, why: str) -> bool:
        """A waiting line was tapped (`sent`), or was not. What was not does not count as said. False when it was
        decided before."""
        cursor = self._execute(
            "UPDATE hand_send SET state = ? WHERE task_id = ? AND state = 'waiting'", (state, number)
        )
        if not cursor.rowcount:
            return False
        row = ("sent", at, why, number) if state == "sent" else ("expired", at, why, number)
        self._execute(
            "UPDATE outbox SET state = ?, settled_at = ?, why_not = ?"
            " WHERE key = (SELECT line FROM hand_send WHERE task_id = ?)",
            row,
        )
        return True

    def unsaid(self, beat: str, group_id: str, due: int, *, at: int, until: int, state: str, reason: str) -> int:
        """A post that was made and reached nobody, as a late post: merge, declined or expired. Returns its number."""
        row = self._execute(
            "INSERT INTO late_post (beat, group_id, due, noticed_at, until, state, reason) VALUES (?,?,?,?,?,?,?)"
            " ON CONFLICT (beat, group_id, due) DO UPDATE SET noticed_at = excluded.noticed_at,"
            " until = excluded.until, state = excluded.state, reason = excluded.reason RETURNING id",
            (beat, group_id, due, at, until, state, reason),
        ).fetchone()
        return int(row[0])

    # -- campaigns of one's own ------------------------------------------------------------------------------------

    def add_own(self, title: str, data: Mapping[str, Any], *, at: int, by: str, event_id: str) -> int:
        """A campaign that staff made by chat. Returns its number."""
        cursor = self._execute(
            "INSERT INTO own_beat (title, data, at, staff_id, event_id) VALUES (?,?,?,?,?)",
            (title, json.dumps(data, ensure_ascii=False), at, by, event_id),
        )
        return int(cursor.lastrowid or 0)

    def own(self) -> Sequence[tuple[int, str, Mapping[str, Any]]]:
        """(number, title, beat as data) of those that are there."""
        rows = self._execute(
            "SELECT id, title, data FROM own_beat WHERE gone_at IS NULL ORDER BY id LIMIT ?", (MOST,)
        ).fetchall()
        return [(number, title, json.loads(data)) for number, title, data in rows]

    def drop_own(self, number: int, at: int) -> bool:
        """One of them goes. False when it was not there."""
        return bool(
            self._execute("UPDATE own_beat SET gone_at = ? WHERE id = ? AND gone_at IS NULL", (at, number)).rowcount
        )

    def is_drafting(self, group_id: str | None, member_id: str | None) -> bool:
        """Whether somebody is making one, in 1:1."""
        if group_id is not None or member_id is None:
            return False
        if self._drafting is None:
            self._drafting = {row[0] for row in self._execute("SELECT member_id FROM campaign_draft")}
        return member_id in self._drafting

    def draft(self, member_id: str) -> dict[str, Any] | None:
        """What somebody answered so far."""
        row = self._execute("SELECT answers FROM campaign_draft WHERE member_id = ?", (member_id,)).fetchone()
        return json.loads(row[0]) if row else None

    def keep_draft(self, member_id: str, answers: Mapping[str, Any], at: int) -> None:
        """Remembers the answers."""
        self._execute(
            "INSERT INTO campaign_draft VALUES (?,?,?)"
            " ON CONFLICT DO UPDATE SET answers = excluded.answers, at = excluded.at",
            (member_id, json.dumps(answers, ensure_ascii=False), at),
        )
        self._drafting = None

    def drop_draft(self, member_id: str) -> bool:
        """The dialogue is over. False when there was none."""
        cursor = self._execute("DELETE FROM campaign_draft WHERE member_id = ?", (member_id,))
        self._drafting = None
        return bool(cursor.rowcount)

    def drop_old(self, at: int) -> None:
        """Removes what nobody needs any more: sends over 400 days ago, skipped times over 90 days ago, drafts that
        nobody touched for 30 days."""
        self._execute("DELETE FROM beat_send WHERE at < ?", (at - 400 * _DAY,))
        self._execute("DELETE FROM beat_skip WHERE due < ?", (at - 90 * _DAY,))
        if self._execute("DELETE FROM campaign_draft WHERE at < ?", (at - 30 * _DAY,)).rowcount:
            self._drafting = None
