"""What kind of day it is in mainland China: workday, make-up workday, weekend, holiday. Facts come from `holidays`."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Literal

Kind = Literal["workday", "make-up", "weekend", "holiday"]
DAY = timedelta(days=1)
LONGEST = 12
"""Days of a break at most, for the look at its neighbours."""


def _library() -> Any:
    # Brings all countries of the world along, 15 MB and a moment: only for those whose scripts ask for workdays.
    from holidays.countries import china  # noqa: PLC0415

    return china


def is_announced(year: int) -> bool:
    """Whether the library knows what the State Council announced for a year. Until then only the days that the law
    fixes are holidays, nothing is swapped, and Saturdays and Sundays are weekends."""
    return year in _library().ChinaStaticHolidays.special_public_holidays


@lru_cache(maxsize=64)
def _year(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """(days off, make-up workdays) of a year."""
    # Of a year that is not announced the library guesses which days replace weekends: guesses are not used.
    found = _library().China(years=year, observed=is_announced(year))
    return (
        frozenset(day for day in found if day.year == year),
        frozenset(day for day in found.weekend_workdays if day.year == year),
    )


def _is_off(day: date) -> bool:
    off, made_up = _year(day.year)
    return day in off or (day.weekday() >= 5 and day not in made_up)


@lru_cache(maxsize=8_000)
def kind_of(day: date) -> Kind:
    """The kind of a day. A weekend that touches the holiday belongs to it: the announced breaks read that way."""
    off, made_up = _year(day.year)
    if day in made_up:
        return "make-up"
    if day in off:
        return "holiday"
    if not _is_off(day):
        return "workday"
    for step in (DAY, -DAY):
        near = day + step
        for _ in range(LONGEST):
            if not _is_off(near):
                break
            if near in _year(near.year)[0]:
                return "holiday"
            near += step
    return "weekend"
