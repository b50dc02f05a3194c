"""What operators answer when they make a campaign by chat: days and clocks, lateness. ValueError says what is right."""

import re
from datetime import date, datetime, timedelta
from typing import Any

from bot.settings.kinds import parse_clock, parse_span, show_span

_CLOCK = re.compile(r"\d{1,2}:\d{2}")
_OCLOCK = re.compile(r"(\d{1,2})\s*点\s*(?:(半)|(\d{1,2})\s*分?)?")
_MONTH = re.compile(r"^每月\s*(.+)$")
_DATE = re.compile(r"^(每年)?\s*(?:(\d{4})[-年/])?(\d{1,2})[-月/](\d{1,2})日?号?$")
_NEAR = {"今天": 0, "明天": 1, "后天": 2}
_BETWEEN = re.compile(r"[、,，和\s]+")
_WEEKDAYS = "一二三四五六日"
USUAL = "周三 12:00、每天 9:00、每月20号 12:00、12-12 20:00、明天 20:00"
LATE = {
    "1": "send",
    "2": "merge",
    "3": "ask",
    "4": "drop",
    "晚发": "send",
    "合并": "merge",
    "问": "ask",
    "不发": "drop",
}
LATE_TITLES = {"send": "晚一点也发", "merge": "并进下一条", "ask": "问员工", "drop": "不发"}


def parse_when(text: str, now: datetime) -> dict[str, Any]:
    """`周三、周五 12:00 20:00` -> the fields of a beat. `now` is in the zone of the group. Raises ValueError."""
    clean = _OCLOCK.sub(lambda one: f"{one[1]}:{30 if one[2] else int(one[3] or 0):02}", text.replace("：", ":"))
    clocks = [f"{minute // 60:02}:{minute % 60:02}" for minute in sorted(map(parse_clock, _CLOCK.findall(clean)))]
    if not clocks:
        raise ValueError(f"没看出几点，比如 {USUAL}")
    fields = _days(_CLOCK.sub(" ", clean).strip(" 、,，"), now.date())
    if "date" in fields and len(fields["date"]) == 10:
        last = datetime.combine(date.fromisoformat(fields["date"]), datetime.min.time(), now.tzinfo)
        if last + timedelta(minutes=parse_clock(clocks[-1])) <= now:
            raise ValueError("那个时候已经过去了")
    return {"time": list(dict.fromkeys(clocks)), **fields}


def _days(text: str, today: date) -> dict[str, Any]:
    if text in ("每天", "天天"):
        return {"weekday": ["每天"]}
    if text in ("工作日", "每个工作日"):
        return {"on": ["workday"]}
    if text in _NEAR:
        return {"date": (today + timedelta(days=_NEAR[text])).isoformat()}
    if month := _MONTH.match(text):
        return _monthdays(month[1])
    if found := _DATE.match(text):
        return _date(found, today)
    words = [one for one in _BETWEEN.split(text.replace("星期", "周").replace("每周", "周")) if one]
    days = [f"周{day if day != '天' else '日'}" for one in words for day in one.removeprefix("周")]
    if not days or any(day[1:] not in _WEEKDAYS for day in days):
        raise ValueError(f"没看出哪一天，比如 {USUAL}")
    return {"weekday": list(dict.fromkeys(days))}


def _monthdays(text: str) -> dict[str, Any]:
    words = [one.removesuffix("号").removesuffix("日") for one in _BETWEEN.split(text.strip()) if one]
    numbers = [
        -1 if one in ("最后一天", "月底", "最后一") else int(one) if one.isdecimal() and len(one) < 3 else 0
        for one in words
    ]
    if not numbers or any(one == 0 or one > 31 for one in numbers):
        raise ValueError("每月几号？比如 每月20号 12:00，每月最后一天 18:00")
    short = {"short_month": "last"} if any(one > 28 for one in numbers) else {}
    return {"monthday": numbers, **short}


def _date(found: re.Match[str], today: date) -> dict[str, Any]:
    every, year, month, day = found[1], found[2], int(found[3]), int(found[4])
    try:
        if every:
            date(2024, month, day)
            short = {"short_month": "last"} if (month, day) == (2, 29) else {}
            return {"date": f"{month:02}-{day:02}", **short}
        if year:
            return {"date": date(int(year), month, day).isoformat()}
        this = date(today.year, month, day)
        return {"date": (this if this >= today else date(today.year + 1, month, day)).isoformat()}
    except ValueError:
        raise ValueError("没有这一天") from None


def parse_late(text: str) -> dict[str, Any]:
    """`1`, `问 3h` -> how a beat deals with lateness. Raises ValueError."""
    word, _, span = text.strip().partition(" ")
    late = LATE.get(word)
    if late is None:
        raise ValueError("回 1 到 4，想改时长就写在后面，比如 1 30min")
    return {"late": late, **({"lateness": show_span(parse_span(span.strip()))} if span.strip() else {})}


def show_when(fields: dict[str, Any]) -> str:
    """The answer in words, for the preview."""
    days = fields.get("weekday") or [
        f"每月 {'最后一天' if one == -1 else f'{one} 号'}" for one in fields.get("monthday", ())
    ]
    if fields.get("on"):
        days = ["工作日（含调休）"]
    return f"{'、'.join(days or [fields.get('date', '')])} {'、'.join(fields['time'])}"
