"""How a group is doing, in numbers: only indexes and bounded looks back, so that asking costs nobody a wait."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storage.database import Database

LOOK_BACK = 50_000
"""Newest lines of the outbox that are looked at."""
EVENTS_BACK = 5_000
"""Newest events among which questions are looked for."""
OUTCOME = 20_000
"""Events after a post among which answers to it are looked for."""


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """A stretch of days of one group. `talk` are members' own lines, `acts` their commands; `active` sums the members
    who were here on each day; `bot` and `ads` are our lines; `quieter` counts members who fell silent less those who
    came back."""

    members: int
    talk: int
    acts: int
    active: int
    bot: int
    ads: int
    quieter: int
    joined: int
    left: int


class Health:
    """Questions about groups to the tables of others."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def facts(self, group_id: str, first: str, last: str, since: int, until: int, ours: Sequence[str]) -> GroupFacts:
        """What happened in a group from business day `first` to `last`, which are the moments `since` to `until`."""
        talk, acts, active = self._execute(
            "SELECT coalesce(sum(said), 0), coalesce(sum(acts), 0), count(*) FROM member_day"
            " WHERE group_id = ? AND day BETWEEN ? AND ?",
            (group_id, first, last),
        ).fetchone()
        bot, ads = self._execute(
            "SELECT count(*), coalesce(sum(sort = 'campaign'), 0) FROM outbox WHERE id > (SELECT coalesce(max(id), 0)"
            " FROM outbox) - ? AND group_id = ? AND created_at >= ? AND created_at < ?"
            " AND state IN ('sent', 'unknown')",
            (LOOK_BACK, group_id, since, until),
        ).fetchone()
        fell, woke = self._execute(
            "SELECT coalesce(sum(stage IN ('silent', 'sleeping', 'churned') AND was IN ('new', 'active')), 0),"
            " coalesce(sum(stage IN ('new', 'active') AND was IN ('silent', 'sleeping', 'churned')), 0)"
            " FROM stage_change WHERE family = 'talk' AND group_id = ? AND at >= ? AND at < ?",
            (group_id, since, until),
        ).fetchone()
        return GroupFacts(
            self.size(group_id, ours), talk, acts, active, bot, ads, fell - woke,
            *(self._moves(group_id, what, since, until) for what in ("join", "leave")),
        )  # fmt: skip

    def size(self, group_id: str, ours: Sequence[str]) -> int:
        """How many members a group has: joined and did not leave, or heard there and never seen to join."""
        row = self._execute(
            "SELECT count(*) FROM (SELECT member_id FROM membership WHERE group_id = ?1 AND left_at IS NULL UNION"
            " SELECT DISTINCT member_id FROM member_day d WHERE group_id = ?1 AND NOT EXISTS (SELECT 1 FROM membership"
            " s WHERE s.group_id = ?1 AND s.member_id = d.member_id)) AS here"
            " WHERE member_id NOT IN (SELECT value FROM json_each(?2))",
            (group_id, json.dumps(list(ours))),
        ).fetchone()
        return int(row[0])

    def _moves(self, group_id: str, what: str, since: int, until: int) -> int:
        row = self._execute(
            "SELECT count(*) FROM member_move WHERE group_id = ? AND what = ? AND at >= ? AND at < ?",
            (group_id, what, since, until),
        ).fetchone()
        return int(row[0])

    def talk(self, group_id: str, since: int) -> list[tuple[int, str, str, bool]]:
        """(ms, member, text, whether we answered) of the newest messages of a group since a moment, in order."""
        rows = self._execute(
            "SELECT i.at, i.member_id, coalesce(i.text, ''), EXISTS (SELECT 1 FROM outbox o WHERE o.key = i.id || '/0')"
            " FROM interaction i WHERE i.seq > (SELECT coalesce(max(seq), 0) FROM interaction) - ? AND i.group_id = ?"
            " AND i.kind = 'message' AND i.at >= ? AND i.member_id IS NOT NULL ORDER BY i.seq",
            (EVENTS_BACK, group_id, since),
        )
        return [(row[0], row[1], row[2], bool(row[3])) for row in rows]


def outcomes(conn: sqlite3.Connection, beat: str, hours: int, ours: Sequence[str]) -> dict[str, list[tuple[int, int]]]:
    """group -> (members who spoke within so many hours, members) for every time a beat was posted there."""
    found: dict[str, list[tuple[int, int]]] = {}
    health = Health(_Reading(conn))  # type: ignore[arg-type]
    posts: list[Any] = conn.execute(
        "SELECT i.seq, i.at, i.group_id FROM interaction i WHERE i.id >= ? AND i.id < ? AND i.kind = 'beat_due'"
        " AND EXISTS (SELECT 1 FROM outbox o WHERE o.event_id = i.id AND o.key = i.id || '/0'"
        " AND o.state IN ('sent', 'unknown')) ORDER BY i.seq",
        (f"{beat}:", f"{beat};"),
    ).fetchall()
    for seq, at, group in posts:
        spoke = conn.execute(
            "SELECT count(DISTINCT member_id) FROM interaction WHERE seq > ? AND seq <= ? AND group_id = ? AND at < ?"
            " AND kind = 'message' AND member_id NOT IN (SELECT value FROM json_each(?))",
            (seq, seq + OUTCOME, group, at + hours * 3_600_000, json.dumps(list(ours))),
        ).fetchone()[0]
        size = health.size(group, ours)
        if size:
            found.setdefault(group, []).append((min(spoke, size), size))
    return found


class _Reading:
    """A read-only connection in place of the writer's."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.execute = conn.execute
