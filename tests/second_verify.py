"""A second verifier of lucky draws, written from the prose of docs/verify-draw.md alone.

Whoever wrote this had not seen the published script, the bot's own check nor the storage's: where all of them agree, the
document says enough for a stranger. Places that the prose had left open were settled in the prose, then here. Standard
library only. `verify` gives the objections in words; an empty list means that
the proof holds. It recomputes the whole course of the draw from `rule`, `entrants`, `public` and `secret`, and only then
compares what it found with what the proof claims.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

HOLDING, GONE = ("won", "claimed"), ("replaced", "forfeited")
FORMAT = "yuanzi-draw 1"
ONCE = ("format", "draw", "kind", "state", "commit", "secret", "list", "public", "count")
NUMBERED = ("rule", "entrants", "win")
WHOLE = 1_000_000  # an instant draw's odds are out of this many
HEX64 = re.compile(r"[0-9a-f]{64}")
NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
ROW = {
    "list": re.compile(r"[0-9a-f]{10}(?:\*(?P<weight>[2-9]|[1-9][0-9]{1,5}))?"),
    "instant": re.compile(r"[0-9a-f]{10}\.[0-9a-f]{10}"),
}
PRIZE = {
    "list": re.compile(r"奖品([1-9][0-9]{0,17})：.*，([1-9][0-9]{0,17}) 份", re.DOTALL),
    "instant": re.compile(
        r"奖品([1-9][0-9]{0,17})：.*，([1-9][0-9]{0,17}) 份，每次中奖率 .*%（百万分之 ([1-9][0-9]{0,17})）", re.DOTALL
    ),
}


class Unreadable(Exception):
    """The proof cannot be computed at all; the message says what is wrong with it."""


class Win(NamedTuple):
    """One claim of the proof: who came out `turn`-th, for which place, in which row of the list, with which prize.

    `status` is `won`, `claimed`, `replaced` or `forfeited`; the first two still hold the place.
    """

    turn: int
    place: int
    row: int
    prize: int
    status: str


class Prize(NamedTuple):
    """A prize as its rule line says it; `odds` in millionths, 0 in a list draw."""

    number: int
    copies: int
    odds: int


@dataclass(frozen=True)
class Pages:
    """Everything the pages say: the keys that occur once, and the numbered ones by their number."""

    once: dict[str, str] = field(default_factory=dict)
    numbered: dict[str, dict[int, str]] = field(default_factory=lambda: {key: {} for key in NUMBERED})

    def __getitem__(self, key: str) -> str:
        """The value of a key that must be there. Raises Unreadable where it is not."""
        if key not in self.once:
            raise Unreadable(f"there is no line `{key}`")
        return self.once[key]

    def unbroken(self, key: str) -> list[str]:
        """The values numbered 1, 2, 3 and so on. Raises Unreadable at a gap."""
        found = self.numbered[key]
        if sorted(found) != list(range(1, len(found) + 1)):
            raise Unreadable(f"the lines `{key}` are not numbered 1 to {len(found)}")
        return [found[number] for number in sorted(found)]


def sha(*parts: object) -> str:
    """The document's `sha(a, b, …)`."""
    return hashlib.sha256("\n".join(map(str, parts)).encode(errors="replace")).hexdigest()


def code(commit: str, member: str) -> str:
    """What stands for a member in the list."""
    return sha(commit, member)[:10]


def number(text: str) -> int:
    """A whole number as the document writes them. Raises Unreadable."""
    if not NUMBER.fullmatch(text):
        raise Unreadable(f"{text!r} is not a number")
    return int(text)


def read(text: str) -> Pages:
    """Sort the lines of all pages. Raises Unreadable where two of them contradict each other."""
    pages = Pages()
    for line in text.removeprefix("\ufeff").split("\n"):
        key, colon, value = line.strip().partition(": ")
        if not colon:
            continue
        if key in ONCE:
            if pages.once.setdefault(key, value) != value:
                raise Unreadable(f"the lines `{key}` contradict each other")
        elif key in NUMBERED:
            first, _, rest = value.partition(" ")
            for place, said in enumerate(rest.split(" ") if key == "entrants" else [rest], start=number(first)):
                if pages.numbered[key].setdefault(place, said) != said:
                    raise Unreadable(f"the lines `{key}` say two things of number {place}")
    return pages


def prizes(kind: str, rules: Iterable[str]) -> list[Prize]:
    """The prizes by their number. Raises Unreadable where there is none or a number is missing."""
    matches = [match.groups() for rule in rules if (match := PRIZE[kind].fullmatch(rule))]
    found = sorted(Prize(int(first), int(copies), int(*odds or ("0",))) for first, copies, *odds in matches)
    if not found or [prize.number for prize in found] != list(range(1, len(found) + 1)):
        raise Unreadable("the prizes in the rules are not numbered 1, 2, 3")
    return found


