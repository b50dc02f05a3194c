"""智能机器人 with a callback address: answers inside the HTTP response and its refreshes, once more by response_url."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.channels import Abilities, Hear, Line, Pace, Receipt
from bot.channels.wecom.aibot_message import Inbound, read_inbound
from bot.channels.wecom.callback import Document
from bot.channels.wecom.cards import check_card
from bot.channels.wecom.errcodes import Uncertain, describe
from bot.channels.wecom.findings import Finding, fine
from bot.channels.wecom.http import Http, code_of
from bot.channels.wecom.inbox import Inbox, persist
from bot.channels.wecom.pacing import Windows
from bot.channels.wecom.payload import excess, parse_json, text_at
from bot.channels.wecom.ports import Ports
from bot.channels.wecom.quotas import BYTES
from bot.channels.wecom.settings import AiBotSettings, ApiSettings
from bot.errors import Refused, Retryable

REMEMBERED = 2000
QUIET = "…"
"""What a stream ends with when nobody had anything to say."""


@dataclass(slots=True)
class _Stream:
    """One question: what has been said to it, what the platform has fetched, and the ways that are left."""

    id: str
    kind: str
    chat: str
    at: float
    url: str
    parts: list[str] = field(default_factory=list)
    last: float = 0.0
    finished: bool = False
    fetched: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    reply: "asyncio.Future[dict[str, Any]] | None" = None


class AiBotUrlWire:
    """One bot in URL mode. Give its `answer` and `wants` to an Endpoint of form json. Speaks only in answer."""

    def __init__(
        self, settings: AiBotSettings, *, inbox: Inbox, session: aiohttp.ClientSession, api: ApiSettings, ports: Ports
    ) -> None:
        self.name = settings.name
        self.abilities = Abilities(
            hears="mentioned",
            speaks="answer",
            joins=False,
            mention=False,
            pictures=False,
            max_bytes=BYTES["aibot.markdown"],
            in_flight=16,
        )
        self.pace = Pace()
        self.inbox = inbox
        self._settings = settings
        self._ports = ports
        self._clock = ports.clock
        self._http = Http(session, api)
        self._host = urlsplit(api.base).netloc
        self._windows = Windows(settings.limits, ports.clock)
        self._streams: OrderedDict[str, _Stream] = OrderedDict()
        self._by_event: dict[str, str] = {}

    def wants(self, document: Document) -> bool:
        return isinstance(document, dict) and document.get("msgtype") != "stream"

    async def run(self, hear: Hear) -> None:
        while True:
            parcel = await self.inbox.take()
            await persist(self.name, self._clock, lambda body=parcel.body: self._work(body, hear))  # type: ignore[misc]
            await self.inbox.done(parcel)

    async def close(self) -> None:
        """Nothing is held."""

    async def _work(self, body: str, hear: Hear) -> None:
        inbound = self._read(parse_json(body.encode()))
        if inbound.event is not None:
            self._stream(inbound)
            await hear(inbound.event)

    def _read(self, body: Mapping[str, Any]) -> Inbound:
        return read_inbound(dict(body), self.name, self._settings.bot_name, self._clock.now())

    # ---- the HTTP answer -----------------------------------------------------------------------------------------

    async def answer(self, body: Mapping[str, Any], _again: bool) -> Mapping[str, Any] | None:
        """What goes into the response: a stream for a message, its growth for a refresh, a welcome, a new card."""
        if body.get("msgtype") == "stream":
            stream = self._streams.get(text_at(body, "stream", "id"))
            if stream is None:
                return _grown(text_at(body, "stream", "id"), QUIET, finish=True)  # from before a restart
            return self._progress(stream)
        inbound = self._read(body)
        if inbound.event is None:
            return None
        stream = self._stream(inbound)
        if inbound.kind == "message":
            return self._progress(stream)
        return await self._wait_for_reply(stream)

    def _stream(self, inbound: Inbound) -> _Stream:
        event_id = inbound.event.id if inbound.event else ""
        stream_id = "s" + hashlib.sha256(event_id.encode()).hexdigest()[:24]
        found = self._streams.get(stream_id)
        if found is not None:
            return found
        now = self._clock.now().timestamp()
        stream = _Stream(stream_id, inbound.kind, inbound.chat, now, inbound.response_url)
        self._streams[stream_id] = stream
        self._by_event[event_id] = stream_id
        while len(self._streams) > REMEMBERED:
            gone, _ = self._streams.popitem(last=False)
            self._by_event = {event: one for event, one in self._by_event.items() if one != gone}
        return stream

    def _progress(self, stream: _Stream) -> dict[str, Any]:
        now = self._clock.now().timestamp()
        settled = bool(stream.parts) and now - stream.last >= self._settings.stream_gap
        stream.finished = stream.finished or settled or now - stream.at >= self._settings.silence
        text = "\n\n".join(stream.parts) or (QUIET if stream.finished else self._settings.thinking)
        stream.fetched = len(stream.parts)
        stream.changed.set()
        return _grown(stream.id, text, finish=stream.finished)

    async def _wait_for_reply(self, stream: _Stream) -> dict[str, Any] | None:
        """A welcome and a new card exist only inside this response: give the house a moment to decide."""
        stream.reply = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(max(0.1, self._settings.welcome_life - 1)):
                return await stream.reply
        except TimeoutError:
            return None
        finally:
            stream.finished = True

    # ---- speaking ------------------------------------------------------------------------------------------------

    async def send(self, line: Line) -> Receipt:
        stream = self._streams.get(self._by_event.get(line.event_id, ""))
        if stream is None or stream.chat != (line.group or line.member):
            raise Refused("a bot in URL mode can only answer what it just heard, there")
        if excess(line.text, self.abilities.max_bytes):
            raise Refused(f"longer than {self.abilities.max_bytes} bytes")
        wait = self._windows.take(stream.chat)
        if wait:
            raise Retryable("this conversation is at its limit of messages", wait)
        if stream.reply is not None and not stream.reply.done() and not excess(line.text, BYTES["aibot.welcome"]):
            stream.reply.set_result({"msgtype": "text", "text": {"content": line.text}})
            return Receipt(platform_id=stream.id)
        if stream.kind == "message" and await self._grow(stream, line.text):
            return Receipt(platform_id=stream.id)
        return await self._by_url(stream, {"msgtype": "markdown", "markdown": {"content": line.text}})

    async def update_card(self, event_id: str, card: dict[str, Any]) -> Receipt:
        """Replaces the clicked card while its callback still waits for an answer."""
        check_card(card)
        stream = self._streams.get(self._by_event.get(event_id, ""))
        if stream is None or stream.kind != "card" or stream.reply is None or stream.reply.done():
            raise Refused("a card can be replaced only within seconds of its click")
        stream.reply.set_result({"response_type": "update_template_card", "template_card": card})
        return Receipt()

    async def send_card(self, event_id: str, card: dict[str, Any]) -> Receipt:
        """A card as the answer, by response_url."""
        check_card(card)
        stream = self._streams.get(self._by_event.get(event_id, ""))
        if stream is None:
            raise Refused("a bot in URL mode can only answer what it just heard")
        return await self._by_url(stream, {"msgtype": "template_card", "template_card": card})

    async def _grow(self, stream: _Stream, text: str) -> bool:
        """Adds to the stream and waits until the platform has fetched it; False when it no longer will."""
        if stream.finished or excess("\n\n".join([*stream.parts, text]), BYTES["aibot.markdown"]):
            return False
        stream.parts.append(text)
        mine = len(stream.parts)
        stream.last = self._clock.now().timestamp()
        try:
            async with asyncio.timeout(self._settings.fetched_within):
                while stream.fetched < mine:
                    stream.changed.clear()
                    await stream.changed.wait()
        except TimeoutError:
            stream.finished = True
            del stream.parts[mine - 1 :]
            return False
        return True

    async def _by_url(self, stream: _Stream, body: dict[str, Any]) -> Receipt:
        url, stream.url = stream.url, ""
        parts = urlsplit(url)
        if not url or self._clock.now().timestamp() - stream.at > self._settings.url_life:
            raise Refused("there is no way left to answer this")
        if parts.netloc != self._host or (parts.scheme != "https" and not self._host.startswith("127.0.0.1:")):
            raise Refused("the response_url points somewhere else")
        try:
            answer = await self._http.ask("response_url", body, address=url)
        except Uncertain as error:
            return Receipt("unknown", error=str(error))
        except Retryable:
            stream.url = url
            raise
        code = code_of(answer)
        if code != 0:
            raise describe(code, str(answer.get("errmsg", "")), "response_url")
        return Receipt()

    async def diagnose(self) -> list[Finding]:
        """URL mode has no token to try: what can be checked is the callback address, which the server checks."""
        return [fine(f"智能机器人 {self.name}", "URL 模式：只能在被 @ 或单聊时回答，不能主动发言")]


def _grown(stream_id: str, text: str, *, finish: bool) -> dict[str, Any]:
    return {"msgtype": "stream", "stream": {"id": stream_id, "finish": finish, "content": text}}
