"""Redeeming and taking back: pays, hands over, refunds, and unwinds what a reversal leaves without cover."""

from datetime import datetime, timedelta

from bot.catalogue import Item
from bot.context import Context
from bot.earning import DAY_MS, SINCE, standing_of
from bot.errors import Mistake
from bot.gates import RECENT_DAYS, TALK_DAYS, Facts, reasons
from bot.replies import Say, Sort, say
from bot.settings import GroupSettings
from bot.world import from_ms, to_ms
from storage.ledger import CARD, POINTS, Movement, account
from storage.shop import Redemption

STATES = {
    "reserved": "等地址", "issued": "已发放", "delivered": "已送达", "written_off": "已核销", "expired": "已过期",
    "refunded": "已退回",
}  # fmt: skip
"""What members read of a redemption's state."""
TILL = "house:shop"
REMINDERS = (timedelta(days=1), timedelta(hours=3))
"""How long before its end a pass or a held piece is mentioned once more."""
TALK_COUNTED = 7 * DAY_MS
"""Talk must have been counted for so long before too little of it stops anybody."""
_KINDS = {"points": POINTS, "card": CARD}
_FIRST = {"points": "delivered", "card": "delivered", "code": "issued", "pass": "issued", "goods": "reserved"}


def show_time(ctx: Context, stamp: int) -> str:
    """A moment (ms) as people say it, in the group's zone."""
    local = ctx.local(from_ms(stamp))
    return f"{local.month}月{local.day}日 {local:%H:%M}"


def show_left(span: timedelta) -> str:
    """How much time is left, as one says it."""
    hours = max(1, round(span.total_seconds() / 3600))
    return f"{hours // 24} 天" if hours >= 24 and hours % 24 == 0 else f"{hours} 小时"


# -- who may -------------------------------------------------------------------------------------------------------


def refuse_unless_open(ctx: Context, item: Item) -> None:
    """Raises Mistake when an item is not for now, not for here, or not for this title or tenure."""
    if item.groups and ctx.event.group not in item.groups:
        raise Mistake("shop.gated", name=ctx.name, item=item.title, need="只在指定的群里能换")
    if not item.is_open(ctx.event.at):
        early = item.opens is not None and ctx.event.at < item.opens
        when = f"{show_time(ctx, to_ms(item.opens))} 开始" if item.opens and early else "已经结束"
        raise Mistake("shop.closed", item=item.title, when=when)
    if item.level and not holds(ctx, item.level):
        raise Mistake("shop.gated", name=ctx.name, item=item.title, need=f"要有「{item.level}」以上的称号")
    if item.tenure and tenure_of(ctx) < item.tenure:
        raise Mistake("shop.gated", name=ctx.name, item=item.title, need=f"要进群满 {item.tenure} 天")


def holds(ctx: Context, title: str) -> bool:
    """Whether the member has at least this title here."""
    titles = [level.title for level in ctx.settings.points.levels]
    return title in titles and standing_of(ctx, ctx.settings, ctx.member).place >= titles.index(title)


def tenure_of(ctx: Context) -> int:
    """Whole days since the member came."""
    since = ctx.store.gates.since(ctx.event.group, ctx.member)
    return 0 if since is None else max(0, ctx.at_ms - since) // DAY_MS


def stopped(ctx: Context, item: Item) -> str:
    """Why the freeloader gates stop this; "" when they do not. What a shadow run would have stopped is noted only."""
    gate, gates = ctx.settings.points.gate, ctx.store.gates
    if gate.mode == "off":
        return ""
    group, recent = ctx.event.group or "", ctx.at_ms - RECENT_DAYS * DAY_MS
    counted = int(ctx.store.office.fact(SINCE) or ctx.at_ms)
    first = (ctx.day_of(ctx.event.at) - timedelta(days=TALK_DAYS)).isoformat()
    facts = Facts(
        tenure=tenure_of(ctx),
        said=gates.said(ctx.event.group, ctx.member, first) if ctx.at_ms - counted >= TALK_COUNTED else None,
        wins=gates.wins(ctx.member, recent), leavers=gates.leavers(ctx.member),
        cluster=gates.cluster(group, ctx.member, item.id, recent),
    )  # fmt: skip
    found = reasons(facts, gate)
    if not found:
        return ""
    known = gates.gate_note(member_id=ctx.member, group_id=group, item=item.id)
    if known is not None and known.appeal == "granted":
        return ""
    why, shadow = "；".join(found), gate.mode == "shadow"
    gates.note_gate(ctx.member, group, item.id, item.title, at=ctx.at_ms, shadow=shadow, why=why)
    return "" if shadow else why


