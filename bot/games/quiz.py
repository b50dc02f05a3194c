"""答题: questions one after another, a race or for everybody, with hints, silence and a board. The pure rule."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from bot.games import Move, State, Table, Turn, Win
from bot.games.judge import is_attempt, is_right
from bot.games.scores import RACE, Guess, Score, settle, standings
from bot.replies import Say, Sort, say

LATE = 30_000
"""A wake-up that is later than this (ms) missed an outage: the step is given its time again."""
MOST = 1_000
"""Guesses at one question: more people than a group has."""
BOARD = 10
"""Rows of a board: it must fit a screen."""

_OPEN, _PAUSE = "open", "pause"


class Answers(Protocol):
    """`table.kept`: the answers to this session's questions. They are not part of the state, which would have to be
    written anew with every one of them."""

    def next_place(self, number: int, member: str) -> int | None:
        """The place that a member's answer to a question would have; None when they gave theirs."""

    def guesses(self, number: int) -> Sequence[Guess]:
        """All answers to a question, in order."""


def opening(
    questions: Sequence[Mapping[str, Any]], mode: str, rules: Mapping[str, int], at: int, prize: str = ""
) -> Turn:
    """Begins a session. `rules`: seconds, pause, hints, points, bonus, silent; frozen for the whole session."""
    state = {
        "mode": mode, "questions": list(questions), "rules": dict(rules), "prize": prize, "number": 0,
        "phase": _PAUSE, "scores": [], "hinted": 0, "due": at, "silent": 0,
    }  # fmt: skip
    kind = "quiz.open_race" if mode == RACE else "quiz.open_all"
    lines = [say(kind, count=len(questions), seconds=rules["seconds"], points=rules["points"], sort=Sort.GAME)]
    if prize:
        lines.append(say("quiz.open_prize", prize=prize, sort=Sort.GAME))
    return _ask(state, at, tuple(lines))


def question_of(state: State) -> Mapping[str, Any]:
    """The question that is asked now, or was asked last."""
    found: Mapping[str, Any] = state["questions"][state["number"] - 1]
    return found


def is_open(state: State, number: int) -> bool:
    """Whether a question is still to be answered."""
    return bool(state["phase"] == _OPEN and state["number"] == number)


def board(state: State) -> list[tuple[str, int]]:
    """(member, points), best first."""
    return standings((number, Score(member, rank, points)) for number, member, rank, points in state["scores"])


def rejudged(state: State, number: int, scores: Sequence[Score]) -> dict[str, Any]:
    """The state after staff changed what a question brought."""
    others = [row for row in state["scores"] if row[0] != number]
    fresh = [[number, one.member, one.rank, one.points] for one in scores]
    return {**state, "scores": sorted(others + fresh, key=lambda row: (row[0], row[2]))}


def _kept(table: Table) -> Answers:
    answers: Answers = table.kept
    return answers


def _step(state: State) -> int:
    """How long (ms) until the next hint or the end of a question."""
    planned: int = min(state["rules"]["hints"], len(question_of(state)["hint"]))
    return int(state["rules"]["seconds"]) * 1000 // (planned + 1)


def _ask(state: State, at: int, before: tuple[Say, ...] = ()) -> Turn:
    fresh = {**state, "number": state["number"] + 1, "phase": _OPEN, "hinted": 0}
    question = question_of(fresh)
    fresh["due"] = at + _step(fresh)
    line = Say(
        "quiz.ask",
        {"number": fresh["number"], "count": len(fresh["questions"]), "text": question["text"],
         "seconds": fresh["rules"]["seconds"]},
        sort=Sort.GAME, picture=question.get("picture", ""),
    )  # fmt: skip
    note = {"asked": fresh["number"], "at": at, "question": question}
    return Turn(fresh, (*before, line), wake_at=fresh["due"], notes=(note,))


def _result(state: State, scores: Sequence[Score], table: Table) -> Say:
    """What a question came to."""
    question = question_of(state)
    known = {"answer": question["answers"][0], "explanation": question["explanation"]}
    if not scores:
        return say("quiz.nobody", **known, sort=Sort.GAME, because="时间到，没人答对")
    if state["mode"] == RACE:
        first = scores[0]
        return say(
            "quiz.right", name=table.name_of(first.member), points=first.points, **known, sort=Sort.GAME,
            because=f"第 {state['number']} 题按收到的先后，这是头一个答对的",
        )  # fmt: skip
    rows = "\n".join(f"{one.rank}. {table.name_of(one.member)} +{one.points}" for one in scores[:BOARD])
    return say("quiz.result", count=len(scores), rows=rows, **known, sort=Sort.GAME, because="时间到，按答对的先后计分")


def _close(state: State, at: int, table: Table, verdict: str = "", last: tuple[Guess, ...] = ()) -> Turn:
    """Ends a question: scores, the answer, and then a pause or the end. `last`: a guess that is not kept yet."""
    rules, number = state["rules"], state["number"]
    guesses = [*_kept(table).guesses(number), *last]
    scores = settle(state["mode"], guesses, rules["points"], rules["bonus"])
    wins = tuple(Win(f"q{number}/{one.rank}", one.member, one.points, f"答题第 {number} 题") for one in scores)
    fresh = {**rejudged(state, number, scores), "silent": 0 if guesses else state["silent"] + 1}
    note = {"closed": number, "at": at, "scores": [[one.member, one.rank, one.points] for one in scores]}
    lines = (_result(state, scores, table),)
    if number >= len(state["questions"]):
        return _end(fresh, lines, verdict, wins, (note,), table)
    if fresh["silent"] >= rules["silent"]:
        sleepy = say("quiz.sleepy", count=fresh["silent"], sort=Sort.GAME, because="没人在答，不对着空群说话")
        return _end(fresh, (*lines, sleepy), verdict, wins, (note,), table)
    due = at + int(rules["pause"]) * 1000
    return Turn({**fresh, "phase": _PAUSE, "due": due}, lines, verdict, wins, due, notes=(note,))


