"""Tags by chat: staff look, ask why, give and take, and note a remark; members see what is known of their taste."""

import re

from bot.config import nearest
from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.explaining import explain_tag, own_tags
from bot.learning import ASKED, learn
from bot.lifecycle import BUY_STAGES, TALK_STAGES
from bot.replies import Say, Sort, Wishes, say
from bot.router import Router
from bot.tagging import row_by_hand
from bot.tagrules import LONGEST
from bot.whom import about
from bot.words import one_line
from bot.world import from_ms, to_ms
from storage.tags import Evidence, TagRow

router = Router("tags", "标签")
router.says(
    {
        "tags.of": "name remark stage rows", "tags.why": "text", "tags.given": "names tag", "tags.taken": "names tag",
        "tags.usage": "example", "tags.mine": "name rows", "tags.mine_none": "name", "tags.remark": "name remark",
    }
)  # fmt: skip
_ORIGIN = {"manual": "员工打的", "answer": "自己答的", "order": "订单", "rule": "规则"}
_AGES = ("18以下", "18-24", "25-34", "35-44", "45-54", "55以上")
_BAD = re.compile(r"[\s@#，,、;；\[\]]")


@router.command("标签", help="看一位群友的标签、备注和阶段", usage="@群友", role="service")
def show(event: MessageReceived, ctx: Context) -> Wishes:
    _, member = _one(event, ctx, "标签 @小满")
    catch_up(ctx)
    rows = [_row(ctx, one) for one in ctx.store.tags.held(member, to_ms(ctx.now))]
    return privately(
        ctx, "tags.of", name=ctx.store.members.name(member), remark=_remark(ctx, member), stage=_stages(ctx, member),
        rows="\n".join(rows) or "· 还没有标签",
    )  # fmt: skip


def catch_up(ctx: Context) -> None:
    """What was said just now counts, too: one more piece is learnt, a bounded one."""
    if learn(ctx.store, ctx.config, ctx.desk.tags, ctx.now, ASKED):
        ctx.wake("learning", "", ctx.now)


def privately(ctx: Context, key: str, **slots: object) -> Say:
    """What staff learn of a member is for their eyes only: 1:1, wherever they asked."""
    return Say(key, slots, member=ctx.member, sort=Sort.STAFF, because="员工查的，只给本人看")


def _row(ctx: Context, one: TagRow) -> str:
    since = ctx.local(from_ms(one.last_at))
    return f"· {one.tag} {'★' * one.strength}（{_ORIGIN[one.origin]}，{since:%m-%d} 最近一次）"


def _remark(ctx: Context, member: str) -> str:
    noted = ctx.store.tags.remark(member)
    return " · ".join(filter(None, noted)) if noted else "还没写"


def _stages(ctx: Context, member: str) -> str:
    rows = []
    for family, group, stage, since in ctx.store.lifecycle.stages_of(member):
        names = TALK_STAGES if family == "talk" else BUY_STAGES
        where = "购买" if family == "buy" else ctx.config.group(group).name or ctx.store.members.title(group) or "私聊"
        rows.append(f"{where} {names[stage]}（{ctx.local(from_ms(since)):%m-%d} 起）")
    return "、".join(rows) or "还不知道"


@router.command("标签依据", help="为什么有这个标签：哪天、说了什么、按哪条规则", usage="@群友 标签", role="service")
def why(event: MessageReceived, ctx: Context) -> Wishes:
    rest, member = _one(event, ctx, "标签依据 @小满 无糖")
    if not rest:
        raise Mistake("tags.usage", example="标签依据 @小满 无糖")
    catch_up(ctx)
    known = [one.tag for one in ctx.store.tags.held(member, to_ms(ctx.now))]
    close = [] if ctx.store.tags.rows(member, rest) else nearest(rest, known)
    return privately(ctx, "tags.why", text=explain_tag(ctx, member, close[0] if close else rest[:LONGEST]))


@router.command("打标签", help="给群友打一个标签", usage="@群友 标签", role="service")
def give(event: MessageReceived, ctx: Context) -> Wishes:
    members, tag = _tag(event, ctx, "打标签 @小满 送礼")
    row = row_by_hand(ctx.desk.tags, "", tag, ctx.at_ms, "")
    for member in members:
        ctx.store.tags.take(member, tag, "denied")
        ctx.store.tags.give(row._replace(member_id=member), [Evidence(event.id, ctx.at_ms, "interaction", event.id)])
    return _told(ctx, "tags.given", "打标签", members, tag)


@router.command("去标签", help="去掉一个标签，规则也不再加回来", usage="@群友 标签", role="service")
def take(event: MessageReceived, ctx: Context) -> Wishes:
    members, tag = _tag(event, ctx, "去标签 @小满 送礼")
    row = row_by_hand(ctx.desk.tags, "", tag, ctx.at_ms, "", "denied")
    for member in members:
        ctx.store.tags.take(member, tag, "manual")
        ctx.store.tags.give(row._replace(member_id=member), [])
    return _told(ctx, "tags.taken", "去标签", members, tag)


def _told(ctx: Context, key: str, verb: str, members: list[str], tag: str) -> Say:
    names = "、".join(ctx.store.members.name(member) for member in members)
    ctx.audit(verb, f"{names}：{tag}")
    return privately(ctx, key, names=names, tag=tag)


def _tag(event: MessageReceived, ctx: Context, example: str) -> tuple[list[str], str]:
    """Who is meant, and the tag. Raises Mistake."""
    ctx.needs("service")
    rest, members = about(event, ctx)
    tag = one_line(rest, LONGEST * 2).strip("「」")
    if not members or not tag or len(tag) > LONGEST or _BAD.search(tag):
        raise Mistake("tags.usage", example=example)
    return members, tag


def _one(event: MessageReceived, ctx: Context, example: str) -> tuple[str, str]:
    """(the rest, the one member meant). Raises Mistake."""
    ctx.needs("service")
    rest, members = about(event, ctx)
    if len(members) != 1:
        raise Mistake("tags.usage", example=example)
    return one_line(rest, 200).strip("「」"), members[0]


@router.command("备注", help="怎么称呼、年龄段、需要什么", usage="@群友 称呼 年龄段 需要", role="service")
def remark(event: MessageReceived, ctx: Context) -> Wishes:
    example = f"备注 @小满 满姐 25-34 控糖早餐（年龄段：{'、'.join(_AGES)}，不知道写 -）"
    rest, member = _one(event, ctx, example)
    name = ctx.store.members.name(member)
    if not rest:
        return privately(ctx, "tags.remark", name=name, remark=_remark(ctx, member))
    called, age, need = (*rest.split(maxsplit=2), "", "")[:3]
    age = age.replace("岁", "").replace("~", "-").replace("－", "-")
    if age not in (*_AGES, "-", "") or len(called) > 12 or len(need) > 60:
        raise Mistake("tags.usage", example=example)
    kept = [("" if one == "-" else one) for one in (called, age, need)]
    ctx.store.tags.note(member, *kept, at=ctx.at_ms, staff_id=ctx.member)
    ctx.audit("备注", f"{name}：{' · '.join(filter(None, kept))}")
    return privately(ctx, "tags.remark", name=name, remark=_remark(ctx, member))


@router.command("我的标签", help="看看我记得你的哪些喜好")
def mine(event: MessageReceived, ctx: Context) -> Wishes:
    catch_up(ctx)
    tags = [one.tag for one in own_tags(ctx)]
    if not tags:
        return say("tags.mine_none", name=ctx.name)
    return say("tags.mine", name=ctx.name, rows="、".join(tags))
