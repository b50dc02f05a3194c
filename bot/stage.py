"""The whole bot in virtual time with people on it: what `yuanzi chat`, `yuanzi replay` and the tests talk to."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from bot.app import App
from bot.channels import Abilities, Hear, Line, Pace, Receipt
from bot.config import Config, shipped
from bot.context import zone_of
from bot.errors import Mistake
from bot.events import ContactAdded, Event, MemberJoined, MemberLeft, MessageReceived, Person
from bot.settings import parse_clock, parse_span
from bot.world import VirtualWorld

CHANNEL = "terminal"
GROUP = "yuanqi"
START = datetime.fromisoformat("2026-12-02T11:58:00+08:00")
"""A Wednesday, two minutes before the new-product post."""
_DAY_NAMES = "一二三四五六日"
_UNTIL = re.compile(r"^(?:到\s*)?(?:(?:周|星期)([一二三四五六日天]))?\s*(\d{1,2}[:：]\d{2})?$")


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody on the stage: platform id, name and what they chat about by themselves."""

    id: str
    name: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """What an actor says so many seconds after the start."""

    after: float
    member: str
    text: str


@dataclass(frozen=True, slots=True)
class Cast:
    """persona/living_group.toml: the people of the simulated group."""

    name: str
    actors: dict[str, Actor]
    openings: tuple[Opening, ...]
    newcomers: tuple[str, ...]

    @classmethod
    def load(cls) -> "Cast":
        """The cast that comes with the product."""
        data = tomllib.loads(shipped("persona/living_group.toml").read_text(encoding="utf-8"))
        actors = {one["id"]: Actor(one["id"], one["name"], tuple(one["lines"])) for one in data["member"]}
        openings = tuple(Opening(one["after"], one["member"], one["text"]) for one in data["opening"])
        return cls(data["name"], actors, openings, tuple(data["newcomers"]))


class Speaker:
    """The channel of the stage: hands every line to whoever shows it."""

    name = CHANNEL
    abilities = Abilities(max_bytes=4_000, in_flight=1_000_000)
    pace = Pace()

    def __init__(self, show: Callable[[Line], None]) -> None:
        self._show = show

    async def run(self, hear: Hear) -> None:
        """Whoever drives the stage hears; nothing to listen to."""

    async def send(self, line: Line) -> Receipt:
        self._show(line)
        return Receipt()

    async def close(self) -> None:
        """Nothing to let go of."""


