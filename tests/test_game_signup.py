"""报名接龙 as a rule: copies merge, nobody else's row is lost."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.errors import Mistake
from bot.games import signup as signup_rule
from bot.games.signup_text import merge, parse
from tests.game_host import MEMBERS, Host

NAMES = st.sampled_from(["小满", "阿杰", "豆豆", "橙子", "小满 2人", "阿杰（带孩子）", "暖暖，晚到", "= 1+1"])


@given(st.lists(st.tuples(st.sampled_from(MEMBERS), st.lists(NAMES, max_size=6)), max_size=8), st.integers(1, 6))
def test_merging_copies_keeps_order_loses_nobody_elses_row_and_is_idempotent(
    posts: list[tuple[str, list[str]]], most: int
) -> None:
    rows: list[dict[str, Any]] = []
    for poster, texts in posts:
        before = rows
        rows = merge(rows, texts, poster, most)
        assert merge(rows, texts, poster, most) == rows
        assert len(rows) <= most
        assert len({row["text"] for row in rows}) == len(rows)
        others = [row["by"] for row in before if row["by"] != poster]
        assert [row["by"] for row in rows if row["by"] != poster] == others


def test_two_edits_of_the_same_old_copy_are_both_kept() -> None:
    rows = merge([], ["小满"], "a", 10)
    rows = merge(rows, ["小满", "阿杰"], "b", 10)
    rows = merge(rows, ["小满", "豆豆"], "c", 10)
    assert [row["text"] for row in rows] == ["小满", "阿杰", "豆豆"]


def test_editing_ones_own_row_keeps_its_place_and_leaving_it_out_removes_it() -> None:
    rows = merge(merge([], ["小满"], "a", 10), ["小满", "阿杰"], "b", 10)
    assert [row["text"] for row in merge(rows, ["满满", "阿杰"], "a", 10)] == ["满满", "阿杰"]
    assert [row["text"] for row in merge(rows, ["小满"], "b", 10)] == ["小满"]


def test_a_native_text_is_read_as_wechat_writes_it() -> None:
    raw = "#接龙\n周六徒步\n例 姓名 人数\n\n1. 小满 2人\n2、阿杰\n3. \n10) 豆豆"
    assert parse(raw) == ("周六徒步", ["小满 2人", "阿杰", "豆豆"])


@given(st.text(max_size=300))
def test_any_text_after_the_mark_can_be_read(text: str) -> None:
    title, rows = parse(f"#接龙\n{text}")
    assert len(title) <= 60
    assert all("\n" not in row and row for row in rows)


class SignupMachine(RuleBasedStateMachine):
    """Words and copies mixed: places are kept, the limit holds, one row by word for each member."""

    @initialize(most=st.integers(1, 5))
    def begin(self, most: int) -> None:
        self.host = Host(signup_rule.game).open(f"徒步 {most}人 2小时")
        self.most = most

    def _try(self, member: str, text: str) -> None:
        try:
            self.host.says(member, text)
        except Mistake as mistake:
            assert mistake.key in signup_rule.game.phrases

    @rule(member=st.sampled_from(MEMBERS), note=st.sampled_from(["", " 2人", " 晚到"]))
    def sign_up(self, member: str, note: str) -> None:
        self._try(member, f"报名{note}")

    @rule(member=st.sampled_from(MEMBERS))
    def cancel(self, member: str) -> None:
        self._try(member, "取消报名")
        if not self.host.over:
            assert all(row["by"] != member for row in self.host.state["rows"])

    @rule(member=st.sampled_from(MEMBERS), rows=st.lists(NAMES, max_size=4), title=st.sampled_from(["徒步", "别的"]))
    def copy(self, member: str, rows: list[str], title: str) -> None:
        before = list(self.host.state["rows"])
        self._try(member, f"#接龙\n{title}\n" + "\n".join(f"{n}. {row}" for n, row in enumerate(rows, 1)))
        if title == "别的":
            assert self.host.state["rows"] == before

    @rule(ms=st.integers(0, 1_000_000))
    def wait(self, ms: int) -> None:
        self.host.later(ms)

    @invariant()
    def the_list_is_right(self) -> None:
        rows = self.host.state["rows"]
        assert len(rows) <= self.most
        own = [row["by"] for row in rows if not row["native"]]
        assert len(set(own)) == len(own)
        assert self.host.over or self.host.wake_at is not None


TestSignup = SignupMachine.TestCase
TestSignup.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
