"""What every part of the sandbox stands on: time, luck, options, corps, faults, and news for those who wait."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from tests.fake_wecom.clock import Clock
from tests.fake_wecom.errors import ApiError, Json
from tests.fake_wecom.faults import Faults
from tests.fake_wecom.luck import Luck
from tests.fake_wecom.options import Options
from tests.fake_wecom.records import App, Ask, Corp, Logged


@dataclass(frozen=True)
class Call:
    """One REST call: method, path below /cgi-bin/, the rule, and the console the app must have been added to."""

    method: str
    path: str
    rule: Callable[[Ask], Json]
    grant: str = ""


@dataclass
class Ground:
    clock: Clock
    luck: Luck
    options: Options
    faults: Faults = field(default_factory=Faults)
    corps: dict[str, Corp] = field(default_factory=dict)
    log: list[Logged] = field(default_factory=list)
    base_url: str = ""
    mishaps: list[BaseException] = field(default_factory=list)
    """What broke inside the sandbox itself; `close` raises it, so that a bug of the fake is not silent."""
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def corp(self, corpid: str = "") -> Corp:
        """The corp with this id; without an id the first one (most tests have only one)."""
        if not corpid and self.corps:
            return next(iter(self.corps.values()))
        if corpid not in self.corps:
            raise LookupError(f"no corp {corpid!r}")
        return self.corps[corpid]

    def tell(self) -> None:
        """Something changed: whoever waits in `until` looks again."""
        self._news.set()
        self._news = asyncio.Event()

    async def until(self, true: Callable[[], bool]) -> None:
        """Waits for a change that makes `true()` true: how tests wait without sleeping."""
        while not true():
            await self._news.wait()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Runs something beside the requests; `close` ends it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (broken := task.exception()) is not None:
            self.mishaps.append(broken)
            self.tell()

    async def close(self) -> None:
        self.faults.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def need_member(corp: Corp, app: App, userid: str) -> None:
    """The member exists and the app may see them (wecom.md 1: 60011; 60111 unknown member)."""
    if userid not in corp.members:
        raise ApiError(60111)
    if not app.sees(userid):
        raise ApiError(60011)
