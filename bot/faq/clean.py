"""What is left of a message when width, script, emoji, mentions and courtesies are gone. Pure; work is bounded."""

import re
import unicodedata
from functools import cache
from typing import Any

LONGEST = 240
"""Characters of a message that are matched: nobody asks a question at greater length, and work stays bounded."""
_SLICE = 4 * LONGEST

_MENTION = re.compile(
    r"[@＠][^\s\u2005,，。:：!！?？]{1,24}[\s\u2005]+|[\s\u2005][@＠][^\s\u2005,，。:：!！?？]{1,24}$"
)
_STICKER = re.compile(r"\[[^\[\]\s]{1,6}\]|【[^】\s]{1,2}】|/[\u4e00-\u9fff]{1,2}(?=$|\s)")
_LINK = re.compile(r"https?://\S+|www\.\S+", re.ASCII)
_NOT_TEXT = re.compile(r"[^0-9a-z\u00e0-\u024f\u3400-\u9fff%+#.\-]+")
_LOOSE = re.compile(r"(?<![0-9a-z])[.\-+#]+|[.\-]+(?![0-9a-z])")
_ECHO = re.compile(r"(.)\1{2,}")
_GAP = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
_TOKEN = re.compile(r"[a-z\u00e0-\u024f]+|\d+(?:\.\d+)?|[\u3400-\u9fff]|[%+#]")

_HELLO = (
    "你好呀|您好呀|你好啊|您好啊|你好|您好|哈喽|嗨|hello|hi|亲们|亲亲|亲爱的|亲|在吗|在么|在不在|客服|老师|"
    "大家好|各位|大神们|大佬们|姐妹们|家人们|小伙伴们|宝子们|有没有人知道|有人知道|有谁知道|谁知道|有懂的吗|"
    "谁能告诉我|能告诉我|告诉我|麻烦问一下|麻烦问下|麻烦您|麻烦|劳驾|不好意思|打扰一下|打扰了|打扰|请教一下|"
    "请教下|请教|请问一下|请问下|请问|想请问|我想请问|我想问一下|我想问下|我想问问|我想问|想问一下|想问下|"
    "想问问|想问|问一下|问下|问问|咨询一下|咨询下|咨询|我想知道|想知道|想了解一下|想了解下|我想了解|想了解|"
    "了解一下|那个|那么|额|呃|嗯|诶|哎|唉|就是|话说|弱弱地问|弱弱的问|急急急|急|求助|求问|求教|求解|帮忙看看|"
    "帮我看看|帮忙看下|帮我看下"
)
_BYE = (
    "谢谢大家|谢谢您了|谢谢您|谢谢你|谢谢啦|谢谢了|谢谢|多谢|感谢|谢啦|蟹蟹|拜托了|拜托|急急急|在线等挺急的|"
    "在线等|挺急的|很急|急|求解答|求回复|求解|求助|求告知|告诉我一下|跟我说一下|说一下|有人知道吗|有谁知道吗|"
    "有知道的吗|谁知道|麻烦了|辛苦了|哈哈哈|哈哈|呵呵|嘿嘿|哦|噢|啊|呀|哇|啦|哈|嘞|喔|诶|亲|咧"
)
_BEFORE = re.compile(rf"^(?:(?:{_HELLO})[ ,]*)+")
_AFTER = re.compile(rf"(?:[ ,]*(?:{_BYE}))+$")


@cache
def _simplifier() -> Any:
    # OpenCC opens its dictionaries: off the start-up path.
    from opencc import OpenCC  # noqa: PLC0415

    return OpenCC("t2s")


@cache
def _traditional() -> frozenset[str]:
    """Characters that are written otherwise when simplified."""
    every = "".join(map(chr, range(0x3400, 0xA000)))
    return frozenset(
        char for char, simple in zip(every, _simplifier().convert(" ".join(every))[::2], strict=True) if char != simple
    )


def clean(text: str) -> str:
    """Half width, lower case, simplified; no emoji, stickers, mentions, links or punctuation. "" if nothing is left."""
    if len(text) > _SLICE:
        text = text[:_SLICE]
    if "@" in text or "＠" in text:
        text = _MENTION.sub(" ", f"{text} ")
    if "[" in text or "【" in text or "/" in text:
        text = _LINK.sub(" ", _STICKER.sub(" ", text))
    if not text.isprintable():
        text = text.encode("utf-8", "ignore").decode("utf-8")
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _NOT_TEXT.sub(" ", text)
    if not text.isascii():
        if not _traditional().isdisjoint(text):
            text = _simplifier().convert(text)
        text = _GAP.sub("", text)
    text = _LOOSE.sub(" ", _ECHO.sub(r"\1\1", text))
    return " ".join(text.split())[:LONGEST]


def heart(text: str) -> str:
    """A cleaned text without the courtesies around it; the text itself if nothing else is in it."""
    core = _AFTER.sub("", _BEFORE.sub("", text)).strip(" ,")
    return core if len(core) >= 2 else text


def tokens(text: str) -> list[str]:
    """Characters, with Latin words and numbers in one piece."""
    return _TOKEN.findall(text)
