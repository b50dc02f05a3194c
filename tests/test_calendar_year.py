"""Four years of posts: what a script plays from 2024 to 2027, against dates written down by hand."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.schedule import Schedule
from bot.scripts import Beat, load_scripts
from bot.world import from_ms
from tests.conftest import Room, a_config

ZONE = ZoneInfo("Asia/Shanghai")
SCRIPT = """
title = "全年"
anchor = "双12"
[[beat]]
id = "last-day"
title = "月底"
monthday = 31
short_month = "last"
time = "10:00"
phrase = "post.morning_call"
[[beat]]
id = "thirty-first"
title = "三十一号"
monthday = 31
short_month = "skip"
time = "10:10"
phrase = "post.morning_call"
[[beat]]
id = "leap-day"
title = "闰日"
date = "02-29"
short_month = "skip"
time = "10:20"
phrase = "post.morning_call"
[[beat]]
id = "spring-eve"
title = "年前三天到初一"
festival = "春节"
days = "-3..0"
time = "10:30"
phrase = "post.morning_call"
[[beat]]
id = "make-up"
title = "调休打气"
on = "make-up"
time = "08:30"
phrase = "post.morning_call"
[[beat]]
id = "monday-off"
title = "放假的周一"
weekday = "周一"
on = "holiday"
time = "09:30"
phrase = "post.morning_call"
[[beat]]
id = "terms"
title = "四立"
festival = ["立春", "立夏", "立秋", "立冬"]
time = "07:30"
phrase = "post.morning_call"
[[beat]]
id = "mid-autumn"
title = "中秋前一天"
festival = "中秋"
days = -1
time = "18:00"
phrase = "post.morning_call"
[[beat]]
id = "sale"
title = "大促"
day = [-3, 0]
time = "20:00"
phrase = "post.morning_call"
"""
# By hand; where each kind of date comes from stands in test_calendar_rules.py. For 2027 nothing was announced when this
# was written: no make-up workdays are known, and no day off is expected here but those that need no announcement.
EXPECTED: Mapping[str, Mapping[int, str]] = {
    "last-day": {
        2024: "01-31 02-29 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31",
        2025: "01-31 02-28 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31",
        2026: "01-31 02-28 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31",
        2027: "01-31 02-28 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31",
    },
    "thirty-first": dict.fromkeys(range(2024, 2028), "01-31 03-31 05-31 07-31 08-31 10-31 12-31"),
    "leap-day": {2024: "02-29", 2025: "", 2026: "", 2027: ""},
    "spring-eve": {
        2024: "02-07 02-08 02-09 02-10",
        2025: "01-26 01-27 01-28 01-29",
        2026: "02-14 02-15 02-16 02-17",
        2027: "02-03 02-04 02-05 02-06",
    },
    "make-up": {
        2024: "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12",
        2025: "01-26 02-08 04-27 09-28 10-11",
        2026: "01-04 02-14 02-28 05-09 09-20 10-10",
    },
    "monday-off": {
        2024: "01-01 02-12 06-10 09-16 10-07",
        2025: "02-03 05-05 06-02 10-06",
        2026: "02-16 02-23 04-06 05-04 10-05",
    },
    "terms": {
        2024: "02-04 05-05 08-07 11-07",
        2025: "02-03 05-05 08-07 11-07",
        2026: "02-04 05-05 08-07 11-07",
        2027: "02-04 05-06 08-08 11-07",
    },
    "mid-autumn": {2024: "09-16", 2025: "10-05", 2026: "09-24", 2027: "09-14"},
    "sale": dict.fromkeys(range(2024, 2028), "12-09 12-12"),
}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Beat]]:
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "year.toml").write_text(SCRIPT, encoding="utf-8")
    return load_scripts(folder)


@pytest.fixture(scope="module")
def played(scripts: dict[str, list[Beat]]) -> dict[tuple[str, int], list[datetime]]:
    """(beat, year) -> moments in the zone, as the schedule gives them in four years without a break."""
    config = a_config({"groups": {"g": {"scripts": ["year"]}}})
    schedule = Schedule(config)
    schedule.plan(scripts, {}, ["g"], datetime(2023, 12, 31, 23, 59, tzinfo=ZONE))
    found: dict[tuple[str, int], list[datetime]] = {}
    while True:
        due, _ = schedule.pop(lambda group: "c")
        local = due.at.astimezone(ZONE)
        if local.year == 2028:
            return found
        found.setdefault((due.beat.removeprefix("year."), local.year), []).append(local)


CASES = [(name, year, days) for name, years in EXPECTED.items() for year, days in years.items()]


@pytest.mark.parametrize(("name", "year", "days"), CASES)
def test_a_beat_plays_on_exactly_these_days(
    name: str, year: int, days: str, played: dict[tuple[str, int], list[datetime]]
) -> None:
    assert [f"{one:%m-%d}" for one in played.get((name, year), [])] == days.split()


CLOCKS = {
    "last-day": "10:00", "thirty-first": "10:10", "leap-day": "10:20", "spring-eve": "10:30", "make-up": "08:30",
    "monday-off": "09:30", "terms": "07:30", "mid-autumn": "18:00", "sale": "20:00",
}  # fmt: skip


def test_every_post_of_four_years_comes_at_its_minute(played: dict[tuple[str, int], list[datetime]]) -> None:
    assert {(name, f"{one:%H:%M}") for (name, _), moments in played.items() for one in moments} == set(CLOCKS.items())


WEEK = {
    # The shipped week of a welfare group, Monday 2026-12-07 to Sunday 12-13, for a group of type welfare.
    "12-07": "09:00 morning-call, 12:30 monday-sunny, 19:30 daily-topic",
    "12-08": "09:00 morning-call, surprise, 19:30 daily-topic",
    "12-09": "09:00 morning-call, 12:00 wednesday-new",
    "12-10": "09:00 morning-call, 15:30 thursday-praise, 19:30 daily-topic",
    "12-11": "09:00 morning-call, 12:00 friday-noon, 20:00 friday-evening",
    "12-12": "09:00 morning-call, surprise, 19:30 daily-topic",
    "12-13": "09:00 morning-call, 19:30 daily-topic",
}


def week_of(script: str, start: date, **group: object) -> dict[str, str]:
    """What the schedule plays in the week from a day on; a surprise without its minute."""
    schedule = Schedule(a_config({"groups": {"g": {"scripts": [script], **group}}}))
    begin = datetime(start.year, start.month, start.day, tzinfo=ZONE)
    schedule.plan(load_scripts(None), {}, ["g"], begin - timedelta(minutes=1))
    found: dict[str, list[str]] = {}
    while schedule.next_due is not None and from_ms(schedule.next_due) < begin + timedelta(days=7):
        due, _ = schedule.pop(lambda one: "c")
        beat, local = schedule.beats[due.beat], due.at.astimezone(ZONE)
        name = beat.id.partition(".")[2]
        found.setdefault(f"{local:%m-%d}", []).append(name if beat.surprise else f"{local:%H:%M} {name}")
        if beat.surprise:
            assert 14 <= local.hour < 17 or (local.hour, local.minute) == (17, 0)
    return {day: ", ".join(rows) for day, rows in found.items()}


def test_the_shipped_week_of_a_welfare_group() -> None:
    assert week_of("welfare", date(2026, 12, 7), type="welfare") == WEEK


def test_a_group_without_a_type_gets_the_four_main_beats() -> None:
    week = week_of("welfare", date(2026, 12, 7))
    assert week["12-09"] == "09:00 morning-call, 12:00 wednesday-new"
    assert week["12-11"] == "09:00 morning-call, 12:00 friday-noon, 20:00 friday-evening"
    assert {rows for day, rows in week.items() if day not in ("12-09", "12-11")} == {"09:00 morning-call"}


def test_the_shipped_month_of_a_knowledge_group() -> None:
    assert week_of("knowledge", date(2026, 12, 14)) == {
        "12-14": "08:00 food-calendar", "12-15": "08:00 food-calendar, 15:30 half-month-praise",
        "12-16": "08:00 food-calendar, 12:30 wednesday-product", "12-17": "08:00 food-calendar",
        "12-18": "08:00 food-calendar", "12-19": "08:00 food-calendar, 19:30 saturday-topic",
        "12-20": "08:00 food-calendar, 12:00 member-day",
    }  # fmt: skip


def test_a_knowledge_group_without_promotion_hears_of_no_product() -> None:
    week = week_of("knowledge", date(2026, 12, 14), contact={"no_promo": True})
    assert week["12-16"] == week["12-20"] == "08:00 food-calendar"


def test_a_knowledge_group_is_told_70_15_15() -> None:
    counts = {"useful": 0, "fun": 0, "product": 0}
    beats = {beat.id: beat for beat in load_scripts(None)["knowledge"]}
    schedule = Schedule(a_config({"groups": {"g": {"scripts": ["knowledge"]}}}))
    schedule.plan(load_scripts(None), {}, ["g"], datetime(2026, 1, 1, tzinfo=ZONE))
    while (due := schedule.next_due) is not None and from_ms(due) < datetime(2027, 1, 1, tzinfo=ZONE):
        counts[beats[schedule.pop(lambda one: "c")[0].beat].content] += 1
    total = sum(counts.values())
    assert [round(100 * counts[name] / total) for name in counts] == [71, 15, 15]


def test_a_flash_group_speaks_in_its_four_days_and_is_quiet_for_the_rest_of_the_year() -> None:
    assert week_of("flash", date(2026, 12, 8)) == {
        "12-09": "10:00 open", "12-10": "12:00 rules", "12-11": "20:00 warm-up",
        "12-12": "08:00 day-morning, 20:00 day-evening, 22:00 close",
    }  # fmt: skip
    assert week_of("flash", date(2026, 6, 1)) == {}


def test_a_group_may_put_the_sale_on_a_day_of_its_own() -> None:
    own = {"calendar": {"anchor": "2026-06-18"}}
    assert week_of("flash", date(2026, 6, 15), **own) == {
        "06-15": "10:00 open", "06-16": "12:00 rules", "06-17": "20:00 warm-up",
        "06-18": "08:00 day-morning, 20:00 day-evening, 22:00 close",
    }  # fmt: skip
    assert week_of("flash", date(2026, 12, 8), **own) == {}
    assert week_of("welfare", date(2026, 12, 7), type="welfare", **own) == WEEK


def test_every_written_word_of_the_packs_exists_for_both_personas(stage: Room) -> None:
    """The shipped scripts were proven against the shipped persona at start; here against the other one, too."""
    from bot.app import switchboard_for
    from bot.content import load_content

    config = a_config({"bot": {"persona": "heyan"}, "groups": {"g": {"scripts": ["welfare", "knowledge", "flash"]}}})
    content = load_content(config, switchboard_for(config).phrases)
    assert sum(len(bank.entries) for bank in content.banks.values()) >= 40
    assert sum(len(bank.entries) for bank in stage.app.desk.content.banks.values()) >= 60


def test_the_food_calendar_has_a_page_for_every_solar_term_and_promises_nothing() -> None:
    from bot.banks import load_topics
    from bot.config import shipped
    from bot.scripts.sky import TERMS

    banks, problems = load_topics(shipped("persona") / "heyan" / "banks", ())
    assert problems == []
    pages = banks["food_calendar"].entries
    assert [one.term for one in pages if one.term] == [*TERMS[2:], *TERMS[:2]]
    claims = (
        "最",
        "第一",
        "治",
        "疗",
        "补气",
        "养生",
        "祛",
        "排毒",
        "免疫",
        "降血",
        "降脂",
        "降糖",
        "防病",
        "功效",
        "根除",
    )
    assert [(one.text, word) for one in pages for word in claims if word in one.text] == []
    for day, term in ((date(2026, 2, 4), "立春"), (date(2026, 12, 31), "冬至"), (date(2027, 1, 5), "小寒")):
        assert [one.term for one in banks["food_calendar"].fitting("", day) if one.term] == [term]


def test_every_topic_ends_in_an_open_question() -> None:
    from bot.banks import load_topics
    from bot.config import shipped

    for persona in ("xiaoyuanzi", "heyan"):
        banks, _ = load_topics(shipped("persona") / persona / "banks", ())
        assert [one.text for one in banks["topics"].entries if not one.text.endswith("？")] == []


def test_a_thousand_groups_are_planned_by_asking_each_rule_once_for_each_group(tmp_path: Path) -> None:
    """Counted, not timed: the plan of 1,000 groups costs one look per beat and group."""
    schedule = Schedule(a_config({"groups": {"default": {"scripts": ["welfare", "knowledge"], "type": "welfare"}}}))
    scripts = load_scripts(None)
    asked: list[str] = []
    schedule._next = lambda beat, group, after: asked.append(beat.id)  # type: ignore[method-assign]
    schedule.plan(scripts, {}, [f"g{number}" for number in range(1_000)], datetime(2026, 12, 1, tzinfo=ZONE))
    playing = [beat for name in ("welfare", "knowledge") for beat in scripts[name]]
    assert len(asked) == 1_000 * len(playing)
