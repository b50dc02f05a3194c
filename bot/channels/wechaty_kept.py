"""What the Wechaty channel remembers, and never more of it than it was told to: caches with a bound and an age."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Clock(Protocol):
    """Time, as bot/world.py gives it."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class Bounded(OrderedDict[K, V]):
    """A dictionary that forgets its oldest entries. Also stands in for Wechaty's pools, which never forget."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        while len(self) > self._most:
            self.popitem(last=False)


class Cache(Generic[V]):
    """Answers to questions, each asked once at a time, kept for a while, the least used forgotten first."""

    def __init__(self, most: int, age: float, clock: Clock) -> None:
        self._most = most
        self._age = age
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, V]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[V]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def peek(self, key: str) -> V | None:
        found = self._kept.get(key)
        if found is None:
            return None
        if found[0] < self._clock.monotonic():
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return found[1]

    def put(self, key: str, value: V, age: float | None = None) -> None:
        self._kept[key] = (self._clock.monotonic() + (self._age if age is None else age), value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, key: str) -> None:
        self._kept.pop(key, None)
        self._asking.pop(key, None)

    async def get(self, key: str, ask: Callable[[], Awaitable[tuple[V, float | None]]]) -> V:
        """The kept answer, or the answer to `ask`, which also says how long to keep it (None: as usual)."""
        found = self.peek(key)
        if found is not None:
            return found
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.ensure_future(self._ask(key, ask))
            task.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(task)

    async def _ask(self, key: str, ask: Callable[[], Awaitable[tuple[V, float | None]]]) -> V:
        value, age = await ask()
        if self._asking.get(key) is asyncio.current_task():  # else it was forgotten while we asked: stale
            self.put(key, value, age)
        return value

    def _done(self, key: str, task: asyncio.Task[V]) -> None:
        if self._asking.get(key) is task:
            del self._asking[key]
        if not task.cancelled():
            task.exception()

    def close(self) -> None:
        for task in list(self._asking.values()):
            task.cancel()


async def end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancels until they have ended: one cancelling can be lost where a library cancels, too."""
    mine = {task for task in tasks if task is not asyncio.current_task()}
    while left := {task for task in mine if not task.done()}:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=1.0)
    for task in mine:
        if not task.cancelled():
            task.exception()  # asked for, so that asyncio does not complain that nobody did
