"""What the draw handlers share: reading a draw's number, opening a plan, telling whoever opened it."""

from bot.context import Context
from bot.draw_plan import DrawPlan
from bot.drawing import Drawing
from bot.drawing.opening import start
from bot.errors import Mistake
from bot.replies import Say, Sort, say


def asked_number(ctx: Context, word: str) -> int:
    """The number of a draw, the first argument. Raises Mistake."""
    text = ctx.reading.arguments[0].removeprefix("#").removesuffix("号") if ctx.reading.rest else ""
    if not text.isdecimal() or len(text) > 12:
        raise Mistake("draw.which", word=word)
    return int(text)


def open_plan(ctx: Context, plan: DrawPlan, groups: tuple[str, ...]) -> list[Say]:
    """Opens a plan in groups and writes down who did it."""
    draw, says = start(Drawing(ctx), plan, groups)
    ctx.audit("开奖", f"第 {draw.id} 号「{draw.title}」")
    if plan.mode == "surprise":
        where = f"第 {draw.id} 号惊喜抽奖已排好，会在时段里随机一分钟出现。"
        # The minute stays a surprise, and nobody in the group learns of it.
        told = Say("draw.told", {"what": where}, member=ctx.member, sort=Sort.STAFF, because="惊喜抽奖排好了")
        return [told]
    return tell_openers(ctx, says, f"第 {draw.id} 号抽奖已在 {len(groups)} 个群开始。")


def tell_openers(ctx: Context, says: list[Say], what: str) -> list[Say]:
    """What staff hear besides the group: in 1:1 the group's lines would leave them without an answer."""
    return says if ctx.event.group is not None and says else [*says, say("draw.told", what=what, sort=Sort.STAFF)]
