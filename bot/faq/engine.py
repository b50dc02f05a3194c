"""The matching engine: which entries a question asks for, how surely, and why. Reads are thread-safe."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bot.faq.entry import Entry, Hit
from bot.faq.features import NAMES, Query, describe, describe_query, read
from bot.faq.index import Array, Brief, Index, Texts, Vocabulary
from bot.faq.meaning import Meanings, Meant
from bot.faq.model import shipped
from bot.faq.terms import Text, analyse

VARIANTS = 40
"""Texts that are looked at closely."""
CANDIDATES = 16
"""Entries that are looked at closely."""


VAGUE = 0.5
"""Sum of the fields' cosines in the first look below which nobody needs to look closely: half of all chat stays below,
and of the questions whose entry would come first one in 400. Looked at closely, none of the chat got more than 0.18
(measured on two of the training domains)."""


@dataclass(slots=True)
class Look:
    """What a query shares with the texts at first look."""

    query: Query
    meant: Meant | None
    entries: Array
    """Best first, each once."""
    documents: Array
    """Of the texts of each entry the closest, which speaks for it."""
    scores: Array


@dataclass(slots=True)
class Close:
    """Candidates of one query, best first look first."""

    query: Query
    entries: Array
    documents: Array
    features: Array
    has: Array
    """Which tokens of the query each candidate has as word or concept."""
    of_query: Array


@dataclass(frozen=True, slots=True)
class _Analysed:
    texts: tuple[Brief, ...]
    keywords: tuple[str, ...]
    terms: tuple[Array, ...]
    bag: Array
    meanings: tuple[int, ...]


class Engine:
    """A knowledge base, ready to be asked."""

    def __init__(self) -> None:
        self._vocabulary = Vocabulary()
        self._analysed: dict[Entry, _Analysed] = {}
        self.entries: tuple[Entry, ...] = ()
        self._state: _State | None = None

    @classmethod
    def build(cls, entries: Iterable[Entry]) -> "Engine":
        """An engine over these entries."""
        engine = cls()
        engine.renew(entries)
        return engine

    def renew(self, entries: Iterable[Entry]) -> None:
        """Replaces all entries; what has not changed is not analysed again. Readers see the old ones or the new."""
        wanted = tuple(entries)
        analysed = {entry: self._analysed.get(entry) or self._analyse(entry) for entry in wanted}
        self._state = _State(wanted, analysed, self._vocabulary) if wanted else None
        self._analysed, self.entries = analysed, wanted

    def _analyse(self, entry: Entry) -> _Analysed:
        texts = _distinct(entry.question, *entry.similar) or _distinct(*entry.keywords)
        terms = tuple(self._vocabulary.number(text) for text in texts)
        keywords = [text for text in map(analyse, entry.keywords) if text.tokens]
        more = [self._vocabulary.number(text) for text in keywords]
        bag = np.unique(np.concatenate([*terms, *more])) if terms or more else np.zeros(0, np.int32)
        meanings = dict.fromkeys(word for text in (*texts, *keywords) for word in text.meanings)
        return _Analysed(
            tuple(map(Brief.of, texts)), tuple(text.plain for text in keywords), terms, bag, tuple(meanings)
        )

    def close(self, text: str, without: Collection[str] = ()) -> Close | None:
        """The candidates with their features: what `search` decides on, and what training learns from. `without` are
        ids of entries that do not count just now."""
        state = self._state
        query_text = analyse(text)
        if state is None or not query_text.tokens:
            return None
        look = state.look(query_text, without)
        return None if look is None else state.close(look)

    def search(self, text: str, most: int = 5, without: Collection[str] = ()) -> list[Hit]:
        """The entries that the text may ask for, surest first; empty if nothing is shared. `without`: not these ids."""
        state = self._state
        query_text = analyse(text)
        if state is None or not query_text.tokens:
            return []
        look = state.look(query_text, without)
        if look is None:
            return []
        if look.scores[0] < VAGUE:
            return [state.vague(look, place) for place in range(min(most, len(look.entries)))]
        close = state.close(look)
        model = shipped()
        ranks = model.rank(close.features)
        order = np.argsort(-ranks, kind="stable")
        ranks = ranks[order]
        sure = model.sure(close.features[order], ranks, close.of_query)
        # The others are as much less sure than the first as they are less likely meant.
        scores = sure * np.exp(np.maximum(ranks - ranks[0], -30))
        return [state.hit(close, int(place), float(score)) for place, score in zip(order[:most], scores, strict=False)]


BASE = {
    "cos_c": 1.0,
    "cos_b": 1.0,
    "cos_w": 0.8,
    "cos_k": 1.0,
    "cos_p": 0.5,
    "cos_q": 0.6,
    "soft": 1.0,
    "indel": 0.5,
    "bag_soft": 0.5,
}
_WEIGHTS = np.array([BASE.get(name, 0.0) for name in NAMES], dtype=np.float32)


def baseline(features: Array) -> Array:
    """A fixed sum."""
    result: Array = features @ _WEIGHTS / _WEIGHTS.sum()
    return result


def _distinct(*texts: str) -> tuple[Text, ...]:
    """Texts that say something, each once."""
    return tuple({text.plain: text for text in map(analyse, texts) if text.tokens}.values())


class _State:
    """One version of the knowledge base; never changes."""

    def __init__(self, entries: Sequence[Entry], analysed: dict[Entry, _Analysed], vocabulary: Vocabulary) -> None:
        self.entries = entries
        self.vocabulary = vocabulary
        texts: list[Brief] = []
        owner: list[int] = []
        documents: list[Array] = []
        bags: list[Array] = []
        self.keywords: list[tuple[str, ...]] = []
        for number, entry in enumerate(entries):
            one = analysed[entry]
            texts.extend(one.texts)
            owner.extend([number] * len(one.texts))
            documents.extend(one.terms)
            bags.append(one.bag)
            self.keywords.append(one.keywords)
        self.owner = np.array(owner, dtype=np.int64)
        self.count = len(documents)
        self.bag_of = np.arange(self.count, self.count + len(entries))
        self.index = Index(documents, bags, vocabulary)
        self.texts = Texts(texts)
        self.meanings = Meanings([text.meanings for text in texts], [analysed[entry].meanings for entry in entries])
        self.index.add(*self.meanings.postings())

    def look(self, text: Text, without: Collection[str] = ()) -> Look | None:
        """The candidates; None if nothing is shared."""
        query = read(text, self.vocabulary, self.index)
        meant = self.meanings.meant(text.meanings)
        more, worth = self.meanings.sought(meant)
        scores = self.index.first_look(
            np.concatenate([query.terms, more + self.index.terms]), np.concatenate([query.worth(), worth])
        )
        if without:
            away = np.fromiter((one.id in without for one in self.entries), dtype=bool, count=len(self.entries))
            scores[away[self.owner]] = 0.0
        best = self.index.best(scores, VARIANTS)
        if not len(best):
            return None
        first: dict[int, int] = {}
        for place, owner in enumerate(self.owner[best].tolist()):
            first.setdefault(owner, place)
        documents = best[list(first.values())[:CANDIDATES]]
        return Look(query, meant, np.array(list(first)[:CANDIDATES]), documents, scores[documents])

    def close(self, look: Look) -> Close:
        """The candidates with their features."""
        query, documents, bags = look.query, look.documents, self.bag_of[look.entries]
        meant = self.meanings.compare(look.meant, documents, bags)
        keywords = self._keywords(query.text.plain, look.entries)
        features, has = describe(query, self.index, documents, bags, self.texts, meant, keywords)
        return Close(query, look.entries, documents, features, has, describe_query(query))

    def vague(self, look: Look, place: int) -> Hit:
        """A candidate that shares next to nothing: in order, and as good as not meant."""
        score = 0.01 * float(look.scores[place]) / VAGUE
        return Hit(self.entries[look.entries[place]].id, round(score, 6), self.texts.plain[look.documents[place]])

    def hit(self, close: Close, place: int, score: float) -> Hit:
        """One candidate as it is shown."""
        asked = close.query.text
        shared = [
            asked.words[word] for word, has in zip(asked.word_of, close.has[:, place].tolist(), strict=True) if has
        ]
        return Hit(
            self.entries[close.entries[place]].id, round(score, 6), self.texts.plain[close.documents[place]],
            tuple(dict.fromkeys(shared)),
        )  # fmt: skip

    def _keywords(self, plain: str, entries: Array) -> Array:
        """Which share of the text the longest keyword of each entry is."""
        longest = []
        for entry in entries.tolist():
            best = 0
            for one in self.keywords[entry]:
                if len(one) > best and one in plain:
                    best = len(one)
            longest.append(best)
        return np.array(longest, dtype=np.float32) / len(plain)
