"""成语接龙: each idiom begins with the last character (or sound) of the one before; a dead end closes with honour."""

import re

from bot.errors import Mistake
from bot.games import Move, State, Table, Turn, Win, line
from bot.games.board import ms
from bot.games.idioms import answers, connects, is_idiom, sound_of, starts
from bot.replies import Say, say

_FOUR = re.compile(r"^[\s\W]*([\u4e00-\u9fff]{4})[\s\W]*$")
_BOT_PLAYS = frozenset({"元子接", "小元子接", "禾言接", "机器人接"})
_ASKED = frozenset({"接", "你接", "接一个", "请接"})


class Relay:
    """State: used (in order), last (member who linked last; "" is the bot), champion (the last member to
    link), humans (member -> links), hints, match."""

    id = "relay"
    title = "成语接龙"
    words = ("成语接龙",)
    usage = "[开头的成语]"
    help = "接成语；卡住说「提示」，想让我接说「元子接」"
    role = None
    phrases = {  # noqa: RUF012
        "relay.open": "word need", "relay.next": "name word need count", "relay.bot": "word need count",
        "relay.unknown": "word", "relay.no_link": "word need", "relay.used": "word", "relay.turn": "name need",
        "relay.hint": "hint left", "relay.no_hints": "need", "relay.dead_end": "word", "relay.full": "count",
        "relay.result": "name points count record", "relay.no_result": "count record", "relay.record": "count",
    }  # fmt: skip

    def open(self, table: Table) -> Turn:
        match = table.rules.relay_match
        asked = _word(table.words)
        if table.words.strip() and (asked is None or not is_idiom(asked)):
            raise Mistake("relay.unknown", word=table.words.strip()[:20])
        word = asked or starts()[table.below(len(starts()), "first")]
        if not answers(word, {word}, match):
            raise Mistake("relay.dead_end", word=word)
        state = {
            "used": [word],
            "last": table.starter if asked else "",
            "champion": "",
            "humans": {},
            "hints": 0,
            "match": match,
        }
        return self._turn(state, table, (line("relay.open", "开了一局", word=word, need=_need(state)),))

    def move(self, state: State, move: Move, table: Table) -> Turn | None:
        text = move.text.strip()
        if text == "提示":
            return self._hint(state, table)
        if text in _BOT_PLAYS or (move.addressed and text in _ASKED):
            return self._bot(state, table)
        word = _word(move.raw) or _word(text)
        if word is None:
            return None
        before, need = state["used"][-1], _need(state)
        linked = connects(before, word, state["match"])
        if not is_idiom(word):
            return self._turn(state, table, (line("relay.unknown", "词典里没有", word=word),)) if linked else None
        if not linked:
            return self._turn(state, table, (line("relay.no_link", "接不上", word=word, need=need),), "接不上")
        if word in state["used"]:
            return self._turn(state, table, (line("relay.used", "这局用过了", word=word),), "用过")
        if move.member == state["last"]:
            return self._turn(state, table, (line("relay.turn", "不能连接两次", name=move.name, need=need),), "连接")
        humans = {**state["humans"], move.member: state["humans"].get(move.member, 0) + 1}
        return self._link({**state, "humans": humans, "champion": move.member}, table, word, move.member, move.name)

    def _link(self, state: State, table: Table, word: str, member: str, name: str) -> Turn:
        fresh = {**state, "used": [*state["used"], word], "last": member}
        count, score = len(fresh["used"]) - 1, int(member != "")
        if not answers(word, set(fresh["used"]), state["match"]):
            return self._finish(fresh, table, line("relay.dead_end", "再没有成语能接", word=word), word, score)
        if count >= table.rules.relay_most:
            return self._finish(fresh, table, line("relay.full", "接到上限了", count=count), word, score)
        need = _need(fresh)
        said = (
            line("relay.next", "接上了", name=name, word=word, need=need, count=count)
            if member
            else line("relay.bot", "有人请我接", word=word, need=need, count=count)
        )
        return self._turn(fresh, table, (said,), word, score)

    def _bot(self, state: State, table: Table) -> Turn:
        used = set(state["used"])
        choice = answers(state["used"][-1], used, state["match"])
        open_ended = [one for one in choice if answers(one, {*used, one}, state["match"])] or choice
        return self._link(state, table, open_ended[table.below(len(open_ended), "bot", len(used))], "", "")

    def _hint(self, state: State, table: Table) -> Turn:
        left = table.rules.relay_hints - state["hints"]
        if left <= 0:
            return self._turn(state, table, (line("relay.no_hints", "提示用完了", need=_need(state)),))
        choice = answers(state["used"][-1], set(state["used"]), state["match"])
        word = choice[table.below(len(choice), "hint", len(state["used"]))]
        said = line("relay.hint", "有人要提示", hint=f"{word[:2]}□□", left=left - 1)
        return self._turn({**state, "hints": state["hints"] + 1}, table, (said,), "提示")

    def _turn(self, state: State, table: Table, says: tuple[Say, ...], verdict: str = "", score: int = 0) -> Turn:
        return Turn(state, says, verdict, wake_at=table.at + ms(table.rules.idle), score=score)

    def _finish(self, state: State, table: Table, first: Say | None, verdict: str = "", score: int = 0) -> Turn:
        """The last member to link wins, if there was company and the chain was long enough."""
        count, winner, rules = len(state["used"]) - 1, state["champion"], table.rules
        best = count if count > table.best and count >= rules.relay_least else 0
        record = say("relay.record", count=count) if best else ""
        earned = winner and len(state["humans"]) > 1 and count >= rules.relay_least
        said = (
            line("relay.result", "最后接上的人赢", name=table.name_of(winner), points=table.points, count=count,
                  record=record)
            if earned
            else line("relay.no_result", "接得太短，或只有一个人在接", count=count, record=record)
        )  # fmt: skip
        wins = (Win("win", winner, table.points, "成语接龙"),) if earned else ()
        return Turn(state, (first, said) if first else (said,), verdict, wins, over=True, score=score, best=best)

    def wake(self, state: State, table: Table) -> Turn:
        return self._finish(state, table, None)

    def stop(self, state: State, table: Table) -> Turn:
        """Stopped by hand nobody wins: else the starter would stop right after a link of their own."""
        return self._finish({**state, "champion": ""}, table, None)


def _word(text: str) -> str | None:
    found = _FOUR.match(text)
    return found[1] if found else None


def _need(state: State) -> str:
    """What the next idiom begins with, as members see it."""
    word, match = state["used"][-1], state["match"]
    return f"{word[-1]}" if match == "char" else f"{word[-1]}（{sound_of(word, -1, 'tone')}）"


game = Relay()
