"""Values as people write them: spans, clocks, quiet hours, zones; and what each refuses."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.retuning import current, paths, written
from bot.settings import GroupSettings
from bot.settings.checkin import CheckIn, Milestone
from bot.settings.deployment import Role
from bot.settings.kinds import parse_clock, parse_span, show_span
from bot.shown import shown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30), ("90秒", 90), ("15min", 900), ("15m", 900), ("15 分钟", 900), ("1.5h", 5400), ("2小时", 7200),
        ("3d", 259_200), ("1天", 86_400), ("2周", 1_209_600), ("0s", 0), (" 1H ", 3600),
    ],
)  # fmt: skip
def test_a_span_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "1", "h", "1 hour ago", "-1h", "1x", "99999d", "9" * 30 + "d", "9" * 400 + "周", "1h30m", None, 5]
)
def test_a_span_that_is_none_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match="不是时长|太长了"):
        parse_span(text)


@given(st.integers(0, 3650 * 86_400))
def test_a_shown_span_reads_back(seconds: int) -> None:
    assert parse_span(show_span(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("text", "minute"), [("00:00", 0), ("9:05", 545), ("23:59", 1439), (" 12:00 ", 720)])
def test_a_clock_is_minutes_after_midnight(text: str, minute: int) -> None:
    assert parse_clock(text) == minute


@pytest.mark.parametrize("text", ["24:00", "12:60", "noon", "", "1200", "12:00:00", 720, None])
def test_a_clock_that_is_none_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="不是钟点"):
        parse_clock(text)


@pytest.mark.parametrize(
    ("value", "quiet"), [("22:30-07:30", (1350, 450)), ("", None), ("00:00-23:59", (0, 1439)), ((60, 120), (60, 120))]
)
def test_quiet_hours_are_a_stretch_or_nothing(value: object, quiet: object) -> None:
    assert GroupSettings.model_validate({"quiet": value}).quiet == quiet


@pytest.mark.parametrize("value", ["22:30", "late", "22:30-", "25:00-07:00", [1], ["22:30", "07:30"], [], 5, True, {}])
def test_quiet_hours_that_are_none_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        GroupSettings.model_validate({"quiet": value})


@pytest.mark.parametrize("zone", ["Asia/Shangai", "", "Asia", "../etc/passwd", "+08:00", "a\x00b", 8])
def test_a_zone_that_does_not_exist_is_refused(zone: object) -> None:
    with pytest.raises(ValidationError, match="不是时区"):
        GroupSettings.model_validate({"zone": zone})


@pytest.mark.parametrize(
    "table",
    [
        {"points": -1}, {"points": "viele"}, {"words": []}, {"words": [""]}, {"late_days": 9999}, {"page": 1},
        {"milestones": [{"days": 3}]}, {"milestones": [{"days": 3, "points": 1}, {"days": 3, "cards": 1}]},
        {"milestones": [{"days": 0, "points": 1}]}, {"grace": "soon"}, {"pionts": 5}, {"words": ["长" * 33]},
    ],
)  # fmt: skip
def test_check_in_settings_that_make_no_sense_are_refused(table: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CheckIn.model_validate(table)


def test_a_milestone_gives_something() -> None:
    with pytest.raises(ValidationError, match="至少要给一样"):
        Milestone(days=3)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        GroupSettings().muted = True  # type: ignore[misc]


@pytest.mark.parametrize("number", range(len(Role.ORDER)))
def test_a_role_may_what_those_before_it_may(number: int) -> None:
    role = Role.ORDER[number]
    assert [Role.reaches(role, needed) for needed in Role.ORDER] == [one <= number for one in range(len(Role.ORDER))]


@pytest.mark.parametrize("path", sorted(paths()))
def test_every_setting_that_chat_can_change_is_shown_as_it_may_be_written(path: str) -> None:
    old = current(GroupSettings(), path)
    typed = written(shown(old), old)
    table: dict[str, object] = {}
    inner = table
    *tables, last = path.split(".")
    for name in tables:
        inner = inner.setdefault(name, {})  # type: ignore[assignment]
    inner[last] = typed
    assert current(GroupSettings.model_validate(table), path) == old


def test_every_setting_that_chat_can_change_has_a_title() -> None:
    assert [path for path, field in paths().items() if not field.title] == []
