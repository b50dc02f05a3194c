"""`yuanzi codes import FILE --item ID`: fills the pool of coupon codes of one item of the shop."""

import argparse
import csv
import sys
from pathlib import Path

from bot.app import switchboard_for
from bot.commands.fsck import add_database
from bot.config import Config, load_config, nearest
from bot.content import load_content
from bot.errors import ConfigError, Problem
from bot.world import RealWorld, to_ms
from storage.database import Database, StorageError
from storage.shop import Shop

LONGEST = 100
SHOWN = 10


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi codes`."""
    parser.add_argument("action", choices=("import",), metavar="import", help="导入")
    parser.add_argument("file", type=Path, metavar="文件", help="一行一个码；CSV 取第一列，第一行可以是「券码」或 code")
    parser.add_argument("--item", required=True, metavar="编号", help="shop.toml 里 kind = code 的那件的 id")
    add_database(parser)
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")


def run(args: argparse.Namespace) -> int:
    """Imports all or nothing; codes known already are skipped. Raises ConfigError with every bad row."""
    config = load_config(args.config)
    _prove_item(config, args.item)
    codes = read_codes(args.file)
    database = Database.open(args.db or Path(config.settings.storage.path), "full")
    try:
        database.begin()
        fresh = Shop(database).import_codes(args.item, codes, to_ms(RealWorld().now()))
        database.commit()
    finally:
        database.rollback()
        database.close()
    known = len(codes) - fresh
    sys.stdout.write(
        f"「{args.item}」导入 {fresh} 个码" + (f"，{known} 个早就有了，没有重复导入" if known else "") + "\n"
    )
    return 0


def _prove_item(config: Config, wanted: str) -> None:
    catalogue = load_content(config, switchboard_for(config).phrases).catalogue
    codes = [item.id for item in catalogue.items if item.kind == "code"]
    if wanted not in codes:
        close = nearest(wanted, codes)
        hint = f"是不是想写 {close[0]}？" if close else f"可写：{'、'.join(codes) or '一件也没有'}"
        raise ConfigError([Problem("--item", wanted[:40], "商城里没有这件券码", hint)])


def read_codes(path: Path) -> list[str]:
    """The codes of a file, in order. Raises ConfigError with every bad row, StorageError when it cannot be read."""
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StorageError(f"读不了 {path}：不是 UTF-8 文字，或者打不开（{error}）") from error
    codes: dict[str, int] = {}
    problems: list[Problem] = []
    for number, row in enumerate(rows, start=1):
        code = row[0].strip() if row else ""
        if not code or (number == 1 and code.casefold() in ("券码", "code", "codes")):
            continue
        if len(code) > LONGEST or not code.isprintable():
            problems.append(Problem(str(path), f"第 {number} 行", f"不像券码：太长（最多 {LONGEST} 个字）或有控制字符"))
        elif code in codes:
            problems.append(Problem(str(path), f"第 {number} 行", f"和第 {codes[code]} 行重复"))
        codes.setdefault(code, number)
    if not codes and not problems:
        problems.append(Problem(str(path), "", "一个码也没有"))
    if problems:
        more = [Problem(str(path), "", f"还有 {len(problems) - SHOWN} 行不对")] if len(problems) > SHOWN else []
        raise ConfigError([*problems[:SHOWN], *more])
    return list(codes)
