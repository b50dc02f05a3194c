"""额度: what budgets still allow. 预报: which coming posts will be refused. 挡下: what was held back, and why."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.contact import CLASSES, KINDS, WEEK, Past, in_budget, klass_of
from bot.context import Context
from bot.digest import tells
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.exposure import Exposure
from bot.posting import stopped
from bot.replies import Sort, Wishes, say
from bot.router import Router
from bot.world import from_ms, to_ms

router = Router("quota", "触达")
router.says(
    {
        "quota.report": "rows", "quota.forecast": "days rows", "quota.clear": "days count", "quota.nothing": "",
        "quota.held": "rows", "quota.none_held": "days", "quota.usage": "",
    }
)  # fmt: skip
_DAYS = "一二三四五六日"
FORECAST_DAYS = 7
MOST_DAYS = 31
LOOK_AHEAD = 120
"""Coming posts that a forecast looks at."""
HELD_DAYS = 7
SHOWN = 10


@router.command("额度", help="这个群还能主动说几条、平台还剩多少", role="read-only")
def budget(event: MessageReceived, ctx: Context) -> Wishes:
    groups = [event.group] if event.group else _groups(ctx)
    rows = [row for group in groups[:SHOWN] for row in _left(ctx, group, named=event.group is None)]
    return say("quota.report", rows="\n".join(rows), sort=Sort.STAFF)


def _groups(ctx: Context) -> list[str]:
    return ctx.store.members.groups() or ctx.config.named_groups


def _left(ctx: Context, group: str, *, named: bool) -> list[str]:
    settings = ctx.config.group(group)
    channel = settings.channel or ctx.store.members.channel_of_group(group) or ""
    known = Exposure(ctx.store, ctx.config).known(
        group, None, settings, ctx.now, channel=channel, speaks=ctx.desk.speaks(channel), talk_now=False
    )
    today = ctx.day_of(ctx.now)
    week = [one for one in known.past if one.day >= today - WEEK]
    head = f"{settings.name or group}：" if named else ""
    rows = []
    for klass, word in CLASSES.items():
        day, limit = settings.contact.limits(klass, private=False)
        used = in_budget(klass, week, private=False)
        now = sum(one.day == today for one in used)
        rows.append(f"· {head}{word} 今天 {now}/{day}，7 天 {len(used)}/{limit}")
    rows += [f"· {head}平台：{one.title} {one.window} {one.used}/{one.limit}" for one in known.quotas]
    return rows


@tells(40)
def week_of_budgets(ctx: Context, group: str, since: datetime, until: datetime) -> list[str]:
    """What the budgets of a group still allow, for the weekly digest."""
    return [row.removeprefix("· ") for row in _left(ctx, group, named=False) if "7 天 0/" not in row]


# -- the days ahead -------------------------------------------------------------------------------------------------


@router.command("预报", help="接下来几天哪条定时会发不出去、为什么", usage="[几天]", role="read-only")
def forecast(event: MessageReceived, ctx: Context) -> Wishes:
    days = _days(ctx.reading.rest, FORECAST_DAYS)
    until = ctx.now + timedelta(days=days)
    coming = [one for one in ctx.desk.upcoming(event.group, LOOK_AHEAD) if one[0] <= until]
    if not coming:
        return say("quota.nothing", sort=Sort.STAFF)
    rows = foresee(ctx, coming)
    if not rows:
        return say("quota.clear", days=days, count=len(coming), sort=Sort.STAFF)
    more = [f"……一共 {len(rows)} 条"] if len(rows) > SHOWN else []
    return say("quota.forecast", days=days, rows="\n".join([*rows[:SHOWN], *more]), sort=Sort.STAFF)


def _days(text: str, otherwise: int) -> int:
    asked = text.removesuffix("天").strip()
    if not asked:
        return otherwise
    if not asked.isdecimal() or not 1 <= int(asked[:4]) <= MOST_DAYS:
        raise Mistake("quota.usage")
    return int(asked[:4])


def foresee(ctx: Context, coming: Sequence[tuple[datetime, str, str, str]]) -> list[str]:
    """A row for each coming (when, group, beat, title) that will not leave, in order."""
    judge = Exposure(ctx.store, ctx.config)
    planned: list[tuple[str, Past]] = []
    rows: list[str] = []
    for when, group, beat, title in coming:
        line, known = ctx.desk.play(beat, group), ctx.desk.beat(beat)
        if line is None or known is None or stopped(ctx, known, group, when):
            continue
        settings = ctx.config.group(group)
        channel = settings.channel or ctx.store.members.channel_of_group(group) or ""
        expires = when + (ctx.desk.lateness(beat) or timedelta(0))
        verdict = judge.preview(
            line, group, settings, when, planned, channel=channel, speaks=ctx.desk.speaks(channel), expires=expires
        )
        local = ctx.local(when)
        if verdict.what == "now":
            klass = klass_of(line.sort, line.content)
            planned.append((group, Past(local.date(), when, klass, line.kind, channel)))
            continue
        where = "" if ctx.event.group else f"{settings.name or group} "
        rows.append(f"· 周{_DAYS[local.weekday()]} {local:%m-%d %H:%M} {where}「{title}」会被拒：{verdict.why}")
    return rows


# -- what was held --------------------------------------------------------------------------------------------------


@router.command("挡下", help="最近哪些话没发、按哪条规则", usage="[几天]", role="read-only")
def held(event: MessageReceived, ctx: Context) -> Wishes:
    days = _days(ctx.reading.rest, HELD_DAYS)
    since = to_ms(ctx.now - timedelta(days=days))
    found = ctx.store.exposures.stopped(event.group, since, SHOWN + 1)
    if not found:
        return say("quota.none_held", days=days, sort=Sort.STAFF)
    rows = [
        f"· {ctx.local(from_ms(one.judged_at)):%m-%d %H:%M} {_place(ctx, one.group_id, one.member_id)}"
        f"{f'「{KINDS.get(one.kind, one.kind)}」' if one.kind else ''}{one.phrase}：{one.why}（{one.rule}）"
        for one in found[:SHOWN]
    ]
    return say(
        "quota.held", rows="\n".join([*rows, *(["……还有更早的"] if len(found) > SHOWN else [])]), sort=Sort.STAFF
    )


def _place(ctx: Context, group: str | None, member: str | None) -> str:
    if group is None:
        return f"给 {ctx.store.members.name(member or '')} 的 "
    return "" if group == ctx.event.group else f"{ctx.config.group(group).name or group} "
