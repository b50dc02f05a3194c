"""Turns the hand-written lists of related words into vectors: `python -m bot.faq.related` writes `data/related.npz`.

Words that stand in the same lines, or share characters, get vectors that point the same way: the first directions of
the weighed table of words and lines (a truncated singular value decomposition; numpy, deterministic, half a minute)."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bot.faq.index import Array
from bot.faq.lexicon import TABLE
from bot.faq.meaning import SCALE
from bot.faq.terms import surprise
from bot.segment import SEGMENTER

DATA = Path(__file__).parent / "data"
LINES = Path(__file__).parents[2] / "tests" / "data" / "faq" / "training" / "related.txt"
SIZE = 96
"""Directions that are kept."""
WORTH = {"=": 2.0, "~": 1.0, "!": 1.5}
"""What a line tells: the same, what goes together, and each side of two opposites."""
NEAREST = 10
NEAR = 0.45
"""So many words, at least so near, are looked up instead of the one that was said."""
SPELLING = 0.35
"""What a shared character tells beside them."""


def lines() -> Iterator[tuple[float, list[str]]]:
    """(worth, words) of every line; synonyms of the engine are lines too."""
    for line in LINES.read_text(encoding="utf-8").splitlines():
        kind, _, rest = line.partition(" ")
        if kind in WORTH:
            for side in rest.split("|") if kind == "!" else [rest]:
                yield WORTH[kind], side.casefold().split()
    for line in (DATA / "synonyms.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield WORTH["="], line.casefold().split()


def opposites(numbers: dict[str, int]) -> Array:
    """(word, n) for one side and (word, -n) for the other of every pair."""
    found: list[tuple[int, int]] = []
    pairs = [line[2:] for line in LINES.read_text(encoding="utf-8").splitlines() if line.startswith("! ")]
    for number, line in enumerate(pairs, start=1):
        sides = line.casefold().split("|")
        if len(sides) == 2:
            found += [(numbers[word], sign * number) for sign, side in zip((1, -1), sides, strict=True)
                      for word in side.split()]  # fmt: skip
    return np.array(found, dtype=np.int32).reshape(-1, 2)


def table() -> tuple[dict[str, int], Array, Array, Array]:
    """The words, and for every entry of the table of words and contexts its row, its column and its worth."""
    numbers: dict[str, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    worth: list[float] = []
    context = 0
    for heavy, words in lines():
        several = list(dict.fromkeys(words))
        for word in several:
            rows.append(numbers.setdefault(word, len(numbers)))
            columns.append(context)
            worth.append(heavy / max(1, len(several)) ** 0.5)
        context += 1
    chars: dict[str, int] = {}
    for word in list(numbers):
        for char in word:
            if "\u4e00" <= char <= "\u9fff":
                chars.setdefault(char, context + len(chars))
                numbers.setdefault(char, len(numbers))
    for word, number in numbers.items():
        own = [chars[char] for char in dict.fromkeys(word) if char in chars]
        for column in own:
            rows.append(number)
            columns.append(column)
            worth.append(SPELLING * (2.0 if len(word) == 1 else 1.0) / len(own) ** 0.5)
    return numbers, np.array(rows), np.array(columns), np.array(worth)


def directions(rows: Array, columns: Array, worth: Array, size: int, rounds: int = 6) -> Array:
    """A vector of length 1 for every row, by subspace iteration from a fixed start."""
    height, width = int(rows.max()) + 1, int(columns.max()) + 1
    of_row, of_column = np.bincount(rows, worth, height), np.bincount(columns, worth, width)
    value = worth / np.sqrt(of_row[rows] * of_column[columns])
    by_row, by_column = np.argsort(rows, kind="stable"), np.argsort(columns, kind="stable")
    row_start = np.searchsorted(rows[by_row], np.arange(height))
    column_start = np.searchsorted(columns[by_column], np.arange(width))
    basis = np.random.default_rng(0).normal(size=(width, size + 16))
    for _ in range(rounds):
        image = np.add.reduceat(basis[columns[by_row]] * value[by_row, None], row_start, axis=0)
        image = np.linalg.qr(image)[0]
        basis = np.add.reduceat(image[rows[by_column]] * value[by_column, None], column_start, axis=0)
        basis = np.linalg.qr(basis)[0]
    image = np.add.reduceat(basis[columns[by_row]] * value[by_row, None], row_start, axis=0)
    left, strength, _ = np.linalg.svd(image, full_matrices=False)
    # The first direction is how common a word is: nothing about its meaning.
    vectors = left[:, 1 : size + 1] * np.sqrt(strength[1 : size + 1])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    result: Array = vectors
    return result


def neighbours(vectors: Array) -> tuple[Array, Array]:
    """For every word the nearest, itself first, and how near in 255ths; 0 where there is none."""
    found = np.zeros((len(vectors), NEAREST), dtype=np.int16)
    near = np.zeros((len(vectors), NEAREST), dtype=np.uint8)
    for start in range(0, len(vectors), 512):
        part = vectors[start : start + 512].astype(np.float32) @ vectors.T.astype(np.float32)
        part[np.arange(len(part)), np.arange(start, start + len(part))] = 2.0
        best = np.argsort(-part, axis=1, kind="stable")[:, :NEAREST]
        cosine = np.minimum(np.take_along_axis(part, best, axis=1), 1.0)
        found[start : start + 512] = best
        near[start : start + 512] = np.where(cosine >= NEAR, np.round(cosine * 255), 0)
    return found, near


def rarity(word: str) -> float:
    """A phrase is as rare as its rarest word."""
    return max((surprise("w", one) for one in SEGMENTER.words(word) if one.strip()), default=1.0)


def main() -> int:
    """Writes the table."""
    numbers, rows, columns, worth = table()
    vectors = directions(rows, columns, worth, SIZE)
    nearest, near = neighbours(vectors)
    np.savez_compressed(
        TABLE,
        nearest=nearest,
        near=near,
        words=np.frombuffer("\n".join(numbers).encode(), dtype=np.uint8),
        vectors=np.round(vectors * SCALE).astype(np.int8),
        rarity=np.round(np.array([rarity(word) for word in numbers]) * 255).astype(np.uint8),
        opposites=opposites(numbers),
    )
    sys.stdout.write(f"{len(numbers)} words, {TABLE.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
