"""What staff can do by chat: 设置, 名单, 兑现, 撤销, 重载, 状态. Rights hang on the platform id."""

from datetime import date, timedelta
from typing import Any

from bot.attendance import Page
from bot.config import nearest
from bot.context import Context
from bot.earning import bonus_key
from bot.errors import ConfigError, Mistake
from bot.events import MessageReceived
from bot.games.streaks import show_day
from bot.redeeming import aftermath, title_in, unwind
from bot.replies import Say, Sort, Wishes, say
from bot.retuning import BACK, SWITCHES, UNSET, current, paths, retune, switches, written
from bot.router import Router
from bot.sequences import replan
from bot.shown import shown
from bot.world import to_ms
from storage.ledger import POINTS, Movement

router = Router("staff", "员工")
router.says(
    {
        "settings.show": "group rows", "settings.changed": "key old new", "settings.bad": "key reason hint",
        "settings.unset": "key old new", "settings.untouched": "key now",
        "roster.checkins": "day count rows", "roster.newcomers": "count rows", "roster.prizes": "count rows",
        "roster.staff": "rows", "roster.empty": "what", "undo.done": "number what", "undo.told": "name what",
        "undo.unknown": "number", "undo.twice": "number", "undo.usage": "", "reload.done": "rows",
        "reload.broken": "count problems", "status.report": "rows", "staff.read_only": "name word role who",
    }
)  # fmt: skip
MOST = 30


# -- settings ------------------------------------------------------------------------------------------------------


@router.command(
    "设置", help="看或改这个群的设置，值写「默认」就改回去；「设置 开关」看哪些开着", usage="[项 值|开关]",
    role="read-only", acts="operator",
)  # fmt: skip
def settings(event: MessageReceived, ctx: Context) -> Wishes:
    known = paths()
    path, value = (*ctx.reading.verbatim.split(maxsplit=1), "", "")[:2]
    group = ctx.settings.name or event.group or "默认"
    if path in SWITCHES and not value:
        return say("settings.show", group=f"{group}的开关", rows="\n".join(switches(ctx.settings)), sort=Sort.STAFF)
    if not path:
        rows = "\n".join(
            f"· {one} = {shown(current(ctx.settings, one))}（{field.title or one}）" for one, field in known.items()
        )
        return say("settings.show", group=group, rows=rows, sort=Sort.STAFF)
    if path not in known:
        close = nearest(path, known)
        raise Mistake("settings.bad", key=path[:40], reason="没有这一项", hint=f"是不是 {close[0]}？" if close else "")
    old = current(ctx.settings, path)
    if not value.strip():
        return say("settings.show", group=path, rows=f"{shown(old)}（{known[path].title or path}）", sort=Sort.STAFF)
    ctx.needs("operator")
    if event.group is None:
        raise Mistake("settings.bad", key=path, reason="要在那个群里发", hint="")
    back = value.strip() in BACK
    done = retune(ctx, ctx.group, path, UNSET if back else written(value.strip(), old))
    if done is None:
        if back:
            raise Mistake("settings.untouched", key=path, now=shown(old))
        return say("settings.show", group=path, rows=f"{shown(old)}（{known[path].title or path}）", sort=Sort.STAFF)
    return say("settings.unset" if back else "settings.changed", key=path, old=done[0], new=done[1], sort=Sort.STAFF)


# -- lists ---------------------------------------------------------------------------------------------------------


@router.command("名单", help="今天谁签了到、新人、待发奖品、员工", usage="[签到|新人|奖品|员工]", role="read-only")
def roster(event: MessageReceived, ctx: Context) -> Wishes:
    which = ctx.reading.rest or "签到"
    if which == "员工":
        rows = [f"· {one.name or one.id}（{one.id}）{one.role}" for one in ctx.config.settings.staff]
        return say("roster.staff", rows="\n".join(rows) or "（没有）", sort=Sort.STAFF)
    if which == "奖品":
        prizes = ctx.store.prizes.owed(event.group, MOST)
        rows = [f"· {number} 号 {ctx.store.members.name(member)}：{what}" for number, member, what, _ in prizes]
        rows.append("发出去后回「兑现 号码」")
        return _listed("roster.prizes", prizes, rows, "待发奖品")
    if event.group is None:
        raise Mistake("roster.empty", what="私聊里没有群名单，去群里发")
    if which == "新人":
        since = to_ms(ctx.now - timedelta(days=7))
        new = ctx.store.members.newcomers(event.group, since, MOST)
        return _listed("roster.newcomers", new, [f"· {ctx.store.members.name(one)}" for one, _ in new], "这周的新人")
    today = ctx.day_of(event.at)
    people = ctx.store.check_ins.on_day(event.group, today.isoformat(), MOST)
    rows = [
        f"· {ctx.store.members.name(member)} 连签 {streak} 天{_number(ctx, event_id)}"
        for member, streak, event_id in people
    ]
    count = ctx.store.check_ins.count_on(event.group, today.isoformat())
    if not people:
        return say("roster.empty", what="今天的签到", sort=Sort.STAFF)
    return say("roster.checkins", day=show_day(today), count=count, rows="\n".join(rows), sort=Sort.STAFF)


def _number(ctx: Context, event_id: str) -> str:
    movement = ctx.store.ledger.by_event(event_id)
    return f"（流水 {movement}）" if movement else ""


