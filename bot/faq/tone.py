"""Whether a message sounds like a question to a service or like talk among people: a linear model over its words."""

import math
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from bot.faq.index import Array
from bot.faq.terms import Text

BUCKETS = 1 << 14
WEIGHTS = Path(__file__).parent / "data" / "tone.npz"


def marks(text: Text) -> list[int]:
    """What the model looks at: words, concepts, pairs, the first and the last word, the length. Hashed."""
    found = [f"w{word}" for word in dict.fromkeys(text.words)] + [f"k{one}" for one in text.terms[3]]
    found += [f"b{pair}" for pair in text.terms[1]]
    if text.words:
        found += [f"^{text.words[0]}", f"${text.words[-1]}"]
    found.append(f"n{min(len(text.tokens) // 3, 6)}")
    return [zlib.crc32(mark.encode()) % BUCKETS for mark in found]


@cache
def _shipped() -> tuple[Array, float]:
    if not WEIGHTS.is_file():
        return np.zeros(BUCKETS, dtype=np.float32), 0.0
    with np.load(WEIGHTS) as tables:
        return tables["weight"].astype(np.float32), float(tables["rest"])


def tone(text: Text) -> float:
    """-1 (talk) to 1 (a question)."""
    return sounds_like(marks(text), *_shipped())


def sounds_like(of: Sequence[int], weight: Array, rest: float) -> float:
    """The same by given weights."""
    return math.tanh((float(weight[list(of)].sum()) + rest) / 4)


def learn(texts: Sequence[Text], asks: Sequence[bool], sources: Sequence[str], least: int = 4) -> tuple[Array, float]:
    """Weights from texts that ask and texts that talk. Only marks from at least so many sources count, so that what is
    learnt is how people ask, not what about."""
    rows = [marks(text) for text in texts]
    seen: dict[int, set[str]] = {}
    for row, source in zip(rows, sources, strict=True):
        for mark in row:
            seen.setdefault(mark, set()).add(source)
    allowed = np.zeros(BUCKETS, dtype=bool)
    allowed[[mark for mark, of in seen.items() if len(of) >= least]] = True
    owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    column = np.array([mark for row in rows for mark in row])
    owner, column = owner[allowed[column]], column[allowed[column]]
    truth = np.array(asks, dtype=np.float64)
    heavy = np.where(truth > 0, 0.5 / truth.mean(), 0.5 / (1 - truth.mean()))
    weight, rest = np.zeros(BUCKETS), 0.0
    squares = np.full(BUCKETS, 1e-8)
    for _ in range(150):
        outputs = np.bincount(owner, weights=weight[column], minlength=len(rows)) + rest
        slope = (1 / (1 + np.exp(-outputs)) - truth) * heavy
        slopes = np.bincount(column, weights=slope[owner], minlength=BUCKETS) / len(rows) + 2e-4 * weight
        squares += slopes**2
        weight -= 0.3 * slopes / np.sqrt(squares)
        rest -= 0.1 * float(slope.mean())
    return weight.astype(np.float32), rest
