"""A text as terms: characters, pairs, words, concepts, sounds and pairs of sounds. Pure, given the shipped tables."""

import zlib
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from ahocorasick_rs import AhoCorasick, MatchKind

from bot.faq.clean import clean, heart, tokens
from bot.faq.forms import forms
from bot.faq.lexicon import lexicon
from bot.faq.sounds import sounds
from bot.segment import SEGMENTER

DATA = Path(__file__).parent / "data"
FIELDS = ("c", "b", "w", "k", "p", "q")
"""Characters, pairs of them, words, concepts (groups of synonyms), sounds, pairs of sounds."""
RAREST = 12.0
"""Nats of surprise at which a term counts as fully rare."""


@dataclass(frozen=True, slots=True)
class Text:
    """What a message or an entry consists of."""

    plain: str
    """Cleaned, without courtesies."""
    tokens: tuple[str, ...]
    terms: tuple[tuple[str, ...], ...]
    """Distinct terms of each field, as in `FIELDS`."""
    word_of: tuple[int, ...]
    """For every token, which of `words` it is in."""
    words: tuple[str, ...]
    things: tuple[bool, ...]
    """For every word, whether it names a thing."""
    concept_of: tuple[str, ...]
    """For every token, the concept term that covers it."""
    heard: tuple[str, ...]
    """The folded syllables, in order."""
    forms: int
    """How it asks, see `forms`."""
    sound: str
    """The text with one private character per syllable: for comparing by ear."""
    meanings: tuple[int, ...]
    """Its words in the list of related words."""


@cache
def _surprise() -> Any:
    with np.load(DATA / "background.npz") as tables:
        return tables["surprise"].tobytes()


@lru_cache(maxsize=32_768)
def surprise(field: str, term: str) -> float:
    """How rare a term is in general Chinese: 0 (everywhere) to 1 (hardly ever seen)."""
    table: bytes = _surprise()
    if field == "k":
        field, term = "w", concepts().face.get(term, term)
    value = table[zlib.crc32(f"{field}{term}".encode()) % len(table)] / 8
    return min(value, RAREST) / RAREST


class Concepts:
    """Groups of words that mean the same in a question; each word belongs to one group."""

    def __init__(self, lines: list[str]) -> None:
        self.face: dict[str, str] = {}
        """Concept term -> its first word."""
        self.english: dict[str, str] = {}
        """Concept term -> its first English word, where it has one."""
        self._groups: list[str] = []
        words: list[str] = []
        for number, line in enumerate(lines):
            for word in line.split():
                if word not in self.face:
                    self.face[word] = ""
                    words.append(word)
                    self._groups.append(f"#{number}")
            if line.split():
                self.face[f"#{number}"] = line.split()[0]
                self.english.update((f"#{number}", word) for word in reversed(line.split()) if word.isascii())
        self._automaton = AhoCorasick(words or ["\x00"], matchkind=MatchKind.LeftmostLongest)

    def find(self, text: str) -> list[tuple[str, int, int]]:
        """Concepts in a cleaned text: term, start, end."""
        found = self._automaton.find_matches_as_indexes(text)
        return [
            (self._groups[index], start, end) for index, start, end in found
            if not (text[start].isascii() and _inside_latin(text, start, end))
        ]  # fmt: skip


def _inside_latin(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return (before.isascii() and before.isalnum()) or (after.isascii() and after.isalnum())


@cache
def concepts() -> Concepts:
    """The shipped groups."""
    path = DATA / "synonyms.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return Concepts([line for line in lines if line and not line.startswith("#")])


def _letter(sound: str) -> str:
    return chr(0xE000 + zlib.crc32(sound.encode()) % 6000)


def analyse(raw: str) -> Text:
    """Takes a text apart."""
    return analyse_clean(heart(clean(raw)))


def analyse_clean(plain: str) -> Text:
    """Takes a cleaned text apart."""
    parts = tokens(plain)
    heard = sounds(parts)
    classes = SEGMENTER.classes(plain)
    words, word_of, concept_of = _words(plain, [word for word, _ in classes if word != " "], parts)
    things = {word for word, kind in classes if kind[0] == "n" or kind == "eng"}
    fields = (
        _distinct(parts), _distinct(map("".join, pairwise(parts))), _distinct(words), _distinct(concept_of),
        _distinct(heard), _distinct(map("".join, pairwise(heard))),
    )  # fmt: skip
    return Text(
        plain, tuple(parts), fields, tuple(word_of), tuple(words), tuple(word in things for word in words),
        tuple(concept_of), tuple(heard), forms(plain), "".join(map(_letter, heard)),
        lexicon().read(plain, [word for word, _ in classes]),
    )  # fmt: skip


def _words(plain: str, cut: list[str], parts: list[str]) -> tuple[list[str], list[int], list[str]]:
    """Words; for every token the word it is in, and the concept (or else the word) that covers it."""
    words: list[str] = []
    word_of: list[int] = []
    concept_of: list[str] = []
    alone: set[int] = set()
    ends: list[int] = []
    place = 0
    for word in cut:
        place = plain.find(word, place)
        pieces = tokens(word)
        if pieces:
            if len(word) == 1:
                alone.add(place)
            words.append(word)
            for piece in pieces:
                ends.append(plain.find(piece, place) + len(piece))
                word_of.append(len(words) - 1)
                concept_of.append(word)
        place += len(word)
    if len(word_of) != len(parts):
        # A segmenter that splits Latin text otherwise than we do: every token is a word.
        return list(parts), list(range(len(parts))), list(parts)
    token = 0
    for concept, start, end in concepts().find(plain):
        if end - start > 1 or start in alone:
            while token < len(ends) and ends[token] <= start:
                token += 1
            while token < len(ends) and ends[token] <= end:
                concept_of[token] = concept
                token += 1
    return words, word_of, concept_of


def _distinct(terms: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(terms))
