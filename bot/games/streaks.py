"""The rules of daily check-in: which day a tap counts for, how long a streak is, which rewards are owed. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.settings.checkin import Milestone

DAY = timedelta(days=1)


def counts_for(local: datetime, grace: timedelta, taken: Callable[[date], bool]) -> date:
    """The business day of a tap at a local time: its calendar day, or within the grace after midnight the day before
    if that one is still open."""
    today = local.date()
    since_midnight = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)
    if since_midnight < grace and not taken(today - DAY):
        return today - DAY
    return today


def streaks_from(before: tuple[date, int] | None, days: Sequence[date]) -> list[int]:
    """The streak on each of these days (in order), given the last check-in before them and its streak."""
    result: list[int] = []
    last, length = before or (None, 0)
    for day in days:
        length = length + 1 if last is not None and day - last == DAY else 1
        last = day
        result.append(length)
    return result


@dataclass(frozen=True, slots=True, order=True)
class Award:
    """A milestone of `days` won on a day (ISO)."""

    day: str
    days: int


def owed(streaks: Iterable[tuple[str, int]], milestones: Sequence[Milestone]) -> list[Award]:
    """The awards that these (day, streak) pairs earn."""
    steps = {milestone.days for milestone in milestones}
    return [Award(day, streak) for day, streak in streaks if streak in steps]


def difference(due: Sequence[Award], standing: Sequence[Award]) -> tuple[list[Award], list[Award]]:
    """What to grant and what to take back so that the standing awards match those that are due.

    An award that moved to another day stays as it is: the member has it already.
    """
    have = Counter(award.days for award in standing)
    want = Counter(award.days for award in due)
    grant: list[Award] = []
    for award in sorted(due):
        if have[award.days] < want[award.days]:
            grant.append(award)
            have[award.days] += 1
    take: list[Award] = []
    for award in sorted(standing, reverse=True):
        if have[award.days] > want[award.days]:
            take.append(award)
            have[award.days] -= 1
    return grant, take


def next_milestone(streak: int, milestones: Sequence[Milestone]) -> tuple[int, Milestone] | None:
    """How many days are missing to the next milestone, and which one it is; None after the last."""
    ahead = sorted((one for one in milestones if one.days > streak), key=lambda one: one.days)
    return (ahead[0].days - streak, ahead[0]) if ahead else None


def missed_days(today: date, taken: Iterable[date], within: int, first: date | None) -> list[date]:
    """Days before today that a make-up card may fill, newest first: missed, recent, and after the first check-in."""
    have = set(taken)
    days = [today - timedelta(days=back) for back in range(1, within + 1)]
    return [day for day in days if day not in have and first is not None and day > first]


def describe(milestone: Milestone) -> str:
    """What a milestone gives, in words."""
    parts = [milestone.prize] if milestone.prize else []
    if milestone.points:
        parts.append(f"{milestone.points} 积分")
    if milestone.cards:
        parts.append(f"补签卡 {milestone.cards} 张")
    return "、".join(parts)


def show_day(day: date) -> str:
    """A day as people say it."""
    return f"{day.month}月{day.day}日"
