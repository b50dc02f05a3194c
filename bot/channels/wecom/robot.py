"""The webhook robot (消息推送) of one internal group: speaks, hears nothing; the key in its address is its secret."""

import asyncio
import base64
import hashlib
from typing import Any

import aiohttp
from pydantic import SecretStr

from bot.channels import Abilities, Hear, Line, Pace, Receipt
from bot.channels.wecom.cards import check_card
from bot.channels.wecom.client import read_file
from bot.channels.wecom.errcodes import Uncertain, describe
from bot.channels.wecom.findings import Finding, failed, fine
from bot.channels.wecom.http import Http, code_of
from bot.channels.wecom.pacing import Windows
from bot.channels.wecom.payload import excess
from bot.channels.wecom.ports import Ports
from bot.channels.wecom.quotas import BYTES
from bot.channels.wecom.settings import ApiSettings, RobotSettings
from bot.errors import ChannelError, Refused, Retryable

IMAGE_BYTES = 2_097_152


class RobotWire:
    """Says lines of one group through its webhook; 20 a minute, more are asked to wait."""

    def __init__(
        self,
        settings: RobotSettings,
        *,
        key: SecretStr,
        session: aiohttp.ClientSession,
        api: ApiSettings,
        ports: Ports,
    ) -> None:
        self.name = settings.name
        self._form = "markdown" if settings.markdown else "text"
        self.abilities = Abilities(
            hears="direct",
            speaks="first",
            joins=False,
            mention=True,
            pictures=True,
            max_bytes=BYTES[f"robot.{self._form}"],
        )
        self.pace = Pace()
        self._settings = settings
        self._key = key
        self._http = Http(session, api)
        self._windows = Windows(settings.limits, ports.clock)

    async def run(self, hear: Hear) -> None:  # noqa: ARG002  a robot has no ears
        await asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        """Nothing is held."""

    async def send(self, line: Line) -> Receipt:
        if line.group != self._settings.group:
            raise Refused("this robot lives in one group only")
        if excess(line.text, self.abilities.max_bytes):
            raise Refused(f"longer than {self.abilities.max_bytes} bytes")
        if line.picture:
            await self._post(await asyncio.to_thread(_image, line.picture))
        if not line.text:
            return Receipt()
        text = line.text
        if self._form == "markdown":
            text = "".join(f"<@{member}>" for member in line.mentions) + text
        content: dict[str, Any] = {"content": text}
        if self._form == "text" and line.mentions:
            content["mentioned_list"] = list(line.mentions)
        return await self._said({"msgtype": self._form, self._form: content})

    async def send_card(self, card: dict[str, Any]) -> Receipt:
        check_card(card, webhook=True)
        return await self._said({"msgtype": "template_card", "template_card": card})

    async def _said(self, body: dict[str, Any]) -> Receipt:
        try:
            await self._post(body)
        except Uncertain as error:
            return Receipt("unknown", error=str(error))
        return Receipt()

    async def _post(self, body: dict[str, Any]) -> None:
        wait = self._windows.take("key")
        if wait:
            raise Retryable("the robot has said its 20 messages of this minute", wait)
        params = {"key": self._key.get_secret_value()}
        answer = await self._http.ask("/cgi-bin/webhook/send", body, params=params, hide=[self._key])
        code = code_of(answer)
        if code != 0:
            raise describe(code, str(answer.get("errmsg", "")), "webhook/send")

    async def diagnose(self) -> list[Finding]:
        """Asks for an upload that cannot succeed: a wrong key shows (93000), and nothing appears in the group."""
        item = f"消息推送 {self.name}"
        params = {"key": self._key.get_secret_value(), "type": "file"}
        try:
            answer = await self._http.ask("/cgi-bin/webhook/upload_media", {}, params=params, hide=[self._key])
        except ChannelError as error:
            return [failed(item, error)]
        code = code_of(answer)
        if code in {93000, 93004, 93008, 45009}:
            return [failed(item, describe(code, str(answer.get("errmsg", "")), "webhook"))]
        return [fine(item, "webhook 地址可达，key 没有被拒绝")]


def _image(file: str) -> dict[str, Any]:
    data = read_file(file, IMAGE_BYTES)
    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return {"msgtype": "image", "image": {"base64": base64.b64encode(data).decode(), "md5": digest}}
