"""拼团看板: so many people or no deal; who joins puts points in, and gets them back when it fails."""

import re
from typing import Any

from bot.errors import Mistake
from bot.games import Move, Stake, State, Table, Turn, line
from bot.games.board import changed, ms, woken
from bot.games.deadline import split_deadline
from bot.replies import Say, say
from bot.words import one_line

_NUMBER = re.compile(r"^(\d{1,5})(人|份|积分|分)$")
JOIN = frozenset({"参团", "拼", "我要拼", "我拼"})
LEAVE = frozenset({"退团", "不拼了"})


class GroupBuy:
    """State: title, need (people), stock (portions), price (points), members (member -> key of the stake), joins (how
    often anybody joined), until, board_at, dirty, result ("" while open)."""

    id = "groupbuy"
    title = "拼团"
    words = ("拼团",)
    usage = "名称 3人 [5份] [10积分] [20:00]"
    help = "开一个拼团；大家说「参团」「退团」，「看团」看进度"
    role = "guide"
    shows = ("看团",)
    phrases = {  # noqa: RUF012
        "buy.open": "title need stock price until", "buy.price": "points", "buy.board": "title names left stock until",
        "buy.already": "name", "buy.no_points": "name price balance", "buy.left": "name refund", "buy.refund": "points",
        "buy.done": "title names count", "buy.failed": "title count need refund", "buy.stopped": "title refund",
        "buy.usage": "",
    }  # fmt: skip

    def open(self, table: Table) -> Turn:
        numbers: dict[str, int] = {}
        words: list[str] = []
        for part in table.words.split():
            found = _NUMBER.match(part)
            if found and found[2].replace("积分", "分") not in numbers:
                numbers[found[2].replace("积分", "分")] = int(found[1])
            else:
                words.append(part)
        parts, until = split_deadline(words, table, table.rules.buy_span)
        title, need = one_line(" ".join(parts), 30), numbers.get("人", 0)
        stock = numbers.get("份", max(need, table.rules.buy_stock))
        if not title or need < 2 or stock < need:
            raise Mistake("buy.usage")
        price = numbers.get("分", 0)
        state = {
            "title": title, "need": need, "stock": stock, "price": price, "members": {}, "joins": 0, "until": until,
            "board_at": table.at - ms(table.rules.buy_gap), "dirty": False, "result": "",
        }  # fmt: skip
        cost = say("buy.price", points=price) if price else ""
        said = line("buy.open", "员工开团", title=title, need=need, stock=stock, price=cost, until=table.clock(until))
        return Turn(state, (said,), wake_at=until)

    def move(self, state: State, move: Move, table: Table) -> Turn | None:
        if table.at >= state["until"]:
            return None
        if move.text in JOIN:
            return self._join(state, move, table)
        return self._leave(state, move, table) if move.text in LEAVE and move.member in state["members"] else None

    def _join(self, state: State, move: Move, table: Table) -> Turn:
        if move.member in state["members"]:
            raise Mistake("buy.already", name=move.name)
        price, balance = state["price"], table.balance_of(move.member)
        if balance < price:
            raise Mistake("buy.no_points", name=move.name, price=price, balance=balance)
        number = state["joins"] + 1
        key = f"join/{number}"
        joined = {**state, "members": {**state["members"], move.member: key}, "joins": number}
        stakes = (Stake(key, move.member, price, f"拼团 {state['title']}"),) if price else ()
        if len(joined["members"]) >= state["stock"]:
            return self._done(joined, table, stakes)
        fresh, posted, wake_at = changed(joined, table, table.rules.buy_gap)
        says = (self.show(fresh, table),) if posted else ()
        return Turn(fresh, says, "参团", wake_at=wake_at, stakes=stakes)

    def _leave(self, state: State, move: Move, table: Table) -> Turn:
        key = state["members"][move.member]
        members = {member: one for member, one in state["members"].items() if member != move.member}
        fresh, _, wake_at = changed({**state, "members": members}, table, table.rules.buy_gap)
        said = line("buy.left", "退团", name=move.name, refund=_refund(state))
        return Turn({**fresh, "dirty": True}, (said,), "退团", wake_at=wake_at, refunds=(key,))

    def wake(self, state: State, table: Table) -> Turn:
        if table.at >= state["until"]:
            return self._done(state, table) if len(state["members"]) >= state["need"] else self._fail(state, "failed")
        fresh, posted, wake_at = woken(state, table)
        return Turn(fresh, (self.show(fresh, table),) if posted else (), wake_at=wake_at)

    def stop(self, state: State, table: Table) -> Turn:
        return self._fail(state, "stopped")

    def _done(self, state: State, table: Table, stakes: tuple[Stake, ...] = ()) -> Turn:
        names = _names(state, table)
        said = line("buy.done", "人数够了", title=state["title"], names=names, count=len(state["members"]))
        return Turn({**state, "result": "done"}, (said,), "参团" if stakes else "", over=True, stakes=stakes)

    def _fail(self, state: State, result: str) -> Turn:
        slots: dict[str, Any] = {"title": state["title"], "refund": _refund(state) if state["members"] else ""}
        if result == "failed":
            slots |= {"count": len(state["members"]), "need": state["need"]}
        said = line(f"buy.{result}", "没成团，积分退回" if result == "failed" else "提前结束，积分退回", **slots)
        refunds = tuple(state["members"].values())
        return Turn({**state, "result": result}, (said,), over=True, refunds=refunds)

    def show(self, state: State, table: Table) -> Say:
        count = len(state["members"])
        return line(
            "buy.board", "有人参团或退团", title=state["title"], names=_names(state, table) or "还没有人",
            left=max(0, state["need"] - count), stock=state["stock"] - count, until=table.clock(state["until"]),
        )  # fmt: skip


def _names(state: State, table: Table) -> str:
    names = [table.name_of(member) for member in state["members"]]
    return "、".join(names[:30]) + (f"等 {len(names)} 位" if len(names) > 30 else "")


def _refund(state: State) -> Say | str:
    return say("buy.refund", points=state["price"]) if state["price"] else ""


game = GroupBuy()
