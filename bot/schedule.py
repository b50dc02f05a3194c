"""Beats become events: which post is due next in which group, in real time and in virtual time."""

import heapq
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.config import Config
from bot.context import zone_of
from bot.events import BeatDue
from bot.scripts import Beat
from bot.world import Luck, from_ms, to_ms


class Schedule:
    """The next due time of every beat in every group, derived from the scripts each time they are read, so that a
    changed time never leaves the old one firing. How far each was played comes from the database."""

    def __init__(self, config: Config, luck: Luck | None = None) -> None:
        self._config = config
        self._luck = luck or Luck("")
        self.beats: dict[str, Beat] = {}
        self._heap: list[tuple[int, str, str]] = []
        self._groups: set[str] = set()
        self.fresh: list[tuple[str, str, str, int]] = []
        """(beat, group, rule, since) that must be remembered: they count from that moment (ms) on."""
        self.gone: list[tuple[str, str]] = []
        """(beat, group) that are not played any more."""

    def plan(
        self, scripts: Mapping[str, list[Beat]], played: Mapping[tuple[str, str, str], int], groups: Iterable[str],
        now: datetime,
    ) -> None:  # fmt: skip
        """Starts over with these scripts. A beat that is new to a group, or whose time was changed, counts from now on:
        it has no past to catch up with."""
        self.beats = {beat.id: beat for beats in scripts.values() for beat in beats}
        self._groups = set(groups)
        self._heap, self.fresh = [], []
        active: set[tuple[str, str]] = set()
        for beat in self.beats.values():
            for group in sorted(self._groups):
                if self._enter(beat, group, played, now):
                    active.add((beat.id, group))
        self.gone = sorted({(beat, group) for beat, group, _ in played} - active)

    def _enter(self, beat: Beat, group: str, played: Mapping[tuple[str, str, str], int], now: datetime) -> bool:
        settings = self._config.group(group)
        if beat.trigger is None or not beat.plays_in(group, settings):
            return False
        rule = beat.rule(zone_of(settings), settings.calendar.anchor)
        since = played.get((beat.id, group, rule))
        if since is None:
            since = to_ms(now)
            self.fresh.append((beat.id, group, rule, since))
        self._push(beat, group, since)
        return True

    def add_group(self, group: str, now: datetime) -> None:
        """A group that was seen for the first time plays from now on."""
        if group not in self._groups:
            self._groups.add(group)
            for beat in self.beats.values():
                self._enter(beat, group, {}, now)

    def _push(self, beat: Beat, group: str, after: int) -> None:
        due = self._next(beat, group, from_ms(after))
        if due is not None:  # None: the rule is over, like a campaign of last year
            heapq.heappush(self._heap, (to_ms(due), beat.id, group))

    def _next(self, beat: Beat, group: str, after: datetime) -> datetime | None:
        settings = self._config.group(group)
        return beat.next_after(after, zone_of(settings), self._luck, group, settings.calendar.anchor)

    @property
    def next_due(self) -> int | None:
        """When the next beat is due (ms)."""
        return self._heap[0][0] if self._heap else None

    def pop(self, channel_of: Callable[[str], str]) -> tuple[BeatDue, int]:
        """Takes the next beat as an event, and when it was due (ms); plans the one after it."""
        due, beat_id, group = heapq.heappop(self._heap)
        self._push(self.beats[beat_id], group, due)
        at = from_ms(due)
        name = at.strftime("%Y-%m-%dT%H:%MZ")
        event = BeatDue(id=f"{beat_id}:{group}:{name}", at=at, channel=channel_of(group), group=group, beat=beat_id)
        return event, due

    def upcoming(self, group: str | None, most: int, now: datetime) -> list[tuple[datetime, str, Beat]]:
        """The next posts: (when, group, beat), in order."""
        heap = [one for one in self._heap if group is None or one[2] == group]
        heapq.heapify(heap)
        found: list[tuple[datetime, str, Beat]] = []
        while heap and len(found) < most:
            due, beat_id, one = heap[0]
            beat, moment = self.beats[beat_id], from_ms(due)
            if moment > now:
                found.append((moment, one, beat))
            following = self._next(beat, one, max(moment, now))
            if following is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (to_ms(following), beat_id, one))
        return sorted(found, key=lambda entry: (entry[0], entry[1], entry[2].id))


class Alarm:
    """Wakes the engine at one moment in real time. The truth is in tables; this only rings."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._set_for: datetime | None = None

    def start(self) -> None:
        """Needs a running event loop."""
        self._scheduler.start()

    def set(self, moment: datetime | None, now: datetime) -> None:
        """Rings at `moment`, once; a later call replaces it."""
        if moment == self._set_for:
            return
        self._set_for = moment
        if moment is None:
            if self._scheduler.get_job("wake"):
                self._scheduler.remove_job("wake")
            return
        # Very long waits are cut: a clock that is set back must not strand us.
        due = min(max(moment, now), now + timedelta(hours=1))
        self._scheduler.add_job(self._fire, "date", run_date=due, id="wake", replace_existing=True)

    def _fire(self) -> None:
        self._set_for = None
        self._ring()

    def stop(self) -> None:
        """No more ringing."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
