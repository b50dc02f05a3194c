"""The points shop: 积分商城, 兑换, 我的兑换, 取消兑换, 收货地址; and what time does to things redeemed."""

from datetime import timedelta

from bot.catalogue import Item
from bot.contact import quiet_until
from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived, Tick
from bot.redeeming import (
    STATES,
    asked,
    payload_of,
    redeem,
    refund,
    show_time,
    switched_off,
    to_staff,
    told,
)
from bot.reminding import may_end, remind
from bot.replies import Silence, Wishes, say
from bot.router import Router
from bot.words import one_line
from bot.world import to_ms
from storage.ledger import account
from storage.shop import Redemption

router = Router("shop", "商城")
router.says(
    {
        "shop.list": "rows balance", "shop.empty": "", "shop.unknown": "text", "shop.short": "name item more number",
        "shop.sold_out": "name item", "shop.limit": "name item limit", "shop.closed": "item when",
        "shop.gated": "name item need", "shop.done": "name item number balance how", "shop.how_code": "number",
        "shop.how_pass": "until number note", "shop.how_goods": "until number note", "shop.how_points": "what",
        "shop.code": "item code number note", "shop.mine": "rows", "shop.mine_empty": "name",
        "shop.refunded": "name item number points why receipt", "shop.no_cancel": "number",
        "shop.address_done": "item number", "shop.address_usage": "", "shop.address_private": "",
        "shop.to_staff": "name item number address", "shop.remind": "name item number left until",
        "shop.remind_several": "count rows",
        "shop.expired": "name item number",
    }
)  # fmt: skip
MINE = 8
ADDRESS = 200
_LIVE = ("issued", "delivered")


@router.command("积分商城", "商城", help="积分能换什么", off=switched_off)
def window(event: MessageReceived, ctx: Context) -> Wishes:
    rows = [
        f"{number}. {item.title} · {item.price} 分{_details(ctx, item)}"
        for number, item in enumerate(ctx.desk.catalogue.items, start=1)
        if not (item.groups and event.group not in item.groups) and not (item.closes and event.at >= item.closes)
    ]
    if not rows:
        return say("shop.empty")
    return say("shop.list", rows="\n".join(rows), balance=ctx.store.ledger.balance(account(ctx.member)))


def _details(ctx: Context, item: Item) -> str:
    left = ctx.store.shop.left(item.id, item.stock, item.kind)
    parts = [
        "" if left is None else "换完了" if left == 0 else f"剩 {left} 份",
        f"每人 {item.limit} 份" if item.limit else "",
        f"{show_time(ctx, to_ms(item.opens))} 开始" if item.opens and ctx.event.at < item.opens else "",
        f"{item.level}可换" if item.level else "", f"进群满 {item.tenure} 天" if item.tenure else "",
    ]  # fmt: skip
    shown = "，".join(filter(None, parts))
    return f"（{shown}）" if shown else ""


@router.command("兑换", help="用积分换东西", usage="[几号]", off=switched_off)
def buy(event: MessageReceived, ctx: Context) -> Wishes:
    wanted = ctx.reading.rest
    if not wanted:
        return window(event, ctx)
    item = ctx.desk.catalogue.find(wanted.removesuffix("号").removeprefix("#").strip())
    if item is None:
        # 兑换 also begins ordinary questions: only a number, or being asked, calls for an answer.
        if ctx.reading.addressed or wanted[:1].isdecimal():
            raise Mistake("shop.unknown", text=one_line(wanted, 20))
        return Silence("不是商城里的东西，也没有@我")
    return redeem(ctx, item)


