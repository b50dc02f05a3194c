"""花式PK: two teams play any scored game; what a move is worth goes to the team of whoever made it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.errors import Mistake
from bot.games import Move, State, Table, Turn, Win, line
from bot.games import floors as _floors
from bot.games import relay as _relay
from bot.games import sums as _sums
from bot.games.deadline import split_deadline
from bot.replies import Say

CONTESTS: Mapping[str, Any] = {"速算": _sums.game, "成语接龙": _relay.game, "盖楼": _floors.game}
TEAMS = ("红队", "蓝队")


class TeamMatch:
    """State: contest and inner (its state), teams (member -> 0 or 1), scores and points by member, half, until,
    inner_wake (ms, what the contest wants to be woken at)."""

    id = "pk"
    title = "花式PK"
    words = ("花式PK", "PK")
    usage = "[速算|成语接龙|盖楼] [20:00]"
    help = "说「红队」「蓝队」站队，两队比一场；「战况」看比分"
    role = None
    shows = ("战况",)
    phrases = {  # noqa: RUF012
        "pk.open": "title until points", "pk.joined": "name team red blue", "pk.already": "name team",
        "pk.board": "title red blue stars", "pk.over": "team red blue names points", "pk.draw": "red blue",
        "pk.usage": "",
    }  # fmt: skip

    def open(self, table: Table) -> Turn:
        parts, until = split_deadline(table.arguments, table, table.rules.pk_span)
        contest = parts[0] if parts else "速算"
        if contest not in CONTESTS or len(parts) > 1:
            raise Mistake("pk.usage")
        # The contest has no reward of its own, and lasts as long as the match.
        span = timedelta(milliseconds=until - table.at)
        rules = table.rules.model_copy(update={"floor_span": span, "floor_lucky": ()})
        turn: Turn = CONTESTS[contest].open(replace(table, points=0, arguments=(), words="", rules=rules))
        half = table.at + (until - table.at) // 2
        state = {
            "contest": contest, "inner": turn.state, "teams": {}, "made": {}, "until": until, "half": half,
            "halved": False, "inner_wake": turn.wake_at,
        }  # fmt: skip
        said = line("pk.open", "开了一场", title=contest, until=table.clock(until), points=table.points)
        return Turn(state, (said, *turn.says), wake_at=_next_wake(state))

    def move(self, state: State, move: Move, table: Table) -> Turn | None:
        wish = move.text.removeprefix("加入").strip()
        if wish in TEAMS:
            return self._join(state, move, TEAMS.index(wish), table)
        if table.at >= state["until"]:
            return None
        inner = CONTESTS[state["contest"]].move(state["inner"], move, replace(table, points=0))
        if inner is None:
            return None
        fresh: dict[str, Any] = {**state}
        if inner.score:
            if move.member not in state["teams"]:
                fresh["teams"] = {**state["teams"], move.member: _smaller(state, table, move.member)}
            fresh["made"] = {**state["made"], move.member: state["made"].get(move.member, 0) + inner.score}
        return self._after(fresh, inner, table)

    def _join(self, state: State, move: Move, team: int, table: Table) -> Turn:
        before = state["teams"].get(move.member)
        if before is not None:
            said = line("pk.already", "站好队就不换了", name=move.name, team=TEAMS[before])
            return Turn(state, (said,), "站队", wake_at=_next_wake(state))
        teams = {**state["teams"], move.member: team}
        red, blue = (list(teams.values()).count(one) for one in (0, 1))
        said = line("pk.joined", "站队", name=move.name, team=TEAMS[team], red=red, blue=blue)
        return Turn({**state, "teams": teams}, (said,), "站队", wake_at=_next_wake(state))

    def _after(self, state: dict[str, Any], inner: Turn, table: Table) -> Turn:
        """What a turn of the contest means for the match."""
        fresh = {**state, "inner": inner.state}
        if inner.wake_at is not None:
            fresh["inner_wake"] = inner.wake_at
        if inner.over:  # its last line names a winner of its own; here the team wins
            done = self._finish(fresh, table)
            return replace(done, says=(*inner.says[:-1], *done.says), verdict=inner.verdict)
        return Turn(fresh, inner.says, inner.verdict, wake_at=_next_wake(fresh), score=inner.score)

    def _finish(self, state: State, table: Table) -> Turn:
        red, blue = totals(state)
        if red == blue:
            return Turn(state, (line("pk.draw", "平局，不分", red=red, blue=blue),), over=True)
        team = 0 if red > blue else 1
        heroes = [one for one in state["made"] if state["teams"].get(one) == team]
        wins = tuple(Win(f"win/{place}", one, table.points, "花式PK") for place, one in enumerate(heroes, start=1))
        said = line(
            "pk.over", "比完了，赢的队里得过分的人有奖", team=TEAMS[team], red=red, blue=blue,
            names="、".join(map(table.name_of, heroes[:20])), points=table.points,
        )  # fmt: skip
        return Turn(state, (said,), wins=wins, over=True)

    def wake(self, state: State, table: Table) -> Turn:
        if table.at >= state["until"]:
            return self._finish(state, table)
        says: tuple[Say, ...] = ()
        fresh: dict[str, Any] = {**state}
        if table.at >= state["half"] and not state["halved"]:
            fresh["halved"] = True
            says = (self.show(state, table),)
        due = state["inner_wake"]
        if due is None or table.at < due:
            return Turn(fresh, says, wake_at=_next_wake(fresh))
        turn = CONTESTS[state["contest"]].wake(state["inner"], replace(table, points=0))
        after = self._after({**fresh, "inner_wake": None}, turn, table)
        return replace(after, says=(*says, *after.says))

    def stop(self, state: State, table: Table) -> Turn:
        """Stopped by hand nobody wins: the board is the last word."""
        return Turn(state, (self.show(state, table),), over=True)

    def show(self, state: State, table: Table) -> Say:
        red, blue = totals(state)
        order = sorted(state["made"], key=lambda one: -state["made"][one])[:5]
        stars = "\n".join(f"{TEAMS[state['teams'][one]]} {table.name_of(one)} {state['made'][one]} 分" for one in order)
        return line("pk.board", "报比分", title=state["contest"], red=red, blue=blue, stars=stars or "还没有人得分")


def totals(state: State) -> tuple[int, int]:
    """The scores of both teams: what their members made."""
    both = [0, 0]
    for member, made in state["made"].items():
        both[state["teams"][member]] += made
    return both[0], both[1]


def _smaller(state: State, table: Table, member: str) -> int:
    """The team of somebody who scored before joining: the smaller one, by luck when they are equal."""
    red, blue = (list(state["teams"].values()).count(one) for one in (0, 1))
    return table.below(2, "team", member) if red == blue else int(red > blue)


def _next_wake(state: State) -> int:
    moments = [state["until"], state["inner_wake"]] + ([] if state["halved"] else [state["half"]])
    return int(min(one for one in moments if one is not None))


game = TeamMatch()
