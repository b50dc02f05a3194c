"""花式PK as a rule: two teams over any contest."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.games import pk as pk_rule
from bot.games.idioms import answers
from bot.settings.games import Games
from tests.game_host import MEMBERS, Host


class MatchMachine(RuleBasedStateMachine):
    """Two teams over any contest: the team scores are what their members made."""

    @initialize(contest=st.sampled_from(sorted(pk_rule.CONTESTS)))
    def begin(self, contest: str) -> None:
        self.host = Host(pk_rule.game, Games(relay_most=8)).open(contest)
        self.contest = contest

    @rule(member=st.sampled_from(MEMBERS), team=st.sampled_from(["红队", "加入蓝队"]))
    def join(self, member: str, team: str) -> None:
        before = self.host.state["teams"].get(member)
        self.host.says(member, team)
        if before is not None:
            assert self.host.state["teams"][member] == before

    @rule(member=st.sampled_from(MEMBERS))
    def score(self, member: str) -> None:
        inner = self.host.state["inner"]
        if self.contest == "速算":
            self.host.says(member, str(inner["answer"]))
        elif self.contest == "盖楼":
            self.host.says(member, "盖")
        else:
            choice = answers(inner["used"][-1], set(inner["used"]), inner["match"])
            self.host.says(member, choice[0] if choice else "无")

    @rule(ms=st.integers(0, 200_000))
    def wait(self, ms: int) -> None:
        self.host.later(ms)

    @invariant()
    def the_scores_add_up(self) -> None:
        state = self.host.state
        red, blue = pk_rule.totals(state)
        assert red + blue == sum(state["made"].values())
        assert set(state["made"]) <= set(state["teams"])
        winners = {member for member, _ in self.host.paid.values()}
        if winners:
            assert self.host.over
            assert red != blue
            assert winners == {one for one in state["made"] if state["teams"][one] == int(blue > red)}
        assert self.host.over or (self.host.wake_at is not None and self.host.wake_at <= state["until"])


TestMatch = MatchMachine.TestCase
TestMatch.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
