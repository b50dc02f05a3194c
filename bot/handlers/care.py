"""People before promotion: a complaint or distress is answered gently once and handed on; 转人工; open questions."""

from datetime import timedelta

from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived, Tick
from bot.meant import member_meant
from bot.replies import PASS, Pass, Say, Silence, Sort, Wishes, say
from bot.router import Router
from bot.words import bare, one_line
from bot.world import from_ms, to_ms

router = Router("care", "人工")
router.says(
    {
        "care.complaint": "name", "care.distress": "name", "care.handed": "name", "care.already": "name",
        "care.back": "name", "care.returned": "name", "care.waiting": "rows", "care.nobody": "", "care.calmed": "name",
        "care.usage": "word", "staff.complaint": "name group word rows",
        "staff.distress": "name group word rows", "staff.handover": "name group minutes rows",
        "staff.handover_over": "name minutes", "staff.unanswered": "name group minutes text",
    }
)  # fmt: skip
CALL = ("转人工", "人工", "人工客服")
ENOUGH = ("不用人工了", "不用人工")
LOOK_BACK = 3_000
"""Newest events among which the last lines of a conversation are looked for."""
LINES = 5
LOOK_AHEAD = 20_000
"""Events after a question among which somebody's answer is looked for."""
MOST = 20


def _staff(ctx: Context, key: str, because: str, **slots: object) -> list[Say]:
    return [
        Say(key, slots, channel=channel, member=member, sort=Sort.STAFF, because=because)
        for channel, member in ctx.desk.staff_rooms()
        if member != ctx.event.member
    ]


def _place(ctx: Context, group: str | None) -> str:
    if group is None:
        return "私聊"
    return ctx.config.group(group).name or ctx.store.members.title(group)


def _context(ctx: Context) -> str:
    """The last lines of the conversation, as staff read them."""
    found = ctx.store.bonds.last_lines(ctx.event.group, ctx.member, LOOK_BACK, LINES)
    return "\n".join(f"· {ctx.store.members.name(member)}：{one_line(text, 60)}" for member, text in found)


# -- complaints and distress ------------------------------------------------------------------------------------------


@router.band("mood")
def mood(event: MessageReceived, ctx: Context) -> Wishes:
    """Words of a complaint or of distress were heard: promotion stops, staff hear of it, one gentle answer."""
    found = ctx.desk.mood_of(ctx.reading.text)
    if found is None or ctx.role is not None:
        return PASS
    kind, word = found
    rules = ctx.settings.contact
    until = event.at + timedelta(days=rules.calm_days)
    ctx.store.bonds.worry(
        ctx.member, event.group, kind, word, one_line(event.text, 200), at=ctx.at_ms, until=to_ms(until),
        event_id=event.id,
    )  # fmt: skip
    # Distress is never passed over because of a complaint before it.
    if ctx.resting(f"mood.{kind}", ctx.member, rules.mood_gap):
        return PASS
    because = f"听到「{word}」，{rules.calm_days} 天内不给这位促销（contact.calm_days）"
    return [
        Say(f"care.{kind}", {"name": ctx.name}, because=because),
        *_staff(
            ctx, f"staff.{kind}", because, name=ctx.name, group=_place(ctx, event.group), word=word, rows=_context(ctx)
        ),
    ]