# -- redeeming -----------------------------------------------------------------------------------------------------


def redeem(ctx: Context, item: Item) -> list[Say]:
    """Sells one piece to whoever asked, all or nothing. Raises Mistake with the reason why not."""
    shop, ledger, number = ctx.store.shop, ctx.store.ledger, ctx.desk.catalogue.number(item)
    refuse_unless_open(ctx, item)
    nth = shop.nth(item.id, ctx.member)
    if item.limit and nth > item.limit:
        raise Mistake("shop.limit", name=ctx.name, item=item.title, limit=item.limit)
    shop.stock(item.id, item.stock)
    if shop.left(item.id, item.stock, item.kind) == 0:
        raise Mistake("shop.sold_out", name=ctx.name, item=item.title)
    have = ledger.balance(account(ctx.member))
    if item.price > have:
        raise Mistake("shop.short", name=ctx.name, item=item.title, more=item.price - have, number=number)
    why = stopped(ctx, item)
    if why:
        return [say("gate.stopped", name=ctx.name, item=item.title, why=why, because=f"防羊毛党：{why}")]
    shop.take(item.id)
    until = _until(ctx, item)
    made = shop.add(
        ctx.event.id, item=item.id, title=item.title, kind=item.kind, member_id=ctx.member, group_id=ctx.event.group,
        at=ctx.at_ms, nth=nth, most=item.limit, price=item.price, paid=_pay(ctx, item), given=_give(ctx, item),
        state=_FIRST[item.kind], until=until,
    )  # fmt: skip
    return _handed(ctx, item, made, until)


def _until(ctx: Context, item: Item) -> int | None:
    days = {"pass": item.days, "goods": item.hold}.get(item.kind)
    return ctx.at_ms + days * DAY_MS if days else None


def _pay(ctx: Context, item: Item) -> int | None:
    if not item.price:
        return None
    return ctx.store.ledger.move(
        f"redeem/{ctx.event.id}/paid", account(ctx.member), TILL, item.price, asset=POINTS, at=ctx.at_ms,
        event_id=ctx.event.id, cause=f"兑换「{item.title}」", group_id=ctx.event.group,
    )  # fmt: skip


def _give(ctx: Context, item: Item) -> int | None:
    if item.kind not in _KINDS:
        return None
    return ctx.store.ledger.move(
        f"redeem/{ctx.event.id}/given", TILL, account(ctx.member), item.points or item.cards, asset=_KINDS[item.kind],
        at=ctx.at_ms, event_id=ctx.event.id, cause=f"换到「{item.title}」", group_id=ctx.event.group,
    )  # fmt: skip


def _handed(ctx: Context, item: Item, made: int, until: int | None) -> list[Say]:
    """What the member hears, and what happens later to what they got."""
    more: list[Say] = []
    if item.kind == "code":
        slots = {"item": item.title, "code": ctx.store.shop.hand_out(item.id, made), "number": made, "note": item.note}
        more.append(Say("shop.code", slots, member=ctx.member, because="券码只私聊给本人"))
        how: Say = say("shop.how_code", number=made)
        check_after = ctx.config.settings.outbox.reply + timedelta(minutes=1)
        ctx.wake("shop", str(made), ctx.now + check_after, payload_of(ctx.event.group))
    elif until is not None:
        key = "shop.how_pass" if item.kind == "pass" else "shop.how_goods"
        how = say(key, until=show_time(ctx, until), number=made, note=item.note)
        wake_before(ctx, made, until, ctx.event.group)
    else:
        how = say("shop.how_points", what=f"{item.points} 积分" if item.points else f"补签卡 {item.cards} 张")
    done = say(
        "shop.done", name=ctx.name, item=item.title, number=made, balance=ctx.store.ledger.balance(account(ctx.member)),
        how=how, because=f"用 {item.price} 积分兑换",
    )  # fmt: skip
    return [done, *more]


def payload_of(group: str | None) -> dict[str, str]:
    """The group that a wake-up belongs to."""
    return {"group": group} if group is not None else {}


def wake_before(
    ctx: Context, number: int, until: int, group: str | None, *, after: datetime | None = None
) -> None:  # fmt: skip
    """Asks to be woken at the next reminder of a redemption, or at its end (ms). `after`: reminders until then were
    given with this one."""
    reminders = (from_ms(until) - before for before in REMINDERS)
    ahead = next((moment for moment in reminders if moment > (after or ctx.now)), from_ms(until))
    ctx.wake("shop", str(number), ahead, payload_of(group))


