"""How the AI bot speaks over its long connection: by req_id while that lives, else on its own; streams, cards."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from bot.channels import Line, Receipt
from bot.channels.wecom.aibot_link import Link
from bot.channels.wecom.aibot_media import upload
from bot.channels.wecom.aibot_message import Inbound
from bot.channels.wecom.cards import check_card
from bot.channels.wecom.errcodes import ApiRefused, ApiRetryable, Uncertain
from bot.channels.wecom.pacing import Windows
from bot.channels.wecom.payload import excess
from bot.channels.wecom.ports import Ports
from bot.channels.wecom.quotas import BYTES
from bot.channels.wecom.settings import AiBotSettings
from bot.errors import Refused, Retryable

STALE = {846605, 846608}
NOT_SUBSCRIBED = 846609
BUSY_AGAIN = 6000
REMEMBERED = 10_000


@dataclass(slots=True)
class Ask:
    """What a pushed frame allows us to answer, and on which connection."""

    req_id: str
    kind: str
    chat: str
    at: float
    link: Link
    task_id: str = ""
    used: bool = False


class Talk:
    """Speaks for one bot. `live` hands out the connection of the moment, or raises Retryable."""

    def __init__(self, settings: AiBotSettings, ports: Ports, live: Callable[[], Link]) -> None:
        self._settings = settings
        self._ports = ports
        self._clock = ports.clock
        self._live = live
        self._windows = Windows(settings.limits, ports.clock)
        self._uploads = Windows([(30, 60.0), (1000, 3600.0)], ports.clock)
        self._asks: OrderedDict[str, Ask] = OrderedDict()

    def remember(self, event_id: str, req_id: str, inbound: Inbound, link: Link) -> None:
        """What was heard may be answered; on another connection the req_id is worth nothing."""
        now = self._clock.now().timestamp()
        self._asks[event_id] = Ask(req_id, inbound.kind, inbound.chat, now, link, inbound.task_id)
        while len(self._asks) > REMEMBERED:
            self._asks.popitem(last=False)

    async def send(self, line: Line) -> Receipt:
        chat = line.group or line.member or ""
        if not chat:
            raise Refused("neither a group nor a member to talk to")
        if excess(line.text, BYTES["aibot.markdown"]):
            raise Refused(f"longer than {BYTES['aibot.markdown']} bytes")
        link = self._live()
        self._count(chat)
        try:
            if line.picture:
                wait = self._uploads.take("all")
                if wait:
                    raise Retryable("media uploads are at their limit", wait)
                media = await upload(link, "image", line.picture)
                await self._push(
                    link, chat, {"msgtype": "image", "image": {"media_id": media}}, in_group=bool(line.group)
                )
                if not line.text:
                    return Receipt()
            return await self._say(link, line.event_id, chat, line.text, in_group=bool(line.group))
        except Uncertain as error:
            return Receipt("unknown", error=str(error))

    async def send_card(self, event_id: str, chat: str, card: dict[str, Any], *, in_group: bool) -> Receipt:
        """A card as the answer to an event, or on its own."""
        check_card(card)
        link = self._live()
        self._count(chat)
        content = {"msgtype": "template_card", "template_card": card}
        ask = self._usable(event_id, chat, link)
        try:
            if ask is not None and await self._respond(link, "aibot_respond_msg", ask, content):
                return Receipt()
            await self._push(link, chat, content, in_group=in_group)
        except Uncertain as error:
            return Receipt("unknown", error=str(error))
        return Receipt()

    async def update_card(self, event_id: str, card: dict[str, Any]) -> Receipt:
        """Replaces the clicked card, within 5 seconds of the click."""
        ask = self._asks.get(event_id)
        link = self._live()
        age = self._clock.now().timestamp() - ask.at if ask else 0.0
        if ask is None or ask.kind != "card" or ask.link is not link or age > self._settings.welcome_life:
            raise Refused("a card can be replaced only within 5 seconds of its click")
        card = {**card, "task_id": ask.task_id}
        check_card(card)
        body = {"response_type": "update_template_card", "template_card": card}
        await link.ask("aibot_respond_update_msg", body, ask.req_id)
        return Receipt()

    async def stream(self, event_id: str, texts: AsyncIterator[str]) -> Receipt:
        """An answer that grows: each text replaces the one before. Falls back to one message when it takes too long."""
        ask = self._asks.get(event_id)
        link = self._live()
        if ask is None or self._usable(event_id, ask.chat, link) is None or ask.kind != "message":
            raise Refused("there is no message to stream an answer to")
        stream, text, started, last = f"s{self._ports.ids.new()}", "", 0.0, 0.0
        async for text in texts:
            now = self._clock.now().timestamp()
            late = started and now - started > self._settings.stream_life
            counted = self._settings.stream_frames_count
            if late or (started and now - last < self._settings.stream_gap) or excess(text, BYTES["aibot.markdown"]):
                continue
            if counted and self._windows.take(ask.chat):
                continue
            if not await self._respond(link, "aibot_respond_msg", ask, _stream(stream, text, finish=False)):
                break
            started, last = started or now, now
        async for later in texts:
            text = later  # the platform forgot the question: only the whole answer is worth sending
        if not text or excess(text, BYTES["aibot.markdown"]):
            raise Refused(f"empty, or longer than {BYTES['aibot.markdown']} bytes")
        if not started:
            self._count(ask.chat)
        live = not started or self._clock.now().timestamp() - started <= self._settings.stream_life
        if live and await self._respond(link, "aibot_respond_msg", ask, _stream(stream, text, finish=True)):
            return Receipt(platform_id=stream)
        await self._push(link, ask.chat, _markdown(text), in_group=None)
        return Receipt()

    async def _say(self, link: Link, event_id: str, chat: str, text: str, *, in_group: bool) -> Receipt:
        ask = self._usable(event_id, chat, link)
        if ask is not None and ask.kind == "enter":
            content = {"msgtype": "text", "text": {"content": text}}
            age = self._clock.now().timestamp() - ask.at
            if age < self._settings.welcome_life and not excess(text, BYTES["aibot.welcome"]):
                ask.used = True
                if await self._respond(link, "aibot_respond_welcome_msg", ask, content):
                    return Receipt()
        elif ask is not None and ask.kind == "message":
            stream = f"s{self._ports.ids.new()}"
            ask.used = True
            if await self._respond(link, "aibot_respond_msg", ask, _stream(stream, text, finish=True)):
                return Receipt(platform_id=stream)
        await self._push(link, chat, _markdown(text), in_group=in_group)
        return Receipt()

    def _usable(self, event_id: str, chat: str, link: Link) -> Ask | None:
        """The question this line answers, if it may still be answered on this connection."""
        ask = self._asks.get(event_id)
        if ask is None or ask.used or ask.chat != chat or ask.link is not link:
            return None
        return ask if self._clock.now().timestamp() - ask.at < self._settings.answer_life else None

    async def _respond(self, link: Link, cmd: str, ask: Ask, body: dict[str, Any]) -> bool:
        """False when the platform no longer knows the question: say it on our own then."""
        try:
            await self._ask(link, cmd, body, ask.req_id)
        except ApiRefused as error:
            if error.code not in STALE:
                raise
            ask.used = True
            return False
        return True

    async def _push(self, link: Link, chat: str, body: dict[str, Any], *, in_group: bool | None) -> None:
        kind = {True: 2, False: 1, None: 0}[in_group]
        await self._ask(link, "aibot_send_msg", {"chatid": chat, "chat_type": kind, **body}, "")

    async def _ask(self, link: Link, cmd: str, body: dict[str, Any], req_id: str) -> None:
        try:
            await link.ask(cmd, body, req_id)
        except ApiRetryable as error:
            if error.code == NOT_SUBSCRIBED:
                await link.close()  # an open socket that is not subscribed any more: only a new one helps
            if error.code != BUSY_AGAIN:
                raise
            await self._clock.sleep(0.2)
            await link.ask(cmd, body, req_id)

    def _count(self, chat: str) -> None:
        wait = self._windows.take(chat)
        if wait:
            raise Retryable("this conversation is at its limit of messages", wait)


def _stream(stream: str, text: str, *, finish: bool) -> dict[str, Any]:
    return {"msgtype": "stream", "stream": {"id": stream, "finish": finish, "content": text}}


def _markdown(text: str) -> dict[str, Any]:
    return {"msgtype": "markdown", "markdown": {"content": text}}
