"""The sandbox's time: a source that tests inject, an offset that control may move, and sleepers that both wake."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class Clock:
    """Seconds since 1970. A still clock moves only by `advance`; a flowing one also runs with its source."""

    def __init__(self, source: Callable[[], float], *, flows: bool) -> None:
        self._source = source
        self._flows = flows
        self._ahead = 0.0
        self._sleepers: set[asyncio.Future[None]] = set()
        self._news = asyncio.Event()

    def __call__(self) -> float:
        return self._source() + self._ahead

    def advance(self, seconds: float) -> float:
        """Moves the clock forward, wakes whoever may be due, and tells the new time."""
        if seconds < 0:
            raise ValueError("the clock never goes back")
        self._ahead += seconds
        self.nudge()
        return self()

    def nudge(self) -> None:
        """Lets the sleepers look again: for whoever moves the injected source."""
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Waits until the clock shows `seconds` more than now."""
        until = self() + seconds
        while (left := until - self()) > 0:
            sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._sleepers.add(sleeper)
            self._news.set()
            try:
                await asyncio.wait((sleeper,), timeout=left if self._flows else None)
            finally:
                self._sleepers.discard(sleeper)

    async def until_waiting(self, number: int = 1) -> None:
        """Returns once that many sleepers wait: then a still clock may be advanced without a race."""
        while len(self._sleepers) < number:
            self._news.clear()
            await self._news.wait()

    async def within(self, seconds: float, work: Awaitable[T]) -> T:
        """The result of `work`, or TimeoutError when this clock passes `seconds` first."""
        task = asyncio.ensure_future(work)
        alarm = asyncio.ensure_future(self.sleep(seconds))
        try:
            await asyncio.wait((task, alarm), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise TimeoutError
        finally:
            for loose in (task, alarm):
                if not loose.done():
                    loose.cancel()
            await asyncio.gather(task, alarm, return_exceptions=True)


def still(at: float = 1_700_000_000.0) -> Clock:
    """A clock for tests: it stands until somebody advances it."""
    return Clock(lambda: at, flows=False)


def flowing() -> Clock:
    """The machine's clock, for the sandbox that a person starts; it can still be advanced."""
    return Clock(time.time, flows=True)  # noqa: TID251  the one place of the fake that reads the machine's clock


def as_clock(source: Callable[[], float]) -> Clock:
    """Any callable as a clock; a foreign source must `nudge` after it moved."""
    return source if isinstance(source, Clock) else Clock(source, flows=False)
