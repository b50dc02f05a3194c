"""批准 and 不批: a second person agrees to a deal, or does not; nobody agrees to their own."""

from bot.campaigning import send_soon
from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived, Tick
from bot.own_beats import add_own
from bot.replies import Say, Silence, Sort, Wishes, say
from bot.router import Router
from bot.world import to_ms

router = Router("approvals", "活动")
router.says(
    {
        "approval.asked": "number name title until", "approval.proposed": "number title until",
        "approval.usage": "word rows", "approval.settled": "number title state", "approval.own": "number title",
        "approval.done": "number title name", "approval.declined": "number title name",
        "approval.expired": "number title", "approval.nobody": "title",
    }
)  # fmt: skip
_STATES = {"waiting": "还等着批", "approved": "批过了", "declined": "没批", "expired": "过期了"}
_CHAT = Silence("随口一句，没有说到几号")


@router.tick("approval")
def too_late(event: Tick, ctx: Context) -> Wishes:
    one = ctx.store.campaigns.approval(int(event.key)) if event.key.isdecimal() else None
    if one is None or not ctx.store.campaigns.decide(one.number, "expired", None, to_ms(ctx.now)):
        return Silence("已经定了")
    channel = ctx.store.members.channel_of_member(one.proposer) or next(
        (name for name, _ in ctx.desk.staff_rooms()), ""
    )
    return Say(
        "approval.expired", {"number": one.number, "title": one.title}, member=one.proposer, channel=channel,
        sort=Sort.STAFF, because="没有第二个人批准，过期了",
    )  # fmt: skip


@router.command("批准", help="另一位运营提的活动，可以发", usage="几号", role="operator")
def approve(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    number = _number(event, ctx, "批准")
    if number is None:
        return _CHAT
    one = ctx.store.campaigns.approval(number)
    if one is None:
        raise Mistake("approval.usage", word="批准", rows=_waiting(ctx))
    if one.proposer == ctx.member:
        raise Mistake("approval.own", number=one.number, title=one.title)
    if one.expires <= to_ms(ctx.now) or not ctx.store.campaigns.decide(
        one.number, "approved", ctx.member, to_ms(ctx.now)
    ):
        state = "过期了" if one.state == "waiting" else _STATES[one.state]
        raise Mistake("approval.settled", number=one.number, title=one.title, state=state)
    ctx.store.agenda.forget_wake("approval", str(one.number))
    ctx.audit("批准", f"{one.number} 号「{one.title}」，{ctx.store.members.name(one.proposer)} 提的")
    done = say(
        "approval.done", number=one.number, title=one.title, name=ctx.store.members.name(one.proposer), sort=Sort.STAFF
    )
    if one.kind == "new":
        add_own(ctx, one.what, by=one.proposer)
        return done
    beat = ctx.desk.beat(str(one.what["beat"]))
    if beat is None or one.group_id is None:
        raise Mistake("campaign.cannot", title=one.title, reason="脚本里已经没有了")
    if ctx.store.campaigns.paused(beat.id, one.group_id):
        raise Mistake("campaign.cannot", title=one.title, reason="它暂停着，先「继续」")
    proposer = ctx.store.members.name(one.proposer)
    sent = send_soon(ctx, beat, one.group_id, f"{proposer} 立即发「{beat.title}」，{ctx.name} 批准，脚本 {beat.id}")
    return [done, *([sent] if isinstance(sent, Say) else [])]


@router.command("不批", help="另一位运营提的活动，先不发", usage="几号", role="operator")
def decline(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    number = _number(event, ctx, "不批")
    if number is None:
        return _CHAT
    one = ctx.store.campaigns.approval(number)
    if one is None:
        raise Mistake("approval.usage", word="不批", rows=_waiting(ctx))
    if not ctx.store.campaigns.decide(one.number, "declined", ctx.member, to_ms(ctx.now)):
        raise Mistake("approval.settled", number=one.number, title=one.title, state=_STATES[one.state])
    ctx.store.agenda.forget_wake("approval", str(one.number))
    ctx.audit("不批", f"{one.number} 号「{one.title}」")
    proposer = ctx.store.members.name(one.proposer)
    return say("approval.declined", number=one.number, title=one.title, name=proposer, sort=Sort.STAFF)


def _number(event: MessageReceived, ctx: Context, word: str) -> int | None:
    text = ctx.reading.rest.removeprefix("#").removesuffix("号")
    if text.isdecimal() and len(text) < 10:
        return int(text)
    if text and event.group is not None and not ctx.reading.addressed:
        return None
    raise Mistake("approval.usage", word=word, rows=_waiting(ctx))


def _waiting(ctx: Context) -> str:
    rows = [
        f"· {one.number} 号「{one.title}」，{ctx.store.members.name(one.proposer)} 提的"
        for one in ctx.store.campaigns.waiting_approvals(5)
    ]
    return "\n".join(rows) or "现在没有等着批的"
