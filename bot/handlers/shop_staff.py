"""What staff do with things redeemed: 待兑现, 核销, 退回."""

from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.redeeming import STATES, asked, refund, show_time
from bot.replies import Sort, Wishes, flatten, say
from bot.router import Router
from bot.words import one_line
from bot.world import to_ms
from storage.shop import Redemption

router = Router("shop_staff", "商城")
router.says(
    {
        "shop.pending": "count rows", "shop.pending_empty": "", "shop.written_off": "number item name state",
        "shop.not_open": "number state", "shop.staff_usage": "",
    }
)  # fmt: skip
MOST = 30
_DONE = {"goods": "delivered", "pass": "written_off", "code": "written_off"}


@router.command("待兑现", help="商城里等发货、等核销的", role="read-only")
def pending(event: MessageReceived, ctx: Context) -> Wishes:
    found = ctx.store.shop.pending(event.group, MOST)
    if not found:
        return say("shop.pending_empty", sort=Sort.STAFF)
    rows = "\n".join(_row(ctx, one, private=event.group is None) for one in found)
    return say("shop.pending", count=len(found), rows=rows, sort=Sort.STAFF)


def _row(ctx: Context, one: Redemption, *, private: bool) -> str:
    name = ctx.store.members.name(one.member_id)
    if one.address:
        where = one.address if private else "地址私聊里看"
    elif one.kind == "goods":
        where = "还没给地址"
    else:
        where = f"{show_time(ctx, one.until or one.at)} 到期"
    return f"· {one.id} 号 {name}：{one.title}（{where}）"


def _chosen(ctx: Context) -> Redemption:
    one = asked(ctx)
    if not ctx.reading.rest:
        raise Mistake("shop.staff_usage")
    if one is None:
        raise Mistake("shop.not_open", number=one_line(ctx.reading.rest, 12), state="没有这个号")
    return one


@router.command("核销", help="商城里换的已经用掉或发出", usage="几号", role="service")
def write_off(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("service")
    one = _chosen(ctx)
    if one.kind not in _DONE or one.state not in ("reserved", "issued", "delivered") or _is_done(one):
        raise Mistake("shop.not_open", number=one.id, state=STATES[one.state])
    ctx.store.shop.become(one.id, _DONE[one.kind], at=to_ms(ctx.now))
    ctx.store.agenda.forget_wake("shop", str(one.id))
    ctx.audit("核销", f"兑换 {one.id} 号「{one.title}」")
    name = ctx.store.members.name(one.member_id)
    state = STATES[_DONE[one.kind]]
    return say("shop.written_off", number=one.id, item=one.title, name=name, state=state, sort=Sort.STAFF)


def _is_done(one: Redemption) -> bool:
    return one.state == _DONE[one.kind]


@router.command("退回", help="退掉一次兑换，积分还给本人", usage="几号 原因", role="operator")
def give_back(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    one = _chosen(ctx)
    why = one_line(" ".join(ctx.reading.verbatim.split()[1:]), 60) or "店里退回"
    if one.given is not None:
        # What it gave may be spent: taking it back is a matter of the ledger, with everything that follows.
        number = one.paid or one.given
        raise Mistake("shop.not_open", number=one.id, state=f"积分和补签卡请用「撤销 {number}」")
    receipt = refund(ctx, one, why)
    if receipt is None:
        raise Mistake("shop.not_open", number=one.id, state=STATES[one.state])
    ctx.audit("退回", f"兑换 {one.id} 号「{one.title}」：{why}")
    name = ctx.store.members.name(one.member_id)
    done = say("shop.written_off", number=one.id, item=one.title, name=name, state="已退回", sort=Sort.STAFF)
    # Where staff speak in the group of the redemption, the receipt itself is the answer.
    return [receipt] if event.group is not None and event.group == one.group_id else [done, *flatten(receipt)]
