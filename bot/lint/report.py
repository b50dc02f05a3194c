"""Findings as people read them: grouped by file with the line, and as plain data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.errors import Problem
from bot.lint.findings import Finding

MARKS = {"error": "错误", "warning": "提醒"}


def rows(findings: Sequence[Finding]) -> list[str]:
    """Each file once with its findings below, in the order of the file's lines: one line each with reason and fix."""
    files: dict[str, list[tuple[int, Finding]]] = {}
    for one, line in zip(findings, lines(findings), strict=True):
        files.setdefault(one.file, []).append((line, one))
    listed = []
    for file, found in files.items():
        listed.append(_nearby(file))
        for line, one in sorted(found, key=lambda pair: pair[0]):
            place = f"第 {line} 行 " if line else ""
            listed.append(
                f"  {MARKS[one.severity]} {place}{one.key}：{one.what}。改法：{one.fix}。依据：{one.why}（{one.rule}）"
            )
    return listed


def problem(one: Finding) -> Problem:
    """A finding as a problem of a file."""
    return Problem(one.file, one.key, one.what, one.fix)


def data(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings as plain JSON."""
    return [
        {
            "rule": one.rule, "severity": one.severity, "file": one.file, "line": line, "key": one.key,
            "what": one.what, "why": one.why, "fix": one.fix,
        }
        for one, line in zip(findings, lines(findings), strict=True)
    ]  # fmt: skip


def lines(findings: Sequence[Finding]) -> list[int]:
    """The line of each finding in its file, from 1; 0 when it cannot be told (settings that were not in a file)."""
    texts = {file: _text_of(file) for file in {one.file for one in findings}}
    return [_line_in(texts[one.file], one.needle) for one in findings]


def _line_in(text: str, needle: str) -> int:
    # A text of several lines stands in TOML with \n written out.
    wanted = needle.replace("\n", "\\n")
    place = text.find(wanted) if wanted else -1
    return text.count("\n", 0, place) + 1 if place >= 0 else 0


def _nearby(file: str) -> str:
    """A file as it is called from here."""
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else file


def _text_of(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""
