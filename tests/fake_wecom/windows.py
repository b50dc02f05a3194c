"""Frequency limits: sliding windows, with or without the block that follows an excess."""

from collections import deque
from dataclasses import dataclass, field


@dataclass
class Window:
    """At most `limit` in any `seconds`. With `blocks`, an excess shuts the door for a whole window (wecom.md 1)."""

    limit: int
    seconds: float
    blocks: bool = False
    _seen: deque[tuple[float, int]] = field(default_factory=deque)
    _sum: int = 0
    _shut_until: float = float("-inf")

    def fits(self, now: float, weight: int = 1) -> bool:
        """Whether `weight` more would be allowed now; counts nothing."""
        while self._seen and self._seen[0][0] <= now - self.seconds:
            self._sum -= self._seen.popleft()[1]
        return now >= self._shut_until and self._sum + weight <= self.limit

    def take(self, now: float, weight: int = 1) -> bool:
        """Counts `weight` and says True, or says False (and shuts, if it blocks)."""
        if not self.fits(now, weight):
            if self.blocks and now >= self._shut_until:
                self._shut_until = now + self.seconds
            return False
        if self._seen and self._seen[-1][0] == now:
            weight_before = self._seen.pop()[1]
            self._seen.append((now, weight_before + weight))
        else:
            self._seen.append((now, weight))
        self._sum += weight
        return True


@dataclass
class Windows:
    """Several windows that all must allow a call, one set per key."""

    shape: tuple[tuple[int, float], ...]
    blocks: bool = False
    _by_key: dict[str, list[Window]] = field(default_factory=dict)

    def take(self, key: str, now: float, weight: int = 1) -> bool:
        mine = self._by_key.get(key)
        if mine is None:
            mine = self._by_key[key] = [Window(limit, span, self.blocks) for limit, span in self.shape]
        if all(window.fits(now, weight) for window in mine):
            return all(window.take(now, weight) for window in mine)
        for window in mine:
            if not window.fits(now, weight):
                window.take(now, weight)  # shuts the door where it blocks
        return False
