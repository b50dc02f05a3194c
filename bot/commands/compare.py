"""`yuanzi compare A B`: which of two wordings of a scheduled post more members answered, compared by group."""

import argparse
import sqlite3
import sys
from collections.abc import Mapping, Sequence

from bot.commands.fsck import add_database, database_of
from bot.config import load_config
from bot.errors import ConfigError, Problem
from bot.health import compare
from storage.database import explain
from storage.fsck import open_snapshot
from storage.health import outcomes


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi compare`."""
    for name, text in (("first", "第一种"), ("second", "第二种")):
        parser.add_argument(
            name, metavar=f"脚本.拍{'A' if name == 'first' else 'B'}", help=f"{text}说法的定时，比如 welfare.new"
        )
    parser.add_argument(
        "--hours", type=int, default=2, choices=range(1, 73), metavar="小时", help="发出后几小时内开口算有反应，默认 2"
    )
    add_database(parser)


def run(args: argparse.Namespace) -> int:
    """Prints both rates and what may be concluded. Groups that got both wordings are left out, and counted."""
    if args.first == args.second:
        raise ConfigError([Problem("脚本.拍", args.first, "两个一样，没法比")])
    config, path = load_config(None), database_of(args)
    ours = [*config.settings.bot.ids, *config.staff]
    conn = open_snapshot(path)
    try:
        both = [outcomes(conn, beat, args.hours, ours) for beat in (args.first, args.second)]
    except sqlite3.Error as error:
        raise explain(error, path) from error
    finally:
        conn.close()
    shared = set(both[0]) & set(both[1])
    rates = [_rates({group: rows for group, rows in one.items() if group not in shared}) for one in both]
    result = compare(*rates)
    for name, rate, groups in (
        (args.first, result.first, result.groups[0]),
        (args.second, result.second, result.groups[1]),
    ):
        sys.stdout.write(f"{name}：{groups} 个群，平均 {rate:.1f}% 的人 {args.hours} 小时内开口\n")
    if shared:
        sys.stdout.write(f"{len(shared)} 个群两种都发过，分不清是哪种的功劳，没有算\n")
    sys.stdout.write(result.verdict() + "\n")
    return 0


def _rates(groups: Mapping[str, Sequence[tuple[int, int]]]) -> list[float]:
    """One rate for each group: the mean of its posts."""
    return [sum(spoke / size for spoke, size in rows) / len(rows) for _, rows in sorted(groups.items())]
