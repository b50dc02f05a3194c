"""成语接龙 as a rule: words link and never repeat, a dead end closes with honour."""

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.games import relay as relay_rule
from bot.games.idioms import answers, connects, is_idiom, starts
from bot.settings.games import Games
from tests.game_host import MEMBERS, Host


class RelayMachine(RuleBasedStateMachine):
    """Members link, repeat, cheat and ask; the chain stays a chain."""

    @initialize(match=st.sampled_from(["char", "sound", "tone"]), most=st.integers(5, 12))
    def begin(self, match: str, most: int) -> None:
        self.host = Host(relay_rule.game, Games(relay_match=match, relay_most=most)).open()

    @rule(member=st.sampled_from(MEMBERS), pick=st.integers(0, 10_000))
    def link(self, member: str, pick: int) -> None:
        if self.host.over:
            return
        before = dict(self.host.state)
        choice = answers(before["used"][-1], set(before["used"]), before["match"])
        assert choice, "a dead end closes the game at once"
        word = choice[pick % len(choice)]
        self.host.says(member, word)
        assert (self.host.state["used"][-1] == word) == (member != before["last"])

    @rule(
        member=st.sampled_from(MEMBERS),
        word=st.sampled_from(["一心一意", "马马虎虎", "今天真热", "好", "提示", "啦啦啦啦"]),
    )
    def talk(self, member: str, word: str) -> None:
        self.host.says(member, word)

    @rule(member=st.sampled_from(MEMBERS))
    def bot_plays(self, member: str) -> None:
        self.host.says(member, "元子接")

    @rule(ms=st.integers(0, 700_000))
    def wait(self, ms: int) -> None:
        self.host.later(ms)

    @invariant()
    def it_is_a_chain(self) -> None:
        used = self.host.state["used"]
        assert len(set(used)) == len(used)
        assert all(map(is_idiom, used))
        assert all(connects(one, two, self.host.state["match"]) for one, two in itertools.pairwise(used))
        assert self.host.state["hints"] <= self.host.rules.relay_hints

    @invariant()
    def it_ends_by_itself_and_pays_one(self) -> None:
        assert self.host.over or self.host.wake_at is not None
        assert len(self.host.paid) <= int(self.host.over)
        if self.host.paid:
            assert len(self.host.state["humans"]) > 1


TestRelay = RelayMachine.TestCase
TestRelay.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)


def test_the_same_word_opens_the_same_game_always() -> None:
    assert Host(relay_rule.game).open().state == Host(relay_rule.game).open().state


def test_a_dead_end_closes_with_honour_and_pays_the_last_link() -> None:
    word = next(
        one for one in starts() if any(not answers(two, {one, two}, "char") for two in answers(one, {one}, "char"))
    )
    end = next(two for two in answers(word, {word}, "char") if not answers(two, {word, two}, "char"))
    host = Host(relay_rule.game, Games(relay_least=1)).open(word)
    host.state = {**host.state, "humans": {"a": 1}}
    host.says("b", end)
    assert host.said() == ["relay.dead_end", "relay.result"]
    assert host.paid == {"win": ("b", 10)}
    assert host.last.best == 1


def test_the_bot_does_not_walk_into_a_dead_end_when_there_is_another_way() -> None:
    host = Host(relay_rule.game).open("一心一意")
    host.says("b", "元子接")
    assert not host.over
    assert host.state["last"] == ""


def test_only_a_longer_chain_is_a_record() -> None:
    host = Host(relay_rule.game, Games(relay_least=1), best=1).open("一心一意")
    host.says("b", "意气风发")
    host.stop()
    assert host.last.best == 0


@pytest.mark.parametrize(
    ("before", "after", "match", "linked"),
    [
        ("一心一意", "意气风发", "char", True),
        ("一心一意", "一马当先", "char", False),
        ("一心一意", "一马当先", "sound", True),
        ("一心一意", "一马当先", "tone", False),
        ("一心一意", "易如反掌", "tone", True),
        ("一心一意", "马到成功", "sound", False),
    ],
)
def test_a_word_links_by_character_or_by_sound(before: str, after: str, match: str, linked: bool) -> None:
    assert connects(before, after, match) is linked
