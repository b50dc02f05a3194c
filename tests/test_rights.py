"""Which role each staff word needs, how a deployment changes that, and what a weaker role hears."""

from typing import Any

import pytest

from bot.app import switchboard_for
from bot.errors import ConfigError
from bot.settings.deployment import Role
from tests.conftest import BOSS, OpenRoom, Room, a_config, group_config, keys

LEAST: dict[str, list[str]] = {
    "read-only": [
        "审计",
        "日程",
        "活动",
        "预览",
        "周报",
        "中奖名单",
        "谁教的",
        "搜问答",
        "未答",
        "防刷预览",
        "群体检",
        "漏发",
        "额度",
        "预报",
        "挡下",
        "我的权限",
        "待兑现",
        "设置",
        "名单",
        "状态",
        "任务",
        "试欢迎",
    ],
    "service": [
        "已安抚",
        "交还",
        "买过",
        "分群",
        "分群列表",
        "晒单",
        "教",
        "改",
        "删",
        "撤销回答",
        "记住",
        "邀请核查",
        "KOC",
        "感谢",
        "订单",
        "对号",
        "核销",
        "审稿",
        "兑现",
        "发问卷",
        "标签",
        "标签依据",
        "打标签",
        "去标签",
        "备注",
        "已发",
        "不用发",
        "完成",
        "不做",
    ],
    "guide": ["拼团", "改判"],
    "operator": [
        "批准",
        "不批",
        "撤销设置",
        "暂停",
        "继续",
        "跳过",
        "立即发",
        "保存分群",
        "删分群",
        "开奖池",
        "开奖",
        "立即开奖",
        "延期",
        "公开数",
        "补抽",
        "作废",
        "更正",
        "放行",
        "驳回",
        "补发",
        "不发",
        "新活动",
        "删活动",
        "发分",
        "有奖问答",
        "退回",
        "周秀",
        "撤销",
        "重载",
    ],
    "owner": [],
}
"""The least role of every staff word, as shipped."""
STAFF: dict[str, Any] = {
    "staff": [
        {"id": BOSS, "name": "店长", "role": "owner"},
        {"id": "op", "name": "运营小王", "role": "operator"},
        {"id": "guide", "name": "导购小李", "role": "guide"},
        {"id": "service", "name": "客服小张", "role": "service"},
        {"id": "looker", "name": "看看", "role": "read-only"},
        {"id": "elsewhere", "name": "别处的", "role": "owner", "channels": ["pipe"]},
    ]
}
IDS = {"owner": BOSS, "operator": "op", "guide": "guide", "service": "service", "read-only": "looker"}
WEAKER = [
    (word, Role.ORDER[Role.ORDER.index(role) - 1]) for role, words in LEAST.items() if role != "read-only"
    for word in words
]  # fmt: skip


def rights(**wanted: str) -> dict[str, Any]:
    return {**STAFF, **group_config(scripts=[], type="welfare"), "staff_rights": wanted}


async def a_room(open_room: OpenRoom, wanted: dict[str, str] | None = None) -> Room:
    room = await open_room(rights(**(wanted or {})))
    room.people.update({"运营小王": "op", "导购小李": "guide", "客服小张": "service", "看看": "looker"})
    return room


def test_the_least_role_of_every_staff_word_is_on_record() -> None:
    commands = switchboard_for(a_config()).commands
    settings = a_config().group(None)
    found = {route.words_in(settings)[0]: route.role for route in commands if route.role}
    assert found == {word: role for role, words in LEAST.items() for word in words}
    assert {route.words[0]: route.acts for route in commands if route.acts} == {"设置": "operator"}


@pytest.mark.parametrize(("word", "role"), WEAKER)
async def test_a_role_that_is_too_weak_hears_once_who_may(open_room: OpenRoom, word: str, role: str) -> None:
    room = await a_room(open_room)
    name = {one["id"]: one["name"] for one in STAFF["staff"]}[IDS[role]]
    (line,) = await room.says(name, f"@小元子 {word} 1")
    assert line.phrase == "staff.read_only"
    assert word.casefold() in line.text.casefold()
    assert "店长" in line.text
    assert "别处的" not in line.text
    assert room.rows("SELECT * FROM audit") == []


async def test_who_may_is_named_by_role_and_only_so_many(open_room: OpenRoom) -> None:
    more = [{"id": f"o{number}", "name": f"运营{number}号", "role": "operator"} for number in range(5)]
    room = await open_room({"staff": [*STAFF["staff"], *more]})
    room.people["看看"] = "looker"
    (line,) = await room.says("看看", "重载")
    assert "店长、运营小王、运营0号等 7 位" in line.text
    assert "运营" in line.text


