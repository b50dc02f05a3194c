"""`yuanzi replay`: conversations that prove themselves."""

import argparse
import asyncio
import sys
from pathlib import Path

from bot.channels import Line
from bot.scenario import load_scenario, play


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi replay`."""
    parser.add_argument("files", nargs="+", type=Path, metavar="剧本", help="TOML 剧本，可以写多个")
    parser.add_argument("--show", action="store_true", help="把机器人说的话也打印出来")


def run(args: argparse.Namespace) -> int:
    """Plays every file; 1 when one of them went otherwise than written."""
    wrong = 0
    for path in args.files:
        scenario = load_scenario(path)
        show = _show if args.show else _quiet
        differences = asyncio.run(play(scenario, str(path), show))
        sys.stdout.write(f"{'×' if differences else '✓'} {scenario.title}（{len(scenario.step)} 步，{path.name}）\n")
        for difference in differences:
            sys.stdout.write(f"    {difference}\n")
        wrong += bool(differences)
    sys.stdout.write(f"{len(args.files) - wrong} 份一致，{wrong} 份不一致\n")
    return 1 if wrong else 0


def _show(line: Line) -> None:
    sys.stdout.write(f"    [{line.phrase}] {line.text}\n")


def _quiet(line: Line) -> None:
    del line
