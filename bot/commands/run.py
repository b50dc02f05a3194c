"""`yuanzi run`: the bot on the channels that config.toml switches on, in real time, until it is told to stop."""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from bot.app import App
from bot.channels import Channel, Pace
from bot.channels.pipe import NAME as PIPE
from bot.channels.pipe import PipeChannel
from bot.commands.pipe import write_out
from bot.config import Config, load_config, nearest
from bot.errors import ConfigError, Problem
from bot.segment import SEGMENTER
from bot.world import RealWorld

KNOWN = (PIPE,)


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi run`."""
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")
    parser.add_argument("--db", type=Path, metavar="文件", help="数据库文件；不写就用 config.toml 里的")


def run(args: argparse.Namespace) -> int:
    """Runs until the channels end, or until SIGTERM or Ctrl-C."""
    return asyncio.run(_serve(load_config(args.config), args.db))


def channels_of(config: Config, world: RealWorld) -> dict[str, Channel]:
    """The channels that are switched on. Raises ConfigError for one that does not exist, or when there is none."""
    problems = []
    channels: dict[str, Channel] = {}
    for name, settings in config.settings.channels.items():
        if name not in KNOWN:
            close = nearest(name, KNOWN)
            hint = f"是不是想写 {close[0]}？" if close else f"有：{'、'.join(KNOWN)}"
            problems.append(Problem(config.file, f"channels.{name}", "没有这个通道", hint))
        elif settings.on:
            pace = settings.pace
            channels[name] = PipeChannel(
                0, write_out, world.now, acks=True, pace=Pace(pace.account_gap, pace.group_gap, pace.jitter)
            )
    if not channels and not problems:
        problems.append(Problem(config.file, "channels", "一个通道也没开", f"比如 [channels.{PIPE}] on = true"))
    if problems:
        raise ConfigError(problems)
    return channels


async def _serve(config: Config, db: Path | None) -> int:
    world = RealWorld()
    SEGMENTER.warm_up()
    app = App(config, world, channels_of(config, world), db=db)
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    sys.stderr.write(
        f"元子在线：通道 {'、'.join(app.channels)}，数据库 {app.database.path}。停下用 Ctrl-C 或 SIGTERM。\n"
    )
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await app.listen()
    finally:
        app.close()
    return 0
