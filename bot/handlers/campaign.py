"""Scheduled posts: a beat that fell due is posted once, or reported as missed. 日程 shows what comes next."""

from datetime import timedelta

from bot.context import Context
from bot.events import BeatDue, MessageReceived, Tick
from bot.replies import Say, Silence, Sort, Wishes, say
from bot.router import Router
from bot.world import from_ms, to_ms

router = Router("campaign", "定时")
router.says({"agenda.report": "rows", "agenda.empty": "", "staff.missed": "count rows"})
REPORT_AFTER = timedelta(seconds=30)
"""Missed posts are reported together, a little later: after a long outage there are many."""
_DAYS = "一二三四五六日"


@router.on(BeatDue)
def due(event: BeatDue, ctx: Context) -> Wishes:
    line = ctx.desk.play(event.beat, ctx.group)
    if line is None:
        return Silence("脚本里已经没有这一拍")
    limit = ctx.desk.lateness(event.beat) or timedelta(0)
    if ctx.now - event.at > limit:
        minutes = int((ctx.now - event.at).total_seconds() // 60)
        reason = f"晚了 {minutes} 分钟，超过能晚发的 {int(limit.total_seconds() // 60)} 分钟"
        ctx.store.agenda.miss_beat(event.beat, ctx.group, ctx.at_ms, to_ms(ctx.now), reason)
        if not ctx.store.agenda.has_wake("missed", "report"):
            ctx.wake("missed", "report", ctx.now + REPORT_AFTER, {"since": to_ms(ctx.now)})
        return Silence(f"漏发：{reason}")
    title = ctx.desk.title_of(event.beat)
    return Say(
        line.key, line.slots, sort=line.sort, expires=event.at + limit, kind=line.kind, content=line.content,
        because=f"定时「{title}」，脚本 {event.beat}",
    )  # fmt: skip


@router.tick("missed")
def report_missed(event: Tick, ctx: Context) -> Wishes:
    missed = ctx.store.agenda.missed_since(int(event.payload.get("since", 0)), 200)
    rows = [
        f"· {ctx.local(from_ms(moment)):%m-%d %H:%M} {ctx.config.group(group).name or group} "
        f"「{ctx.desk.title_of(beat)}」{reason}"
        for beat, group, moment, reason in missed[:10]
    ]
    if len(missed) > len(rows):
        rows.append(f"……一共 {len(missed)} 条")
    return [
        Say(
            "staff.missed", {"count": len(missed), "rows": "\n".join(rows)}, channel=channel, member=member,
            sort=Sort.STAFF, because="停机期间有定时内容没发出去",
        )
        for channel, member in ctx.desk.staff_rooms()
    ]  # fmt: skip


@router.command("日程", help="接下来的定时内容", usage="[几条]", role="read-only")
def agenda(event: MessageReceived, ctx: Context) -> Wishes:
    asked = ctx.reading.rest
    most = min(30, max(1, int(asked))) if asked.isdecimal() and len(asked) < 4 else 7
    rows = []
    for when, group, beat, title in ctx.desk.upcoming(event.group, most):
        settings = ctx.config.group(group)
        local = ctx.local(when) if event.group else when.astimezone(ctx.local(when).tzinfo)
        where = "" if event.group else f"{settings.name or group} "
        rows.append(f"· 周{_DAYS[local.weekday()]} {local:%m-%d %H:%M} {where}「{title}」（{beat}）")
    if not rows:
        return say("agenda.empty", sort=Sort.STAFF)
    return say("agenda.report", rows="\n".join([*rows, f"时区 {ctx.settings.zone}"]), sort=Sort.STAFF)
