"""The rehearsal itself: the whole bot in virtual time on a database of its own, with a power cut in the middle."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.app import App
from bot.config import Config
from bot.events import ContactAdded, Event, MemberJoined, MemberLeft, MessageReceived, Person
from bot.rehearsal.crowd import Act, Crowd, Faces, day_of_acts, load_crowd, roster_since, share_of
from bot.rehearsal.plan import AFTER, Plan, Planned, outage_of, planned_posts
from bot.rehearsal.wire import wires_of
from bot.stage import Cast
from bot.standing import why_stopped
from bot.world import Luck, VirtualWorld, from_ms, to_ms
from storage.standing import Standing, lay, skip_by_day

AT_ONCE = 200
"""Events in one transaction."""
DAY = timedelta(days=1)


@dataclass(slots=True)
class Outage:
    """What the power cut did. Moments of the plan; counts of what members did meanwhile."""

    start: datetime
    end: datetime
    unheard: int = 0
    """Messages that nobody heard."""
    heard_late: int = 0
    """Comings and goings that the platform told afterwards."""


@dataclass(slots=True)
class Performance:
    """A rehearsal that was played: the app is still open, so that whoever reports may read its tables."""

    plan: Plan
    config: Config
    app: App
    crowd: Crowd
    faces: Faces
    planned: list[Planned]
    outage: Outage | None
    standing: Standing
    """What staff decided by chat, read from the running bot's database."""
    acted: Counter[str] = field(default_factory=Counter)

    @property
    def luck(self) -> Luck:
        """The bot's luck: the same as in its schedule."""
        return self.app.luck


