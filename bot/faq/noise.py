"""Seventeen ways in which people and phones spoil a question. Pure: the same text and seed give the same."""

import random
import unicodedata
from collections.abc import Callable
from functools import cache

from bot.faq.sounds import homophones, syllable
from bot.faq.terms import concepts
from bot.segment import SEGMENTER

Spoil = Callable[[str, random.Random], str]
_FACES = ("😀", "😂", "🙏", "😭", "🤔", "❤️", "👍", "🎉", "😅", "[微笑]", "[捂脸]", "[呲牙]")
_COLLOQUIAL = (
    ("怎么样", "咋样"), ("怎么", "咋"), ("什么时候", "啥时候"), ("什么", "啥"), ("为什么", "为啥"),
    ("没有", "没"), ("多少钱", "好多钱"), ("哪里", "哪儿"), ("可以", "能"), ("是不是", "是不"), ("如何", "咋样"),
    ("吗", "不"), ("知道", "晓得")
)  # fmt: skip
_SMALL = frozenset("的了吗呢啊呀吧我你您们是在有就都也还要会能可以请问一下个这那和与及把被给对于")
_BEFORE = ("请问一下", "你好，", "那个", "我想问下", "有人知道", "麻烦问一下，", "急！", "话说", "老师，")
_AFTER = ("呀", "谢谢", "啊啊啊", "呢亲", "，在线等", "有人知道吗", "哈", "，谢谢啦", "求解")


def _han(text: str) -> list[int]:
    return [place for place, char in enumerate(text) if "\u4e00" <= char <= "\u9fff"]


def _replace(text: str, luck: random.Random, others: Callable[[str], list[str]], times: int = 1) -> str:
    chars = list(text)
    places = _han(text)
    luck.shuffle(places)
    for place in places:
        choices = [other for other in others(chars[place]) if other != chars[place]]
        if choices and times:
            chars[place] = luck.choice(choices)
            times -= 1
    return "".join(chars)


def homophone(text: str, luck: random.Random) -> str:
    """One character becomes another of the same sound."""
    return _replace(text, luck, lambda char: homophones(char, fold=False))


def two_homophones(text: str, luck: random.Random) -> str:
    """Two characters do."""
    return _replace(text, luck, lambda char: homophones(char, fold=False), 2)


def accent(text: str, luck: random.Random) -> str:
    """One character becomes one that sounds alike in the south: zh/z, n/l, ang/an."""
    return _replace(text, luck, lambda char: homophones(char, fold=True))


def wrong_char(text: str, luck: random.Random) -> str:
    """One character becomes any other."""
    return _replace(text, luck, lambda _: list("大小上下中天地人日月水火木金土手口目心力刀山石田工"))


def swapped(text: str, luck: random.Random) -> str:
    """Two neighbours change places."""
    if len(text) < 3:
        return text
    at = luck.randrange(len(text) - 1)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def lost_char(text: str, luck: random.Random) -> str:
    """One character is missing."""
    at = luck.randrange(len(text)) if len(text) > 3 else len(text)
    return text[:at] + text[at + 1 :]


def doubled(text: str, luck: random.Random) -> str:
    """One character is typed twice."""
    at = luck.randrange(len(text)) if text else 0
    return text[: at + 1] + text[at:]


def lost_word(text: str, luck: random.Random) -> str:
    """One whole word is missing."""
    words = SEGMENTER.words(text)
    if len(words) < 3:
        return text
    del words[luck.randrange(len(words))]
    return "".join(words)


def telegram(text: str, luck: random.Random) -> str:
    """Small words are missing: 会员卡怎么办理的呢 becomes 会员卡怎么办理."""
    del luck
    kept = "".join(char for char in text if char not in _SMALL)
    return kept if len(kept) >= 2 else text


@cache
def _back_to_tradition() -> dict[str, str]:
    from opencc import OpenCC  # noqa: PLC0415

    chars = "".join(chr(code) for code in range(0x4E00, 0x9FA6))
    return dict(zip(chars, OpenCC("s2t").convert(chars), strict=True))


def traditional(text: str, luck: random.Random) -> str:
    """In traditional characters."""
    del luck
    table = _back_to_tradition()
    return "".join(table.get(char, char) for char in text)


def wide(text: str, luck: random.Random) -> str:
    """Full width letters, digits and punctuation, and a full width blank."""
    at = luck.randrange(len(text) + 1)
    text = text[:at] + " " + text[at:]
    return "".join(
        "\u3000" if char == " " else chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text
    )


def faces(text: str, luck: random.Random) -> str:
    """Emoji inside and behind."""
    at = luck.randrange(len(text) + 1)
    return text[:at] + luck.choice(_FACES) + text[at:] + luck.choice(_FACES)


def mention(text: str, luck: random.Random) -> str:
    """Somebody is mentioned in front."""
    return f"@{luck.choice(('小元子', '客服小美', '群主', 'Lily', '官方助手'))}{luck.choice((' ', chr(0x2005)))}{text}"


def courteous(text: str, luck: random.Random) -> str:
    """With what people say around a question."""
    return luck.choice(_BEFORE) + text + luck.choice(_AFTER)


def shouted(text: str, luck: random.Random) -> str:
    """Blanks between characters, capitals, and too much punctuation."""
    text = unicodedata.normalize("NFKC", text).upper()
    return (" ".join(text) if luck.random() < 0.5 else text) + luck.choice(("？？？", "!!!", "。。。", "~~"))


def colloquial(text: str, luck: random.Random) -> str:
    """With the question words of everyday speech."""
    del luck
    for written, spoken in _COLLOQUIAL:
        if written in text:
            return text.replace(written, spoken, 1)
    return text


def half_english(text: str, luck: random.Random) -> str:
    """One word in English where a common one exists, else in Pinyin."""
    places = [(start, end, concepts().english.get(concept, "")) for concept, start, end in concepts().find(text)]
    places = [one for one in places if one[2] and one[2] not in text]
    if places:
        start, end, english = luck.choice(places)
        return f"{text[:start]}{english}{text[end:]}"
    han = _han(text)
    if len(han) < 2:
        return text
    at = luck.choice(han)
    return f"{text[:at]}{syllable(text[at])}{text[at + 1 :]}"


NOISES: dict[str, Spoil] = {
    one.__name__: one
    for one in (
        homophone, two_homophones, accent, wrong_char, swapped, lost_char, doubled, lost_word, telegram, traditional,
        wide, faces,
        mention, courteous, shouted, colloquial, half_english,
    )
}  # fmt: skip


def spoil(text: str, name: str, seed: str = "") -> str:
    """The text spoiled in one way."""
    return NOISES[name](text, random.Random(f"{seed}:{name}:{text}"))  # noqa: S311  test data, not a lottery
