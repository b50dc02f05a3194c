"""Scheduled posts: at their moment, once, late within their limit, reported when missed, never from an old plan."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.schedule import Alarm, Schedule
from bot.scripts import Beat, load_scripts
from bot.world import RealWorld, from_ms, to_ms
from tests.conftest import BOSS, OpenRoom, Room, at, group_config, keys

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def posts(room: Room) -> list[tuple[str, str]]:
    """(due time in the zone, state) of every scheduled line."""
    found = room.rows("SELECT event_id, state FROM outbox WHERE sort IN ('campaign', 'reminder') ORDER BY id")
    return [(event_id, state) for event_id, state in found]


async def test_a_week_of_posts_comes_at_its_moments(stage: Room) -> None:
    said = await stage.until("下周三 11:00")
    assert keys(said) == [
        "post.wednesday", "post.morning_call", "post.morning_call", "post.friday_noon", "post.friday_evening",
        "post.morning_call", "post.morning_call", "post.morning_call", "post.morning_call", "post.morning_call",
    ]  # fmt: skip
    moments = [from_ms(one).astimezone(stage.now.tzinfo) for (one,) in stage.rows("SELECT settled_at FROM outbox")]
    assert [f"{one:%a %H:%M}" for one in moments] == [
        "Wed 12:00", "Thu 09:00", "Fri 09:00", "Fri 12:00", "Fri 20:00", "Sat 09:00", "Sun 09:00", "Mon 09:00",
        "Tue 09:00", "Wed 09:00",
    ]  # fmt: skip


async def test_a_post_brings_its_contents_and_its_reason(stage: Room) -> None:
    (line,) = await stage.wait(2 * MINUTE)
    assert "白桃乌龙" in line.text
    assert "青瓜薄荷" in line.text
    assert (line.group, line.event_id) == ("yuanqi", "welfare.wednesday-new:yuanqi:2026-12-02T04:00Z")
    assert "周三新品" in line.because


async def test_nothing_comes_before_its_moment(stage: Room) -> None:
    assert await stage.wait(2 * MINUTE - timedelta(milliseconds=1)) == []
    assert keys(await stage.wait(timedelta(milliseconds=1))) == ["post.wednesday"]


async def test_a_post_is_made_once_over_twenty_restarts(stage: Room) -> None:
    said: list[str] = []
    for number in range(20):
        said += keys(await (stage.restart() if number % 2 else stage.power_cut(timedelta(seconds=20))))
    said += keys(await stage.wait(MINUTE))
    assert said == ["post.wednesday"]
    assert stage.one("SELECT count(*) FROM interaction WHERE kind = 'beat_due'") == 1


async def test_where_nothing_may_be_late_a_clock_that_rings_a_moment_later_is_still_on_time(
    open_room: OpenRoom, tmp_path: Path
) -> None:
    write_script(tmp_path / "scripts", noon=("每天", "12:00"))
    (file,) = (tmp_path / "scripts").glob("*.toml")
    file.write_text(file.read_text(encoding="utf-8") + 'lateness = "0s"\n', encoding="utf-8")
    changes: dict[str, Any] = {"bot": {"scripts": str(tmp_path / "scripts")}, **group_config(scripts=["mine"])}
    room = await open_room(changes)
    said = await room.power_cut(2 * MINUTE + timedelta(milliseconds=200))
    assert len(said) == 1
    assert said[0].sort == "campaign"
    await room.until("明天 11:59")
    assert keys(await room.power_cut(4 * MINUTE) + await room.wait(MINUTE)) == ["staff.missed"]


async def test_a_post_that_is_a_little_late_is_still_made(stage: Room) -> None:
    said = await stage.power_cut(2 * MINUTE + 15 * MINUTE)
    assert keys(said) == ["post.wednesday"]
    assert keys(await stage.wait(HOUR)) == []


async def test_a_post_that_is_too_late_is_reported_to_staff_once(stage: Room) -> None:
    assert keys(await stage.power_cut(18 * MINUTE)) == []
    said = await stage.wait(HOUR)
    assert [(line.phrase, line.group, line.member) for line in said] == [("staff.missed", None, BOSS)]
    assert "周三新品" in said[0].text
    assert keys(await stage.restart()) == []
    assert keys(await stage.wait(HOUR)) == []


async def test_many_missed_posts_are_one_summary(stage: Room) -> None:
    said = await stage.power_cut(3 * DAY)
    said += await stage.wait(MINUTE)
    (line,) = said
    assert line.phrase == "staff.missed"
    assert [title in line.text for title in ("周三新品", "早安签到", "午间", "晚间")] == [True] * 4
    assert stage.one("SELECT count(*) FROM missed") == 6  # Wed 12:00, Thu to Sat 9:00, Fri 12:00 and 20:00


async def test_each_outage_has_a_summary_of_its_own(stage: Room) -> None:
    await stage.power_cut(18 * MINUTE)
    (first,) = await stage.wait(MINUTE)
    await stage.power_cut(DAY)
    (second,) = await stage.wait(MINUTE)
    assert "周三新品" in first.text
    assert "周三新品" not in second.text
    assert "早安签到" in second.text


def write_script(folder: Path, **beats: tuple[str, str]) -> None:
    """A script of one's own: beat -> (weekday, time)."""
    text = 'title = "x"\n' + "".join(
        f'[[beat]]\nid = "{name}"\ntitle = "{name}"\nweekday = "{weekday}"\ntime = "{time}"\n'
        'phrase = "post.morning_call"\n'
        for name, (weekday, time) in beats.items()
    )
    folder.mkdir(exist_ok=True)
    (folder / "mine.toml").write_text(text, encoding="utf-8")


