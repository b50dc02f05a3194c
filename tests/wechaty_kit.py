"""What the tests of the wechaty channel share: a channel on a real gateway, and what it heard."""

import asyncio
import os
import random
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bot.channels import Heard, Line
from bot.channels.wechaty import WechatyChannel
from bot.channels.wechaty_settings import WechatySettings
from bot.channels.wechaty_state import State
from bot.events import Event, MemberJoined, MessageReceived
from tests.gateway_peer import TOKEN, Gateway, until

FLAVORS = ("community", "strict", "juzi")
FAULT_FLAVORS = tuple(os.environ.get("YUANZI_GATEWAYS", "community").split(","))
"""The tests that break gateways run on the community server; YUANZI_GATEWAYS=community,strict,juzi runs them on all."""

QUICK: dict[str, Any] = {
    "call_seconds": 5.0,
    "probe_seconds": 60.0,
    "retry_first_seconds": 0.05,
    "retry_most_seconds": 0.4,
    "refused_first_seconds": 0.2,
    "refused_most_seconds": 0.4,
    "speaks": "first",
    "day_budget": 0,
}


class RealClock:
    """Networks live in real time; rules that do not are tested with another clock."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME) + self.ahead, UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Rig:
    """A channel that is running on a gateway: `async with Rig(gateway) as rig`."""

    serial = 0

    def __init__(self, gateway: Gateway, *, token: str = TOKEN, wait: bool = True, **settings: Any) -> None:
        Rig.serial += 1
        self.gateway = gateway
        self.group = f"R:1069{Rig.serial:06d}"
        self.alice = f"7881300{Rig.serial:06d}01"
        self.bob = f"7881300{Rig.serial:06d}02"
        self.heard: list[Event] = []
        self.settled: list[tuple[str, str]] = []
        self.renamed: list[tuple[str, str]] = []
        self.states: list[State] = []
        self.open = asyncio.Event()
        """While cleared, the engine takes no event."""
        self.open.set()
        self.fails: Exception | None = None
        self.clock = RealClock()
        self._wait = wait
        self._folder = tempfile.TemporaryDirectory()
        rules = {"endpoint": gateway.endpoint} | QUICK | settings
        self.channel = WechatyChannel(
            "wx",
            WechatySettings(**rules),
            clock=self.clock,
            luck=random.Random(7).random,
            token=token,
            settle=self._settle,
            changed=self.states.append,
            renamed=lambda group, topic: self.renamed.append((group, topic)),
            lock_folder=Path(self._folder.name),
        )
        self.running: asyncio.Task[None] | None = None

    async def _settle(self, key: str, platform_id: str) -> None:
        self.settled.append((key, platform_id))

    async def hear(self, event: Event) -> Heard:
        await self.open.wait()
        if self.fails is not None:
            raise self.fails
        self.heard.append(event)
        return Heard(event.id)

    async def __aenter__(self) -> Self:
        self.running = asyncio.create_task(self.channel.run(self.hear))
        if self._wait:
            await self.gateway.tell("forget")
            await self.people(self.group, {self.alice: "爱丽丝", self.bob: "鲍勃"})
            await self.ready()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open.set()
        await self.channel.close()
        assert self.running is not None
        results = await asyncio.gather(self.running, return_exceptions=True)
        self._folder.cleanup()
        if kind is None and self.fails is None and isinstance(results[0], Exception):
            raise results[0]

    async def people(self, group: str, names: dict[str, str]) -> None:
        await self.gateway.tell("contact", [{"id": person, "name": name} for person, name in names.items()])
        await self.gateway.tell("room", id=group, topic="测试群", memberIdList=list(names))

    async def ready(self) -> None:
        def is_ready() -> bool:
            assert self.running is not None
            if self.running.done():
                self.running.result()
            return self.channel.state().ready

        await until(is_ready)

    async def say(self, text: str = "", **more: Any) -> str:
        return await self.gateway.say(self.alice, text, **{"room": self.group} | more)

    def texts(self) -> list[str]:
        return [event.text for event in self.messages()]

    def messages(self) -> list[MessageReceived]:
        return [event for event in self.heard if isinstance(event, MessageReceived)]

    def joins(self) -> list[MemberJoined]:
        return [event for event in self.heard if isinstance(event, MemberJoined)]

    async def next(self, count: int = 1) -> list[Event]:
        """Waits until so many events were heard in all."""
        await until(lambda: len(self.heard) >= count)
        return self.heard

    def line(self, text: str = "", **more: Any) -> Line:
        fields: dict[str, Any] = {"group": self.group, "member": self.alice, "key": "row:1"} | more
        return Line(row=1, channel="wx", text=text, phrase="", event_id="", because="", sort="reply", **fields)

    async def sent(self) -> list[dict[str, Any]]:
        return await self.gateway.sent()

    async def calls(self) -> dict[str, int]:
        found: dict[str, int] = await self.gateway.tell("calls")
        return found
