"""The server that WeCom posts to: verifies, opens, keeps, answers at once. Work happens later, in the wires."""

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from bot.channels.wecom.crypto import Envelope, Forged, Garbled
from bot.channels.wecom.inbox import Inbox
from bot.channels.wecom.payload import Node, parse_json, parse_xml
from bot.channels.wecom.ports import Clock
from bot.channels.wecom.settings import CallbackSettings

log = logging.getLogger("yuanzi.wecom")

Document = Node | dict[str, Any]
Wants = Callable[[Document], bool]
Answer = Callable[[Mapping[str, Any], bool], Awaitable[Mapping[str, Any] | None]]
"""The AI bot's answer inside the HTTP response; the flag says that this very request was answered before."""


class Rejected(Exception):
    """Answered with a status and one line in the log."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


class Endpoint:
    """One address: its envelope, its format, and the wires that want to hear what arrives there."""

    def __init__(self, path: str, envelope: Envelope, *, form: str = "xml", answer: Answer | None = None) -> None:
        self.path = path
        self.envelope = envelope
        self.form = form
        self.answer = answer
        self.routes: list[tuple[Wants, Inbox]] = []
        self.seen: OrderedDict[str, float] = OrderedDict()
        self.unknown = 0

    def route(self, wants: Wants, inbox: Inbox) -> None:
        """Whatever `wants` says yes to is kept for `inbox`. Several may want the same."""
        self.routes.append((wants, inbox))

    def parse(self, raw: bytes) -> Document:
        return parse_xml(raw) if self.form == "xml" else parse_json(raw)

    def sealed(self, raw: bytes) -> str:
        outer = self.parse(raw)
        encrypt = outer.word("Encrypt") if isinstance(outer, Node) else outer.get("encrypt")
        if not isinstance(encrypt, str) or not encrypt:
            raise Garbled("nothing encrypted inside")
        return encrypt


class CallbackServer:
    """Serves any number of endpoints on one port. Use as `async with`, or start() and close()."""

    def __init__(self, settings: CallbackSettings, clock: Clock, endpoints: list[Endpoint]) -> None:
        self._settings = settings
        self._clock = clock
        self._endpoints = endpoints
        self._runner: web.AppRunner | None = None
        self._room = asyncio.Semaphore(settings.at_once)
        self.refused = 0
        self.port = 0

    @property
    def running(self) -> bool:
        return self._runner is not None

    async def start(self) -> None:
        app = web.Application(client_max_size=self._settings.max_body)
        for endpoint in self._endpoints:
            for _, inbox in endpoint.routes:
                await inbox.restore()
            app.router.add_route("*", endpoint.path, self._serve(endpoint))
        self._runner = web.AppRunner(
            app, access_log=None, keepalive_timeout=self._settings.idle, auto_decompress=False, lingering_time=0
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._settings.host, self._settings.port, backlog=1024)
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    async def close(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def inboxes(self) -> list[Inbox]:
        """Where callbacks wait, of all endpoints."""
        return [inbox for endpoint in self._endpoints for _, inbox in endpoint.routes]

    async def __aenter__(self) -> "CallbackServer":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _serve(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            try:
                return await self._respond(endpoint, request)
            except Rejected as refusal:
                status, reason = refusal.status, refusal.reason
            except Forged as refusal:
                status, reason = 403, str(refusal)
            except Garbled as refusal:
                status, reason = 400, str(refusal)
            self.refused += 1
            log.warning("wecom callback %s refused with %d: %s", endpoint.path, status, reason)
            response = web.Response(status=status)
            response.force_close()
            return response

        return serve

    async def _respond(self, endpoint: Endpoint, request: web.Request) -> web.Response:
        if request.method not in {"GET", "POST"}:
            raise Rejected(405, "neither GET nor POST")
        if self._room.locked():
            raise Rejected(503, "too many requests at once")
        async with self._room:
            if request.method == "GET":
                return self._verify_address(endpoint, request)
            return await self._receive(endpoint, request)

    def _verify_address(self, endpoint: Endpoint, request: web.Request) -> web.Response:
        signature, timestamp, nonce = self._query(request)
        echo = _one(request.query, "echostr", 4096)
        endpoint.envelope.verify(signature, timestamp, nonce, echo)
        return web.Response(body=endpoint.envelope.open(echo), content_type="text/plain")

    async def _receive(self, endpoint: Endpoint, request: web.Request) -> web.Response:
        signature, timestamp, nonce = self._query(request)
        self._check_headers(endpoint, request)
        encrypt = endpoint.sealed(await self._body(request))
        endpoint.envelope.verify(signature, timestamp, nonce, encrypt)
        document = _opened(endpoint, encrypt)
        again = signature in endpoint.seen
        if not again:
            await self._keep(endpoint, document)
            self._remember(endpoint, signature)
        return await self._answer(endpoint, document[0], nonce, again=again)

    async def _answer(self, endpoint: Endpoint, document: Document, nonce: str, *, again: bool) -> web.Response:
        reply = None
        if endpoint.answer is not None and isinstance(document, dict):
            reply = await endpoint.answer(document, again)
        if reply is None:
            return web.Response()
        encrypt = endpoint.envelope.seal(json.dumps(reply, ensure_ascii=False).encode())
        timestamp = int(self._clock.now().timestamp())
        signature = endpoint.envelope.sign(str(timestamp), nonce, encrypt)
        return web.json_response(
            {"encrypt": encrypt, "msgsignature": signature, "timestamp": timestamp, "nonce": nonce}
        )

    async def _keep(self, endpoint: Endpoint, document: tuple[Document, str]) -> None:
        wanted = [inbox for wants, inbox in endpoint.routes if wants(document[0])]
        if not wanted:
            endpoint.unknown += 1
            log.debug("wecom callback %s: nobody wants this event", endpoint.path)
        for inbox in wanted:
            if not await inbox.offer(document[1]):
                raise Rejected(503, f"the inbox of {inbox.name} is full")

    def _remember(self, endpoint: Endpoint, signature: str) -> None:
        now = self._clock.now().timestamp()
        endpoint.seen[signature] = now
        while endpoint.seen:
            oldest, at = next(iter(endpoint.seen.items()))
            if at > now - 2 * self._settings.replay_window and len(endpoint.seen) <= self._settings.remembered:
                return
            del endpoint.seen[oldest]

    def _query(self, request: web.Request) -> tuple[str, str, str]:
        signature = _one(request.query, "msg_signature", 40)
        timestamp = _one(request.query, "timestamp", 12)
        nonce = _one(request.query, "nonce", 128)
        if not (timestamp.isascii() and timestamp.isdigit()):
            raise Rejected(400, "timestamp is no number")
        if abs(self._clock.now().timestamp() - int(timestamp)) > self._settings.replay_window:
            raise Rejected(403, "outside the replay window")
        return signature, timestamp, nonce

    def _check_headers(self, endpoint: Endpoint, request: web.Request) -> None:
        for name in ("Content-Type", "Content-Length", "Transfer-Encoding", "Host"):
            if len(request.headers.getall(name, [])) > 1:
                raise Rejected(400, f"{name} twice")
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise Rejected(415, "compressed body")
        allowed = self._settings.xml_types if endpoint.form == "xml" else self._settings.json_types
        if "Content-Type" in request.headers and request.content_type not in allowed:
            raise Rejected(415, "wrong content type")
        if (request.content_length or 0) > self._settings.max_body:
            raise Rejected(413, "body too large")

    async def _body(self, request: web.Request) -> bytes:
        raw = bytearray()
        try:
            async with asyncio.timeout(self._settings.body_deadline):
                async for chunk in request.content.iter_any():
                    raw += chunk
                    if len(raw) > self._settings.max_body:
                        raise Rejected(413, "body too large")
        except TimeoutError:
            raise Rejected(408, "body too slow") from None
        except (ConnectionError, web.RequestPayloadError):
            raise Rejected(400, "body broken off") from None
        return bytes(raw)


def _one(query: MultiMapping[str], name: str, longest: int) -> str:
    values = query.getall(name, [])
    if len(values) != 1 or not values[0] or len(values[0]) > longest:
        raise Rejected(400, f"{name} must be there once")
    return values[0]


def _opened(endpoint: Endpoint, encrypt: str) -> tuple[Document, str]:
    raw = endpoint.envelope.open(encrypt)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Garbled("not UTF-8") from None
    return endpoint.parse(raw), text
