"""`yuanzi orders import FILE`: orders from a spreadsheet: all of it, or nothing and every bad row."""

import argparse
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.app import switchboard_for
from bot.buying import Order, read_order, take_orders
from bot.commands.fsck import add_database
from bot.config import load_config
from bot.content import load_content
from bot.context import zone_of
from bot.errors import ConfigError, Problem
from bot.sheets import bounded, read_sheet
from bot.world import RealWorld, to_ms
from storage.database import Database
from storage.store import Store

COLUMNS = {
    "订单号": "order", "order_id": "order", "id": "order", "买家": "buyer", "成员id": "buyer", "member_id": "buyer",
    "买家id": "buyer", "时间": "at", "下单时间": "at", "付款时间": "at", "at": "at", "金额": "amount", "实付": "amount",
    "实付金额": "amount", "订单金额": "amount", "付款金额": "amount", "买家昵称": "buyer", "订单编号": "order",
    "订单状态": "state", "商品名称": "items", "amount": "amount", "商品": "items", "items": "items", "状态": "state",
    "state": "state",
}  # fmt: skip
_NEEDED = ("订单号", "买家", "时间", "金额")


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi orders`."""
    parser.add_argument("action", choices=("import",), metavar="import", help="导入")
    parser.add_argument("file", type=Path, metavar="文件", help="CSV 或 XLSX；表头：订单号 买家 时间 金额 商品 状态")
    add_database(parser)
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")


def run(args: argparse.Namespace) -> int:
    """Imports all or nothing; orders known already are skipped. Raises ConfigError with every bad row."""
    config = load_config(args.config)
    book = load_content(config, switchboard_for(config).phrases).tags
    orders = read_orders(args.file, zone_of(config.group(None)))
    database = Database.open(args.db or Path(config.settings.storage.path), "full", wait=30.0)
    now = RealWorld().now()
    try:
        database.begin()
        store = Store(database)
        taken = take_orders(store, config, book, orders.values(), source=args.file.name, now=now)
        if taken.clashes:
            rows = {one.order_id: where for where, one in orders.items()}
            why, hint = "早就有了，买家、时间或金额不一样", "核对后改这一行"
            problems = [Problem(str(args.file), rows[one], f"订单号 {one} {why}", hint) for one in taken.clashes]
            raise ConfigError(bounded(args.file, problems))
        store.agenda.wake_at("orders", "", to_ms(now), {})
        database.commit()
    finally:
        database.rollback()
        database.close()
    parts = [f"新订单 {taken.fresh}"]
    parts += [f"早就有了 {taken.known}"] if taken.known else []
    parts += [f"改为已退款 {taken.refunded}"] if taken.refunded else []
    parts += [f"还没对上人 {taken.unmapped}（在群里发「订单」看是谁，用「对号」对上）"] if taken.unmapped else []
    sys.stdout.write("，".join(parts) + "。\n")
    return 0


def read_orders(path: Path, zone: ZoneInfo) -> dict[str, Order]:
    """Row name -> order. Raises ConfigError with every bad row."""
    problems: list[Problem] = []
    found: dict[str, Order] = {}
    seen: dict[str, str] = {}
    for row in read_sheet(path, COLUMNS, _NEEDED):
        try:
            order = read_order(row.cells, zone)
        except ValueError as error:
            problems.append(Problem(str(path), row.where, str(error)))
            continue
        if order.order_id in seen:
            problems.append(Problem(str(path), row.where, f"订单号和{seen[order.order_id]}重复"))
        seen.setdefault(order.order_id, row.where)
        found[row.where] = order
    if not found and not problems:
        problems.append(Problem(str(path), "", "一单也没有", "首行写表头：订单号、买家、时间、金额、商品、状态"))
    if problems:
        raise ConfigError(bounded(path, problems))
    return found
