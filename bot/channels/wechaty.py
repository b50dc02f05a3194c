"""The wechaty channel: one WeCom (or WeChat) account behind a Wechaty gateway, in groups and 1:1. Not official: accounts can be banned.

Nothing of the package `wechaty` is imported before `run`: it is an extra, heavy and unmaintained (see wechaty_compat).
"""

import asyncio
import fcntl
import hashlib
import logging
import mimetypes
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.channels import Abilities, Hear, Line, Pace, Receipt
from bot.channels.wechaty_echo import Echoes
from bot.channels.wechaty_kept import Bounded, Clock
from bot.channels.wechaty_read import Said, added, joined, left, message
from bot.channels.wechaty_settings import WechatySettings
from bot.channels.wechaty_state import PHASES, Finding, State
from bot.channels.wechaty_wire import (
    INLINE,
    LinkCard,
    MessagePayload,
    RawEvent,
    box_inline,
    box_uploaded,
    box_url,
    read_box,
    read_sent,
    write_file,
    write_id,
)
from bot.errors import Refused, Retryable
from bot.events import Event, Person

if TYPE_CHECKING:
    from bot.channels.wechaty_puppet import GatewayPuppet

log = logging.getLogger(__name__)

TOO_OFTEN = ("20001", "-4048", "too frequent", "频繁")
"""How the vendor says that the account talks too much (WorkproErrorCode)."""
NOT_LOGGED_IN = ("not logged in", "not login", "未登录", "logout")
RECEIVE, CONFIRM = 2, 1
"""Friendship events: somebody asks; somebody became a contact."""


async def _nobody(_key: str, _platform_id: str) -> None:
    return


