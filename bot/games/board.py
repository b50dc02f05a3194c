"""Boards that are posted again with a gap, so that a rush of members does not become a rush of lines. Pure."""

from datetime import timedelta
from typing import Any

from bot.games import State, Table


def ms(span: timedelta) -> int:
    """A length of time in whole ms, exactly."""
    return span // timedelta(milliseconds=1)


def changed(state: State, table: Table, gap: timedelta) -> tuple[dict[str, Any], bool, int]:
    """After something changed: (state, whether the board is posted now, when to wake).

    State: `board_at` (ms of the last board), `dirty` (something is unposted), `until` (ms, the end).
    """
    free = state["board_at"] + ms(gap)
    if table.at >= free:
        return {**state, "board_at": table.at, "dirty": False}, True, state["until"]
    return {**state, "dirty": True}, False, min(free, state["until"])


def woken(state: State, table: Table) -> tuple[dict[str, Any], bool, int]:
    """A wake-up before the end: (state, whether the board is posted, when to wake)."""
    if state["dirty"]:
        return {**state, "board_at": table.at, "dirty": False}, True, state["until"]
    return dict(state), False, state["until"]
