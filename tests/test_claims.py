"""Prizes that nobody claims: reminded a day and three hours before, in 1:1 or once in the group, never after a claim."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Room, keys
from tests.test_draws import OpenDraw, opened

__all__ = ["opened"]
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PRIZES = '[[prizes]]\nname = "试吃装"\nquantity = 3\n'


async def drawn(opened: OpenDraw, *names: str, within: str = "3d", config: dict[str, Any] | None = None) -> Room:
    """A draw that these members have just won, with so long to claim."""
    room: Room = await opened(
        f'redeem_within = "{within}"', without="redeem_within", prizes=PRIZES, config={"quiet": "", **(config or {})}
    )
    await room.everyone_says(list(names), "冲呀")
    assert "draw.result" in keys(await room.wait(HOUR))
    return room


async def test_winners_in_one_group_share_one_reminder_a_day_and_three_hours_before(opened: OpenDraw) -> None:
    room = await drawn(opened, "小满", "小明", "小红")
    assert await room.wait(2 * DAY - HOUR) == []
    (line,) = await room.wait(2 * HOUR)
    assert (line.phrase, line.group, line.sort) == ("draw.remind_group", "yuanqi", "reminder")
    assert set(line.mentions) == {room.id_of(name) for name in ("小满", "小明", "小红")}
    assert "1 天" in line.text
    assert await room.wait(19 * HOUR) == []
    (line,) = await room.wait(2 * HOUR)
    assert "3 小时" in line.text
    assert "draw.remind_group" not in keys(await room.wait(2 * DAY))


async def test_a_contact_is_reminded_in_one_to_one_and_the_others_in_the_group(opened: OpenDraw) -> None:
    room = await drawn(opened, "小满", "小明", "小红")
    await room.adds_contact("小明")
    lines = await room.wait(2 * DAY + HOUR)
    private, group = sorted(
        (one for one in lines if one.phrase.startswith("draw.remind")), key=lambda one: one.group or ""
    )
    assert (private.phrase, private.member) == ("draw.remind", room.id_of("小明"))
    assert "试吃装" in private.text
    assert "小明" not in group.text
    assert len(group.mentions) == 2


async def test_whoever_claimed_hears_nothing_more(opened: OpenDraw) -> None:
    room = await drawn(opened, "小满", "小明")
    await room.says("小满", "领奖")
    (line,) = await room.wait(2 * DAY + HOUR)
    assert "小满" not in line.text
    await room.says("小明", "领奖")
    assert await room.wait(5 * DAY) == []


async def test_at_night_a_reminder_waits_and_whoever_claims_meanwhile_is_not_disturbed(opened: OpenDraw) -> None:
    # Drawn at 12:58: the reminder of the day before falls into hours that are set quiet here.
    room = await drawn(opened, "小满", "小明", config={"quiet": "12:30-15:00"})
    assert await room.wait(2 * DAY + HOUR) == []
    await room.says("小满", "领奖")
    (line,) = await room.wait(2 * HOUR)
    assert line.phrase == "draw.remind_group"
    assert "小满" not in line.text
    assert room.now.hour >= 15


@pytest.mark.parametrize("cut", [timedelta(0), timedelta(hours=2), timedelta(hours=22)])
async def test_a_power_cut_over_a_reminder_brings_one_and_not_two(opened: OpenDraw, cut: timedelta) -> None:
    room = await drawn(opened, "小满")
    await room.wait(2 * DAY - HOUR)
    said = await room.power_cut(2 * HOUR + cut) + await room.restart() + await room.restart()
    if cut < DAY - 3 * HOUR:
        assert keys(said) == ["draw.remind_group"]
        assert keys(await room.wait(DAY - 5 * HOUR - cut)) == []
    else:
        assert keys(said) == ["draw.remind_group"]  # both moments are over: one line tells how much is left
        assert "1 小时" in said[0].text


async def test_an_outage_beyond_the_end_reminds_nobody(opened: OpenDraw) -> None:
    room = await drawn(opened, "小满")
    said = await room.power_cut(4 * DAY)
    assert "draw.remind_group" not in keys(said)
    assert "draw.forfeited" in keys(said) + keys(await room.wait(HOUR))


async def test_too_short_a_time_to_claim_has_only_the_reminder_that_fits(opened: OpenDraw) -> None:
    room = await drawn(opened, "小满", within="5h")
    (line,) = await room.wait(4 * HOUR)
    assert "3 小时" in line.text


async def test_a_replacement_has_reminders_of_its_own(opened: OpenDraw, tmp_path: Path) -> None:
    room = await drawn(opened, "小满", "小明", "小红", "小周")
    await room.wait(2 * DAY + 2 * HOUR)
    await room.boss_says("补抽 1 1 联系不上")
    assert "draw.remind_group" in keys(await room.wait(DAY))  # three hours before the end of the others
    said = await room.wait(3 * DAY)
    reminded = [line for line in said if line.phrase == "draw.remind_group"]
    assert [len(line.mentions) for line in reminded] == [1, 1]


async def test_a_redemption_of_a_contact_is_reminded_in_one_to_one(stage: Room) -> None:
    await stage.says("小满", "来了")
    await stage.boss_says("发分 @小满 200 测试")
    await stage.adds_contact("小满")
    assert keys(await stage.says("小满", "兑换 3")) == ["shop.done"]
    said = [line for line in await stage.wait(7 * DAY) if line.phrase == "shop.remind"]
    assert [(line.group, line.member) for line in said] == [(None, stage.id_of("小满"))] * 2
