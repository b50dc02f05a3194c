"""投票 as a rule: one vote each, the last one counts."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.errors import Mistake
from bot.games import vote as vote_rule
from tests.game_host import MEMBERS, Host


class VoteMachine(RuleBasedStateMachine):
    """One vote each, the last one counts."""

    @initialize()
    def begin(self) -> None:
        self.host = Host(vote_rule.game).open("喝什么 桃子 Lime 可可")
        self.votes: dict[str, int] = {}
        self.boards: list[int] = []

    @rule(member=st.sampled_from(MEMBERS), choice=st.integers(0, 2), how=st.integers(0, 3))
    def vote(self, member: str, choice: int, how: int) -> None:
        if self.host.over:
            return
        word = ("桃子", "lime", "可可")[choice]
        self.host.says(member, (f"投{choice + 1}", f"选 {choice + 1}号", word, f"投给{word}")[how])
        self.votes[member] = choice
        if "vote.board" in self.host.said():
            self.boards.append(self.host.at)

    @rule(member=st.sampled_from(MEMBERS), text=st.sampled_from(["投诉", "选什么好", "2", "好喝", "投 桃"]))
    def talk(self, member: str, text: str) -> None:
        assert self.host.says(member, text) is None

    @rule(ms=st.integers(0, 40_000))
    def wait(self, ms: int) -> None:
        self.host.later(ms)

    @invariant()
    def everybody_has_one_vote(self) -> None:
        assert self.host.state["votes"] == self.votes
        assert sum(vote_rule.tally(self.host.state)) == len(self.votes)
        assert all(two - one >= 30_000 for one, two in zip(self.boards, self.boards[1:], strict=False))
        assert not self.host.state["dirty"] or self.host.wake_at is not None


TestVote = VoteMachine.TestCase
TestVote.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("words", ["", "只有题目", "题 一", "题 重复 重复", "题 Ａ a", "题 1 2 3 4 5 6 7 8 9 10 11"])
def test_a_vote_needs_a_title_and_distinct_options(words: str) -> None:
    with pytest.raises(Mistake):
        Host(vote_rule.game).open(words)


def test_an_option_that_looks_like_a_span_is_an_option() -> None:
    assert Host(vote_rule.game).open("放几天 1天 3天").state["options"] == ["1天", "3天"]
