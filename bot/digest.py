"""The weekly digest: what features add to it (`DIGEST`), when it is due in each group, once in a calendar week."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.context import Context, zone_of
from bot.settings import GroupSettings
from bot.settings.digest import WEEKDAYS
from bot.settings.kinds import parse_clock
from bot.world import to_ms

Rows = Callable[[Context, str, datetime, datetime], Sequence[str]]
"""(ctx, group, since, until) -> what a feature has to say of those days, a row each; nothing when there is nothing."""
DIGEST: list[tuple[int, Rows]] = []
"""What is asked, by place: numbers first, then what is open. A feature adds a function with `@tells(place)`."""
LATE = timedelta(days=3)
"""A digest that could not be sent this long is not worth reading any more; the next one is near."""
WEEK = timedelta(days=7)


def tells(place: int) -> Callable[[Rows], Rows]:
    """Adds a function to the digest. Places so far: 10 people, 20 games, 30 posts, 40 budgets, 50 tasks, 60 prizes,
    65 health, 70 questions, 75 the question book."""

    def register(rows: Rows) -> Rows:
        DIGEST.append((place, rows))
        return rows

    return register


def rows_of(ctx: Context, group: str, since: datetime, until: datetime, most: int) -> list[str]:
    """At most so many rows about a group between two moments."""
    rows = [
        row
        for _, tell in sorted(DIGEST, key=lambda one: (one[0], one[1].__module__))
        for row in tell(ctx, group, since, until)
    ]
    return rows[:most]


def last_slot(settings: GroupSettings, now: datetime) -> datetime:
    """The newest moment at which a digest was due, in the group's zone."""
    zone, minutes = zone_of(settings), parse_clock(settings.digest.at)
    local = now.astimezone(zone)
    back = (local.weekday() - WEEKDAYS.index(settings.digest.day)) % 7
    day = local.date() - timedelta(days=back)
    slot = datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=zone)
    if slot > now:
        day -= WEEK
        slot = datetime(day.year, day.month, day.day, minutes // 60, minutes % 60, tzinfo=zone)
    return slot


def next_slot(settings: GroupSettings, now: datetime) -> datetime:
    """The first moment after `now` at which a digest is due."""
    slot = last_slot(settings, now)
    day = slot.date() + WEEK
    return datetime(day.year, day.month, day.day, slot.hour, slot.minute, tzinfo=slot.tzinfo)


def overdue(ctx: Context) -> list[tuple[str, datetime]]:
    """(group, slot) of the digests that are due and not settled. A group that is new to this counts from now on."""
    found = []
    for group in ctx.store.members.groups():
        settings = ctx.config.group(group)
        if not settings.digest.on:
            continue
        slot, known = last_slot(settings, ctx.now), ctx.store.digests.last_week(group)
        if not known:
            start(ctx, group)
        elif week_of(slot) > known and ctx.now - slot <= LATE:
            found.append((group, slot))
    return found


def week_of(slot: datetime) -> str:
    """The calendar week of a slot, by its Monday: moving the day of the digest gives no second one."""
    return (slot.date() - timedelta(days=slot.weekday())).isoformat()


def start(ctx: Context, group: str) -> None:
    """The digests of a group count from now on: what was due before is settled unsaid."""
    week = week_of(last_slot(ctx.config.group(group), ctx.now))
    ctx.store.digests.settle(group, week, to_ms(ctx.now), ctx.event.id)


def arm(ctx: Context) -> None:
    """Wakes the digest when the next one is due in any group; at once when one is overdue."""
    if overdue(ctx):
        ctx.wake("digest", "", ctx.now)
        return
    coming = [
        next_slot(settings, ctx.now)
        for settings in map(ctx.config.group, ctx.store.members.groups()) if settings.digest.on
    ]  # fmt: skip
    if coming:
        ctx.wake("digest", "", min(coming))
    else:
        ctx.store.agenda.forget_wake("digest", "")
