"""A beat that fell due becomes a line, a task, or a note of why not: lateness, merging, banks, variants."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.context import Context, zone_of
from bot.opening import open_due
from bot.replies import Say, Silence, Sort, Wishes
from bot.scripts import Beat
from bot.settings import GroupSettings
from bot.tasking import open_task
from bot.world import from_ms, to_ms

REPORT_AFTER = timedelta(seconds=30)
"""Late posts are reported together, a little later: after a long outage there are many."""
SHORTEST = timedelta(minutes=15)
"""A post that left in time may wait this long in the outbox, whatever its file says about lateness."""
MERGED_AT_ONCE = 3
"""Late texts that one post takes along: more would be a wall of text."""


def play(ctx: Context, beat: Beat, asked: str = "") -> Wishes:
    """What a beat that fell due in its group brings: posted, merged into the next one, asked of staff, or dropped; or
    nothing, when staff paused it or left this time out. `asked`: who wants it now, and no time of its own matters."""
    paused = ctx.store.campaigns.paused(beat.id, ctx.group) is not None
    stop = stopped(ctx, beat, ctx.group, ctx.event.at) if paused or not asked else ""
    if stop:
        return Silence(f"没发：{stop}")
    late_by = ctx.now - ctx.event.at
    punctual = ctx.settings.calendar.punctual
    patience = max(punctual, beat.lateness) if beat.late in ("send", "drop") else punctual
    if late_by <= patience:
        return _post(ctx, beat, asked, late=late_by > punctual)
    minutes = int(late_by.total_seconds() // 60)
    until = ctx.event.at + beat.lateness
    if beat.late == "merge" and until >= ctx.now:
        return _put_by(ctx, beat, "merge", until, f"晚了 {minutes} 分钟，并进下一条")
    if beat.late == "ask" and until >= ctx.now:
        return _put_by(ctx, beat, "ask", until, f"晚了 {minutes} 分钟，要不要补发等你们定")
    limit = int(max(patience, beat.lateness).total_seconds() // 60)
    return miss(ctx, beat.id, ctx.group, f"晚了 {minutes} 分钟，超过能晚发的 {limit} 分钟")


def stopped(ctx: Context, beat: Beat, group: str, due: datetime) -> str:
    """Why a beat is not sent at this time, in words of staff; empty when nobody stopped it."""
    pause = ctx.store.campaigns.paused(beat.id, group)
    if pause is not None:
        return f"{ctx.store.members.name(pause[1])} 暂停了它"
    by = skipped_by(ctx, beat, group, due)
    return f"{ctx.store.members.name(by)} 说这次跳过" if by is not None else ""


def skipped_by(ctx: Context, beat: Beat, group: str, due: datetime) -> str | None:
    """Who left this time out."""
    settings = ctx.config.group(group)
    zone = zone_of(settings)
    rule = beat.rule(zone, settings.calendar.anchor)
    day = due.astimezone(zone).date().isoformat()
    return ctx.store.campaigns.skipped(beat.id, group, to_ms(due), day=day, rule=rule)


def _post(ctx: Context, beat: Beat, asked: str, *, late: bool) -> Wishes:
    group, because = ctx.group, asked or why(beat)
    if ctx.resting("beat", f"{beat.id}|{group}", ctx.settings.calendar.min_gap):
        return miss(ctx, beat.id, group, "离上一次太近，按最短间隔拦下（calendar.min_gap）")
    line = None
    if beat.task is None and beat.opens is None:
        line = line_of(ctx, beat, group, ctx.event.at)
        if line is None:
            return miss(ctx, beat.id, group, f"素材库「{beat.bank}」里没有合适的一条")
    if not ctx.store.campaigns.note_send(
        beat.id, group, ctx.at_ms, at=to_ms(ctx.now), how="now" if asked else "due", event_id=ctx.event.id
    ):
        return Silence("这一次已经发过了")
    if late:
        minutes = int((ctx.now - ctx.event.at).total_seconds() // 60)
        ctx.store.calendar.note_late(
            beat.id, group, due=ctx.at_ms, at=to_ms(ctx.now), until=ctx.at_ms, state="late",
            reason=f"晚了 {minutes} 分钟，还是发了",
        )  # fmt: skip
    if beat.task is not None:
        return open_task(ctx, f"{beat.id}|{group}|{ctx.at_ms}", beat.task, group=group, because=because)
    if beat.opens is not None:
        return open_due(ctx, beat.opens, beat.title)
    assert line is not None
    line = _with_earlier(ctx, beat, line)
    if line.key == "calendar.merged":
        because += "，带上了先前晚到的"
    least = ctx.settings.calendar.punctual if beat.late == "send" else SHORTEST
    expires = ctx.event.at + max(beat.lateness, least)
    return Say(
        line.key, line.slots, sort=line.sort, expires=expires, because=because,
        picture=line.picture, kind=line.kind, content=line.content,
    )  # fmt: skip


def why(beat: Beat) -> str:
    """The reason of a post in words of staff."""
    return f"定时「{beat.title}」，脚本 {beat.id}"


def line_of(ctx: Context, beat: Beat, group: str, due: datetime) -> Say | None:
    """The words of a beat for a group; an entry that it takes from a bank counts as used. None when none fits."""
    settings = ctx.config.group(group)
    words = beat.variant_for({settings.type, *settings.tags})
    slots: dict[str, object] = dict(words.slots)
    if beat.bank:
        entry = _entry(ctx, beat, group, settings, due)
        if entry is None:
            return None
        slots["entry"] = entry
    return Say(
        words.phrase, slots, sort=Sort(beat.sort), picture=words.picture, kind=beat.kind, content=beat.budgeted_as
    )


def _entry(ctx: Context, beat: Beat, group: str, settings: GroupSettings, due: datetime) -> str | None:
    bank = ctx.desk.banks().get(beat.bank)
    if bank is None:
        return None
    since = to_ms(ctx.now - timedelta(days=settings.calendar.bank_days))
    used = ctx.store.calendar.used_entries(bank.name, group)
    day = ctx.now.astimezone(zone_of(settings)).date()
    entry = bank.choose(settings.type, day, used, since, ctx.luck, beat.id, group, to_ms(due))
    if entry is None:
        return None
    ctx.store.calendar.use_entry(bank.name, group, entry.key, to_ms(ctx.now))
    return entry.text


def _with_earlier(ctx: Context, beat: Beat, line: Say) -> Say:
    """The line with the late ones of its script and group that waited for it."""
    taken = 0
    for post in ctx.store.calendar.merging(ctx.group, to_ms(ctx.now), 50):
        earlier = ctx.desk.beat(post.beat)
        if earlier is None or earlier.script != beat.script or taken == MERGED_AT_ONCE:
            continue
        if stopped(ctx, earlier, ctx.group, from_ms(post.due)):
            continue
        text = line_of(ctx, earlier, ctx.group, from_ms(post.due))
        if text is None:
            continue
        if not ctx.store.campaigns.note_send(
            earlier.id, ctx.group, post.due, at=to_ms(ctx.now), how="merged", event_id=ctx.event.id
        ):
            continue
        ctx.store.calendar.settle(post.number, ("merge",), "merged", "", f"并进了「{beat.title}」")
        ctx.store.agenda.forget_wake("late", str(post.number))
        line = replace(line, key="calendar.merged", slots={"text": line, "earlier": text})
        taken += 1
    return line


def _put_by(ctx: Context, beat: Beat, state: str, until: datetime, reason: str) -> Silence:
    number = ctx.store.calendar.note_late(
        beat.id, ctx.group, due=ctx.at_ms, at=to_ms(ctx.now), until=to_ms(until), state=state, reason=reason
    )
    if number is not None:
        ctx.wake("late", str(number), until, {"group": ctx.group})
        _report_soon(ctx)
    return Silence(reason)


def miss(ctx: Context, beat: str, group: str, reason: str) -> Silence:
    """Notes a post that is not made; staff hear of it in the next summary."""
    now = to_ms(ctx.now)
    ctx.store.calendar.note_late(
        beat, group, due=ctx.at_ms, at=now, until=ctx.at_ms, state="dropped", reason=reason
    )  # fmt: skip
    ctx.store.agenda.miss_beat(beat, group, ctx.at_ms, now, reason)
    _report_soon(ctx)
    return Silence(f"漏发：{reason}")


def _report_soon(ctx: Context) -> None:
    if not ctx.store.agenda.has_wake("missed", "report"):
        ctx.wake("missed", "report", ctx.now + REPORT_AFTER, {"since": to_ms(ctx.now)})


def channel_of(ctx: Context, group: str) -> str:
    """The channel on which a group is spoken to, when the event itself came from elsewhere."""
    return ctx.config.group(group).channel or ctx.store.members.channel_of_group(group) or ctx.event.channel
