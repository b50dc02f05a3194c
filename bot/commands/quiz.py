"""`yuanzi quiz check FILE` and `yuanzi quiz import FILE --into 人设`: question banks from TOML, CSV or XLSX."""

import argparse
import re
import sys
from pathlib import Path

from bot.config import load_config, read_toml
from bot.content import persona_folder
from bot.errors import ConfigError, Problem
from bot.quizbank import load_banks
from bot.quizimport import read_bank, write_bank


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi quiz`."""
    parser.add_argument("what", choices=("check", "import"), metavar="check|import", help="只检查，还是导入人设")
    parser.add_argument("file", type=Path, metavar="文件", help=".toml、.csv 或 .xlsx；表头：题目、答案、提示、解释 …")
    parser.add_argument("--into", metavar="人设", help="导入到哪个人设，默认是设置里的那个")
    parser.add_argument("--title", default="", metavar="名字", help="题库叫什么，成员用它选分类；默认是文件名")
    parser.add_argument("--name", default="", metavar="文件名", help="存成什么文件名，默认和原文件一样")
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")


def run(args: argparse.Namespace) -> int:
    """Checks or imports. Every problem comes at once, with its row: exit 2."""
    title, questions = read_bank(args.file, args.title)
    if args.what == "check":
        sys.stdout.write(f"没有问题：「{title}」{len(questions)} 题。\n")
        return 0
    folder = _folder(args)
    name = args.name or args.file.stem
    if not re.fullmatch(r"[\w-]{1,60}", name):
        raise ConfigError([Problem(str(args.file), "", f"「{name}」当不了文件名", "用 --name 给一个，只用字和横线")])
    taboo = read_toml(folder / "persona.toml").get("taboo", [])
    target = write_bank(folder / "quiz", name, title, questions)
    try:
        total = len(load_banks(folder / "quiz", taboo))
    except ConfigError:
        # Together with the other banks it does not hold: nothing of it stays.
        target.unlink()
        raise
    sys.stdout.write(f"已导入 {len(questions)} 题到 {target}，一共 {total} 题。在群里发「重载」就能用。\n")
    return 0


def _folder(args: argparse.Namespace) -> Path:
    """The folder of the persona that was named. Raises ConfigError."""
    config = load_config(args.config)
    here = persona_folder(config)
    if args.into is None:
        return here
    if not (here.parent / args.into / "persona.toml").is_file() or Path(args.into).name != args.into:
        known = "、".join(sorted(path.parent.name for path in here.parent.glob("*/persona.toml")))
        raise ConfigError([Problem("--into", args.into, "没有这个人设", f"有：{known}")])
    return here.parent / str(args.into)
