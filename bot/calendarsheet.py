"""A calendar as a spreadsheet, both ways: a row for each beat; what has no column of its own is kept in one as JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.config import check_model
from bot.errors import ConfigError, Problem
from bot.scripts.model import BeatModel
from bot.settings.kinds import Part
from bot.sheets import NO, YES, read_sheet

COLUMNS: dict[str, str] = {
    "脚本": "script", "脚本名称": "script_title", "编号": "id", "名称": "title", "星期": "weekday", "几号": "monthday",
    "没有那一号": "short_month", "日期": "date", "条件": "on", "钟点": "time", "话术": "phrase", "填空": "slots",
    "素材库": "bank", "图片": "picture", "群": "groups", "群类型": "types", "群标签": "tags", "晚了": "late",
    "最晚": "lateness", "类别": "sort", "内容": "content", "种类": "kind", "玩法": "mechanics", "东西": "items",
    "优惠": "deal", "其他": "rest", "脚本其他": "script_rest",
}  # fmt: skip
"""Title of a column -> field."""
_LISTS = ("weekday", "date", "on", "time", "groups", "types", "tags", "mechanics", "items")
_NUMBERS = ("monthday",)
_BETWEEN = frozenset("、,，\n")
Row = dict[str, str]


# -- out ----------------------------------------------------------------------------------------------------------


def rows_of(scripts: Mapping[str, Mapping[str, Any]]) -> list[list[str | int]]:
    """A row for each beat of these scripts (name -> data of the file)."""
    found: list[list[str | int]] = []
    for name, script in scripts.items():
        rest = {key: value for key, value in script.items() if key not in ("title", "beat")}
        for beat in script.get("beat", ()):
            row = _row_of(_plain(beat))
            row |= {"script": name, "script_title": str(script.get("title", "")), "script_rest": _json(rest)}
            found.append([_number(field, row.get(field, "")) for field in COLUMNS.values()])
    return found


def _number(field: str, cell: str) -> str | int:
    """-1, the last day of a month, stays a number: as a text it would get an apostrophe in front."""
    return int(cell) if field in _NUMBERS and cell.removeprefix("-").isdecimal() else cell


def _plain(value: Any) -> Any:
    """TOML's own dates become texts, which scripts read alike."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool) else str(value)


def _json(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False) if value else ""


def _row_of(beat: Mapping[str, Any]) -> Row:
    row: Row = {}
    rest = dict(beat)
    audience = rest.get("audience")
    if isinstance(audience, dict) and set(audience) <= {"types", "tags"} and all(map(_fits, audience.values())):
        rest.pop("audience")
        rest |= audience
    for field in COLUMNS.values():
        value = rest.get(field)
        if field in ("rest", "script", "script_title", "script_rest") or value is None:
            continue
        cell = _cell_of(field, value)
        if cell is not None:
            row[field] = cell
            rest.pop(field)
    row["rest"] = _json(rest)
    return row


def _fits(value: Any) -> bool:
    """Whether a list can stand in a cell, one entry behind the other, and be read again."""
    items = value if isinstance(value, list) else [value]
    return bool(items) and all(
        isinstance(one, str) and one and one == one.strip() and one.isprintable() and not set(one) & _BETWEEN
        for one in items
    )


def _cell_of(field: str, value: Any) -> str | None:
    """A value as a cell; None when it would not come back as it was."""
    if field in _LISTS:
        return "、".join(value if isinstance(value, list) else [value]) if _fits(value) else None
    if field in _NUMBERS:
        numbers = value if isinstance(value, list) else [value]
        plain = bool(numbers) and all(isinstance(one, int) and not isinstance(one, bool) for one in numbers)
        return "、".join(map(str, numbers)) if plain else None
    if field == "deal":
        return YES if value is True else NO if value is False else None
    if field == "slots":
        return _json(value) if isinstance(value, dict) and value else None
    return value if isinstance(value, str) and value and value == value.strip() and value.isprintable() else None


# -- in -----------------------------------------------------------------------------------------------------------


class _Head(Part):
    """What stands in every row of a script about the script itself."""

    script: str
    title: str
    rest: str


