"""The question book from spreadsheets and back: CSV or XLSX rows become a TOML file of entries; every mistake names its
row."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

from pydantic import ValidationError

from bot.config import check_model, read_toml
from bot.errors import ConfigError, Problem
from bot.faq import EntryModel, FaqModel
from bot.faq.written import problems_of
from bot.sheets import read_sheet, sheet_bytes
from bot.toml_text import toml_value
from bot.words import bare

COLUMNS = {
    "编号": "id", "问题": "question", "标准问题": "question", "相似问法": "similar", "相似问题": "similar",
    "关键词": "keywords", "答案": "answer", "回答": "answer", "图片": "picture", "链接": "link", "依据": "evidence",
    "群": "groups", "群类型": "types", "时段": "hours", "场合": "where", "负责人": "owner", "有效期": "until",
    "有效期至": "until",
}  # fmt: skip
"""Header of a column -> field; the English names of the fields are understood as well."""
FIELDS = tuple(dict.fromkeys(COLUMNS.values()))
_KNOWN = {**COLUMNS, **{field: field for field in FIELDS}}
TITLES = {field: title for title, field in reversed(COLUMNS.items())}
_LISTS = ("similar", "keywords", "groups", "types")
_BETWEEN = re.compile(r"\s*[|｜;；\n]\s*")
_WHERE = {"群聊": "group", "群里": "group", "群": "group", "私聊": "private", "一对一": "private"}
_DATE = re.compile(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?: 00:00:00)?$")
HINT = "首行写表头：问题、答案，可以加 相似问法、关键词、图片、链接、依据、群、群类型、时段、场合、负责人、有效期"


def read_entries(path: Path, taboo: Sequence[str]) -> tuple[list[EntryModel], list[Problem]]:
    """(good entries, what is wrong with the other rows) of a TOML, CSV or XLSX file. Raises ConfigError when the file
    as a whole cannot be used."""
    if path.suffix.lower() == ".toml":
        rows = [
            (f"entry.{number}", entry)
            for number, entry in enumerate(check_model(FaqModel, read_toml(path), str(path)).entry, start=1)
        ]
        return _proven(path, rows, [], taboo)
    good: list[tuple[str, EntryModel]] = []
    problems: list[Problem] = []
    for row in read_sheet(path, _KNOWN, ("问题", "答案"), repeated=_LISTS):
        try:
            values = _values(row.cells, f"{_slug(path.stem)}-{row.number}")
            good.append((row.where, EntryModel.model_validate(values)))
        except ValidationError as error:
            problems += [Problem(str(path), row.where, _reason(details)) for details in error.errors()]
    if not good and not problems:
        raise ConfigError([Problem(str(path), "", "一条也没有", HINT)])
    return _proven(path, good, problems, taboo)


def _proven(
    path: Path, rows: Sequence[tuple[str, EntryModel]], problems: list[Problem], taboo: Sequence[str]
) -> tuple[list[EntryModel], list[Problem]]:
    """Of rows that are right one by one, those that also fit together."""
    seen: dict[str, str] = {}
    good: list[EntryModel] = []
    for where, entry in rows:
        wrong = [one.reason for one in problems_of([(path, _apart(entry, path))], taboo)]
        claims = [(f"编号「{entry.id}」", f"id {entry.id}")]
        claims += [(f"问题「{entry.question[:20]}」", f"q {bare(entry.question)}")] if entry.question else []
        claims += [(f"关键词「{word}」", f"k {bare(word)}") for word in entry.keywords]
        wrong += [f"{what}和{seen[mark]}重复" for what, mark in claims if mark in seen]
        if wrong:
            problems += [Problem(str(path), where, reason) for reason in dict.fromkeys(wrong)]
            continue
        seen.update({mark: where for _, mark in claims})
        good.append(entry)
    return good, problems


def _apart(entry: EntryModel, path: Path) -> EntryModel:
    """With its pictures beside the spreadsheet."""
    located = {
        field: str((path.parent / value).resolve())
        for field, value in (("picture", entry.picture), ("evidence", entry.evidence))
        if value and "://" not in value
    }
    return entry.model_copy(update=located)


def _slug(stem: str) -> str:
    """What entries of a sheet are called that has no column for it; sheets with Chinese names get a number of their
    own."""
    plain_part = re.sub(r"[^a-z0-9_-]+", "", stem.lower()).strip("-_")[:40]
    return plain_part if plain_part == stem.lower() else f"{plain_part or 'faq'}{crc32(stem.encode()) % 10_000:04}"


def _values(cells: Mapping[str, str], number: str) -> Mapping[str, Any]:
    data: dict[str, Any] = {"id": number}
    for field, cell in cells.items():
        if field in _LISTS:
            data[field] = tuple(one for one in _BETWEEN.split(cell) if one)
        elif field == "where":
            data[field] = _WHERE.get(cell, cell)
        elif field == "until" and (date := _DATE.match(cell)):
            data[field] = f"{date[1]}-{int(date[2]):02}-{int(date[3]):02}"
        else:
            data[field] = cell
    return data


def _reason(details: Any) -> str:
    field = str(details["loc"][0]) if details["loc"] else ""
    words = {
        "missing": "没写", "string_too_short": "没写", "string_too_long": "太长", "too_long": "太多",
        "too_short": "问题、相似问法、关键词至少写一样", "string_pattern_mismatch": "写法不对",
        "date_from_datetime_parsing": "不是日期，写成 2026-12-31", "literal_error": "写 群聊 或 私聊",
        "value_error": str(details["msg"]).removeprefix("Value error, "),
    }  # fmt: skip
    what = words.get(details["type"], "写法不对")
    return f"{TITLES[field]}：{what}" if field in TITLES else what


def as_toml(entries: Iterable[EntryModel], title: str) -> str:
    """A file of entries as operators would write it."""
    parts = [f"# {title}"]
    for entry in entries:
        parts.append("\n[[entry]]")
        parts += [f"{name} = {toml_value(value)}" for name, value in plain(entry).items()]
    return "\n".join(parts) + "\n"


def plain(entry: EntryModel) -> dict[str, Any]:
    """What is written of an entry, as plain values; hours and dates as people write them."""
    values = {name: value for name, value in entry.model_dump().items() if value not in ("", (), None)}
    if entry.hours:
        values["hours"] = "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in entry.hours)
    return values


def write_entries(folder: Path, name: str, entries: Sequence[EntryModel], *, replace: bool) -> Path:
    """Writes entries into a persona's faq folder, whole or not at all. Raises ConfigError when the file is there."""
    target = folder / f"{name}.toml"
    if target.exists() and not replace:
        raise ConfigError([Problem(str(target), "", "已经有这个文件", "要换掉它写 --replace，要另存写 --name 名字")])
    folder.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".toml.part")
    fresh.write_text(as_toml(entries, f"由 yuanzi faq import 导入，{len(entries)} 条"), encoding="utf-8")
    fresh.replace(target)
    return target


def as_sheet(kind: str, entries: Iterable[EntryModel]) -> bytes:
    """A spreadsheet (.csv or .xlsx) that `read_entries` reads again."""
    rows = []
    for entry in entries:
        values = plain(entry)
        values["where"] = {"group": "群聊", "private": "私聊"}.get(entry.where, "")
        rows.append([_cell(values.get(field, "")) for field in FIELDS])
    return sheet_bytes(kind, "问答", [TITLES[field] for field in FIELDS], rows)


def _cell(value: Any) -> str:
    return "；".join(value) if isinstance(value, tuple | list) else str(value)