@pytest.fixture
async def own(open_room: OpenRoom, tmp_path: Path) -> Room:
    """A room that plays a script which the test may rewrite: noon every day."""
    write_script(tmp_path / "scripts", noon=("每天", "12:00"))
    changes: dict[str, Any] = {"bot": {"scripts": str(tmp_path / "scripts")}, **group_config(scripts=["mine"])}
    return await open_room(changes)


async def test_a_changed_time_never_leaves_the_old_one_firing(own: Room, tmp_path: Path) -> None:
    write_script(tmp_path / "scripts", noon=("每天", "15:00"))
    assert keys(await own.boss_says("重载")) == ["reload.done"]
    assert keys(await own.until("14:59")) == []
    assert keys(await own.until("15:00")) == ["post.morning_call"]
    assert keys(await own.until("明天 14:59")) == []


async def test_a_time_changed_before_a_restart_never_leaves_the_old_one_firing(own: Room, tmp_path: Path) -> None:
    write_script(tmp_path / "scripts", noon=("每天", "15:00"))
    await own.restart()
    assert keys(await own.until("14:59")) == []
    assert keys(await own.until("15:00")) == ["post.morning_call"]


async def test_a_time_changed_to_one_that_is_over_today_starts_tomorrow(own: Room, tmp_path: Path) -> None:
    assert keys(await own.until("13:00")) == ["post.morning_call"]
    write_script(tmp_path / "scripts", noon=("每天", "11:00"))
    await own.boss_says("重载")
    assert keys(await own.until("明天 10:59")) == []
    assert keys(await own.until("11:00")) == ["post.morning_call"]
    assert own.rows("SELECT * FROM missed") == []


async def test_a_beat_that_was_removed_is_silent_and_one_that_was_added_starts(own: Room, tmp_path: Path) -> None:
    write_script(tmp_path / "scripts", evening=("周三", "20:00"))
    await own.boss_says("重载")
    assert keys(await own.until("19:59")) == []
    assert keys(await own.until("20:00")) == ["post.morning_call"]


async def test_a_script_switched_off_for_weeks_misses_nothing(own: Room) -> None:
    await own.until("13:00")
    await own.boss_says("设置 scripts 空")
    assert keys(await own.wait(14 * DAY)) == []
    await own.boss_says("设置 scripts mine")
    assert keys(await own.until("明天 12:00")) == ["post.morning_call"]
    assert own.rows("SELECT * FROM missed") == []


async def test_a_new_group_plays_from_now_on(open_room: OpenRoom) -> None:
    room = await open_room({"groups": {"default": {"scripts": ["welfare"]}}}, start=at("12-02 12:01"), group="fresh")
    await room.says("小明", "大家好")
    said = await room.until("明天 09:00")
    assert [(line.phrase, line.group) for line in said if line.group == "fresh"] == [("post.morning_call", "fresh")]


async def test_a_muted_group_gets_answers_and_no_posts(open_room: OpenRoom) -> None:
    room = await open_room(group_config(muted=True))
    assert await room.wait(HOUR) == []
    assert posts(room) == [("welfare.wednesday-new:yuanqi:2026-12-02T04:00Z", "held")]
    assert "muted" in room.one("SELECT why_not FROM outbox")
    assert keys(await room.says("小明", "签到")) == ["checkin.done"]


