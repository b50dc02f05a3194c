"""`yuanzi tags import FILE`: tags for many members at once, from a list: all of it, or nothing and every bad row."""

import argparse
import sys
from pathlib import Path

from bot.app import switchboard_for
from bot.commands.fsck import add_database
from bot.config import load_config
from bot.content import load_content
from bot.errors import ConfigError, Problem
from bot.sheets import bounded, read_sheet
from bot.tagging import row_by_hand
from bot.tagrules import LONGEST, TagBook
from bot.world import RealWorld, to_ms
from storage.database import Database
from storage.store import Store
from storage.tags import Evidence

COLUMNS = {"成员id": "member", "member_id": "member", "成员": "name", "name": "name", "标签": "tag", "tag": "tag",
           "备注": "note", "note": "note"}  # fmt: skip


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi tags`."""
    parser.add_argument("action", choices=("import",), metavar="import", help="导入")
    parser.add_argument("file", type=Path, metavar="文件", help=".csv 或 .xlsx；表头：成员id（或成员）、标签、备注")
    add_database(parser)
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")


def run(args: argparse.Namespace) -> int:
    """Imports all or nothing; the same file again changes nothing. Raises ConfigError with every bad row."""
    config = load_config(args.config)
    book = load_content(config, switchboard_for(config).phrases).tags
    database = Database.open(args.db or Path(config.settings.storage.path), "full")
    try:
        database.begin()
        fresh, again = import_tags(Store(database), book, args.file, to_ms(RealWorld().now()))
        database.commit()
    finally:
        database.rollback()
        database.close()
    sys.stdout.write(f"打了 {fresh} 个标签" + (f"，{again} 个本来就有" if again else "") + "。\n")
    return 0


def import_tags(store: Store, book: TagBook, path: Path, at: int) -> tuple[int, int]:
    """(tags given, tags that members had already). Raises ConfigError with every bad row; then nothing is given."""
    problems: list[Problem] = []
    wanted: dict[tuple[str, str], tuple[int, str]] = {}
    for row in read_sheet(path, COLUMNS, ("标签",)):
        who, tag = row.cells.get("member") or row.cells.get("name", ""), row.cells.get("tag", "")
        found = store.members.find(who, None) if who else []
        if len(found) != 1:
            what = (
                "没写是谁" if not who else f"有 {len(found)} 个「{who[:20]}」" if found else f"没有成员「{who[:20]}」"
            )
            problems.append(Problem(str(path), row.where, what, "重名的写成员id"))
        elif not tag or len(tag) > LONGEST or any(char.isspace() for char in tag):
            problems.append(Problem(str(path), row.where, f"标签要 1 到 {LONGEST} 个字，中间没有空格"))
        else:
            wanted.setdefault((found[0], tag), (row.number, row.cells.get("note", "")[:60]))
    if problems:
        raise ConfigError(bounded(path, problems))
    fresh = 0
    for (member, tag), (number, note) in wanted.items():
        if any(one.origin == "manual" for one in store.tags.rows(member, tag)):
            continue
        store.tags.take(member, tag, "denied")
        ref = f"{path.name}#{number}"
        store.tags.give(row_by_hand(book, member, tag, at, note), [Evidence(ref, at, "import", ref)])
        fresh += 1
    return fresh, len(wanted) - fresh
