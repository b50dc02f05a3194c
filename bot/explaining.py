"""Why a member has a tag, as a sentence that a person would accept: what was seen, when, by which rule, until when."""

import re
from collections.abc import Sequence

from bot.config import nearest
from bot.context import Context
from bot.tagrules import VALUE, TagBook, TagRule
from bot.words import normalise, one_line
from bot.world import from_ms, to_ms
from storage.tags import FOREVER, TagRow

SHOWN = 3
"""Pieces of evidence in a sentence; the others are counted."""
_QUOTED = 24
_AROUND = re.compile(r"^(?:我|他|她|会|被|打了|打上|贴了|记了|有|是|的)+|(?:这个)?(?:的)?标签$|^标签")
"""What people say around the name of a tag: 有无糖这个标签."""


def tag_named(text: str, known: Sequence[str]) -> str | None:
    """The tag that a text names, among those that are known: as it is, without what people say around it, by its last
    part (咖啡 for 爱聊:咖啡), or nearly."""
    said = normalise(text).strip('「」"“”?？!！。 ')
    by_name = {normalise(tag): tag for tag in known}
    by_value = {normalise(tag.partition(":")[2]): tag for tag in known if ":" in tag}
    for one in dict.fromkeys((said, _AROUND.sub("", said).strip("「」 "))):
        found = by_name.get(one) or by_value.get(one)
        if found is not None:
            return found
        close = nearest(one, by_name)
        if close:
            return by_name[close[0]]
    return None


def tags_of_kind(text: str, known: Sequence[str]) -> list[str]:
    """The tags that a text means by their first part: 买过 for 买过:坚果 and 买过:茶饮."""
    return [one for one in known if normalise(one).startswith(f"{normalise(text)}:")]


def every_tag(ctx: Context, member: str) -> list[str]:
    """The tags that somebody may ask about: what is known of the member, and what rules could give."""
    named = (rule.tag for rule in ctx.desk.tags.rules if VALUE not in rule.tag)
    return list(dict.fromkeys((*ctx.store.tags.known(member), *named)))


def own_tags(ctx: Context) -> list[TagRow]:
    """The tags that members are shown of themselves."""
    shown = {rule.id for rule in ctx.desk.tags.rules if rule.shown}
    return [
        one for one in ctx.store.tags.held(ctx.member, to_ms(ctx.now)) if one.origin == "answer" or one.rule in shown
    ]


def explain_gently(ctx: Context, row: TagRow) -> str:
    """Why the member who asks has one of their tags, without rules and numbers. In a group nothing is quoted: it may
    have been said in 1:1."""
    if row.origin == "answer":
        return f"「{row.tag}」是你{_seen(ctx, row)}，我就记下了"
    rule = ctx.desk.tags.rule(row.rule)
    evidence = ctx.store.tags.evidence(row.member_id, row.tag, row.origin)
    last = evidence[0]
    text = ctx.store.tags.said(last.ref) if ctx.event.group is None and _quotes(ctx.desk.tags, row) else None
    quoted = f"「{one_line(text, _QUOTED)}」" if text else ""
    why = rule.why if rule else "让我这么想"
    when = f"{_date(ctx, last.at)}{quoted}"
    if len(evidence) > 1:
        return f"记着「{row.tag}」，是因为你{why} {len(evidence)} 次，最近一次是 {when}"
    return f"记着「{row.tag}」，是因为 {when}你{why}" if not quoted else f"记着「{row.tag}」，是因为你{why}：{when}"


