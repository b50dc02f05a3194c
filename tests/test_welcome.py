"""Newcomers: one greeting at most per gap, with everybody in it; nobody twice, nobody late."""

from datetime import datetime, timedelta

import pytest

from bot.channels import Line
from bot.events import MemberJoined, Person
from bot.handlers.welcome import listed
from bot.stage import CHANNEL
from tests.conftest import OpenRoom, Room, group_config, keys

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def greeted(lines: list[Line]) -> list[tuple[str, ...]]:
    """Whom the greetings mention."""
    return [line.mentions for line in lines if line.phrase.startswith("welcome.")]


async def joins(room: Room, *names: str, event_id: str, at: datetime | None = None, **more: object) -> list[Line]:
    event = MemberJoined(
        id=event_id, at=at or room.world.now(), channel=CHANNEL, group=room.group,
        people=tuple(Person(name, name) for name in names), **more,  # type: ignore[arg-type]
    )  # fmt: skip
    return await room.feed([event])


async def test_the_first_is_greeted_at_once_with_the_benefit(quiet_stage: Room) -> None:
    (line,) = await quiet_stage.joins(["小明"])
    assert line.phrase == "welcome.group"
    assert "小明" in line.text
    assert "试吃装" in line.text
    assert line.mentions == ("小明",)


async def test_those_who_join_in_the_gap_are_greeted_together_when_it_ends(quiet_stage: Room) -> None:
    room = quiet_stage
    await room.joins(["甲"])
    for name in ("乙", "丙"):
        await room.wait(10 * MINUTE)
        assert await room.joins([name]) == []
        assert "gap" in room.why()
    assert await room.wait(40 * MINUTE - timedelta(milliseconds=1)) == []
    assert greeted(await room.wait(timedelta(milliseconds=1))) == [("乙", "丙")]
    assert await room.wait(DAY) == []


async def test_after_a_quiet_gap_the_next_is_greeted_at_once(quiet_stage: Room) -> None:
    room = quiet_stage
    await room.joins(["甲"])
    await room.wait(HOUR)
    assert greeted(await room.joins(["乙"])) == [("乙",)]


async def test_the_gap_ends_also_when_the_process_died_in_it(quiet_stage: Room) -> None:
    room = quiet_stage
    await room.joins(["甲"])
    await room.joins(["乙"])
    assert greeted(await room.power_cut(30 * MINUTE)) == []
    assert greeted(await room.wait(30 * MINUTE)) == [("乙",)]


async def test_names_are_limited_and_counted(quiet_stage: Room) -> None:
    (line,) = await quiet_stage.joins([f"新人{number}" for number in range(8)])
    assert "新人0、新人1、新人2、新人3、新人4等 8 位" in line.text
    assert line.mentions == tuple(f"新人{number}" for number in range(5))


@pytest.mark.parametrize(
    ("count", "most", "text"),
    [(1, 5, "a0"), (5, 5, "a0、a1、a2、a3、a4"), (6, 5, "a0、a1、a2、a3、a4等 6 位"), (2, 1, "a0等 2 位")],
)
def test_names_are_listed_up_to_a_limit(count: int, most: int, text: str) -> None:
    assert listed([f"a{number}" for number in range(count)], most) == text


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_storm_of_500_joins_brings_two_lines(quiet_stage: Room, at_once: bool) -> None:
    room = quiet_stage
    events = [
        MemberJoined(
            id=f"j{number}", at=room.world.now() + timedelta(milliseconds=number), channel=CHANNEL, group=room.group,
            people=(Person(f"u{number}", f"新{number}"),),
        )
        for number in range(500)
    ]  # fmt: skip
    said: list[Line] = []
    if at_once:
        said += await room.feed(list(events))
    else:
        for event in events:
            said += await room.feed([event])
    said += await room.wait(2 * HOUR)
    assert keys(said) == ["welcome.group", "welcome.group"]
    assert "等 499 位" in said[1].text
    assert all(len(line.text) < 500 for line in said)


async def test_a_storm_in_one_report_is_one_line(quiet_stage: Room) -> None:
    said = await quiet_stage.joins([f"新{number}" for number in range(500)])
    said += await quiet_stage.wait(2 * HOUR)
    assert keys(said) == ["welcome.group"]
    assert "等 500 位" in said[0].text


async def test_a_rejoiner_is_greeted_again_only_after_so_many_days(quiet_stage: Room) -> None:
    room = quiet_stage
    await room.joins(["小明"])
    await room.wait(2 * HOUR)
    await room.leaves("小明")
    assert await room.joins(["小明"]) == []
    assert "rejoin_days" in room.why()
    await room.leaves("小明")
    await room.wait(30 * DAY)
    assert greeted(await room.joins(["小明"])) == [("小明",)]


async def test_a_join_reported_twice_under_other_ids_greets_once(quiet_stage: Room) -> None:
    room = quiet_stage
    assert len(await joins(room, "小明", event_id="j1")) == 1
    await room.wait(31 * DAY)
    assert await joins(room, "小明", event_id="j2") == []


