"""口令接龙 as a rule: each character once, each from another member."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Mistake
from bot.games import passphrase as pass_rule
from tests.game_host import Host


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("元气满啊")), max_size=40))
def test_a_passphrase_takes_each_character_once_from_another_member(moves: list[tuple[str, str]]) -> None:
    host = Host(pass_rule.game).open("元气满元")
    expected: list[str] = []
    for member, char in moves:
        host.says(member, char)
        if len(expected) < 4 and char == "元气满元"[len(expected)] and member not in expected:
            expected.append(member)
        host.at += 1
    assert host.state["by"] == expected
    assert host.over == (len(expected) == 4)
    assert sorted(member for member, _ in host.paid.values()) == (sorted(expected) if host.over else [])
    host.later(86_400_000)
    assert host.over


@pytest.mark.parametrize("phrase", ["", "一", "十二个字以上的口令不可以哦哦", "有，标点"])
def test_a_passphrase_that_cannot_be_relayed_is_refused(phrase: str) -> None:
    with pytest.raises(Mistake):
        Host(pass_rule.game).open(phrase)
