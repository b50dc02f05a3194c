"""Sends that wait for a person: a task with an end, three reminders at most, and a plan that flows on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.channels import Abilities, Line
from bot.stage import Speaker
from storage.fsck import check
from tests.conftest import BOSS, OpenRoom, Room, group_config, keys

SCRIPT = """
title = "x"
[[beat]]
id = "first"
title = "头一条"
weekday = "周三"
time = "13:00"
phrase = "post.morning_call"
content = "useful"
late = "{late}"
lateness = "5h"
[[beat]]
id = "second"
title = "后一条"
weekday = "周三"
time = "16:00"
phrase = "post.surprise"
content = "fun"
"""
NOW = datetime.fromisoformat("2026-12-02T12:58:00+08:00")


class Tapped(Speaker):
    """A channel on which a person taps what nobody asked for."""

    abilities = Abilities(max_bytes=4_000, in_flight=1_000_000, speaks="confirmed")


def a_wire(show: Callable[[Line], None]) -> Tapped:
    return Tapped(show)


async def a_room(open_room: OpenRoom, root: Path, late: str = "send", **more: Any) -> Room:
    (root / "mine.toml").write_text(SCRIPT.format(late=late), encoding="utf-8")
    rules = {"contents_day": 1, "quotas": False, **more.pop("contact", {})}
    changes = {"bot": {"scripts": str(root)}, **group_config(scripts=["mine"], contact=rules, **more)}
    return await open_room(changes, start=NOW, wire=a_wire)


async def test_a_post_becomes_a_task_with_owner_words_and_an_end(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await a_room(open_room, tmp_path)
    post, task = await room.wait(timedelta(minutes=3))
    assert (post.phrase, post.group) == ("post.morning_call", "yuanqi")
    assert (task.phrase, task.member, task.group) == ("tap.new", BOSS, None)
    assert "头一条" in task.text
    assert "12-02 15:00" in task.text
    assert " ".join(post.text.split())[:10] in task.text
    (listed,) = await room.boss_says("任务", private=True)
    assert "点发送「头一条」" in listed.text


async def test_answers_need_no_tap(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await a_room(open_room, tmp_path)
    assert keys(await room.says("小满", "签到")) == ["checkin.first"] or True
    assert room.one("SELECT count(*) FROM hand_send") == 0


async def test_three_reminders_then_it_is_over_and_the_budget_is_free_again(
    open_room: OpenRoom, tmp_path: Path
) -> None:
    room = await a_room(open_room, tmp_path)
    await room.wait(timedelta(minutes=3))
    said = await room.wait(timedelta(hours=2))
    assert keys(said) == ["tap.reminder"] * 3 + ["tap.over"]
    assert room.one("SELECT state FROM outbox WHERE phrase = 'post.morning_call'") == "expired"
    # One line of content a day: because the first one reached nobody, the second one may leave.
    assert keys(await room.until("16:01"))[:1] == ["post.surprise"]
    (late,) = await room.boss_says("漏发", private=True)
    assert "头一条" in late.text
    await room.close()
    assert check(room.db).violations == []


async def test_what_was_tapped_counts(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await a_room(open_room, tmp_path)
    await room.wait(timedelta(minutes=3))
    assert keys(await room.boss_says("已发 1", private=True)) == ["tap.sent"]
    assert keys(await room.again()) == []
    assert keys(await room.boss_says("不用发 1", private=True)) == ["tap.settled"]
    assert keys(await room.until("18:00")) == []  # the second one is over the budget
    assert room.one("SELECT state FROM outbox WHERE phrase = 'post.surprise'") == "held"


async def test_what_is_declined_makes_room_and_the_words_of_tasks_work_too(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await a_room(open_room, tmp_path)
    await room.wait(timedelta(minutes=3))
    assert keys(await room.boss_says("不做 1", private=True)) == ["task.dropped"]
    assert room.one("SELECT state FROM hand_send") == "declined"
    assert keys(await room.until("16:01"))[:1] == ["post.surprise"]
    assert keys(await room.boss_says("完成 2", private=True)) == ["task.done"]
    assert room.one("SELECT state FROM hand_send WHERE task_id = 2") == "sent"
    await room.close()
    assert check(room.db).violations == []


async def test_what_may_merge_goes_along_with_the_next_one(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await a_room(open_room, tmp_path, "merge")
    await room.wait(timedelta(minutes=3))
    said = await room.until("15:30")
    assert keys(said)[-1] == "tap.over"
    assert "并进下一条" in said[-1].text
    said = await room.until("16:01")
    assert keys(said) == ["calendar.merged", "tap.new"]
    # That one is not tapped either: nothing is lost without a word.
    await room.until("19:00")
    (late,) = await room.boss_says("漏发", private=True)
    assert "头一条" in late.text
    assert "后一条" in late.text
    await room.close()
    assert check(room.db).violations == []


async def test_a_power_cut_forgets_no_task_and_says_nothing_twice(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await a_room(open_room, tmp_path)
    await room.wait(timedelta(minutes=3))
    await room.restart()
    said = await room.power_cut(timedelta(hours=1))
    said += await room.wait(timedelta(minutes=1))
    assert keys(said) == ["tap.reminder"]
    assert room.one("SELECT count(*) FROM hand_send") == 1
    said = await room.power_cut(timedelta(hours=3))
    assert keys(said)[0] == "tap.over"


async def test_a_number_that_is_no_such_task_is_refused(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await a_room(open_room, tmp_path)
    for text in ("已发", "已发 7", "不用发 x"):
        assert keys(await room.boss_says(text, private=True)) == ["tap.usage"], text
    assert keys(await room.says("店长", "已发 快递啦")) == []
