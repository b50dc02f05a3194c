"""Our own puppet under Wechaty: it reconnects for ever, keeps the order, reads no faster than we handle, and loses nothing silently.

The stock one goes deaf after one error event, one ended stream, one long outage or one half-open connection. Here a session
with the gateway may end in any way; `run` opens the next one. Events are fetched ahead concurrently and handed over in the
order of the stream, one at a time per conversation.
"""

import asyncio
import contextlib
import inspect
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from bot.channels.wechaty_compat import ContactPayload, FriendshipPayload, MessageType, Puppet, RoomPayload
from bot.channels.wechaty_kept import Bounded, Cache, Clock
from bot.channels.wechaty_link import Endpoint, Late, Link, LinkFailure, LinkLost, Turned, discover, tls_context
from bot.channels.wechaty_settings import WechatySettings
from bot.channels.wechaty_state import Phase, State
from bot.channels.wechaty_wire import (
    OLD_TYPES,
    LinkCard,
    MessagePayload,
    RawEvent,
    WireError,
    read_event,
    read_message,
    read_sent,
    text,
    write_event_request,
    write_id,
    write_link,
    write_text,
)

log = logging.getLogger(__name__)

ARRIVAL: ContextVar[RawEvent] = ContextVar("ARRIVAL")
"""The event that is being handed over, as the gateway sent it: Wechaty's own objects lose its id and its exact time."""

QUEUED = frozenset({"message", "friendship", "room-join", "room-leave", "room-topic", "login"})
AT_ONCE = 16
"""Names fetched at once when many people join."""
STEADY_SECONDS = 5.0
"""A session that lived this long starts the back-off afresh."""
TRIES_BEFORE_TAKEOVER = 3


@dataclass(slots=True)
class _Coming:
    """An event between the stream and its handler."""

    event: RawEvent
    message: asyncio.Task[MessagePayload | None] | None
    lane: str


