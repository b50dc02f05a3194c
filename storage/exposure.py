"""What unasked lines cost: a row for each, counted when it leaves; and the newest talk, so as not to interrupt it.

Only campaigns and reminders have a row here: an answer costs nothing and is never looked up.
"""

import json
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from storage.database import Database

TAIL = 5_000
"""Newest events that are looked at for talk going on; more would cost a campaign too much."""
GROUPS = 2_000
PER_GROUP = 64
"""Groups, and messages of each, that are remembered."""
MOST = 500
"""Rows of one place that a verdict looks at: budgets keep the real number far below."""
_REACHED = "o.state IN ('queued', 'sending', 'sent', 'unknown')"
"""A line that was claimed counts until it is known not to have arrived."""


class PastLine(NamedTuple):
    """A counted line of a place. `day` is its business day, `at` ms."""

    day: str
    at: int
    sort: str
    klass: str
    kind: str
    channel: str
    phrase: str
    slots: str


class Stopped(NamedTuple):
    """A line that did not leave, with the rule that stopped it. `judged_at` ms."""

    line: str
    group_id: str | None
    member_id: str | None
    phrase: str
    kind: str
    verdict: str
    rule: str
    why: str
    evidence: Mapping[str, Any]
    judged_at: int


class Shown(NamedTuple):
    """A line as 为什么 explains it. Times in ms."""

    key: str
    phrase: str
    text: str
    because: str
    sort: str
    state: str
    why_not: str
    event_id: str
    created_at: int
    settled_at: int | None
    verdict: str
    rule: str
    why: str
    evidence: Mapping[str, Any]


