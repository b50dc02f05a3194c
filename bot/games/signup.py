"""报名接龙: a list that keeps its order, by word or by WeChat's own #接龙 text."""

import re

from bot.errors import Mistake
from bot.games import Move, State, Table, Turn, line
from bot.games.board import changed, ms, woken
from bot.games.deadline import split_deadline
from bot.games.signup_text import LONGEST, Row, is_native, merge, parse
from bot.replies import Say
from bot.settings.games import Games
from bot.words import one_line

_LIMIT = re.compile(r"^(\d{1,3})人$")
SHOWN = 60
"""Rows of the list in one message; the export has them all."""


class Signup:
    """State: title, rows (see signup_text), most, until, board_at, dirty."""

    id = "signup"
    title = "报名接龙"
    words = ("报名接龙", "#接龙")
    usage = "活动 [20人] [12-05 20:00]"
    help = "说「报名」「取消报名」，或直接用微信的 #接龙；「报名表」看名单"
    role = None
    shows = ("报名表",)
    phrases = {  # noqa: RUF012
        "signup.open": "title until", "signup.kept": "title count", "signup.board": "title rows count until",
        "signup.full": "name most", "signup.again": "name", "signup.off": "name", "signup.not_in": "name",
        "signup.over": "title rows count", "signup.usage": "",
    }  # fmt: skip

    def open(self, table: Table) -> Turn:
        if parse(table.words)[1]:
            return self._open_native(table)
        parts, until = split_deadline(table.words.split(), table, table.rules.signup_span)
        limits = [found for part in parts if (found := _LIMIT.match(part))]
        most = min(table.rules.signup_most, int(limits[-1][1])) if limits else table.rules.signup_most
        title = one_line(" ".join(part for part in parts if not _LIMIT.match(part)), LONGEST)
        if not title or most < 1:
            raise Mistake("signup.usage")
        said = line("signup.open", "开了报名", title=title, until=table.clock(until))
        return Turn(_state(title, [], most, until, table), (said,), wake_at=until)

    def words_in(self, rules: Games) -> tuple[str, ...]:
        """The words that open it under these settings."""
        return self.words if rules.signup_native else self.words[:1]

    def _open_native(self, table: Table) -> Turn:
        title, texts = parse(table.words)
        rows = merge([], texts, table.starter, table.rules.signup_most)
        until = table.at + ms(table.rules.signup_span)
        title = title or "接龙"
        said = line("signup.kept", "有人发了 #接龙", title=title, count=len(rows))
        return Turn(_state(title, rows, table.rules.signup_most, until, table), (said,), wake_at=until)

    def move(self, state: State, move: Move, table: Table) -> Turn | None:
        if table.at >= state["until"]:
            return None
        if is_native(move.raw):
            return self._native(state, move, table)
        if move.text in ("取消报名", "退出报名"):
            return self._cancel(state, move, table)
        head, _, _ = move.text.partition(" ")
        return self._join(state, move, table) if head in ("报名", "+1", "我报名") else None

    def _join(self, state: State, move: Move, table: Table) -> Turn:
        note = one_line(" ".join(move.raw.split()[1:]), LONGEST - 24) if " " in move.text else ""
        text = f"{move.name} {note}".strip()
        rows: list[Row] = [dict(row) for row in state["rows"]]
        own = next((row for row in rows if row["by"] == move.member and not row["native"]), None)
        if own is None and len(rows) >= state["most"]:
            raise Mistake("signup.full", name=move.name, most=state["most"])
        if own is not None and (own["text"] == text or not note):
            raise Mistake("signup.again", name=move.name)
        if own is not None:
            own["text"] = text
        else:
            rows.append({"text": text, "by": move.member, "native": False})
        return self._changed({**state, "rows": rows}, table, "报名")

    def _cancel(self, state: State, move: Move, table: Table) -> Turn:
        rows = [row for row in state["rows"] if row["by"] != move.member]
        if len(rows) == len(state["rows"]):
            raise Mistake("signup.not_in", name=move.name)
        fresh, _, wake_at = changed({**state, "rows": rows}, table, table.rules.board_gap)
        said = line("signup.off", "取消报名", name=move.name)
        return Turn({**fresh, "dirty": True}, (said,), "取消", wake_at=wake_at)

    def _native(self, state: State, move: Move, table: Table) -> Turn | None:
        title, texts = parse(move.raw)
        if not table.rules.signup_native or (title or "接龙") != state["title"]:
            return Turn(state)  # another list of their own: not ours to keep, and no reason to speak
        # Everybody sees the copy that was just posted: it is kept without a word.
        return Turn({**state, "rows": merge(state["rows"], texts, move.member, state["most"])}, (), "接龙")

    def _changed(self, state: State, table: Table, verdict: str) -> Turn:
        fresh, posted, wake_at = changed(state, table, table.rules.board_gap)
        return Turn(fresh, (self.show(fresh, table),) if posted else (), verdict, wake_at=wake_at)

    def wake(self, state: State, table: Table) -> Turn:
        if table.at >= state["until"]:
            return self.stop(state, table)
        fresh, posted, wake_at = woken(state, table)
        return Turn(fresh, (self.show(fresh, table),) if posted else (), wake_at=wake_at)

    def stop(self, state: State, table: Table) -> Turn:
        rows = state["rows"]
        said = line("signup.over", "报名截止", title=state["title"], rows=_listed(rows), count=len(rows))
        return Turn(state, (said,), over=True)

    def show(self, state: State, table: Table) -> Say:
        rows, until = state["rows"], table.clock(state["until"])
        return line("signup.board", "看名单", title=state["title"], rows=_listed(rows), count=len(rows), until=until)


def _state(title: str, rows: list[Row], most: int, until: int, table: Table) -> dict[str, object]:
    board_at = table.at - ms(table.rules.board_gap)
    return {"title": title, "rows": rows, "most": most, "until": until, "board_at": board_at, "dirty": False}


def _listed(rows: list[Row]) -> str:
    lines = [f"{place}. {row['text']}" for place, row in enumerate(rows[:SHOWN], start=1)]
    return "\n".join(lines + ([f"……一共 {len(rows)} 位"] if len(rows) > SHOWN else [])) or "还没有人报名"


game = Signup()
