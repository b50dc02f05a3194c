"""Simulated members: who says what when, drawn day by day, so that only one day of acts is ever in memory."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import Field

from bot.config import check_model, read_toml
from bot.scripts.workdays import kind_of
from bot.settings.kinds import Part
from bot.world import Luck, to_ms

FILE = Path(__file__).resolve().parent / "crowd.toml"
MINUTE, HOUR = 60_000, 3_600_000
What = Literal["say", "join", "leave", "contact", "private"]


class Act(NamedTuple):
    """Something that a simulated member does. `at` in ms; `group` and `who` are numbers."""

    at: int
    number: int
    group: int
    who: int
    what: What
    text: str


class Temper(Part):
    """A kind of people: their share, and how much they say a day."""

    name: str
    share: float = Field(gt=0, le=1)
    a_day: float = Field(ge=0)


class Rates(Part):
    """Per day, of the members of one group; `replies` per scheduled post."""

    check_in: float
    join: float
    leave: float
    contact: float
    replies: float
    bursts: float
    games: float
    overlap: float = Field(ge=0, lt=0.5)


class Lines(Part):
    """What they say."""

    chat: tuple[str, ...]
    answers: tuple[str, ...]
    questions: tuple[str, ...]
    asks: tuple[str, ...]
    private: tuple[str, ...]
    check_in: str


class GameOf(Part):
    """A word that opens a game, and what others answer."""

    word: str
    moves: tuple[str, ...]


class CrowdFile(Part):
    """crowd.toml."""

    rhythm: dict[str, tuple[int, ...]]
    busy: dict[str, float]
    temper: tuple[Temper, ...]
    rate: Rates
    lines: Lines
    game: tuple[GameOf, ...]

    @property
    def a_day(self) -> float:
        """Acts of one member on a usual day, without answers to posts."""
        talk = sum(one.share * one.a_day for one in self.temper)
        rate = self.rate
        return talk + rate.check_in + rate.join + rate.leave + rate.contact * 2

    def per_group(self, posts: float) -> float:
        """Acts of a group a day besides those of its single members, with so many posts."""
        rate = self.rate
        return posts * rate.replies + rate.bursts * 11 + rate.games * 7


@cache
def load_crowd(path: Path = FILE) -> CrowdFile:
    """The people of the rehearsal. Raises ConfigError."""
    return check_model(CrowdFile, read_toml(path), str(path))


@dataclass(slots=True)
class Crowd:
    """The members of all groups. `share`: this part of what they do is acted out, the rest is left out."""

    people: CrowdFile
    luck: Luck
    members: int
    share: float
    zones: Sequence[ZoneInfo]
    newcomers: dict[int, int] = field(default_factory=dict)
    """Group -> how many came after the start."""
    comings: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Group -> (who, when ms) of those who came."""
    goings: dict[int, dict[int, int]] = field(default_factory=dict)
    """Group -> who -> when (ms) they left."""
    _number: int = 0

    def day(self, group: int, day: date, posts: Sequence[int]) -> list[Act]:
        """What the members of a group do on a day, unordered. `posts`: moments (ms) of what is posted there."""
        kind = "workday" if (found := kind_of(day)) == "make-up" else found
        zone = self.zones[group]
        start = to_ms(datetime(day.year, day.month, day.day, tzinfo=zone))
        scene = _Scene(self, group, day, start, self.people.busy[kind], list(accumulate(self.people.rhythm[kind])))
        acts = [*scene.traffic(), *scene.talk(), *scene.check_ins(), *scene.answers(posts), *scene.bursts()]
        return [*acts, *scene.games()]

    def is_here(self, group: int, who: int, at: int) -> bool:
        """Whether somebody is in the group at a moment (ms)."""
        gone = self.goings.get(group, {}).get(who)
        if gone is not None and at >= gone:
            return False
        if who < self.members:
            return True
        return any(one == who and came <= at for one, came in self.comings.get(group, ()))

    def number(self) -> int:
        """The next number of an act: equal moments keep the order in which they were drawn."""
        self._number += 1
        return self._number


