"""Which handler answers what: staff and member commands by one look-up, then keywords, then the fallback."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from bot.context import Context
from bot.errors import Problem
from bot.events import BeatDue, Event, MessageReceived, Tick
from bot.replies import Wishes
from bot.settings import GroupSettings
from bot.settings.deployment import Role
from bot.words import Reading, bare

Handler = Callable[[Any, Context], Wishes]
H = TypeVar("H", bound=Callable[..., Wishes])


@dataclass(frozen=True, slots=True)
class Route:
    """One way into a handler. `role` is the staff role it needs, `usage` what may follow its word."""

    name: str
    handler: Handler
    words: tuple[str, ...] = ()
    words_from: Callable[[GroupSettings], tuple[str, ...]] | None = None
    role: str | None = None
    acts: str | None = None
    """The role for the half of a word that changes something, where `role` may only look."""
    usage: str = ""
    help: str = ""
    off: Callable[[GroupSettings], bool] | None = None
    section: str = ""
    shape: re.Pattern[str] | None = None
    """What must follow the word where nobody turned to the bot; with anything else it is a word of chat."""
    may_pass: bool = False
    """It looks first and may leave the event to the others: an open session."""

    def words_in(self, settings: GroupSettings) -> tuple[str, ...]:
        """The words that lead here under these settings."""
        return self.words_from(settings) if self.words_from else self.words


class Hit(Protocol):
    """What a keyword look-up found."""

    @property
    def id(self) -> str:
        """Which entry."""


Spotter = Callable[[Reading, str | None, GroupSettings, datetime], Hit | None]
"""The look-up in the question book, at a moment: cheap for what is not asked, a millisecond for what may be."""


class Overhear(Protocol):
    """Looks at a message that is no command: pure, one pass over the text."""

    def __call__(self, reading: Reading, settings: GroupSettings, *, answered: bool) -> tuple[str, ...]:
        """Which bands must hear it before it is answered, in order."""


def _deaf(reading: Reading, settings: GroupSettings, *, answered: bool) -> tuple[str, ...]:  # noqa: ARG001
    return ()


class Router:
    """What one handler file offers. A new feature is one file with `router = Router("its-name")`."""

    def __init__(self, name: str, title: str = "其他") -> None:
        self.name = name
        self.title = title
        """The heading under which 帮助 lists its words."""
        self.commands: list[Route] = []
        self.events: list[tuple[str, Route]] = []
        self.topics: list[tuple[str, Route]] = []
        self.bands: list[tuple[str, Route]] = []
        self.watchers: list[tuple[str, Route]] = []
        self.after: list[Route] = []
        self.phrases: dict[str, tuple[str, ...]] = {}

    def says(self, phrases: Mapping[str, str]) -> None:
        """Declares the phrases this file uses: key -> slots, separated by spaces; `yuanzi check` proves them."""
        for key, slots in phrases.items():
            self.phrases[key] = tuple(slots.split())

    def command(
        self, *words: str, help: str, usage: str = "", role: str | None = None,  # noqa: A002
        acts: str | None = None, words_from: Callable[[GroupSettings], tuple[str, ...]] | None = None,
        off: Callable[[GroupSettings], bool] | None = None, shape: str = "",
    ) -> Callable[[H], H]:  # fmt: skip
        """A word that starts a message. Without `usage` nothing may follow it. `role` makes it a staff word;
        with `acts` that role may look and this one may change. `shape`: what must follow an everyday word, as a
        pattern, unless somebody turns to the bot."""

        def register(handler: H) -> H:
            self.commands.append(
                Route(
                    self._name_of(handler), handler, words, words_from, role, acts, usage, help, off, self.title,
                    re.compile(shape) if shape else None,
                )
            )  # fmt: skip
            return handler

        return register

    def on(self, *kinds: type[Event]) -> Callable[[H], H]:
        """Facts other than messages; several handlers may want the same kind."""

        def register(handler: H) -> H:
            self.events.extend((kind.kind, Route(self._name_of(handler), handler)) for kind in kinds)
            return handler

        return register

    def tick(self, topic: str) -> Callable[[H], H]:
        """Wake-ups that this feature asked for with `ctx.wake(topic, …)`."""

        def register(handler: H) -> H:
            self.topics.append((topic, Route(self._name_of(handler), handler)))
            return handler

        return register

    def band(self, name: str) -> Callable[[H], H]:
        """One of the bands that belong to a single handler: session, keyword, fallback, refusal, mood, question."""

        def register(handler: H) -> H:
            self.bands.append((name, Route(self._name_of(handler), handler, may_pass=name in MAY_PASS)))
            return handler

        return register

    def watch(self, name: str) -> Callable[[H], H]:
        """Messages of a conversation for which `Switchboard.awake[name]` says yes; looks before everybody else and
        may PASS."""

        def register(handler: H) -> H:
            self.watchers.append((name, Route(self._name_of(handler), handler, may_pass=True)))
            return handler

        return register

    def afterwards(self, handler: H) -> H:
        """Looks at every event that let members earn points, after everybody else, in the same transaction."""
        self.after.append(Route(self._name_of(handler), handler))
        return handler

    def _name_of(self, handler: Callable[..., Any]) -> str:
        return f"{self.name}.{handler.__name__}"


BANDS = ("session", "keyword", "fallback", "refusal", "mood", "question", "need")
MAY_PASS = ("session", "mood", "question", "need")


class Switchboard:
    """All routers together. Finding the route costs one look-up, however many handlers there are."""

    def __init__(self, routers: Iterable[Router]) -> None:
        self.routers = list(routers)
        self.commands = [route for router in self.routers for route in router.commands]
        self._events: dict[str, tuple[Route, ...]] = {}
        for router in self.routers:
            for kind, route in router.events:
                self._events[kind] = (*self._events.get(kind, ()), route)
        self._topics = {topic: route for router in self.routers for topic, route in router.topics}
        self._bands = {name: route for router in self.routers for name, route in router.bands}
        self.phrases = {key: slots for router in self.routers for key, slots in router.phrases.items()}
        self.spotter: Spotter = lambda _reading, _group, _settings, _at: None
        self.overhear: Overhear = _deaf
        """Whether a message that is no command is a complaint, distress, an open question or a need: its bands."""
        self.in_session: Callable[[str], bool] = lambda _group: False
        """Whether a game runs in a group: then its session looks at messages first."""
        self.after = tuple(route for router in self.routers for route in router.after)
        """Who looks at what members earned."""
        self._watchers: dict[str, tuple[Route, ...]] = {}
        for name, route in (one for router in self.routers for one in router.watchers):
            self._watchers[name] = (*self._watchers.get(name, ()), route)
        self.awake: dict[str, Callable[[str | None, str | None], bool]] = {}
        """Watcher -> whether it wants the messages of a (group, member)."""
        self._tables: dict[int, tuple[GroupSettings, dict[str, Route]]] = {}

    def problems(self, groups: Mapping[str, GroupSettings]) -> list[Problem]:
        """Words, topics, bands and phrases that are claimed twice, or belong to nobody."""
        found: list[Problem] = []
        for label, claims in (
            ("tick", [(topic, route) for router in self.routers for topic, route in router.topics]),
            ("band", [(name, route) for router in self.routers for name, route in router.bands]),
        ):
            found += _claimed_twice(label, claims)
        unknown = [(name, route) for router in self.routers for name, route in router.bands if name not in BANDS]
        found += [Problem(route.name, name, "没有这样一档路由", f"可用：{'、'.join(BANDS)}") for name, route in unknown]
        for group, settings in groups.items():
            claims = [(bare(word), route) for route in self.commands for word in route.words_in(settings)]
            found += [
                Problem(route.name, word, f"「{word}」当不了口令：中间不能有空格，也不能只有标点（群 {group}）")
                for word, route in claims if not word or " " in word
            ]  # fmt: skip
            found += [
                Problem(problem.file, problem.key, f"{problem.reason}（群 {group}）")
                for problem in _claimed_twice("command", claims)
            ]
        return found

    def table(self, settings: GroupSettings) -> dict[str, Route]:
        """word -> route under these settings; settings objects are frozen, so the table is made once for each."""
        known = self._tables.get(id(settings))
        if known is None or known[0] is not settings:
            if len(self._tables) > 1000:
                self._tables.clear()
            made = {bare(word): route for route in self.commands for word in route.words_in(settings)}
            self._tables[id(settings)] = known = (settings, made)
        return known[1]

    def band(self, name: str) -> Route:
        """The handler of a band."""
        return self._bands[name]

    def routes(
        self, event: Event, reading: Reading, settings: GroupSettings, role: str | None
    ) -> tuple[tuple[Route, ...], Hit | None]:
        """Who answers this event; no route at all for chat that nobody asked us about."""
        if isinstance(event, MessageReceived):
            routes, hit = self._of_message(event, reading, settings, role)
            # A command is never searched for moods.
            aside = () if self._is_command(routes) else self.overhear(reading, settings, answered=hit is not None)
            if event.group is not None and self.in_session(event.group):
                routes = (self._bands["session"], *routes)
            if aside:
                routes = (*(self._bands[name] for name in aside), *routes)
            for name, wants in self.awake.items():
                if wants(event.group, event.member):
                    routes = (*self._watchers.get(name, ()), *routes)
            return routes, hit
        if isinstance(event, Tick):
            route = self._topics.get(event.topic)
            return ((route,) if route else ()), None
        return self._events.get(BeatDue.kind if isinstance(event, BeatDue) else event.kind, ()), None

    def _is_command(self, routes: tuple[Route, ...]) -> bool:
        return bool(routes) and routes[0] is not self._bands["keyword"] and routes[0] is not self._bands["fallback"]

    def command_of(self, reading: Reading, settings: GroupSettings) -> Route | None:
        """The command that a message is, whoever said it."""
        route = self.table(settings).get(reading.head)
        if route is not None and route.shape and not reading.addressed and not route.shape.search(reading.rest):
            return None
        meant = route is not None and (not reading.rest or route.usage or reading.addressed)
        return route if route is not None and meant and not (route.off and route.off(settings)) else None

    def _of_message(
        self, event: MessageReceived, reading: Reading, settings: GroupSettings, role: str | None
    ) -> tuple[tuple[Route, ...], Hit | None]:
        route = self.command_of(reading, settings)
        if route is not None:
            may = route.role is None or (role is not None and Role.reaches(role, route.role))
            return (route if may else self._bands["refusal"],), None
        if settings.faq.on:
            hit = self.spotter(reading, event.group, settings, event.at)
            if hit is not None:
                return (self._bands["keyword"],), hit
        return ((self._bands["fallback"],) if reading.addressed else ()), None


def _claimed_twice(label: str, claims: list[tuple[str, Route]]) -> list[Problem]:
    owners: dict[str, Route] = {}
    found: list[Problem] = []
    for word, route in claims:
        if word in owners and owners[word].handler is not route.handler:
            found.append(
                Problem(route.name, word, f"{label} 已经被 {owners[word].name} 占用", "换一个词，或改其中一个")
            )
        owners.setdefault(word, route)
    return found
