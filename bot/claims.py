"""Reminders before an unclaimed prize of a draw is lost: when, whom, and where they hear it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.contact import quiet_until
from bot.context import Context
from bot.world import from_ms, to_ms
from storage.draws import Draw, WinnerRow

TOPIC = "draw_claim"
BEFORE = (timedelta(days=1), timedelta(hours=3))
"""How long before its end an unclaimed prize is mentioned."""


def moments(winner: WinnerRow, since: int) -> list[int]:
    """When (ms) a winner is to be reminded after `since`; never before they won."""
    asked = [winner.due - int(before.total_seconds() * 1000) for before in BEFORE]
    return [moment for moment in asked if moment > max(since, winner.at)]


def watch(ctx: Context, draw: Draw, since: int | None = None) -> None:
    """Asks to be woken at the next reminder. `since`: until when (ms) all reminders were given; by default as asked
    for before, else until now."""
    if since is None:
        since = int(ctx.store.agenda.payload_of(TOPIC, str(draw.id)).get("since", to_ms(ctx.now)))
    spans = [int(before.total_seconds() * 1000) for before in BEFORE]
    found = [ctx.store.draws.next_unclaimed(draw.id, since, span) for span in spans]
    ahead = [due - span for due, span in zip(found, spans, strict=True) if due is not None]
    if ahead:
        ctx.wake(TOPIC, str(draw.id), from_ms(min(ahead)), {"group": draw.groups[0], "since": since})
    else:
        ctx.store.agenda.forget_wake(TOPIC, str(draw.id))


def reminded(ctx: Context, draw: Draw, since: int) -> list[WinnerRow]:
    """The unclaimed winners whose reminder fell due after `since` until now."""
    now = to_ms(ctx.now)
    open_ = [one for one in ctx.store.draws.unclaimed(draw.id) if one.due > now]
    return [one for one in open_ if any(moment <= now for moment in moments(one, since))]


def awake_at(ctx: Context, groups: Iterable[str], due: int) -> datetime | None:
    """When the quiet hours of these groups and of 1:1 talks are over; None outside of them, or when it would be too
    late by then. Whoever claims meanwhile is not reminded."""
    ends = [quiet_until(ctx.config.group(group), ctx.now) for group in (None, *groups)]
    latest = max((end for end in ends if end is not None), default=None)
    return latest if latest is not None and to_ms(latest) < due else None


def by_place(ctx: Context, winners: Sequence[WinnerRow]) -> tuple[list[WinnerRow], dict[str, list[WinnerRow]]]:
    """(those who are 1:1 contacts, the others by the group in which they won)."""
    private: list[WinnerRow] = []
    groups: dict[str, list[WinnerRow]] = {}
    for one in winners:
        if ctx.store.members.is_contact(one.member_id):
            private.append(one)
        else:
            groups.setdefault(one.group_id, []).append(one)
    return private, groups