@dataclass(slots=True)
class _Scene:
    """One group on one day."""

    crowd: Crowd
    group: int
    day: date
    start: int
    busy: float
    hours: list[int]

    def _below(self, n: int, *occasion: object) -> int:
        return self.crowd.luck.below(n, self.group, self.day, *occasion)

    def _times(self, mean: float, what: str, *, sampled: bool = True) -> int:
        """How often something happens that happens `mean` times on average."""
        exact = mean * (self.crowd.share if sampled else 1)
        return int(exact) + (self._below(10_000, what, "more") < (exact - int(exact)) * 10_000)

    def _moment(self, *occasion: object) -> int:
        hour = bisect_right(self.hours, self._below(self.hours[-1], "hour", *occasion))
        return self.start + hour * HOUR + self._below(HOUR, "ms", *occasion)

    def _somebody(self, *occasion: object) -> int:
        """A member, the talkative ones more often."""
        members, tempers = self.crowd.members, self.crowd.people.temper
        weights = list(accumulate(int(one.share * one.a_day * 10_000) for one in tempers))
        at = bisect_right(weights, self._below(max(1, weights[-1]), "temper", *occasion))
        first = int(sum(one.share for one in tempers[:at]) * members)
        return min(members - 1, first + self._below(max(1, int(tempers[at].share * members)), "who", *occasion))

    def _act(self, at: int, who: int, what: What, text: str = "") -> Iterator[Act]:
        if what == "join" or self.crowd.is_here(self.group, who, at):
            yield Act(at, self.crowd.number(), self.group, who, what, text)

    def traffic(self) -> Iterator[Act]:
        """Who comes, who leaves, who adds the account as a contact. Never sampled: it decides who sees what."""
        crowd, rate = self.crowd, self.crowd.people.rate
        for one in range(self._times(crowd.members * rate.join * self.busy, "joins", sampled=False)):
            # A poster is seen by several people within the same minutes.
            at = self._moment("join", one // 3) + one % 3 * MINUTE // 2
            who = crowd.members + crowd.newcomers.get(self.group, 0)
            crowd.newcomers[self.group] = who - crowd.members + 1
            crowd.comings.setdefault(self.group, []).append((who, at))
            yield from self._act(at, who, "join")
        for one in range(self._times(crowd.members * rate.leave, "leaves", sampled=False)):
            who, at = self._below(crowd.members, "leaver", one), self._moment("leave", one)
            if crowd.is_here(self.group, who, at):
                yield from self._act(at, who, "leave")
                crowd.goings.setdefault(self.group, {})[who] = at
        for one in range(self._times(crowd.members * rate.contact, "contacts")):
            who, at = self._below(crowd.members, "contact", one), self._moment("contact", one)
            yield from self._act(at, who, "contact")
            if self._below(10, "answers", one) < 6:
                text = crowd.luck.pick(crowd.people.lines.private, self.group, self.day, one)
                yield from self._act(at + self._below(HOUR, "thinks", one), who, "private", text)

    def talk(self) -> Iterator[Act]:
        """Small talk over the day, some questions, some words for the bot."""
        lines, people = self.crowd.people.lines, self.crowd.people
        mean = self.crowd.members * sum(one.share * one.a_day for one in people.temper) * self.busy
        for one in range(self._times(mean, "talk")):
            dice = self._below(100, "what", one)
            pool = lines.questions if dice < 4 else lines.asks if dice < 7 else lines.chat
            text = pool[self._below(len(pool), "line", one)]
            yield from self._act(self._moment("talk", one), self._somebody("talk", one), "say", text)

    def check_ins(self) -> Iterator[Act]:
        """Different people check in, most of them in the morning."""
        members = self.crowd.members
        count = self._times(members * self.crowd.people.rate.check_in * min(1, self.busy), "check_in")
        first = self._below(members, "first")
        for one in range(min(count, members)):
            morning = self._below(10, "morning", one) < 7
            at = self.start + 9 * HOUR + self._below(2 * HOUR, "at", one) if morning else self._moment("check", one)
            yield from self._act(at, (first + one * 7) % members, "say", self.crowd.people.lines.check_in)

    def answers(self, posts: Sequence[int]) -> Iterator[Act]:
        """What a post brings: the first answers come fast."""
        for post in posts:
            for one in range(self._times(self.crowd.people.rate.replies * self.busy, f"replies {post}")):
                after = 20_000 + self._below(4, "fast", post, one) * self._below(4 * MINUTE, "after", post, one)
                text = self.crowd.luck.pick(self.crowd.people.lines.answers, self.group, post, one)
                yield from self._act(post + after, self._somebody("answer", post, one), "say", text)

    def bursts(self) -> Iterator[Act]:
        """The group is talking: many lines within two minutes."""
        for one in range(self._times(self.crowd.people.rate.bursts * self.busy, "bursts")):
            begin = self._moment("burst", one)
            for line in range(9 + self._below(5, "long", one)):
                text = self.crowd.luck.pick(self.crowd.people.lines.chat, self.group, self.day, one, line)
                at = begin + self._below(2 * MINUTE, "burst at", one, line)
                yield from self._act(at, self._somebody("burst", one, line), "say", text)

    def games(self) -> Iterator[Act]:
        """Somebody opens a game and others play along."""
        games = self.crowd.people.game
        for one in range(self._times(self.crowd.people.rate.games * self.busy, "games")):
            game = games[self._below(len(games), "game", one)]
            begin = self.start + 19 * HOUR + self._below(3 * HOUR, "game at", one)
            yield from self._act(begin, self._somebody("opens", one), "say", game.word)
            for move in range(6):
                text = game.moves[move % len(game.moves)]
                yield from self._act(
                    begin + (move + 1) * 40_000, self._somebody("moves", one, move), "say", text
                )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Faces:
    """Platform ids and names. A few people are in two groups that stand beside each other."""

    names: Sequence[str]
    members: int
    shared: int
    """How many of a group are in the group before it, too."""

    def id_of(self, group: int, who: int) -> str:
        """The platform id: the same person has the same in both groups."""
        if group and who < self.shared:
            return f"sim-{group - 1}-{self.members - 1 - who}"
        return f"sim-{group}-{who}"

    def name_of(self, group: int, who: int) -> str:
        """A name, numbered past the end of the list."""
        if group and who < self.shared:
            return self.name_of(group - 1, self.members - 1 - who)
        # Neighbouring groups begin at other places of the list, so that few people seem to be the same.
        turned = who + group * 37
        name, again = self.names[turned % len(self.names)], who // len(self.names)
        return f"{name}{again + 1}" if again else name


def share_of(people: CrowdFile, members: int, groups: int, days: int, posts: int, most: int) -> float:
    """Which part of what members do can be acted out within `most` acts."""
    expected = groups * days * (members * people.a_day + people.per_group(posts / max(1, groups * days)))
    return min(1.0, most / expected) if expected else 1.0


def day_of_acts(crowd: Crowd, day: date, posts: Mapping[int, Sequence[int]]) -> list[Act]:
    """What all groups do on a day, in order. `posts`: group -> moments (ms)."""
    acts = [act for group in range(len(crowd.zones)) for act in crowd.day(group, day, posts.get(group, ()))]
    acts.sort()
    return acts


def roster_since(opens: datetime) -> datetime:
    """When the members of the start came: long enough ago to be nobody new."""
    return opens - timedelta(days=60)
