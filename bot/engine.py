"""The one writer: events in, one savepoint each, one commit for all that wait; answers leave after the commit."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.channels import Heard, Line
from bot.config import Config
from bot.context import Context, Desk
from bot.errors import Mistake, StorageFailure
from bot.events import NO_EXTRAS, BeatDue, Event, MemberJoined, MessageReceived, Tick
from bot.outbox import Outbox
from bot.replies import Pass, Say, Silence, Wishes, flatten, say
from bot.router import Route, Switchboard
from bot.schedule import Schedule
from bot.staff_news import StaffNews
from bot.words import NOTHING, Reader, Reading, presentable
from bot.world import Luck, World, from_ms, to_ms
from storage.database import explain
from storage.store import Store

log = logging.getLogger("yuanzi.engine")

_OUR_OWN = (Tick, BeatDue)
Errand = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Inbound:
    """An event with what its text says, read before the writer takes it up."""

    event: Event
    reading: Reading


@dataclass(slots=True)
class Batch:
    """What one transaction brought: results and lines, in the order in which they came about."""

    heard: list[Heard] = field(default_factory=list)
    order: list[Heard | Line] = field(default_factory=list)

    @property
    def lines(self) -> list[Line]:
        """The lines that may leave now that the transaction is durable."""
        return [one for one in self.order if isinstance(one, Line)]


class Engine:
    """Decides about events, in order, inside transactions of the one writing connection.

    `process` does the deciding and never waits; `run` adds the transaction around it. After a StorageFailure the
    engine is done for: what was not committed was not said.
    """

    def __init__(
        self, *, store: Store, config: Config, world: World, luck: Luck, switchboard: Switchboard, schedule: Schedule,
        outbox: Outbox, reader: Reader, desk: Desk,
    ) -> None:  # fmt: skip
        self._store = store
        self._db = store.db
        self._config = config
        self._world = world
        self._luck = luck
        self._switchboard = switchboard
        self._schedule = schedule
        self._outbox = outbox
        self.reader = reader
        self._desk = desk
        self._news = StaffNews(store, outbox, desk)
        self._next: int | None = None
        self._last = world.now()
        self._queued_now = False
        self._stale = False
        self._lock = asyncio.Lock()
        # SQLite's own waiting would hold up the loop and every channel with it; `_begin` waits instead.
        self._db.conn.execute("PRAGMA busy_timeout = 0")
        self.handled = 0
        self._bots = frozenset((*config.settings.bot.ids, *config.settings.bot.others))
        self.only_when_mentioned: frozenset[str] = frozenset()
        """Channels that hear a group only when somebody turns to the bot."""
        self.accounts: dict[str, str] = {}
        """Channel -> the platform id of the bot's own account, learnt at login: whoever mentions it means the bot."""

    # -- reading, before the writer ------------------------------------------------------------------------------

    def read(self, event: Event) -> Inbound:
        """What an event's text says. Pure: runs before and beside the writer."""
        if not isinstance(event, MessageReceived) or event.form != "text" or not event.text:
            return Inbound(event, NOTHING)
        to_us = event.group is None or event.channel in self.only_when_mentioned
        to_us = to_us or (bool(event.mentions) and self.accounts.get(event.channel) in event.mentions)
        return Inbound(event, self.reader.read(event.text, mentions=event.mentions, private=to_us))

    # -- one transaction -----------------------------------------------------------------------------------------

    async def run(self, inbound: Sequence[Inbound], errands: Sequence[Errand] = ()) -> Batch:
        """Handles events in one durable transaction, with everything that fell due meanwhile and with the errands of
        channels, which write down a little something. Raises StorageFailure."""
        async with self._lock:
            try:
                await self._begin()
                self._outbox.settle()  # before errands: one of them may be about a line that was just sent
                for errand in errands:
                    errand()
                batch = self.process(inbound)
                await self._commit()
            except sqlite3.Error as error:
                self._abandon()
                raise StorageFailure(str(explain(error, self._db.path))) from error
            except BaseException:
                self._abandon()
                raise
            self.handled += len(inbound)
            return batch

    async def _begin(self) -> None:
        """Starts the transaction; another process that writes just now is waited for, without blocking the loop."""
        for attempt in range(50):
            try:
                self._db.begin()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or attempt == 49:
                    raise
                await asyncio.sleep(0.1)  # real time: the other process does not live in our world
            else:
                return

    async def _commit(self) -> None:
        """The fsync happens in another thread, so that the channels go on reading meanwhile."""
        if not self._db.durable:
            self._db.commit()
            return
        future = asyncio.get_running_loop().run_in_executor(None, self._db.commit)
        try:
            await asyncio.shield(future)
        except asyncio.CancelledError:
            # The connection belongs to that thread until it is done; only then may anybody else touch it.
            await future
            raise

    def _abandon(self) -> None:
        self._db.rollback()
        self._forget()

    def _forget(self) -> None:
        """After anything was taken back, memory must not remember what the file has forgotten."""
        self._store.forget_caches()
        self._outbox.look_again()

    def process(self, inbound: Sequence[Inbound]) -> Batch:
        """Decides about events, in order, inside a transaction that the caller commits."""
        batch = Batch()
        self._outbox.settle()
        if self._stale:
            self.refresh()
        self._heed_put_off()
        if self._queued_now:  # by an errand: its lines are not part of any event that may be taken back
            self._release(self._world.now(), batch)
        for one in inbound:
            self._world.arrive(one.event.at)
            now = self._world.now()
            if self._next is not None and self._next <= to_ms(now):
                self._play_due(now, batch)
            self._last = now
            heard = self._handle(one, now)
            batch.heard.append(heard)
            batch.order.append(heard)
            if self._queued_now:
                self._release(now, batch)
        now = self._world.now()
        self._play_due(now, batch)
        self._remember_plan()
        self._tell_troubles(now)
        self._release(now, batch)
        self._store.outbox.write_variants()
        return batch

    def _release(self, now: datetime, batch: Batch) -> None:
        self._queued_now = False
        batch.order.extend(self._outbox.claim(now))
        self._heed_put_off()

    def _heed_put_off(self) -> None:
        """Lines that were put off (pace, quiet hours, a channel that is busy) wake us when their time comes."""
        if self._outbox.put_off is not None:
            self._wake_by(self._outbox.put_off)
            self._outbox.put_off = None

    def _play_due(self, now: datetime, batch: Batch) -> None:
        """Plays everything that fell due until now, each at its own moment."""
        limit = to_ms(now)
        while self._next is not None and self._next <= limit:
            wake = self._store.agenda.next_wake()
            moments = (self._schedule.next_due, wake.due if wake else None, self._outbox.next_due(self._next))
            due = min((moment for moment in moments if moment is not None), default=None)
            if due is None or due > limit:
                self._next = due
                return
            # A virtual clock steps through each due moment, but never back before the last thing that happened:
            # what fell due while the process was down is late, exactly as in the real world.
            moment = max(from_ms(due), self._last) if self._world.virtual else now
            self._last = moment
            if wake is not None and wake.due == due:
                self._store.agenda.forget_wake(wake.topic, wake.key)
                group = wake.payload.get("group")
                tick = Tick(
                    id=f"tick:{wake.topic}:{wake.key}:{wake.due}", at=from_ms(wake.due),
                    channel=self._channel_of_group(group) if group else "", group=group,
                    topic=wake.topic, key=wake.key, payload=wake.payload,
                )  # fmt: skip
                self._handle(Inbound(tick, NOTHING), moment)
            elif self._schedule.next_due == due:
                beat, _ = self._schedule.pop(self._channel_of_group)
                self._handle(Inbound(beat, NOTHING), moment)
                self._store.agenda.play_beat(beat.beat, str(beat.group), due)
            self._release(moment, batch)
            self._next = self._earliest(due)

    def _remember_plan(self) -> None:
        """Since when each beat counts is remembered, so that a restart before its first time misses nothing."""
        if self._schedule.fresh or self._schedule.gone:
            self._store.agenda.start_beats(self._schedule.fresh)
            self._store.agenda.drop_beats(self._schedule.gone)
            self._schedule.fresh, self._schedule.gone = [], []

    def _channel_of_group(self, group: str) -> str:
        known = self._config.group(group).channel or self._store.members.channel_of_group(group)
        return known or (self._outbox.channels[0] if self._outbox.channels else "")

    def _earliest(self, after: int) -> int | None:
        wake = self._store.agenda.next_wake()
        moments = (wake.due if wake else None, self._schedule.next_due, self._outbox.next_due(after))
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def next_due(self) -> datetime | None:
        """When something falls due next."""
        return from_ms(self._next) if self._next is not None else None

    def refresh(self) -> None:
        """Looks up anew when something falls due next: after the schedule changed, or a channel has room again."""
        self._stale = False
        self._next = self._earliest(to_ms(self._world.now()))

    def refresh_soon(self) -> None:
        """The same with the next transaction: for those who must leave the connection alone."""
        self._stale = True

    def _wake_by(self, due: int) -> None:
        if self._next is None or due < self._next:
            self._next = due

    # -- one event -----------------------------------------------------------------------------------------------

    def _handle(self, inbound: Inbound, now: datetime) -> Heard:
        event, reading = inbound.event, inbound.reading
        settings = self._config.group(event.group)
        role = self._config.role_of(event.member, event.channel)
        bots = event.member is not None and self._is_bot(event)
        routes, hit = ((), None) if bots else self._switchboard.routes(event, reading, settings, role)
        at = to_ms(event.at)
        seq = self._store.interactions.record(
            event.id, event.kind, at, event.channel, event.group, event.member,
            text=presentable(event.text) if isinstance(event, MessageReceived) else None,
            details=event.details() or NO_EXTRAS,
            route=next((route.name for route in routes if not route.may_pass), None) if routes else None,
        )  # fmt: skip
        if seq is None:
            return Heard(event.id, duplicate=True)
        self._see(event, at, now)
        if bots:
            self._store.interactions.settle(seq, None, "机器人说的话，不接（bot.ids、bot.others）")
        if not routes:
            return Heard(event.id)
        context = Context(
            event, now=now, reading=reading, settings=settings, role=role, store=self._store, config=self._config,
            luck=self._luck, desk=self._desk, on_wake=self._wake_by, hit=hit,
        )  # fmt: skip
        self._store.ledger.earned.clear()
        self._db.savepoint()
        failed = self._decide(routes, event, context, seq, now)
        return Heard(event.id, failed=failed)

    def _is_bot(self, event: Event) -> bool:
        """Whether we said this ourselves, or another bot of the group did: two bots must never talk to each other."""
        return isinstance(event, MessageReceived) and (
            event.member in self._bots or event.member == self.accounts.get(event.channel)
        )

    def _decide(self, routes: Sequence[Route], event: Event, context: Context, seq: int, now: datetime) -> bool:
        """Runs the handlers of one event in its savepoint. The one `try` around rules. True when one broke."""
        name = routes[0].name
        try:
            number = 0
            for route in routes:
                name = route.name
                wishes = route.handler(event, context)
                if isinstance(wishes, Pass):
                    continue
                number = self._queue(wishes, event, seq, number, now, route.name, took=route.may_pass)
                if route.may_pass:
                    break
            if self._store.ledger.earned:
                for route in self._switchboard.after:
                    name = route.name
                    number = self._queue(route.handler(event, context), event, seq, number, now, route.name)
        except Mistake as mistake:
            self._db.undo_to()
            self._forget()
            self._queue(Say(mistake.key, mistake.slots), event, seq, 0, now, name)
            return False
        except Exception as error:
            if type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError):
                raise  # the file, not the rule: nothing may be said any more
            # Whatever else a rule did wrong, the others go on.
            self._db.undo_to()
            self._forget()
            self._broke(name, event, seq, now, error)
            return True
        self._db.release()
        return False

    def _broke(self, route: str, event: Event, seq: int, now: datetime, error: Exception) -> None:
        log.error("event %s: route %s broke; its changes were taken back", event.id, route, exc_info=error)
        self._store.interactions.fail(seq, f"{type(error).__name__}: {error}"[:500])
        agenda = self._store.agenda
        if agenda.cooling("bug", route, to_ms(now)) is None:
            agenda.rest("bug", route, to_ms(now + timedelta(hours=1)))
            self._queued_now |= self._news.tell(say("staff.bug", route=route, event=event.id), event, now, 900)

    def _queue(
        self, wishes: Wishes, event: Event, seq: int, number: int, now: datetime, route: str, *, took: bool = False
    ) -> int:
        """Queues what a route wishes to say. `took`: it was not the expected route, but it took the event."""
        note: str | None = None
        for wish in flatten(wishes):
            if isinstance(wish, Silence):
                note = wish.because
                continue
            due = self._outbox.enqueue(wish, event, number, now, route)
            number += 1
            if due is not None:
                if due <= to_ms(now):
                    self._queued_now = True
                else:
                    self._wake_by(due)
        if took or note is not None:
            self._store.interactions.settle(seq, route if took else None, note)
        return number

    def _see(self, event: Event, at: int, now: datetime) -> None:
        """Notes groups, members and names that an event shows, since `at` (ms)."""
        members = self._store.members
        if isinstance(event, _OUR_OWN):
            return
        if event.group is not None and members.see_group(event.group, event.channel, at):
            self._schedule.add_group(event.group, now)
            if self._schedule.next_due is not None:
                self._wake_by(self._schedule.next_due)
        if event.member is not None:
            members.see_member(event.member, self.reader.display(event.name), event.channel, at)
            if event.group is not None:
                members.see_in(event.member, event.group, at)
        if isinstance(event, MemberJoined):
            for person in event.people:
                members.see_member(person.id, self.reader.display(person.name), event.channel, at)

    # -- telling staff -------------------------------------------------------------------------------------------

    def announce(self, topic: str, message: Say) -> None:
        """Tells staff something that no event of a platform brought, inside a transaction: an errand of a channel."""
        self._queued_now |= self._news.announce(topic, message, self._world.now())

    def _tell_troubles(self, now: datetime) -> None:
        troubles, self._outbox.troubles = self._outbox.troubles, []
        if troubles:
            queued, wake = self._news.of_troubles(troubles, now)
            self._queued_now |= queued
            if wake is not None:
                self._wake_by(wake)

    async def recover(self) -> None:
        """First thing after a start: sends that were under way are unknown now; staff see them in one summary."""

        def look() -> None:
            now = self._world.now()
            self._remember_plan()
            if not self._store.agenda.has_wake("housekeeping", ""):
                self._store.agenda.wake_at("housekeeping", "", to_ms(now + timedelta(hours=1)), {})
            count = self._outbox.recover(now)
            if count:
                self._queued_now |= self._news.of_unknown(count, now)

        await self.write(look)
        self.refresh()

    async def write(self, work: Callable[[], None]) -> None:
        """Runs a piece of work in a transaction of its own. Raises StorageFailure."""
        async with self._lock:
            try:
                await self._begin()
                work()
                await self._commit()
            except sqlite3.Error as error:
                self._abandon()
                raise StorageFailure(str(explain(error, self._db.path))) from error