def read(path: Path) -> dict[str, dict[str, Any]]:
    """The scripts of a spreadsheet: name -> data that a script file could hold.

    Raises ConfigError with every mistake, by the number of its row.
    """
    problems: list[Problem] = []
    scripts: dict[str, dict[str, Any]] = {}
    heads: dict[str, _Head] = {}
    seen: dict[tuple[str, str], int] = {}
    for one in read_sheet(path, COLUMNS, ("脚本", "编号", "名称")):
        where = one.where
        try:
            head, beat = _beat_of(one.cells)
            check_model(BeatModel, beat, str(path))
        except ValueError as error:
            problems.append(Problem(str(path), where, str(error)))
            continue
        except ConfigError as error:
            problems += [Problem(str(path), where, _about(one), one.hint) for one in error.problems]
            continue
        known = heads.setdefault(head.script, head)
        if known != head:
            problems.append(Problem(str(path), where, f"脚本「{head.script}」的名称或「脚本其他」和前面的行不一样"))
        first = seen.setdefault((head.script, str(beat["id"])), one.number)
        if first != one.number:
            problems.append(Problem(str(path), where, f"编号「{beat['id']}」和第 {first} 行重复"))
        script = scripts.setdefault(head.script, {"title": head.title, **_rest(head.rest), "beat": []})
        script["beat"].append(beat)
    if not scripts and not problems:
        problems.append(Problem(str(path), "", "一拍也没有", "首行写表头，下面一行一拍"))
    if problems:
        raise ConfigError(problems)
    return scripts


def _about(problem: Problem) -> str:
    titles = {field: title for title, field in COLUMNS.items()}
    field = problem.key.split(".")[0]
    return f"{titles.get(field, problem.key)}：{problem.reason}" if problem.key else problem.reason


def _rest(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"「其他」不是 JSON：{error}") from None
    if not isinstance(found, dict):
        raise ValueError(  # noqa: TRY004  a mistake in a cell, like all others
            '「其他」要写成 {"键": 值} 这样的 JSON，不懂就别动它'
        )
    return found


def _beat_of(row: Mapping[str, str]) -> tuple[_Head, dict[str, Any]]:
    """One row -> (its script, its beat). Raises ValueError."""
    name = row.get("script", "")
    if not name or not all(one.isalnum() or one in "-_" for one in name):
        raise ValueError("「脚本」写脚本文件的名字，只用字、数字和横线")
    head = _Head(script=name, title=row.get("script_title", name), rest=row.get("script_rest", ""))
    _rest(head.rest)
    beat: dict[str, Any] = {}
    for field in COLUMNS.values():
        if field in row and field not in ("rest", "script", "script_title", "script_rest"):
            beat[field] = _value_of(field, row[field])
    audience = {field: beat.pop(field) for field in ("types", "tags") if field in beat}
    beat |= _rest(row.get("rest", ""))
    if audience:
        beat["audience"] = {**audience, **beat.get("audience", {})}
    return head, beat


def _value_of(field: str, cell: str) -> Any:
    """A cell as a value. Raises ValueError."""
    listed = cell.replace("，", "、").replace(",", "、").replace("\n", "、")
    parts = [one.strip() for one in listed.split("、") if one.strip()]
    if field in _LISTS:
        return parts
    if field in _NUMBERS:
        if not all(one.removeprefix("-").isdecimal() and len(one) < 5 for one in parts):
            raise ValueError(f"几号：「{cell}」写成 7、20，最后一天写 -1")
        return [int(one) for one in parts]
    if field == "deal":
        if cell not in (YES, NO):
            raise ValueError(f"优惠：写「{YES}」或「{NO}」，留空算没有")
        return cell == YES
    if field == "slots":
        return _slots(cell)
    return cell


def _slots(cell: str) -> dict[str, Any]:
    """`{"price": "49 元"}`, or lines of `price = 49 元`. Raises ValueError."""
    if cell.startswith("{"):
        return _rest(cell)
    pairs = [line.partition("=") for line in cell.splitlines() if line.strip()]
    if not all(equals and key.strip() for key, equals, _ in pairs):
        raise ValueError("填空：一行一个，写成 price = 49 元")
    return {key.strip(): value.strip() for key, _, value in pairs}
