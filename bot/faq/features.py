"""What is known of each candidate beside the query: numbers from 0 to 1 that mean the same in every book."""

from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Indel, JaroWinkler
from rapidfuzz.fuzz import partial_ratio
from rapidfuzz.process import cdist

from bot.faq.forms import FORMS, talk
from bot.faq.index import KINDS, Array, Index, Vocabulary
from bot.faq.terms import FIELDS, Text, surprise
from bot.faq.tone import tone

LOCAL = ("c", "w", "k")
"""Fields that are also weighed by the knowledge base alone."""
_LOCAL = [FIELDS.index(name) for name in LOCAL]
NAMES = (
    *(f"query_{name}" for name in FIELDS), *(f"entry_{name}" for name in FIELDS), *(f"cos_{name}" for name in FIELDS),
    *(f"bag_{name}" for name in FIELDS),
    "soft", "bag_soft", "missed_word", "missed_concept", "unasked_word", "unasked_concept", "best_match",
    "indel", "partial", "heard_indel", "winkler", "length_ratio", "latin_missed", "keyword", "same_form", "other_form",
    "form_here_only", "form_there_only", "best_concept",
    *(f"local_query_{name}" for name in LOCAL), *(f"local_entry_{name}" for name in LOCAL),
    "missed_thing", "missed_things",
)  # fmt: skip
OF_QUERY = (
    *(f"strange_{name}" for name in FIELDS), "length", "content", "rarest", "asks",
    *(f"asks_{name}" for name in FORMS), "talks", "tone",
)  # fmt: skip
"""What is known of the query alone."""


@dataclass(slots=True)
class Query:
    """A question beside a vocabulary."""

    text: Text
    known: Array
    """Numbers of its terms that occur in the knowledge base."""
    rows: list[dict[str, int]]
    """For every field: term -> its place in `known`, or the last row if unknown."""
    weight: Array
    """Of `known`."""
    total: Array
    """What the query weighs in each field, unknown terms included."""
    local: Array
    """What `known` tell in this knowledge base alone."""
    local_total: Array
    strange: Array
    """The part of that which no text of the knowledge base has."""


def read(text: Text, vocabulary: Vocabulary, index: Index) -> Query:
    """Looks the terms of a question up."""
    known: list[int] = []
    rows: list[dict[str, int]] = []
    total = [1e-6] * KINDS
    strange = [0.0] * KINDS
    local_total = [1e-6] * KINDS
    present, size = index.present, len(index.present)
    for kind, terms in enumerate(text.terms):
        numbers = vocabulary.numbers[kind]
        places: dict[str, int] = {}
        for term in terms:
            number = numbers.get(term, size)
            if number < size and present[number]:
                places[term] = len(known)
                known.append(number)
            else:
                local_total[kind] += 1.0
                strange[kind] += index.unknown_weight(surprise(FIELDS[kind], term))
        total[kind] += strange[kind]
        rows.append(places)
    numbers_known = np.array(known, dtype=np.int64)
    weight = index.weight[numbers_known]
    local = index.local[numbers_known]
    totals, local_totals = (
        (np.array(unknown) + np.bincount(index.kind[numbers_known], weights=of, minlength=KINDS)).astype(np.float32)
        for unknown, of in ((total, weight), (local_total, local))
    )  # fmt: skip
    return Query(text, numbers_known, rows, weight, totals, local, local_totals, np.array(strange, dtype=np.float32))


def matches(query: Query, index: Index, documents: Array) -> tuple[Array, Array]:
    """Which terms of the query occur in each document (one more row for unknown terms: never), and the heaviest
    word and concept of each document that the query does not have."""
    places = np.full(len(index.weight), -1, dtype=np.int16)
    starts, ends = index.forward_start[documents], index.forward_start[documents + 1]
    terms = np.concatenate([index.forward[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)])
    owner = np.repeat(np.arange(len(documents)), ends - starts)
    places[query.known] = np.arange(len(query.known), dtype=np.int16)
    place = places[terms]
    found = np.zeros((len(query.known) + 1, len(documents)), dtype=np.float32)
    hit = place >= 0
    found[place[hit], owner[hit]] = 1.0
    unasked = np.zeros((2, len(documents)), dtype=np.float32)
    kinds = index.kind[terms]
    for row, kind in enumerate((2, 3)):
        missed = ~hit & (kinds == kind)
        np.maximum.at(unasked[row], owner[missed], index.weight[terms[missed]])
    return found, unasked