def _end(
    state: State, lines: tuple[Say, ...], verdict: str, wins: tuple[Win, ...], notes: tuple[Mapping[str, Any], ...],
    table: Table,
) -> Turn:  # fmt: skip
    ranking = board(state)
    state = {**state, "phase": "over", "winner": ranking[0][0] if ranking else ""}
    if state["number"] > 1 and ranking:
        places = [f"{place}. {table.name_of(who)} {sum_} 分" for place, (who, sum_) in enumerate(ranking[:BOARD], 1)]
        lines = (*lines, say("quiz.board", rows="\n".join(places), count=state["number"], sort=Sort.GAME))
    if state["prize"]:
        if ranking:
            lines = (*lines, say("quiz.prize", name=table.name_of(ranking[0][0]), prize=state["prize"],
                                 mention=(ranking[0][0],), sort=Sort.GAME))  # fmt: skip
        else:
            lines = (*lines, say("quiz.prize_nobody", prize=state["prize"], sort=Sort.GAME))
    return Turn(state, lines, verdict, wins, None, over=True, notes=notes)


class Quiz:
    """State: questions, number (asked so far), phase, hinted, due, scores of the closed ones. The answers are kept
    beside it (`Answers`)."""

    id = "quiz"
    title = "答题"
    words: tuple[str, ...] = ()  # bot/handlers/quiz.py opens it: it knows the banks
    usage = ""
    help = ""
    role = None
    phrases = {  # noqa: RUF012
        "quiz.open_race": "count seconds points", "quiz.open_all": "count seconds points", "quiz.open_prize": "prize",
        "quiz.ask": "number count text seconds", "quiz.hint": "number hint left", "quiz.right":
        "name points answer explanation", "quiz.result": "count rows answer explanation",
        "quiz.nobody": "answer explanation", "quiz.board": "rows count", "quiz.prize": "name prize",
        "quiz.prize_nobody": "prize", "quiz.sleepy": "count", "quiz.back": "number text left",
        "quiz.stopped": "answer", "quiz.stopped_between": "",
    }  # fmt: skip

    def open(self, table: Table) -> Turn:
        # Without words of its own nobody can come here.
        raise AssertionError("bot/handlers/quiz.py opens a quiz: it knows the banks")

    def move(self, state: State, move: Move, table: Table) -> Turn | None:
        """One guess a member and question; whether a message is a guess does not depend on its being right."""
        question = question_of(state)
        if state["phase"] != _OPEN or move.form != "text" or not is_attempt(move.text, question["answers"]):
            return None
        number = state["number"]
        place = _kept(table).next_place(number, move.member)
        if place is None or place > MOST:
            return None
        right = is_right(move.text, question["answers"], question["text"])
        if move.asked and not right:
            return None
        note = {
            "answer": number, "place": place, "member": move.member, "at": move.at, "text": move.raw, "right": right,
            "hints": state["hinted"], "event_id": move.event_id,
        }  # fmt: skip
        verdict = f"第{number}题 {'对' if right else '错'}"
        if not right or state["mode"] != RACE:
            return Turn(state, verdict=verdict, notes=(note,))
        guess = Guess(move.member, right=True, hints=state["hinted"])
        turn = _close(state, max(table.at, table.now), table, verdict, (guess,))
        return replace(turn, notes=(note, *turn.notes))

    def wake(self, state: State, table: Table) -> Turn:
        now = max(table.at, table.now)
        if now < state["due"]:
            return Turn(state, wake_at=state["due"])
        if state["phase"] == _PAUSE:
            return _ask(state, now)
        if now - state["due"] > LATE:
            return self._again(state, now)
        question = question_of(state)
        if state["hinted"] < min(state["rules"]["hints"], len(question["hint"])):
            fresh = {**state, "hinted": state["hinted"] + 1, "due": now + _step(state)}
            left = (min(state["rules"]["hints"], len(question["hint"])) - state["hinted"]) * _step(state) // 1000
            line = say("quiz.hint", number=state["number"], hint=question["hint"][state["hinted"]], left=left,
                       sort=Sort.GAME, because="到了给提示的时间")  # fmt: skip
            return Turn(fresh, (line,), wake_at=fresh["due"])
        return _close(state, now, table)

    def _again(self, state: State, now: int) -> Turn:
        """After an outage the question gets its time back, so that nobody loses it to us."""
        fresh = {**state, "due": now + _step(state)}
        line = say("quiz.back", number=state["number"], text=question_of(state)["text"], left=_step(state) // 1000,
                   sort=Sort.GAME, because="刚才断线了，这一步重新计时")  # fmt: skip
        return Turn(fresh, (line,), wake_at=fresh["due"])

    def stop(self, state: State, table: Table) -> Turn:
        """An unfinished question counts for nobody: else whoever stops it could answer alone."""
        lines: tuple[Say, ...] = (say("quiz.stopped_between", sort=Sort.GAME),)
        notes: tuple[Mapping[str, Any], ...] = ()
        if state["phase"] == _OPEN:
            lines = (say("quiz.stopped", answer=question_of(state)["answers"][0], sort=Sort.GAME),)
            notes = ({"closed": state["number"], "at": max(table.at, table.now), "scores": [], "void": True},)
        return _end(state, lines, "", (), notes, table)


game = Quiz()
