"""Days and minutes of beats: months of every length, leap days, festivals, solar terms, make-up workdays, windows."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.scripts.festivals import festival_days, known
from bot.scripts.sky import lunar_days, term_on
from bot.scripts.triggers import LAST, Around, Between, Dates, Days, Monthly, Trigger, Weekly
from bot.scripts.workdays import is_announced, kind_of

DAY = timedelta(days=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def days_of(rule: Days, year: int) -> list[str]:
    """The days of a year that a rule gives, as `MM-DD`."""
    found, day = [], rule.next_day(date(year, 1, 1))
    while day is not None and day.year == year:
        found.append(f"{day:%m-%d}")
        day = rule.next_day(day + DAY)
    return found


# Written by hand, not computed here. Holidays and make-up workdays of 2025 and 2026 were read against the published
# announcements of the State Council (12 November 2024, 4 November 2025); those of 2024, the festivals and the solar
# terms were written from memory and still want a look into a printed almanac.
FESTIVALS = {
    "春节": ("2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06"),
    "除夕": ("2024-02-09", "2025-01-28", "2026-02-16", "2027-02-05"),
    "元宵": ("2024-02-24", "2025-02-12", "2026-03-03", "2027-02-20"),
    "端午": ("2024-06-10", "2025-05-31", "2026-06-19", "2027-06-09"),
    "七夕": ("2024-08-10", "2025-08-29", "2026-08-19", "2027-08-08"),
    "中秋": ("2024-09-17", "2025-10-06", "2026-09-25", "2027-09-15"),
    "重阳": ("2024-10-11", "2025-10-29", "2026-10-18", "2027-10-08"),
    "腊八": ("2024-01-18", "2025-01-07", "2026-01-26", "2027-01-15"),
    "小年": ("2024-02-02", "2025-01-22", "2026-02-10", "2027-01-30"),
    "元旦": ("2024-01-01", "2025-01-01", "2026-01-01", "2027-01-01"),
    "劳动节": ("2024-05-01", "2025-05-01", "2026-05-01", "2027-05-01"),
    "国庆节": ("2024-10-01", "2025-10-01", "2026-10-01", "2027-10-01"),
    "母亲节": ("2024-05-12", "2025-05-11", "2026-05-10", "2027-05-09"),
    "父亲节": ("2024-06-16", "2025-06-15", "2026-06-21", "2027-06-20"),
}
TERMS = {
    2024: "小寒0106 大寒0120 立春0204 雨水0219 惊蛰0305 春分0320 清明0404 谷雨0419 立夏0505 小满0520 芒种0605 夏至0621"
    " 小暑0706 大暑0722 立秋0807 处暑0822 白露0907 秋分0922 寒露1008 霜降1023 立冬1107 小雪1122 大雪1206 冬至1221",
    2025: "小寒0105 大寒0120 立春0203 雨水0218 惊蛰0305 春分0320 清明0404 谷雨0420 立夏0505 小满0521 芒种0605 夏至0621"
    " 小暑0707 大暑0722 立秋0807 处暑0823 白露0907 秋分0923 寒露1008 霜降1023 立冬1107 小雪1122 大雪1207 冬至1221",
    2026: "小寒0105 大寒0120 立春0204 雨水0218 惊蛰0305 春分0320 清明0405 谷雨0420 立夏0505 小满0521 芒种0605 夏至0621"
    " 小暑0707 大暑0723 立秋0807 处暑0823 白露0907 秋分0923 寒露1008 霜降1023 立冬1107 小雪1122 大雪1207 冬至1222",
    2027: "小寒0105 大寒0120 立春0204 雨水0219 惊蛰0306 春分0321 清明0405 谷雨0420 立夏0506 小满0521 芒种0606 夏至0621"
    " 小暑0707 大暑0723 立秋0808 处暑0823 白露0908 秋分0923 寒露1008 霜降1023 立冬1107 小雪1122 大雪1207 冬至1222",
}
MAKE_UP = {
    2024: "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12",
    2025: "01-26 02-08 04-27 09-28 10-11",
    2026: "01-04 02-14 02-28 05-09 09-20 10-10",
}
BREAKS = {
    2024: "01-01..01-01 02-10..02-17 04-04..04-06 05-01..05-05 06-08..06-10 09-15..09-17 10-01..10-07",
    2025: "01-01..01-01 01-28..02-04 04-04..04-06 05-01..05-05 05-31..06-02 10-01..10-08",
    2026: "01-01..01-03 02-15..02-23 04-04..04-06 05-01..05-05 06-19..06-21 09-25..09-27 10-01..10-07",
}


@pytest.mark.parametrize("name", FESTIVALS)
def test_festivals_come_on_their_days(name: str) -> None:
    assert tuple(str(festival_days(name, year)[0]) for year in range(2024, 2028)) == FESTIVALS[name]


@pytest.mark.parametrize("year", TERMS)
def test_the_solar_terms_come_on_their_days(year: int) -> None:
    expected = TERMS[year].split()
    assert [f"{one[:2]}{festival_days(one[:2], year)[0]:%m%d}" for one in expected] == expected


@pytest.mark.parametrize("year", MAKE_UP)
def test_make_up_workdays_are_those_of_the_announcement(year: int) -> None:
    assert days_of(Trigger(Weekly(("*",)), on=("make-up",)), year) == MAKE_UP[year].split()


@pytest.mark.parametrize("year", BREAKS)
def test_holidays_are_the_breaks_of_the_announcement(year: int) -> None:
    expected = []
    for one in BREAKS[year].split():
        first, last = (date.fromisoformat(f"{year}-{part}") for part in one.split(".."))
        expected += [f"{first + DAY * count:%m-%d}" for count in range((last - first).days + 1)]
    assert days_of(Trigger(Weekly(("*",)), on=("holiday",)), year) == expected


def test_a_workday_is_a_day_on_which_people_work() -> None:
    workdays = days_of(Trigger(Weekly(("*",)), on=("workday",)), 2026)
    assert len(workdays) == 248  # 365 days, 104 of them Saturdays and Sundays, 19 weekdays off, 6 weekends made up
    assert {"02-14", "10-10"} <= set(workdays)
    assert not {"02-16", "10-07", "12-05"} & set(workdays)


def test_of_a_year_that_is_not_announced_only_what_the_law_fixes_is_known() -> None:
    year = next(one for one in range(2026, 2100) if not is_announced(one))
    assert days_of(Trigger(Weekly(("*",)), on=("make-up",)), year) == []
    assert kind_of(date(year, 10, 1)) == "holiday"
    assert kind_of(date(year, 8, 1) + DAY * ((5 - date(year, 8, 1).weekday()) % 7)) == "weekend"


@pytest.mark.parametrize(
    ("lunar", "year", "days"),
    [
        ((1, 1), 2033, ["2033-01-31"]),
        ((8, 15), 2033, ["2033-09-08"]),  # the year in which the leap month is the eleventh, not the seventh
        ((1, 1), 2034, ["2034-02-19"]),
        ((12, 8), 2022, ["2022-01-10", "2022-12-30"]),
        ((7, 7), 2025, ["2025-08-29"]),  # a leap sixth month comes before it
    ],
)
def test_leap_months_are_counted_as_the_almanac_does(lunar: tuple[int, int], year: int, days: list[str]) -> None:
    assert [str(one) for one in lunar_days(*lunar, year)] == days


def test_a_day_lies_in_the_term_that_began_last() -> None:
    assert term_on(date(2026, 1, 4)) == ("冬至", date(2025, 12, 21))
    assert term_on(date(2026, 1, 5)) == ("小寒", date(2026, 1, 5))
    assert term_on(date(2026, 12, 31))[0] == "冬至"


def test_festivals_go_by_more_than_one_name() -> None:
    assert [known(name) for name in ("五一", "端午节", "双十一", "立春", "没有这个")] == [
        "劳动节", "端午", "双11", "立春", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "year", "days"),
    [
        (Monthly((31,), "last"), 2024, "01-31 02-29 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31"),
        (Monthly((31,), "skip"), 2024, "01-31 03-31 05-31 07-31 08-31 10-31 12-31"),
        (Monthly((30,), "last"), 2025, "01-30 02-28 03-30 04-30 05-30 06-30 07-30 08-30 09-30 10-30 11-30 12-30"),
        (Monthly((-1,), "skip"), 2027, "01-31 02-28 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31"),
        (Monthly((29, 31), "last"), 2025, ("01-29 01-31 02-28 03-29 03-31 04-29 04-30 05-29 05-31 06-29 06-30 07-29"
         " 07-31 08-29 08-31 09-29 09-30 10-29 10-31 11-29 11-30 12-29 12-31")),
        (Monthly((-31,), "skip"), 2026, "01-01 03-01 05-01 07-01 08-01 10-01 12-01"),
        (Monthly((7, 20), "skip"), 2026, " ".join(f"{month:02}-{day:02}" for month in range(1, 13) for day in (7, 20))),
        (Dates((), ((2, 29),), "skip"), 2024, "02-29"),
        (Dates((), ((2, 29),), "skip"), 2027, ""),
        (Dates((), ((2, 29),), "last"), 2027, "02-28"),
        (Dates((date(2026, 12, 12),), ()), 2026, "12-12"),
        (Dates((date(2026, 12, 12),), ()), 2027, ""),
        (Around(("春节",), (-1, 0)), 2026, "02-16 02-17"),
        (Around(("元旦",), (-3, -1, 0)), 2026, "01-01 12-29 12-31"),
        (Around((), (-3, -2, -1, 0), (date(2026, 12, 12),)), 2026, "12-09 12-10 12-11 12-12"),
        (Between(date(2026, 6, 1), date(2026, 6, 3)), 2026, "06-01 06-02 06-03"),
        (Trigger(Weekly(("mon",)), on=("workday",), window=Between(date(2026, 2, 1), date(2026, 3, 5))), 2026,
         "02-02 02-09 03-02"),  # 02-16 and 02-23 are holidays
        (Trigger(Weekly(("sat", "sun")), on=("workday",)), 2026, "01-04 02-14 02-28 05-09 09-20 10-10"),
    ],
)  # fmt: skip
def test_the_days_of_a_rule(rule: Days, year: int, days: str) -> None:
    assert days_of(rule, year) == days.split()


def test_a_rule_that_is_over_has_no_next_time() -> None:
    once = Trigger(Dates((date(2026, 12, 12),)), (720,))
    moment = datetime(2026, 12, 12, 4, tzinfo=UTC)
    assert once.next_after(moment - DAY, SHANGHAI) == moment
    assert once.next_after(moment, SHANGHAI) is None
    never = Trigger(Monthly((30,), "skip"), (0,), window=Between(date(2026, 2, 1), date(2026, 2, 28)))
    assert never.next_after(datetime(2026, 1, 1, tzinfo=UTC), SHANGHAI) is None


def test_several_times_a_day_come_in_their_order() -> None:
    trigger = Trigger(Weekly(("fri",)), (12 * 60, 20 * 60))
    moment = datetime(2026, 12, 3, tzinfo=UTC)
    found = []
    for _ in range(3):
        following = trigger.next_after(moment, SHANGHAI)
        assert following is not None
        moment = following
        found.append(f"{moment.astimezone(SHANGHAI):%m-%d %H:%M}")
    assert found == ["12-04 12:00", "12-04 20:00", "12-11 12:00"]


def test_an_hour_that_is_skipped_or_comes_twice_is_played_once() -> None:
    trigger, berlin = Trigger(Weekly(("sun",)), (150, 180)), ZoneInfo("Europe/Berlin")
    moment, found = datetime(2026, 3, 28, 12, tzinfo=UTC), []
    for _ in range(2):
        following = trigger.next_after(moment, berlin)
        assert following is not None
        moment = following
        found.append(f"{moment:%m-%d %H:%M}")
    assert found == ["03-29 01:00", "03-29 01:30"]  # 03:00 first, then 02:30, which that night is 03:30
    moment, found = datetime(2026, 10, 24, 12, tzinfo=UTC), []
    for _ in range(2):
        following = trigger.next_after(moment, berlin)
        assert following is not None
        moment = following
        found.append(f"{moment:%m-%d %H:%M}")
    assert found == ["10-25 00:30", "10-25 02:00"]


rules = st.one_of(
    st.builds(Weekly, st.lists(st.sampled_from(["mon", "wed", "sun", "*"]), min_size=1, max_size=3).map(tuple)),
    st.builds(
        Monthly,
        st.lists(st.integers(-31, 31).filter(bool), min_size=1, max_size=3).map(tuple),
        st.sampled_from(["last", "skip"]),
    ),
    st.builds(
        Dates,
        st.lists(st.dates(date(2024, 1, 1), date(2028, 1, 1)), max_size=3).map(tuple),
        st.lists(st.sampled_from([(2, 29), (12, 31), (1, 1)]), max_size=2).map(tuple),
        st.sampled_from(["last", "skip"]),
    ),
    st.builds(
        Around,
        st.lists(st.sampled_from(["春节", "腊八", "冬至", "双11"]), min_size=1, max_size=2).map(tuple),
        st.lists(st.integers(-40, 40), min_size=1, max_size=4).map(tuple),
    ),
)
windows = st.one_of(
    st.none(),
    st.builds(lambda a, n: Between(a, a + DAY * n), st.dates(date(2024, 1, 1), date(2026, 1, 1)), st.integers(0, 400)),
)
kinds = st.lists(st.sampled_from(["workday", "make-up", "weekend", "holiday"]), max_size=2).map(tuple)
triggers = st.builds(
    Trigger, rules, st.lists(st.integers(0, 1439), min_size=1, max_size=3).map(tuple), st.none(), kinds, windows
)
zones = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Pacific/Auckland"]).map(ZoneInfo)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def by_walking(trigger: Trigger, moment: datetime, zone: ZoneInfo, days: int) -> datetime | None:
    """The next moment, found by asking every day and minute by itself."""
    day = moment.astimezone(zone).date() - DAY
    found = []
    for _ in range(days):
        fits = trigger.days.next_day(day) == day and (trigger.window is None or trigger.window.next_day(day) == day)
        kind = kind_of(day)
        if fits and (not trigger.on or kind in trigger.on or (kind == "make-up" and "workday" in trigger.on)):
            for minute in trigger.minutes:
                clock = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
                found.append(clock.astimezone(UTC))
        day += DAY
    return min((one for one in found if one > moment), default=None)


@settings(max_examples=150, deadline=None)
@given(triggers, zones, moments)
def test_the_next_time_is_the_one_that_a_walk_through_the_days_finds(
    trigger: Trigger, zone: ZoneInfo, moment: datetime
) -> None:
    following = trigger.next_after(moment, zone)
    walked = by_walking(trigger, moment, zone, 800)
    if walked is not None:
        assert following == walked
    else:
        assert following is None or following > moment + DAY * 790


@settings(max_examples=150, deadline=None)
@given(triggers, zones, moments)
def test_times_only_ever_grow(trigger: Trigger, zone: ZoneInfo, moment: datetime) -> None:
    for _ in range(6):
        following = trigger.next_after(moment, zone)
        if following is None:
            return
        assert following > moment
        moment = following


@given(st.integers(1, 28), st.integers(0, 900), st.integers(1, 500))
def test_a_minute_by_luck_stays_in_its_window_and_is_the_same_however_often_one_asks(
    day: int, start: int, length: int
) -> None:
    trigger = Trigger(Weekly(("*",)), between=(start, start + length))
    moment = datetime(2026, 5, day, tzinfo=SHANGHAI) - timedelta(milliseconds=1)
    asked: list[tuple[date, int]] = []

    def minute_of(one: date, count: int) -> int:
        asked.append((one, count))
        return (one.toordinal() * 7919) % count

    found = {trigger.next_after(moment, SHANGHAI, minute_of) for _ in range(3)}
    (due,) = found
    assert due is not None
    local = due.astimezone(SHANGHAI)
    assert start <= local.hour * 60 + local.minute <= start + length
    assert {count for _, count in asked} == {length + 1}


def test_rules_that_differ_have_texts_that_differ() -> None:
    rules_ = [
        Trigger(Weekly(("mon",)), (540,)), Trigger(Weekly(("mon",)), (541,)), Trigger(Weekly(("mon",)), between=(540, 541)),
        Trigger(Weekly(("mon",)), (540,), on=("workday",)), Trigger(Monthly((31,), "last"), (540,)),
        Trigger(Monthly((31,), "skip"), (540,)), Trigger(Around(("春节",), (0,)), (540,)),
        Trigger(Around(("春节",), (-1,)), (540,)), Trigger(Dates((), ((2, 29),), "skip"), (540,)),
        Trigger(Dates((), ((2, 29),), "last"), (540,)), Trigger(Weekly(("mon",)), (540, 600)),
        Trigger(Weekly(("mon",)), (540,), window=Between(date(2026, 1, 1), date(2026, 1, 2))),
    ]  # fmt: skip
    assert len({one.text for one in rules_}) == len(rules_)
    assert Trigger(Weekly(("mon", "tue")), (540,)).text == "mon,tue 09:00"  # as the databases of today have it
    assert date(2199, 12, 31) == LAST
