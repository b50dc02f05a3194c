"""Games in the living group: rushes, repeats, power cuts, points, and what fsck says afterwards."""

import csv
import io
import json
from datetime import UTC, timedelta
from typing import Any

import pytest

from bot.events import Event
from bot.playing import GAMES
from storage.database import Database
from storage.export import Reader, write_csv
from storage.fsck import check
from storage.fsck_games import GAME_RULES, WOKEN
from tests.conftest import OpenRoom, Room, group_config, keys


async def open_quiet(open_room: OpenRoom, **games: Any) -> Room:
    return await open_room(group_config(scripts=[], games=games))


async def test_three_hundred_posts_in_the_same_instant_make_floors_without_gaps_or_doubles(open_room: OpenRoom) -> None:
    room = await open_quiet(open_room, floor_lucky=[100, 300])
    await room.says("小满", "盖楼")
    now = room.world.now()
    posts: list[Event] = [room.a_message(f"p{n}", "盖", member=f"m{n}", name=f"人{n}", at=now) for n in range(300)]
    said = await room.feed(posts)
    await room.feed(posts)  # delivered once more
    floors = [int(row[0]) for row in room.rows("SELECT verdict FROM game_move ORDER BY number")]
    assert floors == list(range(1, 301))
    assert len(room.rows("SELECT DISTINCT member_id FROM game_move")) == 300
    assert keys(said).count("floors.lucky") == 2
    await room.wait(timedelta(hours=1))
    assert room.rows("SELECT key, count(*) FROM movement WHERE key LIKE 'game/%' GROUP BY key ORDER BY key") == [
        ("game/1/last", 1), ("game/1/lucky/100", 1), ("game/1/lucky/300", 1),
    ]  # fmt: skip
    assert room.one("SELECT balance FROM entry WHERE account = 'member:m299' ORDER BY id DESC LIMIT 1") == 20
    assert check(room.db).is_clean


async def test_a_power_cut_after_every_floor_loses_none(open_room: OpenRoom) -> None:
    room = await open_quiet(open_room)
    await room.says("小满", "盖楼")
    for number in range(12):
        await room.says(f"人{number % 3}", "盖")
        await room.again()
        await room.restart()
        await room.again()
    assert json.loads(room.one("SELECT state FROM game_session"))["count"] == 12
    said = await room.wait(timedelta(hours=1))
    assert keys(said) == ["floors.over"]
    assert await room.restart() == []
    assert check(room.db).is_clean


async def test_every_game_can_run_at_once_and_each_ends_by_itself(open_room: OpenRoom) -> None:
    room = await open_quiet(open_room)
    opened = {
        "floors": "盖楼", "passphrase": "口令接龙 元气", "pk": "花式PK 速算", "relay": "成语接龙", "signup": "报名接龙 徒步 1小时",
        "sums": "速算", "vote": "投票 喝什么 桃子 可可 20:00", "groupbuy": "拼团 桃子 2人 1小时", "bomb": "数字炸弹",
    }  # fmt: skip
    assert set(opened) <= set(GAMES)
    for words in opened.values():
        assert len(await room.boss_says(words)) >= 1
    assert room.one("SELECT count(*) FROM game_session WHERE status = 'open'") == len(opened)
    await room.restart()
    assert keys(await room.says("小满", "签到")) == ["checkin.done"]
    assert check(room.db).is_clean
    await room.wait(timedelta(days=1))
    assert room.rows("SELECT game FROM game_session WHERE status = 'open'") == []
    assert room.rows("SELECT * FROM wake WHERE topic = 'play'") == []


async def test_the_starter_and_staff_may_stop_a_session_and_nobody_else(open_room: OpenRoom) -> None:
    room = await open_quiet(open_room)
    for words in ("盖楼", "口令接龙 元气", "成语接龙", "速算", "花式PK", "投票 甲乙 甲 乙", "报名接龙 徒步"):
        title = words.partition(" ")[0]
        await room.says("小满", words)
        assert keys(await room.says("阿杰", f"结束 {title}")) == ["play.not_yours"]
        assert await room.says("小满", f"结束 {title}")
        await room.says("小满", words)
        assert await room.boss_says(f"结束 {title}")
    assert room.one("SELECT count(*) FROM game_session WHERE status = 'stopped'") == 14
    assert room.rows("SELECT * FROM movement WHERE key LIKE 'game/%'") == []


async def test_a_failed_group_buy_gives_every_point_back_through_the_ledger(open_room: OpenRoom) -> None:
    room = await open_quiet(open_room)
    for name in ("小满", "阿杰"):
        await room.says(name, "签到")
    before = room.rows("SELECT account, sum(amount) FROM entry GROUP BY account ORDER BY account")
    await room.boss_says("拼团 桃子汽水 3人 4份 5积分 20:00")
    await room.says("小满", "参团")
    await room.says("阿杰", "参团")
    await room.restart()
    assert room.one("SELECT sum(amount) FROM entry WHERE account = 'house:games'") == 10
    await room.power_cut(timedelta(hours=9))
    await room.restart()
    after = dict(room.rows("SELECT account, sum(amount) FROM entry GROUP BY account ORDER BY account"))
    assert after.pop("house:games") == 0
    assert list(after.items()) == before
    assert keys(room.said)[-1] == "buy.failed"
    assert check(room.db).is_clean


