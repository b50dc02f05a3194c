"""`yuanzi run`: the bot on the channels that config.toml switches on, in real time, until it is told to stop."""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bot.app import App
from bot.config import Config, load_config
from bot.errors import ConfigError, Problem
from bot.segment import SEGMENTER
from bot.world import RealWorld

if TYPE_CHECKING:
    from bot.hooks import Door


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi run`."""
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")
    parser.add_argument("--db", type=Path, metavar="文件", help="数据库文件；不写就用 config.toml 里的")


def run(args: argparse.Namespace) -> int:
    """Runs until the channels end, or until SIGTERM or Ctrl-C."""
    return asyncio.run(_serve(load_config(args.config), args.db))


async def _serve(config: Config, db: Path | None) -> int:
    from bot.hooks import door_of  # noqa: PLC0415
    from bot.wiring import Host, build  # noqa: PLC0415  the wires are heavy; other commands start without them

    world = RealWorld()
    SEGMENTER.warm_up()
    host = Host(world)
    wiring = build(config, host)
    try:
        app = App(config, world, wiring.channels, db=db)
        try:
            door = door_of(app)
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
            names = "、".join(app.channels)
            sys.stderr.write(f"元子在线：通道 {names}，数据库 {app.database.path}。停下用 Ctrl-C 或 SIGTERM。\n")
            try:
                if door is not None:
                    await _open(door, config)
                with contextlib.suppress(asyncio.CancelledError):
                    await wiring.serve(app)
            finally:
                if door is not None:
                    await door.close()
        finally:
            app.close()
    finally:
        await wiring.close()
    return 0


async def _open(door: "Door", config: Config) -> None:
    try:
        await door.open()
    except OSError as error:
        why = f"收订单的端口打不开：{error.strerror or error}"
        raise ConfigError([Problem(config.file, "hooks.port", why, "换一个，或停掉占用它的程序")]) from error
    sys.stderr.write(f"收订单：POST /hooks/orders，端口 {door.port}。\n")
