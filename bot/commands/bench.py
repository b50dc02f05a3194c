"""`yuanzi bench`: one JSON line per figure; slow machines give other numbers, so the last line compares ratios."""

import argparse
import json
import logging
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from bot.bench.figures import FIGURES, QUICK, Bench, Size
from bot.bench.targets import ratios


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi bench`."""
    parser.add_argument("--quick", action="store_true", help="少测一点，一分钟左右；不加大约五分钟")
    parser.add_argument("--only", choices=tuple(FIGURES), metavar="项", help=f"只测一项：{' '.join(FIGURES)}")
    parser.add_argument("--events", type=_many, metavar="条", help="每一轮多少条消息")
    parser.add_argument("--stored", type=_many, metavar="条", help="stored 一项先存多少条互动，默认一百万")
    parser.add_argument(
        "--dir", type=Path, metavar="目录", help="在哪块盘上测，测完就删；默认 ./var，没有就用 /var/tmp"
    )
    parser.epilog = "每项打印一行 JSON，最后一行 ratios 是同一次运行里的比值和目标。说明见 docs/benchmarks.md。"


def _many(text: str) -> int:
    if not text.isdecimal() or not 100 <= int(text) <= 100_000_000:
        raise argparse.ArgumentTypeError(f"「{text}」不是条数，写 100 以上的整数")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Measures and prints. Always 0: a figure is not a test."""
    size = QUICK if args.quick else Size()
    if args.events:
        size = replace(size, events=args.events, memory_events=min(size.memory_events, args.events * 10))
    if args.stored:
        size = replace(size, stored=args.stored)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="yuanzi-bench-", dir=args.dir or _disk()) as folder:
        bench = Bench(Path(folder), size)
        for name, figures in FIGURES.items():
            if args.only in {None, name}:
                for figure in figures(bench):
                    _put(figure)
        if bench.measured:
            _put(ratios(bench.measured))
    return 0


def _disk() -> Path | None:
    """A folder on a real disk: /tmp is often memory, where a full commit costs nothing."""
    return next((path for path in (Path("var"), Path("/var/tmp")) if path.is_dir()), None)  # noqa: S108  for speed only


def _put(figure: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(figure, ensure_ascii=False) + "\n")
    sys.stdout.flush()