async def test_the_last_word_of_a_session_is_said_even_hours_late(open_room: OpenRoom) -> None:
    room = await open_quiet(open_room)
    await room.says("小满", "投票 喝什么 桃子 可可 20:00")
    await room.says("阿杰", "投1")
    assert keys(await room.power_cut(timedelta(hours=11))) == ["vote.over"]


async def test_the_longest_chain_of_a_group_is_remembered(open_room: OpenRoom) -> None:
    room = await open_quiet(open_room, relay_least=1)
    await room.says("小满", "成语接龙 一心一意")
    await room.says("阿杰", "意气风发")
    await room.says("小满", "发扬光大")
    said = await room.wait(timedelta(minutes=11))
    assert keys(said) == ["relay.result"]
    await room.says("小满", "成语接龙 一心一意")
    await room.says("阿杰", "意气风发")
    await room.wait(timedelta(minutes=11))
    assert room.rows("SELECT game, value, session_id FROM game_record") == [("relay", 2, 1)]
    assert check(room.db).is_clean


async def test_signups_can_be_exported_with_text_that_is_no_formula(open_room: OpenRoom) -> None:
    room = await open_quiet(open_room)
    await room.says("小满", "报名接龙 周六徒步")
    await room.says("阿杰", "#接龙\n周六徒步\n\n1. =1+1\n2. 阿杰 2人")
    await room.says("豆豆", "报名")
    await room.app.settle()
    reader, out = Reader(room.db, "signups", zone=UTC, groups={}), io.BytesIO()
    write_csv(reader, out, mark=True)
    reader.close()
    rows = list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig"))))
    assert [(row["活动"], row["序号"], row["报名"]) for row in rows] == [
        ("周六徒步", "1", "'=1+1"), ("周六徒步", "2", "阿杰 2人"), ("周六徒步", "3", "豆豆"),
    ]  # fmt: skip
    assert rows[0]["状态"] == "进行中"


async def test_native_relays_are_left_alone_where_a_group_wants_that(open_room: OpenRoom) -> None:
    room = await open_quiet(open_room, signup_native=False)
    assert await room.says("阿杰", "#接龙\n团建\n\n1. 阿杰") == []
    assert room.rows("SELECT * FROM game_session") == []


async def test_a_story_can_start_on_a_day_of_its_own(open_room: OpenRoom) -> None:
    room = await open_quiet(open_room)
    await room.says("小满", "签到")
    assert keys(await room.says("小满", "看故事")) == ["story.chapter"]
    await room.boss_says("设置 games.story_since 2026-12-03")
    assert keys(await room.says("小满", "看故事")) == ["story.start"]


async def test_a_story_has_as_many_chapters_as_there_were_check_ins(open_room: OpenRoom) -> None:
    room = await open_quiet(open_room)
    for day in range(1, 16):
        await room.says("小满", "签到")
        said = await room.says("小满", "看故事", private=True)
        assert keys(said) == ["story.chapter"]
        assert f"第 {min(day, 14)} 回" in said[0].text
        assert len(said[0].text.encode()) <= 2048
        await room.wait(timedelta(days=1))


BROKEN = {
    "floors_without_gaps": "UPDATE game_move SET verdict = '9' WHERE session_id = 1 AND number = 2",
    "relay_without_repeats": "UPDATE game_session SET state = json_set(state, '$.used[1]', '一心一意') WHERE game = 'relay'",
    "passphrase_one_each": "UPDATE game_session SET state = json_set(state, '$.by', json('[\"x\",\"x\"]'))"
    " WHERE game = 'passphrase'",
    "stakes_given_back": "UPDATE game_session SET state = json_set(state, '$.members', json('{}')) WHERE game = 'groupbuy'",
    "game_points_of_a_session": "UPDATE movement SET group_id = 'elsewhere' WHERE key LIKE 'game/%'",
    "open_game_will_end": "DELETE FROM wake WHERE topic = 'play'",
}


@pytest.mark.parametrize("rule", GAME_RULES)
async def test_fsck_finds_what_is_broken_in_games(open_room: OpenRoom, rule: str) -> None:
    room = await open_quiet(open_room)
    for words in ("盖楼", "成语接龙 一心一意", "口令接龙 元气"):
        await room.says("小满", words)
    await room.says("阿杰", "签到")
    await room.boss_says("拼团 桃子 3人 5积分")
    for name, text in (("阿杰", "盖"), ("豆豆", "盖"), ("阿杰", "意气风发"), ("阿杰", "元"), ("阿杰", "参团")):
        await room.says(name, text)
    await room.close()
    assert check(room.db).is_clean
    database = Database.open(room.db, "off")
    database.begin()
    database.execute(BROKEN[rule])
    database.commit()
    database.close()
    assert rule in {one.rule for one in check(room.db).violations}


def test_fsck_knows_every_game_that_ends_by_itself() -> None:
    assert {"floors", "groupbuy", "passphrase", "pk", "relay", "signup", "sums", "vote", "bomb"} == set(WOKEN)
    assert set(WOKEN) <= set(GAMES)
