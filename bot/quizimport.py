"""Question banks from spreadsheets: CSV or XLSX rows become a TOML bank; every mistake names its row."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from openpyxl import load_workbook
from pydantic import ValidationError

from bot.config import check_model, nearest, read_toml
from bot.errors import ConfigError, Problem
from bot.games.judge import key_of
from bot.quizbank import Bank, Question, as_toml, wrong_with

COLUMNS = {
    "编号": "id", "id": "id", "题目": "text", "text": "text", "答案": "answers", "answers": "answers",
    "提示": "hint", "hint": "hint", "解释": "explanation", "解析": "explanation", "explanation": "explanation",
    "出处": "source", "来源": "source", "source": "source", "标签": "tags", "分类": "tags", "tags": "tags",
    "难度": "difficulty", "difficulty": "difficulty", "图片": "picture", "picture": "picture",
}  # fmt: skip
"""Header of a column -> field. 编号 may be missing: then rows are numbered."""
_LISTS = ("answers", "hint", "tags")
_BETWEEN = re.compile(r"\s*[|｜;；\n]\s*")
_LEVELS = {"1": 1, "2": 2, "3": 3, "简单": 1, "容易": 1, "中等": 2, "一般": 2, "难": 3, "困难": 3}
MOST_ROWS = 20_000


def read_bank(path: Path, title: str = "") -> tuple[str, list[dict[str, Any]]]:
    """(title, questions as plain values) of a TOML, CSV or XLSX file, proven. Raises ConfigError, rows numbered."""
    if path.suffix.lower() == ".toml":
        data = read_toml(path)
        bank = check_model(Bank, data, str(path))
        rows = [(f"question.{number}", question) for number, question in enumerate(bank.question, start=1)]
        _prove(path, rows, [])
        return title or bank.title, [_plain(question) for _, question in rows]
    rows, problems = _questions(path, title or path.stem)
    _prove(path, rows, problems)
    return (title or path.stem)[:20], [_plain(question) for _, question in rows]


def _plain(question: Question) -> dict[str, Any]:
    return {name: value for name, value in question.model_dump(exclude={"bank"}).items() if value not in ("", ())}


def _prove(path: Path, rows: Sequence[tuple[str, Question]], problems: list[Problem]) -> None:
    seen: dict[str, str] = {}
    for where, question in rows:
        problems += [Problem(str(path), where, reason) for reason in wrong_with(question)]
        for mark, what in ((f"id {question.id}", "编号"), (f"text {key_of(question.text)}", "题目")):
            if mark in seen:
                problems.append(Problem(str(path), where, f"{what}和{seen[mark]}重复"))
            seen.setdefault(mark, where)
    if problems:
        raise ConfigError(problems)


def _questions(path: Path, title: str) -> tuple[list[tuple[str, Question]], list[Problem]]:
    """(row name, question) of a spreadsheet, and what is wrong with its other rows. Raises ConfigError."""
    rows = rows_of(path)
    header = next(rows, None)
    fields = _fields(path, header[1] if header else ())
    problems: list[Problem] = []
    good: list[tuple[str, Question]] = []
    for number, cells in rows:
        if not any(cells):
            continue
        where = f"第 {number} 行"
        data = _values(fields, cells, f"{title}-{number}")
        try:
            good.append((where, Question.model_validate(data)))
        except ValidationError as error:
            problems += [Problem(str(path), where, _reason(details)) for details in error.errors()]
    if not good and not problems:
        problems.append(Problem(str(path), "", "一题也没有", "首行写表头：题目、答案，下面一行一题"))
    return good, problems


def _reason(details: Any) -> str:
    name = {field: column for column, field in reversed(COLUMNS.items()) if not column.isascii()}
    field = str(details["loc"][0]) if details["loc"] else ""
    words = {
        "too_short": "没写", "string_too_short": "太短", "string_too_long": "太长", "too_long": "太多",
        "missing": "没写", "string_pattern_mismatch": "不能有空格",
    }  # fmt: skip
    what = words.get(details["type"], "应写 1、2、3 或简单、中等、难" if field == "difficulty" else "写法不对")
    return f"{name.get(field, field)}：{what}"


def _fields(path: Path, header: Sequence[str]) -> list[str]:
    problems = []
    fields = []
    for cell in header:
        field = COLUMNS.get(cell.strip().lower(), "")
        if cell.strip() and not field:
            close = nearest(cell.strip(), COLUMNS)
            problems.append(
                Problem(str(path), "第 1 行", f"不认识的列「{cell}」", f"是不是想写 {close[0]}？" if close else "")
            )
        fields.append(field)
    problems += [
        Problem(str(path), "第 1 行", f"缺少「{name}」这一列", "首行写表头：题目、答案、提示、解释、出处、标签、难度")
        for name, field in (("题目", "text"), ("答案", "answers")) if field not in fields
    ]  # fmt: skip
    if problems:
        raise ConfigError(problems)
    return fields


def _values(fields: Sequence[str], cells: Sequence[str], number: str) -> Mapping[str, Any]:
    data: dict[str, Any] = {"id": re.sub(r"\s+", "-", number)}
    for field, cell in zip(fields, cells, strict=False):
        if not field or not cell:
            continue
        if field in _LISTS:
            data[field] = (*data.get(field, ()), *(one for one in _BETWEEN.split(cell) if one))
        else:
            data[field] = _LEVELS.get(cell, cell) if field == "difficulty" else cell
    return data


def rows_of(path: Path, formats: str = "题库写成 .toml、.csv 或 .xlsx") -> Iterator[tuple[int, list[str]]]:
    """(row number as the spreadsheet shows it, cells as text). `formats`: what is understood. Raises ConfigError."""
    kind = path.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise ConfigError([Problem(str(path), "", "认不出格式", formats)])
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
    found = []
    for row in reader:
        found.append((reader.line_num - sum(cell.count("\n") for cell in row), [cell.strip() for cell in row]))
    return found


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
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def write_bank(folder: Path, name: str, title: str, questions: Iterable[Mapping[str, Any]]) -> Path:
    """Writes a bank into a persona's quiz folder, whole or not at all. Raises ConfigError when it is there already."""
    target = folder / f"{name}.toml"
    if target.exists():
        raise ConfigError([Problem(str(target), "", "已经有这个文件", "用 --name 换个名字，或先挪走旧的")])
    folder.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".toml.part")
    fresh.write_text(as_toml(title, list(questions)), encoding="utf-8")
    fresh.replace(target)
    return target
