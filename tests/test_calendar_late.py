"""Down before, during and after a post, for every choice of what to do about lateness; and what staff can say to it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.fsck import check
from tests.conftest import BOSS, OpenRoom, Room, group_config, keys

MINUTE = timedelta(minutes=1)
SCRIPT = """
title = "x"
[[beat]]
id = "noon"
title = "正午"
weekday = "周三"
time = "12:00"
phrase = "post.surprise"
late = "{late}"
lateness = "{limit}"
[[beat]]
id = "later"
title = "两点"
weekday = "周三"
time = "14:00"
phrase = "post.morning_call"
"""


def with_script(root: Path, text: str) -> dict[str, Any]:
    """Settings of a group that plays this script."""
    folder = root / "scripts"
    folder.mkdir(exist_ok=True)
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    return {"bot": {"scripts": str(folder)}, **group_config(scripts=["mine"])}


async def a_room(open_room: OpenRoom, root: Path, late: str) -> Room:
    """A group with two posts on this Wednesday, the first one with a choice for lateness; it is 11:58. What is merged
    has to last until the next post: two and a half hours; anything else an hour."""
    limit = "150min" if late == "merge" else "1h"
    return await open_room(with_script(root, SCRIPT.format(late=late, limit=limit)))


async def lived(room: Room, outage: str) -> list[tuple[str, str]]:
    """(clock, phrase) of what the group hears until 15:00, with an outage somewhere."""
    if outage == "before":
        await room.power_cut(MINUTE)
    elif outage == "a moment":
        await room.power_cut(3 * MINUTE)
    elif outage == "over it":
        await room.power_cut(32 * MINUTE)
    elif outage == "past the limit":
        await room.power_cut(92 * MINUTE)
    elif outage == "after":
        await room.wait(7 * MINUTE)
        await room.power_cut(60 * MINUTE)
    elif outage == "twice":
        await room.power_cut(32 * MINUTE)
        await room.restart()
        await room.power_cut(5 * MINUTE)
    await room.until("15:00")
    rows = room.rows(
        "SELECT strftime('%H:%M', settled_at / 1000, 'unixepoch', '+8 hours'), phrase FROM outbox"
        " WHERE group_id = 'yuanqi' AND state = 'sent' ORDER BY id"
    )
    return [(str(clock), str(phrase)) for clock, phrase in rows]


NOON, LATER = "post.surprise", "post.morning_call"
ON_TIME = [("12:00", NOON), ("14:00", LATER)]
SOON = [("12:01", NOON), ("14:00", LATER)]
ONLY_LATER = [("14:00", LATER)]
MATRIX: dict[tuple[str, str], list[tuple[str, str]]] = {
    **{(late, outage): ON_TIME for late in ("send", "merge", "ask", "drop") for outage in ("before", "after")},
    **{(late, "a moment"): SOON for late in ("send", "merge", "ask", "drop")},
    **{(late, "past the limit"): ONLY_LATER for late in ("send", "ask", "drop")},
    ("merge", "past the limit"): [("14:00", "calendar.merged")],
    ("send", "over it"): [("12:30", NOON), ("14:00", LATER)],
    ("merge", "over it"): [("14:00", "calendar.merged")],
    ("ask", "over it"): ONLY_LATER,
    ("drop", "over it"): [("12:30", NOON), ("14:00", LATER)],
    ("send", "twice"): [("12:30", NOON), ("14:00", LATER)],
    ("merge", "twice"): [("14:00", "calendar.merged")],
    ("ask", "twice"): ONLY_LATER,
    ("drop", "twice"): [("12:30", NOON), ("14:00", LATER)],
}


@pytest.mark.parametrize(("late", "outage"), MATRIX)
async def test_what_the_group_hears(open_room: OpenRoom, tmp_path: Path, late: str, outage: str) -> None:
    room = await a_room(open_room, tmp_path, late)
    assert await lived(room, outage) == MATRIX[late, outage]
    assert room.one("SELECT count(*) FROM interaction WHERE kind = 'beat_due'") == 2
    told = [line.phrase for line in room.said if line.member == BOSS]
    assert told == (["staff.missed"] if len(MATRIX[late, outage]) == 1 else [])
    await room.close()
    assert check(room.db).violations == []


async def test_what_is_dropped_when_late_has_no_patience_by_itself(open_room: OpenRoom, tmp_path: Path) -> None:
    text = SCRIPT.format(late="drop", limit="").replace('lateness = ""\n', "")
    room = await open_room(with_script(tmp_path, text))
    assert keys(await room.power_cut(5 * MINUTE)) == []
    (line,) = await room.wait(MINUTE)
    assert "正午" in line.text
    assert "晚了 3 分钟" in line.text


async def test_one_summary_says_of_each_post_what_was_done(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await a_room(open_room, tmp_path, "ask")
    await room.power_cut(timedelta(hours=2, minutes=10))  # noon is over, two o'clock is six minutes late
    said = await room.wait(MINUTE)
    (summary,) = [line for line in said if line.member == BOSS]
    assert "「正午」晚了 128 分钟" in summary.text
    assert "「两点」晚了 8 分钟，还是发了" in summary.text
    assert keys(await room.wait(timedelta(hours=5))) == []


async def asked(open_room: OpenRoom, folder: Path) -> Room:
    room = await a_room(open_room, folder, "ask")
    await room.power_cut(32 * MINUTE)
    (line,) = await room.wait(MINUTE)
    assert "补发 1" in line.text
    assert "13:00 前有效" in line.text
    return room


async def test_staff_send_a_late_post_after_all_and_only_once(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await asked(open_room, tmp_path)
    said = await room.boss_says("补发 1", private=True)
    assert [(line.phrase, line.group) for line in said] == [("post.surprise", "yuanqi"), ("late.sent", None)]
    assert "店长" in said[0].because or BOSS in said[0].because
    assert keys(await room.again()) == []
    assert keys(await room.boss_says("补发 1", private=True)) == ["late.settled"]
    assert keys(await room.boss_says("不发 1", private=True)) == ["late.settled"]
    await room.restart()
    assert [one for one in keys(await room.until("13:30")) if one == "post.surprise"] == []
    assert room.rows("SELECT * FROM missed") == []


async def test_in_its_group_the_post_itself_is_the_answer(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await asked(open_room, tmp_path)
    assert keys(await room.boss_says("补发 1")) == ["post.surprise"]


async def test_a_post_sent_after_all_in_quiet_hours_is_said_to_leave_when_they_are_over(
    open_room: OpenRoom, tmp_path: Path
) -> None:
    room = await asked(open_room, tmp_path)
    assert keys(await room.boss_says("设置 quiet 12:20-12:50")) == ["settings.changed"]
    (waits,) = await room.boss_says("补发 1")
    assert (waits.phrase, waits.group) == ("late.waits", "yuanqi")
    assert "12:50" in waits.text
    assert "安静时段" in waits.text
    assert keys(await room.until("12:49")) == []
    assert keys(await room.until("12:51")) == ["post.surprise"]
    assert check(room.db).violations == []


async def test_a_post_that_cannot_leave_is_refused_with_the_reason_and_stays_open(
    open_room: OpenRoom, tmp_path: Path
) -> None:
    room = await asked(open_room, tmp_path)
    await room.boss_says("设置 quiet 12:20-23:00")
    (cannot,) = await room.boss_says("补发 1", private=True)
    assert cannot.phrase == "late.cannot"
    assert "能晚发的时间" in cannot.text
    await room.boss_says("设置 quiet 默认")
    assert keys(await room.boss_says("补发 1", private=True)) == ["post.surprise", "late.sent"]


async def test_staff_let_a_late_post_be(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await asked(open_room, tmp_path)
    assert keys(await room.boss_says("不发 1", private=True)) == ["late.declined"]
    assert room.one("SELECT count(*) FROM missed") == 1
    (line,) = await room.boss_says("漏发", private=True)
    assert "说过不发" in line.text


async def test_a_question_that_nobody_answers_expires(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await asked(open_room, tmp_path)
    assert keys(await room.until("13:30")) == []
    assert room.rows("SELECT state FROM late_post") == [("expired",)]
    (line,) = await room.boss_says("漏发", private=True)
    assert "没人答，过期了" in line.text


@pytest.mark.parametrize("text", ["补发", "补发 x", "补发 99", "不发 0", "补发 99999999999999"])
async def test_a_number_that_is_none_is_asked_for(quiet_stage: Room, text: str) -> None:
    assert keys(await quiet_stage.boss_says(text, private=True)) == ["late.usage"]


async def test_a_member_cannot_send_what_is_late(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await asked(open_room, tmp_path)
    assert "post.surprise" not in keys(await room.says("小明", "补发 1"))


async def test_a_post_that_waits_to_be_merged_expires_when_no_other_comes(open_room: OpenRoom, tmp_path: Path) -> None:
    text = SCRIPT.format(late="merge", limit="1h").partition('[[beat]]\nid = "later"')[0]
    room = await open_room(with_script(tmp_path, text))
    await room.power_cut(32 * MINUTE)
    await room.until("15:00")
    assert room.rows("SELECT state FROM late_post") == [("expired",)]
    assert "没有下一条" in room.one("SELECT reason FROM missed")


async def test_what_was_posted_and_never_arrived_is_listed_too(open_room: OpenRoom) -> None:
    room = await open_room(group_config(muted=True))
    await room.wait(3 * MINUTE)
    (line,) = await room.boss_says("漏发", private=True)
    assert "周三新品" in line.text
    assert "muted" in line.text
    assert keys(await room.boss_says("漏发 x", private=True)) == ["late.list"]


async def test_nothing_missed_is_said_plainly(stage: Room) -> None:
    assert keys(await stage.boss_says("漏发", private=True)) == ["late.none"]


RUNAWAY = """
title = "x"
[[beat]]
id = "often"
title = "太密"
weekday = "每天"
time = ["12:00", "12:01", "12:02", "12:40"]
phrase = "post.morning_call"
"""


async def test_a_runaway_beat_is_stopped_by_the_shortest_interval(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await open_room(with_script(tmp_path, RUNAWAY))
    said = await room.until("13:00")
    assert [one for one in keys(said) if one.startswith("post")] == ["post.morning_call"] * 2
    assert room.one("SELECT count(*) FROM missed WHERE reason LIKE '%min_gap%'") == 2


SURPRISE = """
title = "x"
[[beat]]
id = "gift"
title = "惊喜"
weekday = "每天"
between = ["14:00", "17:00"]
phrase = "post.surprise"
"""


async def test_a_random_minute_is_stable_over_restarts_and_not_told_to_the_group(
    open_room: OpenRoom, tmp_path: Path
) -> None:
    room = await open_room(with_script(tmp_path, SURPRISE))
    (inside,) = await room.boss_says("日程 1", private=True)
    (shown,) = await room.boss_says("日程 1")
    assert "14:00~17:00" in shown.text
    await room.restart()
    (again,) = await room.boss_says("日程 1", private=True)
    minute = next(row for row in inside.text.splitlines() if "惊喜" in row)
    assert minute in again.text
    assert "~" not in minute
    await room.until("明天 18:00")
    clocks = [
        clock
        for (clock,) in room.rows(
            "SELECT strftime('%H:%M', settled_at / 1000, 'unixepoch', '+8 hours') FROM outbox WHERE phrase = ?",
            "post.surprise",
        )
    ]
    assert len(clocks) == 2
    assert clocks[0] in minute
    assert all("14:00" <= one <= "17:00" for one in clocks)
