"""Festivals by name: fixed dates, lunar dates, solar terms, and the shopping days that operators plan for."""

from datetime import date, timedelta
from functools import lru_cache

from bot.scripts.sky import TERMS, lunar_days, terms_of

_SOLAR = {
    "元旦": (1, 1), "情人节": (2, 14), "妇女节": (3, 8), "植树节": (3, 12), "劳动节": (5, 1), "青年节": (5, 4),
    "儿童节": (6, 1), "618": (6, 18), "教师节": (9, 10), "国庆节": (10, 1), "双11": (11, 11), "双12": (12, 12),
    "平安夜": (12, 24), "圣诞节": (12, 25),
}  # fmt: skip
_LUNAR = {
    "春节": (1, 1), "元宵": (1, 15), "龙抬头": (2, 2), "端午": (5, 5), "七夕": (7, 7), "中元": (7, 15), "中秋": (8, 15),
    "重阳": (9, 9), "腊八": (12, 8), "小年": (12, 23), "南方小年": (12, 24),
}  # fmt: skip
_SUNDAYS = {"母亲节": (5, 2), "父亲节": (6, 3)}
"""Month and which Sunday of it."""
_ALSO = {
    "五一": "劳动节", "国庆": "国庆节", "端午节": "端午", "中秋节": "中秋", "元宵节": "元宵", "重阳节": "重阳",
    "清明节": "清明", "腊八节": "腊八", "北方小年": "小年", "大年三十": "除夕", "双十一": "双11", "双十二": "双12",
    "六一": "儿童节", "三八": "妇女节", "新年": "元旦", "过年": "春节",
}  # fmt: skip
NAMES = (*_SOLAR, *_LUNAR, "除夕", *_SUNDAYS, *TERMS)
"""Every festival by its usual name."""


def known(name: str) -> str | None:
    """The usual name of a festival, or None when nobody knows it."""
    usual = _ALSO.get(name, name)
    return usual if usual in NAMES else None


@lru_cache(maxsize=4_000)
def festival_days(name: str, year: int) -> tuple[date, ...]:
    """The dates of a festival in a calendar year, in order. Lunar ones may come twice (腊八 in 2022) or not at all."""
    if name in _SOLAR:
        return (date(year, *_SOLAR[name]),)
    if name in _LUNAR:
        return lunar_days(*_LUNAR[name], year)
    if name == "除夕":  # the day before the new year: the twelfth month may end on the 29th
        found = [one - timedelta(days=1) for near in (year, year + 1) for one in lunar_days(1, 1, near)]
        return tuple(one for one in found if one.year == year)
    if name in _SUNDAYS:
        month, which = _SUNDAYS[name]
        first = date(year, month, 1)
        return (first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (which - 1)),)
    return (terms_of(year)[TERMS.index(name)],)
