"""Reminders before something redeemed ends: what falls due together, in one place, is one line."""

from collections.abc import Sequence
from datetime import timedelta

from bot.contact import quiet_until
from bot.context import Context
from bot.redeeming import place_of, show_left, show_time, told, wake_before
from bot.replies import Say, Sort
from bot.world import from_ms, to_ms
from storage.shop import Redemption

TOGETHER = timedelta(hours=1)
"""What would be mentioned within so long is mentioned now: nobody wants to hear from us again in ten minutes."""
ROWS = 15
"""Rows of one line: more would not fit the channels that take little."""
WHY = "快到期了，提前一天和三小时各提醒一次"


def may_end(one: Redemption) -> bool:
    """Whether a redemption is one that ends by itself: a pass, or goods that nobody gave an address for."""
    open_ = one.state == "reserved" or (one.kind == "pass" and one.state == "issued")
    return open_ and one.kind in ("pass", "goods") and one.until is not None


def remind(ctx: Context, one: Redemption) -> list[Say]:
    """Reminds of a redemption, and of all others whose reminders in the same place would follow it closely."""
    found = sorted([one, *_following(ctx, one)], key=lambda each: (each.until, each.id))
    for each in found:
        assert each.until is not None
        wake_before(ctx, each.id, each.until, each.group_id, after=ctx.now + TOGETHER)
    if len(found) == 1:
        return [_alone(ctx, one)]
    return [_several(ctx, found[start : start + ROWS]) for start in range(0, len(found), ROWS)]


def _following(ctx: Context, first: Redemption) -> list[Redemption]:
    """The others that are to be mentioned in the same place soon, unless their own group is asleep."""
    place = place_of(ctx, first, Sort.REMINDER)
    return [
        one for one in ctx.store.shop.ending(to_ms(ctx.now + TOGETHER), *place)
        if one.id != first.id and may_end(one) and place_of(ctx, one, Sort.REMINDER) == place
        and quiet_until(ctx.config.group(one.group_id), ctx.now) is None
    ]  # fmt: skip


def _alone(ctx: Context, one: Redemption) -> Say:
    assert one.until is not None
    left = show_left(from_ms(one.until) - ctx.now)
    return told(
        ctx, one, "shop.remind", because=WHY, sort=Sort.REMINDER, number=one.id, left=left,
        until=show_time(ctx, one.until),
    )  # fmt: skip


def _several(ctx: Context, found: Sequence[Redemption]) -> Say:
    """One line for all of them; in a group everybody is named and @-ed once."""
    group, member = place_of(ctx, found[0], Sort.REMINDER)
    members = ctx.store.members
    channel = members.channel_of_group(group) if group else members.channel_of_member(found[0].member_id)
    rows = [
        f"· {f'{members.name(one.member_id)}：' if group else ''}{one.id} 号「{one.title}」"
        f"{show_time(ctx, one.until or 0)} 到期"
        for one in found
    ]
    who = tuple(dict.fromkeys(one.member_id for one in found))
    return Say(
        "shop.remind_several", {"count": len(found), "rows": "\n".join(rows)}, group=group, member=member,
        mention=who if group else (), channel=channel or ctx.event.channel, sort=Sort.REMINDER, because=WHY,
        expires=from_ms(min(one.until or 0 for one in found)),
    )  # fmt: skip
