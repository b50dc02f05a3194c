"""An inverted and a forward index of a knowledge base in plain arrays. Built at once, read by many threads."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from bot.faq.terms import FIELDS, Text, surprise

Array = np.ndarray[Any, Any]
KINDS = len(FIELDS)
LOCAL = ("c", "w", "k")
"""Fields that are also weighed by the knowledge base alone."""
LOCAL_FIELDS = [FIELDS.index(name) for name in LOCAL]
MOST_POSTINGS = 16_000
"""Postings that one query may touch: beyond them its most common terms are left out of the first look."""
TRUST = 60.0
"""Texts from which on the knowledge base knows better than general Chinese which terms are rare."""
LEAST = 0.02
"""What the commonest term still tells."""
RETRIEVAL = np.array([1.0, 1.2, 0.8, 0.9, 0.5, 0.7], dtype=np.float32)
"""What a field counts for in the first look."""
MEANING = 1.5
"""What related words count for there."""


class Brief(NamedTuple):
    """What is kept of an analysed text: a tenth of its memory."""

    plain: str
    sound: str
    forms: int
    length: int
    meanings: tuple[int, ...]

    @classmethod
    def of(cls, text: Text) -> "Brief":
        """The same text, short."""
        return cls(text.plain, text.sound, text.forms, max(1, len(text.tokens)), text.meanings)


class Texts:
    """What the candidates are compared by as wholes, in the order of the documents."""

    def __init__(self, texts: Sequence[Brief]) -> None:
        self.plain = [text.plain for text in texts]
        self.sound = [text.sound for text in texts]
        self.forms = np.array([text.forms for text in texts], dtype=np.int32)
        self.lengths = np.array([text.length for text in texts], dtype=np.int32)


@dataclass(slots=True)
class Vocabulary:
    """Term -> number; grows only."""

    numbers: tuple[dict[str, int], ...] = field(default_factory=lambda: tuple({} for _ in FIELDS))
    kind: list[int] = field(default_factory=list)
    rarity: list[float] = field(default_factory=list)
    """In general Chinese."""

    def number(self, text: Text) -> Array:
        """The terms of a text, numbered; new ones are added."""
        found: list[int] = []
        for kind, terms in enumerate(text.terms):
            known = self.numbers[kind]
            for term in terms:
                number = known.get(term)
                if number is None:
                    number = known[term] = len(self.kind)
                    self.kind.append(kind)
                    self.rarity.append(surprise(FIELDS[kind], term))
                found.append(number)
        return np.array(found, dtype=np.int32)


class Index:
    """`documents` are term numbers of every text, `bags` of every entry with all that it says. Only documents are
    looked up; bags are compared. `weight` says how much a term tells, 0 to 1."""

    def __init__(self, documents: Sequence[Array], bags: Sequence[Array], vocabulary: Vocabulary) -> None:
        self.count = len(documents)
        size = len(vocabulary.kind)
        every = [*documents, *bags]
        lengths = np.fromiter((len(one) for one in every), dtype=np.int64, count=len(every))
        self.forward = np.concatenate([*every, np.zeros(0, np.int32)])
        self.forward_start = np.concatenate([[0], np.cumsum(lengths)])
        self.kind = np.array(vocabulary.kind, dtype=np.int8)
        frequency = np.bincount(self.forward[self.forward_start[self.count] :], minlength=size)
        self.local: Array = np.append(rarity_here(frequency, len(bags)), np.float32(1.0))
        """How much each term tells in this knowledge base alone; the last stands for all that no text has."""
        self.trust = trust(len(bags))
        mixed = self.trust * self.local + (1 - self.trust) * np.array([*vocabulary.rarity, 1.0], dtype=np.float32)
        self.weight: Array = np.maximum(mixed, LEAST).astype(np.float32)
        owner = np.repeat(np.arange(len(every), dtype=np.int32), lengths)
        place = owner.astype(np.int64) * KINDS + self.kind[self.forward]
        self.own, self.own_local = (
            np.maximum(np.bincount(place, weights=of[self.forward], minlength=len(every) * KINDS), 1e-6)
            .astype(np.float32).reshape(len(every), KINDS)
            for of in (self.weight, self.local)
        )  # fmt: skip
        self.own_local = np.ascontiguousarray(self.own_local[:, LOCAL_FIELDS])
        looked_up = self.forward[: self.forward_start[self.count]]
        order = np.argsort(looked_up, kind="stable")
        texts = owner[order]
        self.start = np.concatenate([[0], np.cumsum(np.bincount(looked_up, minlength=size + 1))])
        self.present: Array = np.where(np.diff(self.start) > 0, np.arange(size + 1), size)
        """For every term its number, or that of the unknown if no text has it."""
        kinds = self.kind[looked_up[order]]
        share = self.weight[looked_up[order]] * RETRIEVAL[kinds] / np.sqrt(self.own[texts, kinds])
        self.postings = _pairs(texts, share)
        """For every term, text after text, the number of the text and (the bits of) what the term is worth in it."""
        self.terms = size + 1
        self.spare: list[Array] = []

    def scratch(self) -> Array:
        """-1 for every term. Whoever has put it back in order appends it to `spare`: filling a new one costs more."""
        try:
            return self.spare.pop()
        except IndexError:
            return np.full(self.terms, -1, dtype=np.int16)

    def add(self, start: Array, postings: Array, share: Array) -> None:
        """More to look up, numbered from `terms` on: for every term where it begins, its documents, its worth there."""
        self.start = np.concatenate([self.start, start[1:] + self.start[-1]])
        self.postings = np.concatenate([self.postings, _pairs(postings, share * np.float32(MEANING))])

    def unknown_weight(self, rarity: float) -> float:
        """What a term tells that no text has."""
        return max(LEAST, self.trust + (1 - self.trust) * rarity)

    def first_look(self, known: Array, worth: Array) -> Array:
        """A score for every text, by cosines of the fields. `known` are the query's terms, `worth` what each tells as
        a share of its field."""
        starts, ends = self.start[known], self.start[known + 1]
        there = ends > starts
        worth, starts, ends = worth[there], starts[there], ends[there]
        if not len(starts):
            return np.zeros(self.count)
        if int((ends - starts).sum()) > MOST_POSTINGS:
            order = np.argsort(ends - starts, kind="stable")
            kept = order[: max(1, int(np.searchsorted(np.cumsum((ends - starts)[order]), MOST_POSTINGS)))]
            worth, starts, ends = worth[kept], starts[kept], ends[kept]
        postings = self.postings
        found = np.concatenate([postings[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)])
        weights = found[:, 1].view(np.float32) * np.repeat(worth, ends - starts)
        return np.bincount(found[:, 0], weights=weights, minlength=self.count)

    @staticmethod
    def best(scores: Array, most: int) -> Array:
        """The texts with the highest scores above nothing, best first."""
        least = 0.35 * float(scores.max(initial=0.0))
        best = np.flatnonzero(scores > least)
        if len(best) < most:
            best = np.flatnonzero(scores > 0)
        if len(best) > most:
            best = best[np.argpartition(scores[best], -most)[-most:]]
        result: Array = best[np.argsort(-scores[best], kind="stable")]
        return result


def _pairs(texts: Array, share: Array) -> Array:
    """Both side by side: one look fetches them together."""
    found = np.empty((len(texts), 2), dtype=np.int32)
    found[:, 0] = texts
    found[:, 1] = share.astype(np.float32).view(np.int32)
    return found


def trust(count: int) -> float:
    """How much the frequencies of a knowledge base of so many entries are believed, beside those of general Chinese."""
    return 0.7 * count / (count + TRUST)


def rarity_here(frequency: Array, count: int) -> Array:
    """How rare each term is among so many entries: 0 (in all) to 1 (in hardly any)."""
    rare = np.log1p((count - frequency + 0.5) / (frequency + 0.5)) / np.log1p((count + 0.5) / 0.5)
    result: Array = np.clip(rare, LEAST, 1.0).astype(np.float32)
    return result
