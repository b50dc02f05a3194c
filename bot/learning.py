"""Learning from what was said, after the fact: tags, days and stages. A message costs nothing when it is said; a
cursor for each rule walks over the interactions in bounded pieces, so a new or edited rule reads the past anew."""

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.config import Config
from bot.context import zone_of
from bot.stages import Diary, settle, sweep
from bot.tagging import Ear, Found, changed, given, kept_for, merge
from bot.tagrules import TagBook
from bot.world import from_ms, to_ms
from storage.store import Store
from storage.tags import ASKED_AT_ONCE

AT_ONCE = 200
"""Events of one transaction while members wait for answers: some tens of milliseconds."""
ASKED = 500
"""Events that are read at once when staff ask: they would rather wait a moment than hear of yesterday."""
STAGES = ":stages"
"""Stands among the rules as one more reader; no rule can have this id."""
_STAGES_VERSION = "1"
PORTION = 5_000
"""Events in memory at once."""
MOST_KEPT = 400_000
"""Pieces of evidence in memory at once: a longer piece ends here, whatever it was to be."""
_QUARTER = 900_000
_REMEMBERED = 20_000


class Calendar:
    """(group, ms) -> (business day, minute of the day); remembers quarters of hours, which no zone splits."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._zones: dict[str | None, tuple[ZoneInfo, dict[int, tuple[str, int]]]] = {}
        self._known: dict[ZoneInfo, dict[int, tuple[str, int]]] = {}

    def __call__(self, group: str | None, at: int) -> tuple[str, int]:
        """The business day and minute of a moment (ms) where a group lives."""
        there = self._zones.get(group)
        if there is None:
            zone = zone_of(self._config.group(group))
            there = self._zones[group] = (zone, self._known.setdefault(zone, {}))
        quarter = at // _QUARTER
        known = there[1].get(quarter)
        if known is None:
            if len(there[1]) > _REMEMBERED:
                there[1].clear()
            local = from_ms(quarter * _QUARTER).astimezone(there[0])
            known = there[1][quarter] = (local.date().isoformat(), local.hour * 60 + local.minute)
        return known[0], known[1] + at % _QUARTER // 60_000


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
    calendar = Calendar(config)
    ours = frozenset({*config.settings.bot.ids, *config.staff})
    ear = Ear(book, [rules[name] for name in reading if name in rules], calendar)
    diary = Diary(store, calendar, ours)
    place = low
    while place < until and ear.kept < MOST_KEPT:
        portion = list(store.tags.heard(place, min(place + PORTION, until)))
        ear.listen(portion, ours)
        if STAGES in reading:
            diary.read(portion)
            if diary.is_full:
                diary.write()
        place = min(place + PORTION, until)
    until = place
    diary.write()
    tag(store, book, ear.found())
    settle(store, config, diary.concerned, to_ms(now))
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


def tag(store: Store, book: TagBook, found: Found) -> None:
    """Gives the tags that were found; their evidence joins what was known."""
    members: dict[str, list[str]] = {}
    for member, name in sorted(found):  # in the order of the tables, which is the quickest
        members.setdefault(member, []).append(name)
    everybody = list(members)
    for start in range(0, len(everybody), ASKED_AT_ONCE):
        some = everybody[start : start + ASKED_AT_ONCE]
        known = store.tags.evidence_of(some, "rule")
        fresh = []
        for member in some:
            for name in members[member]:
                finding, before = found[member, name], known.get((member, name), ())
                kept = merge(before, finding.marks, kept_for(finding.rule))
                fresh.append((given(member, name, finding, kept, book), *changed(before, kept)))
        store.tags.give_all(fresh)
