"""The pure rule of the quiz: any order of guesses, ticks and repeats keeps its promises."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.games import Move, Table, Turn
from bot.games.quiz import MOST, board, game, is_open, opening, question_of
from bot.games.scores import ALL, RACE, Guess, Score, changes, settle, standings

RULES = {"seconds": 30, "pause": 5, "hints": 2, "points": 5, "bonus": 3, "silent": 2}
MEMBERS = ["a", "b", "c", "d"]


def a_question(number: int) -> dict[str, Any]:
    return {"id": f"q{number}", "text": f"第{number}道题？", "answers": ["豆浆"], "hint": ["白白的", "早上喝"],
            "explanation": "", "picture": ""}  # fmt: skip


class Kept:
    """The answers of a session as a keeper would remember them: the notes of all its turns."""

    def __init__(self) -> None:
        self.notes: list[Mapping[str, Any]] = []

    def of(self, number: int) -> list[Mapping[str, Any]]:
        return [note for note in self.notes if note.get("answer") == number]

    def next_place(self, number: int, member: str) -> int | None:
        given = self.of(number)
        return None if member in [note["member"] for note in given] else len(given) + 1

    def guesses(self, number: int) -> list[Guess]:
        return [Guess(note["member"], note["right"], note["hints"]) for note in self.of(number)]


def a_table(at: int, now: int | None = None, kept: Kept | None = None) -> Table:
    return Table(at=at, now=at if now is None else now, session="s", below=lambda n, *_: 0, name_of=lambda one: one,
                 kept=kept or Kept())  # fmt: skip


def a_move(member: str, text: str, at: int, *, asked: bool = False) -> Move:
    return Move(member=member, name=member, text=text, raw=text, at=at, event_id=f"{member}{at}", asked=asked)


def keys(turn: Turn) -> list[str]:
    return [one.key for one in turn.says]


class Play:
    """A session driven by hand: notes and wins pile up as the host would keep them."""

    def __init__(self, mode: str, count: int, at: int = 0, **rules: int) -> None:
        self.wins: dict[str, tuple[str, int]] = {}
        self.kept = Kept()
        self.notes = self.kept.notes
        self.over = False
        self.at = at
        self.took(opening([a_question(number) for number in range(1, count + 1)], mode, {**RULES, **rules}, at))

    def took(self, turn: Turn) -> Turn:
        self.state, self.turn = turn.state, turn
        self.notes.extend(turn.notes)
        self.over = turn.over
        for win in turn.wins:
            assert win.key not in self.wins, "a win was paid twice"
            self.wins[win.key] = (win.member, win.points)
        return turn

    def guess(self, member: str, text: str) -> Turn | None:
        turn = game.move(self.state, a_move(member, text, self.at), a_table(self.at, kept=self.kept))
        return self.took(turn) if turn else None

    def tick(self, late: int = 0) -> Turn:
        at = max(self.at, self.state["due"])
        self.at = at + late
        return self.took(game.wake(self.state, a_table(at, self.at, self.kept)))

    def scores(self) -> list[list[Any]]:
        return [score for note in self.notes if "closed" in note for score in note["scores"]]


ACTIONS = st.lists(
    st.one_of(
        st.tuples(
            st.just("guess"), st.sampled_from(MEMBERS), st.sampled_from(["豆浆", "牛奶", "豆漿！", "哈哈", "咖啡"])
        ),
        st.tuples(st.just("tick"), st.just(""), st.sampled_from(["0", "1000", "90000"])),
        st.tuples(st.just("stale"), st.just(""), st.just("")),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(st.sampled_from([RACE, ALL]), st.integers(1, 4), ACTIONS)
def test_any_order_of_guesses_and_ticks_keeps_the_promises(
    mode: str, count: int, actions: list[tuple[str, str, str]]
) -> None:
    play = Play(mode, count)
    for kind, member, what in actions:
        if play.over:
            break
        if kind == "guess":
            play.guess(member, what)
        elif kind == "tick":
            play.tick(int(what))
        else:
            before = play.state
            turn = game.wake(before, a_table(before["due"] - 1, kept=play.kept))
            assert (turn.state, turn.says, turn.wins) == (before, (), ())
            assert turn.wake_at == before["due"], "a stale tick must not be the last"
        assert play.over or play.turn.wake_at is not None or kind != "tick"
    answers = [note for note in play.notes if "answer" in note]
    assert len({(note["answer"], note["member"]) for note in answers}) == len(answers), (
        "one guess a member and question"
    )
    closed = [note for note in play.notes if "closed" in note]
    assert len({note["closed"] for note in closed}) == len(closed)
    for note in closed:
        mine = [one for one in answers if one["answer"] == note["closed"]]
        guesses = [Guess(one["member"], one["right"], one["hints"]) for one in mine]
        scores = [Score(*score) for score in note["scores"]]
        assert [one["place"] for one in mine] == list(range(1, len(mine) + 1))
        assert scores == list(settle(mode, guesses, 5, 3)), "the scores are what the record says"
        assert mode == ALL or len(scores) <= 1
    assert sorted(play.wins.values()) == sorted((who, points) for who, _, points in play.scores())
    sums: dict[str, int] = {}
    for who, _, points in play.scores():
        sums[who] = sums.get(who, 0) + points
    assert dict(board(play.state)) == sums


@given(st.sampled_from([RACE, ALL]), st.integers(1, 6))
def test_a_session_that_nobody_plays_ends_by_itself(mode: str, count: int) -> None:
    play = Play(mode, count)
    ticks = 0
    while not play.over:
        play.tick()
        ticks += 1
        assert ticks < 30
    assert play.wins == {}
    assert ("quiz.sleepy" in keys(play.turn)) == (count > 2)


def test_the_first_right_guess_wins_the_race_and_later_ones_are_talk() -> None:
    play = Play(RACE, 2)
    assert play.guess("a", "牛奶") is not None
    assert play.guess("a", "豆浆") is None, "one guess a question"
    turn = play.guess("b", "豆漿！")
    assert turn is not None
    assert keys(turn) == ["quiz.right"]
    assert play.guess("c", "豆浆") is None
    assert play.wins == {"q1/1": ("b", 8)}
    assert not is_open(play.state, 1)


def test_after_a_hint_the_bonus_is_gone() -> None:
    play = Play(RACE, 1)
    assert keys(play.tick()) == ["quiz.hint"]
    play.guess("a", "豆浆")
    assert play.wins == {"q1/1": ("a", 5)}


def test_everybody_who_is_right_scores_the_faster_the_more() -> None:
    play = Play(ALL, 1)
    for member, text in zip("abcd", ["豆浆", "牛奶", "豆浆", "豆浆"], strict=True):
        turn = play.guess(member, text)
        assert turn is not None
        assert turn.says == (), "nothing may tell right from wrong before the time is up"
    while not play.over:
        play.tick()
    assert play.scores() == [["a", 1, 8], ["c", 2, 6], ["d", 3, 6]]


def test_hints_come_on_schedule_and_then_the_answer() -> None:
    play = Play(RACE, 1)
    said = []
    while not play.over:
        said.append((play.state["due"], *keys(play.tick())))
    assert said == [(10_000, "quiz.hint"), (20_000, "quiz.hint"), (30_000, "quiz.nobody")]


def test_after_an_outage_the_question_gets_its_time_back() -> None:
    play = Play(RACE, 1)
    assert keys(play.tick(late=600_000)) == ["quiz.back"]
    assert play.turn.wake_at == 610_000 + 10_000
    assert play.guess("a", "豆浆") is not None
    assert play.wins == {"q1/1": ("a", 8)}


def test_stopping_makes_the_open_question_void() -> None:
    play = Play(ALL, 3)
    play.guess("a", "豆浆")
    turn = play.took(game.stop(play.state, a_table(1, kept=play.kept)))
    assert keys(turn) == ["quiz.stopped"]
    assert (turn.over, play.wins, turn.notes[-1]["void"]) == (True, {}, True)


def test_a_command_is_no_guess_unless_it_is_the_answer() -> None:
    play = Play(RACE, 1)
    assert game.move(play.state, a_move("a", "签到", 0, asked=True), a_table(0)) is None
    assert game.move(play.state, a_move("a", "豆浆", 0, asked=True), a_table(0)) is not None


def test_more_guesses_than_a_group_has_members_are_not_kept() -> None:
    play = Play(RACE, 1)
    play.notes += [{"answer": 1, "member": f"m{one}", "right": False, "hints": 0} for one in range(MOST)]
    assert play.guess("late", "豆浆") is None
    assert game.move(play.state, a_move("late", "豆浆", 0), a_table(0)) is not None, "with no guesses it would be one"


def test_a_guess_leaves_the_state_as_it_is() -> None:
    play = Play(ALL, 1)
    before = play.state
    for member in MEMBERS:
        play.guess(member, "豆浆" if member == "b" else "牛奶")
    assert play.state is before, "a state that grows with every guess would be written anew with every guess"


def test_who_reached_the_same_sum_earlier_stands_higher() -> None:
    assert standings([(1, Score("a", 1, 5)), (2, Score("b", 1, 5)), (2, Score("c", 2, 5))]) == [
        ("a", 5),
        ("b", 5),
        ("c", 5),
    ]


@pytest.mark.parametrize(("before", "after", "moved"), [
    ([Score("a", 1, 5)], [Score("b", 1, 5)], {"a": (5, 0), "b": (0, 5)}),
    ([], [Score("b", 1, 5)], {"b": (0, 5)}),
    ([Score("a", 1, 8), Score("b", 2, 6)], [Score("c", 1, 8), Score("a", 2, 6), Score("b", 3, 6)], {"a": (8, 6), "c": (0, 8)}),
])  # fmt: skip
def test_changes_name_only_those_whose_points_differ(
    before: list[Score], after: list[Score], moved: dict[str, Any]
) -> None:
    assert changes(before, after) == moved


def test_the_session_knows_its_question() -> None:
    assert question_of(Play(RACE, 1).state)["id"] == "q1"
