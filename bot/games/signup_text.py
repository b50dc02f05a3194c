"""WeChat's native #接龙 text: reading it, and merging edits that may stand on an old copy. Pure."""

import re
from collections.abc import Sequence
from typing import Any

from bot.words import one_line, presentable

Row = dict[str, Any]
"""text (as shown), by (member), native (came with a #接龙 text)."""
_HEAD = re.compile(r"^\s*[#＃]\s*接龙")
_ROW = re.compile(r"^\s*(\d{1,4})\s*[.．、)）]\s*(.*)$")
_NAME_ENDS = re.compile(r"[\s,，:：;；+（(]")
LONGEST = 60


def is_native(raw: str) -> bool:
    """Whether a message is one of WeChat's own relays."""
    return _HEAD.match(raw) is not None


def parse(raw: str) -> tuple[str, list[str]]:
    """(title, rows in order) of a #接龙 text. The example line (例 …) and empty rows are not rows."""
    lines = presentable(_HEAD.sub("", raw, count=1)).splitlines()
    title: list[str] = []
    rows: list[str] = []
    for line in lines:
        found = _ROW.match(line)
        if found:
            if text := one_line(found[2], LONGEST):
                rows.append(text)
        elif not rows and line.strip() and not line.strip().startswith("例"):
            title.append(line.strip())
    return one_line(" ".join(title), LONGEST), rows


def name_in(text: str) -> str:
    """The name a row begins with."""
    return _NAME_ENDS.split(text.strip(), maxsplit=1)[0].casefold()


def merge(rows: Sequence[Row], texts: Sequence[str], poster: str, most: int) -> list[Row]:
    """The list after somebody posted an edited copy of it.

    Places are kept. A copy may be old: rows of others that it lacks stay. What the poster once wrote in a copy and now
    left out is gone, or renamed where something new came instead. Rows beyond `most` are not taken.
    """
    wanted = [text for place, text in enumerate(texts) if text not in texts[:place]]
    result: list[Row] = [dict(row) for row in rows]
    fresh: list[str] = []
    for text in wanted:
        if any(row["text"] == text for row in result):
            continue
        same = next(
            (row for row in result if row["text"] not in wanted and name_in(row["text"]) == name_in(text)), None
        )
        if same is not None:
            same["text"] = text
        else:
            fresh.append(text)
    for row in [row for row in result if row["native"] and row["by"] == poster and row["text"] not in wanted]:
        if fresh:
            row["text"] = fresh.pop(0)
        else:
            result.remove(row)
    room = max(0, most - len(result))
    return [*result, *({"text": text, "by": poster, "native": True} for text in fresh[:room])]
