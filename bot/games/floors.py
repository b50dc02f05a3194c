"""盖楼: posts counted without gaps; lucky floors win, and so does the last floor before the deadline."""

from typing import Any

from bot.errors import Mistake
from bot.games import Move, State, Table, Turn, Win, line
from bot.games.deadline import split_deadline
from bot.replies import Say

PLAIN = "盖"


class Floors:
    """State: slogan, until (ms), count, last (member of the top floor), lucky (frozen at opening), warned, won."""

    id = "floors"
    title = "盖楼"
    words = ("盖楼",)
    usage = "[口号] [20:00]"
    help = "发口号就是一层，幸运楼层和最后一层有分"
    role = None
    shows = ("看楼",)
    phrases = {  # noqa: RUF012
        "floors.open": "slogan until lucky", "floors.lucky": "name floor points", "floors.count": "floor until",
        "floors.again": "name", "floors.over": "floor name points lucky", "floors.empty": "floor lucky",
        "floors.board": "floor name slogan until lucky", "floors.usage": "",
    }  # fmt: skip

    def open(self, table: Table) -> Turn:
        parts, until = split_deadline(table.arguments, table, table.rules.floor_span)
        slogan = "".join(parts) or PLAIN
        if len(slogan) > 20 or not slogan[0].isalnum():
            raise Mistake("floors.usage")
        lucky = sorted({int(floor) for floor in table.rules.floor_lucky})
        state = {"slogan": slogan, "until": until, "count": 0, "last": "", "lucky": lucky, "warned": "", "won": []}
        said = line("floors.open", "开了一局", slogan=slogan, until=table.clock(until), lucky=_shown(lucky))
        return Turn(state, (said,), wake_at=until)

    def move(self, state: State, move: Move, table: Table) -> Turn | None:
        if not _is_floor(move.text, state["slogan"]) or table.at >= state["until"]:
            return None
        if move.member == state["last"]:
            again = (line("floors.again", "不能自己接自己的楼", name=move.name),) if _unwarned(state, move) else ()
            return Turn({**state, "warned": move.member}, again, "连楼")
        floor = state["count"] + 1
        fresh: dict[str, Any] = {**state, "count": floor, "last": move.member, "warned": ""}
        says: tuple[Say, ...] = ()
        wins: tuple[Win, ...] = ()
        if floor in state["lucky"]:
            fresh["won"] = [*state["won"], f"{floor} 楼 {move.name}"]
            says = (line("floors.lucky", "踩中幸运楼层", name=move.name, floor=floor, points=table.points),)
            wins = (Win(f"lucky/{floor}", move.member, table.points, f"盖楼第 {floor} 楼"),)
        elif floor % table.rules.floor_every == 0:
            says = (line("floors.count", "隔几层报一次", floor=floor, until=table.clock(state["until"])),)
        if floor < table.rules.floor_most:
            return Turn(fresh, says, str(floor), wins, score=1)
        return self._close(fresh, table, says, str(floor), wins)

    def _close(self, state: State, table: Table, says: tuple[Say, ...] = (), verdict: str = "",
               wins: tuple[Win, ...] = ()) -> Turn:  # fmt: skip
        lucky = "、".join(state["won"]) or "没人踩中"
        if state["count"] < 2:
            said = line("floors.empty", "没盖起来，不算赢", floor=state["count"], lucky=lucky)
            return Turn(state, (*says, said), verdict, wins, over=True, score=int(bool(verdict)))
        said = line(
            "floors.over", "到时间，最后一层赢", floor=state["count"], name=table.name_of(state["last"]),
            points=table.points, lucky=lucky,
        )  # fmt: skip
        last = Win("last", state["last"], table.points, "盖楼最后一层")
        return Turn(state, (*says, said), verdict, (*wins, last), over=True, score=int(bool(verdict)))

    def wake(self, state: State, table: Table) -> Turn:
        return self._close(state, table) if table.at >= state["until"] else Turn(state, wake_at=state["until"])

    def stop(self, state: State, table: Table) -> Turn:
        """Before the deadline nobody has the last floor."""
        lucky = "、".join(state["won"]) or "没人踩中"
        said = line("floors.empty", "提前结束，最后一层不算", floor=state["count"], lucky=lucky)
        return Turn(state, (said,), over=True)

    def show(self, state: State, table: Table) -> Say:
        name = table.name_of(state["last"]) if state["last"] else "还没有人"
        return line(
            "floors.board", "有人看楼", floor=state["count"], name=name, slogan=state["slogan"],
            until=table.clock(state["until"]), lucky="、".join(state["won"]) or "还没人踩中",
        )  # fmt: skip


def _is_floor(text: str, slogan: str) -> bool:
    """The slogan alone, or with punctuation, a number or words after a gap: `盖`, `盖 12`, `盖！`; not `盖浇饭`."""
    rest = text[len(slogan) :]
    return text.startswith(slogan) and (not rest or rest[0].isdecimal() or not rest[0].isalnum())


def _unwarned(state: State, move: Move) -> bool:
    return bool(state["warned"] != move.member)


def _shown(lucky: list[int]) -> str:
    return "、".join(map(str, lucky)) or "没有"


game = Floors()
