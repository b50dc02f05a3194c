"""`yuanzi doctor`: is everything there that the configured channels need, and what is the next step?"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from bot.config import Config, load_config
from bot.errors import StorageFailure
from bot.world import RealWorld
from storage.database import Database, StorageError


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi doctor`."""
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")


def run(args: argparse.Namespace) -> int:
    """Looks at everything; 1 when something cannot work. Secrets are never printed."""
    config = load_config(args.config)
    return asyncio.run(_examine(config))


async def _examine(config: Config) -> int:
    import aiohttp  # noqa: PLC0415  the wires are heavy; other commands start without them

    from bot.channels.wecom.findings import Finding, can_do, fine  # noqa: PLC0415
    from bot.wiring import Host, builder, channel_problems, wechaty_account, wechaty_settings  # noqa: PLC0415

    problems = channel_problems(config)
    found: list[object] = [Finding("error", one.key, one.reason, one.hint) for one in problems]
    found.append(_database(config))
    host = Host(RealWorld())
    if not problems:
        for name, settings in wechaty_settings(config).items():
            account = wechaty_account(name, settings, host)
            sys.stdout.write(f"wechaty 账号 {name}\n")
            found += await account.diagnose()
            found.append(can_do(name, account.abilities))
        async with aiohttp.ClientSession() as session:
            one = builder(config, host, session, os.environ)
            house, missing = one.survey()
            if config.settings.wecom:
                found += [*missing, *await house.diagnose(session, one.ports)]
    if not config.settings.wechaty and not config.settings.wecom:
        found.append(fine("通道", "只有 JSON 行（pipe）；接企业微信见 README「接到企业微信」"))
    for each in found:
        sys.stdout.write(f"  {each}\n")
    errors = sum(getattr(each, "level", "") == "error" for each in found)
    sys.stdout.write(f"{errors} 处要修。\n" if errors else "都好。\n")
    return 1 if errors else 0


def _database(config: Config) -> object:
    from bot.channels.wecom.findings import Finding, fine  # noqa: PLC0415

    path = Path(config.settings.storage.path)
    try:
        Database.open(path, wait=0.2).close()
    except (StorageError, StorageFailure) as error:
        return Finding("warn" if "占用" in str(error) else "error", "数据库", str(error))
    return fine("数据库", f"{path} 可以读写")
