"""The AI bot's long connection, server side: frames, one live subscription, stale req_ids (wecom.md 7.5)."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import WSMsgType, web

from tests.fake_wecom.bot_media import BotUploads
from tests.fake_wecom.bot_records import EVENT_SECONDS, REQ_SECONDS, Bot, BotSent, Open
from tests.fake_wecom.bot_rules import FILES, check_content, check_update, check_welcome, grow_stream
from tests.fake_wecom.bots import Bots
from tests.fake_wecom.errors import ApiError, Json, error_body
from tests.fake_wecom.faults import Fault
from tests.fake_wecom.fields import Fields, refuse
from tests.fake_wecom.ground import Ground


@dataclass(eq=False)
class Connection:
    """One socket. The req_ids of its callbacks die with it: 846605 on the next one."""

    socket: web.WebSocketResponse
    transport: asyncio.BaseTransport | None
    ip: str
    pinged_at: float
    bot: Bot | None = None
    opened: dict[str, Open] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)

    async def write(self, frame: Json) -> None:
        with suppress(ConnectionError):
            if not self.socket.closed:
                await self.socket.send_str(json.dumps(frame, ensure_ascii=False))


@dataclass
class BotSocket:
    ground: Ground
    bots: Bots
    uploads: BotUploads
    connections: set[Connection] = field(default_factory=set)
    frames: list[Json] = field(default_factory=list)
    """Every frame that came in, secrets blanked: what a test may want to count."""

    def __post_init__(self) -> None:
        self.bots.roads["ws"] = self

    # -- control -------------------------------------------------------------------------------------------------

    def deafen(self, bot_id: str) -> None:
        """The subscription is lost though the socket stays open: 846609 from now on (wecom.md 7.5)."""
        self.bots.bots[bot_id].deaf = True

    async def cut(self, bot_id: str) -> None:
        """The connection breaks without a goodbye."""
        connection = self.bots.bots[bot_id].connection
        if connection is not None:
            self._abort(connection)

    def subscribed(self, bot_id: str) -> bool:
        return self.bots.bots[bot_id].connection is not None

    async def send_raw(self, bot_id: str, text: str) -> None:
        """Any text to the client: rubbish, unknown commands, a repeated frame."""
        await self.bots.bots[bot_id].connection.socket.send_str(text)

    # -- the socket ----------------------------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=1.0, max_msg_size=4 * 1024 * 1024)
        await socket.prepare(request)
        connection = Connection(socket, request.transport, request.remote or "", self.ground.clock())
        self.connections.add(connection)
        watch = self.ground.spawn(self._watch(connection))
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self.ground.spawn(self._take(connection, message.data))
        finally:
            watch.cancel()
            self._forget(connection)
        return socket

    async def _watch(self, connection: Connection) -> None:
        """wecom.md 7.5: missing pings -> the server closes."""
        options = self.ground.options
        while (left := connection.pinged_at + options.ws_idle_seconds - self.ground.clock()) > 0:
            await self.ground.clock.sleep(left)
        await connection.socket.close()

    def _forget(self, connection: Connection) -> None:
        self.connections.discard(connection)
        if connection.bot is not None and connection.bot.connection is connection:
            connection.bot.connection = None
        self.ground.tell()

    def _abort(self, connection: Connection) -> None:
        if isinstance(connection.transport, asyncio.Transport):
            connection.transport.abort()
        self._forget(connection)

    async def _take(self, connection: Connection, text: str) -> None:
        try:
            frame = json.loads(text)
            cmd, req_id = str(frame["cmd"]), str(frame["headers"]["req_id"])
            body = frame.get("body") or {}
            if not isinstance(body, dict):
                raise TypeError  # noqa: TRY301
        except (ValueError, KeyError, TypeError):
            await connection.write(
                {"headers": {"req_id": ""}, **self._error(connection, refuse("frame", "is invalid"))}
            )
            return
        self.frames.append(
            {"cmd": cmd, "req_id": req_id, "body": {**body, "secret": "*"} if "secret" in body else body}
        )
        fault = self.ground.faults.take(f"ws/{cmd}")
        self.ground.tell()
        if fault is not None and not fault.after and not await self._suffer(connection, req_id, fault):
            return
        answer = await self._answer(connection, cmd, req_id, Fields(body))
        if fault is not None and fault.after and not await self._suffer(connection, req_id, fault):
            return
        # wecom.md 7.5: responses have no cmd, errcode stands at top level
        await connection.write({"headers": {"req_id": req_id}, **answer})
        self.ground.tell()

    async def _suffer(self, connection: Connection, req_id: str, fault: Fault) -> bool:
        """Plays a fault; says whether the frame goes on afterwards."""
        if fault.kind == "delay":
            await self.ground.clock.sleep(fault.seconds)
            return True
        if fault.kind == "drop":
            self._abort(connection)
        elif fault.kind == "garbage":
            await connection.socket.send_str("{not json")
        elif fault.kind in ("errcode", "status"):
            answer = self._error(connection, ApiError(fault.errcode))
            await connection.write({"headers": {"req_id": req_id}, **answer})
        return False  # hang: no ack, ever

    async def _answer(self, connection: Connection, cmd: str, req_id: str, body: Fields) -> Json:
        key = f"{cmd} {req_id}"
        if key in connection.busy:
            return self._error(connection, ApiError(6000))  # wecom.md 7.5: two sends on one req_id before the ack
        connection.busy.add(key)
        try:
            if self.ground.options.ws_ack_delay:
                await self.ground.clock.sleep(self.ground.options.ws_ack_delay)
            more = await self._obey(connection, cmd, req_id, body)
        except ApiError as wrong:
            return self._error(connection, wrong)
        finally:
            connection.busy.discard(key)
        return {"errcode": 0, "errmsg": "ok", **({"body": more} if more else {})}

    def _error(self, connection: Connection, wrong: ApiError) -> Json:
        return error_body(wrong.code, wrong.text, hint=self.ground.luck.digits(20), ip=connection.ip)

    async def _obey(self, connection: Connection, cmd: str, req_id: str, body: Fields) -> Json:
        if cmd == "aibot_subscribe":
            await self._subscribe(connection, body)
            return {}
        bot = connection.bot
        if bot is None or bot.connection is not connection or bot.deaf:
            raise ApiError(846609)
        if cmd == "ping":
            connection.pinged_at = self.ground.clock()
            return {}
        rules: dict[str, Callable[[], Json]] = {
            "aibot_respond_msg": lambda: self._respond(bot, self._open(connection, req_id, "message"), body),
            "aibot_respond_welcome_msg": lambda: self._welcome(bot, self._open(connection, req_id, "enter_chat"), body),
            "aibot_respond_update_msg": lambda: self._update(
                bot, self._open(connection, req_id, "template_card_event"), body
            ),
            "aibot_send_msg": lambda: self._push(bot, body),
            "aibot_upload_media_init": lambda: self.uploads.init(bot, body),
            "aibot_upload_media_chunk": lambda: self.uploads.chunk(bot, body),
            "aibot_upload_media_finish": lambda: self.uploads.finish(bot, body),
        }
        if cmd not in rules:
            raise refuse("cmd", "is unknown")
        return rules[cmd]()

    async def _subscribe(self, connection: Connection, body: Fields) -> None:
        """wecom.md 7.5 "connections": a new subscription evicts the old one."""
        bot = self.bots.bots.get(body.text("bot_id", need=True))
        if bot is None:
            raise ApiError(40001)
        if not bot.subscribes.take(self.ground.clock()):
            raise ApiError(45009)
        if bot.secret != body.text("secret", need=True) or bot.mode != "ws":
            raise ApiError(40001)  # a bot in URL mode has no long connection (its code is UNCONFIRMED)
        old, bot.connection, bot.deaf, connection.bot = bot.connection, connection, False, bot
        connection.pinged_at = self.ground.clock()
        if old is not None and old is not connection:
            event: Json = {"msgtype": "event", "aibotid": bot.bot_id, "event": {"eventtype": "disconnected_event"}}
            event |= {"msgid": self.ground.luck.word("", 32), "create_time": int(self.ground.clock())}
            headers = {"req_id": self.ground.luck.word("", 32)}
            await old.write({"cmd": "aibot_event_callback", "headers": headers, "body": event})
            self.ground.spawn(old.socket.close())  # a peer that is dead must not hold up the new one

    def _open(self, connection: Connection, req_id: str, kind: str) -> Open:
        """The callback this answers: unknown, wrong command, another connection or too late -> 846605."""
        opened = connection.opened.get(req_id)
        if opened is None or opened.kind != kind:
            raise ApiError(846605)
        age = self.ground.clock() - opened.born
        if age > (REQ_SECONDS if kind == "message" else EVENT_SECONDS):
            raise ApiError(846605)  # the code for a late welcome or update is UNCONFIRMED
        return opened

    def _respond(self, bot: Bot, opened: Open, body: Fields) -> Json:
        now = self.ground.clock()
        if body.text("msgtype", need=True) == "stream":
            part = body.part("stream", need=True)
            continues = opened.stream is not None
            if not continues or self.ground.options.stream_frames_count:
                self._meter(bot, opened.chat)
            grow_stream(bot, opened, part, now, items=False)
            kind, shown = "stream", dict(part.data)
        else:
            kind = check_content(bot, body, ("markdown", "template_card", *FILES), self.bots.media)
            self._meter(bot, opened.chat)
            opened.answered = True
            shown = dict(body.part(kind).data)
        self.bots.record(BotSent(now, bot.bot_id, opened.chat, "reply", kind, shown, opened.msgid))
        return {}

    def _meter(self, bot: Bot, chat: str) -> None:
        """30/min and 1000/h per conversation, replies and pushes together (wecom.md 7.5)."""
        if not bot.chat_windows.take(chat, self.ground.clock()):
            raise ApiError(45009)

    def _welcome(self, bot: Bot, opened: Open, body: Fields) -> Json:
        kind = check_welcome(body)
        if opened.answered:
            raise ApiError(846605)  # one answer per event; the code is UNCONFIRMED
        self._meter(bot, opened.chat)
        opened.answered = True
        self._record_event_answer(bot, opened, "welcome", kind, body)
        return {}

    def _update(self, bot: Bot, opened: Open, body: Fields) -> Json:
        kind = check_update(body, opened.task_id)
        opened.answered = True
        self._record_event_answer(bot, opened, "update", kind, body)
        return {}

    def _record_event_answer(
        self, bot: Bot, opened: Open, by: Literal["welcome", "update"], kind: str, body: Fields
    ) -> None:
        shown = dict(body.part(kind).data)
        self.bots.record(BotSent(self.ground.clock(), bot.bot_id, opened.chat, by, kind, shown, opened.msgid))

    def _push(self, bot: Bot, body: Fields) -> Json:
        """aibot_send_msg: only where somebody has written to the bot before (wecom.md 7.5)."""
        chat = body.text("chatid", need=True)
        chat_type = body.number("chat_type", 0, most=2)
        is_group = chat in bot.groups
        if chat not in bot.spoken_in or (chat_type == 1 and is_group) or (chat_type == 2 and not is_group):
            raise refuse("chatid", "has no conversation with this bot")  # its own code is UNCONFIRMED
        kind = check_content(bot, body, ("markdown", "template_card", *FILES), self.bots.media)
        self._meter(bot, chat)
        shown = dict(body.part(kind).data)
        self.bots.record(BotSent(self.ground.clock(), bot.bot_id, chat, "push", kind, shown))
        return {}

    # -- Road ----------------------------------------------------------------------------------------------------

    def carry(self, bot: Bot, opened: Open, body: Json) -> str:
        connection: Connection | None = bot.connection
        if connection is None or bot.deaf:
            return "not connected"
        req_id = self.ground.luck.word("", 32)
        connection.opened[req_id] = opened
        cmd = "aibot_event_callback" if body["msgtype"] == "event" else "aibot_msg_callback"
        self.ground.spawn(connection.write({"cmd": cmd, "headers": {"req_id": req_id}, "body": body}))
        return ""