async def test_a_roster_read_at_first_connect_greets_nobody_then_or_later(quiet_stage: Room) -> None:
    room = quiet_stage
    assert await joins(room, "甲", "乙", event_id="h", history=True) == []
    assert await joins(room, "甲", event_id="j") == []
    assert greeted(await joins(room, "丙", event_id="k")) == [("丙",)]


async def test_a_join_that_is_hours_old_is_not_greeted(quiet_stage: Room) -> None:
    room = quiet_stage
    assert await joins(room, "甲", event_id="old", at=room.world.now() - 3 * HOUR) == []
    assert "stale_after" in room.why()
    assert greeted(await joins(room, "乙", event_id="fresh", at=room.world.now() - HOUR)) == [("乙",)]


async def test_whoever_left_before_the_greeting_is_not_in_it(quiet_stage: Room) -> None:
    room = quiet_stage
    await room.joins(["甲"])
    await room.joins(["乙"])
    await room.joins(["丙"])
    await room.leaves("乙")
    assert greeted(await room.wait(2 * HOUR)) == [("丙",)]


async def test_when_everybody_who_waited_left_nobody_is_greeted(quiet_stage: Room) -> None:
    room = quiet_stage
    await room.joins(["甲"])
    await room.joins(["乙"])
    await room.leaves("乙")
    assert await room.wait(2 * HOUR) == []


async def test_a_leaving_that_is_reported_before_its_join_greets_nobody(quiet_stage: Room) -> None:
    room = quiet_stage
    joined_at = room.world.now()
    await room.wait(MINUTE)
    await room.leaves("甲")
    assert await joins(room, "甲", event_id="late", at=joined_at) == []


async def test_a_source_has_a_greeting_of_its_own_when_all_share_it(quiet_stage: Room) -> None:
    room = quiet_stage
    assert keys(await room.joins(["甲"], source="抖音")) == ["welcome.douyin"]
    await room.joins(["乙"], source="抖音")
    await room.joins(["丙"], source="抖音")
    assert keys(await room.wait(HOUR)) == ["welcome.douyin"]
    await room.joins(["丁"], source="抖音")
    await room.joins(["戊"], source="海报")
    assert keys(await room.wait(HOUR)) == ["welcome.group"]
    await room.wait(HOUR)
    assert keys(await room.joins(["己"], source="没听过的来源")) == ["welcome.group"]


async def test_groups_do_not_wait_for_each_other(quiet_stage: Room) -> None:
    room = quiet_stage
    assert greeted(await room.joins(["甲"])) == [("甲",)]
    room.group = "another"
    assert greeted(await room.joins(["乙"])) == [("乙",)]


async def test_welcome_can_be_switched_off_also_while_somebody_waits(open_room: OpenRoom) -> None:
    off = await open_room(group_config(welcome={"on": False}, scripts=[]))
    assert await off.joins(["甲"]) == []
    assert "welcome.on" in off.why()
    on = await open_room(group_config(scripts=[]))
    await on.joins(["甲"])
    await on.joins(["乙"])
    await on.boss_says("设置 welcome.on 关")
    assert greeted(await on.wait(2 * HOUR)) == []


async def test_without_a_gap_everybody_is_greeted_at_once(open_room: OpenRoom) -> None:
    room = await open_room(group_config(welcome={"gap": "0s"}, scripts=[]))
    assert greeted(await room.joins(["甲"])) == [("甲",)]
    assert greeted(await room.joins(["乙"])) == [("乙",)]


async def test_the_bot_does_not_greet_itself(quiet_stage: Room) -> None:
    assert await joins(quiet_stage, "yuanzi", event_id="j") == []


async def test_staff_can_see_beforehand_what_newcomers_will_see(quiet_stage: Room) -> None:
    (line,) = await quiet_stage.boss_says("试欢迎")
    assert line.phrase == "welcome.preview"
    assert "小满、阿杰、豆豆、橙子、暖暖等 7 位" in line.text
    (douyin,) = await quiet_stage.boss_says("试欢迎 抖音")
    assert "抖音" in douyin.text
    assert keys(await quiet_stage.says("小明", "试欢迎")) == ["staff.refused"]


async def test_a_new_contact_is_greeted_once_and_in_private(quiet_stage: Room) -> None:
    room = quiet_stage
    (line,) = await room.adds_contact("小明")
    assert (line.phrase, line.group, line.member) == ("welcome.contact", None, "小明")
    assert "小明" in line.text
    assert "帮助" in line.text
    await room.wait(31 * DAY)
    assert await room.adds_contact("小明") == []


async def test_a_contact_who_was_a_member_before_is_greeted_all_the_same(quiet_stage: Room) -> None:
    await quiet_stage.says("小明", "签到")
    assert keys(await quiet_stage.adds_contact("小明")) == ["welcome.contact"]


async def test_after_a_long_outage_nobody_is_welcomed_a_day_late(quiet_stage: Room) -> None:
    room = quiet_stage
    await room.joins(["甲"])
    await room.joins(["乙"])
    assert greeted(await room.power_cut(DAY)) == []
    assert greeted(await room.joins(["丙"])) == [("丙",)]
