"""Faults on demand: error codes, delays, drops and hangs for the next N calls that match."""

import asyncio
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, get_args

Kind = Literal["errcode", "delay", "drop", "hang", "status", "garbage"]


@dataclass
class Fault:
    """`where` is a pattern over `gettoken`, `kf/send_msg`, `ws/aibot_respond_msg`, `webhook/send` and so on.

    `after` lets the call take effect first: the answer is lost, not the deed.
    """

    kind: Kind
    where: str = "*"
    times: int = 1
    errcode: int = -1
    seconds: float = 0.0
    status: int = 502
    after: bool = False


@dataclass
class Faults:
    """What will go wrong next, in the order it was asked for."""

    waiting: list[Fault] = field(default_factory=list)
    _freed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(
        self,
        kind: Kind,
        where: str = "*",
        *,
        times: int = 1,
        errcode: int = -1,
        seconds: float = 0.0,
        status: int = 502,
        after: bool = False,
    ) -> None:
        if kind not in get_args(Kind):
            raise ValueError(f"unknown fault {kind!r}, one of {', '.join(get_args(Kind))}")
        self.waiting.append(Fault(kind, where, times, errcode, seconds, status, after))

    def clear(self) -> None:
        """Nothing goes wrong any more; whoever hangs is let go with a dropped connection."""
        self.waiting.clear()
        self._freed.set()
        self._freed = asyncio.Event()

    def take(self, where: str) -> Fault | None:
        """The fault that hits this call, used up by one."""
        for fault in self.waiting:
            if fnmatchcase(where, fault.where):
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return None

    async def hang(self) -> None:
        """Waits until the faults are cleared."""
        await self._freed.wait()
