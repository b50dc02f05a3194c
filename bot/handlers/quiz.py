"""Quiz: 抢答, 全员答题, 答题, 有奖问答 open a session of the bank; 答题记录 shows who said what, in which order."""

from collections.abc import Sequence
from datetime import timedelta

from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.games.scores import ALL, RACE
from bot.opening import open_with_quiz
from bot.quizbank import Question
from bot.quizzing import at_level, begin, choose
from bot.replies import Wishes, say
from bot.router import Router
from bot.settings import GroupSettings
from bot.words import normalise, one_line
from bot.world import to_ms
from storage.quizzes import AnswerRow, Asked

router = Router("quiz", "答题")
router.says(
    {
        "quiz.usage": "most topics",
        "quiz.no_topic": "topic topics",
        "quiz.empty": "",
        "quiz.enough": "name most",
        "quiz.exhausted": "days",
        "quiz.prize_usage": "",
        "quiz.record": "rows count",
        "quiz.record_one": "number text answer rows",
        "quiz.no_record": "",
    }
)
PAGE = 20
"""Answers on one page of the record."""
LEVELS = {"简单": 1, "容易": 1, "中等": 2, "难": 3, "困难": 3}


def switched_off(settings: GroupSettings) -> bool:
    """Whether a group does without quiz."""
    return not settings.quiz.on


@router.command("抢答", help="出一题，先答对的得分；后面可写题数、分类", usage="[题数] [分类]", off=switched_off)
def race(event: MessageReceived, ctx: Context) -> Wishes:
    count, wanted = _asked_for(ctx, 1)
    return _begin(ctx, RACE, count, wanted)


@router.command("答题", help="一组抢答题，答完看榜", usage="[题数] [分类]", off=switched_off)
def series(event: MessageReceived, ctx: Context) -> Wishes:
    count, wanted = _asked_for(ctx, min(ctx.settings.quiz.questions, ctx.settings.quiz.most))
    return _begin(ctx, RACE, count, wanted)


@router.command("全员答题", help="大家都来答，答对都得分，越快越多", usage="[题数] [分类]", off=switched_off)
def everybody(event: MessageReceived, ctx: Context) -> Wishes:
    count, wanted = _asked_for(ctx, 1)
    return _begin(ctx, ALL, count, wanted)


@router.command(
    "有奖问答",
    help="得分最高的拿奖品；写抽奖名就答对进抽奖",
    usage="[题数] 奖品|抽奖名",
    role="operator",
    off=switched_off,
)
def with_prize(event: MessageReceived, ctx: Context) -> Wishes:
    first, _, rest = ctx.reading.verbatim.partition(" ")
    count, prize = (first, rest) if first.isdecimal() else ("1", ctx.reading.verbatim)
    prize = one_line(prize, 60)
    ctx.needs("operator")
    if not prize or not _fits(ctx, count):
        raise Mistake("quiz.prize_usage")
    plan = ctx.desk.draw_plan(next((one for one in ctx.desk.draw_plans() if normalise(one) == normalise(prize)), ""))
    if plan is not None and plan.right and ctx.event.group is not None:
        ctx.audit("有奖问答", f"{count} 题，答对的进抽奖「{plan.name}」")
        return open_with_quiz(ctx, plan, int(count), at_level(ctx, ctx.desk.questions()))
    ctx.audit("有奖问答", f"{count} 题，奖品 {prize}")
    return _begin(ctx, RACE, int(count), at_level(ctx, ctx.desk.questions()), prize)


def _fits(ctx: Context, count: str) -> bool:
    return count.isdecimal() and len(count) < 4 and 1 <= int(count) <= ctx.settings.quiz.most


def _topics(ctx: Context) -> str:
    return "、".join(dict.fromkeys(one.bank for one in ctx.desk.questions()))


