"""速算: a few sums, the first right answer to each scores; alone or as the contest of a 花式PK."""

from collections.abc import Mapping
from typing import Any

from bot.games import Move, State, Table, Turn, Win, line
from bot.games.board import ms
from bot.replies import Say


class Sums:
    """State: round (1 for the first), answer, scores (member -> right answers), silent (rounds nobody answered)."""

    id = "sums"
    title = "速算"
    words = ("速算",)
    usage = ""
    help = "几道口算，先答对的得分"
    role = None
    phrases = {  # noqa: RUF012
        "sums.open": "rounds question", "sums.right": "name answer", "sums.silent": "answer",
        "sums.ask": "round question", "sums.over": "rows winners points", "sums.nobody": "answer",
    }  # fmt: skip

    def open(self, table: Table) -> Turn:
        question, answer = _sum(table, 1)
        said = line("sums.open", "开了一局", rounds=table.rules.sums_rounds, question=question)
        return self._turn({"round": 1, "answer": answer, "scores": {}, "silent": 0}, table, (said,))

    def move(self, state: State, move: Move, table: Table) -> Turn | None:
        if move.text != str(state["answer"]):
            return None
        scores = {**state["scores"], move.member: state["scores"].get(move.member, 0) + 1}
        right = line("sums.right", "先答对的得分", name=move.name, answer=state["answer"])
        return self._next({**state, "scores": scores, "silent": 0}, table, right, "对", score=1)

    def _next(self, state: State, table: Table, first: Say, verdict: str = "", score: int = 0) -> Turn:
        number = state["round"] + 1
        if number > table.rules.sums_rounds or state["silent"] > 1:
            return self._finish(state, table, first, verdict, score)
        question, answer = _sum(table, number)
        fresh = {**state, "round": number, "answer": answer}
        return self._turn(
            fresh, table, (first, line("sums.ask", "下一题", round=number, question=question)), verdict, score
        )

    def _finish(self, state: State, table: Table, first: Say, verdict: str = "", score: int = 0) -> Turn:
        scores: Mapping[str, int] = state["scores"]
        if not scores:
            return Turn(state, (line("sums.nobody", "没人答", answer=state["answer"]),), verdict, over=True)
        order = sorted(scores, key=lambda one: -scores[one])
        top = [one for one in order if scores[one] == scores[order[0]]]
        rows = "\n".join(f"{table.name_of(one)} {scores[one]} 题" for one in order[:10])
        wins = tuple(Win(f"win/{place}", one, table.points, "速算") for place, one in enumerate(top, start=1))
        winners = "、".join(map(table.name_of, top[:10]))
        said = line("sums.over", "题答完了，并列的都算赢", rows=rows, winners=winners, points=table.points)
        return Turn(state, (first, said), verdict, wins, over=True, score=score)

    def wake(self, state: State, table: Table) -> Turn:
        silent = {**state, "silent": state["silent"] + 1}
        return self._next(silent, table, line("sums.silent", "到时间没人答对", answer=state["answer"]))

    def stop(self, state: State, table: Table) -> Turn:
        """Stopped by hand nobody wins."""
        return Turn(state, (line("sums.nobody", "提前结束", answer=state["answer"]),), over=True)

    def _turn(self, state: dict[str, Any], table: Table, says: tuple[Say, ...], verdict: str = "",
              score: int = 0) -> Turn:  # fmt: skip
        return Turn(state, says, verdict, wake_at=table.at + ms(table.rules.sums_wait), score=score)


def _sum(table: Table, number: int) -> tuple[str, int]:
    """The question of a round and its answer, the same for ever."""
    a, b = 12 + table.below(77, "a", number), 3 + table.below(47, "b", number)
    kind = table.below(3, "kind", number)
    if kind == 2:
        a, b = 3 + a % 17, 3 + b % 7
        return f"{a} × {b}", a * b
    return (f"{a} + {b}", a + b) if kind else (f"{a + b} - {b}", a)


game = Sums()
