"""Draws entered by an answer: to the draw's own question, or in a quiz that runs beside it."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.config import check_model
from bot.draw_plan import DrawPlan, load_draws
from bot.draw_words import parse_answers
from bot.errors import ConfigError
from bot.games import draw as rule
from storage.fsck import check
from tests.conftest import OpenRoom, Room, group_config, keys
from tests.test_draw_rules import by_the_script
from tests.test_draws import PLAN, PRIZE, OpenDraw, opened, prove

__all__ = ["opened"]
ASKS = 'enter = "answer"\nquestion = "什么果子是紫的？"\nanswers = ["葡萄", "蓝莓"]'
COUNTS = 'enter = "answer"\nright = {right}'
MINUTE = timedelta(minutes=1)


async def asking(opened: OpenDraw, more: str = "") -> Room:
    room: Room = await opened(f"{ASKS}\n{more}", without="word")
    return room


@pytest.mark.parametrize(
    "more",
    [
        'enter = "answer"',
        'enter = "answer"\nquestion = "几月？"',
        'enter = "answer"\nanswers = ["一月"]',
        'enter = "answer"\nquestion = "几月？"\nanswers = ["一月"]\nright = 1',
        'enter = "answer"\nquestion = "一月是几月？"\nanswers = ["一月"]',
        'enter = "answer"\nquestion = "几月？"\nanswers = ["！！"]',
        'enter = "answer"\nquestion = "几月？"\nanswers = ["一月"]\nmode = "daily"\ntime = "20:00"',
        "right = 1",
        'question = "几月？"\nanswers = ["一月"]',
    ],
)
def test_a_plan_by_answer_is_whole_or_no_plan(tmp_path: Path, more: str) -> None:
    kept = PLAN.replace('word = "冲呀"', "") if "answer" in more else PLAN
    if "daily" in more:
        kept = kept.replace('lasts = "1h"', "")
    (tmp_path / "x.toml").write_text(f"{kept}\n{more}\n{PRIZE}", encoding="utf-8")
    with pytest.raises(ConfigError):
        load_draws(tmp_path)


def test_answers_as_staff_write_them() -> None:
    assert parse_answers("白桃 / 水蜜桃／ 桃子") == ["白桃", "水蜜桃", "桃子"]
    for wrong in ("", " / ", "/".join(map(str, range(21)))):
        with pytest.raises(ValueError, match="隔开"):
            parse_answers(wrong)


async def test_right_answers_enter_however_they_are_typed_and_wrong_ones_are_just_talk(opened: OpenDraw) -> None:
    room = await asking(opened)
    for name, text in (("小满", "葡萄"), ("阿杰", "  答案是：藍莓！"), ("豆豆", "应该是葡萄吧")):
        assert keys(await room.says(name, text)) == ["draw.entered"]
    for text in ("苹果", "葡萄还是蓝莓", "什么果子是紫的？", "葡萄干好吃"):
        assert await room.says("橙子", text) == []
    assert keys(await room.says("橙子", "蓝莓")) == ["draw.entered"]
    assert keys(await room.boss_says("葡萄")) == ["draw.staff_out"]
    assert room.one("SELECT count(*) FROM draw_entry") == 4


async def test_the_answer_is_sealed_at_opening_told_at_closing_and_anybody_can_compare(
    opened: OpenDraw, tmp_path: Path
) -> None:
    room = await asking(opened)
    rules = room.one("SELECT rules FROM draw")
    assert "葡萄" not in room.said[-1].text + rules
    secret = room.one("SELECT secret FROM draw")
    assert f"答案：截止时公布，指纹 {rule.sha(secret, '葡萄', '蓝莓')[:16]}" in rules.split("\n")
    proof = await room.says("小满", "验奖 1")
    assert not any("蓝莓" in line.text for line in proof)
    await room.says("小满", "葡萄")
    assert keys(await room.wait(timedelta(hours=2))) == ["draw.answer", "draw.result"]
    text = await prove(room, 1, tmp_path)
    assert "答案：葡萄、蓝莓" in text
    assert by_the_script(text, tmp_path) == ""


async def test_a_void_draw_tells_its_answer_too(opened: OpenDraw) -> None:
    room = await asking(opened)
    await room.boss_says("作废 1 题出错了")
    assert any("答案：葡萄、蓝莓" in one for (one,) in room.rows("SELECT text FROM draw_note"))


async def test_a_quiz_that_waits_for_the_same_words_hears_them(opened: OpenDraw) -> None:
    room = await asking(opened)
    await room.says("阿杰", "抢答")
    answers = room.one("SELECT json_extract(question, '$.answers[0]') FROM quiz_question")
    await room.boss_says("更正 1 答案 " + answers)
    said = keys(await room.says("小满", answers))
    assert "quiz.right" in said
    assert room.one("SELECT count(*) FROM draw_entry WHERE draw_id = 2") == 1


async def test_question_and_answers_are_corrected_in_public(opened: OpenDraw) -> None:
    room = await asking(opened)
    assert "draw.opened" in keys(await room.boss_says("更正 1 答案 山竹 / 葡萄"))
    assert keys(await room.says("小满", "山竹")) == ["draw.entered"]
    assert keys(await room.boss_says("更正 2 答案 签到")) == ["draw.bad"]
    assert room.one("SELECT state FROM draw WHERE id = 2") == "open"


# -- answers in a quiz ---------------------------------------------------------------------------------------------


async def counting(opened: OpenDraw, right: int = 1, config: dict[str, object] | None = None) -> Room:
    room: Room = await opened(COUNTS.format(right=right), without="word", config=config)
    return room


def answer_now(room: Room) -> str:
    """The right answer to the question that is open."""
    found: str = room.one(
        "SELECT json_extract(question, '$.answers[0]') FROM quiz_question WHERE closed_at IS NULL"
    )  # fmt: skip
    return found


async def test_whoever_answered_enough_questions_right_enters_in_the_order_they_did(opened: OpenDraw) -> None:
    room = await counting(opened, right=2)
    await room.says("橙子", "全员答题 2")
    first = answer_now(room)
    for name in ("小满", "阿杰", "豆豆"):
        await room.says(name, first)
    await room.wait(timedelta(seconds=70))
    second = answer_now(room)
    for name in ("豆豆", "橙子", "小满"):
        await room.says(name, second)
    await room.wait(timedelta(hours=2))
    assert [member for (member,) in room.rows("SELECT member_id FROM draw_entry ORDER BY number")] == [
        room.id_of("豆豆"), room.id_of("小满"),
    ]  # fmt: skip
    assert check(room.db).violations == []


async def test_answers_before_the_draw_and_to_a_question_that_was_called_off_do_not_count(
    opened: OpenDraw,
) -> None:
    room = await counting(opened)
    await room.boss_says("作废 1 试试")
    await room.says("橙子", "全员答题")
    await room.says("小满", answer_now(room))
    await room.wait(5 * MINUTE)
    await room.boss_says("开奖 测试")
    await room.says("橙子", "全员答题")
    await room.says("阿杰", answer_now(room))
    await room.says("橙子", "结束 答题")
    assert "draw.nobody" in keys(await room.wait(timedelta(hours=2)))


async def test_prize_quiz_with_the_name_of_a_draw_opens_both_or_neither(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    assert keys(await room.boss_says("有奖问答 1 答题抽奖")) == ["draw.opened", "quiz.open_all", "quiz.ask"]
    assert room.one("SELECT opener_id FROM draw") == "dianzhang"
    await room.says("小满", answer_now(room))
    await room.wait(5 * MINUTE)
    assert keys(await room.boss_says("有奖问答 1 答题抽奖")) == ["draw.bad"]  # the first is still open
    assert room.one("SELECT count(*) FROM game_session") == 1
    await room.boss_says("立即开奖 1")
    assert room.rows("SELECT member_id, state FROM draw_winner") == [(room.id_of("小满"), "won")]
    await room.boss_says("抢答")
    assert keys(await room.boss_says("有奖问答 1 答题抽奖")) == ["play.running"]
    assert room.one("SELECT count(*) FROM draw") == 1


@pytest.mark.parametrize("text", ["有奖问答 1 随行杯", "改判 对"])
async def test_staff_who_may_only_look_cannot_open_prizes_nor_rule(open_room: OpenRoom, text: str) -> None:
    people = [{"id": "dianzhang", "name": "店长", "role": "owner"}, {"id": "kan", "name": "看看", "role": "read-only"}]
    room = await open_room({**group_config(scripts=[]), "staff": people})
    room.people["看看"] = "kan"
    assert keys(await room.says("看看", text)) == ["staff.read_only"]
    assert room.one("SELECT count(*) FROM game_session") == 0


def test_the_shipped_example_counts_answers() -> None:
    plan = load_draws(None)["答题抽奖"]
    assert (plan.enter, plan.right) == ("answer", 1)
    assert check_model(DrawPlan, {**plan.model_dump(), "right": 3}, "x").right == 3
