"""What a purchase sets off: milestones with a word of thanks, and staff who hear of the big ones."""

from datetime import datetime

from bot.buying import last_purchase
from bot.context import Context
from bot.redeeming import to_staff
from bot.replies import Say, Sort
from bot.sequences import begin_sequence
from bot.words import one_line
from bot.world import from_ms
from storage.orders import Purchase

__all__ = ["attend", "last_purchase", "on_purchase"]
AT_ONCE = 100
"""Orders looked at in one transaction."""


def attend(ctx: Context) -> tuple[list[Say], bool]:
    """Looks at orders that nobody has looked at. Returns what there is to say, and whether there are more."""
    lines: list[Say] = []
    fresh = ctx.store.orders.unnoticed(AT_ONCE)
    for one in fresh:
        ctx.store.orders.notice(one.order_id)
        if one.state == "paid":
            lines += on_purchase(ctx, str(one.member_id), from_ms(one.at), one)
    return lines, len(fresh) == AT_ONCE


def on_purchase(ctx: Context, member: str, at: datetime, one: Purchase) -> list[Say]:
    """A member bought something at a moment: called once for every order, in the transaction that noticed it.

    Whatever should start with a purchase starts here. Old orders, imported late, are noted and nobody is disturbed.
    """
    rules = ctx.config.group(None).orders
    is_fresh = ctx.now - at <= rules.fresh
    lines: list[Say] = []
    if is_fresh:
        begin_sequence(ctx, "purchase", member, at)
    nth = ctx.store.orders.nth(one)
    if str(nth) in rules.milestones and ctx.store.orders.reach(member, nth, one.order_id, one.at) and is_fresh:
        lines += _thanks(ctx, member, nth)
    if rules.high_value and one.cents >= rules.high_value * 100 and is_fresh:
        lines += to_staff(
            ctx, "orders.high", name=ctx.store.members.name(member), amount=show_yuan(one.cents),
            items=one_line(one.items, 60) or "没写商品", day=f"{ctx.local(at):%m-%d %H:%M}",
        )  # fmt: skip
    return lines


def _thanks(ctx: Context, member: str, nth: int) -> list[Say]:
    """One warm line in 1:1, where there is one; nothing is sold in it."""
    if not ctx.config.group(None).orders.thank or not ctx.store.members.is_contact(member):
        return []
    return [
        Say(
            "orders.thanks", {"name": ctx.store.members.name(member), "nth": nth}, member=member,
            channel=ctx.store.members.channel_of_member(member), sort=Sort.REMINDER,
            because=f"第 {nth} 单是里程碑（orders.milestones）",
        )
    ]  # fmt: skip


def show_yuan(cents: int) -> str:
    """Fen as people write yuan."""
    return f"{cents // 100}.{cents % 100:02}".removesuffix(".00")
