"""Makes tables in bot/faq/data out of the dictionaries of jieba and pypinyin: `python -m bot.faq.resources`.

Both libraries are MIT. The tables are shipped so that the bot needs neither library's memory (69 MB and 58 MB)."""

import math
import sys
import zlib
from collections import Counter
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np

from bot.faq.sounds import sounds

DATA = Path(__file__).parent / "data"
BUCKETS = 1 << 18
COMMON = 60
"""Occurrences in jieba's counts from which on a word is remembered: the rest is rare, as unknown words are."""


def dictionary() -> Counter[str]:
    """Words of jieba's own list and how often each occurred."""
    spec = find_spec("jieba")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("jieba is not installed")
    counts: Counter[str] = Counter()
    for line in Path(spec.origin).with_name("dict.txt").read_text(encoding="utf-8").splitlines():
        word, count, _ = line.split(" ")
        counts[word] += int(count)
    return counts


def write_sounds(chars: set[str]) -> None:
    """`sounds.txt`: every syllable with its characters."""
    from pypinyin import Style, pinyin  # noqa: PLC0415  only this script needs it

    by_syllable: dict[str, list[str]] = {}
    for char in sorted(chars):
        by_syllable.setdefault(pinyin(char, style=Style.NORMAL)[0][0].replace("ü", "v"), []).append(char)
    lines = [f"{syllable} {''.join(of)}" for syllable, of in sorted(by_syllable.items()) if syllable.isascii()]
    (DATA / "sounds.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_background(counts: Counter[str]) -> None:
    """`background.npz`: how surprising a word, a character or a pair is in general Chinese, in eighths of a nat."""
    chars: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for word, count in counts.items():
        for char in word:
            chars[char] += count
        for left, right in pairwise(word):
            pairs[left + right] += count
    table = np.full(BUCKETS, 255, dtype=np.uint8)
    heard: Counter[str] = Counter()
    for char, count in chars.items():
        heard[sounds([char])[0]] += count
    heard_pairs: Counter[str] = Counter()
    for pair, count in pairs.items():
        heard_pairs["".join(sounds(list(pair)))] += count
    for kind, of in (("w", counts), ("c", chars), ("b", pairs), ("p", heard), ("q", heard_pairs)):
        total = sum(of.values())
        for term, count in of.items():
            if count >= COMMON:
                place = zlib.crc32(f"{kind}{term}".encode()) % BUCKETS
                table[place] = min(int(table[place]), round(8 * math.log(total / count)))
    np.savez_compressed(DATA / "background.npz", surprise=table)


def main() -> int:
    """Writes both tables."""
    DATA.mkdir(exist_ok=True)
    counts = dictionary()
    write_sounds({char for word in counts for char in word if "\u4e00" <= char <= "\u9fff"})
    write_background(counts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
