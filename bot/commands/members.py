"""`yuanzi members import FILE`: who is a contact since when and from where, from a spreadsheet, tried before written.

Only what the tables hold comes in: names follow the platform, groups, points and cards have books of their own.
"""

import argparse
import sys
from collections.abc import Mapping
from datetime import datetime, tzinfo
from pathlib import Path

from bot.commands.export import a_zone
from bot.commands.fsck import add_database, database_of
from bot.errors import ConfigError, Problem
from bot.sheets import read_sheet
from bot.world import RealWorld, from_ms, to_ms
from storage.database import Database, StorageError
from storage.export import EXPORTS
from storage.office import Office
from storage.roster import Known, Roster

COLUMNS = {"成员id": "id", "成员": "name", "通道": "channel", "好友来源": "source", "加好友时间": "contact_since"}
IGNORED = tuple(one.title for one in EXPORTS["members"].columns if one.title not in COLUMNS)
"""Columns of an export that are only for reading."""
LONGEST = {"id": 128, "name": 60, "channel": 40, "source": 60}
SHOWN = 10


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi members`."""
    parser.add_argument("what", choices=("import",), metavar="import", help="从表格导入；导出用 yuanzi export members")
    parser.add_argument(
        "file", type=Path, metavar="文件", help=".csv 或 .xlsx；列：成员id、成员、通道、好友来源、加好友时间"
    )
    add_database(parser)
    parser.add_argument("--yes", action="store_true", help="真的写；不加只试，什么也不动")
    parser.add_argument(
        "--zone", type=a_zone, default="Asia/Shanghai", metavar="时区", help="时间没写时区就按它，默认 %(default)s"
    )
    parser.epilog = (
        "空格子不改。名字跟着平台走，只给还没有名字的人补上；群、积分、补签卡这些列只看不写。"
        "全部对了才写，错的一次列完。"
    )


def run(args: argparse.Namespace) -> int:
    """Tries or imports, all or nothing. Raises ConfigError with every bad row: exit 2."""
    path = database_of(args)
    if not path.is_file():
        raise StorageError(f"找不到数据库 {path}。")
    wanted = read_members(args.file, args.zone)
    database = Database.open(path, "full")
    try:
        database.begin()
        at = to_ms(RealWorld().now())
        changes, rows = plan(args.file, wanted, Roster(database), at)
        sys.stdout.write(f"{args.file}：{len(wanted)} 人，没有问题。\n" + "".join(f"  {row}\n" for row in rows))
        if not args.yes:
            sys.stdout.write("只是试了一遍，什么也没写。确认无误就加 --yes。\n")
            return 0
        for member, one in changes.items():
            Roster(database).write(member, one, at)
        if changes:
            what = f"{args.file.name}：{'；'.join(rows)}"
            Office(database).audit("命令行", None, "导入成员", what, at=at, event_id=f"members:{at}")
        database.commit()
    finally:
        database.rollback()
        database.close()
    sys.stdout.write(f"已写入 {len(changes)} 人。\n")
    return 0


def read_members(path: Path, zone: tzinfo) -> dict[str, tuple[int, dict[str, str]]]:
    """Member id -> (row, what its cells say), times as ms. Raises ConfigError with every bad row."""
    titles = {field: title for title, field in COLUMNS.items()}
    problems: list[Problem] = []
    found: dict[str, tuple[int, dict[str, str]]] = {}
    for row in read_sheet(path, COLUMNS, ("成员id",), ignored=IGNORED):
        where, data = row.where, dict(row.cells)
        member = data.pop("id", "")
        if not member:
            problems.append(Problem(str(path), where, "成员id：没写"))
            continue
        problems += [
            Problem(str(path), where, f"{titles[field]}：太长了，最多 {most}")
            for field, most in LONGEST.items() if len({**data, "id": member}.get(field, "")) > most
        ]  # fmt: skip
        if "contact_since" in data:
            try:
                data["contact_since"] = str(to_ms(_moment(data["contact_since"], zone)))
            except (ValueError, OverflowError):
                problems.append(Problem(str(path), where, "加好友时间：写法不对", "写成 2026-12-02 11:58"))
        first, known = found.setdefault(member, (row.number, data))
        problems += [  # an export has a row for every group of a member
            Problem(str(path), where, f"{titles[field]}：和第 {first} 行的同一个人不一样")
            for field, cell in data.items() if known.setdefault(field, cell) != cell
        ]  # fmt: skip
    if not found and not problems:
        problems.append(Problem(str(path), "", "一个人也没有"))
    if problems:
        raise ConfigError(problems)
    return found


def _moment(text: str, zone: tzinfo) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def plan(
    path: Path, wanted: Mapping[str, tuple[int, dict[str, str]]], roster: Roster, at: int
) -> tuple[dict[str, Known], list[str]]:
    """(what to write, what that means in words). Raises ConfigError with every row that cannot be."""
    problems: list[Problem] = []
    changes: dict[str, Known] = {}
    fresh = 0
    for member, (number, data) in wanted.items():
        known = roster.find(member)
        reasons = _refusals(known, data, at)
        problems += [Problem(str(path), f"第 {number} 行", reason) for reason in reasons]
        before = known or Known("", data.get("channel", ""), None, None)
        since = int(data["contact_since"]) if "contact_since" in data and not reasons else before.contact_since
        after = Known(before.name or data.get("name", ""), before.channel, since, data.get("source", before.source))
        if known is None or after != before:
            changes[member] = after
            fresh += known is None
    if problems:
        raise ConfigError(problems)
    rows = [f"新来 {fresh} 人，改 {len(changes) - fresh} 人，不变 {len(wanted) - len(changes)} 人"]
    rows += [f"{one.name or member}（{member}）：{_told(one)}" for member, one in list(changes.items())[:SHOWN]]
    return changes, rows if len(changes) <= SHOWN else [*rows, f"……还有 {len(changes) - SHOWN} 人"]


def _told(one: Known) -> str:
    since = f"{from_ms(one.contact_since):%Y-%m-%d} 加的好友" if one.contact_since else "还不是好友"
    return f"{since}，来源 {one.source or '（空）'}"


def _refusals(known: Known | None, data: Mapping[str, str], at: int) -> list[str]:
    found = []
    if known is None and "channel" not in data:
        found.append("通道：新的人要写从哪个通道来")
    if known is not None and known.channel != data.get("channel", known.channel):
        found.append(f"通道：改不了，现在是 {known.channel}")
    if known is not None and known.name not in ("", data.get("name", known.name)):
        found.append(f"成员：名字跟着平台走，改不了，现在是 {known.name}")
    if known is not None and known.is_gone and ("source" in data or "contact_since" in data):
        found.append("这位已按本人要求删除，不能写回")
    since = int(data.get("contact_since", 0))
    if since > at and (known is None or since != known.contact_since):
        found.append("加好友时间：还没到")
    return found
