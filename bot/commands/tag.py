"""`yuanzi tag`: learns tags, days and stages from everything that is remembered, at full speed."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from bot.app import switchboard_for
from bot.commands.fsck import add_database
from bot.config import load_config
from bot.content import load_content
from bot.learning import learn
from bot.stages import rebuild_stages
from bot.world import RealWorld
from storage.database import Database, is_ours_alone
from storage.store import Store

PIECE = 20_000
"""Events of one transaction while a bot is running: it waits for it a moment."""
ALONE = 1_000_000
"""Events of one transaction when nobody waits: what members did is summed up before it is written."""


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi tag`."""
    add_database(parser)
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")
    parser.add_argument(
        "--rebuild", action="store_true", help="规则给的标签和所有阶段重算：改了阶段的天数以后用；手动打的不动"
    )


def run(args: argparse.Namespace) -> int:
    """Learns until nothing is left; what was learnt before a Ctrl-C stays."""
    config = load_config(args.config)
    book = load_content(config, switchboard_for(config).phrases).tags
    path = args.db or Path(config.settings.storage.path)
    piece = ALONE if is_ours_alone(path) else PIECE
    database = Database.open(path, "normal", wait=30.0)
    try:
        store = Store(database)
        if args.rebuild:
            _in_transaction(database, store.tags.start_over)
            _in_transaction(database, lambda: rebuild_stages(store, config, RealWorld().now()))
        pieces, more = 0, True
        while more:
            more = _in_transaction(database, lambda: learn(store, config, book, RealWorld().now(), piece))
            pieces += 1
        tags, members = store.tags.count()
        sys.stdout.write(f"读到第 {store.tags.newest_event()} 件事：{members} 位成员，{tags} 个标签（{pieces} 批）。\n")
    finally:
        database.close()
    return 0


def _in_transaction(database: Database, work: Callable[[], object]) -> bool:
    database.begin()
    try:
        result = work()
        database.commit()
    finally:
        database.rollback()
    return bool(result)