def _listed(key: str, found: Any, rows: list[str], what: str) -> Say:
    if not found:
        return say("roster.empty", what=what, sort=Sort.STAFF)
    return say(key, count=len(found), rows="\n".join(rows), sort=Sort.STAFF)


@router.command("兑现", help="奖品已经发给本人", usage="号码", role="service")
def hand_over(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("service")
    number = _asked_number(ctx)
    if not ctx.store.prizes.hand_over(number):
        raise Mistake("roster.empty", what=f"{number} 号待发奖品")
    ctx.audit("兑现", f"奖品 {number}")
    return say("undo.done", number=number, what="奖品已标记为发出", sort=Sort.STAFF)


def _asked_number(ctx: Context) -> int:
    text = ctx.reading.rest.removeprefix("#")
    if not text.isdecimal() or len(text) > 15:
        raise Mistake("undo.usage")
    return int(text)


# -- undoing -------------------------------------------------------------------------------------------------------


@router.command("撤销", help="按流水号撤销一笔，连带的一起改回来", usage="流水号", role="operator")
def undo(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    number = _asked_number(ctx)
    movement = ctx.store.ledger.get(number)
    if movement is None or movement.reverses is not None:
        raise Mistake("undo.unknown", number=number)
    if ctx.store.ledger.is_reversed(number):
        raise Mistake("undo.twice", number=number)
    member = next(one for one in (movement.taker, movement.giver) if one.startswith("member:")).removeprefix("member:")
    title = title_in(ctx, movement.group_id, member)
    what = unwind(ctx, movement) or _unwind(ctx, movement, member)
    what += aftermath(ctx, movement.group_id, member, title)
    ctx.audit("撤销", f"流水 {number}：{what}")
    group, members = movement.group_id or None, ctx.store.members
    known = members.channel_of_group(group) if group else members.channel_of_member(member)
    told = Say(
        "undo.told", {"name": members.name(member), "what": what}, mention=(member,) if group else (), group=group,
        member=None if group else member, channel=known or event.channel, because="员工撤销了一笔流水",
    )  # fmt: skip
    return [say("undo.done", number=number, what=what, sort=Sort.STAFF), told]


def _unwind(ctx: Context, movement: Movement, member: str) -> str:
    """Takes a movement back, and a check-in with the streaks, points and prizes that followed from it."""
    group = movement.group_id or ""
    row = ctx.store.check_ins.by_event(group, member, movement.event_id)
    if row is not None and movement.key.startswith(("check_in/", "make_up/")):
        rules = ctx.config.group(group).checkin
        day = date.fromisoformat(row.day)
        taken = Page(ctx.store, rules, group, member, ctx.event.id, to_ms(ctx.now)).strike(day)
        if movement.key.startswith("make_up/"):
            ctx.store.ledger.reverse(movement.id, at=to_ms(ctx.now), event_id=ctx.event.id, cause="撤销")
        also = f"，连带 {'、'.join(f'连签 {one.days} 天' for one in taken)} 的奖励" if taken else ""
        return f"{show_day(day)}的签到{also}"
    if movement.key.startswith("milestone/"):
        return _unwind_milestone(ctx, movement)
    what = f"「{movement.cause}」的 {_reversed(ctx, movement)}"
    bonus = ctx.store.ledger.by_key(bonus_key(movement.key))
    if bonus is not None and not ctx.store.ledger.is_reversed(bonus.id):
        what += f"和称号加成 {_reversed(ctx, bonus)}"
    return what


def _reversed(ctx: Context, movement: Movement) -> str:
    """Reverses one movement; how much it was, in words."""
    ctx.store.ledger.reverse(movement.id, at=to_ms(ctx.now), event_id=ctx.event.id, cause="撤销")
    return f"{movement.amount} {'积分' if movement.asset == POINTS else '张补签卡'}"


def _unwind_milestone(ctx: Context, movement: Movement) -> str:
    """A milestone goes back as a whole: points, cards, and the prize unless it was handed over."""
    key, ledger, prizes = movement.key.rpartition("/")[0], ctx.store.ledger, ctx.store.prizes
    found = [ledger.get(number) for number in sorted(ledger.standing(f"{key}/").values())]
    parts = [_reversed(ctx, one) for one in found if one is not None]
    prize = prizes.of_key(key)
    if prizes.take_back(key) and prize is not None:
        parts.append(prize[0])
    gone = f"（{prize[0]}已经发出，收不回）" if prize is not None and prize[1] == "handed" else ""
    return f"「{movement.cause}」的 {'、'.join(parts)}{gone}"


# -- the house itself ----------------------------------------------------------------------------------------------


@router.command("重载", help="重新读人设、问答和脚本，不用重启", role="operator")
def reload(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    try:
        rows = ctx.desk.reload()
    except ConfigError as error:
        ctx.audit("重载", f"没有换上：{len(error.problems)} 处问题")
        listed = "\n".join(f"· {problem}" for problem in error.problems[:8])
        return say("reload.broken", count=len(error.problems), problems=listed, sort=Sort.STAFF)
    replan(ctx)
    ctx.audit("重载", "；".join(rows))
    return say("reload.done", rows="\n".join(f"· {row}" for row in rows), sort=Sort.STAFF)


@router.command("状态", help="机器人现在怎么样", role="read-only")
def status(event: MessageReceived, ctx: Context) -> Wishes:
    return say("status.report", rows="\n".join(f"· {row}" for row in ctx.desk.status()), sort=Sort.STAFF)