class GatewayPuppet(Puppet):  # type: ignore[misc]  # Wechaty has no types
    """Everything that Wechaty asks of a gateway, and the one connection to it."""

    def __init__(
        self,
        settings: WechatySettings,
        token: str,
        *,
        clock: Clock,
        luck: Callable[[], float],
        told: Callable[[RawEvent], None] = lambda _event: None,
        changed: Callable[[State], None] = lambda _state: None,
    ) -> None:
        super().__init__(None, "yuanzi")
        self.settings = settings
        self.state = State()
        self.counts = self.state.counts
        self.calls: Counter[str] = Counter()
        self.opened_at = 0.0
        """When the present stream opened, in seconds since 1970."""
        self._token = token
        self._clock = clock
        self._luck = luck
        self._told = told
        self._changed = changed
        self._listeners: dict[str, list[Callable[[Any], Any]]] = {}
        hours = settings.names_kept_hours * 3600
        self._contacts: Cache[Any] = Cache(settings.contacts_kept, hours, clock)
        self._rooms: Cache[Any] = Cache(settings.rooms_kept, hours, clock)
        self.room_renewed: Callable[[str, Any], None] = lambda _room, _payload: None
        self._payloads: dict[str, MessagePayload] = {}
        self._seen: Bounded[str, None] = Bounded(20_000)
        self._link: Link | None = None
        self._linked = asyncio.Event()
        self._doubt = asyncio.Event()
        self._heard_at = 0.0
        self._dongs = 0
        self._reading_stopped = False
        self._had_stream = False
        self._last_endpoint: Endpoint | None = None
        self._seq = 0
        self._window = asyncio.Semaphore(settings.in_flight)
        self._coming: asyncio.Queue[_Coming] = asyncio.Queue()
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._fatal: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # ---- staying connected ----

    async def run(self) -> None:
        """Runs until cancelled, or until a handler could not do its work (`fail`): then raises why."""
        watch = self._spawn(self._stay_connected())
        hand = self._spawn(self._hand_over())
        try:
            done, _ = await asyncio.wait({watch, hand, self._fatal}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await self.close()

    def fail(self, error: BaseException) -> None:
        """A handler broke in a way that must stop the channel."""
        if not self._fatal.done():
            self._fatal.set_exception(error)

    async def close(self) -> None:
        self._contacts.close()
        self._rooms.close()
        while tasks := [task for task in self._tasks if task is not asyncio.current_task()]:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._drop_link()
        if not self._fatal.done():
            self._fatal.cancel()
        self._change(phase="off", reason="")

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _change(self, **what: Any) -> None:
        state = replace(self.state, **what)
        if state != self.state:
            self.state = replace(state, since=self._clock.now())
            self._changed(self.state)

    async def _stay_connected(self) -> None:
        tries = 0
        while True:
            began = self._clock.monotonic()
            phase, reason = await self._session()
            tries = 0 if self._clock.monotonic() - began > STEADY_SECONDS else tries + 1
            delay = self._delay(phase, tries)
            self._change(phase=phase, reason=reason, tries=tries)
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
            self._change(phase="searching")
            endpoint = await self._find()
            self._change(phase="connecting")
            tls = tls_context(self.settings.tls_ca) if self.settings.tls else None
            link = Link(endpoint, self._token, tls=tls, tls_name=self.settings.tls_name)
        except (LinkFailure, OSError, ValueError) as error:
            return "waiting", self._clean(error)
        link.calls = self.calls
        try:
            await link.call("Start", seconds=self.settings.start_seconds)
            await self._live(link)
        except Turned as error:
            if error.status in {"UNAUTHENTICATED", "PERMISSION_DENIED"}:
                return "refused", self._clean(error)
            if error.status == "ALREADY_EXISTS":
                return await self._evict(link, error)
            return "waiting", self._clean(error)
        except (LinkFailure, WireError) as error:
            return "waiting", self._clean(error)
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
        self._linked.set()
        self._doubt.clear()
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
            for task in (reader, probe):
                task.cancel()
            link.close()
            await asyncio.gather(reader, probe, return_exceptions=True)

    def _drop_link(self) -> None:
        self._linked.clear()
        if self._link is not None:
            self._link.close()
            self._link = None

    async def _evict(self, link: Link, error: Turned) -> tuple[Phase, str]:
        """Our own half-open stream still holds the place, or a crashed bot's: end it. Another live bot's: see `takeover`."""
        ours = self._had_stream or self.state.tries >= TRIES_BEFORE_TAKEOVER
        if self.settings.takeover and ours:
            with contextlib.suppress(LinkFailure):
                await link.call("Stop", seconds=self.settings.start_seconds)
        return "taken", self._clean(error)

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
            if self._dongs and self._heard_at == asked_at and not self._reading_stopped:
                raise LinkLost("the gateway answers calls, but its event stream is dead")

    async def _sleep_or_doubt(self, seconds: float) -> None:
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        doubt = asyncio.ensure_future(self._doubt.wait())
        try:
            await asyncio.wait({sleep, doubt}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            doubt.cancel()

    def _clean(self, error: BaseException) -> str:
        """The reason without the token, on one line."""
        reason = f"{error}" or type(error).__name__
        return " ".join(reason.replace(self._token, "***").split())[:200]

    async def ask(self, method: str, request: bytes = b"", *, seconds: float | None = None) -> bytes:
        """One call over the present connection."""
        link = self._link
        if link is None:
            raise LinkLost("not connected")
        try:
            return await link.call(method, request, seconds=seconds or self.settings.call_seconds)
        except Late:
            self._doubt.set()
            raise

    # ---- from the stream to the handlers ----

    async def _take(self, data: bytes) -> None:
        """One event off the stream. Waits while too many are under way: that is the back-pressure."""
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
            self._change(phase="connected", reason="", tries=0)
        self._note(event)
        if event.name in QUEUED:
            self._reading_stopped = True
            await self._window.acquire()
            self._reading_stopped = False
            self._enqueue(event)

    def _note(self, event: RawEvent) -> None:
        """What an event says about the account itself."""
        match event.name:
            case "":
                self.counts.strange += 1
            case "dong":
                self._dongs += 1
            case "error":
                self.counts.errors += 1
                reason = self._clean(ValueError(str(event.data.get("data") or event.data.get("gerror") or event.data)))
                log.warning("wechaty: the gateway reports an error: %s", reason)
            case "login":
                self._change(logged_in=True, account=event.get("contactId"), qrcode="", reason="")
            case "logout":
                reason = self._clean(ValueError(event.get("data")))
                log.error("wechaty: the account was logged out: %s", reason)
                self._change(logged_in=False, reason=reason)
            case "scan":
                waiting = event.data.get("status") in {2, 5}
                self._change(logged_in=False, qrcode=event.get("qrcode") if waiting else "")
            case "verify-code" | "verify-slide":
                self._change(reason=f"the platform asks for verification ({event.name})")
            case "message":
                self.counts.messages += 1
            case "dirty":
                self._forget(event)
        self._told(event)

    def _forget(self, event: RawEvent) -> None:
        """The gateway says that something changed: contact 2, room 3, room member 4 (the id is then room<splitter>member)."""
        changed = event.get("payloadId")
        if event.data.get("payloadType") == 2:
            self._contacts.forget(changed)
        elif event.data.get("payloadType") == 3:
            self._rooms.forget(changed)

    def _enqueue(self, event: RawEvent) -> None:
        message = None
        if event.name == "message":
            message_id = event.get("messageId")
            if not message_id or message_id in self._seen:
                self.counts.duplicates += 1
                self._window.release()
                return
            message = self._spawn(self._load_message(message_id))
        self._coming.put_nowait(_Coming(event, message, event.get("roomId") or event.name))

    async def _load_message(self, message_id: str) -> MessagePayload | None:
        """Its content, with patience: a message that was announced must not be lost because one call failed."""
        reason = ""
        for attempt in range(3):
            try:
                payload = read_message(await self.ask("MessagePayload", write_id(message_id)))
            except Turned as error:
                reason = self._clean(error)
                await self._clock.sleep(0.1 * 2**attempt)
            except LinkFailure as error:
                reason = self._clean(error)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.settings.patience_seconds):
                        await self._linked.wait()
            except WireError as error:
                reason = str(error)
            else:
                payload.id = payload.id or message_id
                payload.type = MessageType(OLD_TYPES.get(payload.kind, 0))
                for wanted, cache, load in (
                    (payload.from_id, self._contacts, self.contact_payload),
                    (payload.room_id, self._rooms, self.room_payload),
                ):
                    if wanted and cache.peek(wanted) is None:
                        self._spawn(load(wanted))
                return payload
        self.counts.dropped += 1
        log.error("wechaty: message %s was announced but could not be loaded: %s", message_id, reason)
        return None

    async def _hand_over(self) -> None:
        """Takes the events in the order of the stream and puts each behind the one before it in its conversation."""
        while True:
            coming = await self._coming.get()
            payload = None
            lane = coming.lane
            if coming.message is not None:
                payload = await coming.message
                if payload is None:
                    self._window.release()
                    continue
                lane = payload.room_id or f"{payload.from_id}|{payload.to_id}"
                self._payloads[coming.event.get("messageId")] = payload
            task = self._spawn(self._deliver(coming.event, self._lanes.get(lane)))
            self._lanes[lane] = task
            task.add_done_callback(lambda done, lane=lane: self._left(lane, done))

    def _left(self, lane: str, task: asyncio.Task[None]) -> None:
        self._window.release()
        if self._lanes.get(lane) is task:
            del self._lanes[lane]

    async def _deliver(self, event: RawEvent, previous: asyncio.Task[None] | None) -> None:
        message_id = event.get("messageId")
        try:
            if previous is not None:
                await asyncio.wait({previous})
            if message_id and message_id in self._seen:
                self.counts.duplicates += 1
                return
            if event.name.startswith("room-"):
                await self._prepare_room(event)
            ARRIVAL.set(event)
            for listener in self._listeners.get(event.name, ()):
                result = listener(_as_wechaty(event))
                if inspect.isawaitable(result):
                    await result
            if message_id and not self._fatal.done():
                self._seen[message_id] = None
        except Exception:
            self.counts.failed += 1
            log.exception("wechaty: a %s event could not be handled", event.name)
        finally:
            self._payloads.pop(message_id, None)

    async def _prepare_room(self, event: RawEvent) -> None:
        """The group changed: its payload is fetched anew, and the names of the people concerned all at once."""
        room = event.get("roomId")
        self._rooms.forget(room)
        gate = asyncio.Semaphore(AT_ONCE)

        async def name(contact: str) -> None:
            async with gate:
                await self.contact_payload(contact)

        people = event.ids("inviteeIdList") + event.ids("removeeIdList")
        payload, *_ = await asyncio.gather(self.room_payload(room), *(name(person) for person in people))
        self.room_renewed(room, payload)

    # ---- what Wechaty asks ----

    def on(self, event_name: str, caller: Callable[[Any], Awaitable[None] | None]) -> None:
        self._listeners.setdefault(event_name, []).append(caller)

    def listener_count(self, event_name: str) -> int:
        return len(self._listeners.get(event_name, ()))

    async def start(self) -> None:
        """Wechaty's own start would block its caller: `run` is what runs."""

    async def stop(self) -> None:
        await self.close()

    def self_id(self) -> str:
        return self.state.account

    async def message_payload(self, message_id: str) -> MessagePayload:
        found = self._payloads.get(message_id)
        if found is not None:
            return found
        return read_message(await self.ask("MessagePayload", write_id(message_id)))

    async def contact_payload(self, contact_id: str) -> Any:
        """Never raises: somebody whose name cannot be fetched is nameless for a minute."""
        if not contact_id:
            return ContactPayload()
        return self._contacts.peek(contact_id) or await self._contacts.get(
            contact_id, lambda: self._load("ContactPayload", contact_id, ContactPayload)
        )

    async def room_payload(self, room_id: str) -> Any:
        if not room_id:
            return RoomPayload()
        return self._rooms.peek(room_id) or await self._rooms.get(
            room_id, lambda: self._load("RoomPayload", room_id, RoomPayload)
        )

    async def _load(self, method: str, wanted: str, kind: Any) -> tuple[Any, float | None]:
        try:
            payload = kind().parse(await self.ask(method, write_id(wanted)))
        except (
            LinkFailure,
            ValueError,
            IndexError,
            TypeError,
        ) as error:  # the last three: betterproto on bytes that are none
            log.warning("wechaty: %s of %s failed: %s", method, wanted, self._clean(error))
            payload = kind()
            payload.id = wanted
            return payload, 60.0
        payload.id = payload.id or wanted
        return payload, None

    async def room_members(self, room_id: str) -> list[str]:
        return list((await self.room_payload(room_id)).member_ids)

    async def friendship_payload(self, friendship_id: str, payload: Any = None) -> Any:  # noqa: ARG002
        return FriendshipPayload().parse(await self.ask("FriendshipPayload", write_id(friendship_id)))

    async def friendship_accept(self, friendship_id: str) -> None:
        await self.ask("FriendshipAccept", write_id(friendship_id))

    async def message_send_text(self, conversation_id: str, message: str, mention_ids: list[str] | None = None) -> str:
        return read_sent(await self.ask("MessageSendText", write_text(conversation_id, message, mention_ids or [])))

    async def send_link(self, conversation_id: str, card: LinkCard) -> str:
        return read_sent(await self.ask("MessageSendUrl", write_link(conversation_id, card)))

    async def upload(self, data: bytes) -> str:
        if self._link is None:
            raise LinkLost("not connected")
        return await self._link.upload(data, seconds=self.settings.upload_seconds)

    async def download(self, uuid: str) -> bytes:
        if self._link is None:
            raise LinkLost("not connected")
        rules = self.settings
        return await self._link.download(uuid, seconds=rules.upload_seconds, most=rules.media_most_bytes)

    def logged_out(self, reason: str) -> None:
        """A call showed what no event told."""
        self._change(logged_in=False, reason=reason)


def _as_wechaty(event: RawEvent) -> SimpleNamespace:
    """The event under the names that Wechaty's listeners read."""
    match event.name:
        case "message":
            return SimpleNamespace(message_id=event.get("messageId"))
        case "friendship":
            return SimpleNamespace(friendship_id=event.get("friendshipId"))
        case "login":
            return SimpleNamespace(contact_id=event.get("contactId"))
    return SimpleNamespace(
        room_id=event.get("roomId"),
        timestamp=event.stamp(),
        invited_ids=event.ids("inviteeIdList"),
        inviter_id=event.get("inviterId"),
        removed_ids=event.ids("removeeIdList"),
        remover_id=event.get("removerId"),
        changer_id=event.get("changerId"),
        new_topic=event.get("newTopic"),
        old_topic=event.get("oldTopic"),
    )