async def test_quiet_hours_postpone_a_post_to_their_end_and_never_an_answer(open_room: OpenRoom) -> None:
    room = await open_room(group_config(quiet="11:30-12:10"))
    assert keys(await room.says("小明", "签到")) == ["checkin.done"]
    assert await room.wait(11 * MINUTE) == []
    assert keys(await room.wait(MINUTE)) == ["post.wednesday"]


async def test_quiet_hours_that_outlast_a_post_end_it(open_room: OpenRoom) -> None:
    room = await open_room(group_config(quiet="11:30-13:00"))
    assert await room.wait(2 * HOUR) == []
    assert [state for _, state in posts(room)] == ["expired"]


async def test_the_same_post_comes_at_the_hour_of_each_zone(open_room: OpenRoom) -> None:
    room = await open_room({"groups": {"berlin": {"scripts": ["welfare"], "zone": "Europe/Berlin"}}})
    said = await room.until("20:00")
    assert [(line.group, line.event_id[-17:]) for line in said if line.phrase == "post.wednesday"] == [
        ("yuanqi", "2026-12-02T04:00Z"), ("berlin", "2026-12-02T11:00Z"),
    ]  # fmt: skip


async def test_the_agenda_shows_what_comes_next_with_its_zone(stage: Room) -> None:
    (line,) = await stage.boss_says("日程 3")
    assert [row for row in line.text.splitlines() if row.startswith("·")] == [
        "· 周三 12-02 12:00 「周三新品」（welfare.wednesday-new）",
        "· 周四 12-03 09:00 「早安签到」（welfare.morning-call）",
        "· 周五 12-04 09:00 「早安签到」（welfare.morning-call）",
    ]
    assert "Asia/Shanghai" in line.text


async def test_an_empty_agenda_says_so(quiet_stage: Room) -> None:
    assert keys(await quiet_stage.boss_says("日程")) == ["agenda.empty"]


async def test_a_stale_tick_does_no_harm(quiet_stage: Room) -> None:
    """A wake-up whose state has moved on: the rule looks at what is, and says nothing."""
    room = quiet_stage
    await room.joins(["甲"])
    for topic in ("welcome", "missed", "nobody"):
        room.app.store.agenda.wake_at(topic, "yuanqi", to_ms(room.world.now()), {"group": "yuanqi"})
    said = await room.wait(2 * HOUR)
    assert [line.phrase for line in said if line.group] == []
    assert room.rows("SELECT * FROM wake WHERE topic NOT IN ('housekeeping', 'learning')") == []


@pytest.mark.parametrize(
    ("moment", "due"),
    [("12-02 11:59:59", "12-02 12:00"), ("12-02 12:00", "12-09 12:00"), ("12-02 12:00:01", "12-09 12:00")],
)
def test_the_next_time_is_always_later(moment: str, due: str) -> None:
    beat = next(one for one in load_scripts(None)["welfare"] if one.id == "welfare.wednesday-new")
    zone = at(due).tzinfo
    assert beat.next_after(at(moment), zone) == at(due)  # type: ignore[arg-type]


def test_beats_due_together_come_in_a_fixed_order() -> None:
    from tests.conftest import a_config

    beats = load_scripts(None)
    orders: set[tuple[str, ...]] = set()
    for groups in (["b", "a"], ["a", "b"]):
        config = a_config({"groups": {name: {"scripts": ["welfare"]} for name in ("a", "b")}})
        schedule = Schedule(config)
        schedule.plan(beats, {}, groups, at("12-02 08:00"))
        orders.add(tuple(schedule.pop(lambda group: "c")[0].id for _ in range(6)))
    (order,) = orders
    assert [one.split(":")[1] for one in order] == ["a", "b"] * 3


def test_a_beat_plays_where_its_script_is_switched_on_or_where_it_is_named() -> None:
    from bot.settings import GroupSettings

    beat: Beat = load_scripts(None)["welfare"][0]
    assert beat.plays_in("g", GroupSettings(scripts=("welfare",)))
    assert not beat.plays_in("g", GroupSettings())


async def test_an_alarm_rings_for_a_moment_that_is_over() -> None:
    import asyncio

    rung = asyncio.Event()
    alarm = Alarm(rung.set)
    alarm.start()
    now = RealWorld().now()
    alarm.set(now - HOUR, now)
    await asyncio.wait_for(rung.wait(), 60)
    alarm.set(now + DAY, now)
    alarm.set(None, now)
    alarm.stop()
