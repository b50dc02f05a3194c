"""Spreadsheets that people hand in: CSV (UTF-8 or what Excel in Chinese saves) and XLSX as rows of text, numbered."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zipfile import BadZipFile

from openpyxl import load_workbook

from bot.config import nearest
from bot.errors import ConfigError, Problem

MOST_ROWS = 200_000
SHOWN = 20
"""Problems listed of one file; the others are counted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as the spreadsheet shows it, and its cells by field."""

    number: int
    cells: Mapping[str, str]

    @property
    def where(self) -> str:
        """How the row is named in a problem."""
        return f"第 {self.number} 行"


def read_sheet(path: Path, columns: Mapping[str, str], needed: Mapping[str, str]) -> Iterator[Row]:
    """The rows of a file. `columns`: header -> field; `needed`: field -> header that must be there.

    Columns that nobody knows are refused with "did you mean", except unnamed ones. Raises ConfigError.
    """
    rows = _rows(path)
    header = next(rows, (1, []))[1]
    fields = [columns.get(cell.strip().casefold(), "") for cell in header]
    problems = [
        Problem(str(path), "第 1 行", f"不认识的列「{cell}」", _hint(cell, columns))
        for cell, field in zip(header, fields, strict=True)
        if cell.strip() and not field
    ]
    problems += [
        Problem(str(path), "第 1 行", f"缺少「{title}」这一列", "首行写表头")
        for field, title in needed.items()
        if field not in fields
    ]
    if problems:
        raise ConfigError(problems)
    for number, cells in rows:
        if any(cells):
            yield Row(number, {field: cell for field, cell in zip(fields, cells, strict=False) if field})


def _hint(cell: str, columns: Mapping[str, str]) -> str:
    close = nearest(cell.strip(), columns)
    return f"是不是想写 {close[0]}？" if close else f"可写：{'、'.join(one for one in columns if not one.isascii())}"


def bounded(path: Path, problems: Sequence[Problem]) -> list[Problem]:
    """The problems worth listing, and how many more there are."""
    more = [Problem(str(path), "", f"还有 {len(problems) - SHOWN} 处不对")] if len(problems) > SHOWN else []
    return [*problems[:SHOWN], *more]


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    kind = path.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise ConfigError([Problem(str(path), "", "认不出格式", "存成 .csv 或 .xlsx")])
    try:
        rows = _csv(path) if kind == ".csv" else _xlsx(path)
    except FileNotFoundError as error:
        raise ConfigError([Problem(str(path), "", "找不到这个文件")]) from error
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise ConfigError([Problem(str(path), "", f"读不了：{error}", "用 Excel 另存一份再试")]) from error
    if len(rows) > MOST_ROWS:
        raise ConfigError([Problem(str(path), "", f"超过 {MOST_ROWS} 行", "拆成几份")])
    return iter(rows)


def _csv(path: Path) -> list[tuple[int, list[str]]]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030")  # what Excel in Chinese saves as CSV
    reader = csv.reader(text.splitlines(keepends=True))
    return [(reader.line_num - sum(cell.count("\n") for cell in row), [cell.strip() for cell in row]) for row in reader]


def _xlsx(path: Path) -> list[tuple[int, list[str]]]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except BadZipFile as error:
        raise ValueError("不是 xlsx 文件") from error
    try:
        sheet = book.worksheets[0]
        return [
            (number, [_cell(value) for value in row])
            for number, row in enumerate(sheet.iter_rows(values_only=True, max_row=MOST_ROWS + 2), start=1)
        ]
    finally:
        book.close()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