@router.command("已安抚", help="投诉或难过已经处理好，可以恢复联系", usage="@某人", role="service")
def calmed(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("service")
    member, _ = member_meant(event, ctx)
    if member is None:
        raise Mistake("care.usage", word="已安抚")
    if not ctx.store.bonds.calm(member, to_ms(ctx.now)):
        raise Mistake("care.nobody")
    name = ctx.store.members.name(member)
    ctx.audit("已安抚", name)
    return say("care.calmed", name=name, sort=Sort.STAFF)


# -- a person takes over ----------------------------------------------------------------------------------------------


@router.command(*CALL, help="请店里的小伙伴来接，机器人先不说话")
def hand_over(event: MessageReceived, ctx: Context) -> Wishes:
    span = ctx.settings.contact.handover
    until = ctx.now + span
    minutes = int(span.total_seconds() // 60)
    fresh = ctx.store.bonds.hand_over(
        ctx.member, event.group, at=ctx.at_ms, until=to_ms(until), event_id=event.id
    )  # fmt: skip
    if not fresh:
        if ctx.resting("handover", ctx.member, timedelta(minutes=5)):
            return Silence("已经在等人工，刚说过")
        return say("care.already", name=ctx.name, because="已经转人工了")
    ctx.wake("handover", ctx.member, until, {"member": ctx.member})
    return [
        say("care.handed", name=ctx.name, because="本人要人工（转人工）"),
        *_staff(
            ctx, "staff.handover", "有人要人工", name=ctx.name, group=_place(ctx, event.group), minutes=minutes,
            rows=_context(ctx),
        ),
    ]  # fmt: skip


@router.watch("care")
def keep_quiet(event: MessageReceived, ctx: Context) -> Wishes | Pass:
    """Whoever a person looks after hears nothing from the bot; a check-in is still noted, so that no streak is lost."""
    words = {bare(one) for one in (*CALL, *ENOUGH, *ctx.settings.checkin.words)}
    return PASS if ctx.reading.head in words else Silence("正由人工接待，机器人不插话（转人工）")


@router.command(*ENOUGH, help="不等人工了，机器人接着来")
def enough(event: MessageReceived, ctx: Context) -> Wishes:
    if not ctx.store.bonds.hand_back(ctx.member, at=to_ms(ctx.now), by=ctx.member):
        return say("care.returned", name=ctx.name, because="没有在等人工")
    ctx.store.agenda.forget_wake("handover", ctx.member)
    return say("care.returned", name=ctx.name, because="本人说不用人工了")


@router.command("交还", help="人工接待完，交还给机器人；不写名字看谁在等", usage="[@某人]", role="service")
def hand_back(event: MessageReceived, ctx: Context) -> Wishes:
    member, _ = member_meant(event, ctx)
    if member is None and not ctx.reading.rest:
        return _who_waits(ctx)
    ctx.needs("service")
    one = ctx.store.bonds.handover(member) if member else None
    if one is None or member is None:
        raise Mistake("care.nobody")
    ctx.store.bonds.hand_back(member, at=to_ms(ctx.now), by=ctx.member)
    ctx.store.agenda.forget_wake("handover", member)
    name = ctx.store.members.name(member)
    ctx.audit("交还", name)
    done = say("care.back", name=name, sort=Sort.STAFF)
    if one.group_id is not None:
        return done
    told = Say(
        "care.returned", {"name": name}, member=member, because="人工接待结束，交还给机器人",
        channel=ctx.store.members.channel_of_member(member) or event.channel,
    )  # fmt: skip
    return [done, told]


def _who_waits(ctx: Context) -> Wishes:
    found = ctx.store.bonds.handovers(MOST)
    if not found:
        raise Mistake("care.nobody")
    rows = [
        f"· {ctx.store.members.name(one.member_id)}（{_place(ctx, one.group_id)}）"
        f"{ctx.local(from_ms(one.at)):%m-%d %H:%M} 起，到 {ctx.local(from_ms(one.until)):%H:%M} 自动交还"
        for one in found
    ]
    return say("care.waiting", rows="\n".join(rows), sort=Sort.STAFF)


@router.tick("handover")
def timed_out(event: Tick, ctx: Context) -> Wishes:
    member = str(event.payload.get("member", event.key))
    one = ctx.store.bonds.handover(member)
    if one is None or one.until > to_ms(ctx.now):
        return Silence("已经交还了")
    ctx.store.bonds.hand_back(member, at=to_ms(ctx.now), by="timeout")
    minutes = (one.until - one.at) // 60_000
    name = ctx.store.members.name(member)
    return _staff(ctx, "staff.handover_over", "转人工到时没交还（contact.handover）", name=name, minutes=minutes)


# -- questions that nobody answers ------------------------------------------------------------------------------------


@router.band("question")
def asked(event: MessageReceived, ctx: Context) -> Wishes:
    """A question that the bot does not answer: remembered until somebody does, or staff are called."""
    if ctx.role is None and not ctx.resting("open_question", _key(event), ctx.settings.contact.unanswered):
        ctx.store.bonds.ask(event.id, event.group, ctx.member, one_line(event.text, 200), at=ctx.at_ms)
        due = ctx.now + ctx.settings.contact.unanswered
        ctx.wake("unanswered", event.id, due, {"group": event.group} if event.group else {})
    return PASS


def _key(event: MessageReceived) -> str:
    """One open question of a member in a place is enough."""
    return f"{event.group or ''}/{event.member}"


@router.tick("unanswered")
def unanswered(event: Tick, ctx: Context) -> Wishes:
    one = ctx.store.bonds.question(event.key)
    if one is None:
        return Silence("问题已经了结")
    ctx.store.bonds.close_question(event.key)
    if ctx.store.bonds.is_handed_over(one.member_id):
        return Silence("已经转人工")
    if one.group_id is not None and ctx.store.bonds.answered_in_group(one, LOOK_AHEAD):
        return Silence("群里有人接话了")
    minutes = (to_ms(ctx.now) - one.at) // 60_000
    return _staff(
        ctx, "staff.unanswered", "问题没人答（contact.unanswered）", name=ctx.store.members.name(one.member_id),
        group=_place(ctx, one.group_id), minutes=minutes, text=one.text,
    )  # fmt: skip
