"""What every measurement brings, and the medians of several rounds."""

import statistics
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Run:
    """One measured stretch. `waits` are the seconds that each message waited until it was durable."""

    events: int
    seconds: float
    waits: list[float]

    @property
    def per_second(self) -> float:
        """Messages per second."""
        return self.events / self.seconds

    @property
    def cost(self) -> float:
        """Seconds per message."""
        return self.seconds / self.events

    def wait(self, percent: int) -> float:
        """Milliseconds that so many percent of the messages waited at most."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000


def queue_up(in_flight: int, jobs: Iterable[T], do: Callable[[T], None], seconds: float) -> Run:
    """So many members at once, each waiting for their turn on the one connection: one job, one commit.

    Whoever was served goes to the end of the queue. Nothing but the work itself costs time here, no thread and no event
    loop, so this is the best that this way of working can do.
    """
    waits: list[float] = []
    start = perf_counter()
    queue = deque([start] * in_flight)
    for job in jobs:
        since = queue.popleft()
        do(job)
        now = perf_counter()
        waits.append(now - since)
        queue.append(now)
        if now - start > seconds:
            break
    return Run(len(waits), perf_counter() - start, waits)


def median(values: Iterable[float]) -> float:
    """The middle one: a single disturbed round does not move it."""
    return statistics.median(values)


def shown(figure: str, runs: list[Run], **more: Any) -> dict[str, Any]:
    """The medians of several rounds as a figure."""
    each = round(median(run.per_second for run in runs))
    p50, p99 = (round(median(run.wait(percent) for run in runs), 2) for percent in (50, 99))
    return {"figure": figure, **more, "events_per_s": each, "p50_ms": p50, "p99_ms": p99}
