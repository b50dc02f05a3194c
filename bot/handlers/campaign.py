"""Scheduled posts: a beat that fell due is posted once, or reported as late. 日程 shows what comes next."""

from datetime import datetime

from bot import pausing
from bot.context import Context, zone_of
from bot.events import BeatDue, MessageReceived, Tick
from bot.posting import play, stopped
from bot.replies import Say, Silence, Sort, Wishes, say
from bot.router import Router
from bot.world import from_ms
from storage.calendar import LatePost

router = Router("campaign", "定时")
router.says(
    {
        "opening.failed": "title group what reason",
        "agenda.report": "rows",
        "agenda.empty": "",
        "staff.missed": "count rows",
        "calendar.merged": "text earlier",
    }
)
_DAYS = "一二三四五六日"
MOST = 10
"""Late posts named in one summary; the rest is counted."""


@router.on(BeatDue)
def due(event: BeatDue, ctx: Context) -> Wishes:
    beat = ctx.desk.beat(event.beat)
    if beat is None or not beat.plays_in(ctx.group, ctx.settings):
        return Silence("脚本里已经没有这一拍，或不再给这个群")
    return play(ctx, beat)


@router.tick("missed")
def report_missed(event: Tick, ctx: Context) -> Wishes:
    count, late = ctx.store.calendar.noticed_since(int(event.payload.get("since", 0)), MOST)
    if not count:
        return Silence("没有晚到的定时内容")
    rows = [_row(ctx, one) for one in late]
    if count > len(rows):
        rows.append(f"……一共 {count} 条，发「漏发」看没发的")
    return [
        Say(
            "staff.missed", {"count": count, "rows": "\n".join(rows)}, channel=channel, member=member,
            sort=Sort.STAFF, because="停机期间有定时内容没按时发",
        )
        for channel, member in ctx.desk.staff_rooms()
    ]  # fmt: skip


def _row(ctx: Context, one: LatePost) -> str:
    where = ctx.config.group(one.group_id).name or ctx.store.members.name(one.group_id)
    ask = ""
    if one.state == "ask":
        until = f"{ctx.local(from_ms(one.until)):%m-%d %H:%M}"
        ask = f"：回「补发 {one.number}」或「不发 {one.number}」，{until} 前有效"
    local = ctx.local(from_ms(one.due))
    return f"· {local:%m-%d %H:%M} {where} 「{ctx.desk.title_of(one.beat)}」{one.reason}{ask}"


@router.command("日程", help="接下来的定时内容", usage="[几条]", role="read-only")
def agenda(event: MessageReceived, ctx: Context) -> Wishes:
    asked = ctx.reading.rest
    most = min(30, max(1, int(asked))) if asked.isdecimal() and len(asked) < 4 else 7
    rows = []
    for when, group, name, title in ctx.desk.upcoming(event.group, most):
        settings, beat = ctx.config.group(group), ctx.desk.beat(name)
        local = when.astimezone(zone_of(settings))
        where = "" if event.group else f"{settings.name or group} "
        clock = f"{local:%H:%M}"
        if event.group and beat is not None and beat.surprise and beat.trigger and beat.trigger.between:
            # Members read along here: the minute stays a surprise.
            clock = "~".join(f"{minute // 60:02}:{minute % 60:02}" for minute in beat.trigger.between)
        rows.append(
            f"· 周{_DAYS[local.weekday()]} {local:%m-%d} {clock} {where}「{title}」{_opens(ctx, name)}（{name}）"
            f"{_stop(ctx, name, group, when)}"
        )
    rows += [pausing.row(ctx, one) for one in pausing.sequences(ctx) if pausing.matters(ctx, one)]
    if not rows:
        return say("agenda.empty", sort=Sort.STAFF)
    return say("agenda.report", rows="\n".join([*rows, f"时区 {ctx.settings.zone}"]), sort=Sort.STAFF)


def _stop(ctx: Context, name: str, group: str, when: datetime) -> str:
    """That staff paused it, or left this time out."""
    beat = ctx.desk.beat(name)
    why = stopped(ctx, beat, group, when) if beat is not None else ""
    return f"（不发：{why}）" if why else ""


def _opens(ctx: Context, beat: str) -> str:
    """What a beat opens, for the list."""
    opens = ctx.desk.opens(beat)
    return f" {opens}" if opens is not None else ""
