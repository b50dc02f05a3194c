"""The shop as a spreadsheet: shop.toml -> rows, rows -> shop.toml; every mistake names its row."""

import re
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from bot.catalogue import Catalogue, Item, load_catalogue
from bot.config import REASONS
from bot.errors import ConfigError, Problem
from bot.sheets import Row, read_sheet, write_sheet
from bot.toml_text import toml_value

COLUMNS = {
    "编号": "id", "名称": "title", "类型": "kind", "价格": "price", "总份数": "stock", "每人几份": "limit",
    "开始": "opens", "截止": "closes", "至少称号": "level", "至少进群天数": "tenure", "只在这些群": "groups",
    "给几分": "points", "给几张补签卡": "cards", "有效几天": "days", "留地址几天": "hold", "说明": "note",
}  # fmt: skip
"""Header of a column -> field of an item."""
KINDS = {"积分": "points", "补签卡": "card", "券码": "code", "限时权益": "pass", "实物": "goods"}
_NUMBERS = ("price", "stock", "limit", "tenure", "points", "cards", "days", "hold")
_ALWAYS = ("price", "limit")
_SEPARATORS = "、,，"


def export_shop(catalogue: Catalogue, out: Path) -> int:
    """Writes the shop as a spreadsheet that `read_shop` reads back the same; returns how many items.

    Raises ConfigError, StorageError.
    """
    bad = [
        Problem("shop.toml", one.id, f"群 id「{group}」里有顿号或逗号，一格里会被拆开")
        for one in catalogue.items for group in one.groups if any(char in group for char in _SEPARATORS)
    ]  # fmt: skip
    if bad:
        raise ConfigError(bad)
    return write_sheet(out, "积分商城", list(COLUMNS), [_row(one) for one in catalogue.items])


def _row(item: Item) -> list[str | int]:
    names = {kind: name for name, kind in KINDS.items()}
    row: list[str | int] = []
    for field in COLUMNS.values():
        value = getattr(item, field)
        if field == "kind":
            value = names[value]
        elif field == "groups":
            value = "、".join(value)
        elif isinstance(value, datetime):
            value = value.isoformat()
        elif value is None or (field not in (*_ALWAYS, "stock") and value == Item.model_fields[field].default):
            value = ""
        row.append(value)
    return row


def read_shop(path: Path, taboo: Collection[str], titles: Collection[str]) -> Catalogue:
    """The items of a spreadsheet, proven as a whole shop. Raises ConfigError with every bad row."""
    problems: list[Problem] = []
    items: list[tuple[int, Item]] = []
    for row in read_sheet(path, COLUMNS, ("编号", "名称", "类型", "价格")):
        items += _item(path, row, problems)
    if not items and not problems:
        problems.append(Problem(str(path), "", "一件也没有", "首行写表头，下面一行一件；要清空商城就删掉 shop.toml"))
    lines: dict[str, int] = {}
    for number, item in items:
        if item.id in lines:
            problems.append(Problem(str(path), f"第 {number} 行", f"编号「{item.id}」和第 {lines[item.id]} 行重复"))
        lines.setdefault(item.id, number)
        if item.level and item.level not in titles:
            hint = f"有：{'、'.join(titles)}"
            problems.append(Problem(str(path), f"第 {number} 行", f"至少称号：没有「{item.level}」", hint))
        problems += [
            Problem(str(path), f"第 {number} 行", f"用了禁用词「{word}」")
            for word in taboo if word in item.title or word in item.note
        ]  # fmt: skip
    if problems:
        raise ConfigError(problems)
    return Catalogue([item for _, item in items])


def _item(path: Path, row: Row, problems: list[Problem]) -> list[tuple[int, Item]]:
    data: dict[str, object] = {}
    for field, cell in row.cells.items():
        value: object = KINDS.get(cell, cell) if field == "kind" else cell
        if field in _NUMBERS and cell.lstrip("-").isascii() and cell.lstrip("-").isdecimal() and len(cell) < 12:
            value = int(cell)
        elif field == "groups":
            value = [one.strip() for one in re.split(f"[{_SEPARATORS}]", cell) if one.strip()]
        data[field] = value
    try:
        return [(row.number, Item.model_validate(data))]
    except ValidationError as error:
        problems += [Problem(str(path), row.where, _reason(one)) for one in error.errors(include_url=False)]
        return []


def _reason(details: object) -> str:
    assert isinstance(details, dict)
    context, kind = details.get("ctx") or {}, details["type"]
    if kind == "value_error":
        return str(context["error"])
    column = {field: name for name, field in COLUMNS.items()}.get(str(details["loc"][0]), "")
    if kind == "literal_error":
        return f"{column}：可写 {'、'.join(KINDS)}"
    if kind == "missing":
        return f"{column}：没写"
    for bound, text in (
        ("ge", "不能小于"),
        ("le", "不能大于"),
        ("max_length", "太长了，最多"),
        ("min_length", "太短了，至少"),
    ):
        if bound in context:
            return f"{column}：{text} {context[bound]}"
    if "pattern" in context:
        return f"{column}：只用小写字母、数字和横线"
    return f"{column}：{REASONS.get(kind, '写法不对')}"


def as_toml(items: Iterable[Item]) -> str:
    """A shop as the TOML that `load_catalogue` reads."""
    parts = ["# 积分商城：由 yuanzi shop import 写成。id 上架后不要改；改完跑 yuanzi check，再在群里发「重载」。"]
    for item in items:
        rows = ["[[item]]"]
        for field, info in Item.model_fields.items():
            value = getattr(item, field)
            if info.is_required() or value != info.default:
                rows.append(f"{field} = {toml_value(value)}")
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def put_shop(target: Path, catalogue: Catalogue, taboo: Collection[str], titles: Collection[str]) -> Path | None:
    """Puts a proven shop in the place of shop.toml; returns where the old one is now. Raises ConfigError, OSError."""
    fresh = target.with_name(f"{target.name}.part")
    try:
        fresh.write_text(as_toml(catalogue.items), encoding="utf-8")
        load_catalogue(fresh, taboo, titles)
        kept = None
        if target.exists():
            names = (
                target.with_name(f"{target.name}.before-import{'' if n == 1 else f'-{n}'}") for n in range(1, 10_000)
            )
            kept = next(name for name in names if not name.exists())
            kept.write_bytes(target.read_bytes())
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    return kept