def explain_tag(ctx: Context, member: str, tag: str) -> str:
    """Why a member has a tag, or why not any more, in one paragraph with dated evidence."""
    rows = ctx.store.tags.rows(member, tag)
    name, now = ctx.store.members.name(member), to_ms(ctx.now)
    if not rows:
        return f"{name} 没有「{tag}」这个标签，也没有攒下依据。"
    held = next((one for one in ctx.store.tags.held(member, now) if one.tag == tag), None)
    if held is not None:
        return _held(ctx, name, held)
    denied = next((one for one in rows if one.origin == "denied"), None)
    if denied is not None:
        note = f"：{denied.note}" if denied.note else ""
        return f"{name} 的「{tag}」{_date(ctx, denied.last_at)}被员工去掉了{note}，规则不会再加回来，除非再「打标签」。"
    row = rows[0]
    if row.expires_at == 0:
        rule = ctx.desk.tags.rule(row.rule)
        need = f"，要 {rule.need} 次才算" if rule else ""
        return f"{name} 还没有「{tag}」：目前{_seen(ctx, row)}{need}。"
    if row.expires_at <= now:
        return f"{name} 的「{tag}」{_date(ctx, row.expires_at)}已经过期：{_seen(ctx, row)}，后来再没有新的依据。"
    rival = next((one.tag for one in ctx.store.tags.held(member, now) if one.arena == row.arena), "")
    return f"{name} 的「{tag}」让位给了「{rival}」（{row.arena}只留一个）；它自己的依据：{_seen(ctx, row)}。"


def _held(ctx: Context, name: str, row: TagRow) -> str:
    seen = _seen(ctx, row)
    if row.origin == "manual":
        return f"{name} 的「{row.tag}」是{seen}，一直有效，「去标签」可以去掉。"
    rule = ctx.desk.tags.rule(row.rule)
    until = "一直有效" if row.expires_at >= FOREVER else f"没有新依据的话，到 {_date(ctx, row.expires_at)}为止"
    if row.origin == "answer":
        return f"{name} 有「{row.tag}」，因为{seen}，{until}。"
    source = f"规则 {row.rule} 第 {row.version.partition('.')[0]} 版{_asks(rule)}"
    days = f"近 {rule.days} 天里" if rule is not None and rule.days else ""
    return f"{name} 有「{row.tag}」，因为{days}{seen}。强度 {row.strength}/5，{until}（{source}）。"


def _asks(rule: TagRule | None) -> str:
    """The values of a rule: how much it wants, in how many days."""
    if rule is None:
        return "，现在没有了"
    span = f"{rule.days} 天内" if rule.days else ""
    if rule.kind == "spend":
        return f"：{span}合计满 {rule.amount} 元就有"
    unit = "天" if rule.per == "day" or rule.kind in ("days", "hours") else "次"
    return f"：{span}满 {rule.need} {unit}就有"


def _seen(ctx: Context, row: TagRow) -> str:
    """What was seen, with dates: the newest pieces of evidence, quoted while the words are remembered."""
    evidence = ctx.store.tags.evidence(row.member_id, row.tag, row.origin)
    if row.origin in ("manual", "denied"):
        how = "从名单导入的" if any(one.source == "import" for one in evidence) else "员工打的"
        return f"{_date(ctx, row.last_at)}{how}" + (f"（{row.note}）" if row.note else "")
    if row.origin == "answer":
        return f"{_date(ctx, row.last_at)}在{row.note}"
    rule = ctx.desk.tags.rule(row.rule)
    why = rule.why if rule else row.note or "有依据"
    pieces = []
    for one in evidence[:SHOWN]:
        text = ctx.store.tags.said(one.ref) if one.source == "interaction" else None
        quoted = f"「{one_line(text, _QUOTED)}」" if text and _quotes(ctx.desk.tags, row) else ""
        order = f"（订单 {one_line(one.ref, _QUOTED)}）" if one.source == "order" else ""
        pieces.append(f"{_date(ctx, one.at)}{quoted}{order}")
    more = " 等" if len(evidence) > SHOWN else ""
    count = f"{len(evidence)} {'单' if rule is not None and rule.kind == 'spend' else '次'}"
    return f"{why} {count}：{'、'.join(pieces)}{more}"


def _quotes(book: TagBook, row: TagRow) -> bool:
    rule = book.rule(row.rule)
    return rule is not None and rule.kind in ("talk", "place")


def _date(ctx: Context, at: int) -> str:
    local, today = ctx.local(from_ms(at)), ctx.local(ctx.now)
    return f"{local.month}月{local.day}日" if local.year == today.year else f"{local:%Y}年{local.month}月{local.day}日"
