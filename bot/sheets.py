"""Spreadsheets both ways: rows of a CSV or XLSX file with their numbers, and rows written so that nothing runs."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook

from bot.config import nearest
from bot.errors import ConfigError, Problem
from storage.database import StorageError
from storage.export import XLSX_CELL, harmless, plain

MOST_ROWS = 100_000
Numbered = tuple[int, list[str]]
"""(row number as the spreadsheet shows it, cells as text)"""


def read_sheet(path: Path, most: int = MOST_ROWS) -> Iterator[Numbered]:
    """The rows of a file, the header first. Raises ConfigError."""
    kind = path.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise ConfigError([Problem(str(path), "", "认不出格式", "写成 .toml、.csv 或 .xlsx；表格另存为 .csv、.xlsx")])
    try:
        rows = _csv(path) if kind == ".csv" else _xlsx(path, most)
    except FileNotFoundError as error:
        raise ConfigError([Problem(str(path), "", "找不到这个文件")]) from error
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise ConfigError([Problem(str(path), "", f"读不了：{error}", "用 Excel 另存一份再试")]) from error
    if len(rows) > most:
        raise ConfigError([Problem(str(path), "", f"超过 {most} 行", "拆成几份")])
    return iter(rows)


def _csv(path: Path) -> list[Numbered]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030")  # what Excel in Chinese saves as CSV
    reader = csv.reader(text.splitlines(keepends=True))
    found = []
    for row in reader:
        number = reader.line_num - sum(cell.count("\n") for cell in row)
        found.append((number, [plain(cell.strip()) for cell in row]))
    return found


def _xlsx(path: Path, most: int) -> list[Numbered]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except BadZipFile as error:
        raise ValueError("不是 xlsx 文件") from error
    try:
        sheet = book.worksheets[0]
        return [
            (number, [_cell(value) for value in row])
            for number, row in enumerate(sheet.iter_rows(values_only=True, max_row=most + 2), start=1)
        ]
    finally:
        book.close()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return plain(str(value).strip())


def fields_of(
    path: Path, header: Sequence[str], columns: dict[str, str], needed: Sequence[str], ignored: Sequence[str] = ()
) -> list[str]:
    """Which field each column is; empty for one that is not read. Raises ConfigError with every wrong column."""
    problems, fields = [], []
    for cell in header:
        name = cell.strip()
        field = columns.get(name, columns.get(name.lower(), ""))
        if name and not field and name not in ignored:
            close = nearest(name, [*columns, *ignored])
            hint = f"是不是想写 {close[0]}？" if close else f"可以有：{'、'.join(dict.fromkeys(columns))}"
            problems.append(Problem(str(path), "第 1 行", f"不认识的列「{name[:40]}」", hint))
        if field and field in fields:
            problems.append(Problem(str(path), "第 1 行", f"「{name[:40]}」这一列写了两次"))
        fields.append(field)
    for name in needed:
        if columns[name] not in fields:
            problems.append(Problem(str(path), "第 1 行", f"缺少「{name}」这一列"))
    if problems:
        raise ConfigError(problems)
    return fields


def write_sheet(path: Path, title: str, header: Sequence[str], rows: Iterable[Sequence[str | int]]) -> int:
    """Writes a CSV or XLSX file, whole or not at all; returns how many rows. Raises ConfigError, StorageError."""
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise ConfigError([Problem(str(path), "", "认不出格式", "文件名以 .csv 或 .xlsx 结尾")])
    cells = [[harmless(one) if isinstance(one, str) else one for one in row] for row in rows]
    long = [number for number, row in enumerate(cells, start=2) for one in row if len(str(one)) * 2 > XLSX_CELL]
    if long:
        raise ConfigError([Problem(str(path), f"第 {number} 行", "一格装不下这么长的字") for number in long])
    part = path.with_name(f"{path.name}.part")
    try:
        if path.suffix.lower() == ".csv":
            with part.open("w", encoding="utf-8-sig", newline="") as file:
                csv.writer(file).writerows([header, *cells])
        else:
            book = Workbook(write_only=True)
            sheet = book.create_sheet(title)
            sheet.freeze_panes = "A2"
            for row in [header, *cells]:
                sheet.append(row)
            book.save(part)
        part.replace(path)
    except OSError as error:
        raise StorageError(f"写不了 {path}：{error.strerror}。检查磁盘空间和目录权限。") from error
    finally:
        part.unlink(missing_ok=True)
    return len(cells)
