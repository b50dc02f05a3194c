"""The weekly digest: once a week whatever happens, in the group's zone, with what the week came to; 周报 at any time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.channels import Line
from bot.context import Context
from bot.digest import DIGEST, last_slot, next_slot, week_of
from bot.settings import GroupSettings
from storage.fsck import check
from tests.conftest import BOSS, OpenRoom, Room, group_config, keys

HOUR = timedelta(hours=1)


async def a_room(open_room: OpenRoom, **changes: Any) -> Room:
    room = await open_room(group_config(**{"scripts": [], "digest": {"on": True}, **changes}))
    await room.says("小满", "大家早上好呀")
    return room


def digests(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.phrase == "digest.week"]


# -- when --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "last", "following"),
    [
        ("2026-12-07T09:29:59+08:00", "2026-11-30T09:30+08:00", "2026-12-07T09:30+08:00"),
        ("2026-12-07T09:30:00+08:00", "2026-12-07T09:30+08:00", "2026-12-14T09:30+08:00"),
        ("2026-12-09T23:00:00+08:00", "2026-12-07T09:30+08:00", "2026-12-14T09:30+08:00"),
        ("2026-12-07T01:30:00+00:00", "2026-12-07T09:30+08:00", "2026-12-14T09:30+08:00"),
    ],
)
def test_a_digest_is_due_on_its_day_in_the_zone_of_the_group(now: str, last: str, following: str) -> None:
    moment = datetime.fromisoformat(now)
    assert last_slot(GroupSettings(), moment) == datetime.fromisoformat(last)
    assert next_slot(GroupSettings(), moment) == datetime.fromisoformat(following)


def test_the_hour_stays_the_hour_when_the_clocks_change() -> None:
    berlin = GroupSettings.model_validate({"zone": "Europe/Berlin", "digest": {"day": "周日", "at": "9:00"}})
    before = datetime.fromisoformat("2026-10-24T12:00+02:00")
    assert next_slot(berlin, before).isoformat() == "2026-10-25T09:00:00+01:00"


def test_a_week_is_known_by_its_monday() -> None:
    assert week_of(datetime.fromisoformat("2026-12-13T09:30+08:00")) == "2026-12-07"


async def test_it_comes_every_monday_to_every_staff_room_and_to_nobody_else(open_room: OpenRoom) -> None:
    staff = [{"id": BOSS, "name": "店长", "role": "owner"}, {"id": "op", "name": "小王", "role": "operator"},
             {"id": "looker", "role": "read-only"}]  # fmt: skip
    room = await open_room({"staff": staff, **group_config(scripts=[], digest={"on": True})})
    await room.says("小满", "大家早上好呀")
    await room.until("周一 09:29")
    said = digests(await room.wait(timedelta(minutes=1)))
    assert [line.member for line in said] == [BOSS, "op"]
    assert all(line.group is None for line in said)
    assert digests(await room.wait(timedelta(days=6, hours=23))) == []
    assert len(digests(await room.wait(HOUR))) == 2


async def test_nothing_comes_where_nobody_switched_it_on(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    await room.says("小满", "签到")
    assert digests(await room.wait(timedelta(days=15))) == []


async def test_a_restart_at_any_moment_neither_loses_nor_doubles_it(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    await room.until("周一 09:29")
    found = digests(await room.power_cut(timedelta(minutes=20)))
    for _ in range(3):
        found += digests(await room.restart())
        found += digests(await room.wait(HOUR))
    assert len(found) == 1
    await room.close()
    assert check(room.db).is_clean


async def test_after_a_long_sleep_an_old_digest_is_not_worth_sending(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    await room.until("周日 20:00")
    found = digests(await room.power_cut(timedelta(days=5)))
    found += digests(await room.wait(HOUR * 30))
    assert found == []
    assert len(digests(await room.wait(timedelta(days=3)))) == 1


async def test_switching_it_on_begins_with_the_next_one(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    await room.says("小满", "签到")
    await room.boss_says("设置 digest.on 开")
    assert digests(await room.wait(HOUR * 30)) == []
    await room.until("周一 09:29")
    assert len(digests(await room.wait(HOUR))) == 1


async def test_moving_it_leaves_no_old_alarm_and_gives_no_second_one(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    await room.until("周日 20:00")
    await room.boss_says("设置 digest.at 20:00")
    await room.until("周一 19:59")
    assert digests(room.said) == []
    assert len(digests(await room.wait(HOUR))) == 1
    await room.boss_says("设置 digest.day 周五")
    assert digests(await room.wait(timedelta(days=6))) == []
    assert len(digests(await room.wait(timedelta(days=7)))) == 1


# -- what --------------------------------------------------------------------------------------------------------------


async def test_it_says_what_the_week_came_to(open_room: OpenRoom) -> None:
    room = await open_room()
    for name in ("小满", "小明"):
        await room.says(name, "签到")
    await room.joins(["新来的"])
    await room.leaves("小明")
    await room.says("橙子", "今天天气真好呀")
    await room.says("小满", "数字炸弹")
    (line,) = await room.boss_says("周报")
    assert line.phrase == "digest.now"
    assert "签到 2 次（2 人），活跃 4 人，新来 1 人，走了 1 人" in line.text
    assert "数字炸弹 1" in line.text
    await room.wait(timedelta(hours=1))
    (line,) = await room.boss_says("周报")
    assert "主动说了" in line.text
    assert "7 天 1/" in line.text


async def test_the_digest_tells_of_the_seven_days_before_it(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    await room.says("小满", "签到")
    await room.until("周一 08:00")
    await room.says("小明", "签到")
    (line,) = digests(await room.wait(HOUR * 2))
    assert "11-30" in line.text
    assert "12-06" in line.text
    assert "签到 1 次（1 人）" in line.text


async def test_prizes_and_tasks_that_wait_are_named(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[], checkin={"milestones": [{"days": 1, "prize": "试吃装"}]}))
    await room.says("小满", "签到")
    (line,) = await room.boss_says("周报")
    assert "待发奖品 1 份" in line.text
    await room.boss_says("兑现 1")
    (line,) = await room.boss_says("周报")
    assert "待发奖品" not in line.text


async def test_several_groups_share_one_message(open_room: OpenRoom) -> None:
    room = await open_room({"groups": {"default": {"digest": {"on": True}}, "yuanqi": {"scripts": []}}})
    for group in ("yuanqi", *(f"g{number}" for number in range(20))):
        room.group = group
        await room.says("小满", "签到")
    await room.until("周一 09:29")
    (line,) = digests(await room.wait(HOUR))
    assert "另有 9 个群" in line.text
    assert room.one("SELECT count(*) FROM digest_sent WHERE week = '2026-12-07'") == 21


async def test_a_feature_adds_its_rows(open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    def mine(ctx: Context, group: str, since: datetime, until: datetime) -> list[str]:
        return [f"{group} 的机器人健康，{(until - since).days} 天"]

    monkeypatch.setattr("bot.digest.DIGEST", [*DIGEST, (5, mine)])
    room = await a_room(open_room)
    await room.until("周一 09:29")
    (line,) = digests(await room.wait(HOUR))
    assert "· yuanqi 的机器人健康，7 天\n· 签到" in line.text


async def test_members_cannot_ask_for_it_and_a_private_chat_hears_of_all_groups(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[], name="元气福利群"))
    assert keys(await room.boss_says("周报", private=True)) == ["digest.none"]
    assert keys(await room.says("小满", "周报")) == ["staff.refused"]
    room.group = "another"
    await room.says("小满", "签到")
    (line,) = await room.boss_says("周报", private=True)
    assert "【元气福利群】" in line.text
    assert "【another】签到 1 次" in line.text
