"""拼团看板 as a rule: points are never lost, complete or given back."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.errors import Mistake
from bot.games import groupbuy as buy_rule
from tests.game_host import MEMBERS, Host


class BuyMachine(RuleBasedStateMachine):
    """Points are never lost: what left a member is in the pot or back."""

    @initialize(need=st.integers(2, 4), spare=st.integers(0, 2), price=st.integers(0, 7))
    def begin(self, need: int, spare: int, price: int) -> None:
        self.start = {"a": 20, "b": 7, "c": 6, "d": 0}
        self.host = Host(buy_rule.game, balances=dict(self.start))
        self.host.open(f"桃子 汽水 {need}人 {need + spare}份 {price}积分 2小时")
        self.need, self.stock, self.price = need, need + spare, price

    @precondition(lambda self: not self.host.over)
    @rule(member=st.sampled_from(MEMBERS))
    def join(self, member: str) -> None:
        inside = member in self.host.state["members"]
        poor = self.host.balances[member] < self.price
        if inside or poor:
            with pytest.raises(Mistake):
                self.host.says(member, "参团")
        else:
            self.host.says(member, "参团")
            assert member in self.host.state["members"]

    @precondition(lambda self: not self.host.over)
    @rule(member=st.sampled_from(MEMBERS))
    def leave(self, member: str) -> None:
        self.host.says(member, "退团")
        assert member not in self.host.state["members"]
        assert self.host.balances[member] == self.start[member]

    @rule(ms=st.integers(0, 2_000_000))
    def wait(self, ms: int) -> None:
        self.host.later(ms)

    @precondition(lambda self: not self.host.over)
    @rule()
    def stop(self) -> None:
        self.host.stop()

    @invariant()
    def the_pot_is_right(self) -> None:
        state = self.host.state
        kept = not self.host.over or state["result"] == "done"
        paying = set(state["members"]) if kept else set()
        assert self.host.balances == {one: have - self.price * (one in paying) for one, have in self.start.items()}
        assert len(state["members"]) <= self.stock
        if self.host.over and state["result"] != "stopped":
            assert (state["result"] == "done") == (len(state["members"]) >= self.need)


TestBuy = BuyMachine.TestCase
TestBuy.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
