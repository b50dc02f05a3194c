"""Buyer shows: members hand in words or a picture, staff judge, the week's best become a post."""

import re
from datetime import timedelta

from bot.context import Context
from bot.earning import HOUSE
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.redeeming import to_staff
from bot.replies import PASS, Say, Sort, Wishes, say
from bot.router import Router
from bot.words import one_line
from bot.world import to_ms
from storage.koc import Show
from storage.ledger import POINTS, account

router = Router("shows", "买家秀")
router.says(
    {
        "show.sent": "name number", "show.picture": "name minutes", "show.staff": "name number text",
        "show.full": "name most", "show.queue": "rows", "show.queue_empty": "", "show.approved": "name points",
        "show.approved_free": "name", "show.declined": "name reason", "show.judged": "number verdict",
        "show.usage": "example", "show.unknown": "number", "show.week": "rows", "show.week_empty": "",
    }
)  # fmt: skip
PATIENCE = timedelta(minutes=10)
LONGEST, SHOWN = 300, 10
_VERDICT = re.compile(r"#?(\d{1,9})号?\s*(通过|不过|退稿)\s*(.*)")


@router.command("投稿", "买家秀", help="晒一晒：写几句，或者接着发一张图", usage="[几句话]")
def submit(event: MessageReceived, ctx: Context) -> Wishes:
    _room_left(ctx)
    text = one_line(ctx.reading.verbatim, LONGEST)
    if not text:
        ctx.store.koc.wait_for_picture(ctx.member, event.group, to_ms(event.at + PATIENCE))
        return say("show.picture", name=ctx.name, minutes=int(PATIENCE.total_seconds()) // 60)
    return _queue(ctx, text, "")


@router.watch("show")
def picture(event: MessageReceived, ctx: Context) -> Wishes:
    """The picture that somebody announced."""
    if event.form != "picture":
        return PASS
    until = ctx.store.koc.draft(ctx.member, event.group)
    if until is None or ctx.at_ms > until:
        return PASS
    return _queue(ctx, "", event.media or event.id)


def _room_left(ctx: Context) -> None:
    most = ctx.settings.koc.show_most
    midnight = ctx.local(ctx.event.at).replace(hour=0, minute=0, second=0, microsecond=0)
    if ctx.store.koc.submitted_since(ctx.member, to_ms(midnight)) >= most:
        raise Mistake("show.full", name=ctx.name, most=most)


def _queue(ctx: Context, text: str, media: str) -> Wishes:
    number = ctx.store.koc.submit(ctx.member, ctx.event.group, text, media, at=ctx.at_ms, event_id=ctx.event.id)
    return [
        say("show.sent", name=ctx.name, number=number),
        *to_staff(ctx, "show.staff", name=ctx.name, number=number, text=text or "（一张图）"),
    ]


@router.command("审稿", help="看等审的买家秀，通过或退回", usage="[几号 通过|不过 原因]", role="service")
def review(event: MessageReceived, ctx: Context) -> Wishes:
    if not ctx.reading.rest:
        rows = [
            f"· {one.id} 号 {ctx.store.members.name(one.member_id)}：{_told(one)}" for one in ctx.store.koc.queue(SHOWN)
        ]
        return _privately(ctx, "show.queue", rows="\n".join(rows)) if rows else _privately(ctx, "show.queue_empty")
    ctx.needs("service")
    match = _VERDICT.fullmatch(ctx.reading.verbatim.strip())
    if match is None:
        raise Mistake("show.usage", example="审稿 3 通过，或 审稿 3 不过 图糊了")
    number, passed, why = int(match[1]), match[2] == "通过", one_line(match[3], 60)
    state = "approved" if passed else "declined"
    one = ctx.store.koc.judge(number, state, by=ctx.member, at=to_ms(ctx.now), why=why)
    if one is None:
        raise Mistake("show.unknown", number=number)
    ctx.audit("审稿", f"{number} 号{match[2]} {why}".strip())
    verdict = "通过" if passed else "退回"
    return [_privately(ctx, "show.judged", number=number, verdict=verdict), _outcome(ctx, one, passed=passed, why=why)]


def _outcome(ctx: Context, one: Show, *, passed: bool, why: str) -> Say:
    """What the author hears, where they handed it in; an approved show is paid once."""
    name, points = ctx.store.members.name(one.member_id), ctx.config.group(one.group_id).koc.show_points
    slots: dict[str, object] = {"name": name}
    if passed and points:
        ctx.store.ledger.move(
            f"show/{one.id}", HOUSE, account(one.member_id), points, asset=POINTS, at=to_ms(ctx.now),
            event_id=ctx.event.id, cause="买家秀通过", group_id=one.group_id,
        )  # fmt: skip
        key, slots = "show.approved", {"name": name, "points": points}
    elif passed:
        key = "show.approved_free"
    else:
        key, slots = "show.declined", {"name": name, "reason": why or "这次先不用"}
    members = ctx.store.members
    channel = members.channel_of_group(one.group_id) if one.group_id else members.channel_of_member(one.member_id)
    if one.group_id and passed:
        return Say(key, slots, group=one.group_id, mention=(one.member_id,), channel=channel, because="买家秀审过了")
    # A refusal is nobody else's business.
    return Say(key, slots, member=one.member_id, channel=channel, because="买家秀审过了")


@router.command("周秀", help="把这周通过的买家秀合成一条发出来", role="operator")
def week(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    found = ctx.store.koc.approved(event.group, to_ms(ctx.now - timedelta(days=7)), SHOWN)
    if not found:
        return _privately(ctx, "show.week_empty")
    rows = "\n".join(
        f"· {ctx.store.points.nickname(one.member_id) or ctx.store.members.name(one.member_id)}：{_told(one)}"
        for one in found
    )
    return say("show.week", rows=rows, because="员工发每周买家秀")


def _told(one: Show) -> str:
    return f"「{one_line(one.text, 80)}」" if one.text else "晒图一张"


def _privately(ctx: Context, key: str, **slots: object) -> Say:
    """What staff look after is for their eyes only."""
    return Say(key, slots, member=ctx.member, sort=Sort.STAFF, because="员工查的，只给本人看")
