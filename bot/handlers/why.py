"""为什么: of a line said or held, a member, a tag, a draw: the rule, its values, the evidence. Gently for members."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.contact import CHOICES, CLASSES, STAGES, WEEK, Known, Unasked, Verdict, every_reason, in_budget
from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.explaining import every_tag, explain_gently, explain_tag, own_tags, tag_named, tags_of_kind
from bot.exposure import Exposure
from bot.learning import ASKED, learn
from bot.meant import member_meant
from bot.replies import Say, Silence, Sort, Wishes, say
from bot.router import Router
from bot.words import one_line
from bot.world import from_ms, to_ms
from storage.exposure import Shown

router = Router("why", "为什么")
router.says(
    {
        "why.lines": "rows", "why.line": "rows", "why.member": "name rows", "why.mine": "name rows",
        "why.draw": "rows", "why.nothing": "", "why.usage": "", "why.tag": "text", "why.tag_mine": "name rows",
        "why.tag_none": "name tag", "why.not_yours": "name",
    }
)  # fmt: skip
LINES = 5
FARTHEST = 50
"""Lines back that may be asked about."""
HELD_DAYS = 30
MOST_NAMED = 12
ALL_TAGS = "标签"
LOOKING = "标签依据"
"""The word whose right decides who may ask about a member's tags."""
_DRAW = re.compile(r"^(?:抽奖|开奖)\s*#?(\d{1,9})\s*号?\s*(.*)$")
_STATES = {
    "queued": "还在排队", "sending": "正在发", "sent": "已发", "unknown": "发了，不知道到没到", "failed": "发送失败",
    "expired": "过期没发", "held": "没发",
}  # fmt: skip
_DRAW_STATES = {"planned": "还没开始", "open": "进行中", "closed": "名单封存", "drawn": "已开奖", "void": "作废"}
_GENTLE = {
    "distance": "你说过想安静些，我记着呢",
    "contact.calm_days": "前阵子有让你不开心的事，先不拿活动吵你",
    "contact.after_purchase": "你刚买过，不用再看广告，有用的才发",
    "contact.warm_days": "咱们还不算熟，先在群里聊聊",
    "budget": "这几天说得够多了，不想吵到你",
    "quota": "平台一段时间只让发这么多",
    "handover": "店里的小伙伴正陪着你，我不插嘴",
}
_KINDS = (("活动优惠", "promo"), ("有用好玩的", "content"), ("提醒", "reminder"))


@router.command("为什么", help="我为什么说、为什么没说；你能收到什么", usage="[第几条|@某人|@某人 标签|抽奖 几号]")
def why(event: MessageReceived, ctx: Context) -> Wishes:
    rest = ctx.reading.rest.strip()
    if ctx.role is None:
        # 为什么 is also what people say to each other.
        if event.group is not None and not ctx.reading.addressed:
            return Silence("群里随口一句为什么，没@我")
        return _own_tag(event, ctx) or _about_oneself(ctx)
    if draw := _DRAW.match(rest):
        return _about_draw(event, ctx, int(draw[1]))
    if event.quote is not None and not rest:
        return _about_quote(event, ctx)
    number = rest.removeprefix("第").removesuffix("条").strip()
    if number.isdecimal() and len(number) < 4:
        return _about_line(ctx, int(number))
    if not rest:
        return _latest(ctx)
    member, about = member_meant(event, ctx)
    if member is not None:
        return _about_tag(ctx, member, about) or _about_member(ctx, member)
    if not ctx.reading.addressed and not rest.startswith("@"):
        return Silence("随口一句为什么，没有问到哪条、哪个人")
    raise Mistake("why.usage")


# -- lines --------------------------------------------------------------------------------------------------------


def _place(ctx: Context) -> tuple[str | None, str | None]:
    return ctx.event.group, None if ctx.event.group else ctx.member


def _latest(ctx: Context) -> Wishes:
    found = ctx.store.exposures.lines_of(*_place(ctx), LINES)
    if not found:
        return say("why.nothing", sort=Sort.STAFF)
    rows = [
        f"{number}. {ctx.local(from_ms(one.settled_at or one.created_at)):%m-%d %H:%M} {_STATES[one.state]}"
        f"「{one_line(one.text, 16) or one.phrase}」：{_reason(one)}"
        for number, one in enumerate(found, start=1)
    ]
    return say("why.lines", rows="\n".join([*rows, "细看一条：为什么 2；问一个人：为什么 @某人"]), sort=Sort.STAFF)


def _reason(one: Shown) -> str:
    stopped = one.state in ("held", "expired", "queued")
    return (
        f"{one.why or one.why_not}（{one.rule or one.state}）" if stopped and (one.why or one.why_not) else one.because
    )


def _about_quote(event: MessageReceived, ctx: Context) -> Wishes:
    assert event.quote is not None
    number = ctx.store.exposures.line_saying(*_place(ctx), event.quote.text, FARTHEST)
    if number is None:
        raise Mistake("why.nothing")
    return _about_line(ctx, number)


