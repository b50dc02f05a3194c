"""开奖池: a dialogue in 1:1 that asks staff for everything a draw must disclose. Stored step by step; 取消 ends it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.context import Context, zone_of
from bot.draw_desk import open_plan
from bot.draw_plan import DrawPlan, moments, one_line, plan_of, rules_of
from bot.draw_words import parse_answers, parse_deadline, parse_prizes
from bot.drawing import wrong
from bot.errors import ConfigError, Mistake
from bot.events import MessageReceived
from bot.replies import PASS, Sort, Wishes, say
from bot.router import Router
from bot.settings.kinds import parse_span, show_span
from bot.words import bare
from bot.world import to_ms

router = Router("draw_pool", "抽奖")
router.says({"draw.ask": "step total question", "draw.cancelled": "", "draw.preview": "rules", "draw.in_private": ""})
Answers = dict[str, Any]
_KINDS: tuple[tuple[str, dict[str, str]], ...] = (
    ("口令抽奖", {"enter": "passphrase"}),
    ("说话抽奖（说到某个词）", {"enter": "say"}),
    ("连签抽奖", {"enter": "streak"}),
    ("晒单抽免单（员工看图）", {"enter": "photo"}),
    ("每日抽奖（口令）", {"enter": "passphrase", "mode": "daily"}),
    ("惊喜抽奖（时段里随机一分钟出现）", {"enter": "passphrase", "mode": "surprise"}),
    ("即时抽（当场定）", {"enter": "passphrase", "mode": "instant"}),
    ("答题抽奖（答对就入围）", {"enter": "answer"}),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One question; `read` turns the answer into fields of the plan, raising ValueError with what would be right."""

    key: str
    ask: Callable[[Answers, Context], str]
    read: Callable[[str, Answers, Context], Answers]
    wanted: Callable[[Answers], bool] = lambda _answers: True


def _text(field: str, question: str, most: int, *, none: bool = False) -> Step:
    def read(text: str, answers: Answers, ctx: Context) -> Answers:
        clean = str(one_line(text))
        if none and clean in ("无", "没有", "不用"):
            return {field: ""}
        if not clean or len(clean) > most:
            raise ValueError(f"写 1 到 {most} 个字")
        return {field: clean}

    return Step(field, lambda _answers, _ctx: question, read)


def _groups(ctx: Context) -> list[str]:
    known = ctx.store.members.groups()
    return [*known, *(one for one in ctx.config.named_groups if one not in known)][:30]


def _ask_groups(answers: Answers, ctx: Context) -> str:
    rows = [f"{number}. {ctx.config.group(one).name or one}" for number, one in enumerate(_groups(ctx), start=1)]
    return "在哪个群开？回编号，几个群一起就写 1 2。\n" + "\n".join(rows)


def _read_groups(text: str, answers: Answers, ctx: Context) -> Answers:
    known = _groups(ctx)
    numbers = text.replace("、", " ").replace(",", " ").replace("，", " ").split()
    if not numbers or not all(one.isdecimal() and len(one) < 4 and 1 <= int(one) <= len(known) for one in numbers):
        raise ValueError(f"回 1 到 {len(known)} 的编号")
    return {"groups": [known[int(one) - 1] for one in dict.fromkeys(numbers)]}


def _read_kind(text: str, answers: Answers, ctx: Context) -> Answers:
    if not text.isdecimal() or len(text) > 2 or not 1 <= int(text) <= len(_KINDS):
        raise ValueError(f"回 1 到 {len(_KINDS)} 的编号")
    return dict(_KINDS[int(text) - 1][1])


def _read_streak(text: str, answers: Answers, ctx: Context) -> Answers:
    number = text.removesuffix("天").strip()
    if not number.isdecimal() or len(number) > 3 or int(number) < 1:
        raise ValueError("写天数，比如 3")
    return {"streak": int(number)}


def _read_answers(text: str, answers: Answers, ctx: Context) -> Answers:
    return {"answers": parse_answers(text)}


def _read_right(text: str, answers: Answers, ctx: Context) -> Answers:
    number = text.removesuffix("题").strip()
    if not number.isdecimal() or len(number) > 2 or not 1 <= int(number) <= 50:
        raise ValueError("写题数，1 到 50，比如 1")
    return {"right": int(number)}


