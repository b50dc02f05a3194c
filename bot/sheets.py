"""Spreadsheets both ways: the rows of a CSV or XLSX file with their numbers, and rows written so that nothing runs."""

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from io import BytesIO, StringIO
from pathlib import Path
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook

from bot.config import nearest
from bot.errors import ConfigError, Problem
from storage.database import StorageError
from storage.export import XLSX_CELL, harmless, plain

MOST_ROWS = 200_000
SHOWN = 20
"""Problems listed of one file; the others are counted."""
YES, NO = "是", "否"
_Numbered = tuple[int, list[str]]
"""(row number as the spreadsheet shows it, cells as text)"""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as the spreadsheet shows it, and its cells by field; empty ones are left out."""

    number: int
    cells: Mapping[str, str]

    @property
    def where(self) -> str:
        """How the row is named in a problem."""
        return f"第 {self.number} 行"


def read_sheet(
    path: Path, columns: Mapping[str, str], needed: Sequence[str] = (), *, ignored: Collection[str] = (),
    repeated: Collection[str] = (),
) -> Iterator[Row]:  # fmt: skip
    """The rows of a file that say anything. `columns`: title -> field; `needed`: titles that must be there.

    Titles that nobody knows are refused with "did you mean", except unnamed ones and those `ignored`. Fields that may
    have several columns are `repeated`; their cells come as lines of one. Raises ConfigError with every wrong title.
    """
    rows = _rows(path)
    fields = _fields(path, next(rows, (1, []))[1], columns, needed, ignored, repeated)
    for number, cells in rows:
        found: dict[str, str] = {}
        for field, cell in zip(fields, cells, strict=False):
            if field and cell:
                found[field] = f"{found[field]}\n{cell}" if field in found else cell
        if any(cells):
            yield Row(number, found)


def _fields(
    path: Path, header: Sequence[str], columns: Mapping[str, str], needed: Sequence[str], ignored: Collection[str],
    repeated: Collection[str],
) -> list[str]:  # fmt: skip
    """Which field each column is; empty for one that is not read. Raises ConfigError."""
    problems: list[Problem] = []
    fields: list[str] = []
    for title in header:
        field = columns.get(title, columns.get(title.casefold(), ""))
        if title and not field and title not in ignored:
            close = nearest(title, [*columns, *ignored])
            hint = f"是不是想写 {close[0]}？" if close else _known(columns)
            problems.append(Problem(str(path), "第 1 行", f"不认识的列「{title[:40]}」", hint))
        if field and field in fields and field not in repeated:
            problems.append(Problem(str(path), "第 1 行", f"「{title[:40]}」这一列写了两次"))
        fields.append(field)
    problems += [
        Problem(str(path), "第 1 行", f"缺少「{title}」这一列", f"首行写表头。{_known(columns)}")
        for title in needed
        if columns[title] not in fields
    ]
    if problems:
        raise ConfigError(problems)
    return fields


def _known(columns: Mapping[str, str]) -> str:
    return f"可以有：{'、'.join(one for one in columns if not one.isascii())}"


def bounded(path: Path, problems: Sequence[Problem]) -> list[Problem]:
    """The problems worth listing, and how many more there are."""
    more = [Problem(str(path), "", f"还有 {len(problems) - SHOWN} 处不对")] if len(problems) > SHOWN else []
    return [*problems[:SHOWN], *more]


# -- in ------------------------------------------------------------------------------------------------------------


def _rows(path: Path) -> Iterator[_Numbered]:
    kind = path.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise ConfigError([Problem(str(path), "", "认不出格式", "表格另存为 .csv 或 .xlsx")])
    try:
        rows = _csv(path) if kind == ".csv" else _xlsx(path)
    except FileNotFoundError as error:
        raise ConfigError([Problem(str(path), "", "找不到这个文件")]) from error
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise ConfigError([Problem(str(path), "", f"读不了：{error}", "用 Excel 另存一份再试")]) from error
    if len(rows) > MOST_ROWS:
        raise ConfigError([Problem(str(path), "", f"超过 {MOST_ROWS} 行", "拆成几份")])
    return iter(rows)


def _csv(path: Path) -> list[_Numbered]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030")  # what Excel in Chinese saves as CSV
    # The number counts records, as a spreadsheet does, whatever line breaks stand inside of cells.
    rows = enumerate(csv.reader(StringIO(text, newline="")), start=1)
    return [(number, [plain(cell.strip()) for cell in row]) for number, row in rows]


def _xlsx(path: Path) -> list[_Numbered]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except BadZipFile as error:
        raise ValueError("不是 xlsx 文件") from error
    try:
        rows = book.worksheets[0].iter_rows(values_only=True, max_row=MOST_ROWS + 2)
        return [(number, [plain(_typed(value).strip()) for value in row]) for number, row in enumerate(rows, start=1)]
    finally:
        book.close()


def _typed(value: object) -> str:
    """What a spreadsheet made of a text, as people write it: 12:00 became a clock, 2026-12-12 a day, 20 a number."""
    match value:
        case None:
            return ""
        case bool():
            return YES if value else NO
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == time.min:
            return value.date().isoformat()
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case date():
            return value.isoformat()
        case time():
            return value.isoformat(timespec="seconds" if value.second else "minutes")
    return str(value)


# -- out -----------------------------------------------------------------------------------------------------------


def sheet_bytes(kind: str, title: str, header: Sequence[str], rows: Iterable[Sequence[str | int]]) -> bytes:
    """A spreadsheet of a kind, .csv or .xlsx. Raises ConfigError for what no cell can hold."""
    cells = [[harmless(one) if isinstance(one, str) else one for one in row] for row in rows]
    long = [number for number, row in enumerate(cells, start=2) for one in row if len(str(one)) * 2 > XLSX_CELL]
    if long:
        raise ConfigError([Problem(title, f"第 {number} 行", "一格装不下这么长的字") for number in long])
    if kind == ".csv":
        text = StringIO(newline="")
        csv.writer(text).writerows([header, *cells])
        return text.getvalue().encode("utf-8-sig")
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for row in [header, *cells]:
        sheet.append(row)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def write_sheet(path: Path, title: str, header: Sequence[str], rows: Iterable[Sequence[str | int]]) -> int:
    """Writes a CSV or XLSX file, whole or not at all; returns how many rows. Raises ConfigError, StorageError."""
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise ConfigError([Problem(str(path), "", "认不出格式", "文件名以 .csv 或 .xlsx 结尾")])
    cells = list(rows)
    data = sheet_bytes(path.suffix.lower(), title, header, cells)
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise StorageError(f"写不了 {path}：{error.strerror}。检查磁盘空间和目录权限。") from error
    finally:
        part.unlink(missing_ok=True)
    return len(cells)
