"""Titles: announced once where they were reached, told only to whoever asks when lost, and what they add to wins."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.database import Database
from storage.fsck import check
from storage.store import Store
from tests.conftest import BOSS, OpenRoom, Room, at, group_config, keys
from tests.test_quiz import settings_of

DAY = timedelta(days=1)
LEVELS = [{"title": "新芽"}, {"title": "绿叶", "at": 10}, {"title": "大树", "at": 20, "percent": 150}]


async def a_room(open_room: OpenRoom, **points: Any) -> Room:
    room = await open_room(group_config(scripts=[], points={"levels": LEVELS, **points}, checkin={"milestones": []}))
    room.people["店长"] = BOSS
    await room.says("小满", "来了")  # whoever never spoke is not known by name
    return room


async def test_a_title_is_announced_in_the_group_where_it_was_reached(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    assert keys(await room.says("小满", "签到")) == ["checkin.done"]
    await room.wait(DAY)
    done, line = await room.says("小满", "签到")
    assert (done.phrase, line.phrase) == ("checkin.done", "points.level_up")
    assert (line.group, line.mentions) == ("yuanqi", (room.id_of("小满"),))
    assert "小满" in line.text
    assert "绿叶" in line.text
    assert "points.level_up" in line.because
    assert await room.again() == []
    assert await room.restart() == []


async def test_a_member_is_announced_once_a_day_with_the_highest_title(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    (granted, line) = await room.boss_says("发分 @小满 25 测试")
    assert (granted.phrase, "大树" in line.text) == ("points.granted", True)
    await room.boss_says("撤销 1")
    assert keys(await room.boss_says("发分 @小满 12 测试")) == ["points.granted"]
    await room.boss_says("撤销 3")
    await room.wait(DAY)
    assert keys(await room.boss_says("发分 @小满 12 测试")) == ["points.granted", "points.level_up"]
    await room.wait(DAY)
    assert keys(await room.boss_says("发分 @小满 12 测试")) == ["points.granted"]  # 大树 was announced for life
    assert check(room.db).is_clean


async def test_several_members_share_one_line(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    names = [f"群友{number}" for number in range(7)]
    for name in names:
        await room.says(name, "你好呀大家")
    (_, line) = await room.boss_says("发分 " + " ".join(f"@{name}" for name in names) + " 10 活动")
    assert line.phrase == "points.level_up"
    assert "等 7 位" in line.text
    assert len(line.mentions) == 5


async def test_whoever_had_a_title_before_is_not_announced_for_more_points(open_room: OpenRoom) -> None:
    room = await a_room(open_room, level_up=False)
    assert keys(await room.boss_says("发分 @小满 12 测试")) == ["points.granted"]
    await room.boss_says("设置 points.level_up 开")
    assert keys(await room.boss_says("发分 @小满 2 测试")) == ["points.granted"]
    await room.boss_says("设置 points.on 关")
    assert keys(await room.says("小满", "签到")) == ["checkin.done"]


async def test_points_that_were_bought_raise_nobody(open_room: OpenRoom) -> None:
    room = await a_room(open_room, levels=[{"title": "新芽"}, {"title": "绿叶", "at": 500}])
    room.app.store.ledger.earned.clear()
    room.app.store.ledger.move(
        "redeem/x/given", "house:shop", "member:小满", 900, asset="points", at=1, event_id="x", cause="换"
    )
    assert room.app.store.ledger.earned == []


async def test_a_broken_rule_announces_nothing_and_forgets_what_was_earned(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    await room.boss_says("发分 @小满 9 测试")
    assert keys(await room.says("小满", "补签 99-99")) == ["checkin.bad_day"]
    assert room.app.store.ledger.earned == []


async def test_talk_that_is_paid_at_night_is_announced_in_the_morning(open_room: OpenRoom) -> None:
    changes = group_config(scripts=[], points={"levels": LEVELS, "talk": 2})
    room = await open_room(changes, start=at("12-02 22:00"))
    await room.wait(timedelta(hours=12))  # talk is counted from the first housekeeping on, at 23:00 here
    for number in range(5):
        await room.says("小满", f"今天又聊到第 {number} 件新鲜事了")
    assert await room.until("明天 22:59") == []
    assert await room.until("明天 07:00") == []
    assert room.app.store.ledger.balance(f"member:{room.id_of('小满')}") == 10
    (line,) = await room.until("08:00")
    assert (line.phrase, line.sort) == ("points.level_up", "reminder")


async def test_a_check_in_in_one_to_one_is_answered_there(open_room: OpenRoom) -> None:
    room = await open_room(
        {"groups": {"default": {"points": {"levels": LEVELS}, "checkin": {"points": 10, "private": True}}}}
    )
    said = await room.says("小满", "签到", private=True)
    assert [(line.phrase, line.group) for line in said] == [("checkin.done", None), ("points.level_up", None)]


async def test_a_lost_title_is_told_to_whoever_asks_and_announced_again_when_it_comes_back(open_room: OpenRoom) -> None:
    levels = [{"title": "新芽"}, {"title": "红人", "at": 10, "days": 3}]
    room = await a_room(open_room, levels=levels)
    assert keys(await room.boss_says("发分 @小满 10 测试")) == ["points.granted", "points.level_up"]
    assert await room.wait(4 * DAY) == []
    (line,) = await room.says("小满", "积分")
    assert "红人" in line.text
    assert "新芽" in line.text
    assert "到期" in line.text or "没保住" in line.text
    assert keys(await room.boss_says("发分 @小满 10 测试")) == ["points.granted", "points.level_up"]
    (line,) = await room.says("小满", "积分")
    assert "到期" not in line.text


@pytest.mark.parametrize(("source", "kinds"), [("quiz", "quiz"), ("games", "games")])
async def test_a_title_adds_to_wins_only_where_that_is_switched_on(
    open_room: OpenRoom, tmp_path: Path, source: str, kinds: str
) -> None:
    levels = [{"title": "新芽"}, {"title": "大树", "at": 20, "percent": 150}]
    room = await open_room(settings_of(tmp_path, points={"levels": levels}, quiz={"repeat_days": 0}))
    room.people["店长"] = BOSS
    await room.says("小满", "来了")
    await room.boss_says("发分 @小满 20 测试")
    play = _buzz if source == "quiz" else _bomb
    assert "play.boosted" not in await play(room)
    before = points(room)
    await room.boss_says(f"设置 points.boost.{kinds} 开")
    assert "play.boosted" in await play(room)
    won = 8 if source == "quiz" else 10
    assert points(room) - before == won + won // 2
    assert check(room.db).is_clean
    win = room.one("SELECT max(id) FROM movement WHERE key LIKE 'game/%'")
    (done, _) = await room.boss_says(f"撤销 {win}")
    assert f"和称号加成 {won // 2} 积分" in done.text
    assert points(room) == before
    assert check(room.db).is_clean


def points(room: Room) -> int:
    return int(room.app.store.ledger.balance(f"member:{room.id_of('小满')}"))


async def _buzz(room: Room) -> list[str]:
    await room.says("老王", "抢答 甲")
    return keys(await room.says("小满", "豆浆"))


async def _bomb(room: Room) -> list[str]:
    await room.says("老王", "数字炸弹 100")
    bomb = room.one("SELECT json_extract(state, '$.bomb') FROM game_session WHERE status = 'open'")
    await room.says("小满", str(bomb - 1 if bomb > 1 else bomb + 1))
    return keys(await room.says("老王", str(bomb)))


async def test_a_ruling_moves_the_share_of_a_title_too(open_room: OpenRoom, tmp_path: Path) -> None:
    levels = [{"title": "新芽"}, {"title": "大树", "at": 20, "percent": 150}]
    room = await open_room(settings_of(tmp_path, points={"levels": levels, "boost": {"quiz": True}}))
    room.people["店长"] = BOSS
    await room.says("小满", "来了")
    await room.boss_says("发分 @小满 20 测试")
    await room.says("老王", "抢答 甲")
    await room.says("小明", "豆奶")
    assert "play.boosted" in keys(await room.says("小满", "豆浆"))
    assert points(room) == 32
    await room.boss_says("改判 对 1-1")
    assert points(room) == 20
    await room.boss_says("改判 错 1-1")
    assert points(room) == 32
    assert check(room.db).is_clean


async def test_a_bomb_ends_after_the_time_that_is_set(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[], games={"idle": "2min"}))
    (line,) = await room.says("小满", "数字炸弹")
    assert "数字炸弹" in line.because
    assert await room.wait(timedelta(minutes=2, seconds=-1)) == []
    (line,) = await room.wait(timedelta(seconds=2))
    assert line.phrase == "bomb.idle"
    assert "games.idle" in line.because


def test_what_somebody_earned_is_read_from_their_own_account_only(tmp_path: Path) -> None:
    store = Store(Database.open(tmp_path / "x.db", "off"))
    asked: list[str] = []
    store.db.conn.set_trace_callback(asked.append)
    store.points.earned("a", 5)
    store.db.conn.set_trace_callback(None)
    plan = [row[3] for row in store.db.execute(f"EXPLAIN QUERY PLAN {asked[-1]}").fetchall()]
    assert "entry_by_account" in plan[0], plan
    store.db.close()
