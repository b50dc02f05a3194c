"""连载故事: whoever checked in N times may read N chapters. Nothing is stored: the check-ins are the key."""

from dataclasses import replace

from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.replies import Say, Wishes, say
from bot.router import Router
from bot.settings import GroupSettings
from bot.story import Story

router = Router("story", "故事")
router.says(
    {
        "story.chapter": "title number chapter text next", "story.next": "left", "story.end": "",
        "story.clues": "title rows", "story.locked": "name number have", "story.start": "name title blurb count",
        "story.private": "name number", "story.recent": "number", "story.none": "",
    }
)  # fmt: skip
EVER = "0000"


def switched_off(settings: GroupSettings) -> bool:
    """Without check-in there is nothing to unlock chapters with."""
    return not settings.checkin.on


@router.command("看故事", help="连载故事，签到几天看几回", usage="[第几回]", off=switched_off)
def read(event: MessageReceived, ctx: Context) -> Wishes:
    story = _story(ctx)
    have = min(_unlocked(ctx), len(story.chapter))
    asked = ctx.reading.rest.removeprefix("第").removesuffix("回").strip()
    number = int(asked) if asked.isdecimal() and len(asked) < 4 else have
    if have == 0:
        return say(
            "story.start", name=ctx.name, title=story.title, blurb=story.blurb, count=len(story.chapter),
            because="还没签过到，先看简介",
        )  # fmt: skip
    if not 1 <= number <= have:
        raise Mistake("story.locked", name=ctx.name, number=number, have=have)
    chapter, left = story.chapter[number - 1], len(story.chapter) - number
    line = say(
        "story.chapter", title=story.title, number=number, chapter=chapter.title, text=chapter.text.strip(),
        next=say("story.next", left=left) if left else say("story.end"), because=f"签到了 {have} 天，看第 {number} 回",
    )  # fmt: skip
    return _deliver(ctx, line, f"chapter{number}", number)


@router.command("线索", help="看故事里已经拿到的线索", off=switched_off)
def clues(event: MessageReceived, ctx: Context) -> Wishes:
    story = _story(ctx)
    have = min(_unlocked(ctx), len(story.chapter))
    rows = [f"{place}. {one.clue}" for place, one in enumerate(story.chapter[:have], start=1) if one.clue]
    if not rows:
        raise Mistake("story.locked", name=ctx.name, number=1, have=have)
    line = say("story.clues", title=story.title, rows="\n".join(rows), because=f"签到了 {have} 天的线索")
    return _deliver(ctx, line, f"clues{have}", have)


def _story(ctx: Context) -> Story:
    """The serial of this group. Raises Mistake when the persona tells none."""
    stories, wanted = ctx.desk.stories(), ctx.settings.games.story
    story = stories.get(wanted) if wanted else next(iter(stories.values()), None)
    if story is None:
        raise Mistake("story.none")
    return story


def _unlocked(ctx: Context) -> int:
    """Days checked in: in this group, or in 1:1 in the group where there are most."""
    start = ctx.settings.games.story_since
    since = start.isoformat() if start else EVER
    if ctx.event.group is None:
        return ctx.store.check_ins.most_days(ctx.member, since)
    return ctx.store.check_ins.count_since(ctx.group, ctx.member, since)


def _deliver(ctx: Context, line: Say, what: str, number: int) -> Wishes:
    """In 1:1 where that is possible, so that nobody reads ahead; else in the group, not twice in a while."""
    if ctx.event.group is None:
        return line
    if ctx.store.members.is_contact(ctx.member):
        return [replace(line, member=ctx.member), say("story.private", name=ctx.name, number=number)]
    if ctx.resting("story", f"{ctx.group}/{what}", ctx.settings.games.story_gap):
        return say("story.recent", number=number)
    return line
