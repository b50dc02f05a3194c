"""Draws for a segment: written out in the published rules, asked when somebody enters, and said kindly."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.draw_plan import load_draws
from bot.errors import ConfigError
from tests.conftest import Room, keys
from tests.test_draws import HOUR, PLAN, PRIZE, OpenDraw, opened, prove

__all__ = ["opened"]
SIGNED = 'segment = "近7天签到>=1"'


def entered(room: Room) -> list[str]:
    return [name for (name,) in room.rows("SELECT member_id FROM draw_entry ORDER BY number")]


async def with_saved(opened: OpenDraw, tmp_path: Path, segment: str, **saved: str) -> tuple[Room, list[str]]:
    """A room with saved segments, and what staff heard when they opened a draw for `segment`."""
    room: Room = await opened()
    await room.boss_says("作废 1 先存分群")
    for name, expression in saved.items():
        assert keys(await room.boss_says(f"保存分群 {name} = {expression}")) == ["crowd.saved"]
    (tmp_path / "draws" / "测试.toml").write_text(f'{PLAN}segment = "{segment}"\n{PRIZE}', encoding="utf-8")
    await room.boss_says("重载")
    return room, [line.text for line in await room.boss_says("开奖 测试") if line.phrase in ("draw.opened", "draw.bad")]


async def test_whoever_is_in_the_segment_enters_and_others_hear_the_published_condition(opened: OpenDraw) -> None:
    room = await opened(SIGNED)
    await room.says("小满", "签到")
    assert keys(await room.says("小满", "冲呀")) == ["draw.entered"]
    (line,) = await room.says("阿杰", "冲呀")
    assert line.phrase == "draw.outside"
    assert "群友都可以参加" in line.text
    assert await room.says("阿杰", "冲呀") == []
    assert entered(room) == [room.people["小满"]]


async def test_whoever_comes_into_the_segment_enters_then(opened: OpenDraw) -> None:
    room = await opened(SIGNED)
    assert keys(await room.says("阿杰", "冲呀")) == ["draw.outside"]
    await room.says("阿杰", "签到")
    assert keys(await room.says("阿杰", "冲呀")) == ["draw.entered"]


async def test_whoever_is_in_the_list_stays_in_it(opened: OpenDraw) -> None:
    room = await opened('segment = "积分<1"')
    assert keys(await room.says("阿杰", "冲呀")) == ["draw.entered"]
    await room.says("阿杰", "签到")
    assert keys(await room.says("阿杰", "冲呀")) == ["draw.already"]


async def test_a_draw_by_check_ins_asks_at_its_close(opened: OpenDraw) -> None:
    room = await opened('enter = "streak"\nstreak = 1\nsegment = "标签:无糖"', without="word")
    await room.everyone_says(["小满", "阿杰"], "签到")
    for _ in range(2):
        await room.says("小满", "想要无糖的")
    await room.wait(HOUR)
    assert entered(room) == [room.people["小满"]]
    assert "范围：截止时要符合「标签:无糖」，按参加的那个群算" in room.one("SELECT rules FROM draw")


async def test_a_picture_of_somebody_outside_does_not_wait_for_staff(opened: OpenDraw) -> None:
    room = await opened(f'enter = "photo"\n{SIGNED}', without="word")
    picture = replace(room.a_message("photo", "", member="阿杰", name="阿杰"), form="picture", media="pic")
    assert keys(await room.feed([picture])) == ["draw.outside"]
    assert room.one("SELECT count(*) FROM draw_photo") == 0


async def test_a_correction_and_the_next_day_keep_the_segment(opened: OpenDraw) -> None:
    room = await opened(f'mode = "daily"\ntime = "20:00"\nrounds = 2\n{SIGNED}', without="lasts")
    assert "draw.opened" in keys(await room.boss_says("更正 1 联系 群里找阿姨"))
    await room.wait(10 * HOUR)
    rules = [text for (text,) in room.rows("SELECT rules FROM draw ORDER BY id")]
    assert len(rules) == 3
    assert all("范围：参加那一刻要符合「近7天签到>=1」" in text for text in rules)


async def test_a_word_in_passing_enters_only_the_segment_and_nobody_is_told(opened: OpenDraw) -> None:
    room = await opened(f'enter = "say"\n{SIGNED}')
    await room.says("小满", "签到")
    assert await room.says("小满", "大家冲呀") == []
    assert await room.says("阿杰", "大家冲呀") == []
    assert entered(room) == [room.people["小满"]]


async def test_the_rules_have_the_expression_and_its_proof_recomputes(opened: OpenDraw, tmp_path: Path) -> None:
    room = await opened(SIGNED)
    await room.says("小满", "签到")
    await room.says("小满", "冲呀")
    await room.wait(2 * HOUR)
    assert "范围：参加那一刻要符合「近7天签到>=1」，按参加的那个群算" in await prove(room, 1, tmp_path)


async def test_a_saved_segment_that_is_changed_later_changes_no_rule(opened: OpenDraw, tmp_path: Path) -> None:
    room, (told,) = await with_saved(
        opened, tmp_path, "热心", 常来="近7天签到>=1", 热心="分群:常来 或 标签:无糖"
    )  # fmt: skip
    assert "范围：参加那一刻要符合「近7天签到>=1 或 标签:无糖」" in told
    await room.boss_says("保存分群 常来 = 近7天签到>=7")
    await room.boss_says("保存分群 热心 = 近7天签到>=7")
    await room.says("小满", "签到")
    assert keys(await room.says("小满", "冲呀")) == ["draw.entered"]


@pytest.mark.parametrize(
    ("segment", "reason"),
    [("没存过", "没有保存过「没存过」这个分群"), ("分群:没存过", "没有保存过"), ("等级:常客", "不能用等级")],
)
async def test_a_draw_whose_segment_cannot_be_published_does_not_open(
    opened: OpenDraw, tmp_path: Path, segment: str, reason: str
) -> None:
    room, (told,) = await with_saved(opened, tmp_path, segment)
    assert reason in told
    assert room.one("SELECT count(*) FROM draw") == 1


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ('segment = "标签无糖 且 阶段:新人"', "第 1 个字：没有「标签无糖」"),
        (f'mode = "instant"\nunclaimed = "forfeit"\n{SIGNED}', "即时抽没有名单，不能写 segment"),
    ],
)
def test_a_segment_that_a_draw_cannot_have_is_named(tmp_path: Path, more: str, reason: str) -> None:
    kept = PLAN.replace('unclaimed = "redraw"\n', "") if "unclaimed" in more else PLAN
    prize = PRIZE + 'odds = "5%"\n' if "instant" in more else PRIZE
    (tmp_path / "x.toml").write_text(f"{kept}{more}\n{prize}", encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_draws(tmp_path)
    assert reason in str(raised.value.problems)


async def test_a_draw_without_a_segment_has_the_rules_it_always_had(opened: OpenDraw) -> None:
    room = await opened()
    assert "范围" not in room.one("SELECT rules FROM draw")
    assert "segment" not in room.one("SELECT given FROM draw")
