"""Things a person has to do: opened by beats, told to whoever they belong to, reminded of three times."""

from datetime import timedelta

from bot.context import Context
from bot.replies import Say, Silence, Sort, Wishes
from bot.scripts import Task
from bot.world import from_ms, to_ms
from storage.tasks import Task as Row


def rooms_of(ctx: Context, owner: str) -> list[tuple[str, str]]:
    """(channel, staff id) of an owner: a staff id, or everybody of a role; when nobody is, those who are told of
    everything."""
    staff = ctx.config.settings.staff
    people = [one for one in staff if one.id == owner] or [one for one in staff if one.role == owner]
    if not people:
        return ctx.desk.staff_rooms()
    rooms = []
    for person in people:
        known = ctx.store.members.channel_of_member(person.id)
        channel = known or next(iter(person.channels), "") or next((name for name, _ in ctx.desk.staff_rooms()), "")
        rooms.append((channel, person.id))
    return rooms


def open_task(
    ctx: Context, key: str, task: Task, *, group: str | None = None, member: str | None = None, because: str = ""
) -> Wishes:
    """Opens a task, once for each `key`, tells its owner and plans the reminders."""
    due = ctx.now + task.within
    number = ctx.store.tasks.add(
        key, what=task.what, owner=task.owner, at=to_ms(ctx.now), due=to_ms(due), event_id=ctx.event.id,
        group_id=group, member_id=member,
    )  # fmt: skip
    if number is None:
        return Silence("这件事已经交代过了")
    ctx.wake("task", str(number), due, {"group": group} if group else {})
    row = ctx.store.tasks.get(number)
    assert row is not None
    return told(ctx, "task.new", row, because or "有件事要人来做")


def told(ctx: Context, key: str, row: Row, because: str) -> list[Say]:
    """A line about a task for everybody it belongs to."""
    slots = {"number": row.number, "what": row.what, "who": about(ctx, row), "due": show_due(ctx, row)}
    return [
        Say(key, slots, channel=channel, member=member, sort=Sort.STAFF, because=because)
        for channel, member in rooms_of(ctx, row.owner)
    ]


def about(ctx: Context, row: Row) -> str:
    """Whom or what a task is about: a member, else a group."""
    if row.member_id:
        return ctx.store.members.name(row.member_id)
    return (ctx.config.group(row.group_id).name or row.group_id) if row.group_id else "店里"


def show_due(ctx: Context, row: Row) -> str:
    """When a task should be done."""
    return f"{ctx.local(from_ms(row.due)):%m-%d %H:%M}"


def remind(ctx: Context, number: int) -> Wishes:
    """One more reminder of a task that is still open, three at most."""
    count = ctx.store.tasks.remind(number)
    row = ctx.store.tasks.get(number)
    if count is None or row is None:
        return Silence("任务已经完成，或提醒满三次")
    if count < 3:
        every = ctx.settings.calendar.remind_every or timedelta(hours=4)
        ctx.wake("task", str(number), ctx.now + every, {"group": row.group_id} if row.group_id else {})
    return told(ctx, "task.reminder", row, f"任务 {number} 到期没做完，第 {count} 次提醒，最多三次")
