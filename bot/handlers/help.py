"""帮助, and what to say when somebody calls the bot but names nothing it knows."""

from datetime import timedelta

from bot.answering import missed
from bot.config import nearest
from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.replies import Say, Silence, Sort, Wishes, say
from bot.router import Router

router = Router("help", "帮助")
_JUST_SAID = "刚回过这位，二十秒内不重复说不懂"
Known = list[tuple[str, tuple[str, ...], str, str]]
router.says(
    {
        "help.member": "commands", "help.staff": "commands", "help.command": "word usage", "help.unknown": "word",
        "fallback.did_you_mean": "name word", "fallback.hello": "name", "faq.unsure": "name",
        "staff.refused": "name", "staff.question": "name group text",
    }
)  # fmt: skip


@router.command("帮助", "help", "菜单", help="看我会什么", usage="[口令]")
def show_help(event: MessageReceived, ctx: Context) -> Wishes:
    known = ctx.desk.help_for(ctx.role, ctx.settings)
    if ctx.reading.rest:
        return _explain(ctx.reading.arguments[0], known)
    sections: dict[str, list[str]] = {}
    for section, words, _, _ in known:
        sections.setdefault(section, []).append(words[0])
    rows = "\n".join(f"· {section}：{'、'.join(words)}" for section, words in sections.items())
    return say(
        "help.staff" if ctx.role else "help.member", commands=f"{rows}\n怎么用：发「帮助 口令」，比如「帮助 签到」"
    )


def _explain(word: str, known: Known) -> Say:
    """How one word is used, or all words under one heading."""
    found = [
        f"{words[0]} {usage}：{text}" if usage else f"{words[0]}：{text}"
        for section, words, usage, text in known
        if word in words or word == section
    ]
    if not found:
        return say("help.unknown", word=word[:20])
    return say("help.command", word=word, usage="\n".join(found))


@router.band("fallback")
def addressed(event: MessageReceived, ctx: Context) -> Wishes:
    """Somebody spoke to the bot, and neither a command nor a keyword fits."""
    if event.form != "text" or not ctx.reading.text:
        return say("fallback.hello", name=ctx.name) if event.form == "text" else Silence("图片、文件先不回")
    close = nearest(ctx.reading.head, ctx.desk.words(ctx.settings)) if len(ctx.reading.head) <= 8 else []
    if close:
        if ctx.resting("guess", ctx.member, timedelta(seconds=20)):
            return Silence(_JUST_SAID)
        return say("fallback.did_you_mean", name=ctx.name, word=close[0], because="没有这个口令，找了最像的")
    unsure = missed(event, ctx)
    return Silence(_JUST_SAID) if unsure is None else [unsure, *_pass_on(event, ctx)]


def _pass_on(event: MessageReceived, ctx: Context) -> list[Say]:
    """An open question goes to staff, as the answer promised; at most one a minute from the same member."""
    if ctx.role is not None or ctx.resting("question", ctx.member, timedelta(minutes=1)):
        return []
    group = (ctx.settings.name or event.group) if event.group else "私聊"
    return [
        Say(
            "staff.question", {"name": ctx.name, "group": group, "text": ctx.reading.text[:200]}, channel=channel,
            member=member, sort=Sort.STAFF, because="有人问了我答不上来的问题",
        )
        for channel, member in ctx.desk.staff_rooms()
    ]  # fmt: skip


ORDINARY = frozenset({"活动", "继续", "跳过", "暂停", "预览", "批准"})
"""Staff words that people say to each other, too."""


@router.band("refusal")
def refuse(event: MessageReceived, ctx: Context) -> Wishes:
    """Somebody tried a staff word that is not theirs. A member gets one kind refusal, not one for every try; staff hear
    who may."""
    if ctx.role is not None:
        needed = ctx.desk.needed(ctx.reading.head, ctx.settings, acting=False) or "owner"
        raise Mistake("staff.read_only", name=ctx.name, **ctx.refusal(needed))
    if event.group is not None and not ctx.reading.addressed and ctx.reading.head in ORDINARY:
        return Silence("群里随口一句，不是对我说的")
    if ctx.resting("refusal", ctx.member, timedelta(minutes=10)):
        return Silence("员工口令，十分钟内已经婉拒过一次")
    return say("staff.refused", name=ctx.name, because="这是员工口令，按平台 id 认人")
