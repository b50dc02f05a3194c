"""Posts that came too late: staff send them after all (补发), let them be (不发), or look through them (漏发)."""

from datetime import timedelta

from bot.campaigning import verdict_now
from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived, Tick
from bot.posting import SHORTEST, channel_of, line_of
from bot.replies import Say, Silence, Sort, Wishes, say
from bot.router import Router
from bot.world import from_ms, to_ms
from storage.calendar import OPEN, LatePost

router = Router("late", "定时")
router.says(
    {
        "late.list": "count rows", "late.none": "days", "late.usage": "word", "late.settled": "number title state",
        "late.sent": "number title where", "late.declined": "number title where",
        "late.waits": "number title where until why", "late.cannot": "number title why",
    }
)  # fmt: skip
DAYS = 7
MOST = 20
_STATES = {
    "late": "晚发了", "merge": "等着并进下一条", "merged": "并进了后来的一条", "ask": "等你们定", "resent": "补发过了",
    "declined": "说过不发", "expired": "过期了，没发", "dropped": "没发",
}  # fmt: skip
_LINES = {"failed": "发送失败", "held": "扣下了", "expired": "排队到过期", "unknown": "结果未知"}


@router.tick("late")
def expired(event: Tick, ctx: Context) -> Wishes:
    post = ctx.store.calendar.late(int(event.key)) if event.key.isdecimal() else None
    if post is None or post.state not in ("merge", "ask"):
        return Silence("这一条已经定了")
    why = "没人答，过期了" if post.state == "ask" else "等到过期也没有下一条"
    reason = f"{post.reason}；{why}"
    ctx.store.calendar.settle(post.number, (post.state,), "expired", "", reason)
    ctx.store.agenda.miss_beat(post.beat, post.group_id, post.due, to_ms(ctx.now), reason)
    return Silence(reason)


def _asked(ctx: Context, word: str) -> LatePost:
    """The late post that staff mean. Raises Mistake."""
    text = ctx.reading.rest
    post = ctx.store.calendar.late(int(text)) if text.isdecimal() and len(text) < 10 else None
    if post is None:
        raise Mistake("late.usage", word=word)
    return post


def _place(ctx: Context, post: LatePost) -> str:
    return ctx.config.group(post.group_id).name or ctx.store.members.name(post.group_id)


@router.command("补发", help="晚了的定时内容，还是发出去", usage="几号", role="operator")
def send_after_all(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    post = _asked(ctx, "补发")
    title, beat = ctx.desk.title_of(post.beat), ctx.desk.beat(post.beat)
    if beat is None or beat.task is not None or beat.personal is not None:
        raise Mistake("late.settled", number=post.number, title=title, state="脚本里已经没有，或不是发到群里的")
    if ctx.store.campaigns.paused(post.beat, post.group_id) is not None:
        raise Mistake("late.settled", number=post.number, title=title, state="活动暂停着，先「继续」再补发")
    if not ctx.store.calendar.settle(post.number, OPEN, "resent", ctx.member):
        raise Mistake("late.settled", number=post.number, title=title, state=_STATES[post.state])
    ctx.store.agenda.forget_wake("late", str(post.number))
    line = line_of(ctx, beat, post.group_id, from_ms(post.due))
    if line is None:
        raise Mistake("late.settled", number=post.number, title=title, state="素材库里没有合适的一条")
    expires = ctx.now + max(beat.lateness, SHORTEST)
    verdict = verdict_now(ctx, line, post.group_id, expires)
    if verdict.what not in ("now", "later"):  # said now, so that the post stays open and can be sent another time
        raise Mistake("late.cannot", number=post.number, title=title, why=verdict.why)
    if not ctx.store.campaigns.note_send(
        beat.id, post.group_id, post.due, at=to_ms(ctx.now), how="resent", event_id=event.id
    ):
        raise Mistake("late.settled", number=post.number, title=title, state="已经发过了")
    ctx.audit("补发", f"{post.number} 号「{title}」到 {post.group_id}")
    sent = Say(
        line.key, line.slots, group=post.group_id, channel=channel_of(ctx, post.group_id), sort=line.sort,
        because=f"{ctx.name} 补发「{title}」，脚本 {post.beat}，{post.reason}", picture=line.picture,
        kind=line.kind, content=line.content, expires=expires,
    )  # fmt: skip
    if verdict.until is not None:
        until = f"{verdict.until:%m-%d %H:%M}"  # in the zone of its group
        waits = say(
            "late.waits", number=post.number, title=title, where=_place(ctx, post), until=until, why=verdict.why,
            sort=Sort.STAFF,
        )  # fmt: skip
        return [sent, waits]
    if post.group_id == event.group:
        return sent  # the post itself is the answer
    return [sent, say("late.sent", number=post.number, title=title, where=_place(ctx, post), sort=Sort.STAFF)]


@router.command("不发", help="晚了的定时内容，就不发了", usage="几号", role="operator")
def let_be(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    post = _asked(ctx, "不发")
    title = ctx.desk.title_of(post.beat)
    if not ctx.store.calendar.settle(post.number, ("ask", "merge"), "declined", ctx.member):
        raise Mistake("late.settled", number=post.number, title=title, state=_STATES[post.state])
    ctx.store.agenda.forget_wake("late", str(post.number))
    reason = f"{post.reason}；{ctx.name} 说不发"
    ctx.store.agenda.miss_beat(post.beat, post.group_id, post.due, to_ms(ctx.now), reason)
    ctx.audit("不发", f"{post.number} 号「{title}」到 {post.group_id}")
    return say("late.declined", number=post.number, title=title, where=_place(ctx, post), sort=Sort.STAFF)


@router.command("漏发", help="没发出去的定时内容，为什么", usage="[几天]", role="read-only")
def unsent(event: MessageReceived, ctx: Context) -> Wishes:
    asked = ctx.reading.rest
    days = min(90, max(1, int(asked))) if asked.isdecimal() and len(asked) < 4 else DAYS
    since = to_ms(ctx.now - timedelta(days=days))
    rows = [
        f"· {post.number} 号 {ctx.local(from_ms(post.due)):%m-%d %H:%M} {_place(ctx, post)}"
        f"「{ctx.desk.title_of(post.beat)}」{post.reason}（{_STATES[post.state]}）"
        for post in ctx.store.calendar.unsent(event.group, since, MOST)
    ]
    rows += [
        f"· {ctx.local(from_ms(at)):%m-%d %H:%M} {ctx.config.group(place).name or ctx.store.members.name(place)}"
        f"「{ctx.desk.title_of(event_id.partition(':')[0])}」{_LINES[state]}{f'：{why}' if why else ''}"
        for at, place, event_id, _, state, why in ctx.store.calendar.unsaid(event.group, since, MOST)
    ]
    if not rows:
        return say("late.none", days=days, sort=Sort.STAFF)
    return say("late.list", count=len(rows), rows="\n".join(rows[:MOST]), sort=Sort.STAFF)
