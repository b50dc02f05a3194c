"""Points as members see them: 积分, 积分明细, 排行榜, 榜名; and 发分 for staff."""

import re
from datetime import datetime, timedelta

from bot.catalogue import Item
from bot.context import Context
from bot.earning import HOUSE, standing_of
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.redeeming import holds, switched_off
from bot.replies import Say, Sort, Wishes, say
from bot.router import Router
from bot.words import normalise, one_line
from bot.world import from_ms, to_ms
from storage.ledger import POINTS, account
from storage.points import HistoryRow

router = Router("points", "积分")
router.says(
    {
        "points.balance": "name balance worth level next", "points.level": "title more above", "points.top": "title",
        "points.level_over": "lost title more above",
        "points.next": "more item number", "points.affordable": "item number", "points.debt": "name more",
        "points.history": "rows page pages", "points.history_empty": "name",
        "points.board": "title rows page pages mine", "points.board_empty": "title",
        "points.board_mine": "rank points", "points.board_not_yet": "", "points.only_in_group": "",
        "points.nickname": "nickname", "points.nickname_gone": "", "points.nickname_bad": "text",
        "points.nickname_usage": "now", "points.granted": "names points why numbers", "points.grant_usage": "most",
    }
)  # fmt: skip
NICKNAME = 12
AT_ONCE = 20
"""Members who can be granted points in one message."""
_AMOUNT = re.compile(r"(?<!\S)\+?(\d{1,9})(?:分|积分)?(?!\S)")
_WINDOWS = {"周": "本周", "月": "本月", "总": "总"}


# -- balance -------------------------------------------------------------------------------------------------------


@router.command("积分", "我的积分", help="有多少积分、值多少钱、还差多少能换", off=switched_off)
def balance(event: MessageReceived, ctx: Context) -> Wishes:
    have = ctx.store.ledger.balance(account(ctx.member))
    if have < 0:
        return say("points.debt", name=ctx.name, more=-have)
    stand = standing_of(ctx, ctx.settings, ctx.member)
    lost = _lost(ctx, stand.place)
    level = (
        say("points.level_over", lost=lost, title=stand.level.title, more=stand.missing, above=stand.following.title)
        if lost and stand.following
        else say("points.level", title=stand.level.title, more=stand.missing, above=stand.following.title)
        if stand.following
        else say("points.top", title=stand.level.title)
    )
    return say(
        "points.balance", name=ctx.name, balance=have, worth=show_worth(have, ctx.settings.points.per_yuan),
        level=level, next=next_line(ctx, have),
    )  # fmt: skip


def _lost(ctx: Context, place: int) -> str:
    """A title that had to be kept, was announced here, and is over: told only to whoever asks."""
    titles = [level.title for level in ctx.settings.points.levels]
    last = ctx.store.titles.last_passing(ctx.member, ctx.event.group or "")
    return last if last in titles and titles.index(last) > place else ""


def show_worth(points: int, per_yuan: int) -> str:
    """What points are worth, in yuan, rounded down to the fen."""
    fen = points * 100 // per_yuan
    return f"{fen // 100}.{fen % 100:02}".rstrip("0").rstrip(".")


def next_line(ctx: Context, have: int) -> Say | str:
    """The nearest thing that is still too dear; else the best that can be had now; nothing in an empty shop."""
    offered = sorted((item for item in ctx.desk.catalogue.items if _offered(ctx, item)), key=lambda item: item.price)
    dearer = [item for item in offered if item.price > have]
    if dearer:
        number = ctx.desk.catalogue.number(dearer[0])
        return say("points.next", more=dearer[0].price - have, item=dearer[0].title, number=number)
    if not offered:
        return ""
    return say("points.affordable", item=offered[-1].title, number=ctx.desk.catalogue.number(offered[-1]))


def _offered(ctx: Context, item: Item) -> bool:
    return (
        item.price > 0
        and item.is_open(ctx.event.at)
        and not (item.groups and ctx.event.group not in item.groups)
        and not (item.limit and ctx.store.shop.nth(item.id, ctx.member) > item.limit)
        and ctx.store.shop.left(item.id, item.stock, item.kind) != 0
        and not (item.level and not holds(ctx, item.level))
    )


# -- history -------------------------------------------------------------------------------------------------------


@router.command("积分明细", help="每一笔从哪来、到哪去，带流水号", usage="[页码]", off=switched_off)
def history(event: MessageReceived, ctx: Context) -> Wishes:
    total, size = ctx.store.points.history_length(ctx.member), ctx.settings.points.page
    if not total:
        return say("points.history_empty", name=ctx.name)
    page, pages = page_of(ctx.reading.arguments[:1], total, size)
    rows = [_line(ctx, row) for row in ctx.store.points.history(ctx.member, size, (page - 1) * size)]
    return say("points.history", rows="\n".join(rows), page=page, pages=pages)


