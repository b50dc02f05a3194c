"""What plain methods reach with the same questions, to read our own figures by: TF-IDF, BM25, a fixed sum. Slow, for
measuring only (`python -m bot.faq.train --check`)."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise

from bot.faq.engine import Engine, baseline
from bot.faq.entry import Entry, Hit
from bot.faq.terms import FIELDS, analyse

Search = Callable[[str], list[Hit]]
BY_FIELD = {"c": 1.0, "b": 1.0, "w": 1.0, "p": 0.5}
"""What the fields count for in the sum of several BM25 scores."""


class Postings:
    """Terms with their texts, and what each is worth there."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        texts = [(entry.id, text) for entry in entries for text in (entry.question, *entry.similar)]
        self.owner = [owner for owner, _ in texts]
        self.texts = [analyse(text) for _, text in texts]
        self.worth: dict[str, list[tuple[int, float]]] = defaultdict(list)

    def ranked(self, parts: dict[str, float]) -> list[Hit]:
        """Entries by the best of their texts."""
        scores: dict[int, float] = defaultdict(float)
        for term, part in parts.items():
            for text, worth in self.worth.get(term, ()):
                scores[text] += part * worth
        best: dict[str, float] = {}
        for text, score in scores.items():
            best[self.owner[text]] = max(score, best.get(self.owner[text], 0.0))
        return [Hit(owner, score) for owner, score in sorted(best.items(), key=lambda one: -one[1])[:20]]


def tf_idf(entries: Sequence[Entry]) -> Search:
    """Cosine of characters and pairs of them."""
    book = Postings(entries)
    rows = [Counter(_grams(text.plain)) for text in book.texts]
    seen = Counter(term for row in rows for term in row)
    rare = {term: math.log((1 + len(rows)) / (1 + count)) + 1 for term, count in seen.items()}

    def unit(row: Counter[str]) -> dict[str, float]:
        heavy = {term: count * rare.get(term, 0.0) for term, count in row.items()}
        length = math.sqrt(sum(one * one for one in heavy.values())) or 1.0
        return {term: one / length for term, one in heavy.items()}

    for text, row in enumerate(rows):
        for term, worth in unit(row).items():
            book.worth[term].append((text, worth))
    return lambda asked: book.ranked(unit(Counter(_grams(analyse(asked).plain))))


def _grams(plain: str) -> list[str]:
    return [*plain, *map("".join, pairwise(plain))]


def bm25(entries: Sequence[Entry], fields: dict[str, float] | None = None) -> Search:
    """BM25 over characters (or several fields), divided by the score that the query would give itself."""
    book = Postings(entries)
    weights = fields or {"c": 1.0}
    rare: dict[str, float] = {}
    new = math.log(1 + (len(book.texts) + 0.5) / 0.5)
    for name in weights:
        kind = FIELDS.index(name)
        seen = Counter(term for text in book.texts for term in text.terms[kind])
        middle = sum(len(text.terms[kind]) for text in book.texts) / max(1, len(book.texts)) or 1.0
        for term, count in seen.items():
            rare[f"{name}{term}"] = math.log(1 + (len(book.texts) - count + 0.5) / (count + 0.5))
        for number, text in enumerate(book.texts):
            worth = 2.5 / (1 + 1.5 * (0.25 + 0.75 * len(text.terms[kind]) / middle))
            for term in text.terms[kind]:
                book.worth[f"{name}{term}"].append((number, worth))

    def search(asked: str) -> list[Hit]:
        parts: dict[str, float] = {}
        for name, weight in weights.items():
            terms = [f"{name}{term}" for term in analyse(asked).terms[FIELDS.index(name)]]
            own = sum(rare.get(term, new) for term in terms) or 1.0
            parts |= {term: weight * rare[term] / own / sum(weights.values()) for term in terms if term in rare}
        return book.ranked(parts)

    return search


def fixed_sum(entries: Sequence[Entry]) -> Search:
    """Our own features, added up without training."""
    engine = Engine.build(entries)

    def search(asked: str) -> list[Hit]:
        close = engine.close(asked)
        if close is None:
            return []
        scores = baseline(close.features)
        order = sorted(range(len(scores)), key=lambda place: -float(scores[place]))
        return [Hit(engine.entries[close.entries[place]].id, float(scores[place])) for place in order]

    return search


RIVALS: dict[str, Callable[[Sequence[Entry]], Search]] = {
    "character TF-IDF": tf_idf,
    "character BM25 / own": bm25,
    "BM25 sum / own": lambda entries: bm25(entries, BY_FIELD),
    "fixed sum": fixed_sum,
}
