"""The world of the WeCom tests: a clock that is told, a memory in a dict, ears, and a platform stub on loopback."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from bot.channels import Heard, Line
from bot.channels.wecom.client import Api
from bot.channels.wecom.crypto import Envelope
from bot.channels.wecom.ports import Ports
from bot.channels.wecom.settings import ApiSettings
from bot.events import Event

SECRET = "corp-secret-never-shown"  # noqa: S105  a test's own
TOKEN = "token-never-shown"  # noqa: S105
CORP = "ww1234567890abcdef"
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


class FakeClock:
    """`auto`: a sleep is over at once and moves time. Otherwise sleepers wait for `advance`."""

    def __init__(self, *, auto: bool = True) -> None:
        self.time = START
        self.auto = auto
        self.slept: list[float] = []
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []
        self._news = asyncio.Event()

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.auto:
            self.time += timedelta(seconds=seconds)
            await asyncio.sleep(0)
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.time + timedelta(seconds=seconds), waiting))
        self._news.set()
        await waiting

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        for until, waiting in self._sleepers:
            if until <= self.time and not waiting.done():
                waiting.set_result(None)
        self._sleepers = [(until, w) for until, w in self._sleepers if not w.done()]

    async def someone_sleeps(self, seconds: float) -> None:
        """Returns once somebody waits for exactly `seconds` from now."""
        until = self.time + timedelta(seconds=seconds)
        while not any(due == until and not w.done() for due, w in self._sleepers):
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 60)

    def stamp(self) -> int:
        return int(self.time.timestamp())


class HalfLuck:
    def random(self) -> float:
        return 0.5


class CountingIds:
    def __init__(self) -> None:
        self.last = 0

    def new(self) -> str:
        self.last += 1
        return f"id{self.last}"


class DictMemory:
    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self.held.get(key)

    async def put(self, key: str, value: str) -> None:
        assert value.encode() or value == ""
        if value:
            self.held[key] = value
        else:
            self.held.pop(key, None)


class Ears:
    """An engine that only listens: events in order, repeats marked."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ids: set[str] = set()
        self.queue: asyncio.Queue[Event] = asyncio.Queue()

    async def hear(self, event: Event) -> Heard:
        if event.id in self.ids:
            return Heard(event.id, duplicate=True)
        self.ids.add(event.id)
        self.events.append(event)
        self.queue.put_nowait(event)
        return Heard(event.id)

    async def next(self) -> Event:
        return await asyncio.wait_for(self.queue.get(), 60)


@dataclass(slots=True)
class Call:
    path: str
    query: dict[str, str]
    body: Any


Reply = dict[str, Any] | web.Response
Handler = Callable[[Call], Reply | Awaitable[Reply]]


@dataclass
class Stub:
    """Answers `/cgi-bin/...` from scripted replies, the last of which repeats; notes every call."""

    replies: dict[str, list[Reply | Handler]] = field(default_factory=lambda: defaultdict(list))
    calls: list[Call] = field(default_factory=list)
    news: asyncio.Queue[Call] = field(default_factory=asyncio.Queue)
    base: str = ""
    tokens: int = 0

    def on(self, path: str, *replies: Reply | Handler) -> None:
        self.replies[path] = list(replies)

    def to(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]

    async def wait_for(self, path: str) -> Call:
        while True:
            call = await asyncio.wait_for(self.news.get(), 60)
            if call.path == path:
                return call

    async def serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/cgi-bin/")
        raw = await request.read()
        body: Any = raw
        if raw and request.content_type == "application/json":
            body = json.loads(raw)
        call = Call(path, dict(request.query), body)
        self.calls.append(call)
        self.news.put_nowait(call)
        script = self.replies.get(path)
        if not script:
            if path == "gettoken":
                self.tokens += 1
                return web.json_response(
                    {"errcode": 0, "errmsg": "ok", "access_token": f"{TOKEN}-{self.tokens}", "expires_in": 7200}
                )
            return web.json_response({"errcode": 0, "errmsg": "ok"})
        reply = script.pop(0) if len(script) > 1 else script[0]
        if callable(reply) and not isinstance(reply, web.Response):
            made = reply(call)
            reply = await made if asyncio.iscoroutine(made) or isinstance(made, asyncio.Future) else made  # type: ignore[assignment]
        if isinstance(reply, web.Response):  # one that is sent twice would not arrive
            kept = {name: value for name, value in reply.headers.items() if name == "Location"}
            return web.Response(status=reply.status, body=reply.body, headers=kept)
        return web.json_response(reply)


@dataclass
class World:
    stub: Stub
    clock: FakeClock
    memory: DictMemory
    ports: Ports
    session: aiohttp.ClientSession
    settings: ApiSettings
    api: Api
    ears: Ears


def no(code: int, message: str = "no") -> dict[str, Any]:
    """An error body as the platform words it."""
    hint = f"{message}, hint: [1], from ip: 203.0.113.9, more info at https://open.work.weixin.qq.com/devtool/query"
    return {"errcode": code, "errmsg": hint}


@asynccontextmanager
async def world(*, auto: bool = True, **api: Any) -> AsyncIterator[World]:
    stub = Stub()
    app = web.Application(client_max_size=32 * 1024 * 1024)
    app.router.add_route("*", "/{tail:.*}", stub.serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stub.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    clock, memory = FakeClock(auto=auto), DictMemory()
    ports = Ports(clock, HalfLuck(), CountingIds(), memory)
    settings = ApiSettings(base=stub.base, **{"deadline": 5.0, **api})
    async with aiohttp.ClientSession() as session:
        made = Api(settings, corp_id=CORP, secret=SecretStr(SECRET), session=session, clock=clock, luck=ports.luck)
        try:
            yield World(stub, clock, memory, ports, session, settings, made, Ears())
        finally:
            await session.close()
            await runner.cleanup()


@asynccontextmanager
async def running(wire: Any, ears: Ears) -> AsyncIterator[asyncio.Task[None]]:
    """The wire's `run`, cancelled at the end; what it raised by itself is raised here."""
    task = asyncio.create_task(wire.run(ears.hear))
    try:
        yield task
    finally:
        if task.done():
            task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def line(text: str, *, group: str | None = None, member: str | None = None, event: str = "", **more: Any) -> Line:
    known: dict[str, Any] = {
        "row": 1,
        "key": f"k:{text}",
        "channel": "w",
        "phrase": "p",
        "because": "b",
        "sort": "reply",
    }
    return Line(group=group, member=member, text=text, event_id=event, **{**known, **more})


def envelope(receive_id: str = CORP) -> Envelope:
    return Envelope(SecretStr("QDG6eK"), SecretStr(AES_KEY), receive_id)
