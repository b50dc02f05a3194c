"""Banks: entries that beats take one after the other, by luck and without repeating too soon. TOML of the persona."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import Field

from bot.config import check_model, read_toml
from bot.errors import ConfigError, Problem
from bot.scripts.sky import TERMS, term_on
from bot.settings.kinds import Part, Word
from bot.world import Luck


class EntryModel(Part):
    """One entry: its words, and where and when they fit."""

    text: str = Field(min_length=4, max_length=400)
    types: tuple[Word, ...] = Field((), description="只给这些类型的群")
    term: str = Field("", description="只在这个节气里用")


class BankModel(Part):
    """One bank file."""

    title: str = Field(min_length=1, max_length=40)
    entry: tuple[EntryModel, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry. `key` follows from its words, so that it is known again wherever it moves in its file."""

    key: str
    text: str
    types: tuple[str, ...] = ()
    term: str = ""

    def fits(self, group_type: str, term: str) -> bool:
        """Whether it may be said in a group of this type under this solar term."""
        return (not self.types or group_type in self.types) and (not self.term or self.term == term)


@dataclass(frozen=True, slots=True)
class Bank:
    """The entries of one file, in its order."""

    name: str
    title: str
    entries: tuple[Entry, ...]

    def fitting(self, group_type: str, day: date) -> list[Entry]:
        """What may be said that day: entries of its solar term first, then those of the whole year."""
        term = term_on(day)[0]
        return sorted((one for one in self.entries if one.fits(group_type, term)), key=lambda one: not one.term)

    def choose(
        self, group_type: str, day: date, used: Mapping[str, int], since: int, luck: Luck, *occasion: object
    ) -> Entry | None:
        """The next entry that was not used since (ms), by luck: one of the solar term as long as there is one. When all
        were used, the one used longest ago. `used`: entry key -> when it was last used (ms). None when none fits."""
        fitting = self.fitting(group_type, day)
        fresh = [one for one in fitting if one.key not in used or used[one.key] < since]
        if fresh:
            return luck.pick([one for one in fresh if one.term] or fresh, "bank", self.name, *occasion)
        return min(fitting, key=lambda one: (used[one.key], one.key), default=None)


def load_topics(folder: Path, taboo: Sequence[str]) -> tuple[dict[str, Bank], list[Problem]]:
    """Every bank of a folder by file name, and what is wrong with the files."""
    banks: dict[str, Bank] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            model = check_model(BankModel, read_toml(path), str(path))
        except ConfigError as error:
            problems += error.problems
            continue
        seen: set[str] = set()
        for number, one in enumerate(model.entry, start=1):
            where = f"entry.{number}"
            if one.text in seen:
                problems.append(Problem(str(path), f"{where}.text", "这一条写了两遍"))
            if one.term and one.term not in TERMS:
                problems.append(
                    Problem(str(path), f"{where}.term", f"「{one.term}」不是节气", f"有：{'、'.join(TERMS)}")
                )
            problems += [
                Problem(str(path), f"{where}.text", f"用了禁用词「{word}」") for word in taboo if word in one.text
            ]
            seen.add(one.text)
        entries = tuple(Entry(_key(one.text), one.text, one.types, one.term) for one in model.entry)
        banks[path.stem] = Bank(path.stem, model.title, entries)
    return banks, problems


def _key(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
