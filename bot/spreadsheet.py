"""Tables of texts as .xlsx or .csv files: written whole or not at all, read with the row numbers that people see."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from bot.errors import ConfigError, Problem

_YES, _NO = "是", "否"
_MARKS = "'=+-@\t\r\n"
"""A text that starts so is written behind an apostrophe: a spreadsheet must not compute it."""
MOST_ROWS = 10_000


def write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Writes the rows as .xlsx or .csv, whole or not at all. Raises ConfigError."""
    fresh = path.with_name(f"{path.name}.part")
    safe = [[_safe(cell) for cell in row] for row in rows]
    try:
        if path.suffix.lower() == ".csv":
            out = StringIO()
            csv.writer(out, lineterminator="\r\n").writerows(safe)
            fresh.write_bytes(out.getvalue().encode("utf-8-sig"))
        else:
            book = Workbook(write_only=True)
            sheet = book.create_sheet("日历")
            for row in safe:
                sheet.append(row)
            book.save(fresh)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise ConfigError([Problem(str(path), "", f"写不了：{error.strerror}")]) from error


def _safe(cell: str) -> str:
    clean = str(ILLEGAL_CHARACTERS_RE.sub("", cell))
    return f"'{clean}" if clean[:1] and clean[0] in _MARKS and not clean.lstrip("-").isdigit() else clean


def read_rows(path: Path) -> list[tuple[int, list[str]]]:
    """(row number as the spreadsheet shows it, cells as text). Raises ConfigError."""
    kind = path.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise ConfigError([Problem(str(path), "", "认不出格式", "写成 .xlsx 或 .csv")])
    try:
        rows = list(_csv(path) if kind == ".csv" else _xlsx(path))
    except FileNotFoundError as error:
        raise ConfigError([Problem(str(path), "", "找不到这个文件")]) from error
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise ConfigError([Problem(str(path), "", f"读不了：{error}", "用 Excel 另存一份再试")]) from error
    if len(rows) > MOST_ROWS:
        raise ConfigError([Problem(str(path), "", f"超过 {MOST_ROWS} 行", "拆成几份")])
    return rows


def _csv(path: Path) -> Iterator[tuple[int, list[str]]]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030")  # what Excel in Chinese saves as CSV
    # The number counts records, as a spreadsheet does, whatever line breaks stand inside of cells.
    for number, row in enumerate(csv.reader(StringIO(text, newline="")), start=1):
        yield number, [_text(cell) for cell in row]


def _xlsx(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except BadZipFile as error:
        raise ValueError("不是 xlsx 文件") from error
    try:
        found: Iterable[Any] = book.worksheets[0].iter_rows(values_only=True, max_row=MOST_ROWS + 2)
        for number, row in enumerate(found, start=1):
            yield number, [_text(_typed(value)) for value in row]
    finally:
        book.close()


def _typed(value: Any) -> str:
    """What a spreadsheet made of a text: 12:00 became a clock, 2026-12-12 a date, 20 a number."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if hasattr(value, "hour") and hasattr(value, "year"):
        return f"{value:%Y-%m-%d}"
    if hasattr(value, "hour"):
        return f"{value:%H:%M}"
    return _YES if value is True else _NO if value is False else str(value)


def _text(cell: str) -> str:
    clean = cell.strip()
    return clean[1:] if clean[:1] == "'" and clean[1:2] and (clean[1] in _MARKS) else clean