def describe(query: Query, index: Index, documents: Array, bags: Array, texts: list[Text], keyword: Array) -> Array:
    """One row of features (`NAMES`) for every candidate. `bags` are the documents with all that the entry says."""
    count = len(documents)
    found, unasked = matches(query, index, np.concatenate([documents, bags]))
    kinds = index.kind[query.known]
    weighted = np.zeros((KINDS, len(query.known)), dtype=np.float32)
    weighted[kinds, np.arange(len(query.known))] = query.weight
    shared = weighted @ found[:-1]
    of_query = shared / query.total[:, None]
    of_entry = np.minimum(shared[:, :count] / index.own[documents].T, 1.0)
    soft, missed = _soft(query, found)
    table = np.empty((len(NAMES), count), dtype=np.float32)
    table[0:KINDS] = of_query[:, :count]
    table[KINDS : 2 * KINDS] = of_entry
    table[2 * KINDS : 3 * KINDS] = np.sqrt(of_query[:, :count] * of_entry)
    table[3 * KINDS : 4 * KINDS] = of_query[:, count:]
    at = 4 * KINDS
    table[at] = soft[:count]
    table[at + 1] = soft[count:]
    table[at + 2 : at + 4] = missed[:2, :count]
    table[at + 25 : at + 27] = missed[2:, count:]
    table[at + 4 : at + 6] = unasked[:, :count]
    plain = [text.plain for text in texts]
    mine = [query.text.plain]
    table[at + 7] = cdist(mine, plain, scorer=Indel.normalized_similarity)[0]
    table[at + 8] = cdist(mine, plain, scorer=partial_ratio)[0] / 100
    table[at + 9] = cdist([query.text.sound], [text.sound for text in texts], scorer=Indel.normalized_similarity)[0]
    table[at + 10] = cdist(mine, plain, scorer=JaroWinkler.normalized_similarity)[0]
    length = max(1, len(query.text.tokens))
    lengths = np.array([max(1, len(text.tokens)) for text in texts])
    table[at + 11] = np.minimum(length, lengths) / np.maximum(length, lengths)
    table[at + 12] = _latin(query, found)[:count]
    table[at + 13] = keyword
    asked = query.text.forms
    answered = [text.forms for text in texts]
    table[at + 14] = [bool(asked & other) for other in answered]
    table[at + 15] = [bool(asked and other and not asked & other) for other in answered]
    table[at + 16] = [bool(asked and not other) for other in answered]
    best = found[:-1, :count] * query.weight[:, None]
    table[at + 6] = best[kinds == FIELDS.index("w")].max(axis=0, initial=0.0)
    table[at + 18] = best[kinds == FIELDS.index("k")].max(axis=0, initial=0.0)
    weighted[kinds, np.arange(len(query.known))] = query.local
    shared_here = (weighted[_LOCAL] @ found[:-1, :count]).astype(np.float32)
    table[at + 19 : at + 22] = shared_here / query.local_total[_LOCAL, None]
    table[at + 22 : at + 25] = np.minimum(shared_here / index.own_local[documents][:, _LOCAL].T, 1.0)
    table[at + 17] = [bool(other and not asked) for other in answered]
    return table.T


def describe_query(query: Query) -> Array:
    """One row of `OF_QUERY`."""
    asked = query.text.forms
    words = [surprise("w", word) for word in query.text.words]
    return np.array(
        [
            *(query.strange / query.total), min(1.0, len(query.text.tokens) / 30), min(1.0, sum(words) / 10),
            max(words, default=0.0), float(asked > 0), *(float(asked >> bit & 1) for bit in range(len(FORMS))),
            min(1.0, talk(query.text.plain) / 4), tone(query.text),
        ],
        dtype=np.float32,
    )  # fmt: skip


def _soft(query: Query, found: Array) -> tuple[Array, Array]:
    """Share of the query's tokens that a document has as character, word, concept or sound, each as good as it is;
    and what it has not: the heaviest word, the heaviest concept, the heaviest thing, all things together."""
    text, rows, none = query.text, query.rows, len(query.known)
    size = len(text.tokens)
    if not size:
        return np.zeros(found.shape[1], dtype=np.float32), np.zeros((4, found.shape[1]), dtype=np.float32)
    chars = [rows[0].get(token, none) for token in text.tokens]
    words = [rows[2].get(text.words[word], none) for word in text.word_of]
    concepts = [rows[3].get(concept, none) for concept in text.concept_of]
    heard = [rows[4].get(sound, none) for sound in text.heard]
    by_token = np.maximum(found[words], 0.95 * found[concepts])
    np.maximum(by_token, 0.75 * found[chars], out=by_token)
    if len(heard) == size:
        np.maximum(by_token, 0.6 * found[heard], out=by_token)
    weight = np.append(query.weight, 1.0)
    heavy = 0.5 * (weight[chars] + weight[words])
    soft = heavy @ by_token / heavy.sum()
    lacking = (1 - by_token) * heavy[:, None]
    of_things = lacking * np.array([text.things[word] for word in text.word_of], dtype=np.float32)[:, None]
    missed = np.stack([
        ((1 - found[words]) * weight[words][:, None]).max(axis=0),
        lacking.max(axis=0), of_things.max(axis=0), np.minimum(of_things.sum(axis=0) / 4, 1.0),
    ])  # fmt: skip
    return soft, missed


def _latin(query: Query, found: Array) -> Array:
    """Share of the query's numbers and Latin words that a document lacks."""
    places = [query.rows[0].get(token, len(query.known)) for token in query.text.tokens if token.isascii()]
    if not places:
        return np.zeros(found.shape[1], dtype=np.float32)
    result: Array = 1 - found[places].mean(axis=0)
    return result
