"""审计 shows who changed what, page by page; 撤销设置 puts a former value back, and never over a later change."""

from datetime import timedelta

import pytest

from storage.fsck import check
from tests.conftest import OpenRoom, Room, group_config, keys
from tests.test_rights import STAFF


@pytest.fixture
async def room(open_room: OpenRoom) -> Room:
    room = await open_room({**STAFF, **group_config(scripts=[], checkin={"points": 7})})
    room.people.update({"运营小王": "op", "导购小李": "guide", "看看": "looker"})
    return room


def number(room: Room, what: str) -> int:
    """The newest audit entry about something."""
    return int(room.one("SELECT max(id) FROM audit WHERE what LIKE ?", f"%{what}%"))


def points(room: Room) -> int:
    return room.app.config.group("yuanqi").checkin.points


# -- looking ---------------------------------------------------------------------------------------------------------


async def test_the_audit_says_who_when_and_what_newest_first(room: Room) -> None:
    await room.boss_says("设置 checkin.points 9")
    await room.wait(timedelta(minutes=5))
    await room.says("运营小王", "设置 muted 开")
    (line,) = await room.says("看看", "审计")
    first, second = [row for row in line.text.splitlines() if row.startswith("·")]
    assert first == "· 2 号 12-02 12:03 运营小王 设置：muted: 关 -> 开"
    assert second == "· 1 号 12-02 11:58 店长 设置：checkin.points: 7 -> 9"


async def test_the_audit_can_be_narrowed_by_person_and_by_word(room: Room) -> None:
    await room.boss_says("设置 checkin.points 9")
    await room.says("运营小王", "设置 muted 开")
    await room.says("运营小王", "重载")
    (line,) = await room.boss_says("审计 @运营小王")
    assert "店长" not in line.text
    assert "muted" in line.text
    (line,) = await room.boss_says("审计 重载")
    assert [row[:5] for row in line.text.splitlines() if row.startswith("·")] == ["· 3 号"]
    (line,) = await room.boss_says("审计 checkin.points")
    assert "muted" not in line.text
    assert keys(await room.boss_says("审计 100%")) == ["audit.none"]
    assert keys(await room.boss_says("审计 _")) == ["audit.none"]
    assert keys(await room.boss_says("审计 @没这个人")) == ["audit.usage"]


async def test_the_audit_comes_in_pages(room: Room) -> None:
    for amount in range(1, 26):
        await room.boss_says(f"设置 checkin.points {amount}")
    (line,) = await room.boss_says("审计")
    rows = [row for row in line.text.splitlines() if row.startswith("·")]
    assert [row.split()[1] for row in rows] == [str(one) for one in range(25, 15, -1)]
    (line,) = await room.boss_says("审计 20 第2页")
    rows = [row for row in line.text.splitlines() if row.startswith("·")]
    assert rows[-1].startswith("· 1 号")
    assert keys(await room.boss_says("审计 第99页")) == ["audit.none"]


async def test_a_group_sees_its_own_entries_and_a_private_chat_all(room: Room) -> None:
    await room.boss_says("设置 checkin.points 9")
    room.group = "another"
    assert keys(await room.boss_says("审计")) == ["audit.none"]
    await room.boss_says("设置 muted 开")
    (line,) = await room.boss_says("审计", private=True)
    assert "checkin.points" in line.text
    assert "another" in line.text


# -- taking back -----------------------------------------------------------------------------------------------------


async def test_the_former_value_comes_back_and_survives_a_restart(room: Room) -> None:
    await room.boss_says("设置 checkin.points 9")
    await room.boss_says("设置 checkin.points 50")
    (line,) = await room.boss_says(f"撤销设置 {number(room, '-> 50')}")
    assert line.phrase == "audit.undone"
    assert points(room) == 9
    await room.restart()
    assert points(room) == 9
    assert room.rows("SELECT action, what FROM audit ORDER BY id DESC LIMIT 1") == [
        ("撤销设置", "撤销 2 号，checkin.points: 50 -> 9")
    ]


async def test_the_first_change_goes_back_to_the_file_and_not_to_a_copy_of_it(room: Room) -> None:
    await room.boss_says("设置 checkin.points 9")
    assert keys(await room.boss_says("撤销设置 1")) == ["audit.undone"]
    assert points(room) == 7
    assert room.rows("SELECT * FROM group_setting") == []


async def test_a_change_is_not_taken_back_over_a_later_one(room: Room) -> None:
    await room.boss_says("设置 checkin.points 9")
    await room.says("运营小王", "设置 checkin.points 50")
    (line,) = await room.boss_says("撤销设置 1")
    assert line.phrase == "audit.changed_since"
    assert "运营小王" in line.text
    assert "2 号" in line.text
    assert points(room) == 50
    # Back and forth to the same value is a change since, too.
    await room.boss_says("设置 checkin.points 9")
    assert keys(await room.boss_says("撤销设置 1")) == ["audit.changed_since"]
    for entry in (3, 4, 5):  # from the newest, one after the other: 3 is taken back, then its own undoing, …
        assert keys(await room.boss_says(f"撤销设置 {entry}")) == ["audit.undone"]
    assert points(room) == 50


async def test_taking_back_twice_is_refused_and_taking_back_the_taking_back_works(room: Room) -> None:
    await room.boss_says("设置 checkin.points 9")
    await room.boss_says("撤销设置 1")
    assert keys(await room.boss_says("撤销设置 1")) == ["audit.changed_since"]
    assert keys(await room.boss_says("撤销设置 2")) == ["audit.undone"]
    assert points(room) == 9


async def test_default_can_be_taken_back(room: Room) -> None:
    await room.boss_says("设置 checkin.words 早安、晚安")
    await room.boss_says("设置 checkin.words 默认")
    assert keys(await room.boss_says("撤销设置 2")) == ["audit.undone"]
    assert room.app.config.group("yuanqi").checkin.words == ("早安", "晚安")


async def test_what_is_no_setting_cannot_be_taken_back_here(room: Room) -> None:
    await room.boss_says("重载")
    (line,) = await room.boss_says("撤销设置 1")
    assert line.phrase == "audit.no_setting"
    assert "重载" in line.text
    for text in ("撤销设置 99", "撤销设置 甲", "撤销设置 999999999999"):
        assert keys(await room.boss_says(text)) == ["audit.usage"]


async def test_another_group_is_left_alone_and_a_private_chat_may(room: Room) -> None:
    await room.boss_says("设置 checkin.points 9")
    room.group = "another"
    assert keys(await room.boss_says("撤销设置 1")) == ["audit.other_group"]
    assert points(room) == 9
    assert keys(await room.boss_says("撤销设置 1", private=True)) == ["audit.undone"]
    assert points(room) == 7
    (group,) = room.rows("SELECT group_id FROM audit WHERE action = '撤销设置'")
    assert group == ("yuanqi",)


async def test_whoever_may_not_change_may_not_take_back(room: Room) -> None:
    await room.boss_says("设置 checkin.points 9")
    assert keys(await room.says("导购小李", "撤销设置 1")) == ["staff.read_only"]
    assert keys(await room.says("看看", "审计")) == ["audit.list"]
    assert points(room) == 9


async def test_the_tables_are_sound_after_all_of_it(room: Room) -> None:
    await room.boss_says("设置 checkin.points 9")
    await room.boss_says("撤销设置 1")
    path = room.db
    await room.close()
    assert check(path).is_clean