def _asks(answers: Answers) -> bool:
    return bool(answers.get("question"))


def _counts_quizzes(answers: Answers) -> bool:
    return answers.get("question") == ""


def _ask_prizes(answers: Answers, ctx: Context) -> str:
    if answers.get("mode") == "instant":
        return "奖品？一行一个：名称 种类 份数 中奖率，比如\n试吃装 实物 10份 5%\n小积分 积分10 100份 30%"
    return "奖品？一行一个：名称 种类（实物/券/积分50/其他）份数，比如\n试吃装 实物 3份\n小积分 积分50 5份"


def _read_prizes(text: str, answers: Answers, ctx: Context) -> Answers:
    prizes = parse_prizes(text)
    odds = [one for one in prizes if "odds" in one]
    if answers.get("mode") == "instant" and len(odds) < len(prizes):
        raise ValueError("即时抽每个奖品都要写中奖率，比如：试吃装 实物 10份 5%")
    return {"prizes": prizes}


def _ask_deadline(answers: Answers, ctx: Context) -> str:
    return {
        "daily": "每天几点开奖，一共几天？比如 20:00 7天",
        "surprise": "在哪个时段出现，出现后开多久？比如 14:00-18:00 10分钟",
    }.get(answers.get("mode", "once"), "什么时候截止？比如 2小时、明天 20:00、12-04 20:00")


def _read_deadline(text: str, answers: Answers, ctx: Context) -> Answers:
    zone = zone_of(ctx.config.group(answers["groups"][0]))
    return parse_deadline(text, answers.get("mode", "once"), ctx.now.astimezone(zone))


def _read_within(text: str, answers: Answers, ctx: Context) -> Answers:
    return {"redeem_within": show_span(parse_span(text))}


def _read_late(text: str, answers: Answers, ctx: Context) -> Answers:
    if text not in ("作废", "补抽"):
        raise ValueError("回「作废」或「补抽」")
    return {"unclaimed": "forfeit" if text == "作废" else "redraw"}


def _is_list(answers: Answers) -> bool:
    return answers.get("mode") != "instant"


STEPS: tuple[Step, ...] = (
    Step("groups", _ask_groups, _read_groups),
    _text("name", "这次抽奖叫什么？", 30),
    Step(
        "enter",
        lambda _a, _c: "怎么玩？回编号。\n" + "\n".join(f"{n}. {one}" for n, (one, _) in enumerate(_KINDS, start=1)),
        _read_kind,
    ),
    Step(
        "word", lambda _a, _c: "口令（或要说到的词）是什么？最多 20 个字", _text("word", "", 20).read,
        lambda answers: answers.get("enter") in ("passphrase", "say"),
    ),
    Step("streak", lambda _a, _c: "连签满几天入围？", _read_streak, lambda answers: answers.get("enter") == "streak"),
    Step(
        "question", lambda _a, _c: "出一道什么题？不出题、只看群里答题的成绩，就回 无",
        _text("question", "", 120, none=True).read, lambda answers: answers.get("enter") == "answer",
    ),
    Step("answers", lambda _a, _c: "答案？几种说法都算对就用 / 隔开，截止时才公布", _read_answers, _asks),
    Step("right", lambda _a, _c: "开始后群里答题，答对满几题入围？比如 1", _read_right, _counts_quizzes),
    Step("prizes", _ask_prizes, _read_prizes),
    _text("conditions", "参加条件？比如 群友都可以参加", 80),
    Step("when", _ask_deadline, _read_deadline),
    _text("redeem", "怎么领奖？比如 私聊店长报地址", 80),
    Step("redeem_within", lambda _a, _c: "中奖后多久内要领？比如 7天", _read_within),
    Step("unclaimed", lambda _a, _c: "逾期没领怎么办？回「作废」或「补抽」", _read_late, _is_list),
    Step(
        "public", lambda _a, _c: "要不要加一个公开数（截止后才有、谁都查得到）？写来源，不用就回 无",
        _text("public", "", 80, none=True).read, lambda answers: answers.get("mode", "once") in ("once", "surprise"),
    ),
    _text("organiser", "主办是谁？", 40),
    _text("contact", "有问题联系谁？", 60),
)  # fmt: skip


