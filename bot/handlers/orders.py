"""Orders by chat, for staff: what somebody bought, whose an id of the shop is; and the tick that looks at new ones."""

from datetime import timedelta

from bot.buying import LONGEST_ID, settle_buyer
from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived, Tick
from bot.orders import attend, show_yuan
from bot.replies import Say, Sort, Wishes
from bot.router import Router
from bot.whom import about
from bot.words import one_line
from bot.world import from_ms

router = Router("orders", "订单")
router.says(
    {
        "orders.thanks": "name nth", "orders.high": "name amount items day", "orders.of": "name count total rows",
        "orders.none": "name", "orders.mapped": "name external count", "orders.usage": "example",
        "orders.unmapped": "rows",
    }
)  # fmt: skip
SHOWN = 5


@router.tick("orders")
def look(event: Tick, ctx: Context) -> Wishes:
    lines, more = attend(ctx)
    if more:
        ctx.wake("orders", "", ctx.now + timedelta(seconds=1))
    return lines


@router.command("订单", help="一位群友买过几单；不写名字看还没对上人的买家", usage="[@群友]", role="service")
def show(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("service")
    if not ctx.reading.rest:
        rows = "\n".join(f"· {buyer}：{count} 单" for buyer, count in ctx.store.orders.unmapped(20)) or "· 都对上了"
        return _privately(ctx, "orders.unmapped", rows=rows)
    _, members = about(event, ctx)
    if len(members) != 1:
        raise Mistake("orders.usage", example="订单 @小满")
    name, orders = ctx.store.members.name(members[0]), ctx.store.orders.of(members[0])
    if not orders:
        return _privately(ctx, "orders.none", name=name)
    rows = "\n".join(
        f"· {ctx.local(from_ms(one.at)):%Y-%m-%d} {show_yuan(one.cents)} 元 {one_line(one.items, 40)}"
        for one in orders[:SHOWN]
    )
    total = show_yuan(sum(one.cents for one in orders))
    return _privately(ctx, "orders.of", name=name, count=len(orders), total=total, rows=rows)


@router.command("对号", help="告诉我店里的买家号是哪位群友", usage="@群友 买家号", role="service")
def map_buyer(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("service")
    rest, members = about(event, ctx)
    if len(members) != 1 or not rest or len(rest) > LONGEST_ID or " " in rest:
        raise Mistake("orders.usage", example="对号 @小满 tb_138000")
    member, before = members[0], ctx.store.orders.alias(rest)
    count = ctx.store.orders.map(rest, member, at=ctx.at_ms, staff_id=ctx.member)
    for one in {member, before} - {None}:
        settle_buyer(ctx.store, ctx.config, ctx.desk.tags, str(one), ctx.now)
    name = ctx.store.members.name(member)
    ctx.audit("对号", f"{rest} 是 {name}，{count} 单")
    ctx.wake("orders", "", ctx.now)
    return _privately(ctx, "orders.mapped", name=name, external=rest, count=count)


def _privately(ctx: Context, key: str, **slots: object) -> Say:
    """What somebody bought is nobody else's business: 1:1, wherever staff asked."""
    return Say(key, slots, member=ctx.member, sort=Sort.STAFF, because="员工查的，只给本人看")
