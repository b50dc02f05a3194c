"""`yuanzi wecom-sandbox`: a local WeCom to try the official channels on, without an account."""

import argparse
import importlib
import sys
from typing import Any

from bot.config import ROOT
from bot.errors import ConfigError, Problem


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi wecom-sandbox`."""
    parser.add_argument("--port", type=int, default=8765, metavar="端口", help="本机端口，默认 8765；0 表示任选一个")
    parser.add_argument("--empty", action="store_true", help="不放示例客户和群")


def run(args: argparse.Namespace) -> int:
    """Runs until Ctrl-C. Prints one JSON line with addresses and throw-away secrets when it is ready."""
    if not (ROOT.parent / "tests" / "fake_wecom").is_dir():
        raise ConfigError(
            [Problem("yuanzi wecom-sandbox", "", "模拟服务器只在源码目录里有", "git clone 之后在目录里运行")]
        )
    sys.path.insert(0, str(ROOT.parent))
    sandbox: Any = importlib.import_module("tests.fake_wecom.__main__")
    sys.argv = ["yuanzi wecom-sandbox", "--port", str(args.port), *(["--empty"] if args.empty else [])]
    sandbox.main()
    return 0
