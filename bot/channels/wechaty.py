"""The wechaty channel: one WeCom or WeChat account behind a Wechaty gateway. Not official: such accounts can be banned.

Nothing of the package `wechaty` is imported before `run`: it is an extra, heavy and unmaintained (see wechaty_compat).
"""

import asyncio
import base64
import logging
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.channels import Abilities, Hear, Line, Pace, Receipt
from bot.channels.wechaty_doctor import examine
from bot.channels.wechaty_failures import LinkFailure
from bot.channels.wechaty_kept import Bounded, Clock
from bot.channels.wechaty_lock import hold_token
from bot.channels.wechaty_mouth import Mouth
from bot.channels.wechaty_read import Said, added, joined, left, message
from bot.channels.wechaty_settings import WechatySettings
from bot.channels.wechaty_state import Finding, State
from bot.channels.wechaty_wire import FORMS, LinkCard, MessagePayload, RawEvent, read_box, write_id
from bot.errors import Refused, Retryable
from bot.events import Event, Person

if TYPE_CHECKING:
    from bot.channels.wechaty_puppet import GatewayPuppet

log = logging.getLogger(__name__)

RECEIVE, CONFIRM = 2, 1
"""Friendship events: somebody asks; somebody became a contact."""


async def _nobody(_key: str, _platform_id: str) -> None:
    return


class WechatyChannel:
    """One account.

    `settle(key, platform_id)`: a line that was sent with unknown outcome did arrive. `changed(state)`: for alerts.
    `renamed(group, topic)`: a group has a new name. `already_sent(date)`: lines sent on that business day by earlier
    processes. `lock_folder`: shared by all bots of this machine.
    """

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
        self._changed = changed
        self._renamed = renamed
        self._lock_folder = lock_folder or Path(tempfile.gettempdir())
        self._mouth = Mouth(
            settings,
            clock=clock,
            settle=settle,
            changed=lambda: self._changed(self.state()),
            already_sent=already_sent,
        )
        self._puppet: GatewayPuppet | None = None
        self._hear: Hear | None = None
        self._last_state = State()
        self._said: Bounded[str, Said] = Bounded(2000)
        self._asked_to_stop = asyncio.Event()

    # ---- listening ----

    async def run(self, hear: Hear) -> None:
        """Listens until cancelled or closed. Trouble with the network is a state, not an exception."""
        token = self._token()
        if not token:
            raise Refused(f"没有 token：请设置环境变量 {self.settings.token_env}")
        try:
            from bot.channels.wechaty_bot import Bot, Ears  # noqa: PLC0415  # see the first lines
            from bot.channels.wechaty_puppet import GatewayPuppet  # noqa: PLC0415
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
                self._mouth.puppet = puppet
                await Bot(puppet, ears).attach()
                await self._run_until_stopped(puppet)
        except Refused as error:
            self._last_state = replace(self._last_state, phase="locked", reason=str(error))
            raise
        finally:
            if self._puppet is not None:
                self._last_state = self._puppet.session.state
            self._puppet = self._mouth.puppet = None

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
        await self._or_stop(self._hear(event))

    async def _or_stop(self, work: Awaitable[object]) -> None:
        """A bot that cannot remember must not listen on: what the host raises ends `run`."""
        try:
            await work
        except Exception as error:
            if self._puppet is not None:
                self._puppet.fail(error)
            raise

    async def _on_message(self, payload: MessagePayload) -> None:
        puppet = self._puppet
        assert puppet is not None
        account = puppet.session.state.account
        if payload.from_id and payload.from_id == account:
            await self._on_own(payload)
            return
        if payload.timestamp and payload.timestamp < puppet.session.opened_at - self.settings.catch_up_seconds:
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
        form = FORMS.get(payload.kind, "other")
        conversation = payload.room_id or payload.to_id
        await self._or_stop(self._mouth.heard_own(payload.id, conversation, form, payload.text))
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
        puppet = self._mouth.puppet
        if puppet is None:
            raise Retryable("网关未连接", after=5.0)
        session, rules = puppet.session, self.settings
        try:
            box = read_box(await session.ask("MessageFile", write_id(media)))
            if box.get("base64"):
                return base64.b64decode(box["base64"])
            if uuid := box.get("uuid"):
                most = rules.media_most_bytes
                return await session.link().download(str(uuid), seconds=rules.upload_seconds, most=most)
        except (LinkFailure, ValueError) as error:
            raise Retryable(f"取不到文件：{session.clean(error)}", after=5.0) from None
        raise Refused("网关没有给出文件内容")

    # ---- speaking ----

    async def send(self, line: Line) -> Receipt:
        """One line out. Unknown: no answer came, it may have arrived; its echo settles it, nobody may repeat it."""
        return await self._mouth.send(line)

    async def send_file(self, to: str, source: str, *, key: str) -> Receipt:
        """A picture or any other file, a path or a URL, to a group or a member."""
        return await self._mouth.send_file(to, source, key=key)

    async def send_link(self, to: str, card: LinkCard, *, key: str) -> Receipt:
        """A link as a card, to a group or a member."""
        return await self._mouth.send_link(to, card, key=key)

    def expect_echo(self, line: Line) -> None:
        """An earlier process left this line unknown: its echo, should it still come, settles it."""
        self._mouth.expect_echo(line)

    def mute(self) -> None:
        """The stop switch: goes on listening, says nothing; what is to be sent waits."""
        self._mouth.mute()

    def unmute(self) -> None:
        """Also ends a pause that the platform's "too often" began."""
        self._mouth.unmute()

    # ---- being looked at ----

    def state(self) -> State:
        puppet = self._puppet
        return replace(
            puppet.session.state if puppet is not None else self._last_state,
            silent=self._mouth.silence()[0],
            sent_today=self._mouth.today().sent,
            day_budget=self.settings.day_budget,
            calls=dict(puppet.session.calls) if puppet is not None else {},
        )

    async def diagnose(self) -> list[Finding]:
        """What `yuanzi doctor` says about this account. No stream is opened, no running bot disturbed."""
        return await examine(self.settings, self._token(), self.state(), self._lock_folder)
