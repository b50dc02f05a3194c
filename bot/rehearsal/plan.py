"""What is rehearsed: days, groups, members, luck; which posts should come, and when the power fails."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.config import Config
from bot.context import zone_of
from bot.scripts import Beat
from bot.world import Luck, to_ms

WARM_DAYS = 14
"""Days that are posted silently before the first one: budgets, shares and banks then stand as in a running month."""
AFTER = timedelta(hours=12)
"""How long the last lines are waited for: whatever quiet hours put off leaves the next morning."""
SHORT = timedelta(hours=3)
"""An outage longer than this would swallow half a day; a post that waits longer is merely late."""
BEFORE_DUE, BEYOND = timedelta(minutes=10), timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Plan:
    """One rehearsal. `acts`: how much the members do in all at most; beyond, what they do is a sample."""

    first: date
    days: int
    groups: tuple[str, ...]
    zone: ZoneInfo
    members: int = 200
    seed: int = 1
    warm_days: int = WARM_DAYS
    acts: int = 60_000
    outage: tuple[datetime, datetime] | None = None
    has_outage: bool = True

    @property
    def opens(self) -> datetime:
        """Midnight before the first day."""
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=self.zone)

    @property
    def closes(self) -> datetime:
        """Midnight after the last day."""
        last = self.first + timedelta(days=self.days)
        return datetime(last.year, last.month, last.day, tzinfo=self.zone)

    @property
    def dates(self) -> list[date]:
        """The days, in order."""
        return [self.first + timedelta(days=number) for number in range(self.days)]


@dataclass(frozen=True, slots=True, order=True)
class Planned:
    """A post that the scripts want: `due` in ms."""

    due: int
    group: str
    beat: Beat = field(compare=False)

    @property
    def event_id(self) -> str:
        """The id under which the schedule brings it (bot/schedule.py)."""
        moment = datetime.fromtimestamp(self.due // 1000, tz=ZoneInfo("UTC"))
        return f"{self.beat.id}:{self.group}:{moment:%Y-%m-%dT%H:%MZ}"


def planned_posts(
    beats: Mapping[str, Beat], config: Config, groups: Iterable[str], luck: Luck, opens: datetime, closes: datetime
) -> list[Planned]:
    """Every post that falls due from `opens` until before `closes`, in order."""
    found: list[Planned] = []
    known: dict[tuple[str, str], list[int]] = {}
    for group in groups:
        settings = config.group(group)
        zone = zone_of(settings)
        for beat in beats.values():
            if beat.trigger is None or not beat.plays_in(group, settings):
                continue
            # Groups of one zone and anchor share their moments, unless a minute is left to luck.
            name = (beat.id, group if beat.surprise else f"{zone.key} {settings.calendar.anchor}")
            if name not in known:
                known[name] = list(_moments(beat, config, group, luck, opens, closes))
            found += [Planned(due, group, beat) for due in known[name]]
    return sorted(found, key=lambda one: (one.due, one.group, one.beat.id))


def _moments(beat: Beat, config: Config, group: str, luck: Luck, opens: datetime, closes: datetime) -> Iterable[int]:
    settings = config.group(group)
    moment = opens - timedelta(milliseconds=1)
    while True:
        due = beat.next_after(moment, zone_of(settings), luck, group, settings.calendar.anchor)
        if due is None or due >= closes:
            return
        yield to_ms(due)
        moment = due


def outage_of(plan: Plan, posts: list[Planned]) -> tuple[datetime, datetime] | None:
    """From when until when the process is down: as asked, else around the post nearest to the middle that will not
    survive it, so that an operator sees what a power cut does. None when it was not wanted."""
    if not plan.has_outage or plan.outage is not None:
        return plan.outage
    middle = to_ms(plan.opens + (plan.closes - plan.opens) / 2)
    mortal = [one for one in posts if one.beat.late in ("send", "drop") and one.beat.lateness <= SHORT]
    victim = min(mortal or posts, key=lambda one: (abs(one.due - middle), one.group, one.beat.id), default=None)
    if victim is None:
        start = plan.opens + (plan.closes - plan.opens) / 2
        return start, start + timedelta(hours=2)
    due = datetime.fromtimestamp(victim.due // 1000, tz=plan.zone)
    patience = victim.beat.lateness if victim in mortal else SHORT
    return max(plan.opens, due - BEFORE_DUE), due + max(patience, BEFORE_DUE) + BEYOND