def page_of(arguments: list[str], total: int, size: int) -> tuple[int, int]:
    """(page asked for, pages), whatever was asked."""
    pages = max(1, -(-total // size))
    asked = arguments[0] if arguments else "1"
    return (min(pages, max(1, int(asked))) if asked.isdecimal() and len(asked) < 8 else 1), pages


def _line(ctx: Context, row: HistoryRow) -> str:
    note = f"（撤销流水 {row.reverses}）" if row.reverses is not None else "（已撤销）" if row.reversed else ""
    return f"流水 {row.number} · {ctx.local(from_ms(row.at)):%m-%d} {row.cause} {row.amount:+d}{note}，余 {row.balance}"


# -- boards --------------------------------------------------------------------------------------------------------


@router.command("排行榜", "积分榜", help="谁攒的积分多", usage="[周|月|总] [页码]", off=switched_off)
def board(event: MessageReceived, ctx: Context) -> Wishes:
    if ctx.event.group is None:
        raise Mistake("points.only_in_group")
    which = next((one for one in ctx.reading.arguments if one in _WINDOWS), "周")
    since, until = window(which, ctx.local(event.at))
    title, size = f"{_WINDOWS[which]}积分榜", ctx.settings.points.page
    total = ctx.store.points.board_length(ctx.group, since, until)
    if not total:
        return say("points.board_empty", title=title)
    page, pages = page_of([one for one in ctx.reading.arguments if one.isdecimal()], total, size)
    found = ctx.store.points.board(ctx.group, since, until, size, (page - 1) * size)
    rows = [f"{row.rank}. {name_on_board(ctx, row.member_id)} {row.points} 分" for row in found]
    own = ctx.store.points.place(ctx.group, since, until, ctx.member)
    mine = say("points.board_mine", rank=own.rank, points=own.points) if own else say("points.board_not_yet")
    return say("points.board", title=title, rows="\n".join(rows), page=page, pages=pages, mine=mine)


def window(which: str, local: datetime) -> tuple[int, int]:
    """(from, until) in ms of this week (Monday first), this month or all time, in the zone of `local`."""
    today = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if which == "总":
        return 0, 1 << 62
    if which == "月":
        first = today.replace(day=1)
        return to_ms(first), to_ms((first + timedelta(days=32)).replace(day=1))
    monday = today - timedelta(days=today.weekday())
    return to_ms(monday), to_ms(monday + timedelta(days=7))


def name_on_board(ctx: Context, member: str) -> str:
    """The nickname that a member chose for boards, else their name."""
    return ctx.store.points.nickname(member) or ctx.store.members.name(member)


@router.command("榜名", help="排行榜上换个名字，不想露名就用它", usage="[昵称|清除]", off=switched_off)
def nickname(event: MessageReceived, ctx: Context) -> Wishes:
    wanted = one_line(ctx.reading.verbatim, NICKNAME * 4)
    if not wanted:
        return say("points.nickname_usage", now=name_on_board(ctx, ctx.member))
    if wanted in ("清除", "取消", "真名"):
        ctx.store.points.drop_nickname(ctx.member)
        return say("points.nickname_gone")
    folded = normalise(wanted)
    others = [one for one in ctx.store.members.find(wanted, None) if one != ctx.member]
    if len(wanted) > NICKNAME or not folded or others or ctx.desk.is_our_name(wanted):
        raise Mistake("points.nickname_bad", text=one_line(wanted, NICKNAME))
    if not ctx.store.points.name_on_boards(ctx.member, wanted, folded):
        raise Mistake("points.nickname_bad", text=wanted)
    return say("points.nickname", nickname=wanted)


# -- granting ------------------------------------------------------------------------------------------------------


@router.command("发分", help="给群友发积分", usage="@群友 几分 原因", role="operator", off=switched_off)
def grant(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    rest, members = _addressed(event, ctx)
    match, most = _AMOUNT.search(rest), ctx.settings.points.grant_most
    if match is None or not members or not 1 <= int(match[1]) <= most:
        raise Mistake("points.grant_usage", most=most)
    why = one_line(rest[match.end() :].strip() or rest[: match.start()].strip(), 40) or "员工发放"
    numbers = [
        ctx.store.ledger.move(
            f"grant/{event.id}/{place}", HOUSE, account(member), int(match[1]), asset=POINTS, at=ctx.at_ms,
            event_id=event.id, cause=why, group_id=event.group,
        )
        for place, member in enumerate(members)
    ]  # fmt: skip
    names = "、".join(ctx.store.members.name(member) for member in members)
    ctx.audit("发分", f"{names} 各 {match[1]} 分：{why}（流水 {'、'.join(map(str, numbers))}）")
    return say(
        "points.granted", names=names, points=match[1], why=why, numbers="、".join(map(str, numbers)),
        mention=tuple(members), sort=Sort.STAFF, because="员工发分",
    )  # fmt: skip


def _addressed(event: MessageReceived, ctx: Context) -> tuple[str, list[str]]:
    """What was written beside the names, and whom it is for: everybody mentioned, else one name in front."""
    ours, rest = set(ctx.config.settings.bot.ids), ctx.reading.verbatim
    members = [one for one in dict.fromkeys(event.mentions) if one not in ours][:AT_ONCE]
    if members:
        for name in sorted((ctx.store.members.name(one) for one in members), key=len, reverse=True):
            rest = rest.replace(f"@{name}", " ", 1)
        return re.sub(r"@\S+", " ", rest), members
    name, _, rest = rest.lstrip("@").partition(" ")
    # Whoever only talked is known by name, but not as somebody who joined here.
    found = ctx.store.members.find(name, event.group) or ctx.store.members.find(name, None) if name else []
    return rest, found if len(found) == 1 else []
