"""Things for people: told to their owner, listed, closed, and reminded of three times."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.fsck import check
from tests.conftest import BOSS, OpenRoom, Room, group_config, keys

HOUR = timedelta(hours=1)
SCRIPT = """
title = "x"
[[beat]]
id = "call"
title = "打电话"
date = "2026-12-02"
time = "12:00"
does = "task"
task = "给供货商打电话"
owner = "{owner}"
within = "3h"
"""
GUIDE = {"id": "xiaodao", "name": "小导", "role": "guide"}


async def a_room(open_room: OpenRoom, root: Path, owner: str = "operator") -> Room:
    folder = root / "scripts"
    folder.mkdir(exist_ok=True)
    (folder / "mine.toml").write_text(SCRIPT.format(owner=owner), encoding="utf-8")
    staff: list[dict[str, Any]] = [{"id": BOSS, "name": "店长", "role": "owner"}, GUIDE]
    return await open_room({"bot": {"scripts": str(folder)}, "staff": staff, **group_config(scripts=["mine"])})


@pytest.mark.parametrize(("owner", "told"), [("operator", BOSS), ("guide", "xiaodao"), ("xiaodao", "xiaodao")])
async def test_a_task_is_told_to_whoever_it_belongs_to(
    open_room: OpenRoom, tmp_path: Path, owner: str, told: str
) -> None:
    room = await a_room(open_room, tmp_path, owner)
    (line,) = await room.wait(timedelta(minutes=3))
    assert (line.phrase, line.member, line.group) == ("task.new", told, None)
    assert "给供货商打电话" in line.text
    assert "12-02 15:00" in line.text


async def test_a_task_that_stays_open_is_reminded_of_three_times_and_no_more(
    open_room: OpenRoom, tmp_path: Path
) -> None:
    room = await a_room(open_room, tmp_path)
    await room.wait(timedelta(minutes=3))
    said = await room.wait(timedelta(days=4))
    assert keys(said) == ["task.reminder"] * 3
    (row,) = await room.boss_says("任务", private=True)
    assert "过期了" in row.text
    await room.close()
    assert check(room.db).violations == []


@pytest.mark.parametrize(("word", "key"), [("完成", "task.done"), ("不做", "task.dropped")])
async def test_a_task_that_is_closed_is_over(open_room: OpenRoom, tmp_path: Path, word: str, key: str) -> None:
    room = await a_room(open_room, tmp_path)
    await room.wait(timedelta(minutes=3))
    assert keys(await room.boss_says(f"{word} 1", private=True)) == [key]
    assert keys(await room.again()) == []
    assert keys(await room.boss_says("完成 1", private=True)) == ["task.closed"]
    assert keys(await room.wait(timedelta(days=2))) == []
    assert keys(await room.boss_says("任务", private=True)) == ["task.none"]
    assert room.one("SELECT count(*) FROM audit WHERE action = ?", word) == 1


async def test_reminders_survive_power_cuts_and_come_once(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await a_room(open_room, tmp_path)
    said = keys(await room.wait(timedelta(minutes=3)))
    for _ in range(6):
        said += keys(await room.power_cut(HOUR))
        said += keys(await room.restart())
    assert said == ["task.new", "task.reminder"]


@pytest.mark.parametrize("text", ["完成", "完成 9", "不做 x", "完成 99999999999"])
async def test_a_number_that_is_none_is_asked_for(quiet_stage: Room, text: str) -> None:
    assert keys(await quiet_stage.boss_says(text, private=True)) == ["task.usage"]


async def test_members_see_no_tasks(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await a_room(open_room, tmp_path)
    await room.wait(timedelta(minutes=3))
    assert "task.list" not in keys(await room.says("小明", "任务"))
    assert "task.done" not in keys(await room.says("小明", "完成 1"))


def broken(path: Path, *statements: str) -> list[str]:
    import sqlite3

    conn = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        assert conn.execute(statement).rowcount != 0, statement
    conn.close()
    return sorted({one.rule for one in check(path).violations})


LATE = "INSERT INTO late_post (beat, group_id, due, noticed_at, until, state, reason) VALUES ('a.b', 'g', 1, 2, 3, '{}', '')"


@pytest.mark.parametrize(
    ("rule", "statements"),
    [
        ("task_forgotten", ("DELETE FROM wake WHERE topic = 'task'",)),
        ("late_post_forgotten", (LATE.format("ask"),)),
        ("late_post_forgotten", (LATE.format("merge"),)),
        ("late_post_and_missed", (LATE.format("merged"), "INSERT INTO missed VALUES ('a.b', 'g', 1, 2, '')")),
        (
            "step_forgotten",
            (
                "INSERT INTO sequence_start VALUES ('purchase', 'm', '', 5, 'e', NULL)",
                "INSERT INTO sequence_step VALUES ('a.b', 'm', '', 5, 9, 'waiting', '', 0)",
            ),
        ),
        ("step_without_start", ("INSERT INTO sequence_step VALUES ('a.b', 'm', '', 5, 9, 'said', '', 0)",)),
    ],
)
async def test_a_broken_promise_of_the_calendar_is_named(
    open_room: OpenRoom, tmp_path: Path, rule: str, statements: tuple[str, ...]
) -> None:
    room = await a_room(open_room, tmp_path)
    await room.wait(timedelta(minutes=3))
    await room.close()
    assert check(room.db).violations == []
    assert broken(room.db, *statements) == [rule]
