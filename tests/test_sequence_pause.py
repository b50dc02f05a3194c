"""暂停 and 继续 for what goes to each member on their own: nothing leaves meanwhile, and no burst afterwards."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.fsck import check
from tests.conftest import BOSS, OpenRoom, Room, keys
from tests.test_sequences import of, private

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SCRIPT = """
title = "三句话"
[[beat]]
id = "one"
title = "第一句"
after = "contact_added"
hours = 1
phrase = "post.greeting"
sort = "reminder"
content = "service"
[[beat]]
id = "two"
title = "第二句"
after = "contact_added"
hours = 2
phrase = "post.follow_three"
sort = "reminder"
content = "service"
[[beat]]
id = "never-late"
title = "不补的一句"
after = "contact_added"
hours = 2
phrase = "post.follow_seven"
sort = "reminder"
content = "service"
late = "drop"
[[beat]]
id = "hello"
title = "进群一句"
after = "joined"
hours = 1
where = "group"
phrase = "post.greeting"
sort = "reminder"
content = "service"
"""


@pytest.fixture
async def room(open_room: OpenRoom, tmp_path: Path) -> Room:
    """A house with a script for single members; it is 11:58."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "three.toml").write_text(SCRIPT, encoding="utf-8")
    changes: dict[str, Any] = private("three", bot={"scripts": str(folder)})
    return await open_room(changes)


async def state_after(room: Room, member: str) -> list[str]:
    rows = room.rows("SELECT beat || ' ' || state FROM sequence_step WHERE member_id = ? ORDER BY beat", member)
    return [str(row[0]) for row in rows]


async def test_what_fell_due_in_a_pause_is_said_late_one_line_for_each_member(room: Room) -> None:
    await room.adds_contact("阿杰")
    await room.adds_contact("小北")
    assert keys(await room.boss_says("暂停 三句话", private=True)) == ["campaign.paused"]
    before = len(room.said)
    assert keys(await room.wait(3 * HOUR)) == []
    (resumed,) = [line for line in await room.boss_says("继续 三句话", private=True) if line.member == BOSS]
    assert resumed.phrase == "campaign.sequence_resumed"
    assert "2 条现在发" in resumed.text
    assert "错过的 4 条不补" in resumed.text
    for name in ("阿杰", "小北"):
        assert of(room, room.people[name], before) == ["post.follow_three"]
        assert await state_after(room, room.people[name]) == [
            "three.never-late cancelled", "three.one cancelled", "three.two said",
        ]  # fmt: skip
    assert keys(await room.wait(2 * DAY)) == []
    assert room.rows("SELECT * FROM missed") == []  # staff wanted it: nothing to report
    assert check(room.db).violations == []


async def test_a_pause_longer_than_its_lateness_ends_a_step_without_a_report(room: Room) -> None:
    await room.adds_contact("阿杰")
    await room.boss_says("暂停 三句话", private=True)
    await room.power_cut(4 * HOUR)
    assert keys(await room.wait(2 * DAY)) == []
    (resumed,) = await room.boss_says("继续 三句话", private=True)
    assert "现在发" not in resumed.text
    assert "没有人等着" in resumed.text
    assert keys(await room.wait(DAY)) == []
    assert room.rows("SELECT * FROM missed") == []
    assert check(room.db).violations == []


async def test_whoever_comes_during_a_pause_is_spoken_to_when_it_is_over(room: Room) -> None:
    await room.boss_says("暂停 three", private=True)
    await room.adds_contact("阿杰")
    await room.wait(HOUR / 2)
    await room.boss_says("继续 three", private=True)
    before = len(room.said)
    await room.wait(HOUR)
    assert of(room, room.people["阿杰"], before) == ["post.greeting"]


async def test_a_line_that_waits_in_quiet_hours_waits_on_with_its_step(open_room: OpenRoom) -> None:
    room = await open_room(private("onboarding"))
    await room.until("21:45")
    await room.adds_contact("阿杰")
    assert keys(await room.until("23:00")) == []  # queued until the morning
    (paused,) = await room.boss_says("暂停 新好友", private=True)
    assert "排队的 1 条" in paused.text
    await room.restart()
    before = len(room.said)
    assert keys(await room.wait(10 * HOUR)) == []
    await room.boss_says("继续 新好友", private=True)
    assert of(room, room.people["阿杰"], before) == ["post.onboarding_hello"]
    said = await room.says("阿杰", "我爱喝茶", private=True)
    assert "post.onboarding_check_in" in keys(said)  # the sequence goes on
    assert check(room.db).violations == []


async def test_a_step_that_others_follow_is_the_one_that_is_made_up_for(open_room: OpenRoom) -> None:
    room = await open_room(private("onboarding"))
    await room.until("19:00")
    await room.adds_contact("阿杰")  # step one at 20:00, the greeting at 19:30 tomorrow
    await room.boss_says("暂停 新好友", private=True)
    await room.wait(timedelta(hours=24, minutes=40))
    before = len(room.said)
    await room.boss_says("继续 新好友", private=True)
    assert of(room, room.people["阿杰"], before) == ["post.onboarding_hello"]


async def test_staff_see_how_it_stands(room: Room) -> None:
    await room.adds_contact("阿杰")
    (listed,) = await room.boss_says("活动", private=True)
    assert "一对一「三句话」给每个人的 4 步，进行中，3 条等着，最近 12-02 12:58（three）" in listed.text
    (planned,) = await room.boss_says("日程", private=True)
    assert "「三句话」" in planned.text
    await room.boss_says("暂停 第二句", private=True)
    (listed,) = await room.boss_says("活动", private=True)
    assert "1/4 步暂停" in listed.text
    (details,) = await room.boss_says("活动 三句话", private=True)
    assert "第二句（three.two）：加好友2 小时后（店长 暂停了它）" in details.text
    assert keys(await room.boss_says("暂停 第二句", private=True)) == ["campaign.unchanged"]
    assert keys(await room.boss_says("继续 第二句", private=True)) == ["campaign.sequence_resumed"]
    assert keys(await room.boss_says("继续 第二句", private=True)) == ["campaign.unchanged"]
    assert check(room.db).violations == []
    (audited,) = await room.boss_says("审计", private=True)
    assert "three.two" in audited.text


async def test_a_pause_said_in_a_group_holds_there_only(room: Room) -> None:
    assert keys(await room.boss_says("暂停 三句话")) == ["campaign.paused"]
    await room.joins(["阿杰"])
    await room.adds_contact("阿杰")
    await room.wait(2 * HOUR)
    assert [line.phrase for line in room.said if line.group and line.phrase == "post.greeting"] == []
    assert "post.greeting" in of(room, room.people["阿杰"])


@pytest.mark.parametrize("word", ["预览", "跳过", "立即发"])
async def test_what_fits_no_sequence_says_so(room: Room, word: str) -> None:
    (answer,) = await room.boss_says(f"{word} 三句话", private=True)
    assert answer.phrase == "campaign.cannot"
    assert "「暂停」「继续」" in answer.text


async def test_a_near_name_is_asked_back_and_members_cannot(room: Room) -> None:
    (unknown,) = await room.boss_says("暂停 三句活", private=True)
    assert unknown.phrase == "campaign.unknown"
    assert "三句话" in unknown.text
    assert "campaign.paused" not in keys(await room.says("阿杰", "暂停 三句话"))
    assert room.rows("SELECT * FROM beat_pause") == []
