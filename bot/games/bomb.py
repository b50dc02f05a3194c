"""数字炸弹: a hidden number; every guess narrows the range, whoever hits it is out and the one before wins."""

from bot.errors import Mistake
from bot.games import Move, State, Table, Turn, Win, line
from bot.games.board import ms

MOST = 10_000


def until(table: Table) -> int:
    """When a round that nobody plays any more ends by itself (ms): the setting `games.idle`."""
    return table.at + ms(table.rules.idle)


class Bomb:
    """State: low and high (still possible, inclusive), bomb, last (who guessed before)."""

    id = "bomb"
    title = "数字炸弹"
    words = ("数字炸弹",)
    usage = "[最大数]"
    help = "猜数字，范围越来越小，别踩中炸弹"
    role = None
    phrases = {  # noqa: RUF012
        "bomb.open": "low high", "bomb.narrow": "name low high", "bomb.boom": "name number winner points",
        "bomb.alone": "name number", "bomb.idle": "number", "bomb.usage": "",
    }  # fmt: skip

    def open(self, table: Table) -> Turn:
        asked = table.arguments[0] if table.arguments else "100"
        if not asked.isdecimal() or len(asked) > 5 or not 10 <= int(asked) <= MOST:
            raise Mistake("bomb.usage")
        high = int(asked)
        state = {"low": 1, "high": high, "bomb": 1 + table.below(high, "bomb"), "last": ""}
        return Turn(state, (line("bomb.open", "开了一局数字炸弹", low=1, high=high),), wake_at=until(table))

    def move(self, state: State, move: Move, table: Table) -> Turn | None:
        if not move.text.isdecimal() or len(move.text) > 5:
            return None
        guess, low, high = int(move.text), state["low"], state["high"]
        if not low <= guess <= high:
            return None
        if guess == state["bomb"]:
            return self._boom(state, move, table)
        low, high = (guess + 1, high) if guess < state["bomb"] else (low, guess - 1)
        fresh = {**state, "low": low, "high": high, "last": move.member}
        safe = line("bomb.narrow", f"猜了 {guess}，不是炸弹，范围缩小", name=move.name, low=low, high=high)
        return Turn(fresh, (safe,), verdict=f"{low}-{high}", wake_at=until(table))

    def _boom(self, state: State, move: Move, table: Table) -> Turn:
        winner = state["last"]
        if not winner or winner == move.member:
            alone = line("bomb.alone", "踩中炸弹，前面没有别人猜过，没人赢", name=move.name, number=state["bomb"])
            return Turn(state, (alone,), verdict="炸", over=True)
        boom = line(
            "bomb.boom", "踩中炸弹，前一位猜的人赢", name=move.name, number=state["bomb"],
            winner=table.name_of(winner), points=table.points,
        )  # fmt: skip
        return Turn(state, (boom,), "炸", (Win("win", winner, table.points, "数字炸弹"),), over=True)

    def wake(self, state: State, table: Table) -> Turn:
        return self._end(state, "太久没人猜（games.idle），公布炸弹")

    def stop(self, state: State, table: Table) -> Turn:
        return self._end(state, "提前结束，公布炸弹")

    def _end(self, state: State, why: str) -> Turn:
        return Turn(state, (line("bomb.idle", why, number=state["bomb"]),), over=True)


game = Bomb()
