"""Rules for single texts: words that the law or good manners forbid, and what the channel would cut off."""

from collections.abc import Iterator

from bot.lint.findings import Finding
from bot.lint.material import Material, texts
from bot.lint.wording import hits

WECOM_BYTES = 2048
"""One text message of WeCom (docs: 文本内容，最长不超过 2048 个字节)."""
AROUND = 6
"""Characters shown on either side of a word."""


def wording(material: Material) -> Iterator[Finding]:
    """Forbidden words in everything that members may read."""
    allowed = tuple(material.content.voice.persona.allowed)
    for one in texts(material):
        for hit in hits(one.text, allowed):
            if hit.rule in one.off:
                continue
            end = hit.start + len(hit.word)
            before, after = one.text[max(0, hit.start - AROUND) : hit.start], one.text[end : end + AROUND]
            shown = f"{before}【{hit.word}】{after}".replace("\n", " ")
            what = f"「{hit.word}」：…{shown}…，{hit.law}"
            yield Finding(hit.rule, hit.level, one.file, one.key, what, hit.say, needle=one.text)


def size(material: Material) -> Iterator[Finding]:
    """Texts that the channel would cut whatever is filled in."""
    for one in texts(material):
        length = len(one.text.encode("utf-8", "replace"))
        if length > WECOM_BYTES and "length" not in one.off:
            what = f"{length} 字节，企业微信一条最多 {WECOM_BYTES}，后面的会被截掉"
            yield Finding("length", "error", one.file, one.key, what, "分成两条，或者删短", needle=one.text)
