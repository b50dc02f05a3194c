"""The contact policy: may this line leave now, later, or never? Pure; the reason is always given."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.context import zone_of
from bot.replies import Sort
from bot.settings import GroupSettings

UNASKED = frozenset({Sort.CAMPAIGN, Sort.REMINDER})
"""Lines that nobody asked for; quiet hours and mute bind them, never an answer."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """now; later (`until`); expired; or held (until staff change a setting)."""

    what: Literal["now", "later", "expired", "held"]
    why: str = ""
    until: datetime | None = None


NOW = Verdict("now")


def decide(sort: str, settings: GroupSettings, *, now: datetime, expires: datetime, speaks: str = "first") -> Verdict:
    """The verdict on one line of a class (`Sort`) for a group with these settings, on a channel that may speak `first`,
    only in `answer`, or only what a person has `confirmed`."""
    if now > expires:
        return Verdict("expired", "过期了：超过了能晚发的时间")
    if sort not in UNASKED:
        return NOW
    if speaks == "answer":
        return Verdict("held", "这个通道只能回答，不能主动说（speaks）")
    if settings.muted:
        return Verdict("held", "这个群设了静音（muted），不主动发")
    end = quiet_until(settings, now)
    if end is None:
        return NOW
    if end >= expires:
        return Verdict("expired", "安静时段里不发，等它结束又超过了能晚发的时间")
    return Verdict("later", "安静时段，等它结束再发", end)


def quiet_until(settings: GroupSettings, now: datetime) -> datetime | None:
    """When the quiet hours that hold now are over; None outside of them."""
    if settings.quiet is None or settings.quiet[0] == settings.quiet[1]:
        return None
    start, end = settings.quiet
    local = now.astimezone(zone_of(settings))
    minute = local.hour * 60 + local.minute
    inside = start <= minute < end if start < end else minute >= start or minute < end
    if not inside:
        return None
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    until = midnight + timedelta(minutes=end)
    return until if until > local else until + timedelta(days=1)