@router.command("我的兑换", help="换过什么，到哪一步了；券码私聊里看", off=switched_off)
def mine(event: MessageReceived, ctx: Context) -> Wishes:
    found = ctx.store.shop.of_member(ctx.member, MINE)
    if not found:
        return say("shop.mine_empty", name=ctx.name)
    rows = []
    for one in found:
        row = f"{one.id} 号 {one.title} · {STATES[one.state]}"
        if one.kind == "pass" and one.state == "issued" and one.until is not None:
            row = f"{one.id} 号 {one.title} · {show_time(ctx, one.until)} 到期"
        if one.kind == "goods" and one.state == "issued":
            row = f"{one.id} 号 {one.title} · 等店里发出"
        if one.kind == "code" and event.group is None and one.state in _LIVE:
            row += f" · 券码 {ctx.store.shop.code_of(one.id)}"
            ctx.store.shop.become(one.id, "delivered", at=to_ms(ctx.now))
        rows.append(row)
    return say("shop.mine", rows="\n".join(rows))


@router.command("取消兑换", help="还没发出的可以取消，积分退回", usage="几号", off=switched_off)
def cancel(event: MessageReceived, ctx: Context) -> Wishes:
    one = asked(ctx)
    if one is None or one.member_id != ctx.member or one.state != "reserved":
        raise Mistake("shop.no_cancel", number=one_line(ctx.reading.rest, 12))
    return refund(ctx, one, "自己取消")


@router.command("收货地址", help="实物寄到哪，只在私聊里收", usage="几号 姓名 电话 地址", off=switched_off)
def address(event: MessageReceived, ctx: Context) -> Wishes:
    if event.group is not None:
        raise Mistake("shop.address_private")
    one = asked(ctx)
    parts = ctx.reading.verbatim.split(maxsplit=1)
    text = one_line(parts[1], ADDRESS) if len(parts) == 2 else ""
    if one is None or one.member_id != ctx.member or one.kind != "goods" or not one.is_pending or len(text) < 8:
        raise Mistake("shop.address_usage")
    ctx.store.shop.send_to(one.id, text)
    ctx.store.agenda.forget_wake("shop", str(one.id))
    return [
        say("shop.address_done", item=one.title, number=one.id),
        *to_staff(ctx, "shop.to_staff", name=ctx.name, item=one.title, number=one.id, address=text),
    ]


# -- time goes by --------------------------------------------------------------------------------------------------


@router.tick("shop")
def fell_due(event: Tick, ctx: Context) -> Wishes:
    one = ctx.store.shop.get(int(event.key))
    if one is None or one.state not in ("reserved", "issued"):
        return Silence("这次兑换已经有结果了")
    if one.kind == "code":
        return _was_it_sent(ctx, one)
    if one.until is None or not may_end(one):
        return Silence("不用再提醒")
    if to_ms(ctx.now) >= one.until:
        return _over(ctx, one)
    later = quiet_until(ctx.config.group(one.group_id), ctx.now)
    if later is not None and to_ms(later) < one.until:
        ctx.wake("shop", event.key, later, payload_of(one.group_id))
        return Silence("安静时段，等它结束再看要不要提醒")
    return remind(ctx, one)


def _over(ctx: Context, one: Redemption) -> Wishes:
    if one.kind == "goods":
        return refund(ctx, one, "一直没有收到地址")
    ctx.store.shop.become(one.id, "expired", at=to_ms(ctx.now), why="到期")
    return told(ctx, one, "shop.expired", because="权益到期", number=one.id)


def _was_it_sent(ctx: Context, one: Redemption) -> Wishes:
    """A code counts as delivered once its line was sent; where it surely was not, everything goes back."""
    state = ctx.store.shop.line_state(one.event_id, "shop.code")
    if state == "sent":
        ctx.store.shop.become(one.id, "delivered", at=to_ms(ctx.now))
        return Silence("券码已经送到")
    if state == "unknown":
        return Silence("送没送到说不准，不收回；本人私聊发「我的兑换」能看到码")
    if state in ("queued", "sending"):
        ctx.wake("shop", str(one.id), ctx.now + timedelta(minutes=10), payload_of(one.group_id))
        return Silence("券码还在路上")
    ctx.store.shop.take_code_back(one.id)
    return refund(ctx, one, "券码私聊发不出去，先加我好友再换")