def _about_line(ctx: Context, number: int) -> Wishes:
    if not 1 <= number <= FARTHEST:
        raise Mistake("why.usage")
    found = ctx.store.exposures.lines_of(*_place(ctx), number)
    if len(found) < number:
        raise Mistake("why.nothing")
    one = found[number - 1]
    rows = [
        f"话：{one_line(one.text, 60) or '（没说出来）'}",
        f"话术 {one.phrase}，{_STATES[one.state]}，{ctx.local(from_ms(one.settled_at or one.created_at)):%m-%d %H:%M}",
        f"为什么要说：{one.because}",
    ]
    if one.verdict and one.verdict != "now":
        rows.append(f"规则 {one.rule}：{one.why}")
    elif one.verdict == "now":
        rows.append("规则都过了：没人要的话，先过安静时段、额度、同类间隔、占比和正在聊，才发的")
    elif one.why_not:
        rows.append(f"没发的原因：{one.why_not}")
    if one.evidence:
        rows.append(f"当时的数：{_values(one.evidence)}")
    rows.append(f"起因：{_cause(ctx, one.event_id)}")
    return say("why.line", rows="\n".join(f"· {row}" for row in rows), sort=Sort.STAFF)


def _values(values: Mapping[str, Any]) -> str:
    return "，".join(f"{key} {value}" for key, value in values.items())


def _cause(ctx: Context, event_id: str) -> str:
    found = ctx.store.bonds.event(event_id)
    if found is None:
        return event_id
    kind, member, text, at = found
    what = f"{ctx.store.members.name(member)}说「{one_line(text, 30)}」" if member and text else kind
    return f"{ctx.local(from_ms(at)):%m-%d %H:%M} {what}（{event_id[:60]}）"


# -- members ------------------------------------------------------------------------------------------------------


def _known(ctx: Context, member: str) -> Known:
    settings = ctx.config.group(None)
    channel = ctx.store.members.channel_of_member(member) or ctx.event.channel
    judge = Exposure(ctx.store, ctx.config)
    return judge.known(None, member, settings, ctx.now, channel=channel, speaks=ctx.desk.speaks(channel))


def _verdicts(ctx: Context, known: Known) -> list[tuple[str, list[Verdict]]]:
    settings = ctx.config.group(None)
    return [(word, every_reason(Unasked(klass, private=True), known, settings, now=ctx.now)) for word, klass in _KINDS]


def _about_member(ctx: Context, member: str) -> Wishes:
    known, store = _known(ctx, member), ctx.store
    rows = [f"约定：{CHOICES[known.choice]}{'，少发点' if known.less else ''}{'，不要个性化' if known.plain else ''}"]
    first = store.bonds.first_seen(member)
    seen = f"第一次出现 {ctx.local(from_ms(first)):%Y-%m-%d}" if first else "没见过"
    said = f"上次说话 {ctx.local(known.last_talk):%Y-%m-%d}" if known.last_talk else "没说过话"
    rows.append(f"阶段：{STAGES[known.stage]}（{seen}，{said}；lifecycle）")
    trouble = store.bonds.trouble(member, to_ms(ctx.now))
    if trouble:
        until = ctx.local(from_ms(trouble.until))
        rows.append(
            f"{until:%m-%d} 前不促销：{ctx.local(from_ms(trouble.at)):%m-%d} 说过「{one_line(trouble.text, 30)}」"
        )
    if known.last_purchase:
        rows.append(f"上次买东西 {ctx.local(known.last_purchase):%Y-%m-%d}")
    today = ctx.day_of(ctx.now)
    week = [one for one in known.past if one.day >= today - WEEK]
    for klass in ("promo", "reminder"):
        used = len(in_budget(klass, week, private=True))
        day, limit = ctx.config.group(None).contact.limits(klass, private=True, less=known.less)
        rows.append(f"{'活动' if klass == 'promo' else CLASSES[klass]}私信 7 天 {used}/{limit}，一天最多 {day}")
    for word, stopped in _verdicts(ctx, known):
        rows.append(f"{word}：" + ("；".join(f"{one.why}（{one.rule}）" for one in stopped) or "能收到"))
    since = to_ms(ctx.now - timedelta(days=HELD_DAYS))
    rows += [
        f"{ctx.local(from_ms(one.judged_at)):%m-%d %H:%M} 没发 {one.phrase}：{one.why}（{one.rule}，"
        f"{_values(one.evidence)}）"
        for one in store.exposures.held_from(member, since, LINES)
    ]
    slots = {"name": store.members.name(member), "rows": "\n".join(f"· {row}" for row in rows)}
    # How it stands with a member is not for the whole group.
    return Say("why.member", slots, member=ctx.member, sort=Sort.STAFF, because="员工问一位成员，只给本人看")


def _about_oneself(ctx: Context) -> Wishes:
    known = _known(ctx, ctx.member)
    agreed = f"我们约的是「{CHOICES[known.choice]}」{'，还说好少发点' if known.less else ''}"
    rows = [agreed]
    for word, stopped in _verdicts(ctx, known):
        reasons = dict.fromkeys(_GENTLE.get(one.rule, "最近不想多打扰你") for one in stopped)
        rows.append(f"{word}：" + ("；".join(reasons) or "会发给你，不会多"))
    rows.append("想改就发：常联系、只要福利、别打扰、少发点、停一个月、恢复")
    return say("why.mine", name=ctx.name, rows="\n".join(f"· {row}" for row in rows), because="本人问自己能收到什么")


