"""智能机器人 over its long connection: hears @ and 1:1 in the corp, no public address needed; speaks by aibot_talk."""

import asyncio
import logging
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import aiohttp
from pydantic import SecretStr

from bot.channels import Abilities, Hear, Line, Pace, Receipt
from bot.channels.wecom.aibot_link import MAX_FRAME, Link
from bot.channels.wecom.aibot_message import read_inbound
from bot.channels.wecom.aibot_talk import Talk
from bot.channels.wecom.crypto import Garbled
from bot.channels.wecom.errcodes import ApiRefused, Uncertain
from bot.channels.wecom.findings import Finding, fine
from bot.channels.wecom.ports import Ports
from bot.channels.wecom.quotas import BYTES
from bot.channels.wecom.settings import AiBotSettings
from bot.errors import Refused, Retryable
from bot.events import Event

log = logging.getLogger("yuanzi.wecom")

LONGEST_WAIT = 30.0


class TakenOver(Refused):
    """Another connection subscribed this bot; only one can be live."""


class AiBotWire:
    """One bot, one live connection. Reconnects for ever with back-off; ends when taken over or refused."""

    def __init__(
        self, settings: AiBotSettings, *, secret: SecretStr, session: aiohttp.ClientSession, ports: Ports
    ) -> None:
        self.name = settings.name
        self.abilities = Abilities(
            hears="mentioned", joins=False, mention=False, pictures=True, max_bytes=BYTES["aibot.markdown"], in_flight=4
        )
        self.pace = Pace(group_gap=timedelta(seconds=2))
        self.state = "not started"
        self._settings = settings
        self._secret = secret
        self._session = session
        self._ports = ports
        self._clock = ports.clock
        self._heard: asyncio.Queue[Event] = asyncio.Queue(1000)
        self._link: Link | None = None
        self.talk = Talk(settings, ports, self._live)

    async def send(self, line: Line) -> Receipt:
        return await self.talk.send(line)

    async def run(self, hear: Hear) -> None:
        telling = asyncio.create_task(self._tell(hear))
        connected = asyncio.create_task(self._stay_connected())
        try:
            done, _ = await asyncio.wait([telling, connected], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (telling, connected):
                task.cancel()
            await asyncio.gather(telling, connected, return_exceptions=True)
            await self.close()

    async def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _tell(self, hear: Hear) -> None:
        while True:
            await hear(await self._heard.get())

    async def _stay_connected(self) -> None:
        failures = refusals = 0
        while True:
            self.state, asked = "connecting", 0.0
            try:
                await self._connection()
                failures = refusals = 0
                reason = "the connection ended"
            except TakenOver as error:
                self.state = "taken over"
                if self._settings.retake_after is None:
                    raise
                log.warning("wecom %s: %s; taking it back later", self.name, error)
                await self._clock.sleep(self._settings.retake_after)
                continue
            except ApiRefused as error:
                refusals += 1
                reason = str(error)
                if refusals >= self._settings.auth_failures:
                    self.state = "refused"
                    raise
            except Retryable as error:
                reason, asked = str(error), error.after
            except (Uncertain, aiohttp.ClientError, TimeoutError, OSError) as error:
                reason = type(error).__name__
            self.state = f"down: {reason}"
            log.warning("wecom %s: %s, connecting again", self.name, reason)
            wait = max(asked, min(LONGEST_WAIT, 2.0 ** min(10, failures + refusals)))
            failures += 1
            await self._clock.sleep(wait * (0.5 + self._ports.luck.random() / 2))

    async def _connection(self) -> None:
        timeout = aiohttp.ClientWSTimeout(ws_close=self._settings.ack_deadline)
        async with asyncio.timeout(self._settings.ack_deadline * 2):
            socket = await self._session.ws_connect(self._settings.ws, max_msg_size=MAX_FRAME, timeout=timeout)
        link = Link(socket, self._settings, self._secret, self._clock, self._ports.ids)
        reading = asyncio.create_task(self._read(link))
        pinging: asyncio.Task[None] | None = None
        try:
            await link.subscribe()
            self._link, self.state = link, "connected"
            pinging = asyncio.create_task(link.keep_alive())
            await reading
        finally:
            self._link = None
            for task in (reading, pinging):
                if task is not None:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
            await link.close()

    async def _read(self, link: Link) -> None:
        async with aclosing(link.pushes()) as pushes:
            async for cmd, req_id, body in pushes:
                await self._pushed(link, cmd, req_id, body)

    async def _pushed(self, link: Link, cmd: str, req_id: str, body: dict[str, Any]) -> None:
        if cmd not in {"aibot_msg_callback", "aibot_event_callback"}:
            log.info("wecom %s: unknown command ignored", self.name)
            return
        try:
            inbound = read_inbound(body, self.name, self._settings.bot_name, self._clock.now())
        except Garbled as error:
            log.warning("wecom %s: a message was not understood: %s", self.name, error)
            return
        if inbound.kind == "disconnected":
            raise TakenOver("another connection took this bot over")
        if inbound.event is None:
            return
        self.talk.remember(inbound.event.id, req_id, inbound, link)
        await self._heard.put(inbound.event)

    def _live(self) -> Link:
        if self._link is None or not self._link.open:
            raise Retryable("the long connection is down", 5.0)
        return self._link

    async def diagnose(self) -> list[Finding]:
        """Never subscribes: that would throw out the live connection, maybe another process's."""
        item = f"智能机器人 {self.name}"
        if self.state != "not started":
            if self.state == "connected":
                return [fine(item, "长连接已订阅")]
            step = "管理后台 > 管理工具 > 智能机器人 > API 模式（长连接），核对 Bot ID 与 Secret"
            return [Finding("error", item, f"长连接状态：{self.state}", step)]
        try:
            async with asyncio.timeout(self._settings.ack_deadline * 2):
                async with self._session.ws_connect(self._settings.ws):
                    pass
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            says = f"连不上长连接地址（{type(error).__name__}）"
            return [Finding("error", item, says, "检查到 openws.work.weixin.qq.com:443 的网络")]
        return [fine(item, "长连接地址可达；Bot ID 与 Secret 启动时才验证（验证会挤掉在线的连接）")]
