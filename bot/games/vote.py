"""投票: options, one vote each, changeable until the deadline; then the result."""

from bot.errors import Mistake
from bot.games import Move, State, Table, Turn, line
from bot.games.board import changed, ms, woken
from bot.games.deadline import split_deadline
from bot.replies import Say
from bot.words import normalise, one_line

LONGEST = 20
"""Characters of an option: more would not fit a line of the board."""


class Vote:
    """State: title, options, keys (options as compared), votes (member -> option), until, board_at, dirty."""

    id = "vote"
    title = "投票"
    words = ("投票",)
    usage = "题目 选项1 选项2 … [20:00]"
    help = "一人一票，说「投1」，可以改；「看票」看现在几票"
    role = None
    shows = ("看票",)
    phrases = {  # noqa: RUF012
        "vote.open": "title options until", "vote.board": "title rows count until", "vote.over": "title rows winner",
        "vote.tie": "title rows winners", "vote.empty": "title", "vote.usage": "most", "vote.no_option": "count",
    }  # fmt: skip

    def open(self, table: Table) -> Turn:
        parts, until = split_deadline(table.words.split(), table, table.rules.vote_span, spans=False)
        parts = [one_line(part, LONGEST) for part in parts]
        title, options = (parts[0], parts[1:]) if parts else ("", [])
        keys = [normalise(option) for option in options]
        if len(set(keys)) != len(keys) or not 2 <= len(options) <= table.rules.vote_options:
            raise Mistake("vote.usage", most=table.rules.vote_options)
        state = {
            "title": title, "options": options, "keys": keys, "votes": {}, "until": until,
            "board_at": table.at - ms(table.rules.board_gap), "dirty": False,
        }  # fmt: skip
        rows = "\n".join(f"{place}. {option}" for place, option in enumerate(options, start=1))
        said = line("vote.open", "开了投票", title=title, options=rows, until=table.clock(until))
        return Turn(state, (said,), wake_at=until)

    def move(self, state: State, move: Move, table: Table) -> Turn | None:
        choice = _choice(move.text, state["keys"])
        if choice is None or table.at >= state["until"]:
            return None
        if not 0 <= choice < len(state["options"]):
            raise Mistake("vote.no_option", count=len(state["options"]))
        verdict = f"投 {choice + 1}"
        if state["votes"].get(move.member) == choice:
            return Turn(state, (), verdict)
        voted = {**state, "votes": {**state["votes"], move.member: choice}}
        fresh, posted, wake_at = changed(voted, table, table.rules.board_gap)
        return Turn(fresh, (self.show(fresh, table),) if posted else (), verdict, wake_at=wake_at)

    def wake(self, state: State, table: Table) -> Turn:
        if table.at >= state["until"]:
            return self.stop(state, table)
        fresh, posted, wake_at = woken(state, table)
        return Turn(fresh, (self.show(fresh, table),) if posted else (), wake_at=wake_at)

    def stop(self, state: State, table: Table) -> Turn:
        counts, title = tally(state), state["title"]
        if not any(counts):
            return Turn(state, (line("vote.empty", "没人投", title=title),), over=True)
        best = [option for option, count in zip(state["options"], counts, strict=True) if count == max(counts)]
        rows = _rows(state)
        said = (
            line("vote.over", "投票结束", title=title, rows=rows, winner=best[0])
            if len(best) == 1
            else line("vote.tie", "投票结束，票数一样", title=title, rows=rows, winners="、".join(best))
        )
        return Turn(state, (said,), over=True)

    def show(self, state: State, table: Table) -> Say:
        count, until = len(state["votes"]), table.clock(state["until"])
        return line("vote.board", "票数有变化", title=state["title"], rows=_rows(state), count=count, until=until)


def tally(state: State) -> list[int]:
    """Votes by option."""
    votes = list(state["votes"].values())
    return [votes.count(place) for place in range(len(state["options"]))]


def _choice(text: str, keys: list[str]) -> int | None:
    """`投1`, `投 1`, `选1`, `投 气泡桃` or an option as it stands -> its place; None when it is just talk."""
    if text in keys:
        return keys.index(text)
    if text[:1] not in ("投", "选"):
        return None
    rest = text[1:].removeprefix("给").strip()
    if rest in keys:
        return keys.index(rest)
    rest = rest.removesuffix("号")
    return int(rest) - 1 if rest.isdecimal() and len(rest) < 4 else None


def _rows(state: State) -> str:
    counts = tally(state)
    return "\n".join(
        f"{place}. {option} {count} 票"
        for place, (option, count) in enumerate(zip(state["options"], counts, strict=True), 1)
    )


game = Vote()
