"""Rules for whom a beat is for: types that no group has, groups that refuse what is addressed to them. Pure."""

from collections.abc import Iterator

from bot.config import nearest
from bot.lint.beats import found
from bot.lint.findings import Finding
from bot.lint.material import Material
from bot.settings.lint import MIX_OF_TYPE


def unheard(material: Material) -> Iterator[Finding]:
    """Beats that are addressed to somebody who will not get them."""
    groups = material.groups
    types = {*MIX_OF_TYPE, *(settings.type for settings in groups.values() if settings.type)}
    tags = {tag for settings in groups.values() for tag in settings.tags}
    for beat in material.beats:
        if "nobody" in beat.lint_off:
            continue
        for kind, known, wanted in (("类型", types, beat.audience.types), ("标签", tags, beat.audience.tags)):
            for word in wanted:
                if word not in known:
                    close = nearest(word, known)
                    hint = f"是不是想写 {close[0]}？" if close else f"有：{'、'.join(sorted(known)) or '一个也没有'}"
                    yield found(
                        beat, "nobody", f"「{beat.title}」给{kind}是「{word}」的群，没有这样的群", hint, needle=word
                    )
        for group in beat.groups:
            settings = material.config.group(group)
            if settings.contact.no_promo and (beat.deal or beat.content == "product"):
                what = f"「{beat.title}」点名发到 {group}，那个群不做推广（contact.no_promo），发不出去"
                yield found(beat, "nobody", what, "从 groups 里去掉它", severity="error")


def private_times(material: Material) -> Iterator[Finding]:
    """Lines to one person at a clock time in the quiet hours of 1:1 conversations wait for the morning."""
    settings = material.config.group(None)
    hours = settings.quiet
    for script in settings.calendar.private:
        for beat in material.content.scripts.get(script, ()):
            minute = beat.personal.minute if beat.personal else None
            if minute is None or hours is None or "quiet" in beat.lint_off or beat.task is not None:
                continue
            start, end = hours
            if start <= minute < end if start < end else minute >= start or minute < end:
                what = f"「{beat.title}」{minute // 60:02}:{minute % 60:02} 在一对一的安静时段里，要等它结束才发"
                yield found(beat, "quiet", what, "换个钟点，或者改 groups.default.quiet")
