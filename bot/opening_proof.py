"""Proves at start-up what beats open: the draw exists and can be opened again, questions exist, words parse."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from bot.config import Config, nearest
from bot.context import zone_of
from bot.draw_plan import DrawPlan
from bot.errors import Mistake, Problem
from bot.games import Game, Table
from bot.games.deadline import read_deadline
from bot.opening import about, game_of
from bot.playing import GAMES, typed
from bot.quizbank import Question
from bot.scripts import Beat
from bot.scripts.opens import Opens, QuizOpening
from bot.settings import GroupSettings
from bot.world import to_ms

NOON = datetime.fromisoformat("2026-01-05T12:00:00+08:00")
"""Words are tried as if the beat fell due then: what only fits one date does not fit a beat that comes again."""


def opening_problems(
    scripts: Mapping[str, list[Beat]], draws: Mapping[str, DrawPlan] | None, questions: Sequence[Question],
    config: Config,
) -> list[Problem]:  # fmt: skip
    """What is wrong with everything that beats open. `draws` is None when the plans cannot be read."""
    return [
        Problem(f"scripts/{beat.script}.toml", f"beat.{beat.id.partition('.')[2]}.opens.{key}", reason, hint)
        for beats in scripts.values()
        for beat in beats
        if beat.opens is not None
        for key, reason, hint in _of_beat(beat, draws, questions, config)
    ]


Found = Iterator[tuple[str, str, str]]


def _of_beat(
    beat: Beat, draws: Mapping[str, DrawPlan] | None, questions: Sequence[Question], config: Config
) -> Found:  # fmt: skip
    opens = beat.opens
    assert opens is not None
    playing = [one for one in config.named_groups if beat.plays_in(one, config.group(one))]
    if opens.draw and draws is not None:
        yield from _draw(opens.draw, draws, with_quiz=opens.quiz is not None)
    if opens.quiz is not None and (playing or beat.groups):
        # Which banks there are is the persona's affair: a script that nobody plays asks nothing of it.
        yield from _quiz(opens.quiz, list(questions))
    if opens.game:
        groups: list[str | None] = [*playing] or [None]
        yield from _game(opens, [config.group(one) for one in groups])


def _quiz(quiz: QuizOpening, questions: list[Question]) -> Found:
    if not questions:
        yield "quiz", "题库是空的", "在人设的 quiz 目录里放一份题库"
        return
    known = dict.fromkeys(one.bank for one in questions)
    missing = [tag for tag in quiz.tags if not about(questions, (tag,))]
    for tag in missing:
        yield "quiz.tags", f"题库里没有「{tag}」的题", _hint(tag, known)
    level = quiz.difficulty
    if not missing and level and not any(one.difficulty == level for one in about(questions, quiz.tags)):
        yield "quiz.difficulty", f"这些分类里没有难度 {level} 的题", "写 0 就都出"


def _game(opens: Opens, groups: list[GroupSettings]) -> Found:
    game = game_of(opens.game)
    if game is None:
        yield (
            "game",
            f"没有「{opens.game}」这个游戏",
            _hint(opens.game, {one.title: 0 for one in GAMES.values() if one.words}),
        )
        return
    wrong = next((found for settings in groups if (found := _try_words(game, opens.words, settings))), "")
    if wrong:
        yield "words", wrong, "写成在群里打口令时后面跟的话；时间写 20:00 或 2小时"


def _draw(name: str, draws: Mapping[str, DrawPlan], *, with_quiz: bool) -> Found:
    plan = draws.get(name)
    if plan is None:
        yield "draw", f"没有「{name}」这份抽奖", _hint(name, draws)
        return
    if plan.deadline is not None:
        yield "draw", f"抽奖「{name}」写了固定的 deadline，只够开一次", "改写 lasts，从开始算起"
    if with_quiz and not plan.right:
        yield "draw", f"抽奖「{name}」不看答题成绩，不能和答题一起开", 'enter = "answer"，right = 1'
    if plan.groups:
        yield "draw", f"抽奖「{name}」写了 groups", "删掉：在哪些群由这一拍定"


def _try_words(game: Game, words: str, settings: GroupSettings) -> str:
    """Why a game cannot begin with these words; empty when it can."""
    reading = typed(game, words)
    local = NOON.astimezone(zone_of(settings))

    def when(text: str) -> int | None:
        moment = read_deadline(text, local)
        if moment is not None and moment - local > settings.games.longest:
            raise Mistake("play.too_far", days=settings.games.longest.days)
        return to_ms(moment) if moment is not None else None

    table = Table(
        at=to_ms(NOON), now=to_ms(NOON), session="proof", below=lambda _n, *_occasion: 0, name_of=str,
        arguments=tuple(reading.arguments), points=settings.play.points, words=reading.verbatim, when=when,
        rules=settings.games,
    )  # fmt: skip
    try:
        game.open(table)
    except Mistake as mistake:
        far = mistake.key == "play.too_far"
        return f"「{game.words[0]} {words}」的时间太远了" if far else f"「{game.words[0]} {words}」开不了局"
    return ""


def _hint(word: str, known: Mapping[str, object]) -> str:
    close = nearest(word, known)
    return f"是不是想写 {close[0]}？" if close else f"有：{'、'.join(list(known)[:20]) or '一个也没有'}"
