"""Needs that members mention: a task for a person, at most one a day, and not a word to the member unless configured."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.needs import NeedFile, Needs, load_needs
from bot.words import fold
from storage.fsck import check
from tests.conftest import OpenRoom, Room, group_config, keys

ROOT = Path(__file__).resolve().parent.parent
NEEDS = Needs(
    NeedFile.model_validate(
        {"need": [{"id": "bulk", "words": ["大包装", "整箱"], "unless": ["整箱都坏"], "what": "报价"},
                  {"id": "cold", "words": ["感冒"], "what": "问候"}]}
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("想要大包装", "bulk"), ("有大包装吗", "bulk"), ("不要大包装", None), ("要不要大包装", "bulk"), ("没有感冒", None),
        ("是不是感冒了", "cold"), ("不是感冒", None), ("整箱都坏了", None), ("感冒了，还想要整箱", "cold"), ("早", None),
        ("啊" * 300 + "感冒", None), ("ＫＮ９５ 整箱", "bulk"),
    ],
)  # fmt: skip
def test_a_need_is_heard_unless_somebody_says_no_to_it(text: str, need: str | None) -> None:
    found = NEEDS.find(fold(text))
    assert (found[0].id if found else None) == need


GOOD = '[[need]]\nid = "a"\nwords = ["大包装"]\nwhat = "报价"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD + GOOD.replace("大包装", "整箱"), "编号重复"), (GOOD + GOOD.replace('"a"', '"b"'), "已经在 a 里"),
        (GOOD + 'examples = ["想要小包装"]\n', "没有听出来"), (GOOD + 'others = ["大包装真好看"]\n', "听成了 a"),
        (GOOD.replace("what", "wat"), "wat"), (GOOD + 'within = "很快"\n', "不是时长"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "needs.toml"
    path.write_text(text, encoding="utf-8")
    _, problems = load_needs(path)
    assert says in "\n".join(map(str, problems))


@pytest.mark.parametrize("persona", ["xiaoyuanzi", "heyan"])
def test_the_shipped_needs_hear_their_examples(persona: str) -> None:
    needs, problems = load_needs(ROOT / "persona" / persona / "needs.toml")
    assert problems == []
    assert len(needs.all) >= 2


async def a_room(open_room: OpenRoom, **contact: object) -> Room:
    return await open_room(group_config(scripts=[], welcome={"on": False}, contact=contact))


async def test_staff_hear_and_the_member_does_not(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    lines = await room.says("小满", "宝宝感冒了")
    assert [(line.phrase, line.member) for line in lines] == [("task.new", "dianzhang")]
    assert await room.says("小满", "公司年会用什么好") == []
    await room.wait(timedelta(days=1, hours=1))
    assert keys(await room.says("小满", "公司年会用什么好")) == ["task.new"]
    await room.close()
    assert check(room.db).is_clean


async def test_nothing_is_heard_where_it_is_switched_off_or_staff_speak(open_room: OpenRoom) -> None:
    room = await a_room(open_room, needs=False)
    assert await room.says("小满", "宝宝感冒了") == []
    room = await a_room(open_room)
    assert await room.boss_says("我感冒了") == []


async def test_a_restart_right_after_it_was_heard_tells_staff_once(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    found = keys(await room.says("小满", "宝宝感冒了"))
    found += keys(await room.power_cut(timedelta(minutes=1)))
    assert found.count("task.new") == 1


async def test_whoever_is_forgotten_leaves_no_quote_in_the_task(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    await room.says("小满", "宝宝感冒了", private=True)
    for word in ("删除我", "删除我 确认"):
        await room.says("小满", word, private=True)
    assert room.one("SELECT count(*) FROM task WHERE what LIKE '%感冒%'") == 0
