"""One WebSocket connection of the AI bot: frames out, acknowledgements matched by req_id, pings, pushes in."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
from pydantic import SecretStr

from bot.channels.wecom.crypto import Garbled
from bot.channels.wecom.errcodes import ApiRetryable, Uncertain, describe
from bot.channels.wecom.http import scrub
from bot.channels.wecom.payload import parse_json, text_at
from bot.channels.wecom.ports import Clock, Ids
from bot.channels.wecom.settings import AiBotSettings

log = logging.getLogger("yuanzi.wecom")

MAX_FRAME = 4 * 1024 * 1024
MISSED = 2


class Link:
    """Alive from `open` until the socket closes. Everything waiting for an answer then learns that none will come."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        settings: AiBotSettings,
        secret: SecretStr,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._socket = socket
        self._settings = settings
        self._secret = secret
        self._clock = clock
        self._ids = ids
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    @property
    def open(self) -> bool:
        return not self._socket.closed

    async def subscribe(self) -> None:
        body = {"bot_id": self._settings.bot_id, "secret": self._secret.get_secret_value()}
        await self.ask("aibot_subscribe", body, f"aibot_subscribe_{self._ids.new()}")

    async def ask(self, cmd: str, body: dict[str, Any] | None, req_id: str = "") -> dict[str, Any]:
        """Sends one frame and waits for its answer. Frames on one req_id go one after the other."""
        req_id = req_id or f"{cmd}_{self._ids.new()}"
        while (ahead := self._waiting.get(req_id)) is not None:
            await asyncio.wait([ahead])
        if not self.open:
            raise ApiRetryable(f"{cmd}: the long connection is down", 5.0)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[req_id] = answer
        frame: dict[str, Any] = {"cmd": cmd, "headers": {"req_id": req_id}} | ({"body": body} if body else {})
        found: dict[str, Any] | None = None
        try:
            async with asyncio.timeout(self._settings.ack_deadline):
                await self._socket.send_str(json.dumps(frame, ensure_ascii=False))
                found = await answer
        except (TimeoutError, ConnectionError, aiohttp.ClientError):
            found = None
        finally:
            answer.cancel()
            self._waiting.pop(req_id, None)
        if found is None:
            raise Uncertain(f"{cmd}: no answer")
        code = found.get("errcode", 0)
        if code != 0:
            message = scrub(str(found.get("errmsg", "")), [self._secret])
            raise describe(code if isinstance(code, int) else -2, message, cmd)
        inner = found.get("body")
        return inner if isinstance(inner, dict) else {}

    async def pushes(self) -> AsyncGenerator[tuple[str, str, dict[str, Any]], None]:
        """What the platform sends on its own: (cmd, req_id, body). Ends with the socket."""
        try:
            async for message in self._socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                try:
                    frame = parse_json(message.data.encode("utf-8", "replace"), trusted=True)
                except Garbled as error:
                    log.warning("wecom %s: a frame was not understood: %s", self._settings.name, error)
                    continue
                req_id, cmd = text_at(frame, "headers", "req_id"), text_at(frame, "cmd")
                if cmd:
                    body = frame.get("body")
                    yield cmd, req_id, body if isinstance(body, dict) else {}
                elif (answer := self._waiting.get(req_id)) is not None and not answer.done():
                    answer.set_result(frame)
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(ConnectionResetError("the long connection broke"))

    async def keep_alive(self) -> None:
        """Pings for ever; after two unanswered ones the connection counts as dead and is closed."""
        missed = 0
        while self.open:
            await self._clock.sleep(self._settings.ping)
            try:
                await self.ask("ping", None)
                missed = 0
            except (Uncertain, ApiRetryable):
                missed += 1
            if missed >= MISSED:
                log.warning("wecom %s: no answer to %d pings, reconnecting", self._settings.name, missed)
                await self.close()

    async def close(self) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError, aiohttp.ClientError):
            async with asyncio.timeout(self._settings.ack_deadline):
                await self._socket.close()
