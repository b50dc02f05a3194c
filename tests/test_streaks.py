"""The rules of check-in, by tables and by invariants."""

from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.games.streaks import (
    Award,
    counts_for,
    describe,
    difference,
    missed_days,
    next_milestone,
    owed,
    streaks_from,
)
from bot.settings.checkin import Milestone

FIRST = date(2026, 12, 1)
STEPS = (Milestone(days=3, prize="试吃装一份"), Milestone(days=7, points=20, cards=1))
days_of_december = st.sets(st.integers(0, 40), min_size=1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


@pytest.mark.parametrize(
    ("before", "numbers", "expected"),
    [
        (None, [], []),
        (None, [5], [1]),
        (None, [0, 1, 2], [1, 2, 3]),
        (None, [0, 2, 3, 7], [1, 1, 2, 1]),
        ((day(0), 4), [1, 2], [5, 6]),
        ((day(0), 4), [2, 3], [1, 2]),
        ((day(30), 9), [31], [10]),  # over the end of a month
    ],
)
def test_a_streak_counts_days_without_a_gap(
    before: tuple[date, int] | None, numbers: list[int], expected: list[int]
) -> None:
    assert streaks_from(before, [day(number) for number in numbers]) == expected


@given(days_of_december)
def test_a_streak_is_how_far_back_one_can_walk_without_a_gap(numbers: set[int]) -> None:
    ordered = sorted(numbers)
    for number, streak in zip(ordered, streaks_from(None, [day(one) for one in ordered]), strict=True):
        assert all(number - back in numbers for back in range(streak))
        assert number - streak not in numbers


@given(days_of_december, st.integers(0, 40))
def test_streaks_may_be_computed_in_two_pieces(numbers: set[int], cut: int) -> None:
    ordered = [day(one) for one in sorted(numbers)]
    whole = streaks_from(None, ordered)
    cut = min(cut, len(ordered))
    before = (ordered[cut - 1], whole[cut - 1]) if cut else None
    assert whole[:cut] + streaks_from(before, ordered[cut:]) == whole


@pytest.mark.parametrize(
    ("clock", "grace", "yesterday_taken", "expected"),
    [
        ("00:00:00", 0, False, 1),
        ("23:59:59", 0, False, 1),
        ("00:00:00", 120, False, 0),
        ("01:59:59", 120, False, 0),
        ("02:00:00", 120, False, 1),
        ("01:59:59", 120, True, 1),
        ("12:00:00", 120, False, 1),
    ],
)
def test_a_tap_counts_for_its_day_or_within_the_grace_for_an_open_yesterday(
    clock: str, grace: int, yesterday_taken: bool, expected: int
) -> None:
    local = datetime.fromisoformat(f"2026-12-02T{clock}+08:00")
    taken = {day(0)} if yesterday_taken else set()
    assert counts_for(local, timedelta(minutes=grace), taken.__contains__) == day(expected)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001  local wall clock
    st.integers(0, 600), st.booleans(),
)  # fmt: skip
def test_a_tap_never_counts_for_a_day_other_than_today_or_yesterday(local: datetime, grace: int, taken: bool) -> None:
    chosen = counts_for(local, timedelta(minutes=grace), lambda _day: taken)
    assert chosen in (local.date(), local.date() - timedelta(days=1))
    if taken or not grace:
        assert chosen == local.date()


@pytest.mark.parametrize(("streak", "missing", "days"), [(0, 3, 3), (1, 2, 3), (2, 1, 3), (3, 4, 7), (6, 1, 7)])
def test_the_next_milestone_is_the_nearest_ahead(streak: int, missing: int, days: int) -> None:
    found = next_milestone(streak, (STEPS[1], STEPS[0]))
    assert found is not None
    assert (found[0], found[1].days) == (missing, days)


@pytest.mark.parametrize("streak", [7, 8, 1000])
def test_there_is_nothing_after_the_last_milestone(streak: int) -> None:
    assert next_milestone(streak, STEPS) is None


def test_without_milestones_nothing_is_ahead() -> None:
    assert next_milestone(0, ()) is None


@pytest.mark.parametrize(
    ("taken", "within", "first", "expected"),
    [
        ([0, 1, 2, 3, 4], 7, 0, []),
        ([0, 2, 4], 7, 0, [3, 1]),
        ([0, 4], 2, 0, [3]),
        ([3], 7, 3, [4]),  # nothing before the first check-in
        ([], 7, None, []),
        ([0], 0, 0, []),
    ],
)
def test_missed_days_are_recent_open_and_after_the_first(
    taken: list[int], within: int, first: int | None, expected: list[int]
) -> None:
    today = day(5)
    found = missed_days(today, [day(one) for one in taken], within, None if first is None else day(first))
    assert found == [day(one) for one in expected]


@given(days_of_december, st.integers(0, 60))
def test_missed_days_are_newest_first_and_never_taken(numbers: set[int], within: int) -> None:
    today = day(41)
    found = missed_days(today, [day(one) for one in numbers], within, day(min(numbers)))
    assert found == sorted(found, reverse=True)
    assert all(
        0 < (today - one).days <= within and (one - FIRST).days not in numbers and one > day(min(numbers))
        for one in found
    )


def test_a_milestone_is_owed_on_the_day_its_streak_is_reached() -> None:
    streaks = [("2026-12-03", 3), ("2026-12-04", 4), ("2026-12-08", 7), ("2026-12-20", 3)]
    assert owed(streaks, STEPS) == [Award("2026-12-03", 3), Award("2026-12-08", 7), Award("2026-12-20", 3)]


awards = st.lists(
    st.builds(Award, st.sampled_from(["2026-12-03", "2026-12-04", "2026-12-09"]), st.sampled_from([3, 7]))
)


@given(awards, awards)
def test_a_difference_makes_what_stands_equal_in_number_to_what_is_due(due: list[Award], standing: list[Award]) -> None:
    grant, take = difference(due, standing)
    after = Counter(one.days for one in standing)
    after.subtract(one.days for one in take)
    after.update(one.days for one in grant)
    assert {days: count for days, count in after.items() if count} == Counter(one.days for one in due)


@given(awards, awards)
def test_a_difference_never_grants_and_takes_the_same_length(due: list[Award], standing: list[Award]) -> None:
    grant, take = difference(due, standing)
    assert not {one.days for one in grant} & {one.days for one in take}
    assert set(take) <= set(standing)
    assert set(grant) <= set(due)


def test_an_award_that_moved_to_another_day_stays_as_it_is() -> None:
    assert difference([Award("2026-12-03", 3)], [Award("2026-12-05", 3)]) == ([], [])


@pytest.mark.parametrize(
    ("milestone", "text"),
    [
        (Milestone(days=3, prize="试吃装一份"), "试吃装一份"),
        (Milestone(days=7, points=20, cards=1), "20 积分、补签卡 1 张"),
        (Milestone(days=30, points=1, cards=2, prize="新品"), "新品、1 积分、补签卡 2 张"),
    ],
)
def test_a_milestone_says_everything_it_gives(milestone: Milestone, text: str) -> None:
    assert describe(milestone) == text
