"""数字炸弹: a hidden number; every guess narrows the range, whoever hits it is out and the one before wins."""

from bot.errors import Mistake
from bot.games import Move, State, Table, Turn, Win
from bot.replies import Sort, say

IDLE = 10 * 60_000
"""A round that nobody plays for ten minutes (ms) ends by itself."""
MOST = 10_000


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
        return Turn(state, (say("bomb.open", low=1, high=high, sort=Sort.GAME),), wake_at=table.at + IDLE)

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
        line = say("bomb.narrow", name=move.name, low=low, high=high, sort=Sort.GAME)
        return Turn(fresh, (line,), verdict=f"{low}-{high}", wake_at=table.at + IDLE)

    def _boom(self, state: State, move: Move, table: Table) -> Turn:
        winner = state["last"]
        if not winner or winner == move.member:
            line = say("bomb.alone", name=move.name, number=state["bomb"], sort=Sort.GAME)
            return Turn(state, (line,), verdict="炸", over=True)
        line = say(
            "bomb.boom", name=move.name, number=state["bomb"], winner=table.name_of(winner), points=table.points,
            sort=Sort.GAME,
        )  # fmt: skip
        return Turn(state, (line,), "炸", (Win("win", winner, table.points, "数字炸弹"),), over=True)

    def wake(self, state: State, table: Table) -> Turn:
        return Turn(state, (say("bomb.idle", number=state["bomb"], sort=Sort.GAME),), over=True)

    def stop(self, state: State, table: Table) -> Turn:
        return self.wake(state, table)


game = Bomb()
