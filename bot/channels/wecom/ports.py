"""What the official channels ask of their host: time, luck, ids and a small memory."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The one clock. I/O deadlines run on the event loop; every rule about time asks here."""

    def now(self) -> datetime:
        """The present moment, aware."""

    async def sleep(self, seconds: float) -> None:
        """Returns once this clock has moved on by `seconds`."""


class Luck(Protocol):
    """The one source of luck."""

    def random(self) -> float:
        """A number in [0, 1)."""


class Ids(Protocol):
    """The one source of new ids."""

    def new(self) -> str:
        """An id never given before: 1 to 64 of `[0-9A-Za-z_-]`."""


class Memory(Protocol):
    """What must outlive the process, as text by key. A `put` is durable once it returns; putting "" forgets the key.

    Keys begin with the name of the wire: `<wire>/inbox/<slot>` (callbacks answered but not yet worked off),
    `<wire>/cursor` and `<wire>/since` (customer service), `<wire>/turn/<customer>`, `<wire>/code/<member>` (codes
    that work once), `<wire>/roster/<chat>`, `<wire>/relation/<staff>/<customer>`, `<wire>/mass/<day>/<target>`.
    """

    async def get(self, key: str) -> str | None:
        """The text put last, or None (or "") when there is none."""

    async def put(self, key: str, value: str) -> None:
        """Remembers `value` under `key`, for good."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The four of them, handed to every wire."""

    clock: Clock
    luck: Luck
    ids: Ids
    memory: Memory
