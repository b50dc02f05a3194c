"""What candidates mean beside the query, whatever their words: vectors of related words, and opposites."""

from dataclasses import dataclass

import numpy as np

from bot.faq.index import LEAST, Array, rarity_here, trust
from bot.faq.lexicon import lexicon

SCALE = 127.0
_WORTH = np.square(np.arange(256, dtype=np.float32) / 255)
"""What a word tells that is so near to the one that was said."""
NAMES = ("meant", "meant_query", "meant_entry", "unmeant_query", "unmeant_entry", "bag_meant", "opposite")
"""Features of a candidate: cosine of the wholes, share of the query and of the entry that the other has in other
words, what is heaviest and missing on either side, the share that all texts of the entry have, opposites."""


@dataclass(slots=True)
class Meant:
    """The words of a query, with their weights, their vectors and the vector of the whole."""

    numbers: list[int]
    weight: Array
    vectors: Array
    whole: Array
    sides: frozenset[int]


class Meanings:
    """The words of every document (texts first, then bags), ready to be compared."""

    def __init__(self, documents: list[tuple[int, ...]], bags: list[tuple[int, ...]]) -> None:
        self._lexicon = lexicon()
        every = [*documents, *bags]
        lengths = np.fromiter((len(one) for one in every), dtype=np.int64, count=len(every))
        self.words = np.fromiter((word for one in every for word in one), dtype=np.int32, count=int(lengths.sum()))
        self.start = np.concatenate([[0], np.cumsum(lengths)])
        size = len(self._lexicon.rarity)
        frequency = np.bincount(self.words[self.start[len(documents)] :], minlength=size)
        sure = trust(len(bags))
        mixed = sure * rarity_here(frequency, len(bags)) + (1 - sure) * self._lexicon.rarity
        self.weight: Array = np.maximum(mixed, LEAST).astype(np.float32)
        self.texts = len(documents)
        self.whole = self._wholes()
        known: dict[frozenset[int], frozenset[int]] = {}
        self.sides = [known.setdefault(sides, sides) for sides in map(self._lexicon.sides, documents)]

    def _wholes(self, part: int = 2048) -> Array:
        """One vector of length 1 for every text, in half precision; nothing where no word is known."""
        found = np.zeros((self.texts, self._lexicon.vectors.shape[1]), dtype=np.float16)
        for begin in range(0, self.texts, part):
            bounds = self.start[begin : min(begin + part, self.texts) + 1]
            words = self.words[bounds[0] : bounds[-1]]
            some = np.flatnonzero(np.diff(bounds))
            if len(some):
                heavy = self._lexicon.vectors[words] * self.weight[words, None]
                sums = np.add.reduceat(heavy, (bounds[:-1] - bounds[0])[some], axis=0)
                found[begin + some] = sums / (np.sqrt((sums**2).sum(axis=1, keepdims=True)) + 1e-6)
        return found

    def postings(self) -> tuple[Array, Array, Array]:
        """Which texts have each word: where its part begins, the texts, and what the word is worth in each."""
        words = self.words[: self.start[self.texts]]
        owner = np.repeat(np.arange(self.texts, dtype=np.int32), np.diff(self.start[: self.texts + 1]))
        weight = self.weight[words]
        own = np.maximum(np.bincount(owner, weights=weight, minlength=self.texts), 1e-6)
        order = np.argsort(words, kind="stable")
        start = np.concatenate([[0], np.cumsum(np.bincount(words, minlength=len(self.weight)))])
        return start, owner[order], (weight / np.sqrt(own[owner]))[order].astype(np.float32)

    def sought(self, query: Meant | None) -> tuple[Array, Array]:
        """The words to look up for a query, and what each is worth: those that were said, and those near them."""
        if query is None:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        near = self._lexicon.near[query.numbers]
        worth = _WORTH[near] * (query.weight / np.sqrt(query.weight.sum()))[:, None]
        wanted = near > 0
        return self._lexicon.nearest[query.numbers][wanted].astype(np.int64), worth[wanted]

    def meant(self, words: tuple[int, ...]) -> Meant | None:
        """A query; None if it has no word of the list."""
        if not words:
            return None
        numbers = list(words)
        vectors = self._lexicon.vectors[numbers].astype(np.float32) / SCALE
        weight = self.weight[numbers]
        whole = weight @ vectors
        return Meant(numbers, weight, vectors, whole / (np.sqrt(whole @ whole) + 1e-6), self._lexicon.sides(words))

    def compare(self, query: Meant | None, documents: Array, bags: Array) -> Array:
        """`NAMES` for every candidate, one row each."""
        count = len(documents)
        table = np.zeros((len(NAMES), count), dtype=np.float32)
        if query is None:
            return table
        both = np.concatenate([documents, bags])
        starts, ends = self.start[both], self.start[both + 1]
        words = np.concatenate([self.words[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)])
        lengths = ends - starts
        some = np.flatnonzero(lengths)
        if not len(some):
            return table
        first = (np.cumsum(lengths) - lengths)[some]
        alike = query.vectors @ self._lexicon.vectors[words].astype(np.float32).T
        np.maximum(alike / SCALE, 0.0, out=alike)
        best = np.zeros((len(query.weight), 2 * count), dtype=np.float32)
        best[:, some] = np.maximum.reduceat(alike, first, axis=1)
        had = query.weight @ best / query.weight.sum()
        table[1], table[5] = had[:count], had[count:]
        table[3] = (query.weight[:, None] * (1 - best[:, :count])).max(axis=0)
        weight = self.weight[words]
        own = alike.max(axis=0)
        near = weight * own
        texts = int(np.searchsorted(some, count))
        at = some[:texts]
        end = int(ends[:count].sum() - starts[:count].sum())
        if texts:
            begin = first[:texts]
            table[2, at] = np.add.reduceat(near[:end], begin) / np.add.reduceat(weight[:end], begin)
            table[4, at] = np.maximum.reduceat((weight - near)[:end], begin)
        table[0] = np.maximum(self.whole[documents].astype(np.float32) @ query.whole, 0.0)
        if query.sides:
            other = frozenset(-side for side in query.sides if -side not in query.sides)
            table[6] = [_opposed(other, self.sides[place]) for place in documents.tolist()]
        return table


def _opposed(other: frozenset[int], there: frozenset[int]) -> bool:
    """Whether a text stands on the other side of something, and not on both."""
    return not other.isdisjoint(there) and any(-side not in there for side in other & there)
