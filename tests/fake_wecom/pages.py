"""Cursors: opaque to the caller, an offset to us, empty at the end."""

from collections.abc import Sequence
from typing import TypeVar

from tests.fake_wecom.fields import refuse

T = TypeVar("T")
MARK = "CUR"


def page(items: Sequence[T], cursor: str, limit: int) -> tuple[list[T], str]:
    """One page from where the cursor points, and the next cursor ("" = end, wecom.md 5.6)."""
    start = 0
    if cursor:
        digits = cursor.removeprefix(MARK)
        if digits == cursor or not digits.isdecimal():
            raise refuse("cursor", "is invalid")
        start = int(digits)
    stop = start + limit
    return list(items[start:stop]), f"{MARK}{stop}" if stop < len(items) else ""
