"""Our side of the comparison: the whole bot on a wire that swallows what it says, full synchronous, real time."""

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from unittest.mock import patch

from bot.app import App
from bot.bench.raw_sql import Recording, Script
from bot.bench.run import Run
from bot.channels import Hear, Line, Pace, Receipt
from bot.channels.pipe import NAME, PipeChannel, parse, show, show_ack
from bot.config import load_config, shipped
from bot.events import Event
from bot.router import Router
from bot.world import RealWorld


class Crowd:
    """A channel with `in_flight` members who each send their next message when the one before is durable.

    What is said is swallowed. With `wire` every message is parsed from its line, and acknowledgements and answers are
    formatted, as `yuanzi pipe` does it; without, that is not part of what is measured.
    """

    name = NAME
    abilities = PipeChannel.abilities
    pace = Pace()

    def __init__(self, lines: Iterable[bytes], in_flight: int, *, wire: bool = False) -> None:
        self._in_flight = in_flight
        self._wire = wire
        self._now = RealWorld().now
        self._messages = iter(lines) if wire else iter([self._read(line) for line in lines])
        self._waits: list[float] = []
        self._seconds = 0.0

    def _read(self, line: bytes) -> Event:
        event = parse(line, self._now())
        assert isinstance(event, Event)
        return event

    async def run(self, hear: Hear) -> None:
        start = perf_counter()
        await asyncio.gather(*(self._talk(hear) for _ in range(self._in_flight)))
        self._seconds = perf_counter() - start

    async def _talk(self, hear: Hear) -> None:
        for message in self._messages:
            start = perf_counter()
            heard = await hear(self._read(message) if isinstance(message, bytes) else message)
            if self._wire:
                self._write(show_ack(heard))
            self._waits.append(perf_counter() - start)

    async def send(self, line: Line) -> Receipt:
        if self._wire:
            self._write(show(line))
        return Receipt()

    def _write(self, data: object) -> None:
        json.dumps(data, ensure_ascii=False).encode()

    async def close(self) -> None:
        """Nothing to let go of."""

    @property
    def result(self) -> Run:
        """What was measured."""
        return Run(len(self._waits), self._seconds, self._waits)


def run_bot(
    db: Path, lines: Iterable[bytes], in_flight: int, *, wire: bool = False, more: Sequence[Router] = ()
) -> Run:
    """Lets a crowd talk to a bot on this database until the lines are used up. The bot is warm: what its start costs is
    measured by itself (`cold_start`), and would weigh the more the shorter the run is."""
    crowd = Crowd(lines, in_flight, wire=wire)
    config = load_config(shipped("config.toml"))
    app = App(config, RealWorld(), {NAME: crowd}, db=db, synchronous="full", more=more)
    app.desk.library.search("怎么退款", None, config.group(None))
    try:
        asyncio.run(app.listen())
    finally:
        app.close()
    return crowd.result


def record_bot(db: Path, start: Path, lines: Iterable[bytes], in_flight: int) -> Script:
    """The SQL that the bot executes for these lines; `start` gets a copy of the database as it was before them."""
    crowd = Crowd(lines, in_flight)
    with patch.object(sqlite3, "connect", partial(sqlite3.connect, factory=Recording)):
        app = App(load_config(shipped("config.toml")), RealWorld(), {NAME: crowd}, db=db, synchronous="full")
    conn = app.database.conn
    assert isinstance(conn, Recording)
    try:
        asyncio.run(app.engine.recover())
        conn.execute("VACUUM INTO ?", (str(start),))
        script: Script = []
        conn.script = script
        asyncio.run(app.listen())
    finally:
        app.close()
    return script
