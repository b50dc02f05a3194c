"""Fair judging of quiz answers: what was meant counts, not how it was typed. Pure.

A guess is right when the whole message is an accepted answer. Width, case, punctuation, traditional characters,
Chinese numerals and units do not matter; a right word hidden in a list of words does not count.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from opencc import OpenCC

from bot.games.amounts import Amount, amount_of, arabic, same_amount

_SIMPLER = OpenCC("t2s")
_DASHES = str.maketrans({**dict.fromkeys("‐‑‒–—―−～~", "-"), "⁄": "/", "∕": "/", "○": "〇", "º": "°", "˚": "°"})
_LEAD = re.compile(
    r"^(?:正确答案|答案|我(?:的答案|猜|选|答|觉得|认为|来)|应该|肯定|一定|大概|大约|差不多|约|可能|好像|抢答|回答|答|选)"
    r"+(?:应该|肯定|一定|可能|大概)?(?:是|为)?|^(?:应该|肯定|一定)?是|^(?:农历|阴历|阳历|公历|一共|总共|共)"
)
_TAIL = re.compile(r"(?:对不对|对吗|对吧|左右|吧|呀|啊|啦|呢|哦|哈|嘛|吗|喽|哟)+$")


def simple(text: str) -> str:
    """Half width, lower case, simplified characters, one kind of dash; no invisible characters."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_DASHES)
    if not folded.isprintable():
        folded = "".join(char for char in folded if unicodedata.category(char) not in _INVISIBLE)
    return str(_SIMPLER.convert(folded))


_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Cn", "Co"})


@lru_cache(maxsize=4096)
def key_of(text: str) -> str:
    """The form in which answers are compared: numerals in digits, no punctuation but what carries meaning."""
    return _dates(_squeeze(arabic(simple(text))))


def _squeeze(text: str) -> str:
    """Drops punctuation, symbols and spaces, except decimals, fractions, times, %, °, ranges, minus and c++.

    Two numbers side by side stay two numbers: `1、2` becomes `1,2`, never 12.
    """
    if text.isalnum():
        return text
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    kept: list[str] = []
    apart = False
    for i, char in enumerate(text):
        before, after = text[i - 1 : i], text[i + 1 : i + 2]
        if unicodedata.category(char)[0] in "LN" or _carries_meaning(char, before, after, apart or not kept):
            if apart and kept and kept[-1].isdigit() and char.isdigit():
                kept.append(",")
            kept.append(char)
            apart = False
        else:
            apart = True
    return "".join(kept)


def _carries_meaning(char: str, before: str, after: str, starts: bool) -> bool:
    between = before.isdigit() and after.isdigit()
    if char in ".:":
        return between
    if char == "/":
        return before.isalnum() and after.isalnum()
    if char in "%‰°":
        return before.isdigit()
    if char == "-":
        return between or (after.isdigit() and starts and not before.isalnum())
    return char in "+#" and (before == char or (before.isascii() and before.isalpha()))


_LUNAR = {"正月": "1月", "冬月": "11月", "腊月": "12月"}

_WRITTEN = tuple(
    (sign, re.compile(pattern), instead)
    for sign, pattern, instead in (
        ("月", r"(\d+)月初?(\d+)[日号]?", r"\1月\2日"),
        ("点", r"(\d+)点(\d+)分?", r"\1:\2"),
        ("点", r"(\d+)点半", r"\1:30"),
        ("点", r"(\d+)点[整钟]?$", r"\1:00"),
        ("分之", r"\b100分之(\d+(?:\.\d+)?)", r"\1%"),
        ("分之", r"\b1000分之(\d+(?:\.\d+)?)", r"\1‰"),
        ("分之", r"(\d+)分之(\d+)", r"\2/\1"),
        ("", r"(?:零下|0下|负)(?=\d)", "-"),
    )
)
"""(what a text must have, what is written, as which it counts), in this order."""


def _dates(text: str) -> str:
    """`5月初5`, `5月5`, `5月5号` are one day, `12点30分` and `12:30` one time, `100分之50` and `50%` one part."""
    for name, month in _LUNAR.items():
        text = text.replace(name, month)
    for sign, pattern, instead in _WRITTEN:
        if sign in text:  # ten times as fast as letting each pattern find out
            text = pattern.sub(instead, text)
    return text


@lru_cache(maxsize=4096)
def readings(guess: str) -> tuple[str, ...]:
    """The keys a guess may be read as: as it stands, and without 「答案是」 in front and 「吧」 behind."""
    whole = key_of(guess)
    found = dict.fromkeys((whole, _LEAD.sub("", whole), _TAIL.sub("", whole), _TAIL.sub("", _LEAD.sub("", whole))))
    return tuple(one for one in found if one)


@lru_cache(maxsize=1024)
def _accepted(answers: tuple[str, ...]) -> tuple[frozenset[str], tuple[Amount, ...]]:
    keys = [key_of(answer) for answer in answers]
    # 007 is a name, not the number 7.
    amounts = [amount_of(key) for key in keys if not re.match(r"0\d", key)]
    return frozenset(filter(None, keys)), tuple(one for one in amounts if one is not None)


def is_right(guess: str, answers: Sequence[str], question: str = "") -> bool:
    """Whether a message is one of the accepted answers.

    `question` guards conversions: who answers 「1千克」 to 「1千克是几斤」 has only repeated it.
    """
    keys, amounts = _accepted(tuple(answers))
    for reading in readings(guess):
        if reading in keys:
            return True
        amount = amount_of(reading)
        if amount is not None and same_amount(amount, amounts, repeated=bool(question) and reading in key_of(question)):
            return True
    return False


def tells(hint: str, answers: Sequence[str]) -> str | None:
    """The accepted answer that a hint gives away, or None. Numbers only count as whole numbers."""
    text = key_of(hint)
    for answer in answers:
        key = key_of(answer)
        if not key or key not in text:
            continue
        pattern = re.escape(key)
        if key[0].isascii() and key[0].isalnum():
            pattern = rf"(?<![0-9a-z.]){pattern}"
        if key[-1].isascii() and key[-1].isalnum():
            pattern = rf"{pattern}(?![0-9a-z.])"
        if re.search(pattern, text):
            return answer
    return None


_FILLER = re.compile(
    r"^(?:[哈嘿呵嘻啊哦噢喔嗯额呃哇诶唉哎呀啦]|嗨|来了|不知道|不会|不懂|好难|太难了|难|提示|加油|快|等等|6{3,})+$"
)
_ASKING = re.compile(r"什么|怎么|为啥|为何|多少|哪|谁|啥|几[点个种]|吗$")


def is_attempt(text: str, answers: Sequence[str]) -> bool:
    """Whether a message is meant as an answer at all; decided by its shape alone, never by whether it is right."""
    plain = key_of(text)
    if not plain or _FILLER.match(plain) or _ASKING.search(plain):
        return False
    return min(map(len, readings(text)), default=0) <= _longest(tuple(answers))


@lru_cache(maxsize=1024)
def _longest(answers: tuple[str, ...]) -> int:
    """How long an attempt at these answers may be."""
    return max(8, 2 * max((len(key_of(answer)) for answer in answers), default=0) + 2)
