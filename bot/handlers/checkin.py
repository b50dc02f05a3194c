"""Daily check-in: 签到, 补签, 我的签到, 签到榜."""

import calendar
from datetime import date, datetime, timedelta

from bot.attendance import SHOP, Page, Written
from bot.context import Context
from bot.earning import percent_of
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.games.streaks import DAY, counts_for, describe, missed_days, next_milestone, show_day
from bot.replies import Say, Wishes, say
from bot.router import Router
from bot.sequences import begin_sequence, notice_deed
from bot.settings import GroupSettings
from bot.settings.checkin import CheckIn
from storage.ledger import CARD, account

router = Router("checkin", "签到")
router.says(
    {
        "checkin.done": "name streak points balance next",
        "checkin.milestone": "name streak prize points balance next",
        "checkin.again": "name streak next",
        "checkin.grace": "name day streak points next",
        "checkin.late": "name day streak points",
        "checkin.repaired": "name streak",
        "checkin.too_late": "name days",
        "checkin.next": "days prize",
        "checkin.card": "name month calendar count streak balance cards next",
        "checkin.board": "title rows page pages mine",
        "checkin.board_empty": "",
        "checkin.board_mine": "rank count",
        "checkin.board_not_yet": "",
        "checkin.made_up": "name day streak cards",
        "checkin.no_cards": "name how",
        "checkin.earn_cards": "days cards",
        "checkin.nothing_to_make_up": "name within",
        "checkin.bad_day": "name text within",
        "checkin.only_in_group": "",
    }
)


def switched_off(settings: GroupSettings) -> bool:
    """Whether a group does without check-in."""
    return not settings.checkin.on


def page_of(ctx: Context) -> Page:
    """The asker's page in the attendance book of this group, or in that of all 1:1 talks, whose group is "". Raises
    Mistake in 1:1 where that is not switched on."""
    if ctx.event.group is None and not ctx.settings.checkin.private:
        raise Mistake("checkin.only_in_group")
    group = ctx.event.group or ""
    return Page(
        ctx.store, ctx.settings.checkin, group, ctx.member, ctx.event.id, ctx.at_ms,
        percent_of(ctx, group, ctx.member, "checkin"),
    )  # fmt: skip


def next_line(streak: int, rules: CheckIn) -> Say | str:
    """What is next to win, or nothing after the last milestone."""
    ahead = next_milestone(streak, rules.milestones)
    return say("checkin.next", days=ahead[0], prize=describe(ahead[1])) if ahead else ""


@router.command(words_from=lambda settings: settings.checkin.words, help="每天一次，连签有奖", off=switched_off)
def check_in(event: MessageReceived, ctx: Context) -> Wishes:
    page, rules = page_of(ctx), ctx.settings.checkin
    local = ctx.local(event.at)
    day = counts_for(local, rules.grace, page.taken)
    today = ctx.day_of(ctx.now)
    if (today - day).days > rules.late_days:
        raise Mistake("checkin.too_late", name=ctx.name, days=rules.late_days)
    if page.taken(day) and not _moved_aside(page, ctx, day):
        streak = page.streak_at(day)
        return say("checkin.again", name=ctx.name, streak=streak, next=next_line(streak, rules))
    written = page.write(day, kind="own")
    assert written is not None
    _tell_sequences(ctx, page.group, written.streak)
    return _answer(ctx, written, asked=local.date(), late=(ctx.day_of(ctx.now) - local.date()).days > 0)


def _tell_sequences(ctx: Context, group: str, streak: int) -> None:
    """What counts from a first check-in begins, and steps that waited for one go on."""
    if streak == 1 and ctx.store.check_ins.count_since(group, ctx.member, "") == 1:
        begin_sequence(ctx, "first_check_in", ctx.member, ctx.event.at, group=group or None, once=True)
    notice_deed(ctx, ctx.member, "check_in")


