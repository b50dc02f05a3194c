"""Codes that work once and for seconds: welcome codes and session codes. A code is spent before it is used."""

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime

from bot.channels.wecom.ports import Clock, Memory


@dataclass(frozen=True, slots=True)
class Code:
    value: str
    kind: str
    until: float


class Codes:
    """One live code per person, in memory that outlives the process: a crash may waste a code, never use it twice."""

    def __init__(self, prefix: str, memory: Memory, clock: Clock) -> None:
        self._prefix = prefix
        self._memory = memory
        self._clock = clock
        self._lock = asyncio.Lock()

    def _key(self, person: str) -> str:
        return f"{self._prefix}/code/{person}"

    async def keep(self, person: str, value: str, *, kind: str, at: datetime, life: float) -> None:
        """Remembers a code heard at `at` (the platform's time); the same code again is not made fresh by it."""
        async with self._lock:
            stored = await self._load(person)
            if stored is not None and stored.get("spent") == value:
                return
            until = min(at.timestamp(), self._clock.now().timestamp()) + life
            await self._store(person, {"value": value, "kind": kind, "until": until})

    async def spend(self, person: str) -> Code | None:
        """The person's code if one is still good; from now on it counts as used."""
        async with self._lock:
            stored = await self._load(person)
            if stored is None or "value" not in stored:
                return None
            code = Code(str(stored["value"]), str(stored["kind"]), float(stored["until"]))
            await self._store(person, {"spent": code.value})
            return code if self._clock.now().timestamp() < code.until else None

    async def give_back(self, person: str, code: Code) -> None:
        """The platform said for certain that nothing was sent: the code may be tried again while it lives."""
        async with self._lock:
            await self._store(person, {"value": code.value, "kind": code.kind, "until": code.until})

    async def _load(self, person: str) -> dict[str, str | float] | None:
        stored = await self._memory.get(self._key(person))
        found: dict[str, str | float] | None = json.loads(stored) if stored else None
        return found

    async def _store(self, person: str, record: dict[str, str | float]) -> None:
        await self._memory.put(self._key(person), json.dumps(record))
