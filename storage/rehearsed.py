"""What a rehearsal asks of its database when it is over: the unasked lines, the late ones, tasks, what broke."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from storage.database import Database


class UnaskedLine(NamedTuple):
    """A line that nobody asked for and what became of it. Moments in ms; `left_at` is None when it never left."""

    key: str
    sort: str
    channel: str
    group_id: str | None
    member_id: str | None
    phrase: str
    slots: Mapping[str, Any]
    event_id: str
    because: str
    state: str
    text: str
    why_not: str
    created_at: int
    klass: str
    kind: str
    left_at: int | None
    verdict: str
    rule: str
    why: str


class LateRow(NamedTuple):
    """A scheduled post that was not made in time. Moments in ms."""

    beat: str
    group_id: str
    due: int
    noticed_at: int
    state: str
    reason: str


class TaskRow(NamedTuple):
    """Something that a person was asked to do. Moments in ms."""

    number: int
    key: str
    group_id: str | None
    member_id: str | None
    what: str
    owner: str
    created_at: int
    due: int
    reminders: int
    state: str


class Rehearsed:
    """Reads across the tables of one short run; nothing of it is needed by a bot that works."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def lines(self, since: int, until: int) -> Iterator[UnaskedLine]:
        """Every unasked line that came about between two moments, in order."""
        for row in self._execute(
            "SELECT o.key, o.sort, o.channel, o.group_id, o.member_id, o.phrase, o.slots, o.event_id, o.because,"
            " o.state, coalesce(o.text, ''), coalesce(o.why_not, ''), o.created_at, e.class, e.kind, e.at, e.verdict,"
            " e.rule, e.why FROM outbox o JOIN exposure e ON e.line = o.key"
            " WHERE o.created_at >= ? AND o.created_at < ? ORDER BY o.id",
            (since, until),
        ):
            yield UnaskedLine(*row[:6], json.loads(row[6]), *row[7:])  # type: ignore[call-arg]  # the columns above

    def late(self, since: int, until: int) -> list[LateRow]:
        """Posts that fell due between two moments and were late, or were not made at all."""
        rows = self._execute(
            "SELECT beat, group_id, due, noticed_at, state, reason FROM late_post WHERE due >= ?1 AND due < ?2"
            " UNION ALL SELECT beat, group_id, due, noticed_at, 'dropped', reason FROM missed m"
            " WHERE due >= ?1 AND due < ?2 AND NOT EXISTS (SELECT 1 FROM late_post l WHERE l.beat = m.beat"
            " AND l.group_id = m.group_id AND l.due = m.due) ORDER BY 3, 1, 2",
            (since, until),
        )
        return [LateRow(*row) for row in rows]

    def tasks(self, since: int, until: int) -> list[TaskRow]:
        """What people were asked to do between two moments, in order."""
        rows = self._execute(
            "SELECT id, key, group_id, member_id, what, owner, created_at, due, reminders, state FROM task"
            " WHERE created_at >= ? AND created_at < ? ORDER BY id",
            (since, until),
        )
        return [TaskRow(*row) for row in rows]

    def notes(self, since: int, until: int) -> dict[str, str]:
        """Event of a beat -> why it brought nothing, for those that say so."""
        return dict(
            self._execute(
                "SELECT id, note FROM interaction WHERE kind = 'beat_due' AND note IS NOT NULL AND at >= ? AND at < ?",
                (since, until),
            )
        )

    def broken(self, most: int) -> list[tuple[str, str, str]]:
        """(route, event, what broke) of events whose rule had a bug."""
        return self._execute(
            "SELECT coalesce(route, ''), id, coalesce(note, '') FROM interaction WHERE failed = 1 ORDER BY seq LIMIT ?",
            (most,),
        ).fetchall()

    def answered(self) -> dict[tuple[str | None, str], int]:
        """(group or None in 1:1, member) -> how many answers their own words brought."""
        rows = self._execute(
            "SELECT i.group_id, i.member_id, count(*) FROM outbox o JOIN interaction i ON i.id = o.event_id"
            " WHERE o.sort IN ('reply', 'game') AND o.state IN ('sent', 'unknown') AND i.member_id IS NOT NULL"
            " GROUP BY 1, 2"
        )
        return {(group, member): count for group, member, count in rows}

    def said_by_sort(self, since: int) -> dict[tuple[str | None, str], int]:
        """(group or None in 1:1, sort) -> lines that left since a moment (ms)."""
        rows = self._execute(
            "SELECT group_id, sort, count(*) FROM outbox WHERE state IN ('sent', 'unknown') AND created_at >= ?"
            " GROUP BY 1, 2",
            (since,),
        )
        return {(group, sort): count for group, sort, count in rows}

    def heard(self, since: int) -> dict[tuple[str, str], int]:
        """(group, kind) -> events of members since a moment (ms)."""
        rows = self._execute(
            "SELECT group_id, kind, count(*) FROM interaction WHERE group_id IS NOT NULL AND at >= ?"
            " AND kind NOT IN ('tick', 'beat_due') GROUP BY 1, 2",
            (since,),
        )
        return {(group, kind): count for group, kind, count in rows}

    def talk_by_hour(self, since: int) -> list[tuple[int, int]]:
        """(hours since a moment (ms), messages in groups), for a picture of when people talk."""
        rows = self._execute(
            "SELECT (at - ?1) / 3600000, count(*) FROM interaction WHERE kind = 'message' AND group_id IS NOT NULL"
            " AND at >= ?1 GROUP BY 1 ORDER BY 1",
            (since,),
        )
        return [(int(hour), int(count)) for hour, count in rows]
