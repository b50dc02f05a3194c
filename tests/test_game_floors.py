"""盖楼 as a rule: floors without gaps, lucky ones and the last one win."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.games import floors as floors_rule
from bot.settings.games import Games
from tests.game_host import MEMBERS, Host


class FloorsMachine(RuleBasedStateMachine):
    """The model is a plain list of who built which floor."""

    @initialize(lucky=st.sets(st.integers(1, 30), max_size=5), most=st.integers(10, 25))
    def begin(self, lucky: set[int], most: int) -> None:
        self.host = Host(
            floors_rule.game, Games(floor_lucky=tuple(map(str, lucky)), floor_most=most, floor_every=3)
        ).open()
        self.built: list[str] = []
        self.lucky, self.most = lucky, most

    @rule(member=st.sampled_from(MEMBERS), text=st.sampled_from(["盖", "盖！", "盖 12", "盖3", "盖 到顶"]))
    def build(self, member: str, text: str) -> None:
        if not self.host.over and self.built[-1:] != [member]:
            self.built.append(member)
        self.host.says(member, text)

    @rule(member=st.sampled_from(MEMBERS), text=st.sampled_from(["盖浇饭", "今天盖被子", "签到", "盖楼"]))
    def talk(self, member: str, text: str) -> None:
        assert self.host.says(member, text) is None

    @rule(ms=st.integers(0, 400_000))
    def wait(self, ms: int) -> None:
        self.host.later(ms)

    @invariant()
    def floors_are_counted_without_gaps(self) -> None:
        assert self.host.state["count"] == len(self.built) <= self.most
        won = {int(key.split("/")[1]): who for key, (who, _) in self.host.paid.items() if key.startswith("lucky")}
        assert won == {floor: self.built[floor - 1] for floor in self.lucky if floor <= len(self.built)}
        if "last" in self.host.paid:
            assert self.host.over
            assert self.host.paid["last"][0] == self.built[-1]
        assert self.host.over or (self.host.wake_at is not None and self.host.wake_at > self.host.at)


TestFloors = FloorsMachine.TestCase
TestFloors.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


def test_stopping_a_floor_game_pays_no_last_floor() -> None:
    host = Host(floors_rule.game).open()
    host.says("a", "盖")
    host.says("b", "盖")
    host.stop()
    assert host.paid == {}


def test_a_post_at_the_deadline_itself_is_too_late() -> None:
    host = Host(floors_rule.game).open()
    host.at = host.state["until"]
    assert host.says("a", "盖") is None
