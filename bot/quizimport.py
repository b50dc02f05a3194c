"""Question banks from spreadsheets: CSV or XLSX rows become a TOML bank; every mistake names its row."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot.config import check_model, read_toml
from bot.errors import ConfigError, Problem
from bot.games.judge import key_of
from bot.quizbank import Bank, Question, as_toml, wrong_with
from bot.sheets import read_sheet, write_sheet

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
    problems: list[Problem] = []
    good: list[tuple[str, Question]] = []
    for row in read_sheet(path, COLUMNS, ("题目", "答案")):
        try:
            good.append((row.where, Question.model_validate(_values(row.cells, f"{title}-{row.number}"))))
        except ValidationError as error:
            problems += [Problem(str(path), row.where, _reason(details)) for details in error.errors()]
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


def _values(cells: Mapping[str, str], number: str) -> Mapping[str, Any]:
    data: dict[str, Any] = {"id": re.sub(r"\s+", "-", number)}
    for field, cell in cells.items():
        if field in _LISTS:
            data[field] = tuple(one for one in _BETWEEN.split(cell) if one)
        else:
            data[field] = _LEVELS.get(cell, cell) if field == "difficulty" else cell
    return data


def write_bank(
    folder: Path, name: str, title: str, questions: Iterable[Mapping[str, Any]], *, replace: bool = False
) -> Path:
    """Writes a bank into a persona's quiz folder, whole or not at all. Raises ConfigError when it is there already and
    is not to be replaced."""
    target = folder / f"{name}.toml"
    if target.exists() and not replace:
        hint = "改的就是它，加 --replace 整个换掉；是另一份，用 --name 换个名字"
        raise ConfigError([Problem(str(target), "", "已经有这个文件", hint)])
    folder.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".toml.part")
    fresh.write_text(as_toml(title, list(questions)), encoding="utf-8")
    fresh.replace(target)
    return target


HEADER = {
    "编号": "id", "题目": "text", "答案": "answers", "提示": "hint", "解释": "explanation", "出处": "source",
    "标签": "tags", "难度": "difficulty", "图片": "picture",
}  # fmt: skip
"""Columns of an exported bank."""


def export_bank(bank: Path, out: Path) -> tuple[str, int]:
    """Writes a TOML bank as a spreadsheet that `read_bank` reads back the same. Returns its title and how many
    questions. Raises ConfigError when a list holds what separates lists in a cell."""
    title, questions = read_bank(bank)
    rows, problems = [], []
    for number, question in enumerate(questions, start=1):
        row: list[str | int] = []
        for field in HEADER.values():
            value = question.get(field, "")
            if field in _LISTS:
                where = f"question.{number}（{question['id']}）"
                problems += [
                    Problem(str(bank), where, f"「{one}」里有 | ; 或换行，一格里会被拆开")
                    for one in value if _BETWEEN.search(one)
                ]  # fmt: skip
                value = "|".join(value)
            row.append(value)
        rows.append(row)
    if problems:
        raise ConfigError(problems)
    return title, write_sheet(out, title, list(HEADER), rows)
