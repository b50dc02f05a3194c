"""Learning from what was said, after the fact: tags, days and stages. A message costs nothing when it is said; a
cursor for each rule walks over the interactions in bounded pieces, so a new or edited rule reads the past anew."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.buying import settle_buyer
from bot.config import Config
from bot.context import zone_of
from bot.lifecycle import NEVER, Happened, course_at, in_order, walk
from bot.settings.tags import LifecycleSettings
from bot.tagging import Ear, changed, given, kept_for, merge
from bot.tagrules import TagBook, TagRule
from bot.world import from_ms, to_ms
from storage.lifecycle import StageRow
from storage.store import Store
from storage.tags import HeardRow

AT_ONCE = 200
"""Events of one transaction while members wait for answers: some tens of milliseconds."""
ASKED = 500
"""Events that are read at once when staff ask: they would rather wait a moment than hear of yesterday."""
STAGES = ":stages"
"""Stands among the rules as one more reader; no rule can have this id."""
_STAGES_VERSION = "1"
_QUARTER = 900_000
_REMEMBERED = 20_000
_LAST_DAY = "9999-12-31"
_TALK = ("faq.", "help.addressed")


class Calendar:
    """(group, ms) -> (business day, minute of the day); remembers quarters of hours, which no zone splits."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._zones: dict[str | None, ZoneInfo] = {}
        self._known: dict[tuple[ZoneInfo, int], tuple[str, int]] = {}

    def __call__(self, group: str | None, at: int) -> tuple[str, int]:
        """The business day and minute of a moment (ms) where a group lives."""
        zone = self._zones.get(group)
        if zone is None:
            zone = self._zones[group] = zone_of(self._config.group(group))
        quarter, rest = divmod(at, _QUARTER)
        known = self._known.get((zone, quarter))
        if known is None:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            local = from_ms(quarter * _QUARTER).astimezone(zone)
            known = self._known[zone, quarter] = (local.date().isoformat(), local.hour * 60 + local.minute)
        return known[0], known[1] + rest // 60_000


def learn(store: Store, config: Config, book: TagBook, now: datetime, most: int = AT_ONCE) -> bool:
    """Reads the next piece of what happened, inside a transaction. True while there is more to do."""
    if _renew(store, book, most):
        return True
    cursors = {rule: seq for rule, (_, seq) in store.tags.cursors().items()}
    rules = {rule.id: rule for rule in book.heard}
    behind = {name: cursors.get(name, 0) for name in (*rules, STAGES)}
    newest, low = store.tags.newest_event(), min(behind.values())
    if low >= newest:
        return sweep(store, config, now, most)
    reading = [name for name, seq in behind.items() if seq == low]
    until = min(newest, low + most, *(seq for seq in behind.values() if seq > low), newest)
    rows = list(store.tags.heard(low, until))
    calendar = Calendar(config)
    ours = frozenset({*config.settings.bot.ids, *config.staff})
    hear(store, book, [rules[name] for name in reading if name in rules], calendar, rows, ours)
    if STAGES in reading:
        follow(store, config, calendar, rows, ours, to_ms(now))
    versions = [(name, book.version(rules[name]) if name in rules else _STAGES_VERSION) for name in reading]
    store.tags.read_up_to(versions, until)
    behind.update((name, until) for name in reading)
    return min(behind.values()) < newest or sweep(store, config, now, most)


def needs_older(store: Store, book: TagBook, cutoff: int) -> bool:
    """Whether something that happened before `cutoff` (ms) has not been read by every rule yet."""
    cursors = {rule: seq for rule, (_, seq) in store.tags.cursors().items()}
    low = min(cursors.get(name, 0) for name in (STAGES, *(rule.id for rule in book.heard)))
    following = store.tags.next_event(low)
    return following is not None and following < cutoff


def _renew(store: Store, book: TagBook, most: int) -> bool:
    """Takes back what old versions of rules gave, piece by piece. True while there is more of it."""
    current = {rule.id: book.version(rule) for rule in book.heard} | {STAGES: _STAGES_VERSION}
    for rule, (version, _) in store.tags.cursors().items():
        if current.get(rule) == version:
            continue
        if store.tags.drop_of_rule(rule, most) == most:
            return True
        if rule in current:
            store.tags.read_up_to([(rule, current[rule])], 0)
        else:
            store.tags.forget_rule(rule)
    return False


# -- tags ----------------------------------------------------------------------------------------------------------


