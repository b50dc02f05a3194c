"""`yuanzi quiz check|import FILE` and `yuanzi quiz export FILE --bank 题库`: question banks as TOML, CSV or XLSX."""

import argparse
import re
import sys
from pathlib import Path

from bot.config import load_config, nearest, read_toml
from bot.content import persona_folder
from bot.errors import ConfigError, Problem
from bot.quizbank import load_banks
from bot.quizimport import export_bank, read_bank, write_bank


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi quiz`."""
    parser.add_argument(
        "what",
        choices=("check", "import", "export"),
        metavar="check|import|export",
        help="只检查、导入人设，还是导出成表格",
    )
    parser.add_argument("file", type=Path, metavar="文件", help=".toml、.csv 或 .xlsx；表头：题目、答案、提示、解释 …")
    parser.add_argument("--bank", default="", metavar="题库", help="export：导出哪个题库，写文件名或题库名")
    parser.add_argument("--into", metavar="人设", help="导入到哪个人设，默认是设置里的那个")
    parser.add_argument("--title", default="", metavar="名字", help="题库叫什么，成员用它选分类；默认是文件名")
    parser.add_argument("--name", default="", metavar="文件名", help="存成什么文件名，默认和原文件一样")
    parser.add_argument("--replace", action="store_true", help="import：题库里已有这个文件就整个换掉，题库名不写就不变")
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")


def run(args: argparse.Namespace) -> int:
    """Checks or imports. Every problem comes at once, with its row: exit 2."""
    if args.what == "export":
        bank = _bank(_folder(args) / "quiz", args.bank)
        title, count = export_bank(bank, args.file)
        again = f"yuanzi quiz import {args.file} --name {bank.stem} --replace"
        sys.stdout.write(f"「{title}」{count} 题写到 {args.file}，改完导回来：{again}\n")
        return 0
    title, questions = read_bank(args.file, args.title)
    if args.what == "check":
        sys.stdout.write(f"没有问题：「{title}」{len(questions)} 题。\n")
        return 0
    folder = _folder(args)
    name = args.name or args.file.stem
    if not re.fullmatch(r"[\w-]{1,60}", name):
        raise ConfigError([Problem(str(args.file), "", f"「{name}」当不了文件名", "用 --name 给一个，只用字和横线")])
    taboo = read_toml(folder / "persona.toml").get("taboo", [])
    before = _standing(folder / "quiz" / f"{name}.toml") if args.replace else None
    if before is not None and not args.title and args.file.suffix.lower() != ".toml":
        title = before[0] or title
    target = write_bank(folder / "quiz", name, title, questions, replace=before is not None)
    try:
        total = len(load_banks(folder / "quiz", taboo))
    except ConfigError:
        # Together with the other banks it does not hold: everything is as it was.
        if before is None:
            target.unlink()
        else:
            target.write_bytes(before[1])
        raise
    sys.stdout.write(f"已导入 {len(questions)} 题到 {target}，一共 {total} 题。在群里发「重载」就能用。\n")
    return 0


def _standing(target: Path) -> tuple[str, bytes] | None:
    """The title and the bytes of a bank that is to be replaced; None when there is none."""
    return (str(read_toml(target).get("title", "")), target.read_bytes()) if target.is_file() else None


def _bank(folder: Path, wanted: str) -> Path:
    """The file of a bank, by file name or title. Raises ConfigError with those that exist."""
    banks = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    titles = {str(read_toml(path).get("title", "")): path for path in banks.values()}
    found = banks.get(wanted) or titles.get(wanted)
    if found is None:
        close = nearest(wanted, [*banks, *titles]) if wanted else []
        hint = f"是不是想写 {close[0]}？" if close else f"有：{'、'.join([*banks]) or '一个也没有'}"
        raise ConfigError([Problem("--bank", wanted[:40], "没有这个题库" if wanted else "要写导出哪个题库", hint)])
    return found


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
