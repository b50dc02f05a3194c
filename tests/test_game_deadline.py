"""Deadlines as members write them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.games.deadline import read_deadline, show_moment

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 12, 2, 12, 0, tzinfo=SHANGHAI)


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
