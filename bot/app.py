"""The composition root, the only file that knows everybody: builds, starts, and stops in reverse order."""

import asyncio
import contextlib
import gc
import importlib
import logging
import pkgutil
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import bot.handlers
from bot.channels import Channel, Heard, Line
from bot.config import Config
from bot.content import Content, load_content
from bot.desk import FrontDesk
from bot.engine import Batch, Engine, Errand, Inbound
from bot.errors import ChannelError, ConfigError, Problem, StorageFailure, YuanziError
from bot.events import Event
from bot.outbox import Outbox
from bot.replies import say
from bot.rights import grant
from bot.router import BANDS, Router, Switchboard
from bot.schedule import Alarm, Schedule
from bot.staff_news import own_words
from bot.words import Reader
from bot.world import Luck, RealWorld, World
from storage.database import Database, StorageError, Synchronous
from storage.store import Store

log = logging.getLogger("yuanzi.app")
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a channel that broke is started again: doubled each time."""
WARM_UP_AFTER = 2.0
"""Seconds: whoever starts the bot sees it answer first."""
QUEUE = 2_000
BATCH = 256
"""Events in one transaction at most: more would keep the others waiting, fewer would cost an fsync each."""


def discover() -> list[Router]:
    """Every `router` of bot/handlers, in the order of the file names. Raises ConfigError naming a file without one."""
    routers: list[Router] = []
    problems: list[Problem] = []
    for module in sorted(pkgutil.iter_modules(bot.handlers.__path__), key=lambda one: one.name):
        loaded = importlib.import_module(f"bot.handlers.{module.name}")
        router = getattr(loaded, "router", None)
        if isinstance(router, Router):
            routers.append(router)
        else:
            problems.append(
                Problem(f"bot/handlers/{module.name}.py", "router", "没有 router", 'router = Router("名字")')
            )
    if problems:
        raise ConfigError(problems)
    return [*routers, own_words]


def switchboard_for(config: Config, more: Sequence[Router] = ()) -> Switchboard:
    """All handlers, proven not to claim anything twice. Raises ConfigError."""
    switchboard = Switchboard([*discover(), *more])
    problems = grant(switchboard, config.settings.staff_rights, config.settings.groups, config.file)
    problems += switchboard.problems(config.settings.groups)
    missing = set(BANDS) - {name for router in switchboard.routers for name, _ in router.bands}
    problems += [Problem("bot/handlers", name, "这一档路由没有处理者") for name in sorted(missing)]
    if problems:
        raise ConfigError(problems)
    return switchboard


@dataclass(slots=True)
class _Waiting:
    inbound: Inbound
    done: "asyncio.Future[Heard]"


class App:
    """One running bot. Virtual time: call `feed`. Real time: `async with app` and let channels call `hear`."""

    def __init__(
        self, config: Config, world: World, channels: Mapping[str, Channel], *, db: Path | None = None,
        synchronous: Synchronous | None = None, more: Sequence[Router] = (),
    ) -> None:  # fmt: skip
        """`more` are routers beside those of bot/handlers: benchmarks and tests bring their own."""
        self.config = config
        self.world = world
        self.channels = dict(channels)
        self.switchboard = switchboard_for(config, more)
        content = self._load()
        path = db or Path(config.settings.storage.path)
        try:
            self.database = Database.open(path, synchronous or config.settings.storage.synchronous)
        except StorageError as error:
            raise StorageFailure(str(error)) from error
        self.store = Store(self.database)
        self.luck = Luck(self._seed())
        self.switchboard.in_session = self.store.sessions.is_playing
        self.switchboard.awake["care"] = lambda _group, member: self.store.bonds.is_handed_over(member)
        staff = frozenset(person.id for person in config.settings.staff)
        self.switchboard.awake["faq"] = lambda group, member: member in staff or self.store.faq.is_awake(group, member)
        self.switchboard.awake["draw"] = self.store.draws.is_awake
        self.switchboard.awake["sequence"] = self.store.sequences.is_awake
        self.switchboard.awake["show"] = self.store.koc.is_waiting
        self.switchboard.awake["survey"] = self.store.surveys.is_answering
        self.switchboard.awake["campaign"] = self.store.campaigns.is_drafting
        self._lay_changes_on()
        self.schedule = Schedule(config, self.luck)
        self.outbox = Outbox(self.store, config, world, self.luck, self.channels)
        self.desk = FrontDesk(
            config=config, world=world, luck=self.luck, switchboard=self.switchboard, schedule=self.schedule,
            outbox=self.outbox, store=self.store, load=self._load,
        )  # fmt: skip
        persona = content.voice.persona
        self.engine = Engine(
            store=self.store, config=config, world=world, luck=self.luck, switchboard=self.switchboard,
            schedule=self.schedule, outbox=self.outbox, desk=self.desk,
            reader=Reader({persona.name, *persona.names}, config.settings.bot.ids),
        )  # fmt: skip
        self.engine.only_when_mentioned = frozenset(
            name for name, channel in self.channels.items() if channel.abilities.hears == "mentioned"
        )
        self.desk.use(content)
        self.desk.on_replanned = self._replanned
        self._queue: deque[_Waiting] = deque()
        self._has_room = asyncio.Event()
        self._errands: list[tuple[Errand, asyncio.Future[None]]] = []
        self._poked = asyncio.Event()
        self._alarm = Alarm(self._poked.set)

    def _load(self) -> Content:
        return load_content(self.config, self.switchboard.phrases)

    def _replanned(self) -> None:
        """Content was read anew: the persona may go by other names now."""
        persona = self.desk.content.voice.persona
        self.engine.reader = Reader({persona.name, *persona.names}, self.config.settings.bot.ids)
        self.engine.refresh()

    def _seed(self) -> str:
        """The seed of all luck: from the settings, else drawn once and remembered in the database."""
        configured = self.config.settings.bot.seed
        if configured:
            return configured
        known = self.store.office.fact("seed")
        if known is None:
            known = "yuanzi" if self.world.virtual else RealWorld().new()
            self.store.office.remember("seed", known)
        return known

    def _lay_changes_on(self) -> None:
        """Settings changed by chat win over the file. Raises ConfigError when they no longer fit it."""
        problems = self.config.lay(self.store.office.group_settings())
        if problems:
            self.database.close()
            raise ConfigError(problems)

    # -- virtual time --------------------------------------------------------------------------------------------

    async def feed(self, events: list[Event]) -> Batch:
        """Handles events at once, in one transaction, and sends what they brought; for whoever drives the clock."""
        batch = await self.engine.run([self.engine.read(event) for event in events])
        await self.outbox.deliver(batch.lines)
        return batch

    async def settle(self) -> None:
        """Writes down the receipts of the last sends, and sends what became possible through them."""
        while self.outbox.has_receipts:
            batch = await self.engine.run([])
            await self.outbox.deliver(batch.lines)

    # -- real time -----------------------------------------------------------------------------------------------

    async def hear(self, event: Event) -> Heard:
        """Hands one event to the writer and waits until it is durable. Waits while the queue is full."""
        done: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(self.engine.read(event), done)
        while len(self._queue) >= QUEUE:
            self._has_room.clear()
            await self._has_room.wait()
        self._queue.append(waiting)
        self._poked.set()
        return await done

    async def errand(self, work: Errand) -> None:
        """Lets the writer do a little work with the next transaction; returns once it is durable."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._errands.append((work, done))
        self._poked.set()
        await done

    def run_soon(self, work: Errand) -> None:
        """Like `errand`, for those who cannot wait: written down with the next transaction."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._errands.append((work, done))
        self._poked.set()

    async def listen(self) -> None:
        """Runs the writer and all channels until the channels end or the task is cancelled.

        A channel that fails does not disturb the others; when none is left, the first failure is raised. A storage
        failure stops everything and is raised: a bot that cannot remember must not talk.
        """
        await self.engine.recover()
        # What was built by now stays for good. The collector need not walk through it again and again, and batches of
        # hundreds of short-lived events are cheaper to look through seldom: 6 % of the time of a loaded engine.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        self._alarm.start()
        senders = {name: asyncio.Queue[Line](maxsize=QUEUE) for name in self.channels}
        try:
            async with asyncio.TaskGroup() as group:
                working = [group.create_task(self._write(senders))]
                working += [group.create_task(self._send(queue)) for queue in senders.values()]
                working += [group.create_task(self._warm_up())]
                hearing = [group.create_task(self._supervise(channel)) for channel in self.channels.values()]
                ends = await asyncio.gather(*hearing)
                while self._is_busy():
                    self._poked.set()
                    await self.world.sleep(0.01)
                for task in working:
                    task.cancel()
            if ends and all(ends):
                raise next(end for end in ends if end is not None)
        except* (StorageFailure, ChannelError) as failures:
            raise _first(failures) from None
        finally:
            self._alarm.stop()
            with contextlib.suppress(StorageFailure):
                await self.settle()
            for channel in self.channels.values():
                await channel.close()

    async def _warm_up(self) -> None:
        """The question book loads its heavy parts in the background once the first messages are through."""
        await self.world.sleep(WARM_UP_AFTER)
        self.run_soon(self.desk.library.warm_up)

    async def _supervise(self, channel: Channel) -> ChannelError | None:
        """Runs a channel until it ends. One that gave up is reported; one that broke is started again, ever later."""
        pause = FIRST_PAUSE
        while True:
            try:
                await channel.run(self.hear)
            except ChannelError as error:
                log.warning("channel %s gave up: %s", channel.name, error)
                await self._report(channel.name, str(error))
                return error
            except StorageFailure:
                raise
            except Exception:
                # A bug in one channel must not take the others down.
                log.exception("channel %s broke", channel.name)
                await self._report(channel.name, f"出错了，{pause:.0f} 秒后重来")
                await self.world.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
            else:
                return None

    async def _report(self, channel: str, state: str) -> None:
        """Staff hear what became of a channel, through those that still work."""
        self.desk.channel_states[channel] = state
        await self.errand(lambda: self.engine.announce("channel", say("staff.channel", channel=channel, state=state)))

    def _is_busy(self) -> bool:
        """Whether something waits to be decided, sent or written down, or fell due."""
        due = self.engine.next_due
        return (
            bool(self._queue)
            or bool(self._errands)
            or self.outbox.is_busy
            or (due is not None and due <= self.world.now())
        )

    async def _write(self, senders: Mapping[str, "asyncio.Queue[Line]"]) -> None:
        while True:
            waiting = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            self._has_room.set()
            errands, self._errands = self._errands, []
            batch = await self.engine.run([one.inbound for one in waiting], [work for work, _ in errands])
            for _, done in errands:
                if not done.done():
                    done.set_result(None)
            for one, heard in zip(waiting, batch.heard, strict=True):
                if not one.done.done():
                    one.done.set_result(heard)
            for line in batch.lines:
                await senders[line.channel].put(line)
            self._alarm.set(self.engine.next_due, self.world.now())
            if not self._queue and not self._errands:
                self._poked.clear()
                if not self._queue and not self.outbox.has_receipts:
                    await self._poked.wait()

    async def _send(self, queue: "asyncio.Queue[Line]") -> None:
        while True:
            await self.outbox.deliver([await queue.get()])
            self.engine.refresh_soon()  # a channel that was full has room again
            self._poked.set()

    def close(self) -> None:
        """Closes the database; an open transaction is forgotten."""
        self.database.close()


def _first(failures: BaseExceptionGroup[YuanziError]) -> YuanziError:
    one = failures.exceptions[0]
    return _first(one) if isinstance(one, BaseExceptionGroup) else one
