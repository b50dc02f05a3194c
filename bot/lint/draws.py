"""Rules for draw plans: what the law wants disclosed beyond what a plan must say anyway. Pure."""

import re
from collections.abc import Iterator
from datetime import datetime

from bot.config import nearest
from bot.draw_plan import DrawPlan
from bot.lint.findings import RULES, Finding, Severity
from bot.lint.material import Material

MOST_YUAN = 50_000
"""The highest prize of a promotional draw (规范促销行为暂行规定第十七条)."""
_VALUE = re.compile(r"(\d+(?:\.\d+)?)\s*(万)?\s*(元|块)|[¥￥]\s*(\d+(?:\.\d+)?)")
_VAGUE = re.compile(r"以实物为准|神秘|随机|惊喜好礼|若干|等你来|不定")
_ENTRY = re.compile(r"符合(相关)?条件|详见|以通知为准|另行通知")
_ALL_RULES = "种类、价格、数量或中奖率、参与条件和方式、开奖时间、领奖办法、主办方和联系方式，开始前就要公布"


def check_draws(material: Material, now: datetime) -> Iterator[Finding]:
    """Everything to say of the draws that are ready to be opened."""
    for name, plan in material.content.draws.items():
        for one in check_plan(plan, material.draw_files[name], now):
            if one.rule not in plan.lint_off:
                yield one


def check_plan(plan: DrawPlan, file: str, now: datetime) -> Iterator[Finding]:
    """Everything to say of one draw."""

    def found(key: str, what: str, fix: str, severity: Severity = "warning") -> Finding:
        return Finding(
            "lottery", severity, file, key, f"「{plan.name}」{what}", fix, needle=f"{key.rpartition('.')[2]} = "
        )

    for name in plan.lint_off:
        if name not in RULES:
            close = nearest(name, RULES)
            hint = f"是不是想写 {close[0]}？" if close else f"有：{'、'.join(RULES)}"
            yield Finding("lint-off", "error", file, "lint_off", f"「{name}」不是规则", hint, needle=name)
    for number, prize in enumerate(plan.prizes, start=1):
        if prize.kind == "积分":
            continue
        worth = _yuan(prize.name)
        key = f"prizes.{number}.name"
        if worth is None:
            yield found(key, f"的奖品「{prize.name}」没写价格", f"写成「{prize.name}（约 6 元）」：{_ALL_RULES}")
        elif worth > MOST_YUAN:
            yield found(key, f"的奖品「{prize.name}」超过 {MOST_YUAN} 元", "法律规定最高奖不超过 5 万元", "error")
        if _VAGUE.search(prize.name):
            yield found(key, f"的奖品「{prize.name}」说得含糊", "写清品名，免得说不清发的是不是它")
    if _ENTRY.search(plan.conditions):
        yield found("conditions", "的参与条件没写明", "直接写谁能参加、要做什么")
    if not re.search(r"[\u4e00-\u9fffA-Za-z0-9]{2,}", plan.contact):
        yield found("contact", "的联系方式联系不上人", "写找谁、怎么找")
    if plan.deadline is not None and plan.deadline.tzinfo is not None and plan.deadline <= now:
        yield found("deadline", "的截止时间已经过了，开不了", "改成以后的时间，或者写 lasts", "warning")


def _yuan(text: str) -> float | None:
    """What a prize is worth by its own name, in yuan; None when it does not say."""
    found = [float(match[1] or match[4]) * (10_000 if match[2] else 1) for match in _VALUE.finditer(text)]
    return max(found, default=None)
