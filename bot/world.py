"""One clock, one source of luck, one source of ids: the real world, and a virtual one that is driven."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 in UTC: how moments are stored."""
    return (moment - _EPOCH) // _MILLISECOND


def span_ms(span: timedelta) -> int:
    """A span of time in whole milliseconds, exactly: seconds as floating-point numbers lose one now and then."""
    return span // _MILLISECOND


def from_ms(stamp: int) -> datetime:
    """The aware moment (UTC) that `to_ms` stored."""
    return _EPOCH + stamp * _MILLISECOND


class Luck:
    """Luck that depends on nothing but the seed and the name of the occasion, so any run can be replayed exactly.

    The same occasion always has the same luck: how events were batched, or how often the process restarted, cannot
    change it. The spread is that of blake2b; the bias of `below` for small n is under 2**-50.
    """

    def __init__(self, seed: str) -> None:
        self._key = hashlib.blake2b(seed.encode(), digest_size=32).digest()

    def below(self, n: int, *occasion: object) -> int:
        """A number in 0..n-1 for this occasion."""
        name = "\x1f".join(map(str, occasion)).encode("utf-8", "replace")
        digest = hashlib.blake2b(name, key=self._key, digest_size=8).digest()
        return int.from_bytes(digest, "big") % n

    def token(self, *occasion: object) -> str:
        """64 hexadecimal digits for this occasion."""
        name = "\x1f".join(map(str, occasion)).encode("utf-8", "replace")
        return hashlib.blake2b(name, key=self._key, digest_size=32).hexdigest()

    def pick(self, options: Sequence[T], *occasion: object) -> T:
        """One of the options for this occasion."""
        return options[self.below(len(options), *occasion)]

    def part_of(self, span: timedelta, *occasion: object) -> timedelta:
        """A part of a span of time, in whole milliseconds: jitter."""
        whole = span_ms(span)
        return timedelta(milliseconds=self.below(whole + 1, *occasion)) if whole > 0 else timedelta(0)


class World(Protocol):
    """Where time comes from. Only the outermost layers ask; rules look at `event.at`."""

    virtual: bool

    def now(self) -> datetime:
        """This moment, aware, in UTC."""

    def arrive(self, moment: datetime) -> None:
        """A virtual clock moves forward to `moment` (never back); a real one does not listen."""

    def secret(self, luck: Luck, *occasion: object) -> str:
        """64 hexadecimal digits that nobody can know before: whoever asks must store them.

        In a virtual world they follow from luck, so that a replay is exact.
        """

    async def sleep(self, seconds: float) -> None:
        """Waits in the real world; a virtual world only moves its clock."""


class RealWorld:
    """The machine's clock, and for channels its luck and its ids."""

    virtual = False

    def monotonic(self) -> float:
        """Seconds that never go back, for deadlines of channels."""
        return time.monotonic()

    def random(self) -> float:
        """A number in [0, 1): jitter of channels. Rules have `Luck` instead, which can be replayed."""
        return secrets.randbelow(1 << 53) / (1 << 53)

    def new(self) -> str:
        """An id never given before."""
        return secrets.token_hex(16)

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  the one place that reads the clock

    def arrive(self, moment: datetime) -> None:
        """Real time moves by itself."""

    def secret(self, luck: Luck, *occasion: object) -> str:  # noqa: ARG002  chance itself, not our luck
        return secrets.token_hex(32)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class VirtualWorld:
    """A clock that stands still until somebody moves it."""

    virtual = True

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def arrive(self, moment: datetime) -> None:
        self._now = max(self._now, moment.astimezone(UTC))

    def secret(self, luck: Luck, *occasion: object) -> str:
        return luck.token("secret", *occasion)

    async def sleep(self, seconds: float) -> None:
        self.arrive(self._now + timedelta(seconds=seconds))
        await asyncio.sleep(0)
