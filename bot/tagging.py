"""Tags as rules: interactions -> tags, each with its evidence. Pure; what is kept is the newest evidence of a tag, so
the order and the portions in which interactions are read do not matter."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick

from bot.segment import SEGMENTER
from bot.tagrules import TagBook, TagRule
from bot.words import fold
from storage.tags import FOREVER, KEPT, Evidence, HeardRow, TagRow

DAY_MS = 86_400_000
ORIGINS = {"denied": 0, "order": 1, "rule": 1, "answer": 2, "manual": 3}
"""Which origin of a tag has the last word: what staff said, then what members answered, then what rules saw."""
_TALK = ("faq.", "help.addressed")
"""Routes of messages that are talk all the same: a question that was answered."""
STRONGEST = 5
_SHORT = 200
"""Characters of a message in which words are looked for: longer ones are pasted, not said."""
When = Callable[[str | None, int], tuple[str, int]]
"""(group, ms) -> (business day, minute of the day) there."""
Found = dict[tuple[str, str], "Finding"]


@dataclass(slots=True)
class Finding:
    """New evidence for one tag of one member: mark -> (ms, event id), and in how many events it was seen."""

    rule: TagRule
    marks: dict[str, tuple[int, str]]
    hits: int = 0
    first_at: int = FOREVER
    last_at: int = 0


class _Trace:
    """What one member gave some rules to go by, while interactions are heard."""

    __slots__ = ("first_at", "hits", "in_order", "last_at", "marks")

    def __init__(self, at: int) -> None:
        self.marks: dict[str, tuple[int, str]] = {}
        self.hits = 0
        self.first_at = self.last_at = at
        self.in_order = True
        """Whether the marks stand from the oldest to the newest."""


class _Slot:
    """Rules that always see the same events, each with its tag: three rules that count days count them once."""

    __slots__ = ("_daily", "_most", "gives", "traces")

    def __init__(self, gives: Sequence[tuple[TagRule, str]], *, daily: bool) -> None:
        self.gives = gives
        self.traces: dict[str, _Trace] = {}
        self._daily = daily
        self._most = max(kept_for(rule) for rule, _ in gives)

    def note(self, member: str, day: str, at: int, event_id: str) -> None:
        """One more event; of one mark the earliest stays, of all marks the newest."""
        trace = self.traces.get(member)
        if trace is None:
            trace = self.traces[member] = _Trace(at)
        elif at > trace.last_at:
            trace.last_at = at
        else:
            trace.first_at = min(trace.first_at, at)
            trace.in_order = False
        trace.hits += 1
        marks, mark = trace.marks, day if self._daily else event_id
        known = marks.get(mark)
        if known is None:
            marks[mark] = (at, event_id)
            if len(marks) > self._most:
                del marks[next(iter(marks)) if trace.in_order else min(marks, key=lambda one: (marks[one][0], one))]
        elif at <= known[0] and (at, event_id) < known:
            marks[mark] = (at, event_id)


class Ear:
    """Hears some rules of a book in interactions, in as many portions as come. What it keeps is bounded by members
    and tags, not by interactions."""

    def __init__(self, book: TagBook, rules: Sequence[TagRule], when: When) -> None:
        self._book = book
        self._when = when
        self._slots: dict[tuple[object, ...], _Slot] = {}
        self._acts = self._alike([rule for rule in rules if rule.kind == "act"])
        self._timed = self._alike([rule for rule in rules if rule.kind in ("days", "hours")])
        self._sources = [rule for rule in rules if rule.kind == "source"]
        self._by_minute: dict[int, list[_Slot]] = {}
        self._by_route: dict[str, list[_Slot]] = {}
        key = tuple(rule.id for rule in rules)
        if key not in book.listening:  # hundreds of words: built once for each set of rules, not for every piece
            owners = [
                (rule, tag, word)
                for rule in rules if rule.kind in ("talk", "place")
                for tag, word in book.patterns(rule)
            ]  # fmt: skip
            book.listening[key] = (owners, AhoCorasick([word for _, _, word in owners] or ["\x00"]))
        self._owners, self._automaton = book.listening[key]

    def _alike(self, rules: Iterable[TagRule]) -> list[tuple[TagRule, _Slot]]:
        """The slots of rules that no word decides, each with one of its rules."""
        found: dict[tuple[object, ...], list[TagRule]] = {}
        for rule in rules:
            daily = rule.kind != "act" or rule.per == "day"
            found.setdefault((rule.kind, rule.routes, rule.hours, daily), []).append(rule)
        for key, those in found.items():
            self._slots[key] = _Slot([(rule, rule.tag) for rule in those], daily=bool(key[-1]))
        return [(those[0], self._slots[key]) for key, those in found.items()]

    def _slot(self, rule: TagRule, tag: str) -> _Slot:
        slot = self._slots.get((rule.id, tag))
        if slot is None:
            slot = self._slots[rule.id, tag] = _Slot([(rule, tag)], daily=rule.per == "day" and rule.kind != "source")
        return slot

    def hear(self, rows: Iterable[HeardRow], ours: frozenset[str]) -> Found:
        """What interactions say, by member and tag. `ours` are ids of bots and staff, who get no tags."""
        self.listen(rows, ours)
        return self.found()

    def listen(self, rows: Iterable[HeardRow], ours: frozenset[str]) -> None:
        """Takes a portion in; `found` tells what came of all of them."""
        for row in rows:
            if row.kind == "message":
                if row.member_id is not None and row.member_id not in ours:
                    self._hear_message(row, row.member_id)
            elif self._sources and row.kind in ("joined", "contact_added"):
                self._hear_source(row, ours)

    def found(self) -> Found:
        """Everything that was heard so far."""
        return {
            (member, tag): Finding(rule, trace.marks, trace.hits, trace.first_at, trace.last_at)
            for slot in self._slots.values() for rule, tag in slot.gives for member, trace in slot.traces.items()
        }  # fmt: skip

    @property
    def kept(self) -> int:
        """Pieces of evidence that are held in memory."""
        return sum(len(trace.marks) for slot in self._slots.values() for trace in slot.traces.values())

    def _hear_message(self, row: HeardRow, member: str) -> None:
        _, event_id, _, at, group, _, text, _, route = row
        day, minute = self._when(group, at)
        timed = self._by_minute.get(minute)
        if timed is None:
            timed = self._by_minute[minute] = [
                slot for rule, slot in self._timed if rule.kind == "days" or rule.covers(minute)
            ]
        for slot in timed:
            slot.note(member, day, at, event_id)
        if route is not None:
            acts = self._by_route.get(route)
            if acts is None:
                acts = self._by_route[route] = [slot for rule, slot in self._acts if route.startswith(rule.routes)]
            for slot in acts:
                slot.note(member, day, at, event_id)
        if text and (route is None or route.startswith(_TALK)):
            for rule, tag in self.spot(fold(text[:_SHORT])):
                self._slot(rule, tag).note(member, day, at, event_id)

    def spot(self, text: str) -> Iterable[tuple[TagRule, str]]:
        """The tags whose words a normalised text contains, each once, unless it says no to them."""
        matches = self._automaton.find_matches_as_indexes(text, overlapping=True)
        if not matches:  # nearly all of what is said
            return ()
        found: dict[tuple[str, str], tuple[TagRule, str]] = {}
        for index, start, end in matches:
            rule, tag, _ = self._owners[index]
            if (rule.id, tag) in found or self._book.refused(text, start):
                continue
            if not rule.whole or SEGMENTER.stands_alone(text, start, end):
                found[rule.id, tag] = (rule, tag)
        return found.values()

    def _hear_source(self, row: HeardRow, ours: frozenset[str]) -> None:
        try:
            details = json.loads(row.details or "{}")
        except ValueError:
            return
        source = " ".join(str(details.get("source") or "").split())[:16]
        members = details.get("members") or ([row.member_id] if row.member_id else [])
        for rule in self._sources:
            for member in members if source else ():
                if isinstance(member, str) and member not in ours:
                    self._slot(rule, rule.named(source)).note(member, "", row.at, row.id)


def merge(known: Sequence[Evidence], marks: Mapping[str, tuple[int, str]], most: int = KEPT) -> list[Evidence]:
    """Known and new evidence together: the newest `most`, newest first; of one mark the earliest event."""
    fresh = [Evidence(mark, at, "interaction", event_id) for mark, (at, event_id) in marks.items()]
    if not known and len(fresh) < 2:
        return fresh
    if known:
        all_marks = {one.mark: one for one in known}
        for one in fresh:
            old = all_marks.get(one.mark)
            if old is None or (one.at, one.ref) < (old.at, old.ref):
                all_marks[one.mark] = one
        fresh = list(all_marks.values())
    fresh.sort(key=_newness, reverse=True)
    return fresh[:most]


def _newness(one: Evidence) -> tuple[int, str]:
    return one.at, one.mark


def kept_for(rule: TagRule) -> int:
    """Pieces of evidence worth keeping: what is needed, and what the greatest strength takes."""
    return min(KEPT, rule.need + STRONGEST - 1)


def judge(times: Sequence[int], need: int, days: int) -> tuple[int, int]:
    """(strength, expiry ms) from the times of evidence, newest first. 0 and 0 while there is too little.

    A tag holds as long as `need` pieces of evidence are at most `days` old (0: for ever); what is beyond that need
    makes it stronger, up to 5.
    """
    if len(times) < need:
        return 0, 0
    expires = times[need - 1] + days * DAY_MS if days else FOREVER
    recent = sum(1 for at in times if not days or at > times[0] - days * DAY_MS)
    return max(1, min(STRONGEST, 1 + recent - need)), max(1, expires)


def given(member: str, tag: str, finding: Finding, evidence: Sequence[Evidence], book: TagBook) -> TagRow:
    """The tag that a finding makes together with what was known."""
    rule = finding.rule
    strength, expires = judge([one.at for one in evidence], rule.need, rule.days)
    arena, _ = book.arena(tag)
    return TagRow(
        member, tag, "rule", rule.id, book.version(rule), finding.hits, strength, finding.first_at, finding.last_at,
        expires, arena, priority(book, tag, "rule", finding.last_at), None,
    )  # fmt: skip


def priority(book: TagBook, tag: str, origin: str, last_at: int) -> int:
    """How strong the claim of a tag is among those it excludes: origin first, then what the conflict declares."""
    arena, rank = book.arena(tag)
    within = last_at if arena is None or rank is None else (1 << 20) - rank
    return (ORIGINS[origin] << 44) + within


def row_by_hand(book: TagBook, member: str, tag: str, at: int, note: str, origin: str = "manual") -> TagRow:
    """A tag that a person gave, or denied."""
    arena, _ = book.arena(tag)
    return TagRow(
        member, tag, origin, "staff", "1", 1, 5, at, at, FOREVER, arena, priority(book, tag, origin, at), note or None
    )


def changed(known: Sequence[Evidence], kept: Sequence[Evidence]) -> tuple[list[Evidence], list[str] | None]:
    """(evidence to write, marks to remove; None: all of them) to come from what was known to what is kept."""
    if not known:
        return list(kept), []
    before = {one.mark: one for one in known}
    gone = before.keys() - {one.mark for one in kept}
    if len(gone) == len(before):
        return list(kept), None
    return [one for one in kept if before.get(one.mark) != one], sorted(gone)
