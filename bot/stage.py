"""The whole bot in virtual time with people on it: what `yuanzi chat`, `yuanzi replay` and the tests talk to."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from bot.app import App
from bot.channels import Abilities, Hear, Line, Pace, Receipt
from bot.config import Config, shipped
from bot.context import zone_of
from bot.errors import Mistake
from bot.events import ContactAdded, Event, MemberJoined, MemberLeft, MessageReceived, Person, Quote
from bot.settings.kinds import parse_clock, parse_span
from bot.world import VirtualWorld, from_ms, to_ms

CHANNEL = "terminal"
GROUP = "yuanqi"
START = datetime.fromisoformat("2026-12-02T11:58:00+08:00")
"""A Wednesday, two minutes before the new-product post."""
_DAY_NAMES = "一二三四五六日"
QUOTABLE = 200
"""How far back one may quote."""
YOU = ("you", "你")
"""Id and name of whoever sits in front of `yuanzi chat`."""
_UNTIL = re.compile(
    r"^(?:到\s*)?(?:(?P<next>下)?(?:周|星期|礼拜)(?P<day>[一二三四五六日天])|(?P<near>今天|明天|后天|大后天))?"
    r"\s*(?P<clock>\d{1,2}[:：]\d{2})?$"
)
_NEAR = {"今天": 0, "明天": 1, "后天": 2, "大后天": 3}
_OCLOCK = re.compile(r"(\d{1,2})\s*点\s*(?:(半)|(\d{1,2})分?)?$")


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

    def people(self) -> dict[str, str]:
        """name -> platform id of everybody who is there from the start, you included."""
        return {**{actor.name: actor.id for actor in self.actors.values()}, YOU[1]: YOU[0]}


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
    heard: list[Quote] = field(default_factory=list)
    """What people said lately, for others to quote."""
    run: int = 1
    """How often a stage was opened on this database: ids of a later run never meet those of an earlier one."""
    mark: int = 0
    """How much had been said when the last event came in."""
    app: App = field(init=False)
    world: VirtualWorld = field(init=False)

    async def open(self) -> None:
        """Builds the bot on the database, as after a start of the process."""
        self.world = VirtualWorld(self.start)
        await self._build()
        self.run = int(self.app.store.office.fact("stage.run") or 0) + 1
        await self.remember({"stage.run": str(self.run)})

    async def _build(self) -> None:
        self.app = App(self.fresh_config(), self.world, {CHANNEL: Speaker(self._hear_line)}, db=self.db)
        await self.app.engine.recover()

    def _hear_line(self, line: Line) -> None:
        self.said.append(line)
        self.show(line)

    async def remember(self, facts: Mapping[str, str]) -> None:
        """Keeps facts about the performance itself in the database, durably."""

        def write() -> None:
            for name, value in facts.items():
                self.app.store.office.remember(name, value)

        await self.app.engine.write(write)

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
        return f"stage-{self.count}" if self.run == 1 else f"stage{self.run}-{self.count}"

    async def feed(self, events: list[Event]) -> list[Line]:
        """Lets events happen and everything that falls due until then; returns what was said."""
        before = len(self.said)
        if events:
            self.last, self.mark = events, before
        await self.app.feed(events)
        await self.app.settle()
        return self.said[before:]

    def message(
        self, name: str, text: str, *, private: bool = False, at: datetime | None = None, quote: str = ""
    ) -> MessageReceived:  # fmt: skip
        """What somebody says, as an event; `quote` is how the earlier message begins that they quote."""
        mentions = tuple(self.people[one] for one in re.findall(r"@(\S+)", text) if one in self.people)
        quoted = self._quoted(quote) if quote else None
        number = self._number()
        self.heard = [*self.heard[-QUOTABLE:], Quote(number, self.id_of(name), text)]
        return MessageReceived(
            id=number, quote=quoted, at=at or self.world.now(), channel=CHANNEL, group=None if private else self.group,
            member=self.id_of(name), name=name, text=text, mentions=mentions,
        )  # fmt: skip

    def _quoted(self, start: str) -> Quote:
        """The newest message that begins like this, of a person or the bot; one that nobody knows has no sender."""
        ours = self.app.config.settings.bot.ids[0] if self.app.config.settings.bot.ids else ""
        said = [Quote(line.key, ours, line.text) for line in self.said[-QUOTABLE:]]
        known = [one for one in (*said, *self.heard) if one.text.startswith(start)]
        return known[-1] if known else Quote("", "", start)

    async def says(
        self, name: str, text: str, *, private: bool = False, at: datetime | None = None, quote: str = ""
    ) -> list[Line]:  # fmt: skip
        """Somebody says something, in the group or in 1:1; `at` for a message that arrives late."""
        return await self.feed([self.message(name, text, private=private, at=at, quote=quote)])

    async def everyone_says(self, names: list[str], text: str) -> list[Line]:
        """All of them in the same moment."""
        return await self.feed([self.message(name, text) for name in names])

    async def joins(self, names: list[str], source: str = "", inviter: str = "") -> list[Line]:
        """People enter the group, by themselves or because somebody (a name) invited them."""
        people = tuple(Person(self.id_of(name), name) for name in names)
        return await self.feed(
            [
                MemberJoined(
                    id=self._number(), at=self.world.now(), channel=CHANNEL, group=self.group, people=people,
                    source=source, inviter=self.id_of(inviter) if inviter else "",
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
        """Time goes by; everything that falls due happens, and is shown, at its own moment."""
        before, end = len(self.said), self.world.now() + span
        engine, reached = self.app.engine, None
        engine.refresh()
        while (due := engine.next_due) is not None and due < end and due != reached:
            reached = due
            self.world.arrive(due)
            await self.feed([])
        self.world.arrive(end)
        await self.feed([])
        return self.said[before:]

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
        """`周五 20:00`, `明天 8点半`, `20:00`, `1天`, `2026-12-04T20:00+08:00` -> the moment meant. Raises Mistake."""
        text = text.strip().replace("：", ":")
        now = self.now
        try:
            return now + parse_span(text.replace(" ", ""))
        except (ValueError, OverflowError):
            pass
        match = _UNTIL.match(_OCLOCK.sub(lambda one: f"{one[1]}:{30 if one[2] else int(one[3] or 0):02}", text))
        if match and (match["day"] or match["near"] or match["clock"]):
            try:
                return _next(now, match)
            except ValueError:
                raise Mistake("stage.moment", text=text) from None
        try:
            moment = datetime.fromisoformat(text.removeprefix("到").strip())
        except ValueError:
            raise Mistake("stage.moment", text=text) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)

    def held_since(self, moment: datetime) -> str:
        """Which lines did not leave since then, by which rule; empty when all did."""
        found = self.app.store.exposures.stopped(None, to_ms(moment), 5)
        zone = zone_of(self.app.config.group(self.group))
        return "\n".join(
            f"{from_ms(one.judged_at).astimezone(zone):%m-%d %H:%M} 没发 {one.phrase}：{one.why}（规则 {one.rule}）"
            for one in reversed(found)
        )

    def why(self) -> str:
        """Why the bot said its last line, or why it said nothing to the last message."""
        last = self.last[-1] if self.last else None
        if last is None or len(self.said) > self.mark:
            if not self.said:
                return "我还没说过话。"
            newest = self.said[-1]
            return _why_said(next(line for line in self.said[self.mark :] if line.event_id == newest.event_id))
        row = self.app.store.interactions.latest(last.group, last.kind)
        what = f"「{last.text[:30]}」" if isinstance(last, MessageReceived) else "刚才那件事"
        if row is None or (isinstance(last, MessageReceived) and row[2] is None and not row[3]):
            return f"没接{what}：不是口令，关键词没占够整句，也没有@我。群里没人问我，我就安静。"
        _, _, _, note, failed = row
        if failed:
            return f"{what}：规则出错了，没有说话（{note}）。"
        return f"没接{what}：{note or '这件事只记下，不用说话'}。"


def _next(now: datetime, match: re.Match[str]) -> datetime:
    """The next moment that a weekday, a day word and a clock time mean. Raises ValueError."""
    minute = parse_clock(match["clock"]) if match["clock"] else now.hour * 60 + now.minute
    due = now.replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    if match["near"]:
        return due + timedelta(days=_NEAR[match["near"]])
    if match["day"]:
        ahead = _DAY_NAMES.index(match["day"].replace("天", "日")) - due.weekday()
        if match["next"]:
            return due + timedelta(days=ahead + 7)
        due += timedelta(days=ahead % 7)
        return due if due > now else due + timedelta(days=7)
    return due if due > now else due + timedelta(days=1)


def _why_said(line: Line) -> str:
    """The reason of a line, with its phrase key and the event behind it."""
    return f"「{line.text.splitlines()[0][:30]}」：{line.because}。话术 {line.phrase}，起因 {line.event_id}。"
