"""The idioms of jieba's own dictionary: its class `i`, four characters. Read at first use, then remembered. Pure."""

import re
from collections.abc import Collection
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

Match = Literal["char", "tone", "sound"]
_LINE = re.compile("^([\u4e00-\u9fff]{4}) \\d+ i$", re.MULTILINE)
LIVELY = 5
"""An idiom that opens a chain can be answered in at least so many ways."""


@cache
def _by_first() -> dict[str, tuple[str, ...]]:
    """First character -> idioms, in the order of their characters. jieba itself is not imported: only its list is."""
    spec = find_spec("jieba")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("jieba is not installed: no idioms")  # a broken installation, not a member's mistake
    found: dict[str, list[str]] = {}
    for word in sorted(set(_LINE.findall(Path(spec.origin).with_name("dict.txt").read_text(encoding="utf-8")))):
        found.setdefault(word[0], []).append(word)
    return {first: tuple(words) for first, words in found.items()}


@cache
def starts() -> tuple[str, ...]:
    """Idioms a chain may begin with."""
    by_first = _by_first()
    return tuple(word for words in by_first.values() for word in words if len(by_first.get(word[3], ())) >= LIVELY)


def is_idiom(word: str) -> bool:
    """Whether the dictionary has it as an idiom."""
    return bool(word) and word in _by_first().get(word[0], ())


@lru_cache(maxsize=4096)
def sound_of(word: str, place: int, match: str) -> str:
    """The sound of one character where it stands in a word: `yi1` (tone) or `yi` (sound)."""
    # Half a second at first use: off the start-up path.
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415

    return str(lazy_pinyin(word, style=Style.TONE3 if match == "tone" else Style.NORMAL)[place])


@cache
def _firsts_by_sound() -> dict[str, tuple[str, ...]]:
    """Sound without tone -> characters that idioms begin with and that can be read so."""
    from pypinyin import Style, pinyin  # noqa: PLC0415

    found: dict[str, list[str]] = {}
    for first in _by_first():
        for sound in pinyin(first, style=Style.NORMAL, heteronym=True)[0]:
            found.setdefault(sound, []).append(first)
    return {sound: tuple(firsts) for sound, firsts in found.items()}


def connects(before: str, word: str, match: str) -> bool:
    """Whether `word` may follow. The same character always may; its sound is the one it has in its idiom."""
    if before[-1] == word[0]:
        return True
    return match != "char" and sound_of(before, -1, match) == sound_of(word, 0, match)


def answers(before: str, used: Collection[str], match: str) -> list[str]:
    """Every unused idiom that may follow, in a fixed order."""
    firsts = [before[-1]]
    if match != "char":
        firsts += [one for one in _firsts_by_sound().get(sound_of(before, -1, "sound"), ()) if one != before[-1]]
    by_first = _by_first()
    return [
        word
        for first in firsts
        for word in by_first.get(first, ())
        if word not in used and connects(before, word, match)
    ]
