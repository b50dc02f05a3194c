"""Relays and group games as rules: whatever members send, the promises of each hold."""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.errors import Mistake
from bot.games import Move, Stake, Table, Turn
from bot.games import floors as floors_rule
from bot.games import groupbuy as buy_rule
from bot.games import passphrase as pass_rule
from bot.games import pk as pk_rule
from bot.games import relay as relay_rule
from bot.games import signup as signup_rule
from bot.games import sums as sums_rule
from bot.games import vote as vote_rule
from bot.games.deadline import read_deadline, show_moment
from bot.games.idioms import answers, connects, is_idiom, starts
from bot.games.signup_text import merge, parse
from bot.settings.games import Games
from bot.world import Luck

MEMBERS = ("a", "b", "c", "d")
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 12, 2, 12, 0, tzinfo=SHANGHAI)


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
        turn: Turn | None = self.game.move(self.state, move, self.table())
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


# -- 成语接龙 --------------------------------------------------------------------------------------------------------


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


# -- 口令接龙 --------------------------------------------------------------------------------------------------------


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


# -- 盖楼 ------------------------------------------------------------------------------------------------------------


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


# -- 速算 and 花式PK --------------------------------------------------------------------------------------------------


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


# -- 投票 ------------------------------------------------------------------------------------------------------------


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


# -- 拼团 ------------------------------------------------------------------------------------------------------------


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


# -- 报名接龙 --------------------------------------------------------------------------------------------------------

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


# -- deadlines -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("20:00", "20:00"),
        ("２０：００", "20:00"),
        ("11:00", "12月3日 11:00"),
        ("明天 20:00", "12月3日 20:00"),
        ("12-05 20:00", "12月5日 20:00"),
        ("12月5日20:00截止", "12月5日 20:00"),
        ("1月2日 8:00", "1月2日 08:00"),
        ("30分钟后", "12:30"),
        ("2h", "14:00"),
    ],
)
def test_a_deadline_is_the_next_such_moment(text: str, shown: str) -> None:
    moment = read_deadline(text, NOON)
    assert moment is not None
    assert moment > NOON
    assert show_moment(moment, NOON) == shown


@given(st.text(max_size=20))
def test_any_text_is_a_future_moment_or_no_deadline(text: str) -> None:
    moment = read_deadline(text, NOON)
    assert moment is None or NOON < moment <= NOON + timedelta(days=4000)


@pytest.mark.parametrize("text", ["25:00", "2-30 20:00", "0分钟", "", "今天 11:00", "20", "周五"])
def test_what_is_not_a_moment_ahead_is_no_deadline(text: str) -> None:
    assert read_deadline(text, NOON) is None
