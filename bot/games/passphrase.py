"""口令接龙: the characters of a passphrase, in order, each by another member."""

import re

from bot.errors import Mistake
from bot.games import Move, State, Table, Turn, Win, line
from bot.games.board import ms
from bot.replies import Say

_PHRASE = re.compile(r"^[\u4e00-\u9fffa-z0-9]{2,12}$")


class Passphrase:
    """State: phrase (normalised), by (members so far, in order), until (ms)."""

    id = "passphrase"
    title = "口令接龙"
    words = ("口令接龙",)
    usage = "口令"
    help = "一人一个字，按顺序把口令接完，人人有分"
    role = None
    phrases = {  # noqa: RUF012
        "pass.open": "phrase until points", "pass.step": "shown left next", "pass.again": "name next",
        "pass.done": "phrase names points", "pass.over": "shown left", "pass.usage": "",
    }  # fmt: skip

    def open(self, table: Table) -> Turn:
        phrase = "".join(table.arguments)
        if not _PHRASE.match(phrase):
            raise Mistake("pass.usage")
        until = table.at + ms(table.rules.pass_span)
        said = line("pass.open", "开了一局", phrase=phrase, until=table.clock(until), points=table.points)
        return Turn({"phrase": phrase, "by": [], "until": until}, (said,), wake_at=until)

    def move(self, state: State, move: Move, table: Table) -> Turn | None:
        phrase, by = state["phrase"], state["by"]
        following = phrase[len(by)]
        if move.text != following or table.at >= state["until"]:
            return None
        if move.member in by:
            return Turn(state, (line("pass.again", "一人只能接一个字", name=move.name, next=following),), "接过")
        by = [*by, move.member]
        fresh = {**state, "by": by}
        if len(by) < len(phrase):
            return Turn(fresh, (_step(fresh),), str(len(by)), score=1)
        names = "、".join(map(table.name_of, by))
        wins = tuple(Win(f"win/{place}", member, table.points, "口令接龙") for place, member in enumerate(by, start=1))
        said = line("pass.done", "口令接完了", phrase=phrase, names=names, points=table.points)
        return Turn(fresh, (said,), str(len(by)), wins, over=True, score=1)

    def wake(self, state: State, table: Table) -> Turn:
        shown, left, _ = _progress(state)
        return Turn(state, (line("pass.over", "到时间没接完", shown=shown, left=left),), over=True)

    def stop(self, state: State, table: Table) -> Turn:
        return self.wake(state, table)


def _progress(state: State) -> tuple[str, int, str]:
    phrase, count = state["phrase"], len(state["by"])
    return phrase[:count] + "□" * (len(phrase) - count), len(phrase) - count, phrase[count : count + 1]


def _step(state: State) -> Say:
    shown, left, following = _progress(state)
    return line("pass.step", "接上一个字", shown=shown, left=left, next=following)


game = Passphrase()
