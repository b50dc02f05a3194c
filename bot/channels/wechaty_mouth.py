"""How a Wechaty account speaks: what was sent, what was not, what nobody knows; day budget, pauses, stop switch."""

import asyncio
import logging
import mimetypes
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.channels import Line, Receipt
from bot.channels.wechaty_echo import Echoes
from bot.channels.wechaty_failures import LinkFailure, LinkLost, Turned
from bot.channels.wechaty_kept import Clock
from bot.channels.wechaty_settings import WechatySettings
from bot.channels.wechaty_state import PHASES, State
from bot.channels.wechaty_wire import INLINE, LinkCard, box_inline, box_uploaded, box_url, read_sent, write_file
from bot.errors import Refused, Retryable

if TYPE_CHECKING:
    from bot.channels.wechaty_puppet import GatewayPuppet

log = logging.getLogger(__name__)

TOO_OFTEN = re.compile(r"(?<!\d)20001(?!\d)|-4048(?!\d)|too frequent|频繁")
"""How the vendor says that the account talks too much (WorkproErrorCode)."""
NOT_LOGGED_IN = ("not logged in", "not login", "未登录", "logout")
MAYBE_DONE = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "ABORTED", "DATA_LOSS"})
"""Answers that do not say whether the line went out."""


@dataclass(slots=True)
class _Day:
    """Lines said on one business day."""

    date: str
    sent: int