def ranking(seed: str, rows: list[str]) -> list[int]:
    """The numbers of the rows in the order in which they come out."""

    def lowest(row: int) -> str:
        match = ROW["list"].fullmatch(rows[row - 1])
        assert match
        return min(sha(seed, row, rows[row - 1], share) for share in range(1, int(match["weight"] or 1) + 1))

    return sorted(range(1, len(rows) + 1), key=lowest)


def hits(seed: str, rows: list[str], table: list[Prize]) -> Iterator[tuple[int, int]]:
    """The attempts of an instant draw that win, each with its prize."""
    left = {prize.number: prize.copies for prize in table}
    for attempt, row in enumerate(rows, start=1):
        position = int(sha(seed, attempt, row), 16) % WHOLE
        for prize in table:
            if position < prize.odds:
                if left[prize.number]:
                    left[prize.number] -= 1
                    yield attempt, prize.number
                break
            position -= prize.odds


def claims(pages: Pages) -> list[Win]:
    """What the proof says was won, in the order of drawing."""
    wins = []
    for turn, value in enumerate(pages.unbroken("win"), start=1):
        match value.split(" "):
            case [place, row, prize, status] if status in (*HOLDING, *GONE):
                wins.append(Win(turn, number(place), number(row), number(prize), status))
            case _:
                raise Unreadable(f"`win: {turn}` is not written as the document says")
    return wins


def listed(seed: str, rows: list[str], table: list[Prize], wins: list[Win]) -> Iterator[str]:
    """Objections to the wins of a list draw."""
    order = ranking(seed, rows)
    places = [prize.number for prize in table for _ in range(prize.copies)]
    due = min(len(places), len(order))
    if len(wins) < due:
        yield f"{due} had to come out, only {len(wins)} did"
    for win in wins:
        if win.turn > len(order):
            yield f"turn {win.turn}: nobody was left"
        elif win.row != order[win.turn - 1]:
            yield f"turn {win.turn}: row {order[win.turn - 1]} had to come out, not {win.row}"
        if win.turn <= due and win.place != win.turn:
            yield f"turn {win.turn} fills place {win.turn}, not {win.place}"
        elif not 1 <= win.place <= len(places) or places[win.place - 1] != win.prize:
            yield f"turn {win.turn}: place {win.place} is not of prize {win.prize}"
    held = [win.place for win in wins if win.status in HOLDING]
    if len(held) != len(set(held)):
        yield "a place is held by two at once"


def instant(seed: str, rows: list[str], table: list[Prize], wins: list[Win]) -> Iterator[str]:
    """Objections to the wins of an instant draw."""
    found = list(hits(seed, rows, table))
    if found != [(win.row, win.prize) for win in wins]:
        yield f"the attempts that win, with their prizes, are {found}"
    if [win.place for win in wins] != [win.turn for win in wins]:
        yield "the places of an instant draw are not counted through"


def objections(text: str) -> Iterator[str]:
    """Everything that does not fit, in the order of the document. Raises Unreadable where nothing can be computed."""
    pages = read(text)
    kind, state, secret = pages["kind"], pages["state"], pages["secret"]
    if pages["format"] != FORMAT or kind not in ROW or state not in ("drawn", "void"):
        raise Unreadable(f"not a proof of {FORMAT} of a draw that is over")
    draw, public = pages["draw"], pages["public"]
    number(draw)
    if not HEX64.fullmatch(secret) or sha(secret) != pages["commit"]:
        yield "the secret is not the one promised"
    rules, rows, wins = pages.unbroken("rule"), pages.unbroken("entrants"), claims(pages)
    if number(pages["count"]) != len(rows):
        yield f"{pages['count']} rows are announced, {len(rows)} are there"
    if not all(map(ROW[kind].fullmatch, rows)):
        raise Unreadable("a row of the list is not written as the document says")
    if sha(*rows) != pages["list"]:
        yield "the list is not the one sealed"
    if kind == "instant" and public != "-":
        yield "an instant draw has no public number"
    if kind == "list" and state == "void":
        if wins:
            yield "a list draw that came to nothing has winners"
        return
    middle = (pages["list"], public) if kind == "list" else ("instant", "-")
    seed = sha(FORMAT, draw, sha(*rules), *middle, secret)
    yield from (listed if kind == "list" else instant)(seed, rows, prizes(kind, rules), wins)


def verify(text: str) -> list[str]:
    """Check a published proof, all its pages in one text.

    Returns:
        The objections, in words; an empty list where everything holds.
    """
    found: list[str] = []
    try:
        found.extend(objections(text))
    except Unreadable as problem:
        found.append(str(problem))
    return found


if __name__ == "__main__":
    problems = verify(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stdout.write("\n".join(problems or ["holds"]) + "\n")
    sys.exit(bool(problems))