@contextmanager
def hold_token(folder: Path, token: str) -> Iterator[None]:
    """Two bots on one token steal the event stream from each other: the second one on this machine is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"yuanzi-wechaty-{hashlib.sha256(token.encode()).hexdigest()[:16]}.lock"
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(PHASES["locked"]) from None
        yield


@dataclass(slots=True)
class _Day:
    """Lines said on one business day."""

    date: str
    sent: int


class WechatyChannel:
    """One account. See docs of the parameters: everything that moves (time, luck, callbacks) is given."""

    def __init__(
        self,
        name: str,
        settings: WechatySettings,
        *,
        clock: Clock,
        luck: Callable[[], float],
        token: str | None = None,
        settle: Callable[[str, str], Awaitable[None]] = _nobody,
        changed: Callable[[State], None] = lambda _state: None,
        renamed: Callable[[str, str], None] = lambda _group, _topic: None,
        already_sent: Callable[[str], int] = lambda _date: 0,
        lock_folder: Path | None = None,
    ) -> None:
        self.name = name
        self.settings = settings
        self.abilities = Abilities(hears="all", speaks=settings.speaks, max_bytes=settings.max_bytes)
        self.pace = Pace(
            account_gap=timedelta(seconds=settings.account_gap_seconds),
            group_gap=timedelta(seconds=settings.group_gap_seconds),
            jitter=timedelta(seconds=settings.jitter_seconds),
        )
        self._clock = clock
        self._luck = luck
        self._given_token = token
        self._settle = settle
        self._changed = changed
        self._renamed = renamed
        self._already_sent = already_sent
        self._lock_folder = lock_folder or Path(tempfile.gettempdir())
        self._zone = ZoneInfo(settings.zone)
        self._puppet: GatewayPuppet | None = None
        self._hear: Hear | None = None
        self._last_state = State()
        self._talking = settings.talking
        self._paused_until: datetime | None = None
        self._day = _Day("", 0)
        self._echoes = Echoes()
        self._said: Bounded[str, Said] = Bounded(2000)
        self._asked_to_stop = asyncio.Event()

    # ---- listening ----

    async def run(self, hear: Hear) -> None:
        """Listens until cancelled or closed. Trouble with the network is a state, not an exception."""
        token = self._token()
        if not token:
            raise Refused(f"没有 token：请设置环境变量 {self.settings.token_env}")
        try:
            from bot.channels.wechaty_bot import Bot, Ears
            from bot.channels.wechaty_puppet import GatewayPuppet
        except ImportError as error:
            raise Refused(f"未安装 wechaty：pip install 'yuanzi[wechaty]'（{error.name or error}）") from None
        self._asked_to_stop.clear()
        self._hear = hear
        try:
            with hold_token(self._lock_folder, token):
                puppet = self._puppet = GatewayPuppet(
                    self.settings, token, clock=self._clock, luck=self._luck, changed=self._tell
                )
                ears = Ears(self._on_message, self._on_joined, self._on_left, self._renamed, self._on_friendship)
                await Bot(puppet, ears).attach()
                await self._run_until_stopped(puppet)
        except Refused as error:
            self._last_state = replace(self._last_state, phase="locked", reason=str(error))
            raise
        finally:
            if self._puppet is not None:
                self._last_state = self._puppet.state
            self._puppet = None

    async def _run_until_stopped(self, puppet: "GatewayPuppet") -> None:
        running = asyncio.ensure_future(puppet.run())
        stopped = asyncio.ensure_future(self._asked_to_stop.wait())
        try:
            await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            if not running.done():
                running.cancel()
            results = await asyncio.gather(running, return_exceptions=True)
        if isinstance(results[0], Exception):
            raise results[0]

    async def close(self) -> None:
        """Ends `run`; what was being handled may not have become durable and will be read again by its id."""
        self._asked_to_stop.set()

    def _token(self) -> str:
        return (
            self._given_token if self._given_token is not None else os.environ.get(self.settings.token_env, "")
        ).strip()

    def _tell(self, state: State) -> None:
        self._last_state = state
        self._changed(self.state())

    async def _tell_engine(self, event: Event) -> None:
        assert self._hear is not None
        try:
            await self._hear(event)
        except Exception as error:
            if self._puppet is not None:
                self._puppet.fail(error)  # the engine cannot remember: stop listening, and say why
            raise

    async def _on_message(self, payload: MessagePayload) -> None:
        puppet = self._puppet
        assert puppet is not None
        account = puppet.state.account
        if payload.from_id and payload.from_id == account:
            await self._on_own(payload)
            return
        if payload.timestamp and payload.timestamp < puppet.opened_at - self.settings.catch_up_seconds:
            puppet.counts.history += 1
            return
        if not payload.from_id:
            puppet.counts.strange += 1
            return
        own = (await puppet.contact_payload(account)).name if account and payload.room_id else ""
        event = message(
            self.name,
            payload,
            account=account,
            names=(own,) if own else (),
            member_name=(await puppet.contact_payload(payload.from_id)).name,
            now=self._clock.now(),
            find=self._find_said,
        )
        await self._tell_engine(event)
        if event.text:
            where = payload.room_id or payload.from_id
            said = Said(payload.id, payload.from_id, event.text)
            self._said[payload.id] = said
            self._said[f"{where}\x00{event.text}"] = said

    def _find_said(self, where: str, message_id: str, line: str) -> Said | None:
        return self._said.get(message_id) or self._said.get(f"{where}\x00{line}")

    async def _on_own(self, payload: MessagePayload) -> None:
        """Never heard, so that the bot does not answer itself; but it may be the echo of a send without answer."""
        assert self._puppet is not None
        self._puppet.counts.own += 1
        form = {1: "file", 6: "picture", 7: "text", 14: "link"}.get(payload.kind, "other")
        conversation = payload.room_id or payload.to_id
        await self._settle_all(self._echoes.heard(payload.id, conversation, form, payload.text))
        if payload.text:
            said = Said(payload.id, payload.from_id, payload.text)
            self._said[payload.id] = self._said[f"{conversation}\x00{payload.text}"] = said

    async def _people(self, ids: list[str]) -> list[Person]:
        assert self._puppet is not None
        return [Person(person, (await self._puppet.contact_payload(person)).name) for person in ids]

    async def _on_joined(self, event: RawEvent) -> None:
        people = await self._people(event.ids("inviteeIdList"))
        fact = joined(self.name, event, account=self._last_state.account, people=people, now=self._clock.now())
        if fact is not None:
            await self._tell_engine(fact)

    async def _on_left(self, event: RawEvent) -> None:
        people = await self._people(event.ids("removeeIdList"))
        fact = left(self.name, event, account=self._last_state.account, people=people, now=self._clock.now())
        if fact is not None:
            await self._tell_engine(fact)

    async def _on_friendship(self, request: str, payload: Any) -> None:
        assert self._puppet is not None
        kind, contact = int(payload.type), payload.contact_id
        if kind == RECEIVE:
            rule, greeting = self.settings.friends, payload.hello
            words = rule == "words" and any(word and word in greeting for word in self.settings.friend_words)
            if rule != "accept" and not words:
                log.info("wechaty: a friend request waits for a person")
                return
            await self._puppet.friendship_accept(request)
        elif kind != CONFIRM:
            return
        if contact:
            name = (await self._puppet.contact_payload(contact)).name
            await self._tell_engine(added(self.name, contact, name, self._clock.now()))

    async def fetch_media(self, media: str) -> bytes:
        """The bytes of a picture or file that was noted (`MessageReceived.media`)."""
        puppet = self._ready_puppet()
        from bot.channels.wechaty_link import LinkFailure

        try:
            box = read_box(await puppet.ask("MessageFile", write_id(media)))
            if box.get("base64"):
                import base64

                return base64.b64decode(box["base64"])
            if uuid := box.get("uuid"):
                return await puppet.download(str(uuid))
        except (LinkFailure, ValueError) as error:
            raise Retryable(f"取不到文件：{error}", after=5.0) from None
        raise Refused("网关没有给出文件内容")

    # ---- speaking ----

    async def send(self, line: Line) -> Receipt:
        """One line out. Unknown means: no answer came, it may have arrived; its echo will settle it, nobody may repeat it."""
        to = line.group or line.member
        if not to:
            raise Refused("没有说给谁")
        receipt = Receipt()
        if line.text:
            text = await self._with_names(line) if line.mentions and line.group else line.text
            receipt = await self._put(
                line.key, to, "text", text, lambda puppet: puppet.message_send_text(to, text, list(line.mentions))
            )
        if line.picture and receipt.state == "sent":
            try:
                picture = await self.send_file(to, line.picture, key=line.key)
            except (Retryable, Refused) as error:
                if not line.text:
                    raise
                log.error("wechaty: the text of %s was sent, its picture was not: %s", line.key, error)  # noqa: TRY400
                return replace(receipt, error=str(error))
            receipt = picture if not line.text else replace(picture, platform_id=receipt.platform_id)
        return receipt

    async def send_file(self, to: str, source: str, *, key: str) -> Receipt:
        """A picture or any other file: a path, or a URL that the gateway fetches itself."""
        if source.startswith(("http://", "https://")):
            box = box_url(Path(source.split("?", 1)[0]).name or "file", source)
        else:
            path = Path(source)
            try:
                data = await asyncio.to_thread(path.read_bytes)
            except OSError as error:
                raise Refused(f"读不到文件 {path.name}：{error.strerror}") from None
            box = await self._box(path.name, data)
        request = write_file(to, box)

        async def put(puppet: "GatewayPuppet") -> str:
            return read_sent(await puppet.ask("MessageSendFile", request, seconds=self.settings.upload_seconds))

        return await self._put(key, to, "picture", "", put)

    async def send_link(self, to: str, card: LinkCard, *, key: str) -> Receipt:
        return await self._put(key, to, "link", card.url, lambda puppet: puppet.send_link(to, card))

    async def _box(self, name: str, data: bytes) -> dict[str, Any]:
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if len(data) <= INLINE:
            return box_inline(name, media_type, data)
        from bot.channels.wechaty_link import LinkFailure

        try:
            uuid = await self._ready_puppet().upload(data)
        except LinkFailure as error:
            raise Retryable(f"文件没有传到网关：{error}", after=5.0) from None
        return box_uploaded(name, media_type, len(data), uuid)

    async def _with_names(self, line: Line) -> str:
        """A mention shows only where the text names the person too."""
        puppet = self._ready_puppet()
        names = [(await puppet.contact_payload(member)).name for member in line.mentions]
        missing = [f"@{name}\u2005" for name in names if name and f"@{name}" not in line.text]
        return "".join(missing) + line.text

    async def _put(
        self, key: str, to: str, form: str, text: str, call: Callable[["GatewayPuppet"], Awaitable[str]]
    ) -> Receipt:
        from bot.channels.wechaty_link import Late, LinkFailure, LinkLost, Turned

        puppet = self._ready_puppet()
        handle = self._echoes.begin(key, to, form, text)
        self._count_line()
        try:
            platform_id = await call(puppet)
        except Turned as error:
            if error.status not in {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "ABORTED", "DATA_LOSS"}:
                await self._settle_all(self._echoes.refused(handle))
                self._day.sent -= 1
                raise self._why_not(error.status, puppet._clean(error)) from None
            return await self._unknown(puppet, handle, puppet._clean(error))
        except LinkLost as error:
            if not error.reached:
                await self._settle_all(self._echoes.refused(handle))
                self._day.sent -= 1
                raise Retryable(f"没有连上网关：{puppet._clean(error)}", after=2.0) from None
            return await self._unknown(puppet, handle, puppet._clean(error))
        except (Late, LinkFailure, ValueError) as error:
            return await self._unknown(puppet, handle, puppet._clean(error))
        except asyncio.CancelledError:
            self._echoes.lost(handle)
            raise
        puppet.counts.sent += 1
        await self._settle_all(self._echoes.succeeded(handle, platform_id))
        return Receipt("sent", platform_id)

    async def _unknown(self, puppet: "GatewayPuppet", handle: str, reason: str) -> Receipt:
        platform_id, others = self._echoes.lost(handle)
        await self._settle_all(others)
        if platform_id:  # its echo was faster than the missing answer
            puppet.counts.sent += 1
            return Receipt("sent", platform_id)
        puppet.counts.unknown += 1
        return Receipt("unknown", error=reason)

    def _why_not(self, status: str, reason: str) -> Exception:
        """The gateway refused: for now or for good? Nothing was sent."""
        lowered = reason.lower()
        if any(word in lowered for word in TOO_OFTEN):
            pause = timedelta(minutes=self.settings.limit_pause_minutes)
            self._paused_until = self._clock.now() + pause
            log.error("wechaty: the platform says that the account talks too often; silent for %s", pause)
            self._changed(self.state())
            return Retryable(f"平台限制发言：{reason}", after=pause.total_seconds())
        if any(word in lowered for word in NOT_LOGGED_IN):
            if self._puppet is not None:
                self._puppet.logged_out(reason)
            return Retryable(f"账号未登录：{reason}", after=30.0)
        if status in {"UNAUTHENTICATED", "PERMISSION_DENIED"}:
            return Retryable(f"网关拒绝了 token：{reason}", after=60.0)
        return Refused(reason)

    async def _settle_all(self, settled: list[tuple[str, str]]) -> None:
        for key, platform_id in settled:
            if self._puppet is not None:
                self._puppet.counts.settled += 1
            await self._settle(key, platform_id)

    def expect_echo(self, line: Line) -> None:
        """An earlier process left this line unknown: its echo, should it still come, settles it."""
        form = "text" if line.text else "picture"
        self._echoes.begin(line.key, line.group or line.member or "", form, line.text, flying=False)

    def mute(self) -> None:
        """The stop switch, at run time."""
        self._talking = False
        self._changed(self.state())

    def unmute(self) -> None:
        self._talking = True
        self._paused_until = None
        self._changed(self.state())

    def _ready_puppet(self) -> "GatewayPuppet":
        """The puppet, if a line may be said now; else Retryable with the reason and when to try again."""
        reason, after = self._silence()
        if reason:
            raise Retryable(reason, after=after)
        puppet = self._puppet
        if puppet is None or puppet.state.phase != "connected":
            raise Retryable(f"网关{PHASES[self._last_state.phase]}", after=2.0)
        if not puppet.state.logged_in:
            raise Retryable("账号未登录", after=10.0)
        return puppet

    def _silence(self) -> tuple[str, float]:
        if not self._talking:
            return "发言开关已关闭", 60.0
        now = self._clock.now()
        if self._paused_until is not None:
            left = (self._paused_until - now).total_seconds()
            if left > 0:
                return "平台说发得太频繁，正在冷却", left
            self._paused_until = None
        budget = self.settings.day_budget
        if budget and self._today().sent >= budget:
            local = now.astimezone(self._zone)
            midnight = datetime.combine(local.date() + timedelta(days=1), time(), self._zone)
            return f"今天已发满 {budget} 条", (midnight - local).total_seconds()
        return "", 0.0

    def _today(self) -> _Day:
        date = self._clock.now().astimezone(self._zone).date().isoformat()
        if date != self._day.date:
            self._day = _Day(date, self._already_sent(date))
        return self._day

    def _count_line(self) -> None:
        self._today().sent += 1

    # ---- being looked at ----

    def state(self) -> State:
        puppet = self._puppet
        return replace(
            puppet.state if puppet is not None else self._last_state,
            silent=self._silence()[0],
            sent_today=self._today().sent,
            day_budget=self.settings.day_budget,
            calls=dict(puppet.calls) if puppet is not None else {},
        )

    async def diagnose(self) -> list[Finding]:
        """What `yuanzi doctor` says about this account. Touches nothing: no stream is opened, no running bot disturbed."""
        from bot.channels.wechaty_doctor import examine

        return await examine(self.settings, self._token(), self.state(), self._lock_folder)
