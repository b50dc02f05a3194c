"""The hands of the fake's own tests: a caller, a callback receiver and a socket, none of them the client."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from xml.etree import ElementTree

import aiohttp
from aiohttp import web

from tests.fake_wecom import crypto
from tests.fake_wecom.clock import still
from tests.fake_wecom.errors import Json
from tests.fake_wecom.options import Options
from tests.fake_wecom.sandbox import Sandbox, serve

CORP, SECRET, AGENT = "ww5823bf96d3bd56c7", "the-secret", 218
TOKEN, AES_KEY = "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"  # wecom.md 2.3 vector A


@dataclass
class Probe:
    """A sandbox on a still clock with one corp, one app and two members, and a plain HTTP caller."""

    sandbox: Sandbox
    session: aiohttp.ClientSession
    token: str = ""

    async def get(self, path: str, **query: str) -> Json:
        return await self._call("GET", path, None, query)

    async def post(self, path: str, body: Any = None, **query: str) -> Json:
        return await self._call("POST", path, {} if body is None else body, query)

    async def _call(self, method: str, path: str, body: Any, query: dict[str, str]) -> Json:
        if self.token:
            query.setdefault("access_token", self.token)
        if body is not None and not isinstance(body, aiohttp.FormData):
            body = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode())
        url = f"{self.sandbox.url}/cgi-bin/{path}"
        async with self.session.request(method, url, params=query, data=body) as answer:
            assert answer.status == 200, f"{path} answered HTTP {answer.status}"
            out = await answer.json(content_type=None)
            assert isinstance(out, dict)
            return out

    async def code(self, path: str, body: Any = None, **query: str) -> int:
        """Only the errcode of a POST."""
        return int((await self.post(path, body, **query))["errcode"])

    async def log_in(self, secret: str = SECRET, corpid: str = CORP) -> str:
        self.token = ""
        answer = await self.get("gettoken", corpid=corpid, corpsecret=secret)
        self.token = answer.get("access_token", "")
        return self.token

    async def control(self, name: str, /, **given: Any) -> Any:
        async with self.session.post(f"{self.sandbox.url}/_control/{name}", json=given) as answer:
            out = await answer.json()
            assert out["ok"], out
            return out["result"]


@asynccontextmanager
async def probing(**options: Any) -> AsyncIterator[Probe]:
    sandbox = await serve("127.0.0.1", 0, clock=still(), options=Options(**options))
    try:
        sandbox.corps.add_corp(CORP)
        sandbox.corps.add_app(AGENT, SECRET)
        for userid in ("zhangsan", "lisi"):
            sandbox.corps.add_member(userid)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            probe = Probe(sandbox, session)
            await probe.log_in()
            yield probe
    finally:
        await sandbox.close()


@dataclass
class Push:
    """One request as the receiver saw it."""

    query: dict[str, str]
    body: bytes

    def sealed(self) -> str:
        if self.body.startswith(b"{"):
            return str(json.loads(self.body)["encrypt"])
        return self.xml_of(self.body.decode())["Encrypt"]

    def plain(self, receiveid: str = CORP) -> str:
        query = self.query
        crypto.check_signature(query["msg_signature"], TOKEN, query["timestamp"], query["nonce"], self.sealed())
        return crypto.unseal(AES_KEY, self.sealed(), receiveid)

    def fields(self) -> dict[str, str]:
        return self.xml_of(self.plain())

    @staticmethod
    def xml_of(text: str) -> dict[str, str]:
        return {part.tag: part.text or "" for part in ElementTree.fromstring(text)}  # noqa: S314  our own sandbox's XML


@dataclass
class Receiver:
    """A callback URL: records what comes and answers as told. `hang` makes it never answer."""

    answer: Callable[[Push], web.Response] = lambda _: web.Response()
    verify: Callable[[str], str] = lambda plain: plain
    hang: bool = False
    got: list[Push] = field(default_factory=list)
    url: str = ""
    _runner: web.AppRunner | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _free: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/callback", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/callback"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._free.set()
        assert self._runner is not None
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        push = Push(dict(request.query), await request.read())
        self.got.append(push)
        self._news.set()
        if self.hang:
            await self._free.wait()
        if request.method == "GET":
            return web.Response(text=self.verify(crypto.unseal(AES_KEY, push.query["echostr"], "")))
        return self.answer(push)

    async def count(self, number: int) -> list[Push]:
        """Waits until that many requests have come."""
        while len(self.got) < number:
            self._news.clear()
            await self._news.wait()
        return self.got


@dataclass
class Line:
    """A bot's end of the long connection."""

    socket: aiohttp.ClientWebSocketResponse
    numbers: int = 0
    pushed: list[Json] = field(default_factory=list)

    async def read(self) -> Json:
        out = await self.socket.receive_json()
        assert isinstance(out, dict)
        return out

    async def callback(self) -> Json:
        """The next push of the server."""
        return self.pushed.pop(0) if self.pushed else await self.read()

    async def do(self, cmd: str, body: Json | None = None, req_id: str = "") -> Json:
        """Sends a frame and reads the answer to it; pushes that come between are kept."""
        self.numbers += 1
        name = req_id or f"{cmd}_{self.numbers}"
        frame: Json = {"cmd": cmd, "headers": {"req_id": name}}
        await self.socket.send_json({**frame, "body": body} if body is not None else frame)
        while "cmd" in (answer := await self.read()):
            self.pushed.append(answer)
        assert answer["headers"]["req_id"] == name
        return answer


@asynccontextmanager
async def on_line(probe: Probe, bot: Json, *, subscribe: bool = True) -> AsyncIterator[Line]:
    async with probe.session.ws_connect(probe.sandbox.ws_url) as socket:
        line = Line(socket)
        if subscribe:
            assert (await line.do("aibot_subscribe", bot))["errcode"] == 0
        yield line
