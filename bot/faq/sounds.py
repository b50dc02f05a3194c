"""How characters sound, folded as people mistype them: zh/z, ch/c, sh/s, n/l, ang/an, eng/en, ing/in. Pure."""

import re
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).parent / "data" / "sounds.txt"
_FOLDS = (("zh", "z"), ("ch", "c"), ("sh", "s"))


def folded(syllable: str) -> str:
    """A syllable without tone, folded: `zhuang` and `zuan` are one, `niang` and `lian` too."""
    for long, short in _FOLDS:
        if syllable.startswith(long):
            syllable = short + syllable[2:]
    if syllable.startswith("n") and len(syllable) > 1:
        syllable = "l" + syllable[1:]
    if syllable.endswith(("ang", "eng", "ing")):
        syllable = syllable[:-1]
    return syllable


@cache
def _table() -> tuple[dict[str, str], re.Pattern[str]]:
    """Character -> folded syllable, and what a word written in Pinyin looks like."""
    sounds: dict[str, str] = {}
    syllables = []
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        syllable, chars = line.split(" ")
        syllables.append(syllable)
        sounds.update(dict.fromkeys(chars, folded(syllable)))
    longest_first = "|".join(sorted(syllables, key=lambda one: (-len(one), one)))
    return sounds, re.compile(rf"(?:{longest_first})")


def sounds(tokens: list[str]) -> list[str]:
    """The folded syllable of every token; a Latin word that is Pinyin gives its syllables, any other stays itself."""
    table, syllable = _table()
    found: list[str] = []
    for token in tokens:
        sound = table.get(token)
        if sound is not None:
            found.append(sound)
        elif len(token) > 3 and token.isascii() and token.isalpha() and "".join(syllable.findall(token)) == token:
            found.extend(folded(one) for one in syllable.findall(token))
        else:
            found.append(token)
    return found


@cache
def _readings() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        syllable, chars = line.split(" ")
        found.update(dict.fromkeys(chars, syllable))
    return found


@cache
def _alike(*, fold: bool) -> dict[str, list[str]]:
    common: dict[str, list[str]] = {}
    for char, reading in _readings().items():
        try:
            char.encode("gb2312")
        except UnicodeEncodeError:
            continue
        common.setdefault(folded(reading) if fold else reading, []).append(char)
    return common


def syllable(char: str) -> str:
    """How a character is read, without tone; itself if nobody knows."""
    return _readings().get(char, char)


def homophones(char: str, *, fold: bool) -> list[str]:
    """Common characters that sound like it, exactly or as folded."""
    reading = syllable(char)
    return _alike(fold=fold).get(folded(reading) if fold else reading, [])