async def test_a_right_nobody_has_is_said_so(open_room: OpenRoom) -> None:
    room = await open_room({"staff": [{"id": "looker", "name": "看看", "role": "read-only"}]})
    room.people["看看"] = "looker"
    (line,) = await room.says("看看", "重载")
    assert "还没有人有这个权限" in line.text


# -- another right for this deployment -------------------------------------------------------------------------------


async def test_a_deployment_may_give_a_word_to_a_weaker_role(open_room: OpenRoom) -> None:
    room = await a_room(open_room, {"重载": "service", "发分": "guide"})
    assert keys(await room.says("客服小张", "重载")) == ["reload.done"]
    assert keys(await room.says("看看", "重载")) == ["staff.read_only"]
    await room.says("小满", "签到")
    assert keys(await room.says("导购小李", "发分 @小满 5 谢谢")) == ["points.granted"]


async def test_a_deployment_may_keep_a_word_for_a_stronger_role(open_room: OpenRoom) -> None:
    room = await a_room(open_room, {"重载": "owner", "名单": "operator"})
    (line,) = await room.says("运营小王", "重载")
    assert line.phrase == "staff.read_only"
    assert "店主" in line.text
    assert keys(await room.says("看看", "名单")) == ["staff.read_only"]
    assert keys(await room.boss_says("重载")) == ["reload.done"]


async def test_looking_and_changing_are_two_rights(open_room: OpenRoom) -> None:
    room = await a_room(open_room, {"设置 改": "guide"})
    assert keys(await room.says("看看", "设置 muted")) == ["settings.show"]
    assert keys(await room.says("客服小张", "设置 muted 开")) == ["staff.read_only"]
    assert keys(await room.says("导购小李", "设置 muted 开")) == ["settings.changed"]


async def test_whoever_may_not_look_may_not_change(open_room: OpenRoom) -> None:
    room = await a_room(open_room, {"设置": "owner"})
    assert keys(await room.says("运营小王", "设置 muted")) == ["staff.read_only"]
    assert keys(await room.says("运营小王", "设置 muted 开")) == ["staff.read_only"]
    assert keys(await room.boss_says("设置 muted 开")) == ["settings.changed"]


async def test_a_dialogue_follows_the_right_of_its_word(open_room: OpenRoom) -> None:
    room = await a_room(open_room, {"开奖池": "guide"})
    assert keys(await room.says("导购小李", "开奖池", private=True)) == ["draw.ask"]
    assert keys(await room.says("导购小李", "取消", private=True)) == ["draw.cancelled"]


@pytest.mark.parametrize(
    ("wanted", "key", "hint"),
    [
        ({"重栽": "owner"}, "重栽", "是不是想写 重载？"),
        ({"签到": "owner"}, "签到", "这里只写员工的口令"),
        ({"重载 改": "owner"}, "重载 改", ""),
        ({"设置": "operator", "设置 改": "guide"}, "设置 改", "改的人也要看得到"),
        ({"完全没有这样的": "owner"}, "完全没有这样的", "docs/commands.md"),
    ],
)
def test_a_wrong_right_stops_the_start_and_is_explained(wanted: dict[str, str], key: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        switchboard_for(a_config(rights(**wanted)))
    (problem,) = caught.value.problems
    assert problem.key == f"staff_rights.{key}"
    assert hint in str(problem)


def test_a_role_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match="staff_rights"):
        a_config(rights(重载="boss"))


def test_two_words_of_one_command_cannot_have_two_roles() -> None:
    with pytest.raises(ConfigError) as caught:
        switchboard_for(a_config(rights(买过="operator", 已购="guide")))
    (problem,) = caught.value.problems
    assert problem.key == "staff_rights.已购"
    assert "和「买过」是同一个口令" in problem.reason
    granted = switchboard_for(a_config(rights(已购="operator"))).commands
    assert [route.role for route in granted if "买过" in route.words] == ["operator"]


# -- my rights -----------------------------------------------------------------------------------------------------


async def test_my_rights_lists_what_i_may_and_what_i_would_need(open_room: OpenRoom) -> None:
    room = await a_room(open_room, {"补发": "guide"})
    (line,) = await room.says("导购小李", "我的权限")
    assert "「导购」" in line.text
    can, look, *more = [row for row in line.text.splitlines() if row.startswith("·")]
    assert "补发" in can
    assert "名单" in can
    assert look == "· 能看不能改：设置"
    assert any(row.startswith("· 要运营以上：") and "重载" in row for row in more)
    (line,) = await room.boss_says("我的权限")
    assert "以上：" not in line.text
    assert keys(await room.says("小满", "我的权限")) == ["staff.refused"]