def _moved_aside(page: Page, ctx: Context, day: date) -> bool:
    """Whether the day was held by a tap of the night after it, and that one could move to its own day."""
    row = ctx.store.check_ins.on(page.group, ctx.member, day.isoformat())
    if row is None or row.kind != "own" or not ctx.settings.checkin.grace:
        return False
    made = ctx.local(datetime.fromtimestamp(row.at / 1000, ctx.event.at.tzinfo)).date()
    # The day it belongs to may be held by a tap of the night after that one, and so on.
    return made > day and (not page.taken(made) or _moved_aside(page, ctx, made)) and page.make_room(day)


def _answer(ctx: Context, written: Written, *, asked: date, late: bool) -> Say:
    balance = ctx.store.ledger.balance(account(ctx.member))
    following = next_line(written.streak, ctx.settings.checkin)
    if written.awards and not late:
        prizes = {one.days: describe(one) for one in ctx.settings.checkin.milestones}
        prize = "、".join(prizes[award.days] for award in written.awards)
        return say(
            "checkin.milestone", name=ctx.name, streak=written.streak, prize=prize, points=written.points,
            balance=balance, next=following, because=f"连签到了 {written.streak} 天，有里程碑奖励",
        )  # fmt: skip
    if written.repaired:
        return say("checkin.repaired", name=ctx.name, streak=written.current, because="补上了中间缺的一天，连签重算")
    if late:
        return say(
            "checkin.late", name=ctx.name, day=show_day(written.day), streak=written.streak, points=written.points,
            because="消息晚到，按发生的那天记",
        )  # fmt: skip
    if asked != written.day:
        return say(
            "checkin.grace", name=ctx.name, day=show_day(written.day), streak=written.streak, points=written.points,
            next=following, because="零点后的宽限时间里，前一天还没签，算前一天",
        )  # fmt: skip
    return say(
        "checkin.done", name=ctx.name, streak=written.streak, points=written.points, balance=balance, next=following,
        because=f"{show_day(written.day)}第一次签到",
    )  # fmt: skip


@router.command("补签", help="用补签卡补上漏掉的一天", usage="[12-01]", off=switched_off)
def make_up(event: MessageReceived, ctx: Context) -> Wishes:
    page, rules = page_of(ctx), ctx.settings.checkin
    today = ctx.day_of(event.at)
    taken = [date.fromisoformat(row.day) for row in ctx.store.check_ins.since(page.group, ctx.member, "0000")]
    open_days = missed_days(today, taken, rules.make_up_days, taken[0] if taken else None)
    day = _asked_day(ctx, today) if ctx.reading.rest else None
    if ctx.reading.rest and (day is None or (day not in open_days and day not in taken)):
        raise Mistake("checkin.bad_day", name=ctx.name, text=ctx.reading.rest[:20], within=rules.make_up_days)
    if (day is None and not open_days) or day in taken:
        raise Mistake("checkin.nothing_to_make_up", name=ctx.name, within=rules.make_up_days)
    chosen = day or open_days[0]
    if ctx.store.ledger.balance(account(ctx.member), CARD) < 1:
        raise Mistake("checkin.no_cards", name=ctx.name, how=_how_to_earn_cards(rules))
    written = page.write(chosen, kind="make_up")
    assert written is not None
    ctx.store.ledger.move(
        f"make_up/{event.id}", account(ctx.member), SHOP, 1, asset=CARD, at=ctx.at_ms, event_id=event.id,
        cause=f"补签 {chosen.isoformat()}", group_id=page.group,
    )  # fmt: skip
    cards = ctx.store.ledger.balance(account(ctx.member), CARD)
    return say("checkin.made_up", name=ctx.name, day=show_day(chosen), streak=written.current, cards=cards)


