"""A draw begins: its plan is frozen, its rules and the commitment are made public."""

import json
from collections.abc import Sequence

from bot.context import zone_of
from bot.crowd import ExpressionError, show, titles
from bot.crowds import meant
from bot.draw_plan import DrawPlan, given, moments, one_line, prizes_of, rules_of
from bot.drawing import Drawing, rule_word, wrong
from bot.games import draw as rule
from bot.replies import Say
from bot.world import to_ms
from storage.draws import Draw

MOST_PUBLISHED = 200
"""Characters of a segment in published rules: they must fit into one message."""


def start(
    drawing: Drawing, plan: DrawPlan, groups: Sequence[str], round_: int = 1, opener: str = ""
) -> tuple[Draw, list[Say]]:
    """Freezes a plan and opens it, or plans a surprise. Raises Mistake when it cannot be here."""
    ctx = drawing.ctx
    number = ctx.store.draws.next_number()
    _check_groups(drawing, plan, groups)
    plan = _written_out(drawing, plan, groups[0])
    settings = ctx.config.group(groups[0])
    zone = zone_of(settings)
    try:
        when = moments(plan, ctx.now, zone, lambda n: ctx.luck.below(n, "draw-surprise", number, ctx.event.id))
    except ValueError as error:
        raise wrong(str(error)) from None
    names = [ctx.config.group(group).name or group for group in groups]
    secret = ctx.desk.secret("draw", number, ctx.event.id)
    opener = opener or ctx.event.member or ""  # nobody: a beat opened it
    known = ctx.store.draws.add(
        kind="instant" if plan.mode == "instant" else "list", title=plan.name,
        given=json.dumps(given(plan), ensure_ascii=False),
        rules=rules_of(plan, when, zone, names, round_, rule.seal_of(secret, plan.answers)),
        enter=plan.enter, word=plan.word, secret=secret, commitment=rule.sha(secret), opens_at=to_ms(when.opens),
        deadline=to_ms(when.deadline), round_=round_, opener_id=opener, event_id=ctx.event.id,
        groups=groups, prizes=prizes_of(plan),
    )  # fmt: skip
    draw = drawing.get(known)
    if plan.mode == "surprise":
        drawing.alarm(draw, draw.opens_at)
        return draw, []
    return draw, begin(drawing, draw)


def _written_out(drawing: Drawing, plan: DrawPlan, group: str) -> DrawPlan:
    """The plan with its segment as an expression that names no saved one: what is saved later changes no rule. Raises
    Mistake."""
    if not plan.segment:
        return plan
    try:
        node = meant(drawing.ctx.store, drawing.ctx.config, plan.segment, group)
    except ExpressionError as error:
        raise wrong(f"认不出分群「{plan.segment}」：{error.reason}", error.hint) from None
    if titles(node):
        raise wrong("抽奖的分群不能用等级：等级的门槛是群设置，中途会变", "改用积分、签到这样的条件")
    text = show(node)
    if len(text) > MOST_PUBLISHED:
        raise wrong(f"分群写开有 {len(text)} 个字，规则里放不下", f"最多 {MOST_PUBLISHED} 个字")
    if text != one_line(text):
        raise wrong("分群里有看不见的字或连着的空格，公布了也看不清", "改好分群再开")
    return plan.model_copy(update={"segment": text})


def _check_groups(drawing: Drawing, plan: DrawPlan, groups: Sequence[str]) -> None:
    ctx = drawing.ctx
    for group in groups:
        settings = ctx.config.group(group)
        where = settings.name or group
        live = [one for one in ctx.store.draws.live() if group in one.groups]
        if not settings.draws.on:
            raise wrong(f"{where} 关了抽奖（draws.on）")
        if len(live) >= settings.draws.most_open:
            raise wrong(f"{where} 已经开着 {len(live)} 个抽奖（draws.most_open）")
        if plan.enter == "photo" and any(one.enter == "photo" for one in live):
            raise wrong(f"{where} 已经有一个晒单抽奖，两个分不清")
        if plan.word and any(rule_word(one.word) == rule_word(plan.word) for one in live):
            raise wrong(f"{where} 已经有抽奖用「{plan.word}」", "换一个词")
        taken = set(map(rule_word, ctx.desk.words(settings)))
        for word in (plan.word, *plan.answers):
            if word and rule_word(word) in taken:
                raise wrong(f"「{word}」是现成的口令，会混", "换一个词")


def begin(drawing: Drawing, draw: Draw) -> list[Say]:
    """Opens a planned draw in public: rules, and the commitment to a secret."""
    if not drawing.ctx.store.draws.become(draw.id, "open", before=("planned",)):
        return []
    drawing.alarm(draw, draw.deadline)
    most = drawing.ctx.config.group(draw.groups[0]).draws.page_bytes
    first, *more = rule.pages([f"· {one}" for one in draw.rules], most)
    why = f"第 {draw.id} 号抽奖开始，规则和承诺公开"
    says = drawing.announce(draw, "draw.opened", why, rules=first, commitment=draw.commitment)
    for page in more:
        says += drawing.announce(draw, "draw.more", why, text=page)
    return says
