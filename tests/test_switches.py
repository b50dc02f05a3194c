"""What acts by itself where nobody configured anything (decision 60), and that every switch kills its words."""

from datetime import timedelta

import pytest

from bot.settings import GroupSettings
from tests.conftest import OpenRoom, group_config, keys

UNASKED_OFF = {"scripts": (), "calendar.private": (), "digest.on": False}
ON = ("welcome.on", "checkin.on", "faq.on")


def value(path: str) -> object:
    found: object = GroupSettings()
    for part in path.split("."):
        found = getattr(found, part)
    return found


def test_what_acts_unasked_is_off_and_the_three_are_on() -> None:
    assert {path: value(path) for path in UNASKED_OFF} == UNASKED_OFF
    assert value("contact.unanswered") == timedelta(0)
    assert all(value(path) is True for path in ON)


async def test_a_group_that_nobody_configured_hears_welcomes_and_answers_and_nothing_else(open_room: OpenRoom) -> None:
    room = await open_room(group="nobody")
    heard = []
    for day in range(14):
        heard += await room.joins([f"新人{day}"])
        heard += await room.says("小满", "签到")
        await room.says("小明", f"今天第{day}天，天气真不错呀")
        await room.says("橙子", "哈哈哈你说得对")
        heard += await room.wait(timedelta(days=1))
        await room.leaves(f"新人{day}")
    heard = [line for line in heard if line.group != "yuanqi"]  # the group of the shipped config has posts
    assert {line.phrase.partition(".")[0] for line in heard} <= {"welcome", "checkin", "title", "level", "points"}
    assert {line.sort for line in heard if line.group == "nobody"} == {"reply"}
    assert [line for line in heard if line.group is None] == []


@pytest.mark.parametrize(
    ("switch", "word"),
    [
        ("checkin.on", "签到"), ("games.on", "数字炸弹"), ("games.on", "投票 吃啥 面 饭"), ("quiz.on", "抢答"), ("points.on", "积分"), ("points.on", "积分商城"), ("draws.on", "抽奖"), ("faq.on", "怎么退款"),
    ],
)  # fmt: skip
async def test_a_switch_kills_the_word_and_brings_it_back(open_room: OpenRoom, switch: str, word: str) -> None:
    room = await open_room(group_config(scripts=[]))
    await room.boss_says(f"设置 {switch} 关")
    assert await room.says("小满", word) == []
    (line,) = await room.boss_says("设置 开关")
    row = next(one for one in line.text.splitlines() if f"（{switch}）" in one)
    assert "：关（" in row
    await room.boss_says(f"设置 {switch} 开")
    assert await room.says("小满", word) != []


async def test_the_list_of_switches_shows_what_is_on_and_off(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=["welfare"], quiz={"on": False}))
    (line,) = await room.boss_says("设置 开关")
    assert line.phrase == "settings.show"
    for row in ("· 欢迎新人：开（welcome.on）", "· 答题：关（quiz.on）", "· 定时脚本：welfare（scripts）", "· 一对一脚本：关（calendar.private）",
                "· 周报自己来：关（digest.on）", "· 问题多久没人答就叫员工：关（contact.unanswered）"):  # fmt: skip
        assert row in line.text
    assert "checkin.points" not in line.text


async def test_a_game_that_is_open_is_played_to_its_end(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    await room.says("小满", "数字炸弹")
    await room.boss_says("设置 games.on 关")
    assert keys(await room.says("小满", "50")) != []
    assert keys(await room.says("小满", "结束")) != []
