"""`yuanzi pipe`: JSON lines in, JSON lines out."""

import argparse
import asyncio
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.app import App
from bot.channels import Abilities, Hear, Line, Pace, Receipt
from bot.channels.pipe import (
    NAME,
    BadLineError,
    LineReader,
    PipeChannel,
    TimeMoves,
    parse,
    show,
    show_ack,
    show_error,
)
from bot.config import Config, load_config
from bot.events import Event
from bot.segment import SEGMENTER
from bot.world import RealWorld, VirtualWorld

AT_ONCE = 500


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi pipe`."""
    parser.add_argument("--db", type=Path, metavar="文件", help="数据库文件，没有就新建；不写就用 config.toml 里的")
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")
    parser.add_argument(
        "--clock", choices=("real", "events"), default="real",
        help="real：真实时间；events：时间只跟着每行的 at 走，同样的输入得到一模一样的输出",
    )  # fmt: skip
    parser.add_argument("--acks", action="store_true", help="每个事件落盘后回一行 committed")


def run(args: argparse.Namespace) -> int:
    """Reads standard input to its end."""
    config = load_config(args.config)
    SEGMENTER.warm_up()
    return asyncio.run(_real(config, args) if args.clock == "real" else _events(config, args))


def write_out(data: bytes) -> None:
    """All bytes to standard output, at once: what was written is out even if we are killed."""
    while data:
        data = data[os.write(1, data) :]


async def _real(config: Config, args: argparse.Namespace) -> int:
    world = RealWorld()
    pace = config.settings.channels[NAME].pace if NAME in config.settings.channels else None
    channel = PipeChannel(
        0, write_out, world.now, acks=args.acks,
        pace=Pace(pace.account_gap, pace.group_gap, pace.jitter) if pace else None,
    )  # fmt: skip
    app = App(config, world, {NAME: channel}, db=args.db)
    try:
        await app.listen()
    finally:
        app.close()
    return 0


class _Collected:
    """The channel of `--clock events`: lines are put in their place among the receipts by `_Player`."""

    name = NAME
    abilities = Abilities(max_bytes=20_000, in_flight=1_000_000_000)
    pace = Pace()

    async def run(self, hear: Hear) -> None:
        """Input is read by `_Player`, which also moves the clock."""

    async def send(self, line: Line) -> Receipt:
        """Written out by `_Player` in the order in which everything came about."""
        del line
        return Receipt()

    async def close(self) -> None:
        """Nothing to let go of."""


class _Player:
    """Plays lines in virtual time. What comes out depends on the input and the seed alone, not on how fast it came."""

    def __init__(self, config: Config, args: argparse.Namespace) -> None:
        self._config = config
        self._args = args
        self._app: App | None = None
        self._number = 0
        self._clock: datetime | None = None

    async def play(self) -> None:
        """Reads standard input to its end. The app is built when the first line has set the clock."""
        reader = LineReader(0)
        try:
            while lines := await reader.chunks():
                for start in range(0, len(lines), AT_ONCE):
                    await self._play_lines(lines[start : start + AT_ONCE])
            if self._app is not None:
                self._put(await self._feed(self._app, []))
                await self._app.settle()
        finally:
            if self._app is not None:
                self._app.close()

    async def _play_lines(self, lines: list[bytes]) -> None:
        waiting: list[Event] = []
        for raw in lines:
            self._number += 1
            if not raw.strip():
                continue
            try:
                one = parse(raw, self._clock)
            except BadLineError as error:
                await self._flush(waiting)
                self._put([show_error(self._number, str(error))])
                continue
            # The clock of a line is that of the latest one before it, handled or not.
            self._clock = one.at if self._clock is None else max(self._clock, one.at)
            app = await self._app_at(one)
            if isinstance(one, TimeMoves):
                await self._flush(waiting)
                app.world.arrive(one.at)
                self._put(await self._feed(app, []))
            else:
                waiting.append(one)
        await self._flush(waiting)

    async def _app_at(self, one: Event | TimeMoves) -> App:
        if self._app is None:
            self._app = App(self._config, VirtualWorld(one.at), {NAME: _Collected()}, db=self._args.db)
            await self._app.engine.recover()
            self._put(await self._feed(self._app, []))
        return self._app

    async def _flush(self, waiting: list[Event]) -> None:
        if waiting and self._app is not None:
            self._put(await self._feed(self._app, waiting))
            waiting.clear()

    async def _feed(self, app: App, events: list[Event]) -> list[dict[str, Any]]:
        batch = await app.feed(events)
        return [
            show(one) if isinstance(one, Line) else show_ack(one)
            for one in batch.order
            if isinstance(one, Line) or self._args.acks
        ]

    def _put(self, out: list[dict[str, Any]]) -> None:
        if out:
            write_out(b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in out))


async def _events(config: Config, args: argparse.Namespace) -> int:
    await _Player(config, args).play()
    return 0
