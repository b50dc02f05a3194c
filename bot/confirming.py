"""Sends that wait for a person: a line that needs a tap is a task, until it is tapped, declined or over."""

from datetime import timedelta

from bot.context import Context
from bot.replies import Say, Silence, Sort, Wishes
from bot.tasking import about, rooms_of
from bot.words import one_line
from bot.world import from_ms, span_ms, to_ms
from storage.campaigns import HandSend
from storage.tasks import Task

TOPIC = "tap"
QUOTED = 200
"""Characters of the line that its task repeats."""


def lay_before(ctx: Context, row: int) -> Wishes:
    """The line in this row of the outbox just went to a channel that asks a person: its task, once, with an end."""
    found = ctx.store.campaigns.line(row)
    if found is None:
        return Silence("这一条已经不在了")
    key, event_id, group, member, text, _ = found
    sends = ctx.store.campaigns.sends_of(event_id)
    title = ctx.desk.title_of(sends[-1][0]) if sends else one_line(text, 20)
    rules = ctx.config.group(group).calendar
    until = ctx.now + rules.confirm_within
    number = ctx.store.tasks.add(
        f"tap|{key}", what=f"在企业微信里点发送「{title}」，点了回「已发」，不发回「不用发」",
        owner=rules.confirm_owner,
        at=to_ms(ctx.now), due=to_ms(until), event_id=ctx.event.id, group_id=group, member_id=member,
    )  # fmt: skip
    if number is None:
        return Silence("这一条已经交代过了")
    ctx.store.campaigns.await_tap(
        number, key, event_id=event_id, group_id=group, member_id=member, title=title, at=to_ms(ctx.now),
        until=to_ms(until),
    )  # fmt: skip
    _again(ctx, number, group, to_ms(until))
    return _told(ctx, "tap.new", number, title, text)


def _again(ctx: Context, number: int, group: str | None, until: int) -> None:
    """A quarter of the time apart: three reminders, then the end."""
    quarter = ctx.config.group(group).calendar.confirm_within / 4
    at = min(ctx.now + max(quarter, timedelta(minutes=1)), from_ms(until))
    ctx.wake("task", str(number), at, {"group": group} if group else {})


def _told(ctx: Context, key: str, number: int, title: str, more: str) -> list[Say]:
    task = ctx.store.tasks.get(number)
    assert task is not None
    slots = {
        "number": number, "title": title, "who": about(ctx, task), "due": f"{ctx.local(from_ms(task.due)):%m-%d %H:%M}",
        "text": one_line(more, QUOTED),
    }  # fmt: skip
    return [
        Say(key, slots, channel=channel, member=member, sort=Sort.STAFF, because="这个通道要人点了才发得出去")
        for channel, member in rooms_of(ctx, task.owner)
    ]


def due(ctx: Context, send: HandSend) -> Wishes:
    """The task of a line rings: one more reminder, or its time is over."""
    if send.state != "waiting":
        return Silence("这一条已经定了")
    if to_ms(ctx.now) >= send.until:
        return _over(ctx, send)
    count = ctx.store.tasks.remind(send.number)
    _again(ctx, send.number, send.group_id, send.until)
    if count is None:
        return Silence("提醒满三次，只等到点")
    return _told(ctx, "tap.reminder", send.number, send.title, f"第 {count} 次提醒，最多三次")


def _over(ctx: Context, send: HandSend) -> Wishes:
    waits = [one for one in ctx.store.campaigns.sends_of(send.event_id) if _merge_until(ctx, one) > to_ms(ctx.now)]
    settle(ctx, send, "merged" if waits else "expired", "没人点发送")
    ctx.store.tasks.close(send.number, "dropped", at=to_ms(ctx.now), by="")
    what = "并进下一条" if waits else "这次不发了，额度还回去"
    return _told(ctx, "tap.over", send.number, send.title, what)


def _merge_until(ctx: Context, one: tuple[str, str, int]) -> int:
    """Until when (ms) a beat may be merged into the next one; 0 when it is not that kind."""
    beat = ctx.desk.beat(one[0])
    return one[2] + span_ms(beat.lateness) if beat is not None and beat.late == "merge" else 0


def settle(ctx: Context, send: HandSend, state: str, why: str) -> bool:
    """What became of a line: `sent`, or not (declined, expired, merged): then it counts for nothing, its beats may be
    sent another time, and those that wait for the next one are merged into it. False when it was decided before."""
    now = to_ms(ctx.now)
    if not ctx.store.campaigns.end_tap(send.number, state, at=now, why=why):
        return False
    if state == "sent":
        return True
    sends = ctx.store.campaigns.sends_of(send.event_id)
    ctx.store.campaigns.take_back(send.event_id)
    for one in sends:
        beat, group, fell_due = one
        ctx.store.agenda.rest("beat", f"{beat}|{group}", now)
        until = _merge_until(ctx, one)
        late = "merge" if state == "merged" and until > now else "declined" if state == "declined" else "expired"
        number = ctx.store.campaigns.unsaid(
            beat, group, fell_due, at=now, until=max(until, now), state=late, reason=why
        )
        if late == "merge":
            ctx.wake("late", str(number), from_ms(until), {"group": group})
        else:
            ctx.store.agenda.miss_beat(beat, group, fell_due, now, why)
    return True


def close(ctx: Context, task: Task, send: HandSend, *, done: bool) -> bool:
    """A person closed the task of a line. False when it was decided before."""
    if not settle(ctx, send, "sent" if done else "declined", f"{ctx.name} 说{'已发' if done else '不用发'}"):
        return False
    ctx.store.tasks.close(task.number, "done" if done else "dropped", at=to_ms(ctx.now), by=ctx.member)
    ctx.store.agenda.forget_wake("task", str(task.number))
    return True
