"""Campaigns steered by chat: whatever the order, nothing is sent twice, and what is paused is never sent."""

import asyncio
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.campaign_words import parse_late, parse_when
from storage.fsck import check
from tests.conftest import BOSS, OpenRoom, Room, a_config, group_config, keys

SCRIPT = """
title = "x"
[[beat]]
id = "hourly"
title = "整点"
weekday = "每天"
time = ["13:00", "14:00", "15:00", "16:00", "17:00", "18:00", "19:00"]
phrase = "post.morning_call"
sort = "reminder"
late = "{late}"
lateness = "40min"
"""
NOW = datetime.fromisoformat("2026-12-02T12:00:00+08:00")


def with_script(root: Path, late: str = "send", **more: Any) -> dict[str, Any]:
    """Settings of a group that plays a post every hour, and that lets it."""
    (root / "mine.toml").write_text(SCRIPT.format(late=late), encoding="utf-8")
    contact = {"reminders_day": 50, "reminders_week": 100, "merge_within": "0s"}
    return {"bot": {"scripts": str(root)}, **group_config(scripts=["mine"], contact=contact, **more)}


ACTIONS = st.lists(
    st.sampled_from(
        ["暂停 整点", "继续 整点", "跳过 整点", "跳过 整点 2", "立即发 整点", "again", "restart", "cut", "20min", "1h"]
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None)
@given(ACTIONS, st.sampled_from(["send", "merge", "ask", "drop"]))
def test_no_order_of_words_and_restarts_sends_twice_or_sends_what_is_paused(actions: list[str], late: str) -> None:
    asyncio.run(_live(actions, late))


async def _live(actions: list[str], late: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        changes = with_script(root, late)
        room = Room(lambda: a_config(changes), root / "x.db", start=NOW)
        await room.open()
        paused = False
        for action in actions:
            before = len(_posts(room))
            if action == "again":
                await room.again()
            elif action == "restart":
                await room.restart()
            elif action == "cut":
                await room.power_cut(timedelta(minutes=50))
            elif " " not in action:
                await room.wait(timedelta(hours=1) if action == "1h" else timedelta(minutes=20))
            else:
                await room.boss_says(action, private=True)
            was, paused = paused, bool(room.one("SELECT count(*) FROM beat_pause"))
            if was and paused:
                assert len(_posts(room)) == before, f"sent while paused: {action} of {actions}"
        await room.close()
        assert check(root / "x.db").violations == []
        sent = [line.event_id for line in _posts(room)]
        assert len(sent) == len(set(sent)), actions
        assert len({line.key for line in _posts(room)}) == len(sent)


def _posts(room: Room) -> list[Any]:
    return [line for line in room.said if line.phrase in ("post.morning_call", "calendar.merged") and line.group]


async def test_what_waits_in_the_outbox_is_held_when_its_campaign_is_paused(
    open_room: OpenRoom, tmp_path: Path
) -> None:
    changes = with_script(tmp_path, quiet="12:30-13:20")
    changes["groups"]["yuanqi"]["contact"]["live_messages"] = 0
    room = await open_room(changes, start=NOW)
    (tmp_path / "mine.toml").write_text(SCRIPT.format(late="send"), encoding="utf-8")
    await room.wait(timedelta(minutes=61))
    assert room.one("SELECT state FROM outbox WHERE sort = 'reminder'") == "queued"
    (line,) = await room.boss_says("暂停 整点", private=True)
    assert "排队的 1 条也不发了" in line.text
    assert keys(await room.wait(timedelta(hours=3))) == []
    assert room.one("SELECT state FROM outbox WHERE sort = 'reminder'") == "held"


async def test_a_skipped_time_stays_skipped_when_the_clock_in_the_file_is_changed(
    open_room: OpenRoom, tmp_path: Path
) -> None:
    text = SCRIPT.format(late="send").replace(
        '["13:00", "14:00", "15:00", "16:00", "17:00", "18:00", "19:00"]', '"13:00"'
    )
    room = await open_room(with_script(tmp_path), start=NOW)
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    await room.boss_says("重载", private=True)
    await room.boss_says("跳过 整点", private=True)
    (tmp_path / "mine.toml").write_text(text.replace("13:00", "15:00"), encoding="utf-8")
    await room.boss_says("重载", private=True)
    assert keys(await room.until("2026-12-02T20:00+08:00")) == []
    assert keys(await room.until("2026-12-03T20:00+08:00")) == ["post.morning_call"]


async def test_send_now_that_arrives_hours_late_is_not_sent_blindly(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await open_room(with_script(tmp_path, "ask"), start=NOW)
    await room.wait(timedelta(minutes=30))
    said = await room.says("店长", "签到", private=True)  # makes the name known
    room.people["店长"] = BOSS
    said = await room.says("店长", "立即发 整点", private=True, at=NOW)
    assert "post.morning_call" not in keys(said)
    said = await room.wait(timedelta(minutes=1))
    assert keys(said) == ["staff.missed"]


async def test_every_word_that_steers_is_written_down(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await open_room(with_script(tmp_path), start=NOW)
    for word in ("暂停 整点", "继续 整点", "跳过 整点", "立即发 整点"):
        await room.boss_says(word, private=True)
    assert [row[0] for row in room.rows("SELECT action FROM audit ORDER BY id")] == ["暂停", "继续", "跳过", "立即发"]


async def test_whoever_may_only_look_cannot_steer(open_room: OpenRoom, tmp_path: Path) -> None:
    staff = [{"id": BOSS, "name": "店长", "role": "read-only"}]
    room = await open_room({**with_script(tmp_path), "staff": staff}, start=NOW)
    for word in ("暂停 整点", "继续 整点", "跳过 整点", "立即发 整点", "批准 1", "新活动", "删活动 整点"):
        assert keys(await room.boss_says(word, private=True)) == ["staff.read_only"], word
    assert keys(await room.boss_says("活动", private=True)) == ["campaign.list"]


async def test_members_may_use_the_words_among_themselves(stage: Room) -> None:
    for word in ("活动", "继续", "继续 聊呀", "跳过 这个", "暂停", "预览 一下"):
        assert keys(await stage.says("小满", word)) == [], word


async def test_the_minute_of_a_surprise_is_not_told_where_members_read_along(open_room: OpenRoom) -> None:
    room = await open_room(group_config(type="welfare"))
    (here,) = await room.boss_says("活动 惊喜抽奖")
    assert "14:00~17:00" in here.text
    (private,) = await room.boss_says("活动 惊喜抽奖", private=True)
    assert "~" not in private.text


async def test_an_approval_needs_somebody_else(open_room: OpenRoom) -> None:
    room = await open_room(group_config(calendar={"approval": True}))
    assert keys(await room.boss_says("立即发 周五福利日·午间", private=True)) == ["approval.nobody"]


async def test_the_same_campaign_in_two_groups_asks_which_one(open_room: OpenRoom) -> None:
    groups = {"yuanqi": {}, "second": {"name": "二群", "scripts": ["welfare"]}}
    room = await open_room({"groups": groups})
    (line,) = await room.boss_says("暂停 周三新品", private=True)
    assert line.phrase == "campaign.which_group"
    assert "二群" in line.text
    assert keys(await room.boss_says("暂停 周三新品 二群", private=True)) == ["campaign.paused"]
    assert room.rows("SELECT group_id FROM beat_pause") == [("second",)]
    assert keys(await room.boss_says("暂停 周三新品 全部", private=True)) == [
        "campaign.paused",
        "campaign.unchanged",
    ] or (room.one("SELECT count(*) FROM beat_pause") == 2)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("周三 12:00", {"time": ["12:00"], "weekday": ["周三"]}),
        ("每周一、五 9：00 20:00", {"time": ["09:00", "20:00"], "weekday": ["周一", "周五"]}),
        ("每天 8点半", {"time": ["08:30"], "weekday": ["每天"]}),
        ("工作日 15:00", {"time": ["15:00"], "on": ["workday"]}),
        ("每月20号 12:00", {"time": ["12:00"], "monthday": [20]}),
        ("每月31号 12:00", {"time": ["12:00"], "monthday": [31], "short_month": "last"}),
        ("每月最后一天 18:00", {"time": ["18:00"], "monthday": [-1]}),
        ("12-12 20:00", {"time": ["20:00"], "date": "2026-12-12"}),
        ("1月5日 20:00", {"time": ["20:00"], "date": "2027-01-05"}),
        ("每年 12-12 20:00", {"time": ["20:00"], "date": "12-12"}),
        ("明天 9:00", {"time": ["09:00"], "date": "2026-12-03"}),
    ],
)
def test_days_and_clocks_as_people_write_them(text: str, fields: dict[str, Any]) -> None:
    assert parse_when(text, NOW) == fields


@pytest.mark.parametrize(
    "text", ["", "周三", "周八 12:00", "12:00", "25:00 周三", "2月30日 9:00", "今天 9:00", "每月32号 9:00", "哪天 9:00"]
)
def test_what_is_no_day_or_clock_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_when(text, NOW)


def test_lateness_as_people_write_it() -> None:
    assert parse_late("1") == {"late": "send"}
    assert parse_late("问 3小时") == {"late": "ask", "lateness": "3h"}
    for text in ("", "5", "1 很久"):
        with pytest.raises(ValueError, match=r"."):
            parse_late(text)