class Exposures:
    """The table `exposure`, and the tail of `interaction` that tells who is talking now."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self._read_until = 0
        self._talk: OrderedDict[str, deque[tuple[str, int]]] = OrderedDict()
        self._heard: OrderedDict[str, int] = OrderedDict()

    def forget_cache(self) -> None:
        """Drops what is remembered: called whenever something was taken back."""
        self._read_until = 0
        self._talk.clear()
        self._heard.clear()

    def note(
        self, line: str, *, sort: str, klass: str, kind: str, channel: str, group_id: str | None,
        member_id: str | None, phrase: str, slots: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """An unasked line waits: it will be judged, and counted when it leaves."""
        self._execute(
            "INSERT INTO exposure (line, sort, class, kind, channel, group_id, member_id, phrase, slots)"
            " VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
            (line, sort, klass, kind, channel, group_id, member_id, phrase,
             json.dumps(slots, ensure_ascii=False, sort_keys=True)),
        )  # fmt: skip

    def label(self, line: str) -> tuple[str, str, str] | None:
        """(class, kind, slots) of a line; None for one that was queued before lines were counted."""
        row = self._execute("SELECT class, kind, slots FROM exposure WHERE line = ?", (line,)).fetchone()
        return tuple(row) if row else None

    def past(self, line: str, group_id: str | None, member_id: str | None, since: str) -> list[PastLine]:
        """Counted lines of a group, or of a member in 1:1, since a business day, oldest first, without `line`."""
        where, who = ("e.group_id = ?", group_id) if group_id else ("e.group_id IS NULL AND e.member_id = ?", member_id)
        return [
            PastLine(*row)
            for row in self._execute(
                "SELECT e.day, e.at, e.sort, e.class, e.kind, e.channel, e.phrase, e.slots FROM exposure e"
                f" JOIN outbox o ON o.key = e.line WHERE {where} AND e.day >= ? AND e.line <> ? AND {_REACHED}"
                " ORDER BY e.day, e.at LIMIT ?",
                (who, since, line, MOST),
            )
        ]

    def on_channel(self, line: str, channel: str, since: int) -> int:
        """How many unasked lines a channel carried since a moment (ms), without `line`."""
        row = self._execute(
            "SELECT count(*) FROM exposure e JOIN outbox o ON o.key = e.line WHERE e.channel = ? AND e.at >= ?"
            f" AND e.line <> ? AND {_REACHED}",
            (channel, since, line),
        ).fetchone()
        return int(row[0])

    def count(self, line: str, *, day: str, at: int, day_limit: int | None, week_limit: int | None) -> None:
        """The line leaves now and counts for this business day, within these limits. Safe to repeat."""
        self._execute(
            "UPDATE exposure SET day = ?, at = ?, day_limit = ?, week_limit = ?, verdict = 'now', judged_at = ?"
            " WHERE line = ?",
            (day, at, day_limit, week_limit, at, line),
        )

    def judge(self, line: str, verdict: str, rule: str, why: str, evidence: Mapping[str, Any], at: int) -> None:
        """Writes down what was decided about a line, by which rule, on which values."""
        self._execute(
            "UPDATE exposure SET verdict = ?, rule = ?, why = ?, evidence = ?, judged_at = ? WHERE line = ?",
            (verdict, rule, why, json.dumps(evidence, ensure_ascii=False), at, line),
        )

    def stopped(self, group_id: str | None, since: int, most: int) -> list[Stopped]:
        """Lines that did not leave since a moment (ms), newest first; of one group, or everywhere (None)."""
        return [
            Stopped(*row[:8], json.loads(row[8]), row[9])  # type: ignore[call-arg]  # the columns below
            for row in self._execute(
                "SELECT line, group_id, member_id, phrase, kind, verdict, rule, why, evidence, judged_at FROM exposure"
                " WHERE verdict IN ('merged', 'held', 'expired', 'never') AND judged_at >= ?1"
                " AND (?2 IS NULL OR group_id = ?2) ORDER BY judged_at DESC, line LIMIT ?3",
                (since, group_id, most),
            )
        ]

    def lines_of(self, group_id: str | None, member_id: str | None, most: int) -> list[Shown]:
        """The newest lines of a group, or of a 1:1 conversation, sent or not, newest first."""
        where, who = ("o.group_id = ?", group_id) if group_id else ("o.group_id IS NULL AND o.member_id = ?", member_id)
        rows = self._execute(
            "SELECT o.key, o.phrase, coalesce(o.text, ''), o.because, o.sort, o.state, coalesce(o.why_not, ''),"
            " o.event_id, o.created_at, o.settled_at, coalesce(e.verdict, ''), coalesce(e.rule, ''),"
            " coalesce(e.why, ''), coalesce(e.evidence, '{}') FROM outbox o LEFT JOIN exposure e ON e.line = o.key"
            f" WHERE o.id > (SELECT max(id) FROM outbox) - 20000 AND {where} ORDER BY o.id DESC LIMIT ?",
            (who, most),
        )
        return [Shown(*row[:13], json.loads(row[13])) for row in rows]  # type: ignore[call-arg]  # the columns above

    def line_saying(self, group_id: str | None, member_id: str | None, text: str, most: int) -> int | None:
        """How many lines ago a place heard these words (1: the newest), of its newest `most`."""
        start = text.strip()[:40]
        for number, one in enumerate(self.lines_of(group_id, member_id, most), start=1):
            if start and one.text.strip().startswith(start):
                return number
        return None

    def held_from(self, member_id: str, since: int, most: int) -> list[Stopped]:
        """1:1 lines that did not reach a member since a moment (ms), newest first."""
        return [one for one in self.stopped(None, since, MOST) if one.member_id == member_id][:most]

    def drop_old(self, before: str, most: int) -> None:
        """Forgets rows whose line is gone from the outbox and that count for no window any more."""
        self._execute(
            "DELETE FROM exposure WHERE line IN (SELECT line FROM exposure e WHERE NOT EXISTS"
            " (SELECT 1 FROM outbox o WHERE o.key = e.line) AND coalesce(day, '') < ? LIMIT ?)",
            (before, most),
        )

    # -- who is talking -----------------------------------------------------------------------------------------------

    def talk(self, group_id: str, since: int) -> tuple[int, int]:
        """(messages, people) that a group heard since a moment (ms); of its newest messages."""
        self._read_tail()
        said = [member for member, at in self._talk.get(group_id, ()) if at >= since]
        return len(said), len(set(said))

    def _read_tail(self) -> None:
        newest = self._execute("SELECT coalesce(max(seq), 0) FROM interaction").fetchone()[0]
        if newest <= self._read_until:
            return
        rows: Sequence[tuple[str | None, str, int]] = self._execute(
            "SELECT group_id, member_id, at FROM interaction WHERE seq > ? AND kind = 'message'"
            " AND member_id IS NOT NULL AND coalesce(route, '') NOT LIKE 'checkin.%' ORDER BY seq",
            (max(self._read_until, newest - TAIL),),
        ).fetchall()
        for group, member, at in rows:
            if group is not None:
                self._talk.setdefault(group, deque(maxlen=PER_GROUP)).append((member, at))
                self._talk.move_to_end(group)
            self._heard[member] = max(at, self._heard.pop(member, at))
        while len(self._talk) > GROUPS:
            self._talk.popitem(last=False)
        while len(self._heard) > TAIL:
            self._heard.popitem(last=False)
        self._read_until = newest

    def last_talk(self, member_id: str) -> int | None:
        """When a member last said something anywhere (ms), as far as it was counted or is among the newest events."""
        self._read_tail()
        row = self._execute("SELECT at FROM last_talk WHERE member_id = ?", (member_id,)).fetchone()
        known = [at for at in (row[0] if row else None, self._heard.get(member_id)) if at is not None]
        return max(known, default=None)

    def count_talk(self, after: int, most: int) -> int:
        """Notes who spoke when, of the `most` events after a sequence number; returns up to which it counted."""
        newest = int(self._execute("SELECT coalesce(max(seq), 0) FROM interaction").fetchone()[0])
        until = min(newest, after + most)
        self._execute(
            "INSERT INTO last_talk (member_id, at) SELECT member_id, max(at) FROM interaction WHERE seq > ?"
            " AND seq <= ? AND kind = 'message' AND member_id IS NOT NULL GROUP BY member_id"
            " ON CONFLICT (member_id) DO UPDATE SET at = max(last_talk.at, excluded.at)",
            (after, until),
        )
        return until
