"""The posts of a group in the coming weeks, as the schedule will play them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.scripts import Beat
from bot.settings import GroupSettings

DAY = timedelta(days=1)
CLASHES = 13
"""Weeks in which clashes are looked for: a monthly post meets a weekly one about once in a quarter."""
AROUND = 7
"""Days looked at before and after a post that only comes later than that."""
LATEST = 400
"""Days ahead at most: every yearly festival is among them."""


@dataclass(frozen=True, slots=True)
class Post:
    """A beat at a moment, in the zone of the group."""

    beat: Beat
    at: datetime

    @property
    def day(self) -> date:
        """The day on the wall."""
        return self.at.date()

    @property
    def promotes(self) -> bool:
        """It is about a product or a deal."""
        return self.beat.deal or self.beat.content == "product"


@dataclass(frozen=True, slots=True)
class Plan:
    """A group, and others with the same settings, with its posts. `posts` begin at `start` and come in order; those
    from `end` on are only looked at for clashes."""

    groups: tuple[str, ...]
    settings: GroupSettings
    beats: Sequence[Beat]
    posts: Sequence[Post]
    start: date
    end: date

    @property
    def near(self) -> list[Post]:
        """The posts of the weeks that are measured."""
        return [post for post in self.posts if post.day < self.end]

    def never_again(self, beat: Beat) -> bool:
        """Whether a beat is over for good."""
        zone = ZoneInfo(self.settings.zone)
        return beat.next_after(_midnight(self.start, zone), zone, anchor=self.settings.calendar.anchor) is None

    @property
    def title(self) -> str:
        """How people call these groups."""
        names = [f"「{self.settings.name}」" if self.settings.name and len(self.groups) == 1 else "", *self.groups[:3]]
        more = f"等 {len(self.groups)} 个" if len(self.groups) > 3 else ""
        return f"群{names[0]}{'、'.join(names[1:])}{more}"


class Almanac:
    """The moments of beats, each reckoned once for all groups that share zone and anchor."""

    def __init__(self, today: date) -> None:
        self.today = today
        self._known: dict[tuple[str, str, date | None, date, date], list[datetime]] = {}

    def moments(self, beat: Beat, settings: GroupSettings, start: date, stop: date) -> list[datetime]:
        """Its moments from one day until before another; a random minute counts as the first of its window."""
        anchor = settings.calendar.anchor
        key = (beat.id, settings.zone, anchor, start, stop)
        if key not in self._known:
            self._known[key] = list(_moments(beat, ZoneInfo(settings.zone), anchor, start, stop))
        return self._known[key]


def plan(groups: tuple[str, ...], settings: GroupSettings, beats: Sequence[Beat], almanac: Almanac) -> Plan:
    """What these groups will hear: the coming weeks whole, and later only the days around posts that come later."""
    zone, today = ZoneInfo(settings.zone), almanac.today
    end = today + settings.lint.weeks * 7 * DAY
    until = max(end, today + CLASHES * 7 * DAY)
    spans = [(today, until)]
    for beat in beats:
        if not almanac.moments(beat, settings, today, until):
            late = beat.next_after(_midnight(until, zone), zone, anchor=settings.calendar.anchor)
            first = late.astimezone(zone).date() if late is not None else None
            if first is not None and first < until + LATEST * DAY:
                spans.append((max(until, first - AROUND * DAY), first + AROUND * DAY))
    posts = [
        Post(beat, moment)
        for start, stop in _joined(spans)
        for beat in beats
        for moment in almanac.moments(beat, settings, start, stop)
    ]
    return Plan(groups, settings, beats, sorted(posts, key=lambda one: (one.at, one.beat.id)), today, end)


def _moments(beat: Beat, zone: ZoneInfo, anchor: date | None, start: date, stop: date) -> Iterator[datetime]:
    moment, last = _midnight(start, zone), _midnight(stop, zone)
    while True:
        found = beat.next_after(moment, zone, anchor=anchor)
        if found is None or found >= last:
            return
        yield found.astimezone(zone)
        moment = found


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """A moment just before the day begins: what is due at midnight itself belongs to it."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) - timedelta(microseconds=1)


def _joined(spans: list[tuple[date, date]]) -> list[tuple[date, date]]:
    """Spans without their overlaps, in order."""
    joined: list[tuple[date, date]] = []
    for start, stop in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined
