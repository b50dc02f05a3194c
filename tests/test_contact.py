"""The contact policy: quiet hours and mute bind what nobody asked for, never an answer."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.contact import UNASKED, decide, quiet_until
from bot.replies import Sort
from bot.settings import GroupSettings

ZONE = "+08:00"
HOUR = timedelta(hours=1)


def moment(clock: str, day: int = 2) -> datetime:
    return datetime.fromisoformat(f"2026-12-{day:02}T{clock}{ZONE}")


def night(start: int = 22 * 60 + 30, end: int = 7 * 60 + 30, **more: object) -> GroupSettings:
    return GroupSettings.model_validate({"quiet": (start, end), **more})


@pytest.mark.parametrize(
    ("clock", "until"),
    [
        ("22:29:59", None), ("22:30:00", moment("07:30", 3)), ("23:59:59", moment("07:30", 3)),
        ("00:00:00", moment("07:30")), ("07:29:59", moment("07:30")), ("07:30:00", None), ("12:00:00", None),
    ],
)  # fmt: skip
def test_quiet_hours_over_midnight_end_in_the_morning(clock: str, until: datetime | None) -> None:
    assert quiet_until(night(), moment(clock)) == until


@pytest.mark.parametrize(("clock", "until"), [("12:59", None), ("13:00", moment("14:30")), ("14:30", None)])
def test_quiet_hours_at_noon_end_the_same_day(clock: str, until: datetime | None) -> None:
    assert quiet_until(night(13 * 60, 14 * 60 + 30), moment(clock)) == until


def test_no_quiet_hours_are_never_quiet() -> None:
    assert quiet_until(GroupSettings.model_validate({"quiet": ""}), moment("03:00")) is None
    assert quiet_until(night(600, 600), moment("10:00")) is None


def test_quiet_hours_are_those_of_the_zone_of_the_group() -> None:
    settings = night(zone="America/Los_Angeles")
    assert quiet_until(settings, moment("12:00")) is None  # 20:00 the day before there
    assert quiet_until(settings, moment("15:00")) is not None


minutes = st.integers(0, 1439)
times = st.integers(0, 400 * 86_400).map(lambda seconds: moment("00:00") + timedelta(seconds=seconds))


@given(minutes, minutes, times, st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York"]))
def test_the_end_of_quiet_hours_is_near_and_not_quiet(start: int, end: int, now: datetime, zone: str) -> None:
    settings = night(start, end, zone=zone)
    until = quiet_until(settings, now)
    if until is not None:
        assert now < until <= now + timedelta(hours=25)
        assert quiet_until(settings, until) is None


@pytest.mark.parametrize("sort", list(Sort))
def test_only_what_nobody_asked_for_is_held_back(sort: Sort) -> None:
    for settings in (GroupSettings(muted=True), night()):
        verdict = decide(sort, settings, now=moment("23:00"), expires=moment("23:00", 9))
        assert (verdict.what == "now") == (sort not in UNASKED)
        assert bool(verdict.why) == (verdict.what != "now")


@pytest.mark.parametrize("sort", list(Sort))
def test_nothing_leaves_after_it_expired(sort: Sort) -> None:
    assert decide(sort, GroupSettings(), now=moment("12:00"), expires=moment("11:59")).what == "expired"
    assert decide(sort, GroupSettings(), now=moment("12:00"), expires=moment("12:00")).what == "now"


def test_quiet_hours_postpone_what_can_wait_and_end_what_cannot() -> None:
    verdict = decide(Sort.CAMPAIGN, night(), now=moment("07:00"), expires=moment("08:00"))
    assert (verdict.what, verdict.until) == ("later", moment("07:30"))
    assert decide(Sort.CAMPAIGN, night(), now=moment("07:00"), expires=moment("07:15")).what == "expired"
