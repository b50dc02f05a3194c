"""Sliding windows: at most so many in so many seconds, per conversation."""

from collections import OrderedDict, deque
from collections.abc import Sequence

from bot.channels.wecom.ports import Clock


class Windows:
    """`take` answers 0 and counts one, or answers how many seconds to wait and counts nothing."""

    def __init__(self, limits: Sequence[tuple[int, float]], clock: Clock, *, keys: int = 10_000) -> None:
        self._limits = tuple(limits)
        self._clock = clock
        self._keys = keys
        self._taken: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, key: str) -> float:
        now = self._clock.now().timestamp()
        taken = self._taken.setdefault(key, deque())
        self._taken.move_to_end(key)
        while len(self._taken) > self._keys:
            self._taken.popitem(last=False)
        longest = max(seconds for _, seconds in self._limits)
        while taken and taken[0] <= now - longest:
            taken.popleft()
        wait = max(self._wait(taken, now, count, seconds) for count, seconds in self._limits)
        if wait <= 0:
            taken.append(now)
            return 0.0
        return wait

    @staticmethod
    def _wait(taken: deque[float], now: float, count: int, seconds: float) -> float:
        if len(taken) < count:
            return 0.0
        return max(0.0, taken[-count] + seconds - now)
