"""What the tests of the core share: a room to talk in, settings to vary, and a look into the tables."""

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from bot.app import App
from bot.attendance import Page
from bot.channels import Abilities, Channel, Hear, Line, Pace, Receipt
from bot.config import Config, build_config, merged, read_toml, shipped
from bot.events import MessageReceived
from bot.router import Router
from bot.settings.checkin import CheckIn
from bot.stage import CHANNEL, START, Speaker, Stage
from storage.database import Database
from storage.store import Store
from tests.quick_process import close_quick_processes
from tests.read_once import read_once, with_tables

hypothesis.settings.register_profile(
    "nightly",
    max_examples=int(os.environ.get("HYPOTHESIS_CASES", "100000")),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
# The same cases in every run, however slow the machine: a red run is about the change. New cases are for the night.
hypothesis.settings.register_profile(
    "every-change", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "every-change"))

BOSS = "dianzhang"
"""The owner that the shipped settings name."""


def a_config(changes: Mapping[str, Any] | None = None) -> Config:
    """The shipped settings with changes laid on top; commits need not wait for the disk here."""
    base = merged(read_toml(shipped("config.toml")), {"storage": {"synchronous": "off"}})
    return build_config(merged(base, changes or {}), "config.toml")


def group_config(**changes: Any) -> dict[str, Any]:
    """Changes for the group of the stage: `group_config(muted=True)`."""
    return {"groups": {"yuanqi": changes}}


@dataclass(slots=True)
class Room(Stage):
    """A stage whose routers and channel a test may bring along; `more` and `wire` survive a power cut."""

    more: Sequence[Router] = ()
    wire: Callable[[Callable[[Line], None]], Channel] = Speaker

    async def _build(self) -> None:
        self.app = App(
            self.fresh_config(), self.world, {CHANNEL: self.wire(self._hear_line)}, db=with_tables(self.db),
            more=self.more,
        )  # fmt: skip
        await self.app.engine.recover()

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What the tables say."""
        return [tuple(row) for row in self.app.store.db.execute(sql, values).fetchall()]

    def one(self, sql: str, *values: object) -> Any:
        """The single value that a query gives."""
        ((value,),) = self.rows(sql, *values)
        return value

    async def boss_says(self, text: str, *, private: bool = False) -> list[Line]:
        """The owner speaks."""
        self.people.setdefault("店长", BOSS)
        return await self.says("店长", text, private=private)

    async def restart(self) -> list[Line]:
        """A restart that takes no time."""
        return await self.power_cut(timedelta(0))

    async def until(self, text: str) -> list[Line]:
        """Time goes by until then."""
        return await self.wait(self.moment(text) - self.world.now())

    def a_message(self, event_id: str, text: str, *, at: datetime | None = None, member: str = "u1",
                  group: str | None = "yuanqi", name: str = "小满") -> MessageReceived:  # fmt: skip
        """A message with an id of its own."""
        return MessageReceived(
            id=event_id, at=at or self.world.now(), channel=CHANNEL, group=group, member=member, name=name, text=text
        )


@pytest.fixture(scope="session", autouse=True)
def _quick_start() -> Iterator[None]:
    """Starting the shipped bot costs a test next to nothing."""
    with pytest.MonkeyPatch.context() as patch:
        read_once(patch)
        yield
    close_quick_processes()


OpenRoom = Callable[..., Awaitable[Room]]
"""`await open_room(group_config(muted=True), start=…, more=…, wire=…)`"""


@pytest.fixture
async def open_room(tmp_path: Path) -> AsyncIterator[OpenRoom]:
    """Opens rooms with settings of their own; they are closed afterwards."""
    opened: list[Room] = []

    async def open_one(changes: Mapping[str, Any] | None = None, **more: Any) -> Room:
        room = Room(lambda: a_config(changes), tmp_path / f"room{len(opened)}.db", **more)
        await room.open()
        opened.append(room)
        return room

    yield open_one
    for room in opened:
        with contextlib.suppress(Exception):  # a test may have broken its room on purpose
            await room.close()


@pytest.fixture
async def stage(open_room: OpenRoom) -> Room:
    """The shipped bot on a Wednesday, 11:58, two minutes before the new-product post."""
    return await open_room()


@pytest.fixture
async def quiet_stage(open_room: OpenRoom) -> Room:
    """The same without scheduled posts: only answers are heard."""
    return await open_room(group_config(scripts=[]))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Empty tables in an open transaction."""
    database = Database.open(with_tables(tmp_path / "tables.db"), "off")
    database.begin()
    yield Store(database)
    database.rollback()
    database.close()


@dataclass(slots=True)
class Book:
    """The attendance book of one member, for tests without the bot around it."""

    store: Store
    rules: CheckIn = field(default_factory=CheckIn)
    count: int = 0

    def page(self) -> Page:
        """The page for the next event."""
        self.count += 1
        return Page(self.store, self.rules, "g", "m", f"e{self.count}", self.count)


class Wire:
    """A channel that a test can make fail: `mood` is asked before every send."""

    name = CHANNEL

    def __init__(self, show: Callable[[Line], None], mood: Callable[[Line], Receipt | None] = lambda line: None,
                 *, pace: Pace | None = None, **abilities: Any) -> None:  # fmt: skip
        self._show = show
        self._mood = mood
        self.pace = pace or Pace()
        self.abilities = Abilities(**{"max_bytes": 4_000, "in_flight": 1_000, **abilities})

    async def run(self, hear: Hear) -> None:
        """Whoever drives the stage hears."""

    async def send(self, line: Line) -> Receipt:
        receipt = self._mood(line)
        if receipt is None or receipt.state == "sent":
            self._show(line)
        return receipt or Receipt()

    async def close(self) -> None:
        """Nothing to let go of."""


def keys(lines: Iterable[Line]) -> list[str]:
    """The phrase keys of lines."""
    return [line.phrase for line in lines]


def at(text: str) -> datetime:
    """`12-02 11:58` in the year of the stage, in its zone."""
    return datetime.fromisoformat(f"{START.year}-{text.replace(' ', 'T')}+08:00")
