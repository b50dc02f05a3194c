"""`yuanzi fsck` on quizzes: for every promise, a database on which exactly that promise is broken."""

import sqlite3
from pathlib import Path

import pytest

from storage.database import Database
from storage.fsck import check
from storage.fsck_quiz import QUIZ_RULES
from storage.ledger import POINTS, Ledger
from storage.store import Store

CASES: dict[str, tuple[str, ...]] = {
    "quiz_points": ("UPDATE quiz_answer SET points = 9 WHERE member_id = 'b' AND number = 1",),
    "quiz_two_winners": (
        "PRAGMA ignore_check_constraints = ON",
        "UPDATE quiz_answer SET race = 1 WHERE number = 2",
    ),
    "quiz_order": ("UPDATE quiz_answer SET place = 9 WHERE member_id = 'a' AND number = 2",),
    "quiz_answer_without_event": ("UPDATE quiz_answer SET event_id = 'gone' WHERE member_id = 'a' AND number = 1",),
    "quiz_open_and_scored": ("UPDATE quiz_question SET void = 1 WHERE number = 1",),
    "quiz_left_open": ("UPDATE quiz_question SET closed_at = NULL WHERE number = 3",),
}


@pytest.fixture
def played(tmp_path: Path) -> Path:
    """A race won by b, a question for everybody that a and b knew, and one that nobody answered."""
    path = tmp_path / "quiz.db"
    database = Database.open(path, "off")
    database.begin()
    store = Store(database)
    for event in ("open", "e1", "e2", "e3", "e4"):
        store.interactions.record(event, "message", 0, "terminal", "g", "a", text="", details={}, route=None)
    number = store.sessions.open("quiz", "g", {}, member_id="a", at=0, event_id="open")
    assert number is not None
    for question in (1, 2, 3):
        store.quizzes.ask(number, question, "g", {"id": f"q{question}"}, 0)
    for question, place, member, right, event in (
        (1, 1, "a", False, "e1"),
        (1, 2, "b", True, "e2"),
        (2, 1, "a", True, "e3"),
        (2, 2, "b", True, "e4"),
    ):
        store.quizzes.answer(
            number, question, place, member, race=question == 1, at=0, text="x", right=right, hints=0, event_id=event
        )
    for question, scores in ((1, [("b", 1, 8)]), (2, [("a", 1, 8), ("b", 2, 6)]), (3, [])):
        store.quizzes.close(number, question, 1)
        store.quizzes.score(number, question, scores)
        for member, rank, points in scores:
            Ledger(database).move(
                f"game/{number}/q{question}/{rank}", "house:games", f"member:{member}", points, asset=POINTS, at=0,
                event_id="e1", cause="答题", group_id="g",
            )  # fmt: skip
    session = store.sessions.get(number)
    assert session is not None
    store.sessions.end(session, {}, status="ended", at=1)
    database.commit()
    database.close()
    return path


def test_every_rule_of_the_quiz_has_a_case() -> None:
    assert set(CASES) == set(QUIZ_RULES)


def test_a_quiz_that_was_played_as_it_should_is_clean(played: Path) -> None:
    assert check(played).violations == []


@pytest.mark.parametrize("rule", CASES)
def test_a_broken_promise_of_the_quiz_is_named(played: Path, rule: str) -> None:
    conn = sqlite3.connect(played, isolation_level=None)
    for statement in CASES[rule]:
        conn.execute(statement)
    conn.close()
    found = {one.rule for one in check(played).violations}
    # A race with two winners also breaks the CHECK of its table, which SQLite's own check names.
    assert found - {"integrity"} == {rule}


def test_points_taken_back_by_hand_are_no_violation_and_points_without_an_answer_are(played: Path) -> None:
    database = Database.open(played, "off")
    database.begin()
    ledger = Ledger(database)
    paid = ledger.by_key("game/1/q1/1")
    assert paid is not None
    ledger.reverse(paid.id, at=0, event_id="e1", cause="撤销")
    database.commit()
    assert check(played).violations == []
    database.begin()
    ledger.move(
        "game/1/q3/1", "house:games", "member:c", 5, asset=POINTS, at=0, event_id="e1", cause="答题", group_id="g"
    )
    database.commit()
    database.close()
    assert [one.rule for one in check(played).violations] == ["quiz_points"]
