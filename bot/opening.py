"""What a beat opens: a draw, a quiz or a game, once, whole or not at all; whatever is in the way is told to staff."""

from collections.abc import Sequence
from dataclasses import replace

from bot.contact import quiet_until
from bot.context import Context
from bot.draw_plan import DrawPlan
from bot.drawing import Drawing, wrong
from bot.drawing.opening import start
from bot.errors import Mistake
from bot.games import Game
from bot.games.scores import ALL, RACE
from bot.playing import GAMES, open_session, typed
from bot.quizbank import Question
from bot.quizzing import at_level, begin, choose
from bot.replies import Say, Silence, Sort, Wishes
from bot.scripts.opens import Opens, QuizOpening
from bot.words import bare

MODES = {"抢答": RACE, "全员": ALL}


def game_of(name: str) -> Game | None:
    """The game that a title or a word means; never one that only a handler of its own can open."""
    wanted = bare(name)
    found = (one for one in GAMES.values() if one.words and wanted in map(bare, (one.title, *one.words)))
    return next(found, None)


def about(questions: list[Question], tags: tuple[str, ...]) -> list[Question]:
    """Those of any of these banks or tags; without tags all of them."""
    return [one for one in questions if not tags or any(one.is_about(tag) for tag in tags)]


def open_due(ctx: Context, opens: Opens, title: str) -> Wishes:
    """Opens what a beat that fell due says, in its group. Nothing else happens when it cannot be: staff hear why."""
    try:
        _check_quiet(ctx)
        says = _open(ctx, opens)
    except Mistake as mistake:
        return _failed(ctx, opens, title, mistake)
    if not says:
        return Silence(f"定时「{title}」：惊喜抽奖排好了，到时候自己出现")
    return [replace(one, because=f"定时「{title}」：{one.because}") for one in says]


def _check_quiet(ctx: Context) -> None:
    """Whatever nobody asked for keeps to mute and quiet hours."""
    if ctx.settings.muted:
        raise wrong("这个群设了静音（muted）")
    if quiet_until(ctx.settings, ctx.now) is not None:
        raise wrong("现在是安静时段（quiet）")


def _open(ctx: Context, opens: Opens) -> list[Say]:
    if opens.game:
        game = game_of(opens.game)
        if game is None:
            raise wrong(f"没有「{opens.game}」这个游戏")
        return list(open_session(game, ctx, typed(game, opens.words)))
    if opens.quiz is not None and not ctx.settings.quiz.on:
        raise wrong("这个群关了答题（quiz.on）")
    # Chosen first: from here on nothing of the quiz can be in the way, so that both open or neither.
    chosen = _questions(ctx, opens.quiz) if opens.quiz is not None else []
    says = open_draw(ctx, _plan(ctx, opens.draw)) if opens.draw else []
    if opens.quiz is not None:
        says += begin(ctx, MODES[opens.quiz.mode], chosen, opens.quiz.prize)
    return says


def _questions(ctx: Context, quiz: QuizOpening) -> list[Question]:
    wanted = at_level(ctx, about(list(ctx.desk.questions()), quiz.tags), quiz.difficulty)
    return choose(ctx, min(quiz.questions, ctx.settings.quiz.most), wanted)


def _plan(ctx: Context, name: str) -> DrawPlan:
    plan = ctx.desk.draw_plan(name)
    if plan is None:
        raise wrong(f"没有「{name}」这份抽奖")
    return plan


def open_with_quiz(ctx: Context, plan: DrawPlan, count: int, questions: Sequence[Question]) -> list[Say]:
    """A draw that counts right answers, and a quiz for everybody beside it. Raises Mistake."""
    chosen = choose(ctx, count, questions)
    return [*open_draw(ctx, plan), *begin(ctx, ALL, chosen, starter=ctx.member)]


def open_draw(ctx: Context, plan: DrawPlan) -> list[Say]:
    """Opens a plan in this group, unless it is still running there. Raises Mistake."""
    for draw in ctx.store.draws.live():
        if ctx.group in draw.groups and draw.title == plan.name:
            raise wrong(f"第 {draw.id} 号「{draw.title}」还没结束")
    if plan.groups and ctx.group not in plan.groups:
        raise wrong(f"抽奖「{plan.name}」不在这个群开")
    return start(Drawing(ctx), plan, plan.groups or (ctx.group,))[1]


def _failed(ctx: Context, opens: Opens, title: str, mistake: Mistake) -> list[Say] | Silence:
    reason = _reason(ctx, mistake)
    slots = {"title": title, "group": ctx.settings.name or ctx.group, "what": str(opens), "reason": reason}
    told = [
        Say("opening.failed", slots, channel=channel, member=member, sort=Sort.STAFF, because="定时的一拍没开成")
        for channel, member in ctx.desk.staff_rooms()
    ]
    return told or Silence(f"定时「{title}」没开成：{reason}")


def _reason(ctx: Context, mistake: Mistake) -> str:
    """What was in the way, for staff."""
    known = {
        "play.running": "群里这个游戏还开着一局",
        "quiz.empty": "题库是空的",
        "quiz.exhausted": "没有最近没出过的题了",
        "draw.bad": str(mistake.slots.get("reason", "")),
    }
    return known.get(mistake.key) or ctx.desk.preview(Say(mistake.key, mistake.slots), ctx.settings)