def hear(
    store: Store, book: TagBook, rules: Sequence[TagRule], calendar: Calendar, rows: Sequence[HeardRow],
    ours: frozenset[str],
) -> None:  # fmt: skip
    """Gives the tags that some rules find in interactions; their evidence joins what was known."""
    found = Ear(book, rules, calendar).hear(rows, ours)
    known = {member: store.tags.evidence_of(member, "rule") for member in {member for member, _ in found}}
    fresh = []
    for (member, tag), finding in found.items():
        before = known[member].get(tag, ())
        kept = merge(before, finding.marks, kept_for(finding.rule))
        fresh.append((given(member, tag, finding, kept, book), *changed(before, kept)))
    store.tags.give_all(fresh)


# -- days and stages -----------------------------------------------------------------------------------------------


def follow(
    store: Store, config: Config, calendar: Calendar, rows: Iterable[HeardRow], ours: frozenset[str], now: int
) -> None:
    """Notes when members were here, came and went, and works out the stages of whoever is concerned."""
    days: dict[tuple[str, str, str], list[int]] = {}
    moves: list[tuple[str, str, int, str]] = []
    touched: dict[tuple[str, str], tuple[int, str]] = {}

    def touch(group: str, member: str, at: int, day: str) -> None:
        earlier = touched.get((group, member))
        if earlier is None or at < earlier[0]:
            touched[group, member] = (at, day)

    for row in rows:
        group, day = row.group_id or "", calendar(row.group_id, row.at)[0]
        if row.kind == "message":
            if row.member_id is None or row.member_id in ours:
                continue
            talk = row.route is None or row.route.startswith(_TALK)
            known = days.setdefault((group, row.member_id, day), [row.at, row.at, 0, 0])
            known[0], known[1] = min(known[0], row.at), max(known[1], row.at)
            known[2 if talk else 3] += 1
            touch(group, row.member_id, row.at, day)
        elif row.kind in ("joined", "left") and group:
            for member in _movers(row, ours):
                moves.append((group, member, row.at, "join" if row.kind == "joined" else "leave"))
                touch(group, member, row.at, day)
    store.lifecycle.add_days((*key, *value) for key, value in days.items())  # type: ignore[misc]
    store.lifecycle.add_moves(moves)
    for (group, member), (at, day) in touched.items():
        settle(store, config.group(group or None).lifecycle, group, member, at, day, now)


def _movers(row: HeardRow, ours: frozenset[str]) -> list[str]:
    """Who came or went. A roster that was read at first connect says nothing about when."""
    try:
        details = json.loads(row.details or "{}")
    except ValueError:
        return []
    if details.get("history"):
        return []
    return [one for one in details.get("members", ()) if isinstance(one, str) and one not in ours]


def settle(store: Store, rules: LifecycleSettings, group: str, member: str, since: int, day: str, now: int) -> None:
    """Works out a member's stages from `since` (ms, on business day `day`) on, until `now` (ms)."""
    talks = [(one.first_at, one.last_at) for one in store.lifecycle.days_around(group, member, day)]
    moves = store.lifecycle.moves(group, member)
    happened = list(in_order(talks, moves))
    start = max((one.at for one in happened if one.at < since), default=None)
    later: list[Happened] = [one for one in happened if start is None or one.at > start]
    joined = any(what == "join" and start is not None and at <= start for at, what in moves)
    first = None if joined or start is None else store.lifecycle.first_seen(group, member)
    course = course_at(-1 if start is None else start, talks, moves, first, rules)
    changes, end, due = walk(course, start or 0, later, now, rules)
    if end.stage is None:
        return
    last = changes[-1].at if changes else _since(store, group, member, start)
    store.lifecycle.rewrite(
        "talk", group, member, -1 if start is None else start, changes, StageRow(end.stage, last, due)
    )


def _since(store: Store, group: str, member: str, start: int | None) -> int:
    known = store.lifecycle.newest_change("talk", group, member, NEVER if start is None else start)
    return known[0] if known else start or 0


def sweep(store: Store, config: Config, now: datetime, most: int) -> bool:
    """Stages that ended by themselves, because time went by. True while there are more."""
    due = store.lifecycle.due(to_ms(now), most)
    for family, group, member in due:
        if family == "talk":
            settle(store, config.group(group or None).lifecycle, group, member, NEVER, _LAST_DAY, to_ms(now))
        else:
            settle_buyer(store, config, None, member, now)
    return len(due) == most


def rebuild_stages(store: Store, config: Config, now: datetime) -> int:
    """Works out every stage anew, after thresholds were changed. Returns how many members were looked at."""
    store.lifecycle.drop_stages("talk")
    seen, last = 0, ("", "")
    while people := store.lifecycle.everybody(last, 1_000):
        for group, member in people:
            settle(store, config.group(group or None).lifecycle, group, member, -1, "", to_ms(now))
        seen, last = seen + len(people), people[-1]
    for member in store.orders.buyers():
        settle_buyer(store, config, None, member, now)
    return seen
