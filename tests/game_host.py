"""A host for game rules in tests: keeps the state, rings the alarm, books points, as bot/handlers/play.py does."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.games import Move, Stake, Table, Turn
from bot.games.deadline import read_deadline
from bot.settings.games import Games
from bot.world import Luck

MEMBERS = ("a", "b", "c", "d")


def lucky(seed: str = "s") -> Callable[..., int]:
    """Luck as the house has it."""
    luck = Luck(seed)
    return lambda n, *occasion: luck.below(n, *occasion)


@dataclass
class Host:
    """What bot/handlers/play.py does, in memory: keeps the state as JSON, books points, remembers the alarm."""

    game: Any
    rules: Games = field(default_factory=Games)
    at: int = 1_000_000
    balances: dict[str, int] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    wake_at: int | None = None
    over: bool = False
    paid: dict[str, tuple[str, int]] = field(default_factory=dict)
    stakes: dict[str, Stake] = field(default_factory=dict)
    last: Turn = field(default_factory=lambda: Turn({}))
    best: int = 0

    def table(self, words: str = "") -> Table:
        def when(text: str) -> int | None:
            moment = read_deadline(text, datetime.fromtimestamp(self.at / 1000, UTC))
            return int(moment.timestamp() * 1000) if moment else None

        return Table(
            at=self.at, session="s", below=lucky(), name_of=lambda member: f"名{member}", starter="a", points=10,
            words=words, arguments=tuple(words.split()), rules=self.rules, when=when, best=self.best,
            balance_of=lambda member: self.balances.get(member, 0),
        )  # fmt: skip

    def open(self, words: str = "") -> "Host":
        self.take(self.game.open(self.table(words)))
        return self

    def says(self, member: str, text: str, *, addressed: bool = False) -> Turn | None:
        if self.over:
            return None
        move = Move(member, f"名{member}", text.casefold(), text, self.at, f"e{self.at}", addressed=addressed)
        before = json.dumps(self.state)
        turn: Turn | None = self.game.move(self.state, move, self.table())
        assert json.dumps(self.state) == before, "a state is shared: a rule gives a new one, and changes none in place"
        if turn is not None:
            self.take(turn)
        return turn

    def later(self, ms: int) -> None:
        """Time goes by; every alarm rings at its own moment."""
        end = self.at + ms
        while not self.over and self.wake_at is not None and self.wake_at <= end:
            self.at, self.wake_at = max(self.at, self.wake_at), None
            self.take(self.game.wake(self.state, self.table()))
        self.at = end

    def stop(self) -> None:
        self.take(self.game.stop(self.state, self.table()))
        self.over = True

    def take(self, turn: Turn) -> None:
        self.state = json.loads(json.dumps(turn.state))
        assert self.state == turn.state, "a state is plain JSON"
        for stake in turn.stakes:
            assert stake.key not in self.stakes
            assert self.balances.get(stake.member, 0) >= stake.points
            self.balances[stake.member] -= stake.points
            self.stakes[stake.key] = stake
        for key in turn.refunds:
            if key in self.stakes:
                stake = self.stakes.pop(key)
                self.balances[stake.member] += stake.points
        for win in turn.wins:
            assert win.key not in self.paid, "a win pays once"
            self.paid[win.key] = (win.member, win.points)
        for said in turn.says:
            declared = set(self.game.phrases.get(said.key, "?").split())
            assert said.because
            if said.key in self.game.phrases:
                assert set(said.slots) <= declared, said.key
        if turn.wake_at is not None:
            self.wake_at = turn.wake_at
        self.over, self.last = self.over or turn.over, turn

    def said(self) -> list[str]:
        return [said.key for said in self.last.says]