def _asked_day(ctx: Context, today: date) -> date | None:
    """`12-01`, `12.1`, `12月1日`, `2026-12-01` or 昨天/前天 -> a day not after today; None when it cannot be read."""
    text = ctx.reading.arguments[0].replace("月", "-").replace("日", "").replace("号", "")
    text = text.replace(".", "-").replace("/", "-").strip("-")
    if text in ("昨天", "前天"):
        return today - (DAY if text == "昨天" else 2 * DAY)
    parts = text.split("-")
    try:
        numbers = [int(part) for part in parts]
        if len(numbers) == 3:
            return date(*numbers)
        month, number = numbers
        day = date(today.year, month, number)
    except (ValueError, OverflowError, TypeError):
        return None
    return day if day <= today else date(today.year - 1, month, number) if (month, number) != (2, 29) else None


def _how_to_earn_cards(rules: CheckIn) -> Say | str:
    earning = sorted((one for one in rules.milestones if one.cards), key=lambda one: one.days)
    return say("checkin.earn_cards", days=earning[0].days, cards=earning[0].cards) if earning else ""


@router.command("我的签到", "签到卡", help="看这个月的签到、连签和补签卡", off=switched_off)
def card(event: MessageReceived, ctx: Context) -> Wishes:
    page = page_of(ctx)
    today = ctx.day_of(event.at)
    rows = ctx.store.check_ins.since(page.group, ctx.member, today.replace(day=1).isoformat())
    marks = {date.fromisoformat(row.day).day: row.kind for row in rows if row.day[:7] == today.isoformat()[:7]}
    streak = page.streak_at(today)
    return say(
        "checkin.card", name=ctx.name, month=f"{today.month}月", calendar=draw_month(today, marks), count=len(marks),
        streak=streak, balance=ctx.store.ledger.balance(account(ctx.member)),
        cards=ctx.store.ledger.balance(account(ctx.member), CARD), next=next_line(streak, ctx.settings.checkin),
    )  # fmt: skip


def draw_month(today: date, marks: dict[int, str]) -> str:
    """A month as a block of weeks, Monday first: ● own, ○ made up, · missed, － still to come."""
    signs = {"own": "●", "make_up": "○"}
    rows = ["一二三四五六日"]
    for week in calendar.Calendar().monthdayscalendar(today.year, today.month):
        rows.append(
            "".join(
                "　" if not day else signs[marks[day]] if day in marks else "－" if day > today.day else "·　"[:1]
                for day in week
            ).rstrip("　")
        )
    return "\n".join(rows)


@router.command("签到榜", help="这个月谁签得最多", usage="[页码]", off=switched_off)
def board(event: MessageReceived, ctx: Context) -> Wishes:
    if event.group is None:
        raise Mistake("checkin.only_in_group")  # customers of a 1:1 account do not learn of each other
    today = ctx.day_of(event.at)
    last = (today.replace(day=28) + timedelta(days=4)).replace(day=1) - DAY
    rows = ctx.store.check_ins.board(ctx.group, today.replace(day=1).isoformat(), last.isoformat())
    if not rows:
        return say("checkin.board_empty")
    size = ctx.settings.checkin.page
    pages = -(-len(rows) // size)
    asked = ctx.reading.arguments[0] if ctx.reading.rest else "1"
    number = min(pages, max(1, int(asked))) if asked.isdecimal() and len(asked) < 6 else 1
    ranks = ranked([days for _, days in rows])
    shown = range((number - 1) * size, min(number * size, len(rows)))
    lines = [f"{ranks[i]}. {ctx.store.members.name(rows[i][0])} {rows[i][1]} 天" for i in shown]
    own = next(((ranks[i], days) for i, (member, days) in enumerate(rows) if member == ctx.member), None)
    mine = say("checkin.board_mine", rank=own[0], count=own[1]) if own else say("checkin.board_not_yet")
    return say(
        "checkin.board", title=f"{today.month}月签到榜", rows="\n".join(lines), page=number, pages=pages, mine=mine
    )


def ranked(values: list[int]) -> list[int]:
    """Ranks of values that are sorted from best to worst; equal values share a rank."""
    ranks: list[int] = []
    for place, value in enumerate(values, start=1):
        ranks.append(ranks[-1] if ranks and values[place - 2] == value else place)
    return ranks
