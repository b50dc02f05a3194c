"""Time and luck: the virtual clock only moves when it is told to, and luck depends on seed and occasion alone."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.world import Luck, RealWorld, VirtualWorld, from_ms, to_ms

NOON = datetime.fromisoformat("2026-12-02T12:00:00+08:00")


@given(st.integers(0, 4_102_444_800_000))
def test_a_stored_moment_comes_back_to_the_millisecond(stamp: int) -> None:
    assert to_ms(from_ms(stamp)) == stamp


def test_a_virtual_clock_stands_still_and_never_goes_back() -> None:
    world = VirtualWorld(NOON)
    assert world.now() == world.now() == NOON
    world.arrive(NOON - timedelta(days=1))
    assert world.now() == NOON
    world.arrive(NOON + timedelta(hours=1))
    assert world.now() == NOON + timedelta(hours=1)
    assert world.now().tzinfo is UTC


async def test_sleeping_moves_a_virtual_clock_and_takes_no_time() -> None:
    world = VirtualWorld(NOON)
    await world.sleep(86_400)
    assert world.now() == NOON + timedelta(days=1)


def test_the_real_clock_does_not_listen() -> None:
    world = RealWorld()
    world.arrive(datetime(2099, 1, 1, tzinfo=UTC))
    assert world.now() < datetime(2099, 1, 1, tzinfo=UTC)
    assert not world.virtual
    assert world.now().tzinfo is UTC


def test_the_same_occasion_has_the_same_luck() -> None:
    assert Luck("a").below(1000, "draw", 1) == Luck("a").below(1000, "draw", 1)
    draws = {(seed, what): Luck(seed).below(10**12, what) for seed in "ab" for what in ("x", "y")}
    assert len(set(draws.values())) == 4


def test_parts_of_an_occasion_are_kept_apart() -> None:
    luck = Luck("a")
    assert luck.below(10**12, "ab", "c") != luck.below(10**12, "a", "bc")


@given(st.text(), st.integers(1, 10_000), st.text(st.characters(codec=None, categories=None)))
def test_luck_stays_within_its_bounds_whatever_the_occasion_is_called(seed: str, n: int, occasion: str) -> None:
    assert 0 <= Luck(seed).below(n, occasion) < n


def test_luck_is_spread_evenly() -> None:
    luck = Luck("even")
    counts = Counter(luck.below(10, number) for number in range(10_000))
    assert all(850 < counts[face] < 1150 for face in range(10))


@pytest.mark.parametrize("span", [timedelta(0), timedelta(seconds=-5)])
def test_no_jitter_is_no_jitter(span: timedelta) -> None:
    assert Luck("a").part_of(span, "x") == timedelta(0)


@given(st.integers(1, 100_000), st.text())
def test_jitter_is_a_part_of_its_span(milliseconds: int, occasion: str) -> None:
    span = timedelta(milliseconds=milliseconds)
    assert timedelta(0) <= Luck("a").part_of(span, occasion) <= span


def test_picking_takes_one_of_the_options() -> None:
    assert {Luck("a").pick("xyz", number) for number in range(100)} == set("xyz")