def _pending(answers: Mapping[str, Any]) -> list[Step]:
    """The steps still to come, in order."""
    done = set(answers.get("done", ()))
    return [one for one in STEPS if one.key not in done and one.wanted(dict(answers))]


@router.command("开奖池", help="私聊里一步步开一个抽奖", role="operator")
def pool(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    if event.group is not None:
        raise Mistake("draw.in_private")
    answers = ctx.store.draws.draft(ctx.member) or {"done": []}
    ctx.store.draws.keep_draft(ctx.member, answers, to_ms(ctx.now))
    return _next(answers, ctx)


def _next(answers: Answers, ctx: Context) -> Wishes:
    pending = _pending(answers)
    if not pending:
        return say("draw.preview", rules=_preview(answers, ctx), sort=Sort.STAFF)
    total = len([one for one in STEPS if one.wanted(answers)])
    return say(
        "draw.ask", step=total - len(pending) + 1, total=total, question=pending[0].ask(answers, ctx), sort=Sort.STAFF
    )


def _plan(answers: Answers) -> DrawPlan:
    data = {key: value for key, value in answers.items() if key != "done"}
    try:
        return plan_of({"unclaimed": "forfeit", **data})
    except ConfigError as error:
        raise wrong("；".join(one.reason for one in error.problems[:3]), "回「取消」，再发「开奖池」重来") from None


def _preview(answers: Answers, ctx: Context) -> str:
    plan = _plan(answers)
    zone = zone_of(ctx.config.group(plan.groups[0]))
    names = [ctx.config.group(one).name or one for one in plan.groups]
    if plan.mode == "surprise":
        return "\n".join(["截止：出现后再定", *_without_deadline(plan, ctx, names)])
    try:
        when = moments(plan, ctx.now, zone, lambda _n: 0)
    except ValueError as error:
        raise wrong(str(error), "回「取消」，再发「开奖池」重来") from None
    return "\n".join(f"· {one}" for one in rules_of(plan, when, zone, names, 1))


def _without_deadline(plan: DrawPlan, ctx: Context, names: list[str]) -> list[str]:
    zone = zone_of(ctx.config.group(plan.groups[0]))
    rules = rules_of(plan, moments(plan, ctx.now, zone, lambda _n: 0), zone, names, 1)
    return [f"· {one}" for one in rules if not one.startswith("截止：")]


@router.watch("draw")
def answer(event: MessageReceived, ctx: Context) -> Wishes:
    """The next answer of whoever is in the dialogue."""
    if event.group is not None or event.form != "text":
        return PASS
    answers = ctx.store.draws.draft(ctx.member)
    if answers is None or not ctx.may(ctx.desk.needed("开奖池", ctx.settings) or "operator"):
        return PASS
    text = bare(event.text)
    if text == "取消":
        ctx.store.draws.drop_draft(ctx.member)
        return say("draw.cancelled", sort=Sort.STAFF)
    known = ctx.desk.help_for(ctx.role, ctx.settings)
    commands = {word for _, words, usage, _ in known for word in words if usage[:1] in ("", "[")}
    if text in commands:
        return PASS  # other words still work inside; 补抽, which needs a number as a command, is an answer here
    pending = _pending(answers)
    if not pending:
        return _confirm(text, answers, ctx)
    step = pending[0]
    try:
        read = step.read(event.text.strip(), answers, ctx)
    except ValueError as error:
        raise wrong(str(error), "再答一次，或回「取消」") from None
    answers |= {**read, "done": [*answers["done"], step.key]}
    ctx.store.draws.keep_draft(ctx.member, answers, to_ms(ctx.now))
    return _next(answers, ctx)


def _confirm(text: str, answers: Answers, ctx: Context) -> Wishes:
    if text not in ("确认", "开始"):
        raise wrong("都问完了", "回「确认」开始，回「取消」不开")
    plan = _plan(answers)
    says = open_plan(ctx, plan, plan.groups)
    ctx.store.draws.drop_draft(ctx.member)
    return says