def _asked_for(ctx: Context, usual: int) -> tuple[int, list[Question]]:
    """How many questions of which kind the words after the command mean. Raises Mistake."""
    count, level, topic = usual, 0, []
    for word in ctx.reading.arguments:
        if word.rstrip("题").isdecimal():
            if not _fits(ctx, word.rstrip("题")):
                raise Mistake("quiz.usage", most=ctx.settings.quiz.most, topics=_topics(ctx))
            count = int(word.rstrip("题"))
        elif word in LEVELS:
            level = LEVELS[word]
        else:
            topic.append(word)
    questions = ctx.desk.questions()
    if topic and questions:
        name = "".join(topic)
        questions = [one for one in questions if one.is_about(name)]
        if not questions:
            raise Mistake("quiz.no_topic", topic=name[:20], topics=_topics(ctx))
    return count, at_level(ctx, questions, level)


def _begin(ctx: Context, mode: str, count: int, wanted: Sequence[Question], prize: str = "") -> Wishes:
    if ctx.event.group is None:
        raise Mistake("play.only_in_group")
    if not ctx.desk.questions():
        raise Mistake("quiz.empty")
    most = ctx.settings.quiz.per_day
    if ctx.role is None and most and _opened_today(ctx) >= most:
        raise Mistake("quiz.enough", name=ctx.name, most=most)
    return begin(ctx, mode, choose(ctx, count, wanted), prize, ctx.member)


def _opened_today(ctx: Context) -> int:
    """Sessions that members opened here this business day; those of staff and of the calendar do not count."""
    midnight = ctx.local(ctx.event.at).replace(hour=0, minute=0, second=0, microsecond=0)
    opened = ctx.store.sessions.opened_by("quiz", ctx.group, to_ms(midnight), to_ms(midnight + timedelta(days=1)))
    return sum(count for member, count in opened.items() if member and member not in ctx.config.staff)


@router.command("答题记录", help="看上一局：谁答了什么，先后怎样", usage="[第几题] [页]", off=switched_off)
def record(event: MessageReceived, ctx: Context) -> Wishes:
    if ctx.event.group is None:
        raise Mistake("play.only_in_group")
    session = ctx.store.sessions.latest(ctx.group, "quiz")
    # An open question stays closed to the eye: the record would give the answers away.
    asked = [one for one in ctx.store.quizzes.asked(session.id) if one.closed_at is not None] if session else []
    if not asked:
        raise Mistake("quiz.no_record")
    numbers = [int(word) for word in ctx.reading.arguments if word.isdecimal() and len(word) < 5]
    chosen = next((one for one in asked if numbers and one.number == numbers[0]), None)
    if chosen is not None:
        answers = ctx.store.quizzes.answers(chosen.session_id, chosen.number)
        return _one_question(ctx, chosen, answers, numbers[1] if len(numbers) > 1 else 1)
    rows = [_summary(ctx, one, ctx.store.quizzes.answers(one.session_id, one.number)) for one in asked]
    return say("quiz.record", rows="\n".join(rows), count=len(asked))


def _summary(ctx: Context, asked: Asked, answers: Sequence[AnswerRow]) -> str:
    best = sorted((one for one in answers if one.rank is not None), key=lambda one: one.rank or 0)
    who = "、".join(f"{ctx.store.members.name(one.member_id)} +{one.points}" for one in best[:3]) or "没人得分"
    more = f" 等 {len(best)} 人" if len(best) > 3 else ""
    state = "（没答完，不算）" if asked.void else ""
    answer = asked.question["answers"][0]
    return f"{asked.number}. {one_line(asked.question['text'], 20)} → {answer}：{who}{more}，{len(answers)} 人答{state}"


def _one_question(ctx: Context, asked: Asked, answers: Sequence[AnswerRow], page: int) -> Wishes:
    pages = max(1, -(-len(answers) // PAGE))
    page = min(max(1, page), pages)
    rows = [
        f"{one.place}. {ctx.store.members.name(one.member_id)}「{one_line(one.text, 20)}」{'对' if one.right else '错'}"
        + (f" +{one.points}" if one.points else "") + ("（改判）" if one.ruled == "staff" else "")
        for one in answers[(page - 1) * PAGE : page * PAGE]
    ]  # fmt: skip
    if pages > 1:
        rows.append(f"（{page}/{pages} 页）")
    return say(
        "quiz.record_one", number=asked.number, text=asked.question["text"], answer=asked.question["answers"][0],
        rows="\n".join(rows) or "没人答",
    )  # fmt: skip
