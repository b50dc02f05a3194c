"""The Chinese calendar from the sky: solar terms and lunar months, by date in Beijing. Positions come from ephem."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import ephem

TERMS = (
    "小寒", "大寒", "立春", "雨水", "惊蛰", "春分", "清明", "谷雨", "立夏", "小满", "芒种", "夏至",
    "小暑", "大暑", "立秋", "处暑", "白露", "秋分", "寒露", "霜降", "立冬", "小雪", "大雪", "冬至",
)  # fmt: skip
"""The 24 solar terms in the order of a calendar year: the sun stands at 285°, 300°, … of the ecliptic."""
_BEIJING = timedelta(hours=8)
_YEAR = 365.2422
_SPRING = 285.0


def _day(moment: "ephem.Date") -> date:
    """The date in Beijing of a moment of ephem (UTC)."""
    found: datetime = moment.datetime()
    return (found + _BEIJING).date()


def _longitude(moment: float) -> float:
    """Apparent longitude of the sun on the ecliptic of date, in degrees."""
    sun = ephem.Sun(moment)
    place = ephem.Ecliptic(ephem.Equatorial(sun.g_ra, sun.g_dec, epoch=moment), epoch=moment)
    degrees: float = float(place.lon) * 180 / ephem.pi
    return degrees


@lru_cache(maxsize=400)
def terms_of(year: int) -> tuple[date, ...]:
    """The dates of the 24 solar terms of a calendar year, 小寒 first."""
    found = []
    for number in range(24):
        moment = float(ephem.Date((year, 1, 5.6))) + number * _YEAR / 24
        wanted = (_SPRING + 15 * number) % 360
        for _ in range(6):  # each step is a hundred times nearer
            moment += ((wanted - _longitude(moment) + 180) % 360 - 180) * _YEAR / 360
        found.append(_day(ephem.Date(moment)))
    return tuple(found)


def term_on(day: date) -> tuple[str, date]:
    """The solar term that a day lies in, and when it began."""
    starts = [*zip(TERMS, terms_of(day.year - 1), strict=True), *zip(TERMS, terms_of(day.year), strict=True)]
    return next(one for one in reversed(starts) if one[1] <= day)


@lru_cache(maxsize=400)
def _months(year: int) -> tuple[tuple[int, bool, date], ...]:
    """(month, leap, first day) from the eleventh month before a year to the tenth month in it.

    The rule of GB/T 33661-2017: the winter solstice lies in the eleventh month; where thirteen months begin between two
    solstices, the first one without a principal term is a leap month.
    """
    solstice, following = terms_of(year - 1)[23], terms_of(year)[23]
    starts = _new_moons(solstice - timedelta(days=32), following + timedelta(days=2))
    first = max(index for index, start in enumerate(starts) if start <= solstice)
    last = max(index for index, start in enumerate(starts) if start <= following)
    principal = [*terms_of(year - 1)[1::2], *terms_of(year)[1::2]]
    leap_year = last - first == 13
    months: list[tuple[int, bool, date]] = []
    number, leap_seen = 11, False
    for index in range(first, last):
        begin, end = starts[index], starts[index + 1]
        is_leap = leap_year and not leap_seen and not any(begin <= term < end for term in principal)
        leap_seen = leap_seen or is_leap
        if index > first and not is_leap:
            number = number % 12 + 1
        months.append((number, is_leap, begin))
    return tuple(months)


def _new_moons(start: date, until: date) -> list[date]:
    """Dates of the new moons from `start` on, and the first one after `until`."""
    moment = ephem.Date(datetime(start.year, start.month, start.day, tzinfo=UTC).replace(tzinfo=None))
    found: list[date] = []
    while not found or found[-1] <= until:
        moment = ephem.next_new_moon(moment)
        found.append(_day(moment))
    return found


@lru_cache(maxsize=4_000)
def lunar_days(month: int, day: int, year: int) -> tuple[date, ...]:
    """The dates in a calendar year of a lunar date (never of a leap month): one, and at times none or two."""
    found = [
        begin + timedelta(days=day - 1)
        for sui in (year, year + 1)
        for number, leap, begin in _months(sui)
        if number == month and not leap
    ]
    return tuple(one for one in found if one.year == year)