class Mouth:
    """One for the life of the channel; the puppet below it comes and goes with `run`."""

    def __init__(
        self,
        settings: WechatySettings,
        *,
        clock: Clock,
        settle: Callable[[str, str], Awaitable[None]],
        changed: Callable[[], None],
        already_sent: Callable[[str], int],
    ) -> None:
        self.puppet: GatewayPuppet | None = None
        self.settings = settings
        self._clock = clock
        self._settle = settle
        self._changed = changed
        self._already_sent = already_sent
        self._zone = ZoneInfo(settings.zone)
        self._talking = settings.talking
        self._paused_until: datetime | None = None
        self._day = _Day("", 0)
        self._echoes = Echoes()

    async def send(self, line: Line) -> Receipt:
        """One line out, with its picture."""
        to = line.group or line.member
        if not to:
            raise Refused("没有说给谁")
        box = await self._box(line.picture) if line.picture else None  # may fail, and then nothing was sent
        receipt = Receipt()
        if line.text:
            mentions = list(line.mentions) if line.group else []
            text = await self._with_names(mentions, line.text)
            receipt = await self._put(
                line.key, to, "text", text, lambda puppet: puppet.message_send_text(to, text, mentions)
            )
        if box is None or receipt.state != "sent":
            return receipt
        try:
            picture = await self._put_box(to, box, key=line.key)
        except (Retryable, Refused) as error:
            if not line.text:
                raise
            log.error("wechaty: the text of %s was sent, its picture was not: %s", line.key, error)  # noqa: TRY400
            return replace(receipt, error=str(error))
        return replace(picture, platform_id=receipt.platform_id or picture.platform_id)

    async def send_file(self, to: str, source: str, *, key: str) -> Receipt:
        """A picture or any other file: a path, or a URL that the gateway fetches itself."""
        return await self._put_box(to, await self._box(source), key=key)

    async def _put_box(self, to: str, box: dict[str, Any], *, key: str) -> Receipt:
        request = write_file(to, box)

        async def put(puppet: "GatewayPuppet") -> str:
            return read_sent(await puppet.session.ask("MessageSendFile", request, seconds=self.settings.upload_seconds))

        return await self._put(key, to, "picture", "", put)

    async def send_link(self, to: str, card: LinkCard, *, key: str) -> Receipt:
        return await self._put(key, to, "link", card.url, lambda puppet: puppet.send_link(to, card))

    async def _box(self, source: str) -> dict[str, Any]:
        if source.startswith(("http://", "https://")):
            return box_url(Path(source.split("?", 1)[0]).name or "file", source)
        path = Path(source)
        try:
            data = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise Refused(f"读不到文件 {path.name}：{error.strerror}") from None
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        if len(data) <= INLINE:
            return box_inline(path.name, media_type, data)
        puppet = self.ready()
        try:
            uuid = await puppet.session.link().upload(data, seconds=self.settings.upload_seconds)
        except LinkFailure as error:
            raise Retryable(f"文件没有传到网关：{puppet.session.clean(error)}", after=5.0) from None
        return box_uploaded(path.name, media_type, len(data), uuid)

    async def _with_names(self, mentions: list[str], text: str) -> str:
        """A mention shows only where the text names the person too."""
        puppet = self.ready()
        names = [(await puppet.contact_payload(member)).name for member in mentions]
        missing = [f"@{name}\u2005" for name in names if name and f"@{name}" not in text]
        return "".join(missing) + text

    async def _put(
        self, key: str, to: str, form: str, text: str, call: Callable[["GatewayPuppet"], Awaitable[str]]
    ) -> Receipt:
        puppet = self.ready()
        handle = self._echoes.begin(key, to, form, text)
        self.today().sent += 1
        try:
            platform_id = await call(puppet)
        except Turned as error:
            if error.status not in MAYBE_DONE:
                await self.settle_all(self._echoes.refused(handle))
                self._day.sent -= 1
                raise self._why_not(error.status, puppet.session.clean(error)) from None
            return await self._unknown(puppet, handle, puppet.session.clean(error))
        except LinkLost as error:
            if not error.reached:
                await self.settle_all(self._echoes.refused(handle))
                self._day.sent -= 1
                raise Retryable(f"没有连上网关：{puppet.session.clean(error)}", after=2.0, tried=False) from None
            return await self._unknown(puppet, handle, puppet.session.clean(error))
        except (LinkFailure, ValueError) as error:
            return await self._unknown(puppet, handle, puppet.session.clean(error))
        except asyncio.CancelledError:
            self._echoes.lost(handle)
            raise
        puppet.counts.sent += 1
        await self.settle_all(self._echoes.succeeded(handle, platform_id))
        return Receipt("sent", platform_id)

    async def _unknown(self, puppet: "GatewayPuppet", handle: str, reason: str) -> Receipt:
        platform_id, others = self._echoes.lost(handle)
        await self.settle_all(others)
        if platform_id:  # its echo was faster than the missing answer
            puppet.counts.sent += 1
            return Receipt("sent", platform_id)
        puppet.counts.unknown += 1
        return Receipt("unknown", error=reason)

    def _why_not(self, status: str, reason: str) -> Exception:
        """The gateway refused: for now or for good? Nothing was sent."""
        lowered = reason.lower()
        if TOO_OFTEN.search(lowered):
            pause = timedelta(minutes=self.settings.limit_pause_minutes)
            self._paused_until = self._clock.now() + pause
            log.error("wechaty: the platform says that the account talks too often; silent for %s", pause)
            self._changed()
            return Retryable(f"平台限制发言：{reason}", after=pause.total_seconds(), tried=False)
        if any(word in lowered for word in NOT_LOGGED_IN):
            if self.puppet is not None:
                self.puppet.session.change(logged_in=False, reason=reason)
            return Retryable(f"账号未登录：{reason}", after=30.0, tried=False)
        if status in {"UNAUTHENTICATED", "PERMISSION_DENIED"}:
            return Retryable(f"网关拒绝了 token：{reason}", after=60.0)
        return Refused(reason)

    async def settle_all(self, settled: list[tuple[str, str]]) -> None:
        for key, platform_id in settled:
            if self.puppet is not None:
                self.puppet.counts.settled += 1
            await self._settle(key, platform_id)

    def expect_echo(self, line: Line) -> None:
        """An earlier process left this line unknown: its echo, should it still come, settles it."""
        form = "text" if line.text else "picture"
        self._echoes.begin(line.key, line.group or line.member or "", form, line.text, flying=False)

    def mute(self) -> None:
        """The stop switch, at run time."""
        self._talking = False
        self._changed()

    def unmute(self) -> None:
        self._talking = True
        self._paused_until = None
        self._changed()

    def ready(self) -> "GatewayPuppet":
        """The puppet, if a line may be said now; else Retryable with the reason and when to try again."""
        reason, after = self.silence()
        if reason:
            raise Retryable(reason, after=after, tried=False)
        puppet = self.puppet
        state = puppet.session.state if puppet is not None else State()
        if puppet is None or state.phase != "connected":
            raise Retryable(f"网关：{PHASES[state.phase]}", after=2.0, tried=False)
        if not state.logged_in:
            raise Retryable("账号未登录", after=10.0, tried=False)
        return puppet

    def silence(self) -> tuple[str, float]:
        if not self._talking:
            return "发言开关已关闭", 60.0
        now = self._clock.now()
        if self._paused_until is not None:
            left = (self._paused_until - now).total_seconds()
            if left > 0:
                return "平台说发得太频繁，正在冷却", left
            self._paused_until = None
        budget = self.settings.day_budget
        if budget and self.today().sent >= budget:
            local = now.astimezone(self._zone)
            midnight = datetime.combine(local.date() + timedelta(days=1), time(), self._zone)
            return f"今天已发满 {budget} 条", (midnight - local).total_seconds()
        return "", 0.0

    def today(self) -> _Day:
        date = self._clock.now().astimezone(self._zone).date().isoformat()
        if date != self._day.date:
            self._day = _Day(date, self._already_sent(date))
        return self._day

    async def heard_own(self, platform_id: str, conversation: str, form: str, line: str) -> None:
        """A message of our own account came by: perhaps the echo of a send without answer."""
        await self.settle_all(self._echoes.heard(platform_id, conversation, form, line))
