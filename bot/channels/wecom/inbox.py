"""Callbacks that were answered and wait to be worked off: bounded, in order, and not lost when the process dies."""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.channels.wecom.crypto import Garbled
from bot.channels.wecom.ports import Clock, Memory
from bot.errors import ChannelError, Retryable

log = logging.getLogger("yuanzi.wecom")

MAX_STARTS = 5
"""A parcel that was there at so many starts is what stops the process: it is dropped with an error in the log."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One callback: its slot in memory and the opened body."""

    slot: int
    body: str


class Inbox:
    """A queue of `size` slots, each a key in memory. Full means: tell the platform to post again."""

    def __init__(self, name: str, memory: Memory, *, size: int = 256) -> None:
        self.name = name
        self.full = 0
        self._memory = memory
        self._size = size
        self._free = deque(range(size))
        self._queue: asyncio.Queue[Parcel] = asyncio.Queue()
        self._order = 0
        self._restored = False
        self._lock = asyncio.Lock()

    def __len__(self) -> int:
        return self._queue.qsize()

    def _key(self, slot: int) -> str:
        return f"{self.name}/inbox/{slot}"

    async def restore(self) -> None:
        """Takes up what the last process answered but did not finish. Once; later calls do nothing."""
        async with self._lock:
            if self._restored:
                return
            left: list[tuple[int, int, str, int]] = []
            for slot in range(self._size):
                stored = await self._memory.get(self._key(slot))
                if stored:
                    record = json.loads(stored)
                    left.append((int(record["order"]), slot, str(record["body"]), int(record["starts"]) + 1))
            taken = set()
            for order, slot, body, starts in sorted(left):
                self._order = max(self._order, order)
                if starts > MAX_STARTS:
                    log.error("wecom %s: a callback was dropped after %d starts", self.name, starts)
                    await self._memory.put(self._key(slot), "")
                    continue
                await self._memory.put(self._key(slot), _record(order, body, starts))
                taken.add(slot)
                self._queue.put_nowait(Parcel(slot, body))
            self._free = deque(slot for slot in range(self._size) if slot not in taken)
            self._restored = True

    async def offer(self, body: str) -> bool:
        """Keeps `body`, durably; False when there is no room."""
        if not self._restored:
            await self.restore()
        if not self._free:
            self.full += 1
            return False
        slot = self._free.popleft()
        self._order += 1
        kept = False
        try:
            await self._memory.put(self._key(slot), _record(self._order, body, 0))
            kept = True
        finally:
            if not kept:
                self._free.appendleft(slot)
        self._queue.put_nowait(Parcel(slot, body))
        return True

    async def take(self) -> Parcel:
        if not self._restored:
            await self.restore()
        return await self._queue.get()

    def take_waiting(self) -> list[Parcel]:
        """All that wait right now."""
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]

    async def done(self, parcel: Parcel) -> None:
        await self._memory.put(self._key(parcel.slot), "")
        self._free.append(parcel.slot)


def _record(order: int, body: str, starts: int) -> str:
    return json.dumps({"order": order, "body": body, "starts": starts}, ensure_ascii=False)


async def persist(name: str, clock: Clock, work: Callable[[], Awaitable[None]], *, tries: int = 5) -> None:
    """Does `work`; waits as told and repeats while it is only Retryable. A definite no is logged, never raised."""
    for attempt in range(1, tries + 1):
        try:
            await work()
        except Retryable as error:
            log.warning("wecom %s: %s (try %d)", name, error, attempt)
            wait = error.after
        except Garbled as error:
            log.warning("wecom %s: a callback was not understood: %s", name, error)
            return
        except ChannelError as error:
            log.warning("wecom %s: not done: %s", name, error)
            return
        else:
            return
        if attempt < tries:
            await clock.sleep(wait)
    log.error("wecom %s: gave up after %d tries", name, tries)
