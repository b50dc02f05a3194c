"""Our own puppet under Wechaty: it keeps the order, reads no faster than we handle, and loses nothing silently.

Events are fetched ahead concurrently and handed over in the order of the stream, one at a time per conversation. The
connection below it (wechaty_session) may break and come back; what was announced before is still loaded after.
"""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

from bot.channels.wechaty_compat import ContactPayload, FriendshipPayload, MessageType, Puppet, RoomPayload
from bot.channels.wechaty_failures import LinkFailure, Turned
from bot.channels.wechaty_kept import Bounded, Cache, Clock, end
from bot.channels.wechaty_session import Session
from bot.channels.wechaty_settings import WechatySettings
from bot.channels.wechaty_state import State
from bot.channels.wechaty_wire import (
    OLD_TYPES,
    LinkCard,
    MessagePayload,
    RawEvent,
    WireError,
    read_message,
    read_sent,
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
        changed: Callable[[State], None] = lambda _state: None,
    ) -> None:
        super().__init__(None, "yuanzi")
        self.settings = settings
        self.session = Session(settings, token, clock=clock, luck=luck, take=self._arrived, changed=changed)
        self.counts = self.session.counts
        self._clock = clock
        self._listeners: dict[str, list[Callable[[Any], Any]]] = {}
        hours = settings.names_kept_hours * 3600
        self._contacts: Cache[Any] = Cache(settings.contacts_kept, hours, clock)
        self._rooms: Cache[Any] = Cache(settings.rooms_kept, hours, clock)
        self.room_renewed: Callable[[str, Any], None] = lambda _room, _payload: None
        self._payloads: dict[str, MessagePayload] = {}
        self._seen: Bounded[str, None] = Bounded(20_000)
        self._under_way = 0
        self._room = asyncio.Event()
        self._coming: asyncio.Queue[_Coming] = asyncio.Queue()
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._fatal: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Runs until cancelled, or until a handler could not do its work (`fail`): then raises why."""
        watch = self._spawn(self.session.run())
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
        await end(self._tasks)
        if not self._fatal.done():
            self._fatal.cancel()
        self.session.change(phase="off", reason="")

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ---- from the stream to the handlers ----

    async def _arrived(self, event: RawEvent) -> None:
        """Takes it at once, lest it be lost if the stream breaks now; then waits while too many are under way."""
        if event.name == "dirty":
            self._forget(event)
        if event.name in QUEUED:
            self._enqueue(event)
            while self._under_way >= self.settings.in_flight:
                self._room.clear()
                await self._room.wait()

    def _forget(self, event: RawEvent) -> None:
        """The gateway says that something changed: a contact (2) or a room (3)."""
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
                return
            message = self._spawn(self._load_message(message_id))
        self._under_way += 1
        self._coming.put_nowait(_Coming(event, message, event.get("roomId") or event.name))

    async def _load_message(self, message_id: str) -> MessagePayload | None:
        """Its content, with patience: a message that was announced must not be lost because one call failed."""
        reason = ""
        for attempt in range(3):
            try:
                payload = read_message(await self.session.ask("MessagePayload", write_id(message_id)))
            except Turned as error:
                reason = self.session.clean(error)
                await self._clock.sleep(0.1 * 2**attempt)
            except LinkFailure as error:
                reason = self.session.clean(error)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.settings.patience_seconds):
                        await self.session.linked.wait()
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
                    self._done()
                    continue
                lane = payload.room_id or f"{payload.from_id}|{payload.to_id}"
                self._payloads[coming.event.get("messageId")] = payload
            task = self._spawn(self._deliver(coming.event, self._lanes.get(lane)))
            self._lanes[lane] = task
            task.add_done_callback(partial(self._left, lane))

    def _left(self, lane: str, task: asyncio.Task[None]) -> None:
        self._done()
        if self._lanes.get(lane) is task:
            del self._lanes[lane]

    def _done(self) -> None:
        self._under_way -= 1
        self._room.set()

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
        return self.session.state.account

    async def message_payload(self, message_id: str) -> MessagePayload:
        found = self._payloads.get(message_id)
        if found is not None:
            return found
        return read_message(await self.session.ask("MessagePayload", write_id(message_id)))

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
            payload = kind().parse(await self.session.ask(method, write_id(wanted)))
        except (
            LinkFailure,
            ValueError,
            IndexError,
            TypeError,
        ) as error:
            log.warning("wechaty: %s of %s failed: %s", method, wanted, self.session.clean(error))
            payload = kind()
            payload.id = wanted
            return payload, 60.0
        payload.id = payload.id or wanted
        return payload, None

    async def room_members(self, room_id: str) -> list[str]:
        return list((await self.room_payload(room_id)).member_ids)

    async def friendship_payload(self, friendship_id: str, payload: Any = None) -> Any:  # noqa: ARG002
        return FriendshipPayload().parse(await self.session.ask("FriendshipPayload", write_id(friendship_id)))

    async def friendship_accept(self, friendship_id: str) -> None:
        await self.session.ask("FriendshipAccept", write_id(friendship_id))

    async def message_send_text(self, conversation_id: str, message: str, mention_ids: list[str] | None = None) -> str:
        return read_sent(
            await self.session.ask("MessageSendText", write_text(conversation_id, message, mention_ids or []))
        )

    async def send_link(self, conversation_id: str, card: LinkCard) -> str:
        return read_sent(await self.session.ask("MessageSendUrl", write_link(conversation_id, card)))


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
