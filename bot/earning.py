"""Earning points beside check-in and games: titles and what they add, and talk, counted once a day and never live."""

from datetime import datetime, timedelta
from functools import cache
from hashlib import blake2b
from typing import Literal
from urllib.parse import quote

from bot.context import Context, zone_of
from bot.levels import NOBODY, Standing, boosted, boosts, standing
from bot.settings import GroupSettings
from bot.settings.points import Level
from bot.words import fold
from bot.world import from_ms, to_ms
from storage.ledger import POINTS, account

HOUSE = "house:earning"
AT_ONCE = 5_000
"""Events counted, and days paid, in one transaction, so that members never wait for it."""
MARKS = 20
"""Different lines of a day that are remembered: the setting `points.talk_most` cannot go beyond."""
KEPT = timedelta(days=60)
"""How long talk by day is kept: twice what the gates look at."""
SHORTEST = 2
SINCE = "points.talk.since"
_CURSOR = "points.talk.seq"
DAY_MS = 86_400_000


def standing_of(ctx: Context, settings: GroupSettings, member: str) -> Standing:
    """The title of a member under a group's settings, now."""
    now = to_ms(ctx.now)
    # Titles ask for the same sums again and again.
    earned = cache(lambda days: ctx.store.points.earned(member, since(now, days)))
    return standing(settings.points.levels, earned)


def since(now: int, days: int) -> int:
    """From when on (ms) points count for a title with so many days."""
    return now - days * DAY_MS if days else 0


Source = Literal["checkin", "talk", "invite", "quiz", "games"]
"""Where points come from, as the settings under `points.boost` call it."""


def level_for(ctx: Context, group: str, member: str, source: Source) -> Level:
    """The title that counts for what a member earns there. Asks the ledger only where a title adds anything."""
    settings = ctx.config.group(group)
    rules = settings.points
    if not rules.on or not getattr(rules.boost, source) or not boosts(rules.levels):
        return NOBODY
    return standing_of(ctx, settings, member).level


def percent_of(ctx: Context, group: str, member: str, source: Source) -> int:
    """What a member's title makes of what they earn there, in percent."""
    return level_for(ctx, group, member, source).percent


def bonus_key(key: str) -> str:
    """Under which key the share on top of a win is paid: a movement of its own, so that scores stay what they are."""
    return f"boost/{key.removeprefix('game/')}"


def pay_bonus(ctx: Context, win: str, member: str, points: int, why: str, source: Source) -> str:
    """Pays a title's share on top of a win with the key `win`, once. In words: "小满（老友）+2", or nothing."""
    level = level_for(ctx, ctx.group, member, source)
    more = boosted(points, level.percent) - points
    if more <= 0:
        return ""
    number = ctx.store.ledger.move(
        bonus_key(win), "house:games", account(member), more, asset=POINTS, at=ctx.at_ms, event_id=ctx.event.id,
        cause=f"{level.title}加成：{why}", group_id=ctx.group,
    )  # fmt: skip
    return f"{ctx.store.members.name(member)}（{level.title}）+{more}" if number is not None else ""


def is_real(text: str, shortest: int) -> bool:
    """Whether a line is talk: long enough, and neither one character over and over nor only signs."""
    letters = [char for char in fold(text) if char.isalnum()]
    return len(letters) >= shortest and len(set(letters)) >= min(3, shortest)


def mark_of(text: str) -> str:
    """By what a repeated line is known, whatever its punctuation: six characters."""
    letters = "".join(char for char in fold(text) if char.isalnum())
    return blake2b(letters.encode("utf-8", "replace"), digest_size=3).hexdigest()


def count_talk(ctx: Context) -> bool:
    """Counts the talk since the last time and pays the days that are over. True while there is more to do.

    It costs a message nothing when it is said. A day is paid once, by its key; a line that arrives after its day was
    paid no longer counts.
    """
    office, points = ctx.store.office, ctx.store.points
    newest, cursor = points.newest_event(), office.fact(_CURSOR)
    if cursor is None:
        # Whatever was said before this was here is not counted.
        office.remember(_CURSOR, str(newest))
        office.remember(SINCE, str(to_ms(ctx.now)))
        return False
    until = min(newest, int(cursor) + AT_ONCE)
    _count(ctx, int(cursor), until)
    office.remember(_CURSOR, str(until))
    if until < newest:
        return True
    points.drop_talk((ctx.now - KEPT).date().isoformat(), AT_ONCE)
    return _pay(ctx)


def _count(ctx: Context, after: int, until: int) -> None:
    points, ours = ctx.store.points, set(ctx.config.settings.bot.ids)
    days: dict[tuple[str, str, str], list[str]] = {}
    for said in points.talk_after(after, until, SHORTEST):
        settings = ctx.config.group(said.group_id)
        if said.member_id in ours or not is_real(said.text, settings.points.talk_chars):
            continue
        day = from_ms(said.at).astimezone(zone_of(settings)).date().isoformat()
        key = (said.group_id, said.member_id, day)
        if key not in days:
            days[key] = points.talk_of(*key).split()
        mark = mark_of(said.text)
        if mark not in days[key] and len(days[key]) < MARKS:
            days[key].append(mark)
    for (group, member, day), marks in days.items():
        points.add_talk(group, member, day, len(marks), " ".join(marks))


def _pay(ctx: Context) -> bool:
    rows = ctx.store.points.unpaid_talk((ctx.now + timedelta(days=1)).date().isoformat(), AT_ONCE)
    settled = 0
    for group, member, day, said in rows:
        settings = ctx.config.group(group)
        local = ctx.now.astimezone(zone_of(settings))
        if day >= local.date().isoformat():
            continue
        rules, settled = settings.points, settled + 1
        amount = min(said, rules.talk_most) * rules.talk if rules.on else 0
        if amount:
            ctx.store.ledger.move(
                f"talk/{quote(group, safe='')}/{quote(member, safe='')}/{day}", HOUSE, account(member),
                boosted(amount, percent_of(ctx, group, member, "talk")), asset=POINTS, at=_end_of(day, settings),
                event_id=ctx.event.id, cause=f"{day[5:]} 发言 {min(said, rules.talk_most)} 句", group_id=group,
            )  # fmt: skip
        ctx.store.points.talk_paid(group, member, day)
    return settled == AT_ONCE


def _end_of(day: str, settings: GroupSettings) -> int:
    """The last millisecond (ms) of a business day: boards count talk for the week in which it was said."""
    return to_ms(datetime.fromisoformat(day).replace(tzinfo=zone_of(settings)) + timedelta(days=1)) - 1