class Theatre:
    """Plays a plan on a fresh database, into which what staff decided by chat is laid. The real one stays closed."""

    def __init__(self, plan: Plan, config: Config, db: Path, standing: Standing | None = None) -> None:
        self._plan = plan
        self._config = config
        self._db = db
        standing = standing or Standing()
        lay(db, standing)
        self._world = VirtualWorld(plan.opens - plan.warm_days * DAY)
        self.app = self._built()
        skip_by_day(self.app.database, [beat.id for beat in self.app.schedule.beats.values() if beat.surprise])
        luck, groups = Luck(f"crowd {plan.seed}"), len(plan.groups)
        posts = planned_posts(
            self.app.schedule.beats, config, plan.groups, self.app.luck, plan.opens, plan.closes
        )  # fmt: skip
        wanted = [
            one for one in posts if not why_stopped(standing, config, one.beat, one.group, from_ms(one.due))
        ]  # fmt: skip
        self._wanted = wanted
        cut = outage_of(plan, wanted)
        people = load_crowd()
        self._faces = Faces(Cast.load().newcomers, plan.members, int(plan.members * people.rate.overlap))
        share = share_of(people, plan.members, groups, plan.days, len(wanted), plan.acts)
        zones = [plan.zone] * groups
        crowd = Crowd(people, luck, plan.members, share, zones)
        outage = Outage(*cut) if cut else None
        self._show = Performance(plan, config, self.app, crowd, self._faces, posts, outage, standing)
        self._channels = [self._channel(group) for group in plan.groups]

    def _built(self) -> App:
        return App(self._config, self._world, wires_of(self._config), db=self._db, synchronous="off")

    def _channel(self, group: str) -> str:
        return self._config.group(group).channel or self.app.outbox.channels[0]

    async def play(self) -> Performance:
        """From the silent days before the first one until the morning after the last."""
        show, plan = self._show, self._plan
        await self.app.engine.recover()
        await self._seat()
        for number in range(plan.warm_days):
            await self._until(plan.opens - (plan.warm_days - number - 1) * DAY - timedelta(seconds=1))
        numbers = {group: number for number, group in enumerate(plan.groups)}
        by_day = _by_day(self._wanted, numbers, plan)
        for day in plan.dates:
            await self._day(day_of_acts(show.crowd, day, by_day.get(day, {})))
        end = plan.closes
        if show.outage is not None and show.outage.end > self._world.now():
            await self._cut([])
        await self._until(end + AFTER)
        show.app = self.app
        return show

    async def _seat(self) -> None:
        """Those who are in the groups from the start: the platform hands over a roster."""
        since = roster_since(self._plan.opens - self._plan.warm_days * DAY)
        rosters: list[Event] = [
            MemberJoined(
                id=f"roster-{number}", at=since, channel=self._channels[number], group=group, history=True,
                people=tuple(self._person(number, who) for who in range(self._plan.members)),
            )
            for number, group in enumerate(self._plan.groups)
        ]  # fmt: skip
        await self._feed(rosters, 20)

    def _person(self, group: int, who: int) -> Person:
        return Person(self._faces.id_of(group, who), self._faces.name_of(group, who))

    async def _until(self, moment: datetime) -> None:
        """Time goes by; whatever falls due happens at its own moment."""
        self._world.arrive(moment)
        await self.app.feed([])
        await self.app.settle()

    async def _feed(self, events: Sequence[Event], at_once: int = AT_ONCE) -> None:
        for start in range(0, len(events), at_once):
            await self.app.feed(list(events[start : start + at_once]))
        await self.app.settle()

    async def _day(self, acts: list[Act]) -> None:
        outage = self._show.outage
        if outage is None or outage.end <= self._world.now():
            await self._feed(self._events(acts))
            return
        start, end = to_ms(outage.start), to_ms(outage.end)
        await self._feed(self._events([act for act in acts if act.at < start]))
        if acts and acts[-1].at >= start and self._world.now() < outage.end:
            await self._cut([act for act in acts if start <= act.at < end])
            await self._feed(self._events([act for act in acts if act.at >= end]))

    async def _cut(self, meanwhile: list[Act]) -> None:
        """The process dies without a word and comes back later on the same database. What was said meanwhile nobody
        heard; of comings and goings the platform tells afterwards."""
        outage = self._show.outage
        assert outage is not None
        await self._until(max(self._world.now(), outage.start - timedelta(milliseconds=1)))
        self.app.close()
        self._world.arrive(outage.end)
        self.app = self._built()
        await self.app.engine.recover()
        told = [act for act in meanwhile if act.what in ("join", "leave", "contact")]
        outage.unheard, outage.heard_late = len(meanwhile) - len(told), len(told)
        await self.app.feed([])
        await self.app.settle()
        await self._feed(self._events(told))

    def _events(self, acts: Sequence[Act]) -> list[Event]:
        self._show.acted.update(act.what for act in acts)
        return [self._event(act) for act in acts]

    def _event(self, act: Act) -> Event:
        group, channel = self._plan.groups[act.group], self._channels[act.group]
        person, at, name = self._person(act.group, act.who), from_ms(act.at), f"act-{act.number}"
        if act.what == "join":
            return MemberJoined(id=name, at=at, channel=channel, group=group, people=(person,))
        if act.what == "leave":
            return MemberLeft(id=name, at=at, channel=channel, group=group, people=(person,))
        if act.what == "contact":
            return ContactAdded(id=name, at=at, channel=channel, member=person.id, name=person.name)
        return MessageReceived(
            id=name, at=at, channel=channel, group=None if act.what == "private" else group, member=person.id,
            name=person.name, text=act.text,
        )  # fmt: skip


def _by_day(planned: Sequence[Planned], numbers: Mapping[str, int], plan: Plan) -> dict[object, dict[int, list[int]]]:
    found: dict[object, dict[int, list[int]]] = {}
    for post in planned:
        if post.beat.task is None:
            day = datetime.fromtimestamp(post.due / 1000, tz=UTC).astimezone(plan.zone).date()
            found.setdefault(day, {}).setdefault(numbers[post.group], []).append(post.due)
    return found
