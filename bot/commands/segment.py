"""`yuanzi segment export NAME|EXPRESSION`: the members of a segment as a spreadsheet, CSV or JSON lines."""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from bot.app import switchboard_for
from bot.commands.export import FORMATS, replace
from bot.commands.fsck import add_database
from bot.config import Config, load_config
from bot.content import load_content
from bot.crowd import ExpressionError
from bot.crowds import members_of
from bot.errors import ConfigError, Problem
from bot.learning import learn
from bot.world import RealWorld, to_ms
from storage.database import Database
from storage.export import Column, write_csv, write_jsonl, write_xlsx
from storage.store import Store

_COLUMNS = (
    Column("member_id", "成员id"), Column("member", "成员"), Column("tags", "标签", "json"), Column("called", "称呼"),
    Column("age", "年龄段"), Column("need", "需要"), Column("orders", "订单数", "number"),
    Column("last_order", "最近下单", "time"),
)  # fmt: skip


class Roster:
    """The members of a segment as rows of an export."""

    def __init__(self, store: Store, members: list[str], now: datetime) -> None:
        self._store = store
        self._members = members
        self._now = now

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of every row."""
        return _COLUMNS

    def count(self) -> int:
        """How many rows there are."""
        return len(self._members)

    def rows(self) -> Iterator[list[Any]]:
        """Row by row, as JSON values."""
        for member in self._members:
            tags = [one.tag for one in self._store.tags.held(member, to_ms(self._now))]
            orders = self._store.orders.of(member)
            last = datetime.fromtimestamp(orders[0].at / 1000, UTC).isoformat() if orders else None
            remark = self._store.tags.remark(member) or ("", "", "")
            yield [member, self._store.members.name(member), tags, *remark, len(orders), last]


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi segment`."""
    parser.add_argument("action", choices=("export",), metavar="export", help="导出")
    parser.add_argument("expression", metavar="条件或名字", help="保存过的名字，或条件：'标签:无糖 且 近30天签到>=3'")
    parser.add_argument("--group", metavar="群id", help="只看一个群；不写就是所有群")
    add_database(parser)
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")
    parser.add_argument("--format", choices=FORMATS, help="不写就看 --out 的后缀，都没有就是 jsonl")
    parser.add_argument("--out", type=Path, metavar="文件", help="写到文件；不写就是标准输出")


def run(args: argparse.Namespace) -> int:
    """Learns what is new, then writes the segment. Raises ConfigError with the place of a mistake."""
    config = load_config(args.config)
    form = args.format or (args.out.suffix.lower().lstrip(".") if args.out else "")
    form = form if form in FORMATS else "jsonl"
    if form == "xlsx" and args.out is None:
        raise ConfigError([Problem("--out", "", "xlsx 不能写到标准输出", "加上 --out 文件.xlsx")])
    database = Database.open(args.db or Path(config.settings.storage.path), "normal", wait=30.0)
    try:
        roster = _roster(config, database, args)
        if args.out is None:
            _write(roster, form, sys.stdout.buffer, mark=False)
            sys.stdout.buffer.flush()
            return 0
        count = replace(args.out, lambda part: _to_file(roster, form, part))
        sys.stderr.write(f"{args.out}：{count} 行\n")
    finally:
        database.rollback()
        database.close()
    return 0


def _roster(config: Config, database: Database, args: argparse.Namespace) -> Roster:
    book = load_content(config, switchboard_for(config).phrases).tags
    store, now, more = Store(database), RealWorld().now(), True
    while more:
        database.begin()
        more = learn(store, config, book, now, 20_000)
        database.commit()
    try:
        return Roster(store, members_of(store, config, args.expression, args.group, now), now)
    except ExpressionError as error:
        raise ConfigError([Problem("条件", f"第 {error.at + 1} 个字", "\n" + error.pointed())]) from None


def _to_file(roster: Roster, form: str, part: Path) -> int:
    if form == "xlsx":
        return write_xlsx(roster, part, title="分群")
    with part.open("wb") as out:
        return _write(roster, form, out, mark=True)


def _write(roster: Roster, form: str, out: BinaryIO, *, mark: bool) -> int:
    return write_csv(roster, out, mark=mark) if form == "csv" else write_jsonl(roster, out)
