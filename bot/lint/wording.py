"""Words that the law and good manners keep out of what members read. Pure; the words themselves are data."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from bot.config import check_model, read_toml
from bot.settings.kinds import Part

FILE = Path(__file__).resolve().parent / "words.toml"
Rule = Literal["absolute", "efficacy", "fear", "final-say"]
Level = Literal["error", "warning"]
REACH = 12
"""Characters between a negation and the word that it denies, at most."""
_CLAUSE = "，。！？；：,!?;:\n"


class WordModel(Part):
    """Words of one kind with what to say instead and the law behind them."""

    rule: Rule
    level: Level
    find: tuple[str, ...] = Field(min_length=1)
    say: str = Field(min_length=1)
    law: str = Field(min_length=1)


class AllowedModel(Part):
    """Harmless uses: a word inside such a passage is not reported."""

    rule: Rule
    find: tuple[str, ...] = Field(min_length=1)
    because: str = Field(min_length=1)


class NegationModel(Part):
    """What denies a word that follows in the same clause, and what turns such a denial round again."""

    words: tuple[str, ...]
    turns: tuple[str, ...]
    rules: tuple[Rule, ...]


class WordsModel(Part):
    """words.toml."""

    word: tuple[WordModel, ...]
    allowed: tuple[AllowedModel, ...]
    negation: NegationModel


@dataclass(frozen=True, slots=True)
class Hit:
    """One word that should not stand there."""

    rule: Rule
    level: Level
    word: str
    say: str
    law: str
    start: int


@dataclass(frozen=True, slots=True)
class _Lexicon:
    kinds: tuple[tuple[WordModel, re.Pattern[str]], ...]
    allowed: Mapping[str, re.Pattern[str]]
    denial: re.Pattern[str]
    denied: tuple[str, ...]


@cache
def _lexicon() -> _Lexicon:
    model = check_model(WordsModel, read_toml(FILE), str(FILE))
    rules = dict.fromkeys(one.rule for one in model.allowed)
    turns = "|".join(map(re.escape, model.negation.turns))
    return _Lexicon(
        tuple((one, _any_of(one.find)) for one in model.word),
        {rule: _any_of([find for one in model.allowed if one.rule == rule for find in one.find]) for rule in rules},
        re.compile(f"(?:{'|'.join(map(re.escape, model.negation.words))})(?:(?!{turns})[^{_CLAUSE}]){{0,{REACH}}}$"),
        model.negation.rules,
    )


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in patterns), re.IGNORECASE)


def hits(text: str, allowed: Iterable[str] = ()) -> list[Hit]:
    """What should not stand in a text that members read, in order; of words over one another the sterner one.
    `allowed`: passages that this persona may use."""
    lexicon = _lexicon()
    own = [(found.start(), found.end()) for one in allowed if one for found in re.finditer(re.escape(one), text)]
    taken: list[tuple[int, int]] = []
    found: list[Hit] = []
    for kind, pattern in lexicon.kinds:
        for match in pattern.finditer(text):
            start, end = match.span()
            inside = any(start >= first and end <= last for first, last in own)
            if inside or any(start < last and end > first for first, last in taken):
                continue
            if _harmless(lexicon, kind.rule, text, start, end):
                continue
            taken.append((start, end))
            found.append(Hit(kind.rule, kind.level, match[0], kind.say, kind.law, start))
    return sorted(found, key=lambda hit: hit.start)


def _harmless(lexicon: _Lexicon, rule: str, text: str, start: int, end: int) -> bool:
    pattern = lexicon.allowed.get(rule)
    if pattern is not None and any(_covers(match, start, end) for match in _overlapping(pattern, text, end)):
        return True
    return rule in lexicon.denied and lexicon.denial.search(text, 0, start) is not None


def _overlapping(pattern: re.Pattern[str], text: str, end: int) -> Iterable[re.Match[str]]:
    """Matches that begin before `end`, also those that begin inside one another."""
    place = 0
    while (match := pattern.search(text, place)) is not None and match.start() < end:
        yield match
        place = match.start() + 1


def _covers(match: re.Match[str], start: int, end: int) -> bool:
    """A passage covers a word when it begins no later and reaches over its first two characters: 最近 in 最近的."""
    return match.start() <= start and match.end() >= min(end, start + 2)
