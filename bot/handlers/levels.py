"""Titles that members reach: one warm line in the group where it happened, at most one a day for each member."""

from datetime import timedelta
from functools import cache

from bot.context import Context, zone_of
from bot.earning import since
from bot.events import Event, MessageReceived
from bot.levels import standing
from bot.replies import Say, Sort, Wishes
from bot.router import Router
from bot.world import to_ms
from storage.ledger import Earning

router = Router("levels", "积分")
router.says({"points.level_up": "names title"})
NAMED = 5
"""Names in one line."""
KEPT = timedelta(hours=12)
"""How long a line that nobody asked for waits for the end of the quiet hours."""


@router.afterwards
def level_up(event: Event, ctx: Context) -> Wishes:
    gained: dict[str, list[Earning]] = {}
    for one in ctx.store.ledger.earned:
        gained.setdefault(one.member_id, []).append(one)
    risen: dict[tuple[str, str, int], list[str]] = {}
    for member, earnings in gained.items():
        found = _risen(ctx, event, member, earnings)
        if found is not None:
            risen.setdefault(found, []).append(member)
    return [_told(ctx, event, group, title, at, members) for (group, title, at), members in risen.items()]


def _risen(ctx: Context, event: Event, member: str, earnings: list[Earning]) -> tuple[str, str, int] | None:
    """(group, title, points) that a member reached with this event and that is to be announced now."""
    group = next((one.group_id for one in earnings if one.group_id), "")
    rules = ctx.config.group(group or None).points
    if not (rules.on and rules.level_up) or (not group and member != event.member):
        return None
    settings = ctx.config.group(group or None)
    now = to_ms(ctx.now)
    total = cache(lambda days: ctx.store.points.earned(member, since(now, days)))  # asked twice, and for every title
    fresh = standing(rules.levels, total)
    before = standing(
        rules.levels,
        lambda days: total(days) - sum(one.amount for one in earnings if one.at >= since(now, days)),
    )
    if fresh.place <= before.place:
        return None
    day = ctx.now.astimezone(zone_of(settings)).date().isoformat()
    lasting = fresh.level.days == 0
    if not ctx.store.titles.tell(member, day, group, fresh.level.title, lasting=lasting, event_id=event.id):
        return None
    return group, fresh.level.title, fresh.level.at


def _told(ctx: Context, event: Event, group: str, title: str, points: int, members: list[str]) -> Say:
    names = "、".join(map(ctx.store.members.name, members[:NAMED]))
    more = f"等 {len(members)} 位" if len(members) > NAMED else ""
    answered = isinstance(event, MessageReceived)
    return Say(
        "points.level_up", {"names": names + more, "title": title}, group=group or None,
        member=None if group else members[0], mention=tuple(members[:NAMED]) if group else (),
        channel=(ctx.store.members.channel_of_group(group) if group else None) or event.channel,
        sort=Sort.REPLY if answered else Sort.REMINDER, expires=None if answered else ctx.now + KEPT,
        because=f"攒满 {points} 分，升为「{title}」（不想说就关 points.level_up）",
    )  # fmt: skip
