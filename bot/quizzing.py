"""Quiz sessions: choosing questions, opening a session of them, writing down what every turn brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.context import Context
from bot.errors import Mistake
from bot.games import KEEPERS, Keeper, Turn
from bot.games.quiz import board, opening
from bot.games.scores import RACE, Guess
from bot.quizbank import Question
from bot.replies import Say
from bot.world import from_ms, to_ms

DAY = 86_400_000


def at_level(ctx: Context, questions: Sequence[Question], level: int = 0) -> list[Question]:
    """Those of a difficulty; 0: the one that the group's settings name, or all."""
    level = level or ctx.settings.quiz.difficulty
    return [one for one in questions if not level or one.difficulty == level]


def choose(ctx: Context, count: int, wanted: Sequence[Question]) -> list[Question]:
    """Questions this group has not been asked lately, by luck. Raises Mistake when none can be asked now."""
    if not ctx.desk.questions():
        raise Mistake("quiz.empty")
    if any(one.game == "quiz" for one in ctx.store.sessions.in_group(ctx.group)):
        raise Mistake("play.running", title="答题")
    rules = ctx.settings.quiz
    asked = ctx.store.quizzes.asked_since(ctx.group, ctx.at_ms - rules.repeat_days * DAY) if rules.repeat_days else ()
    fresh = [one for one in wanted if one.id not in asked]
    fresh.sort(key=lambda one: (ctx.luck.below(1 << 40, "quiz", ctx.event.id, one.id), one.id))
    if not fresh[:count]:
        raise Mistake("quiz.exhausted", days=rules.repeat_days)
    return fresh[:count]


def begin(ctx: Context, mode: str, chosen: Sequence[Question], prize: str = "", starter: str = "") -> tuple[Say, ...]:
    """Opens a session with chosen questions. Raises Mistake, and has changed nothing then.

    `starter` is whoever may end it; nobody when the house opens it.
    """
    rules = ctx.settings.quiz
    frozen = {
        "seconds": rules.seconds, "pause": rules.pause, "hints": rules.hints, "points": rules.points,
        "bonus": rules.speed_bonus, "silent": rules.silent,
    }  # fmt: skip
    turn = opening([_frozen(one) for one in chosen], mode, frozen, max(ctx.at_ms, to_ms(ctx.now)), prize)
    number = ctx.store.sessions.open(
        "quiz", ctx.group, {**turn.state, "luck": ctx.event.id}, member_id=starter or None, at=ctx.at_ms,
        event_id=ctx.event.id,
    )  # fmt: skip
    if number is None:
        raise Mistake("play.running", title="答题")
    keep(ctx, number, turn)
    assert turn.wake_at is not None
    ctx.wake("play", str(number), from_ms(turn.wake_at), {"group": ctx.group})
    return turn.says


def _frozen(question: Question) -> dict[str, Any]:
    """What a session must know of a question, whatever becomes of the bank."""
    return {
        "id": question.id, "text": question.text, "answers": list(question.answers), "hint": list(question.hint),
        "explanation": question.explanation, "picture": question.picture,
    }  # fmt: skip


def keep(ctx: Context, number: int, turn: Turn) -> None:
    """Writes down what a turn of the rule brought: questions, answers, scores, and the prize that is owed."""
    quizzes = ctx.store.quizzes
    for note in turn.notes:
        if "asked" in note:
            quizzes.ask(number, note["asked"], ctx.group, note["question"], note["at"])
        elif "answer" in note:
            quizzes.answer(
                number, note["answer"], note["place"], note["member"], race=turn.state["mode"] == RACE, at=note["at"],
                text=note["text"], right=note["right"], hints=note["hints"], event_id=note["event_id"],
            )  # fmt: skip
        else:
            quizzes.close(number, note["closed"], note["at"], void=note.get("void", False))
            quizzes.score(number, note["closed"], note["scores"])
    if turn.over and turn.state["prize"] and (ranking := board(turn.state)):
        ctx.store.prizes.owe(
            f"quiz/{number}/prize", ranking[0][0], turn.state["prize"], group_id=ctx.group, at=ctx.at_ms,
            event_id=ctx.event.id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """The answers of a session, as its rule asks for them (bot/games/quiz.py: Answers)."""

    ctx: Context
    session: int

    def next_place(self, number: int, member: str) -> int | None:
        """The place that a member's answer would have; None when they gave theirs."""
        return self.ctx.store.quizzes.next_place(self.session, number, member)

    def guesses(self, number: int) -> list[Guess]:
        """All answers to a question, in order."""
        rows = self.ctx.store.quizzes.answers(self.session, number)
        return [Guess(one.member_id, one.right, one.hints) for one in rows]


KEEPERS["quiz"] = Keeper(keep, Record)