# -- tags ---------------------------------------------------------------------------------------------------------


def _about_tag(ctx: Context, member: str, text: str) -> Say | None:
    """Why a member has a tag, for whoever may look at tags, in 1:1. None when no tag is named."""
    _catch_up(ctx)
    if not text:
        return None
    needed = ctx.desk.needed(LOOKING, ctx.settings) or "service"
    if not ctx.may(needed):
        raise Mistake("staff.read_only", name=ctx.name, **ctx.refusal(needed))
    held = [one.tag for one in ctx.store.tags.held(member, to_ms(ctx.now))]
    tag = tag_named(text, every_tag(ctx, member))
    asked = held if text == ALL_TAGS else tags_of_kind(text, held) or ([tag] if tag else [])
    rows = [explain_tag(ctx, member, one) for one in asked[:LINES]] or [_no_such_tag(ctx, member, text, held)]
    return Say("why.tag", {"text": "\n".join(rows)}, member=ctx.member, sort=Sort.STAFF, because="员工问标签的依据")


def _no_such_tag(ctx: Context, member: str, text: str, held: list[str]) -> str:
    name = ctx.store.members.name(member)
    if not held:
        return f"{name} 一个标签也还没有。"
    known = "、".join(held[:MOST_NAMED])
    return f"{name} 没有「{one_line(text, 20)}」这个标签，有的是：{known}。问能收到什么，只写「为什么 @{name}」。"


def _own_tag(event: MessageReceived, ctx: Context) -> Say | None:
    """Why the member who asks has a tag; of others' tags nothing is said. None when no tag is asked about."""
    rest = ctx.reading.rest.strip()
    if not rest:
        return None
    member, text = member_meant(event, ctx)
    if member not in {None, ctx.member} and text:
        return say("why.not_yours", name=ctx.name, because="成员问别人的标签，不说")
    text = text if member == ctx.member else rest
    _catch_up(ctx)
    own = {one.tag: one for one in own_tags(ctx)}
    tag = tag_named(text, list(own))
    asked = tags_of_kind(text, list(own)) or ([tag] if tag else list(own) if ALL_TAGS in text else [])
    if asked or ALL_TAGS in text:
        rows = [explain_gently(ctx, own[one]) for one in asked[:LINES]]
        because = "成员问自己的标签，说得轻一点"
        return say("why.tag_mine", name=ctx.name, rows="；\n".join(rows), because=because) if rows else None
    known = [rule.tag for rule in ctx.desk.tags.rules if rule.shown]
    tag = tag_named(text, known)
    return say("why.tag_none", name=ctx.name, tag=tag, because="成员问自己没有的标签") if tag else None


def _catch_up(ctx: Context) -> None:
    if learn(ctx.store, ctx.config, ctx.desk.tags, ctx.now, ASKED):
        ctx.wake("learning", "", ctx.now)


# -- draws --------------------------------------------------------------------------------------------------------


def _about_draw(event: MessageReceived, ctx: Context, number: int) -> Wishes:
    draws = ctx.store.draws
    draw = draws.get(number)
    if draw is None or (event.group is not None and event.group not in draw.groups):
        raise Mistake("why.nothing")
    rows = [
        f"{number} 号「{draw.title}」{_DRAW_STATES[draw.state]}，{draws.count(number)} 人报名",
        f"规则开局就公布，承诺 {draw.commitment[:16]}…",
    ]
    rows += [f"{ctx.local(from_ms(at)):%m-%d %H:%M} {one_line(text, 60)}" for at, text in draws.notes(number)[-3:]]
    members = [one for one in event.mentions if one not in ctx.config.settings.bot.ids]
    words = ctx.reading.rest.split()
    if not members and len(words) > 2:
        members = ctx.store.members.find(words[-1].removeprefix("@"), event.group)
    for member in members[:3]:
        rows.append(_part_in_draw(ctx, number, member))
    if draw.state == "drawn":
        rows.append(f"谁中奖由公布的名单、公开数和秘密算出来，谁都能重算：验奖 {number}")
    return say("why.draw", rows="\n".join(f"· {row}" for row in rows), sort=Sort.STAFF)


def _part_in_draw(ctx: Context, number: int, member: str) -> str:
    name, draws = ctx.store.members.name(member), ctx.store.draws
    won = next((one for one in draws.winners(number) if one.member_id == member), None)
    if won is not None:
        reason = f"，{won.reason}" if won.reason else ""
        return f"{name}：名单第 {won.number} 位，第 {won.turn} 个抽到{reason}"
    entry = draws.entry_of(number, member)
    if entry is None:
        return f"{name}：名单里没有，没报上或不符合条件"
    return f"{name}：名单第 {entry[0]} 位，没抽到"
