"""`yuanzi check`: every problem of settings, persona, phrases, FAQ and scripts at once."""

import argparse
import sys
from pathlib import Path

from bot.app import switchboard_for
from bot.config import load_config
from bot.content import load_content
from bot.errors import ConfigError, Problem


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi check`."""
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")


def run(args: argparse.Namespace) -> int:
    """Says what was read. Problems are raised together as one ConfigError: exit 2."""
    config = load_config(args.config)
    problems: list[Problem] = []
    switchboard = switchboard_for(config)
    try:
        content = load_content(config, switchboard.phrases)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems)
    groups = len(config.named_groups)
    rows = [f"设置 {config.file}：{groups} 个群，{len(config.staff)} 位员工", *content.summary()]
    sys.stdout.write("没有问题。\n" + "".join(f"  {row}\n" for row in rows))
    return 0
