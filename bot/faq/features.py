"""What is known of each candidate beside the query: numbers from 0 to 1 that mean the same in every book."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from rapidfuzz.distance import Indel, JaroWinkler
from rapidfuzz.fuzz import partial_ratio

from bot.faq.forms import FORMS, talk
from bot.faq.index import KINDS, LOCAL, LOCAL_FIELDS, Array, Index, Texts, Vocabulary
from bot.faq.meaning import NAMES as MEANING
from bot.faq.terms import FIELDS, Text, surprise
from bot.faq.tone import tone

_WORD, _CONCEPT = FIELDS.index("w"), FIELDS.index("k")
NAMES = (
    *(f"query_{name}" for name in FIELDS), *(f"entry_{name}" for name in FIELDS), *(f"cos_{name}" for name in FIELDS),
    *(f"bag_{name}" for name in FIELDS),
    "soft", "bag_soft", "missed_word", "missed_concept", "unasked_word", "unasked_concept", "best_match",
    "indel", "partial", "heard_indel", "winkler", "length_ratio", "latin_missed", "keyword", "same_form", "other_form",
    "form_here_only", "form_there_only", "best_concept",
    *(f"local_query_{name}" for name in LOCAL), *(f"local_entry_{name}" for name in LOCAL),
    "missed_thing", "missed_things", "unasked_words", "unasked_concepts", *MEANING,
)  # fmt: skip
OF_QUERY = (
    *(f"strange_{name}" for name in FIELDS), "length", "content", "rarest", "asks",
    *(f"asks_{name}" for name in FORMS), "talks", "tone",
)  # fmt: skip
"""What is known of the query alone."""


@dataclass(slots=True)
class Query:
    """A question beside a vocabulary. Its terms stand field by field."""

    text: Text
    terms: Array
    """The number of each term; `none` if no text has it."""
    none: int
    starts: tuple[int, ...]
    """Where each field begins, and where the last ends."""
    weight: Array
    total: Array
    """What the query weighs in each field."""
    local: Array
    """What the terms tell in this knowledge base alone."""
    local_total: Array
    """What the query weighs so in the fields of `LOCAL`."""
    strange: Array
    """The part of `total` that no text of the knowledge base has."""

    def worth(self) -> Array:
        """What each term tells, as a share of its field."""
        shares: Array = self.weight / np.sqrt(np.repeat(self.total, np.diff(self.starts)))
        return shares


def read(text: Text, vocabulary: Vocabulary, index: Index) -> Query:
    """Looks the terms of a question up."""
    size = index.terms - 1
    found: list[int] = []
    starts = [0]
    for known, terms in zip(vocabulary.numbers, text.terms, strict=True):
        get = known.get
        found += [get(term, size) for term in terms]
        starts.append(len(found))
    # Words that came after this index was built, or left with an entry, are as unknown as any other.
    numbers = index.present[np.minimum(np.array(found, dtype=np.int64), size)]
    weight, local = index.weight[numbers], index.local[numbers]
    strange = [0.0] * KINDS
    for place in np.flatnonzero(numbers == size).tolist():
        kind = bisect_right(starts, place) - 1
        worth = index.unknown_weight(surprise(FIELDS[kind], text.terms[kind][place - starts[kind]]))
        strange[kind] += worth
        weight[place] = worth
    total, local_total = (
        np.array([sum(of[a:b]) + 1e-6 for a, b in pairwise(starts)], dtype=np.float32)
        for of in (weight.tolist(), local.tolist())
    )
    return Query(
        text, numbers, size, tuple(starts), weight, total, local, local_total[LOCAL_FIELDS],
        np.array(strange, dtype=np.float32),
    )  # fmt: skip


def matches(query: Query, index: Index, documents: Array, own: int) -> tuple[Array, Array]:
    """Which terms of the query occur in each document; and the heaviest word and concept of each of the first `own`
    documents that the query does not have."""
    starts, ends = index.forward_start[documents], index.forward_start[documents + 1]
    forward = index.forward
    terms = np.concatenate([forward[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)])
    lengths = ends - starts
    owner = np.repeat(np.arange(len(documents)), lengths)
    places = index.scratch()
    places[query.terms] = np.arange(len(query.terms), dtype=np.int16)
    places[-1] = -1
    place = places[terms]
    places[query.terms] = -1
    index.spare.append(places)
    hit = place >= 0
    found = np.zeros((len(query.terms), len(documents)), dtype=np.float32)
    found[place[hit], owner[hit]] = 1.0
    first = np.cumsum(lengths[:own])
    end = int(first[-1])
    terms, missed = terms[:end], ~hit[:end]
    kinds = index.kind[terms]
    heavy = index.weight[terms] * missed
    begin = first - lengths[:own]
    unasked = np.empty((2, own), dtype=np.float32)
    np.maximum.reduceat(heavy * (kinds == _WORD), begin, out=unasked[0])
    np.maximum.reduceat(heavy * (kinds == _CONCEPT), begin, out=unasked[1])
    return found, unasked


def describe(
    query: Query, index: Index, documents: Array, bags: Array, texts: Texts, meant: Array, keyword: Array
) -> tuple[Array, Array]:
    """One row of features (`NAMES`) for every candidate, and which of the query's tokens it has as word or concept.
    `bags` are the documents with all that the entry says."""
    count, width = len(documents), len(query.terms)
    found, unasked = matches(query, index, np.concatenate([documents, bags]), count)
    weighted = np.zeros((KINDS + len(LOCAL), width), dtype=np.float32)
    for kind in range(KINDS):
        a, b = query.starts[kind], query.starts[kind + 1]
        weighted[kind, a:b] = query.weight[a:b]
    for row, kind in enumerate(LOCAL_FIELDS, KINDS):
        a, b = query.starts[kind], query.starts[kind + 1]
        weighted[row, a:b] = query.local[a:b]
    shared = weighted @ found
    here = shared[KINDS:, :count]
    of_query = shared[:KINDS] / query.total[:, None]
    own = index.own[documents]
    of_entry = np.minimum(shared[:KINDS, :count] / own.T, 1.0)
    soft, missed, has = _soft(query, found, count)
    table = np.empty((len(NAMES), count), dtype=np.float32)
    table[0:KINDS] = of_query[:, :count]
    table[KINDS : 2 * KINDS] = of_entry
    np.sqrt(of_query[:, :count] * of_entry, out=table[2 * KINDS : 3 * KINDS])
    table[3 * KINDS : 4 * KINDS] = of_query[:, count:]
    at = 4 * KINDS
    table[at] = soft[:count]
    table[at + 1] = soft[count:]
    table[at + 2 : at + 4] = missed[:2]
    table[at + 4 : at + 6] = unasked
    table[at + 6], table[at + 18] = _best(query, found[:, :count])
    table[at + 7 : at + 11] = _edits(query.text, texts, documents.tolist())
    length = max(1, len(query.text.tokens))
    lengths = texts.lengths[documents]
    table[at + 11] = np.minimum(length, lengths) / np.maximum(length, lengths)
    table[at + 12] = _latin(query, found[:, :count])
    table[at + 13] = keyword
    asked, answered = query.text.forms, texts.forms[documents]
    same, other = (answered & asked) > 0, answered > 0
    table[at + 14] = same
    table[at + 15] = ~same & other if asked else False
    table[at + 16] = ~other if asked else False
    table[at + 17] = False if asked else other
    table[at + 19 : at + 22] = here / query.local_total[:, None]
    table[at + 22 : at + 25] = np.minimum(here / index.own_local[documents].T, 1.0)
    table[at + 25 : at + 27] = missed[2:]
    both = slice(_WORD, _CONCEPT + 1)
    table[at + 27 : at + 29] = np.minimum((own[:, both].T - shared[both, :count]) / 4, 1.0)
    table[at + 29 :] = meant
    return table.T, has[:, :count]


def _best(query: Query, found: Array) -> tuple[Array, Array]:
    """The heaviest word and the heaviest concept that a document shares."""
    shared = found * query.weight[:, None]
    word, concept = (shared[query.starts[kind] : query.starts[kind + 1]] for kind in (_WORD, _CONCEPT))
    return word.max(axis=0, initial=0.0), concept.max(axis=0, initial=0.0)


def _edits(text: Text, texts: Texts, documents: list[int]) -> Array:
    """How alike the characters are as a whole, in part, by ear, and from the beginning."""
    plain, sound = text.plain, text.sound
    there = [texts.plain[place] for place in documents]
    return np.array(
        [
            [Indel.normalized_similarity(plain, one) for one in there],
            [partial_ratio(plain, one) / 100 for one in there],
            [Indel.normalized_similarity(sound, texts.sound[place]) for place in documents],
            [JaroWinkler.normalized_similarity(plain, one) for one in there],
        ],
        dtype=np.float32,
    )


def describe_query(query: Query) -> Array:
    """One row of `OF_QUERY`."""
    asked = query.text.forms
    words = [surprise("w", word) for word in query.text.words]
    return np.array(
        [
            *(query.strange / query.total).tolist(), min(1.0, len(query.text.tokens) / 30), min(1.0, sum(words) / 10),
            max(words, default=0.0), float(asked > 0), *(float(asked >> bit & 1) for bit in range(len(FORMS))),
            min(1.0, talk(query.text.plain) / 4), tone(query.text),
        ],
        dtype=np.float32,
    )  # fmt: skip


def _soft(query: Query, found: Array, count: int) -> tuple[Array, Array, Array]:
    """Share of the query's tokens that a document has as character, word, concept or sound, each as good as it is;
    what the text of a candidate has not (the heaviest word, the heaviest concept) and what all of its entry has not
    (the heaviest thing, all things together); and whether it has the token as word or concept."""
    text = query.text
    char_at, word_at, concept_at, sound_at = (
        {term: place for place, term in enumerate(text.terms[kind], query.starts[kind])} for kind in (0, 2, 3, 4)
    )
    chars = [char_at[token] for token in text.tokens]
    words = [word_at[text.words[word]] for word in text.word_of]
    by_word, by_char = found[words], found[chars]
    by_token = np.maximum(by_word, 0.95 * found[[concept_at[one] for one in text.concept_of]])
    has = by_token > 0
    np.maximum(by_token, 0.75 * by_char, out=by_token)
    if len(text.heard) == len(text.tokens):
        np.maximum(by_token, 0.6 * found[[sound_at[sound] for sound in text.heard]], out=by_token)
    weight = np.where(query.terms == query.none, np.float32(1.0), query.weight)
    of_word = weight[words]
    heavy = 0.5 * (weight[chars] + of_word)
    soft = heavy @ by_token / heavy.sum()
    lacking = (1 - by_token) * heavy[:, None]
    missed = np.empty((4, count), dtype=np.float32)
    np.max((1 - by_word[:, :count]) * of_word[:, None], axis=0, out=missed[0])
    np.max(lacking[:, :count], axis=0, out=missed[1])
    things = [text.things[word] for word in text.word_of]
    if any(things):
        of_things = lacking[things, count:]
        np.max(of_things, axis=0, out=missed[2])
        np.minimum(of_things.sum(axis=0) / 4, 1.0, out=missed[3])
    else:
        missed[2:] = 0.0
    return soft, missed, has


def _latin(query: Query, found: Array) -> Array:
    """Share of the query's numbers and Latin words that a document lacks."""
    if query.text.plain.isascii() or any(token.isascii() for token in query.text.terms[0]):
        place = {term: place for place, term in enumerate(query.text.terms[0])}
        places = [place[token] for token in query.text.tokens if token.isascii()]
        result: Array = 1 - found[places].mean(axis=0)
        return result
    return np.zeros(found.shape[1], dtype=np.float32)
