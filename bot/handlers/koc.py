"""Who brings others along: the board of invitations with what was lost again, the roster of KOCs, thanks."""

import json
from datetime import timedelta

from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.learning import ASKED, learn
from bot.replies import Say, Silence, Sort, Wishes, say
from bot.router import Router
from bot.whom import about
from bot.words import one_line
from bot.world import from_ms, to_ms

router = Router("koc", "热心人")
router.says(
    {
        "inviting.board": "days rows", "inviting.none": "days", "inviting.suspects": "days rows",
        "inviting.clean": "days", "inviting.only_in_group": "", "koc.roster": "days rows", "koc.none": "days",
        "koc.thanks": "name text", "koc.noted": "name text count", "koc.usage": "example",
    }
)  # fmt: skip
DAYS, LONGEST, SHOWN = 30, 400, 10


def _ours(ctx: Context) -> str:
    return json.dumps([*ctx.config.settings.bot.ids, *ctx.config.staff])


def _days(ctx: Context, usual: int) -> tuple[int, int]:
    """(days asked for, since when in ms)."""
    text = ctx.reading.rest.removeprefix("近").removesuffix("天").strip()
    days = min(LONGEST, max(1, int(text))) if text.isdecimal() and len(text) < 5 else usual
    return days, to_ms(ctx.now - timedelta(days=days))


@router.command("邀请榜", help="谁带来的新朋友多，退群的已经减掉", usage="[几天]")
def board(event: MessageReceived, ctx: Context) -> Wishes:
    if event.group is None:
        raise Mistake("inviting.only_in_group")
    days, since = _days(ctx, DAYS)
    found = [one for one in ctx.store.koc.inviters(event.group, since, _ours(ctx), SHOWN) if one.invited > one.gone]
    if not found:
        return say("inviting.none", days=days)
    rows = "\n".join(
        f"{place}. {_public(ctx, one.member_id)} {one.invited - one.gone} 位"
        + (f"（来过 {one.invited} 位，退 {one.gone} 位）" if one.gone else "")
        for place, one in enumerate(found, start=1)
    )
    return say("inviting.board", days=days, rows=rows)


def _public(ctx: Context, member: str) -> str:
    return ctx.store.points.nickname(member) or ctx.store.members.name(member)


@router.command("邀请核查", help="谁一下拉来一串不说话的人", usage="[几天]", role="service")
def suspects(event: MessageReceived, ctx: Context) -> Wishes:
    if event.group is None:
        raise Mistake("inviting.only_in_group")
    days, since = _days(ctx, DAYS)
    most = ctx.settings.koc.cluster
    found = [
        one for one in ctx.store.koc.inviters(event.group, since, _ours(ctx), 200)
        if one.within_hour >= most and one.mute + one.gone >= most
    ][:SHOWN]  # fmt: skip
    if not found:
        return _privately(ctx, "inviting.clean", days=days)
    rows = "\n".join(
        f"· {ctx.store.members.name(one.member_id)}：拉来 {one.invited} 位，一小时里最多 {one.within_hour} 位，"
        f"{one.mute} 位没说过话，{one.gone} 位已退"
        for one in found
    )
    return _privately(ctx, "inviting.suspects", days=days, rows=rows)


@router.command("KOC", help="热心群友名单：带来的人、买家、买家秀，该谢谁了", usage="[几天]", role="service")
def roster(event: MessageReceived, ctx: Context) -> Wishes:
    rules = ctx.settings.koc
    if learn(ctx.store, ctx.config, ctx.desk.tags, ctx.now, ASKED):
        ctx.wake("learning", "", ctx.now)
    days, since = _days(ctx, rules.days)
    weights = (rules.invite, rules.buyer, rules.show, rules.day)
    day = ctx.day_of(from_ms(since)).isoformat()
    found = ctx.store.koc.roster(event.group, since, day, weights, _ours(ctx), SHOWN)
    if not found:
        return _privately(ctx, "koc.none", days=days)
    rows = []
    for place, one in enumerate(found, start=1):
        parts = [f"留下 {one.stayed}", f"买家 {one.buyers}", f"秀 {one.shows}", f"来过 {one.days} 天"]
        due = one.thanked_at is None or to_ms(ctx.now) - one.thanked_at > rules.thank_after * 86_400_000
        thanked = f"{ctx.local(from_ms(one.thanked_at)):%m-%d} 谢过" if one.thanked_at is not None else "还没谢过"
        name = ctx.store.members.name(one.member_id)
        rows.append(f"{place}. {name} {one.score} 分（{'、'.join(parts)}）{thanked}{'，该谢谢了' if due else ''}")
    return _privately(ctx, "koc.roster", days=days, rows="\n".join(rows))


@router.command("感谢", help="谢一位群友，记进感谢簿", usage="@群友 谢什么", role="service")
def thank(event: MessageReceived, ctx: Context) -> Wishes:
    rest, members = about(event, ctx)
    text = one_line(rest, 100)
    if not members or not text:
        # 感谢 is an ordinary word, too: only somebody who means us hears how it is written.
        if members or ctx.reading.addressed:
            raise Mistake("koc.usage", example="感谢 @小满 帮新人答疑")
        return Silence("随口的感谢，不是记感谢簿")
    ctx.needs("service")
    count = 0
    for member in members:
        count = ctx.store.koc.thank(member, event.group, ctx.member, text, at=ctx.at_ms, event_id=event.id)
    names = "、".join(ctx.store.members.name(member) for member in members)
    ctx.audit("感谢", f"{names}：{text}")
    if event.group is None:
        return _privately(ctx, "koc.noted", name=names, text=text, count=count)
    return say("koc.thanks", name=names, text=text, mention=tuple(members), because="员工道谢，记进感谢簿")


def _privately(ctx: Context, key: str, **slots: object) -> Say:
    """What staff look up about people is for their eyes only."""
    return Say(key, slots, member=ctx.member, sort=Sort.STAFF, because="员工查的，只给本人看")