@dataclass(slots=True)
class Stage:
    """One group in virtual time. Every method that lets something happen returns the lines it brought.

    `fresh_config` builds the settings anew, so that a power cut forgets everything that was only in memory.
    """

    fresh_config: Callable[[], Config]
    db: Path
    start: datetime = START
    group: str = GROUP
    show: Callable[[Line], None] = lambda line: None  # noqa: ARG005
    said: list[Line] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    """name -> platform id"""
    count: int = 0
    last: list[Event] = field(default_factory=list)
    app: App = field(init=False)
    world: VirtualWorld = field(init=False)

    async def open(self) -> None:
        """Builds the bot on the database, as after a start of the process."""
        self.world = VirtualWorld(self.start)
        await self._build()

    async def _build(self) -> None:
        self.app = App(self.fresh_config(), self.world, {CHANNEL: Speaker(self._hear_line)}, db=self.db)
        self.count = max(self.count, int(self.app.store.office.fact("stage.count") or 0))
        await self.app.engine.recover()

    def _hear_line(self, line: Line) -> None:
        self.said.append(line)
        self.show(line)

    async def close(self) -> None:
        """Leaves the database tidy."""
        await self.app.settle()
        self.app.close()

    @property
    def now(self) -> datetime:
        """The virtual clock in the group's zone."""
        return self.world.now().astimezone(zone_of(self.app.config.group(self.group)))

    def id_of(self, name: str) -> str:
        """The platform id behind a name; a name nobody has yet becomes its own id."""
        return self.people.setdefault(name, name)

    def _number(self) -> str:
        self.count += 1
        return f"stage-{self.count}"

    async def feed(self, events: list[Event]) -> list[Line]:
        """Lets events happen and everything that falls due until then; returns what was said."""
        before = len(self.said)
        if events:
            self.last = events
        await self.app.feed(events)
        await self.app.settle()
        return self.said[before:]

    def message(self, name: str, text: str, *, private: bool = False, at: datetime | None = None) -> MessageReceived:
        """What somebody says, as an event."""
        mentions = tuple(self.people[one] for one in re.findall(r"@(\S+)", text) if one in self.people)
        return MessageReceived(
            id=self._number(), at=at or self.world.now(), channel=CHANNEL, group=None if private else self.group,
            member=self.id_of(name), name=name, text=text, mentions=mentions,
        )  # fmt: skip

    async def says(self, name: str, text: str, *, private: bool = False, at: datetime | None = None) -> list[Line]:
        """Somebody says something, in the group or in 1:1; `at` for a message that arrives late."""
        return await self.feed([self.message(name, text, private=private, at=at)])

    async def everyone_says(self, names: list[str], text: str) -> list[Line]:
        """All of them in the same moment."""
        return await self.feed([self.message(name, text) for name in names])

    async def joins(self, names: list[str], source: str = "") -> list[Line]:
        """People enter the group."""
        people = tuple(Person(self.id_of(name), name) for name in names)
        return await self.feed(
            [
                MemberJoined(
                    id=self._number(), at=self.world.now(), channel=CHANNEL, group=self.group, people=people,
                    source=source,
                )
            ]
        )  # fmt: skip

    async def leaves(self, name: str) -> list[Line]:
        """Somebody leaves the group."""
        person = Person(self.id_of(name), name)
        return await self.feed(
            [MemberLeft(id=self._number(), at=self.world.now(), channel=CHANNEL, group=self.group, people=(person,))]
        )

    async def adds_contact(self, name: str, source: str = "") -> list[Line]:
        """Somebody adds the bot as a 1:1 contact."""
        event = ContactAdded(
            id=self._number(), at=self.world.now(), channel=CHANNEL, member=self.id_of(name), name=name, source=source
        )
        return await self.feed([event])

    async def again(self) -> list[Line]:
        """The platform delivers the last event once more."""
        return await self.feed(self.last)

    async def wait(self, span: timedelta) -> list[Line]:
        """Time goes by; everything that falls due happens at its own moment."""
        self.world.arrive(self.world.now() + span)
        return await self.feed([])

    async def power_cut(self, span: timedelta) -> list[Line]:
        """The process dies without a word and comes back later on the same database."""
        before = len(self.said)
        self.app.close()
        self.world.arrive(self.world.now() + span)
        await self._build()
        await self.app.feed([])
        await self.app.settle()
        return self.said[before:]

    def moment(self, text: str) -> datetime:
        """`周五 20:00`, `20:00`, `周五`, `1天`, `2026-12-04T20:00+08:00` -> the moment meant. Raises Mistake."""
        text = text.strip().replace("：", ":")
        now = self.now
        try:
            return now + parse_span(text.replace(" ", ""))
        except ValueError:
            pass
        match = _UNTIL.match(text)
        if match and (match[1] or match[2]):
            minute = parse_clock(match[2]) if match[2] else now.hour * 60 + now.minute
            due = now.replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
            if match[1]:
                due += timedelta(days=(_DAY_NAMES.index(match[1].replace("天", "日")) - due.weekday()) % 7)
            return due if due > now else due + timedelta(days=7 if match[1] else 1)
        try:
            moment = datetime.fromisoformat(text.removeprefix("到").strip())
        except ValueError:
            raise Mistake("stage.moment", text=text) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)

    def why(self) -> str:
        """Why the bot said its last line, or why it said nothing to the last message."""
        store = self.app.store
        last = self.last[-1] if self.last else None
        answer = next((line for line in reversed(self.said) if last is not None and line.event_id == last.id), None)
        if answer is not None:
            return _why_said(answer)
        if last is not None and isinstance(last, MessageReceived):
            row = store.interactions.latest(last.group)
            if row is not None:
                _, text, route, note, failed = row
                if failed:
                    return f"「{text[:30]}」：规则出错了，没有说话（{note}）。"
                if note:
                    return f"没接「{text[:30]}」：{note}。"
                if route is None:
                    return f"没接「{text[:30]}」：不是口令，关键词没占够整句，也没有@我。群里没人问我，我就安静。"
        if self.said:
            return _why_said(self.said[-1])
        return "我还没说过话。"


def _why_said(line: Line) -> str:
    """The reason of a line, with its phrase key and the event behind it."""
    return f"「{line.text.splitlines()[0][:30]}」：{line.because}。话术 {line.phrase}，起因 {line.event_id}。"
