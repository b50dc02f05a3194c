"""The wires. A channel turns what a platform reports into events and puts finished lines on the platform."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from bot.events import Event


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of an event: known before (`duplicate`), or its rule broke (`failed`). The event is durable."""

    event_id: str
    duplicate: bool = False
    failed: bool = False


Hear = Callable[[Event], Awaitable[Heard]]
"""Hands one event to the engine; returns once it is durable. Waits while the engine's queue is full (back-pressure)."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a channel can do; features consult it instead of guessing."""

    hears: Literal["all", "mentioned", "direct"] = "all"
    speaks: Literal["first", "answer", "confirmed"] = "first"
    joins: bool = True
    mention: bool = True
    pictures: bool = True
    max_bytes: int = 2048
    """Longest text in UTF-8 bytes; longer lines are cut at a sentence."""
    idempotent: bool = False
    """True when sending the same key twice delivers once: a send of unknown outcome may then be repeated."""
    in_flight: int = 1
    """How many sends may be under way at once."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one account may talk: a gap between any two lines and between two lines in one conversation."""

    account_gap: timedelta = timedelta(0)
    group_gap: timedelta = timedelta(0)
    jitter: timedelta = timedelta(0)
    """Up to this much is added to each gap, by luck."""


@dataclass(frozen=True, slots=True)
class Line:
    """One finished line on its way out. `group` is None in a 1:1 conversation with `member`."""

    row: int
    key: str
    channel: str
    group: str | None
    member: str | None
    text: str
    phrase: str
    event_id: str
    because: str
    sort: str
    mentions: tuple[str, ...] = ()
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a send ended: sent, unknown (timed out: it may have arrived, never repeat it blindly) or failed."""

    state: Literal["sent", "unknown", "failed"] = "sent"
    platform_id: str = ""
    error: str = ""


class Channel(Protocol):
    """One wire with one account. `send` may raise Retryable or Refused; whatever else it raises is a bug."""

    name: str
    abilities: Abilities
    pace: Pace

    async def run(self, hear: Hear) -> None:
        """Listens until the wire ends for good or the task is cancelled."""

    async def send(self, line: Line) -> Receipt:
        """Puts one line on the platform."""

    async def close(self) -> None:
        """Lets go of everything that `run` took."""
