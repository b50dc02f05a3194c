"""约定社交距离: the choice binds every unasked line to that member, whoever wrote the line."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.channels import Line
from tests.conftest import Room, group_config, keys
from tests.test_exposure import a_room, plan

START = datetime.fromisoformat("2026-12-07T00:30:00+08:00")
HOUR = timedelta(hours=1)


@pytest.fixture
async def room(tmp_path: Path) -> Room:
    return await a_room(tmp_path / "x.db", **group_config(scripts=[]))


async def sent_to(room: Room, number: int, **payload: Any) -> list[Line]:
    """What leaves of a post planned for the next noon."""
    noon = room.now.replace(hour=12, minute=0) + timedelta(days=room.now.hour >= 12)
    await plan(room, number, noon, **payload)
    return await room.wait(noon - room.now + HOUR)


async def test_one_word_keeps_every_unasked_private_line_away_and_another_brings_it_back(room: Room) -> None:
    await room.says("小满", "别打扰", private=True)
    member = room.id_of("小满")
    assert await sent_to(room, 1, to_member=member, content="useful") == []
    assert await sent_to(room, 2, to_member=member, sort="reminder") == []
    await room.says("小满", "恢复", private=True)
    assert keys(await sent_to(room, 3, to_member=member, content="useful")) == ["welcome.offer"]
    assert [row[0] for row in room.rows("SELECT verdict FROM exposure ORDER BY judged_at")] == ["never", "never", "now"]
    await room.close()


async def test_benefits_only_lets_offers_pass_and_nothing_else(room: Room) -> None:
    await room.says("小满", "只要福利", private=True)
    member = room.id_of("小满")
    assert await sent_to(room, 1, to_member=member, content="fun") == []
    assert keys(await sent_to(room, 2, to_member=member, content="product")) == ["welcome.offer"]
    await room.close()


async def test_a_pause_ends_by_itself_after_a_month(room: Room) -> None:
    await room.says("小满", "停一个月", private=True)
    member = room.id_of("小满")
    assert await sent_to(room, 1, to_member=member, sort="reminder") == []
    await room.wait(timedelta(days=30))
    assert keys(await sent_to(room, 2, to_member=member, sort="reminder")) == ["welcome.offer"]
    await room.close()


async def test_a_post_in_the_group_names_whoever_wants_distance_but_does_not_call_them(room: Room) -> None:
    near, far = room.id_of("阿杰"), room.id_of("小满")
    await room.says("小满", "别打扰")
    await room.says("阿杰", "签到")
    (line,) = await sent_to(room, 1, to_group="yuanqi", mention=[near, far])
    assert line.mentions == (near,)
    await room.close()


async def test_an_answer_comes_whatever_was_agreed(room: Room) -> None:
    await room.says("小满", "别打扰", private=True)
    assert keys(await room.says("小满", "积分", private=True)) != []
    assert keys(await room.says("小满", "签到")) == ["checkin.done"]
    await room.close()


async def test_the_history_of_choices_stays(room: Room) -> None:
    for word in ("常联系", "少发点", "别打扰", "恢复", "不要个性化"):
        await room.says("小满", word, private=True)
    assert [row[0] for row in room.rows("SELECT said FROM distance ORDER BY id")] == [
        "常联系", "少发点", "别打扰", "恢复", "不要个性化",
    ]  # fmt: skip
    assert room.rows("SELECT choice, less, plain FROM distance ORDER BY id DESC LIMIT 1") == [("often", 0, 1)]
    await room.again()
    assert room.one("SELECT count(*) FROM distance") == 5
    await room.close()


async def test_stages_follow_from_silence_and_cold_members_get_no_promotion(room: Room) -> None:
    member = room.id_of("小满")
    await room.says("小满", "早呀")
    assert keys(await sent_to(room, 1, to_member=member)) == ["welcome.offer"]
    await room.wait(timedelta(days=31))
    assert await sent_to(room, 2, to_member=member) == []
    assert room.one("SELECT rule FROM exposure ORDER BY judged_at DESC LIMIT 1") == "contact.warm_days"
    await room.wait(timedelta(days=100))
    assert await sent_to(room, 3, to_member=member, content="useful") != []
    await room.close()
