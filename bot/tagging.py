"""Tags as rules: interactions -> tags, each with its evidence. Pure; what is kept is the newest evidence of a tag, so
the order and the portions in which interactions are read do not matter."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

    def add(self, mark: str, at: int, event_id: str) -> None:
        """One more event; of one mark the earliest stays."""
        self.hits += 1
        self.first_at = min(self.first_at, at)
        self.last_at = max(self.last_at, at)
        known = self.marks.get(mark)
        if known is None or (at, event_id) < known:
            self.marks[mark] = (at, event_id)


class Ear:
    """Hears some rules of a book in interactions."""

    def __init__(self, book: TagBook, rules: Sequence[TagRule], when: When) -> None:
        self._book = book
        self._when = when
        self._acts = [rule for rule in rules if rule.kind == "act"]
        self._hours = [rule for rule in rules if rule.kind == "hours"]
        self._days = [rule for rule in rules if rule.kind == "days"]
        self._sources = [rule for rule in rules if rule.kind == "source"]
        key = tuple(rule.id for rule in rules)
        if key not in book.listening:  # hundreds of words: built once for each set of rules, not for every piece
            owners = [
                (rule, tag, word)
                for rule in rules if rule.kind in ("talk", "place")
                for tag, word in book.patterns(rule)
            ]  # fmt: skip
            book.listening[key] = (owners, AhoCorasick([word for _, _, word in owners] or ["\x00"]))
        self._owners, self._automaton = book.listening[key]

    def hear(self, rows: Iterable[HeardRow], ours: frozenset[str]) -> Found:
        """What interactions say, by member and tag. `ours` are ids of bots and staff, who get no tags."""
        found: Found = {}
        for row in rows:
            if row.kind == "message":
                if row.member_id is not None and row.member_id not in ours:
                    self._hear_message(found, row, row.member_id)
            elif self._sources and row.kind in ("joined", "contact_added"):
                self._hear_source(found, row, ours)
        return found

    def _hear_message(self, found: Found, row: HeardRow, member: str) -> None:
        day, minute = self._when(row.group_id, row.at)
        for rule in self._days:
            _note(found, member, rule.tag, rule, day, row)
        for rule in self._hours:
            if rule.covers(minute):
                _note(found, member, rule.tag, rule, day, row)
        if row.route is not None:
            for rule in self._acts:
                if row.route.startswith(rule.routes):
                    _note(found, member, rule.tag, rule, day if rule.per == "day" else row.id, row)
        if row.text and (row.route is None or row.route.startswith(_TALK)):
            text = fold(row.text[:_SHORT])
            for rule, tag in self.spot(text):
                _note(found, member, tag, rule, day if rule.per == "day" else row.id, row)

    def spot(self, text: str) -> Iterator[tuple[TagRule, str]]:
        """The tags whose words a normalised text contains, each once, unless it says no to them."""
        seen: set[tuple[str, str]] = set()
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            rule, tag, _ = self._owners[index]
            if (rule.id, tag) in seen or self._book.refused(text, start):
                continue
            if not rule.whole or SEGMENTER.stands_alone(text, start, end):
                seen.add((rule.id, tag))
                yield rule, tag

    def _hear_source(self, found: Found, row: HeardRow, ours: frozenset[str]) -> None:
        try:
            details = json.loads(row.details or "{}")
        except ValueError:
            return
        source = " ".join(str(details.get("source") or "").split())[:16]
        members = details.get("members") or ([row.member_id] if row.member_id else [])
        for rule in self._sources:
            for member in members if source else ():
                if isinstance(member, str) and member not in ours:
                    _note(found, member, rule.named(source), rule, row.id, row)


def _note(found: Found, member: str, tag: str, rule: TagRule, mark: str, row: HeardRow) -> None:
    finding = found.get((member, tag))
    if finding is None:
        finding = found[member, tag] = Finding(rule, {})
    finding.add(mark, row.at, row.id)


def merge(known: Sequence[Evidence], marks: Mapping[str, tuple[int, str]], most: int = KEPT) -> list[Evidence]:
    """Known and new evidence together: the newest `most`, newest first; of one mark the earliest event."""
    if not known and len(marks) == 1:
        return [Evidence(mark, at, "interaction", event_id) for mark, (at, event_id) in marks.items()]
    all_marks = {one.mark: one for one in known}
    for mark, (at, event_id) in marks.items():
        old = all_marks.get(mark)
        if old is None or (at, event_id) < (old.at, old.ref):
            all_marks[mark] = Evidence(mark, at, "interaction", event_id)
    return sorted(all_marks.values(), key=lambda one: (one.at, one.mark), reverse=True)[:most]


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


def changed(known: Sequence[Evidence], kept: Sequence[Evidence]) -> tuple[list[Evidence], list[str]]:
    """(evidence to write, marks to remove) to come from what was known to what is kept."""
    if not known:
        return list(kept), []
    before = {one.mark: one for one in known}
    marks = {one.mark for one in kept}
    return [one for one in kept if before.get(one.mark) != one], [mark for mark in before if mark not in marks]
