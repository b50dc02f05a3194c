"""Deadlines as people write them, and as they are shown. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.games import Table
from bot.games.board import ms
from bot.settings.kinds import parse_clock, parse_span

_DAYS = {"今天": 0, "今晚": 0, "明天": 1, "明晚": 1, "后天": 2}
_FORM = re.compile(
    r"^(?:(?P<near>今天|今晚|明天|明晚|后天)|(?P<month>\d{1,2})[-./月](?P<day>\d{1,2})[日号]?)?\s*(?P<clock>\d{1,2}:\d{2})$"
)


def read_deadline(text: str, now: datetime) -> datetime | None:
    """`20:00`, `明天 20:00`, `12-05 20:00`, `30min`, `2小时` -> the next such moment after `now` (local); else None."""
    text = unicodedata.normalize("NFKC", text).strip().casefold().removesuffix("截止").removesuffix("后").strip()
    try:
        span = parse_span(text)
    except ValueError:
        span = None
    if span is not None:
        return now + span if span > timedelta(0) else None
    match = _FORM.match(text)
    if match is None:
        return None
    try:
        minute = parse_clock(match["clock"])
        due = now.replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
        if match["near"]:
            due += timedelta(days=_DAYS[match["near"]])
        elif match["month"]:
            due = due.replace(month=int(match["month"]), day=int(match["day"]))
            due = due if due > now else due.replace(year=due.year + 1)
        elif due <= now:
            due += timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return due if due > now else None


def show_moment(moment: datetime, now: datetime) -> str:
    """`20:00` for today, `12月3日 20:00` for another day; both local."""
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment.month}月{moment.day}日 {moment:%H:%M}"


def split_deadline(
    parts: Sequence[str], table: Table, otherwise: timedelta, *, spans: bool = True
) -> tuple[list[str], int]:
    """The words before a deadline, and the deadline (ms): the last one or two words, or `otherwise` from now on.

    Without `spans` a length of time counts only with 后 or 截止 behind it: `3天` may be something to vote for.
    """
    for count in (2, 1):
        text = " ".join(parts[-count:])
        if len(parts) < count or not (spans or ":" in text or "：" in text or text.endswith(("后", "截止"))):
            continue
        until = table.when(text)
        if until is not None:
            return list(parts[:-count]), until
    return list(parts), table.at + ms(otherwise)
