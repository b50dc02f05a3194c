"""Segments by chat, for staff: who and how many an expression means; saved under a name."""

from bot.config import nearest
from bot.context import Context
from bot.crowd import LONGEST, NAME, ExpressionError, parse, parse_named, show, tags_in
from bot.crowds import catch_up, read, read_for, setting
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.learning import ASKED
from bot.replies import Say, Sort, Wishes
from bot.router import Router
from bot.tagrules import VALUE
from bot.words import one_line
from storage.crowds import Node

router = Router("crowds", "分群")
router.says(
    {
        "crowd.preview": "where count names expression", "crowd.nobody": "where expression", "crowd.bad": "pointed",
        "crowd.usage": "", "crowd.saved": "name count expression", "crowd.list": "rows", "crowd.empty": "",
        "crowd.dropped": "name", "crowd.unknown": "name", "crowd.used": "name users",
    }
)  # fmt: skip
SHOWN = 15


@router.command("分群", help="看一个条件圈中谁、多少人", usage="[条件或名字]", role="service")
def preview(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("service")
    text = ctx.reading.verbatim.strip()
    if not text:
        return _privately(ctx, "crowd.usage")
    catch_up(ctx, ASKED)
    try:
        node = read(ctx.store, ctx.config, text, event.group)
    except ExpressionError as error:
        raise Mistake("crowd.bad", pointed=error.pointed()) from None
    shown = show(parse(ctx.store.crowds.saved(text) or text))
    asked = setting(ctx.config, event.group, ctx.now)
    count, where = ctx.store.crowds.count(node, asked), "本群" if event.group else "所有群"
    if not count:
        _refuse_misspelt(ctx, shown, node)
        return _privately(ctx, "crowd.nobody", where=where, expression=shown)
    found = ctx.store.crowds.members(node, asked, SHOWN)
    names = "、".join(ctx.store.members.name(one) for one in found) + (" 等" if count > SHOWN else "")
    return _privately(ctx, "crowd.preview", where=where, count=count, names=names, expression=shown)


def _refuse_misspelt(ctx: Context, text: str, node: Node) -> None:
    """Raises Mistake at a tag that nobody ever had and no rule gives, when there is one that looks like it."""
    known = [*ctx.store.tags.names(), *(rule.tag for rule in ctx.desk.tags.rules if VALUE not in rule.tag)]
    for tag in sorted(tags_in(node) - set(known)):
        close = nearest(tag, known)
        if close and tag in text:
            error = ExpressionError(text, text.index(tag), "谁也没有过这个标签", f"是不是想写 {close[0]}？")
            raise Mistake("crowd.bad", pointed=error.pointed())


@router.command("保存分群", help="给一个条件起名字，活动和抽奖里就能用", usage="名字 = 条件", role="operator")
def save(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    name, _, text = ctx.reading.verbatim.replace("＝", "=", 1).partition("=")
    name, text = name.strip(), text.strip()
    if not NAME.fullmatch(name) or not text or len(text) > LONGEST:
        raise Mistake("crowd.usage")
    try:
        expression = show(parse(text))
        node = read_for(ctx.store, ctx.config, name, expression, event.group)
    except ExpressionError as error:
        raise Mistake("crowd.bad", pointed=error.pointed()) from None
    ctx.store.crowds.save(name, expression, staff_id=ctx.member, at=ctx.at_ms)
    ctx.audit("保存分群", f"{name} = {expression}")
    catch_up(ctx, ASKED)
    count = ctx.store.crowds.count(node, setting(ctx.config, event.group, ctx.now))
    return _privately(ctx, "crowd.saved", name=name, count=count, expression=expression)


@router.command("分群列表", help="保存过的分群", role="service")
def listed(event: MessageReceived, ctx: Context) -> Wishes:
    found = ctx.store.crowds.all()
    if not found:
        return _privately(ctx, "crowd.empty")
    return _privately(ctx, "crowd.list", rows="\n".join(f"· {name} = {expression}" for name, expression in found))


@router.command("删分群", help="删掉一个保存过的分群", usage="名字", role="operator")
def drop(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    name = ctx.reading.verbatim.strip()
    users = [other for other, text in ctx.store.crowds.all() if other != name and name in _named(text)]
    if users:
        raise Mistake("crowd.used", name=one_line(name, 20), users="、".join(users[:5]))
    if not ctx.store.crowds.drop(name):
        raise Mistake("crowd.unknown", name=one_line(name, 20))
    ctx.audit("删分群", name)
    return _privately(ctx, "crowd.dropped", name=name)


def _named(text: str) -> set[str]:
    """The saved segments that a saved expression names."""
    try:
        return {name for name, _ in parse_named(text)[1]}
    except ExpressionError:  # of an older version: it names none
        return set()


def _privately(ctx: Context, key: str, **slots: object) -> Say:
    """Who is in a segment is for staff only: 1:1, wherever they asked."""
    return Say(key, slots, member=ctx.member, sort=Sort.STAFF, because="员工查的，只给本人看")
