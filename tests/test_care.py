"""Complaints, distress, hand-overs and open questions: heard rightly, told once, and kept over restarts."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.config import shipped
from bot.mood import Moods, load_moods
from bot.words import fold
from tests.conftest import Room, group_config, keys

OpenRoom = Callable[..., Awaitable[Room]]
PERSONAS = ("xiaoyuanzi", "heyan")


@pytest.mark.parametrize("persona", PERSONAS)
def test_the_shipped_words_hear_every_example_and_nothing_else(persona: str) -> None:
    moods, problems = load_moods(shipped("persona") / persona / "mood.toml")
    assert problems == []
    assert moods.find(fold("我要投诉")) == ("complaint", "我要投诉")
    assert moods.find(fold("我要投诉，活不下去了")) == ("distress", "活不下去")


def test_an_example_that_is_not_heard_is_named_before_anybody_relies_on_it(tmp_path: Path) -> None:
    path = tmp_path / "mood.toml"
    path.write_text(
        '[distress]\nwords = ["难过"]\nothers = ["好难过"]\n'
        '[complaint]\nwords = ["投诉"]\nunless = ["不投诉"]\nexamples = ["不投诉"]\n',
        encoding="utf-8",
    )
    _, problems = load_moods(path)
    assert [(one.key, one.reason) for one in problems] == [
        ("distress.others", "「好难过」认成了 distress"), ("complaint.examples", "「不投诉」没有认出来"),
    ]  # fmt: skip


def test_a_word_counts_outside_of_its_exceptions_only() -> None:
    moods, _ = load_moods(shipped("persona/xiaoyuanzi/mood.toml"))
    assert moods.find("想死你了") is None
    assert moods.find("想死你了，可是我真的活不下去") == ("distress", "活不下去")
    assert Moods(None).find("我要投诉") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("这个能退吗", True), ("有没有人一起爬山", True), ("几点开始？", True), ("好吗", False), ("今天真热", False)],
)
def test_questions_are_known_by_their_endings_and_words(text: str, expected: bool) -> None:
    moods, _ = load_moods(shipped("persona/xiaoyuanzi/mood.toml"))
    assert moods.is_question(fold(text)) is expected


async def test_a_repeated_complaint_prolongs_the_calm_without_another_word(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    assert keys(await room.says("小满", "我要投诉")) == ["care.complaint", "staff.complaint"]
    assert await room.again() == []
    assert await room.says("小满", "说了我要投诉") == []
    assert room.one("SELECT count(*) FROM care") == 2
    assert room.app.store.bonds.trouble(room.id_of("小满"), 0) is not None


async def test_moods_can_be_switched_off(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[], contact={"moods": False}))
    assert await room.says("小满", "我要投诉") == []
    assert room.one("SELECT count(*) FROM care") == 0


async def test_a_command_is_a_command_even_when_it_sounds_angry(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    assert keys(await room.says("小满", "签到 我要投诉", private=False)) != ["checkin.done"]
    assert keys(await room.says("阿杰", "签到")) == ["checkin.done"]


async def test_staff_who_speak_of_complaints_set_nothing_off(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    assert await room.boss_says("有人说我要投诉，大家看到了吗") == []
    assert room.one("SELECT count(*) FROM care") == 0


async def test_a_hand_over_keeps_quiet_to_one_member_only_and_ends_once(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[], contact={"handover": "30min"}))
    assert keys(await room.says("小满", "转人工")) == ["care.handed", "staff.handover"]
    assert keys(await room.says("小满", "帮助")) == []
    assert keys(await room.says("阿杰", "帮助")) == ["help.member"]
    assert keys(await room.boss_says("交还 小满")) == ["care.back"]
    assert keys(await room.boss_says("交还 小满")) == ["care.nobody"]
    assert keys(await room.says("小满", "帮助")) == ["help.member"]
    assert room.rows("SELECT ended_by FROM handover") == [("dianzhang",)]


async def test_an_open_question_of_one_member_is_reported_once(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[], contact={"unanswered": "10min"}))
    for text in ("这个杯子能不能进微波炉", "没人知道吗？", "请问有人用过吗"):
        await room.says("小满", text)
    lines = await room.wait(room.app.config.group("yuanqi").contact.unanswered * 3)
    assert keys(lines) == ["staff.unanswered"]
    assert "微波炉" in lines[0].text
    assert room.one("SELECT count(*) FROM open_question") == 0


async def test_a_member_who_just_bought_gets_no_promotion_for_three_weeks(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    await room.says("小满", "早呀")
    assert keys(await room.boss_says("买过 小满 气泡水一箱")) == ["sequence.bought_plain"]
    assert room.rows("SELECT what, noted_by FROM noted_purchase") == [("气泡水一箱", "dianzhang")]
    assert keys(await room.says("小满", "买过 小满")) == ["staff.refused"]
