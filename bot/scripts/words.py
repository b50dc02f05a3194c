"""How operators write days: 周三, 12-12, 2026-12-12, -3..0, 国庆节. Readers raise ValueError saying what is right."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator

from bot.config import nearest
from bot.scripts.festivals import NAMES as FESTIVALS
from bot.scripts.festivals import known
from bot.scripts.triggers import NAMES
from bot.settings.kinds import parse_clock

_CHINESE_DAYS = {
    f"{prefix}{day}": name for prefix in ("周", "星期") for day, name in zip("一二三四五六日", NAMES, strict=True)
}
_ALSO = {"周天": "sun", "星期天": "sun", "每天": "*", "daily": "*"}
_RANGE = re.compile(r"^(-?\d{1,3})\.\.(-?\d{1,3})$")
_YEARLY = re.compile(r"^(\d{1,2})-(\d{1,2})$")
_LEAP_YEAR = 2024
LONGEST = 400
"""Days from an anchor at most."""


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _weekdays(value: Any) -> tuple[str, ...]:
    days: list[str] = []
    for word in map(str, _listed(value)):
        day = _CHINESE_DAYS.get(word) or _ALSO.get(word) or word.lower()[:3]
        if day not in (*NAMES, "*"):
            raise ValueError(f"「{word}」不是星期几，写 周三、wed 或 每天")
        days += NAMES if day == "*" else (day,)
    if not days:
        raise ValueError("至少写一天：周三、wed 或 每天")
    return tuple(dict.fromkeys(days))


def _clocks(value: Any) -> tuple[int, ...]:
    found = tuple(dict.fromkeys(parse_clock(one) for one in _listed(value)))
    if not found:
        raise ValueError("至少写一个钟点，比如 12:00")
    return tuple(sorted(found))


def _between(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    parts = _listed(value)
    if len(parts) != 2:
        raise ValueError('应写成两个钟点：["14:00", "17:00"]')
    start, end = parse_clock(parts[0]), parse_clock(parts[1])
    if start >= end:
        raise ValueError("后一个钟点要比前一个晚，跨零点的分成两拍写")
    return start, end


def _numbers(value: Any) -> tuple[int, ...]:
    found: list[int] = []
    for one in _listed(value):
        match = _RANGE.match(one.replace(" ", "")) if isinstance(one, str) else None
        if match:
            first, last = int(match[1]), int(match[2])
            if first > last:
                raise ValueError(f"「{one}」反了，小的写前面：{last}..{first}")
            found += range(first, last + 1)
        elif isinstance(one, int) and not isinstance(one, bool):
            found.append(one)
        else:
            raise ValueError(f'「{one}」不是天数，写 -3、[-3, 0] 或 "-3..0"')
    if any(abs(one) > LONGEST for one in found):
        raise ValueError(f"离那天最多 {LONGEST} 天")
    return tuple(sorted(set(found)))


def _monthdays(value: Any) -> tuple[int, ...]:
    found = _numbers(value)
    if not found or any(one == 0 or abs(one) > 31 for one in found):
        raise ValueError("写几号：1 到 31；-1 是最后一天，-2 是倒数第二天")
    return found


def _dates(value: Any) -> tuple[str, ...]:
    found = []
    for one in map(str, _listed(value)):
        match = _YEARLY.match(one)
        try:
            found.append(
                f"{date(_LEAP_YEAR, int(match[1]), int(match[2])):%m-%d}" if match else str(date.fromisoformat(one))
            )
        except ValueError:
            raise ValueError(f"「{one}」不是日期，写 2026-12-12，每年都有的写 12-12") from None
    if not found:
        raise ValueError("至少写一个日期")
    return tuple(dict.fromkeys(found))


def festival(text: str) -> str:
    """The usual name of a festival. Raises ValueError with the nearest one."""
    found = known(text)
    if found is None:
        close = nearest(text, FESTIVALS)
        hint = f"是不是想写 {close[0]}？" if close else f"有：{'、'.join(FESTIVALS)}"
        raise ValueError(f"不认识节日「{text}」，{hint}")
    return found


def _festivals(value: Any) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(festival(str(one)) for one in _listed(value)))
    if not found:
        raise ValueError("至少写一个节日")
    return found


def _anchor(value: Any) -> str:
    """A date as ISO text, or a festival."""
    try:
        return str(date.fromisoformat(str(value)))
    except ValueError:
        return festival(str(value)) if value else ""


def _edge(value: Any) -> int | date | None:
    """One end of a window: days from the anchor, or a date."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"「{value}」不是日期，也不是离那天几天（-3、0）") from None


Weekdays = Annotated[tuple[str, ...], BeforeValidator(_weekdays)]
Clocks = Annotated[tuple[int, ...], BeforeValidator(_clocks)]
Window = Annotated[tuple[int, int] | None, BeforeValidator(_between)]
Numbers = Annotated[tuple[int, ...], BeforeValidator(_numbers)]
MonthDays = Annotated[tuple[int, ...], BeforeValidator(_monthdays)]
DateWords = Annotated[tuple[str, ...], BeforeValidator(_dates)]
Festivals = Annotated[tuple[str, ...], BeforeValidator(_festivals)]
Anchor = Annotated[str, BeforeValidator(_anchor)]
Edge = Annotated[int | date | None, BeforeValidator(_edge)]
