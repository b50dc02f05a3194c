"""`yuanzi fsck`: proves the promises on real data, and prints what it found as one JSON object."""

import argparse
import json
import sys
from pathlib import Path

from bot.config import load_config
from storage.fsck import Report, check

SHOWN = 5


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi fsck`."""
    add_database(parser)


def add_database(parser: argparse.ArgumentParser) -> None:
    """The option that names the database, the same for every data tool."""
    parser.add_argument("--db", type=Path, metavar="文件", help="数据库文件；不写就用 config.toml 里的")


def database_of(args: argparse.Namespace) -> Path:
    """The database that was named, else the one of this deployment. Raises ConfigError."""
    if args.db is not None:
        return Path(args.db)
    return Path(load_config(None).settings.storage.path)


def run(args: argparse.Namespace) -> int:
    """Checks; 1 when a promise is broken."""
    report = check(database_of(args))
    sys.stdout.buffer.write(json.dumps(report.as_dict(), ensure_ascii=False).encode() + b"\n")
    sys.stdout.buffer.flush()
    return 0 if report.is_clean else 1


def tell_problems(report: Report, about: str) -> None:
    """The first broken promises of a file, as lines for whoever ran the command."""
    sys.stderr.write(f"{about}，{len(report.violations)} 处不对：\n")
    for one in report.violations[:SHOWN]:
        sys.stderr.write(f"  {one.rule} · {one.where}：{one.what}\n")
    if len(report.violations) > SHOWN:
        sys.stderr.write("  ……全部看 yuanzi fsck --db 文件\n")
