"""Staying connected to a Wechaty gateway for ever: sessions that may end in any way, and the next one after a back-off.

It also knows what the gateway says about the account itself: logged in, logged out, a code to scan.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from bot.channels.wechaty_failures import Late, LinkFailure, LinkLost, Turned
from bot.channels.wechaty_kept import Clock, end
from bot.channels.wechaty_link import Endpoint, Link, discover, tls_context
from bot.channels.wechaty_settings import WechatySettings
from bot.channels.wechaty_state import Phase, State
from bot.channels.wechaty_wire import RawEvent, WireError, read_event, text, write_event_request

log = logging.getLogger(__name__)

STEADY_SECONDS = 5.0
"""A session that lived this long starts the back-off afresh."""
TRIES_BEFORE_TAKEOVER = 3


class Session:
    """The one connection of one account, over all its lives."""

    def __init__(
        self,
        settings: WechatySettings,
        token: str,
        *,
        clock: Clock,
        luck: Callable[[], float],
        take: Callable[[RawEvent], Awaitable[None]],
        changed: Callable[[State], None],
    ) -> None:
        self.settings = settings
        self.state = State()
        self.counts = self.state.counts
        self.calls: Counter[str] = Counter()
        self.opened_at = 0.0
        """When the present stream opened, in seconds since 1970."""
        self.linked = asyncio.Event()
        self._token = token
        self._clock = clock
        self._luck = luck
        self._pass_on = take
        self._changed = changed
        self._link: Link | None = None
        self._doubt = asyncio.Event()
        self._heard_at = 0.0
        self._dongs = 0
        self._waiting_for_room = False
        self._had_stream = False
        self._last_endpoint: Endpoint | None = None
        self._seq = 0

    def change(self, **what: Any) -> None:
        state = replace(self.state, **what)
        if state != self.state:
            self.state = replace(state, since=self._clock.now())
            self._changed(self.state)

    async def run(self) -> None:
        """Until cancelled."""
        tries = 0
        while True:
            began = self._clock.monotonic()
            phase, reason = await self._session()
            tries = 0 if self._clock.monotonic() - began > STEADY_SECONDS else tries + 1
            delay = self._delay(phase, tries)
            self.change(phase=phase, reason=reason, tries=tries)
            level = logging.ERROR if phase == "refused" else logging.WARNING
            log.log(level, "wechaty: %s; next try in %.1f s: %s", phase, delay, reason)
            await self._clock.sleep(delay)

    def _delay(self, phase: Phase, tries: int) -> float:
        """Doubling, bounded, and spread by luck, so that many bots do not knock at once."""
        rules = self.settings
        slow = phase == "refused"
        first, most = (
            (rules.refused_first_seconds, rules.refused_most_seconds)
            if slow
            else (rules.retry_first_seconds, rules.retry_most_seconds)
        )
        full: float = min(most, first * 2.0 ** min(max(tries - 1, 0), 30))
        return full * (0.5 + 0.5 * self._luck())

    async def _session(self) -> tuple[Phase, str]:
        """One connection from its opening to its end, and why it ended."""
        try:
            self.change(phase="searching")
            endpoint = await self._find()
            self.change(phase="connecting")
            tls = tls_context(self.settings.tls_ca) if self.settings.tls else None
            link = Link(endpoint, self._token, tls=tls, tls_name=self.settings.tls_name)
        except (LinkFailure, OSError, ValueError) as error:
            return "waiting", self.clean(error)
        link.calls = self.calls
        try:
            await link.call("Start", seconds=self.settings.start_seconds)
            await self._live(link)
        except Turned as error:
            if error.status in {"UNAUTHENTICATED", "PERMISSION_DENIED"}:
                return "refused", self.clean(error)
            if error.status == "ALREADY_EXISTS":
                return await self._evict(link, error)
            return "waiting", self.clean(error)
        except (LinkFailure, WireError) as error:
            return "waiting", self.clean(error)
        finally:
            if self._link is link:
                self._drop_link()
            link.close()
        return "waiting", "the gateway ended the event stream"

    async def _find(self) -> Endpoint:
        rules = self.settings
        if rules.endpoint:
            return Endpoint.read(rules.endpoint)
        try:
            found = await discover(rules.discovery, self._token, tls=rules.discovery_tls, seconds=rules.call_seconds)
        except LinkLost:
            if self._last_endpoint is None:
                raise
            return self._last_endpoint
        self._last_endpoint = found
        return found

    async def _live(self, link: Link) -> None:
        """Reads the stream while a probe watches over it; returns or raises with whichever ends first."""
        self._link = link
        self.linked.set()
        self._doubt.clear()
        self._waiting_for_room = False
        self._heard_at = self._clock.monotonic()
        self.opened_at = self._clock.now().timestamp()
        request = write_event_request(self._seq, self.state.account if self._seq else "")
        reader = asyncio.ensure_future(link.listen(request, self._take))
        probe = asyncio.ensure_future(self._probe(link))
        try:
            done, _ = await asyncio.wait({reader, probe}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            link.close()
            await end((reader, probe))

    def _drop_link(self) -> None:
        self.linked.clear()
        if self._link is not None:
            self._link.close()
            self._link = None

    async def _evict(self, link: Link, error: Turned) -> tuple[Phase, str]:
        """Our own half-open stream holds the place, or a crashed bot's: end it (unless `takeover` is off)."""
        ours = self._had_stream or self.state.tries >= TRIES_BEFORE_TAKEOVER
        if self.settings.takeover and ours:
            with contextlib.suppress(LinkFailure):
                await link.call("Stop", seconds=self.settings.start_seconds)
        return "taken", self.clean(error)

    async def _probe(self, link: Link) -> None:
        """After a silence, or after a call without answer, asks whether the gateway is there; raises if it is not."""
        rules = self.settings
        while True:
            idle = rules.probe_seconds - (self._clock.monotonic() - self._heard_at)
            if idle > 0 and not self._doubt.is_set():
                await self._sleep_or_doubt(idle)
                continue
            doubted = self._doubt.is_set()
            self._doubt.clear()
            with contextlib.suppress(Turned):
                await link.call("Version", seconds=rules.call_seconds)
            if doubted:
                continue
            asked_at = self._heard_at = self._clock.monotonic()
            with contextlib.suppress(Turned):
                await link.call("Ding", text(1, "yuanzi"), seconds=rules.call_seconds)
            await self._sleep_or_doubt(rules.call_seconds)
            # The connection lives; does the stream? Only a gateway that is known to answer dings can be told deaf.
            if self._dongs and self._heard_at == asked_at and not self._waiting_for_room:
                raise LinkLost("the gateway answers calls, but its event stream is dead")

    async def _sleep_or_doubt(self, seconds: float) -> None:
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        doubt = asyncio.ensure_future(self._doubt.wait())
        try:
            await asyncio.wait({sleep, doubt}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            doubt.cancel()

    def clean(self, error: BaseException) -> str:
        """The reason without the token, on one line."""
        reason = f"{error}" or type(error).__name__
        return " ".join(reason.replace(self._token, "***").split())[:200]

    async def ask(self, method: str, request: bytes = b"", *, seconds: float | None = None) -> bytes:
        """One call over the present connection."""
        try:
            return await self.link().call(method, request, seconds=seconds or self.settings.call_seconds)
        except Late:
            self._doubt.set()
            raise

    def link(self) -> Link:
        """The present connection."""
        if self._link is None:
            raise LinkLost("not connected")
        return self._link

    async def _take(self, data: bytes) -> None:
        """One event off the stream. Nothing more is read until it is passed on: that is the back-pressure."""
        self._heard_at = self._clock.monotonic()
        self.counts.events += 1
        try:
            event = read_event(data)
        except WireError:
            self.counts.strange += 1
            return
        if event.seq:
            self._seq = event.seq
        if self.state.phase != "connected":
            self._had_stream = True
            self.counts.connects += 1
            self.change(phase="connected", reason="", tries=0)
        self._note(event)
        self._waiting_for_room = True
        await self._pass_on(event)
        self._waiting_for_room = False

    def _note(self, event: RawEvent) -> None:
        """What an event says about the account itself."""
        match event.name:
            case "":
                self.counts.strange += 1
            case "dong":
                self._dongs += 1
            case "error":
                self.counts.errors += 1
                reason = self.clean(ValueError(str(event.data.get("data") or event.data.get("gerror") or event.data)))
                log.warning("wechaty: the gateway reports an error: %s", reason)
            case "login":
                self.change(logged_in=True, account=event.get("contactId"), qrcode="", reason="")
            case "logout":
                reason = self.clean(ValueError(event.get("data")))
                log.error("wechaty: the account was logged out: %s", reason)
                self.change(logged_in=False, reason=reason)
            case "scan":
                waiting = event.data.get("status") in {2, 5}
                self.change(logged_in=False, qrcode=event.get("qrcode") if waiting else "")
            case "verify-code" | "verify-slide":
                self.change(reason=f"the platform asks for verification ({event.name})")
            case "message":
                self.counts.messages += 1
