"""Words with vectors, made out of hand-written lists of related words by `python -m bot.faq.related`."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from ahocorasick_rs import AhoCorasick, MatchKind

Array = np.ndarray[Any, Any]
TABLE = Path(__file__).parent / "data" / "related.npz"


class Lexicon:
    """Words with their vectors. A text is read as the longest words of the list, from the left."""

    def __init__(self, words: list[str], tables: Any) -> None:
        self.vectors: Array = tables["vectors"]
        self.rarity: Array = tables["rarity"] / np.float32(255)
        """In general Chinese, 0 to 1."""
        self.nearest: Array = tables["nearest"]
        """For every word the nearest ones, itself first ..."""
        self.near: Array = tables["near"]
        """... and how near they are, in 255ths; 0: no more."""
        self._numbers = {word: number for number, word in enumerate(words)}
        self._automaton = AhoCorasick(words, matchkind=MatchKind.LeftmostLongest)
        self._sides: dict[int, list[int]] = {}
        for word, side in tables["opposites"].tolist():
            self._sides.setdefault(word, []).append(side)

    def read(self, plain: str, words: Sequence[str]) -> tuple[int, ...]:
        """The numbers of the words of a cleaned text that was cut into `words`, each once. A phrase counts where it
        begins and ends as words do; a word that is not in the list counts as its characters."""
        ends: dict[int, int] = {}
        numbers: dict[int, int] = {}
        for number, start, end in self._automaton.find_matches_as_indexes(plain):
            ends[start], numbers[start] = end, number
        found: list[int] = []
        get = self._numbers.get
        place = until = 0
        bounds = {0}
        for word in words:
            place += len(word)
            bounds.add(place)
        place = 0
        for word in words:
            if place >= until:
                end = ends.get(place, 0)
                if end >= place + len(word) and end in bounds:
                    found.append(numbers[place])
                    until = end
                else:
                    known = get(word)
                    if known is not None:
                        found.append(known)
                    elif len(word) > 1 and not word.isascii():
                        found.extend(one for char in word if (one := get(char)) is not None)
            place += len(word)
        return tuple(dict.fromkeys(found))

    def sides(self, words: tuple[int, ...]) -> frozenset[int]:
        """On which side of which opposites the words stand: n or -n."""
        return frozenset(side for word in words for side in self._sides.get(word, ()))


@cache
def lexicon() -> Lexicon:
    """The shipped one."""
    with np.load(TABLE) as tables:
        words = tables["words"].tobytes().decode("utf-8").split("\n")
        return Lexicon(words, tables)
