"""Stages of members applied to the tables: the days on which they were here, and what follows from them."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from bot.buying import settle_buyer
from bot.config import Config
from bot.lifecycle import NEVER, Happened, course_at, in_order, walk
from bot.settings.tags import LifecycleSettings
from bot.world import to_ms
from storage.lifecycle import ASKED_AT_ONCE, Past, Rewritten, StageRow
from storage.store import Store
from storage.tags import HeardRow

When = Callable[[str | None, int], tuple[str, int]]
"""(group, ms) -> (business day, minute of the day) there."""
Concerned = Mapping[tuple[str, str], tuple[int, str]]
"""(group, member) -> (ms, business day) from which on their stages may be others."""
MOST_DAYS = 50_000
"""Days of members in memory at once."""
_LAST_DAY = "9999-12-31"
_TALK = ("faq.", "help.addressed")


class Diary:
    """When members were here, came and went, read from interactions in portions. Between two portions `write` keeps
    the days in the tables; whoever is concerned is remembered until the end."""

    def __init__(self, store: Store, when: When, ours: frozenset[str]) -> None:
        self._store = store
        self._when = when
        self._ours = ours
        self._days: dict[tuple[str, str, str], list[int]] = {}
        self._moves: list[tuple[str, str, int, str]] = []
        self.concerned: dict[tuple[str, str], tuple[int, str]] = {}

    @property
    def is_full(self) -> bool:
        """Whether it is time to `write`."""
        return len(self._days) > MOST_DAYS

    def read(self, rows: Iterable[HeardRow]) -> None:
        """Takes a portion in."""
        days, ours, when = self._days, self._ours, self._when
        for _, _, kind, at, group, member, _, details, route in rows:
            if kind == "message":
                if member is None or member in ours:
                    continue
                key = (group or "", member, when(group, at)[0])
                known = days.get(key)
                if known is None:
                    known = days[key] = [at, at, 0, 0]
                elif at > known[1]:
                    known[1] = at
                elif at < known[0]:
                    known[0] = at
                known[2 if route is None or route.startswith(_TALK) else 3] += 1
            elif kind in ("joined", "left") and group:
                for one in self._movers(details):
                    self._moves.append((group, one, at, "join" if kind == "joined" else "leave"))
                    self._touch(group, one, at, when(group, at)[0])

    def _movers(self, details: str | None) -> list[str]:
        """Who came or went. A roster that was read at first connect says nothing about when."""
        try:
            told = json.loads(details or "{}")
        except ValueError:
            return []
        if told.get("history"):
            return []
        return [one for one in told.get("members", ()) if isinstance(one, str) and one not in self._ours]

    def _touch(self, group: str, member: str, at: int, day: str) -> None:
        earlier = self.concerned.get((group, member))
        if earlier is None or at < earlier[0]:
            self.concerned[group, member] = (at, day)

    def write(self) -> None:
        """Adds what was read to the tables."""
        for (group, member, day), (first, *_) in self._days.items():
            self._touch(group, member, first, day)
        # In the order of the table, which is the quickest.
        self._store.lifecycle.add_days((*key, *self._days[key]) for key in sorted(self._days))  # type: ignore[misc]
        self._store.lifecycle.add_moves(self._moves)
        self._days, self._moves = {}, []


def settle(store: Store, config: Config, concerned: Concerned, now: int) -> None:
    """Works out the stages of members from a moment of theirs on, until `now` (ms)."""
    everybody = sorted(concerned)
    for start in range(0, len(everybody), ASKED_AT_ONCE):
        some = everybody[start : start + ASKED_AT_ONCE]
        pasts = store.lifecycle.courses([(*one, concerned[one][1]) for one in some])
        found = []
        for one in some:
            rules = config.group(one[0] or None).lifecycle
            anew = _worked_out(one, concerned[one][0], pasts[one], rules, now)
            if anew is not None:
                found.append(anew)
        still = store.lifecycle.newest_changes(
            "talk", [(one.group_id, one.member_id, one.after) for one in found if not one.changes]
        )
        store.lifecycle.rewrite("talk", [_since(one, still) for one in found])


def _worked_out(who: tuple[str, str], since: int, past: Past, rules: LifecycleSettings, now: int) -> Rewritten | None:
    """A member's stages after what happened last before `since` (ms)."""
    happened = list(in_order(past.talks, past.moves))
    start = max((one.at for one in happened if one.at < since), default=None)
    later: list[Happened] = [one for one in happened if start is None or one.at > start]
    joined = any(what == "join" and start is not None and at <= start for at, what in past.moves)
    first = None if joined or start is None else past.first_seen
    course = course_at(-1 if start is None else start, past.talks, past.moves, first, rules)
    changes, end, due = walk(course, start or 0, later, now, rules)
    if end.stage is None:
        return None
    began = changes[-1].at if changes else start or 0
    return Rewritten(*who, -1 if start is None else start, changes, StageRow(end.stage, began, due))


def _since(one: Rewritten, still: Mapping[tuple[str, str], int]) -> Rewritten:
    """With the day since when they are in their stage, where nothing changed."""
    since = still.get((one.group_id, one.member_id))
    if one.changes or since is None:
        return one
    return one._replace(now=one.now._replace(since=since))


def sweep(store: Store, config: Config, now: datetime, most: int) -> bool:
    """Stages that ended by themselves, because time went by. True while there are more."""
    due = store.lifecycle.due(to_ms(now), most)
    settle(
        store, config, {(group, member): (NEVER, _LAST_DAY) for family, group, member in due if family == "talk"},
        to_ms(now),
    )  # fmt: skip
    for family, _, member in due:
        if family != "talk":
            settle_buyer(store, config, None, member, now)
    return len(due) == most


def rebuild_stages(store: Store, config: Config, now: datetime) -> int:
    """Works out every stage anew, after thresholds were changed. Returns how many members were looked at."""
    store.lifecycle.drop_stages("talk")
    seen, last = 0, ("", "")
    while people := store.lifecycle.everybody(last, 1_000):
        settle(store, config, dict.fromkeys(people, (-1, "")), to_ms(now))
        seen, last = seen + len(people), people[-1]
    for member in store.orders.buyers():
        settle_buyer(store, config, None, member, now)
    return seen
