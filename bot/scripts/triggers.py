"""When a beat is due: which days, which minutes of them. Pure: a rule, a zone and a moment give the next moment."""

import calendar
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from bot.scripts.festivals import festival_days
from bot.scripts.workdays import kind_of

DAY = timedelta(days=1)
LAST = date(2199, 12, 31)
"""No plan looks further than this."""
_LOOK = 4_000
"""Days that a condition may refuse in a row (make-up workdays are a handful a year) before a rule is called over."""
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Short = Literal["last", "skip"]
On = Literal["workday", "make-up", "weekend", "holiday"]
MinuteOf = Callable[[date, int], int]
"""(day, how many minutes there are to choose from) -> the chosen one, 0-based."""


class Days(Protocol):
    """A rule for days."""

    def next_day(self, day: date) -> date | None:
        """The first day that fits, this one or later; None when none is left."""

    @property
    def text(self) -> str:
        """The rule itself: two rules with the same text are the same rule."""


@dataclass(frozen=True, slots=True)
class Weekly:
    """Some weekdays, by name: numbers mean other days elsewhere. `*` is every day."""

    weekdays: tuple[str, ...]

    def next_day(self, day: date) -> date | None:
        if "*" in self.weekdays:
            return day
        while NAMES[day.weekday()] not in self.weekdays:
            day += DAY
        return day

    @property
    def text(self) -> str:
        return ",".join(self.weekdays)


def _in_month(year: int, month: int, number: int, short: Short) -> date | None:
    """The day of a month; negative numbers count from its end. `short` says what a month without that day does."""
    length = calendar.monthrange(year, month)[1]
    found = number if number > 0 else length + 1 + number
    if 1 <= found <= length:
        return date(year, month, found)
    return date(year, month, length if number > 0 else 1) if short == "last" else None


@dataclass(frozen=True, slots=True)
class Monthly:
    """Some days of every month."""

    numbers: tuple[int, ...]
    short: Short

    def next_day(self, day: date) -> date | None:
        year, month = day.year, day.month
        while year <= LAST.year:
            found = [one for number in self.numbers if (one := _in_month(year, month, number, self.short))]
            later = [one for one in found if one >= day]
            if later:
                return min(later)
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        return None

    @property
    def text(self) -> str:
        return f"month {','.join(map(str, self.numbers))} {self.short}"


@dataclass(frozen=True, slots=True)
class Dates:
    """Days of certain years, and days that come back every year."""

    once: tuple[date, ...]
    yearly: tuple[tuple[int, int], ...] = ()
    short: Short = "skip"

    def next_day(self, day: date) -> date | None:
        found = [one for one in self.once if one >= day]
        for month, number in self.yearly:
            for year in range(day.year, day.year + 9):  # 2096 to 2104 has no leap day
                one = _in_month(year, month, number, self.short)
                if one is not None and one >= day:
                    found.append(one)
                    break
        return min(found, default=None)

    @property
    def text(self) -> str:
        yearly = [f"{month:02}-{number:02}" for month, number in self.yearly]
        return f"date {','.join([*map(str, self.once), *yearly])} {self.short}"


@dataclass(frozen=True, slots=True)
class Around:
    """Days counted from festivals (`names`) or from fixed days (`fixed`): -3 is three days before."""

    names: tuple[str, ...]
    offsets: tuple[int, ...]
    fixed: tuple[date, ...] = ()
    is_anchored: bool = False
    """They are counted from the anchor of a script, which a group may put on a day of its own."""

    def next_day(self, day: date) -> date | None:
        found = [one + offset * DAY for one in self.fixed for offset in self.offsets]
        if self.names:
            first = (day - max(self.offsets) * DAY).year
            last = (day - min(self.offsets) * DAY).year + 2
            found += [
                one + offset * DAY
                for year in range(first, last + 1)
                for name in self.names
                for one in festival_days(name, year)
                for offset in self.offsets
            ]
        return min((one for one in found if one >= day), default=None)

    @property
    def text(self) -> str:
        return f"{','.join([*self.names, *map(str, self.fixed)])} {','.join(f'T{one:+}' for one in self.offsets)}"


@dataclass(frozen=True, slots=True)
class Between:
    """Every day from one date to another, both included: a temporary group with fixed dates."""

    first: date
    last: date

    def next_day(self, day: date) -> date | None:
        return None if day > self.last else max(day, self.first)

    @property
    def text(self) -> str:
        return f"{self.first}..{self.last}"


def _anchored(days: Days, anchor: date) -> Days:
    if not (isinstance(days, Around) and days.is_anchored):
        return days
    return replace(days, names=(), fixed=(anchor,))


@dataclass(frozen=True, slots=True)
class Trigger:
    """Days by a rule, under conditions, at some minutes of the day or at one by luck within a window."""

    days: Days
    minutes: tuple[int, ...] = ()
    between: tuple[int, int] | None = None
    on: tuple[On, ...] = ()
    window: Days | None = None

    @property
    def text(self) -> str:
        """The rule as text: when it changes, a beat starts anew instead of catching up."""
        clocks = ",".join(f"{minute // 60:02}:{minute % 60:02}" for minute in self.minutes or self.between or ())
        parts = [self.days.text, f"~{clocks}" if self.between else clocks]
        parts += [f"on {','.join(self.on)}"] if self.on else []
        parts += [f"in {self.window.text}"] if self.window else []
        return " ".join(parts)

    def anchored_at(self, day: date) -> "Trigger":
        """The same rule with the script's anchor on another day; what has no anchor stays as it is."""
        return replace(self, days=_anchored(self.days, day), window=self.window and _anchored(self.window, day))

    def next_day(self, day: date) -> date | None:
        """The first day that fits rule, conditions and window, this one or later."""
        for _ in range(_LOOK):
            found = self.days.next_day(day) if day <= LAST else None
            if found is None or found > LAST:
                return None
            if self.window is not None:
                opens = self.window.next_day(found)
                if opens is None:
                    return None
                if opens > found:
                    day = opens
                    continue
            if not self.on or self._fits(found):
                return found
            day = found + DAY
        return None

    def _fits(self, day: date) -> bool:
        kind = kind_of(day)
        return kind in self.on or (kind == "make-up" and "workday" in self.on)

    def next_after(self, moment: datetime, zone: ZoneInfo, minute_of: MinuteOf | None = None) -> datetime | None:
        """The first due moment (UTC) later than `moment`; None when the rule is over.

        An hour that a clock change leaves out counts as the hour after it, one that comes twice as the first.
        """
        local = moment.astimezone(zone)
        # The clock of the zone may have jumped over midnight: the day before is looked at, too.
        day = self.next_day(local.date() - DAY)
        while day is not None:
            found = [one for one in self._moments(day, zone, minute_of) if one > moment]
            if found:
                return min(found)
            day = self.next_day(day + DAY)
        return None

    def _moments(self, day: date, zone: ZoneInfo, minute_of: MinuteOf | None) -> list[datetime]:
        minutes = self.minutes
        if self.between is not None:
            start, end = self.between
            minutes = (start + (minute_of(day, end - start + 1) if minute_of else 0),)
        return [
            datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone).astimezone(UTC)
            for minute in minutes
        ]
