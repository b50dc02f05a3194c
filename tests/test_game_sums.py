"""速算 as a rule: the best are paid, and it ends by itself."""

from hypothesis import given
from hypothesis import strategies as st

from bot.games import sums as sums_rule
from bot.settings.games import Games
from tests.game_host import MEMBERS, Host


@given(st.lists(st.tuples(st.sampled_from(MEMBERS), st.sampled_from(["right", "wrong", "wait"])), max_size=40))
def test_sums_pay_the_best_and_end_by_themselves(moves: list[tuple[str, str]]) -> None:
    host = Host(sums_rule.game, Games(sums_rounds=4)).open()
    scores: dict[str, int] = {}
    for member, what in moves:
        if what == "wait":
            host.later(60_000)
        elif not host.over:
            scores[member] = scores.get(member, 0) + (what == "right")
            host.says(member, str(host.state["answer"] + (what == "wrong")))
    host.later(10 * 60_000)
    assert host.over
    best = max(scores.values(), default=0)
    assert {member for member, _ in host.paid.values()} == (
        {one for one in scores if scores[one] == best} if best else set()
    )
