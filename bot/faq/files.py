"""Knowledge bases and questions as JSON lines. Every mistake comes at once, with its row."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import ConfigError, Problem
from bot.faq.entry import Entry

LONGEST_TEXT = 2_000
MOST_TEXTS = 200
MOST_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of a queries file: what is said, the entry it asks for (None: no entry), and how it was made."""

    text: str
    id: str | None
    kind: str


@dataclass(frozen=True, slots=True)
class Book:
    """A knowledge base read from a file. `ids` gives every id back as it was written: a number stays a number."""

    entries: tuple[Entry, ...]
    ids: dict[str, Any]


def read_book(path: Path) -> Book:
    """`kb.jsonl` -> entries. Raises ConfigError with every problem, rows numbered."""
    entries: list[Entry] = []
    ids: dict[str, Any] = {}
    rows: dict[str, int] = {}
    problems: list[Problem] = []
    for number, data, broken in _rows(path):
        wrong = broken or _entry_problem(data)
        if not wrong and str(data["id"]) in rows:
            wrong = f"id「{str(data['id'])[:40]}」第 {rows[str(data['id'])]} 行已经用了"
        if wrong:
            problems.append(Problem(str(path), f"第 {number} 行", wrong, "" if problems else _RIGHT))
            if len(problems) >= MOST_PROBLEMS:
                break
            continue
        rows[str(data["id"])] = number
        ids[str(data["id"])] = data["id"]
        entries.append(
            Entry(
                str(data["id"]), data.get("question") or "", tuple(data.get("similar") or ()),
                tuple(data.get("keywords") or ()),
            )
        )  # fmt: skip
    if not entries and not problems:
        problems.append(Problem(str(path), "", "一条也没有", _RIGHT))
    if problems:
        raise ConfigError(problems)
    return Book(tuple(entries), ids)


_RIGHT = '一行一条：{"id": "refund", "question": "怎么退款", "similar": ["退钱"], "keywords": ["退款"]}'


def _entry_problem(data: dict[str, Any]) -> str:
    if not _is_id(data.get("id")):
        return "要有 id，一个词或一个数"
    for name in ("similar", "keywords"):
        value = data.get(name)
        if value is not None and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            return f"{name} 要是一列文字"
        if value and (len(value) > MOST_TEXTS or any(len(one) > LONGEST_TEXT for one in value)):
            return f"{name} 太多或太长：最多 {MOST_TEXTS} 个，每个最多 {LONGEST_TEXT} 字"
    question = data.get("question")
    if question is not None and not isinstance(question, str):
        return "question 要是文字"
    if not (question or "").strip() and not data.get("similar") and not data.get("keywords"):
        return "question、similar、keywords 都是空的，没有东西可以对"
    return f"question 太长：最多 {LONGEST_TEXT} 字" if len(question or "") > LONGEST_TEXT else ""


def _is_id(value: Any) -> bool:
    return (isinstance(value, str) and bool(value)) or (isinstance(value, int) and not isinstance(value, bool))


def read_questions(path: Path, ids: dict[str, Any] | None = None) -> list[Asked]:
    """`queries.jsonl` -> questions; `ids` are those of the knowledge base. Raises ConfigError, rows numbered."""
    asked: list[Asked] = []
    problems: list[Problem] = []
    for number, data, broken in _rows(path):
        wrong = broken or _question_problem(data, ids)
        if wrong:
            problems.append(Problem(str(path), f"第 {number} 行", wrong))
            if len(problems) >= MOST_PROBLEMS:
                break
            continue
        wanted = data.get("id")
        kind = str(data.get("kind") or ("chat" if wanted is None else "question"))
        asked.append(Asked(data["q"], None if wanted is None else str(wanted), kind))
    if not asked and not problems:
        problems.append(Problem(str(path), "", "一行也没有", '一行一个：{"q": "怎么退钱", "id": "refund"}'))
    if problems:
        raise ConfigError(problems)
    return asked


def _question_problem(data: dict[str, Any], ids: dict[str, Any] | None) -> str:
    if not isinstance(data.get("q"), str):
        return "要有 q，一段文字"
    wanted = data.get("id")
    if wanted is not None and (not _is_id(wanted) or (ids is not None and str(wanted) not in ids)):
        return f"知识库里没有 id「{str(wanted)[:40]}」"
    return ""


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any], str]]:
    """(row, object, what is wrong with it). Empty rows do not count."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError([Problem(str(path), "", f"打不开：{error.strerror}")]) from None
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            data = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError):
            yield number, {}, "不是一行 JSON（UTF-8）"
            continue
        yield number, data if isinstance(data, dict) else {}, "" if isinstance(data, dict) else "要写成 {…}"