# -- taking back ---------------------------------------------------------------------------------------------------


def refund(ctx: Context, one: Redemption, why: str) -> Say | None:
    """Takes a redemption back: points, gift, stock and limit. The receipt for its member; None when it was done."""
    now = to_ms(ctx.now)
    if not ctx.store.shop.put_back(one.id, at=now, why=why):
        return None
    reversals = [
        ctx.store.ledger.reverse(number, at=now, event_id=ctx.event.id, cause=f"退回「{one.title}」")
        for number in (one.given, one.paid) if number is not None
    ]  # fmt: skip
    ctx.store.agenda.forget_wake("shop", str(one.id))
    receipt = next((str(number) for number in reversed(reversals) if number is not None), "无")
    return told(
        ctx, one, "shop.refunded", because=f"兑换 {one.id} 号退回：{why}", number=one.id, points=one.price, why=why,
        receipt=receipt,
    )  # fmt: skip


def place_of(ctx: Context, one: Redemption, sort: Sort) -> tuple[str | None, str | None]:
    """(group, member) where whoever redeemed is told: where they did it; a reminder in 1:1 where they are a contact."""
    private = sort is Sort.REMINDER and ctx.store.members.is_contact(one.member_id)
    group = None if private else one.group_id
    return group, None if group else one.member_id


def told(
    ctx: Context, one: Redemption, key: str, *, because: str, sort: Sort = Sort.REPLY, **slots: object
) -> Say:  # fmt: skip
    """A line to whoever redeemed."""
    members = ctx.store.members
    group, member = place_of(ctx, one, sort)
    channel = members.channel_of_group(group) if group else members.channel_of_member(one.member_id)
    return Say(
        key, {"name": members.name(one.member_id), "item": one.title, **slots}, group=group,
        member=member, mention=(one.member_id,) if group else (),
        channel=channel or ctx.event.channel, sort=sort, because=because,
        expires=from_ms(one.until) if sort is Sort.REMINDER and one.until else None,
    )  # fmt: skip


def to_staff(ctx: Context, key: str, **slots: object) -> list[Say]:
    """A line for every member of staff who is told when something needs a person."""
    return [
        Say(key, slots, member=member, channel=channel, sort=Sort.STAFF, because="要人处理的事")
        for channel, member in ctx.desk.staff_rooms()
    ]


def settle_debt(ctx: Context, member: str) -> list[Redemption]:
    """Whoever is below zero after a reversal gives back what has not left the house yet, newest first, until the
    account is covered. What is gone stays gone, and the rest of the debt stands."""
    undone: list[Redemption] = []
    while ctx.store.ledger.balance(account(member)) < 0:
        one = ctx.store.shop.can_be_called_off(member)
        if one is None:
            break
        refund(ctx, one, "积分被撤销，不够了")
        undone.append(one)
    return undone


def unwind(ctx: Context, movement: Movement) -> str | None:
    """Reverses a movement that belongs to a redemption, with all of it: in words. None when it belongs to none."""
    one = ctx.store.shop.by_movement(movement.id)
    if one is None or refund(ctx, one, "员工撤销") is None:
        return None
    gone = "（码已经发出，记得去券平台作废）" if one.kind == "code" else ""
    return f"兑换 {one.id} 号「{one.title}」，退回 {one.price} 积分{gone}"


def title_in(ctx: Context, group: str | None, member: str) -> str:
    """The title a member holds under a group's settings."""
    return standing_of(ctx, ctx.config.group(group), member).level.title


def aftermath(ctx: Context, group: str | None, member: str, title: str) -> str:
    """What a reversal brought after it, in words: redemptions called off, the title changed, a debt that remains."""
    parts = [f"，连带退回兑换 {one.id} 号「{one.title}」" for one in settle_debt(ctx, member)]
    fresh = title_in(ctx, group, member)
    if fresh != title:
        parts.append(f"，称号从「{title}」变为「{fresh}」")
    balance = ctx.store.ledger.balance(account(member))
    if balance < 0:
        parts.append(f"，还欠 {-balance} 积分")
    return "".join(parts)


def switched_off(settings: GroupSettings) -> bool:
    """Whether a group does without points."""
    return not settings.points.on


def asked(ctx: Context) -> Redemption | None:
    """The redemption whose number was written first, whoever's it is."""
    text = ctx.reading.arguments[0].removeprefix("#").removesuffix("号") if ctx.reading.rest else ""
    return ctx.store.shop.get(int(text)) if text.isdecimal() and len(text) < 16 else None
