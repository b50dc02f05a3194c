"""周报: how the week went, to staff every week by itself, and whenever they ask."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.answering import faq_lines
from bot.context import Context
from bot.digest import WEEK, arm, overdue, rows_of, tells, week_of
from bot.events import MessageReceived, Tick
from bot.playing import GAMES
from bot.replies import Say, Silence, Sort, Wishes, say
from bot.router import Router
from bot.words import one_line
from bot.world import to_ms

router = Router("digest", "员工")
router.says({"digest.week": "since until rows", "digest.now": "since until rows", "digest.none": ""})
ALL_ROWS = 30
GROUPS = 12
"""Groups that one message tells of."""
_DAY = timedelta(days=1)


@router.tick("digest")
def due(event: Tick, ctx: Context) -> Wishes:
    found = [
        (group, slot)
        for group, slot in overdue(ctx)
        if ctx.store.digests.settle(group, week_of(slot), to_ms(ctx.now), event.id)
    ]
    arm(ctx)
    if not found:
        return Silence("没有到点的周报")
    until = min(_midnight(slot) for _, slot in found)
    rows = _told(ctx, [group for group, _ in found], until - WEEK, until)
    slots = {"since": f"{until - WEEK:%m-%d}", "until": f"{until - _DAY:%m-%d}", "rows": rows}
    return [
        Say(
            "digest.week", slots, channel=channel, member=member, sort=Sort.STAFF, because="每周一次的周报（digest.on）"
        )
        for channel, member in ctx.desk.staff_rooms()
    ]


@router.command("周报", help="最近七天怎么样：签到、活跃、定时、预算、待办", role="read-only")
def now(event: MessageReceived, ctx: Context) -> Wishes:
    groups = [event.group] if event.group else ctx.store.members.groups()
    if not groups:
        return say("digest.none", sort=Sort.STAFF)
    until = ctx.local(ctx.now) + timedelta(milliseconds=1)  # what happened just now counts
    since = _midnight(until) - WEEK + _DAY
    rows = _told(ctx, groups, since, until)
    return say("digest.now", since=f"{since:%m-%d}", until=f"{until:%m-%d %H:%M}", rows=rows, sort=Sort.STAFF)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _told(ctx: Context, groups: Sequence[str], since: datetime, until: datetime) -> str:
    """All rows of one group, the first of several: a message has an end."""
    private = "；".join(faq_lines(ctx, None, since, until))
    alone = [f"私聊：{private}"] if private else []
    if len(groups) == 1:
        return "\n".join(f"· {row}" for row in (*rows_of(ctx, groups[0], since, until, ALL_ROWS), *alone))
    most = 4 if len(groups) < 5 else 1
    told = []
    for group in groups[:GROUPS]:
        name = one_line(ctx.config.group(group).name or ctx.store.members.title(group), 20)
        told.append(f"【{name}】" + "；".join(rows_of(ctx, group, since, until, most)))
    more = [f"……另有 {len(groups) - GROUPS} 个群"] if len(groups) > GROUPS else []
    return "\n".join([*told, *more, *alone, "在那个群里发「周报」看全部"])


def _days(since: datetime, until: datetime) -> tuple[str, str]:
    return since.date().isoformat(), (until - timedelta(microseconds=1)).date().isoformat()


@tells(10)
def people(ctx: Context, group: str, since: datetime, until: datetime) -> list[str]:
    """Check-ins, who was there, who came and went."""
    digests, (first, last) = ctx.store.digests, _days(since, until)
    times, came = digests.check_ins(group, first, last)
    counted = int(ctx.store.office.fact("points.talk.seq") or 0)
    active = digests.active(group, first, last, since=to_ms(since), until=to_ms(until), counted=counted)
    joined, left = digests.moves(group, to_ms(since), to_ms(until))
    return [f"签到 {times} 次（{came} 人），活跃 {active} 人，新来 {joined} 人，走了 {left} 人"]


@tells(20)
def plays(ctx: Context, group: str, since: datetime, until: datetime) -> list[str]:
    """Games and draws."""
    games = ctx.store.digests.games(group, to_ms(since), to_ms(until))
    opened, drawn = ctx.store.digests.draws(group, to_ms(since), to_ms(until))
    names = "、".join(f"{GAMES[game].title if game in GAMES else game} {times}" for game, times in games)
    rows = [f"玩了 {names} 局"] if games else []
    return [*rows, f"抽奖开了 {opened} 个，开奖 {drawn} 个"] if opened or drawn else rows


@tells(30)
def posts(ctx: Context, group: str, since: datetime, until: datetime) -> list[str]:
    """What was sent unasked, held back and missed."""
    first, last = _days(since, until)
    sent, held, missed = ctx.store.digests.posts(group, first, last, to_ms(since), to_ms(until))
    if not (sent or held or missed):
        return []
    row = f"主动说了 {sent} 条，挡下 {held} 条，漏发 {missed} 条"
    return [f"{row}（「挡下」「漏发」看原因）" if held or missed else row]


@tells(50)
def tasks(ctx: Context, group: str, since: datetime, until: datetime) -> list[str]:
    """Things that wait for a person."""
    count, what = ctx.store.digests.tasks(group)
    return [f"任务还开着 {count} 件，最急：{one_line(what, 30)}"] if count else []


@tells(60)
def prizes(ctx: Context, group: str, since: datetime, until: datetime) -> list[str]:
    """What still has to be handed over."""
    prizes, goods = ctx.store.digests.owed(group)
    rows = [f"待发奖品 {prizes} 份（「名单 奖品」）"] if prizes else []
    return [*rows, f"商城待发货 {goods} 件（「待兑现」）"] if goods else rows


@tells(70)
def questions(ctx: Context, group: str, since: datetime, until: datetime) -> list[str]:
    """What members asked and nobody answered."""
    count = ctx.store.digests.questions(group)
    return [f"还没人答的问题 {count} 个"] if count else []
