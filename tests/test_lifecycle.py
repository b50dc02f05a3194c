"""Stages: the table of transitions, and the same history whether it was lived through or worked out later."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.exposure import Exposure
from bot.lifecycle import Course, Happened, walk
from bot.settings.tags import LifecycleSettings
from storage.store import Store
from tests.test_tagging import CONFIG, DAY, START, fresh, learn_all, moment

RULES = LifecycleSettings()


def course(*happened: tuple[int, str], until: int = 400, buying: bool = False) -> list[tuple[int, str]]:
    """(day, stage) of a course of (day, what)."""
    events = [Happened((day + 1) * DAY, what) for day, what in happened]
    changes, _, _ = walk(Course(), 0, events, (until + 1) * DAY, RULES, buying=buying)
    return [(one.at // DAY - 1, one.stage) for one in changes]


@pytest.mark.parametrize(
    ("happened", "stages"),
    [
        ([(0, "join")], [(0, "new"), (7, "silent"), (30, "sleeping"), (90, "churned")]),
        ([(0, "join"), (1, "talk")], [(0, "new"), (7, "active"), (15, "silent"), (31, "sleeping"), (91, "churned")]),
        ([(0, "talk")], [(0, "new"), (7, "active"), (14, "silent"), (30, "sleeping"), (90, "churned")]),
        ([(0, "join"), (20, "talk"), (21, "leave")], [(0, "new"), (7, "silent"), (20, "active"), (21, "churned")]),
        ([(0, "join"), (2, "leave"), (200, "join")],
         [(0, "new"), (2, "churned"), (200, "new"), (207, "silent"), (230, "sleeping"), (290, "churned")]),
        ([(0, "join"), (100, "talk")],
         [(0, "new"), (7, "silent"), (30, "sleeping"), (90, "churned"), (100, "active"), (114, "silent"),
          (130, "sleeping"), (190, "churned")]),
    ],
)  # fmt: skip
def test_stages_by_talk(happened: list[tuple[int, str]], stages: list[tuple[int, str]]) -> None:
    assert course(*happened) == stages


def test_stages_by_purchases() -> None:
    orders = [(day, "order") for day in (0, 20, 40, 60, 80)]
    assert course(*orders, buying=True) == [(0, "new"), (20, "growing"), (80, "mature"), (170, "declining")]
    assert course((0, "order"), (100, "order"), buying=True, until=150) == [
        (0, "new"), (90, "declining"), (100, "growing"),
    ]  # fmt: skip


FACTS = st.lists(
    st.tuples(
        st.sampled_from(["talk", "talk", "talk", "join", "leave"]), st.integers(0, 200 * 8).map(lambda n: START + n * DAY // 8)
    ),
    max_size=25,
)  # fmt: skip


def note(store: Store, number: int, what: str, at: int) -> None:
    if what == "talk":
        store.interactions.record(f"e{number}", "message", at, "pipe", "g", "m", text="早", details={}, route=None)
    else:
        kind = "joined" if what == "join" else "left"
        details = {"members": ["m"], "source": "", "history": False}
        store.interactions.record(f"e{number}", kind, at, "pipe", "g", None, text=None, details=details, route=None)


def lived(store: Store) -> list[Any]:
    return [
        store.lifecycle.changes("talk", "g", "m"),
        store.db.execute("SELECT * FROM stage_now ORDER BY 1, 2, 3").fetchall(),
    ]


@settings(max_examples=150, deadline=None)
@given(FACTS, st.integers(1, 5))
def test_late_and_repeated_looks_give_the_same_history(facts: list[tuple[str, int]], piece: int) -> None:
    end = START + 500 * DAY
    living, later = fresh(), fresh()
    for number, (what, at) in enumerate(facts):
        note(living, number, what, at)
        # A clock that never goes back, ticks at every step; facts may arrive far out of order.
        learn_all(living, max(one for _, one in facts[: number + 1]), piece)
        note(later, number, what, at)
    learn_all(living, end, piece)
    learn_all(later, end, 1_000)
    assert lived(living) == lived(later)
    events = sorted({Happened(at, what) for what, at in facts}, key=lambda one: (one.at, "jtl".index(one.what[0])))
    changes, _, _ = walk(Course(), 0, events, end, RULES)
    # A day keeps its first and last word: what was said in between never changes a stage that lasts days.
    assert lived(later)[0] == changes or any(what == "leave" for what, _ in facts)


TALKS = st.lists(st.integers(1, 200 * 8).map(lambda n: START + n * DAY // 8), max_size=12)


def seen(store: Store, joined: int, talks: list[int], left: int | None) -> None:
    """Somebody joins, talks and perhaps leaves, noted in every book as the engine does."""
    facts = [("join", joined), *(("talk", one) for one in talks), *([("leave", left)] if left is not None else [])]
    for number, (what, at) in enumerate(facts):
        note(store, number, what, at)
    store.members.see_group("g", "pipe", joined)
    store.members.see_member("m", "小满", "pipe", joined)
    store.members.join("g", "m", joined, inviter="", source="")
    if left is not None:
        store.members.leave("g", "m", left)


def stage_for_policies(store: Store, day: int) -> str:
    return Exposure(store, CONFIG).stage_of("m", CONFIG.group(None), moment(START + day * DAY))


@settings(max_examples=100, deadline=None)
@given(TALKS, st.none() | st.just(START + 201 * DAY), st.integers(202, 500))
def test_the_stage_that_policies_read_is_the_stage_of_the_history(talks: list[int], left: int | None, day: int) -> None:
    store = fresh()
    seen(store, START, talks, left)
    learn_all(store, START + day * DAY, 100)
    assert stage_for_policies(store, day) == store.lifecycle.changes("talk", "g", "m")[-1][1]


def test_in_one_to_one_there_is_one_person_whatever_their_groups() -> None:
    store = fresh()
    assert stage_for_policies(store, 0) == "new"
    seen(store, START, [START + 20 * DAY], START + 30 * DAY)
    assert stage_for_policies(store, 31) == "churned"
    store.members.see_group("other", "pipe", START)
    store.members.see_in("m", "other", START + 10 * DAY)
    assert stage_for_policies(store, 31) == "active"
    store.members.leave("other", "m", START + 31 * DAY)
    assert stage_for_policies(store, 32) == "churned"
    note(store, 90, "talk", START + 33 * DAY)
    assert stage_for_policies(store, 33) == "active"
