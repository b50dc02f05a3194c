"""What staff can do by chat, what others cannot, and that everything they did is written down."""

import re
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import App
from bot.channels import Line
from bot.config import shipped
from bot.errors import ConfigError
from bot.stage import Speaker
from bot.world import VirtualWorld
from storage.fsck import check
from storage.ledger import CARD
from tests.conftest import BOSS, OpenRoom, Room, a_config, at, group_config, keys

MINUTE = timedelta(minutes=1)
STAFF = {
    "staff": [
        {"id": BOSS, "name": "店长", "role": "owner"},
        {"id": "looker", "role": "read-only"},
        {"id": "server", "role": "service"},
        {"id": "elsewhere", "role": "owner", "channels": ["pipe"]},
    ]
}


def audit(room: Room) -> list[tuple[str, str]]:
    return [(action, what) for action, what in room.rows("SELECT action, what FROM audit ORDER BY id")]


@pytest.fixture
async def room(open_room: OpenRoom) -> Room:
    return await open_room({**STAFF, **group_config(scripts=[], name="元气福利群")})


# -- rights --------------------------------------------------------------------------------------------------------


async def test_a_member_who_tries_staff_words_gets_one_kind_refusal(room: Room) -> None:
    assert keys(await room.says("小明", "设置 muted 开")) == ["staff.refused"]
    for text in ("设置", "撤销 1", "重载", "名单", "@小元子 状态"):
        assert await room.says("小明", text) == []
    assert keys(await room.says("小红", "重载")) == ["staff.refused"]
    await room.wait(10 * MINUTE)
    assert keys(await room.says("小明", "重载")) == ["staff.refused"]
    assert audit(room) == []
    assert not room.app.config.group("yuanqi").muted


async def test_a_name_gives_no_rights(room: Room) -> None:
    for name in ("店长", BOSS + " ", "小元子"):
        said = await room.feed([room.a_message(f"m{name}", "设置 muted 开", member=f"id of {name}", name=name)])
        assert keys(said) == ["staff.refused"]


@pytest.mark.parametrize("text", ["设置 muted 开", "撤销 1", "重载", "兑现 1"])
async def test_whoever_may_only_look_changes_nothing(room: Room, text: str) -> None:
    assert keys(await room.says("looker", text)) == ["staff.read_only"]
    assert audit(room) == []


@pytest.mark.parametrize("text", ["设置", "设置 muted", "名单", "名单 员工", "状态", "日程", "试欢迎", "名单 奖品"])
async def test_whoever_may_only_look_may_look(room: Room, text: str) -> None:
    (line,) = await room.says("looker", text)
    assert line.phrase != "staff.read_only"


async def test_each_role_may_what_it_needs_and_no_more(room: Room) -> None:
    assert keys(await room.says("server", "兑现 1")) == ["roster.empty"]
    assert keys(await room.says("server", "撤销 1")) == ["staff.read_only"]


async def test_staff_of_another_channel_are_members_here(room: Room) -> None:
    assert keys(await room.says("elsewhere", "重载")) == ["staff.refused"]


# -- settings ------------------------------------------------------------------------------------------------------


async def test_a_setting_is_changed_shown_and_survives_a_restart(room: Room) -> None:
    (line,) = await room.boss_says("设置 welcome.gap 2h")
    assert line.phrase == "settings.changed"
    assert "1h" in line.text
    assert "2h" in line.text
    await room.restart()
    assert room.app.config.group("yuanqi").welcome.gap == timedelta(hours=2)
    (shown,) = await room.boss_says("设置 welcome.gap")
    assert "2h" in shown.text
    (everything,) = await room.boss_says("设置")
    assert "welcome.gap = 2h" in everything.text
    assert "checkin.words = 签到、打卡" in everything.text
    assert audit(room) == [("设置", "welcome.gap: 1h -> 2h")]


async def test_a_setting_can_be_changed_back(room: Room) -> None:
    await room.boss_says("设置 checkin.points 50")
    await room.boss_says("设置 checkin.points 5")
    await room.says("小明", "签到")
    assert room.app.store.ledger.balance("member:小明") == 5
    assert [what for _, what in audit(room)] == ["checkin.points: 5 -> 50", "checkin.points: 50 -> 5"]


async def test_default_takes_a_change_back_for_good(open_room: OpenRoom) -> None:
    room = await open_room({**STAFF, **group_config(scripts=[], checkin={"points": 7})})
    await room.boss_says("设置 checkin.points 50")
    (line,) = await room.boss_says("设置 checkin.points 默认")
    assert line.phrase == "settings.unset"
    assert "50" in line.text
    assert "7" in line.text
    assert room.app.config.group("yuanqi").checkin.points == 7
    assert room.rows("SELECT * FROM group_setting") == []
    await room.restart()
    assert room.app.config.group("yuanqi").checkin.points == 7
    assert audit(room)[-1] == ("设置", "checkin.points: 50 -> 7（改回默认）")
    assert keys(await room.boss_says("设置 checkin.points 默认")) == ["settings.untouched"]
    assert keys(await room.boss_says("设置 checkin.pointz 默认")) == ["settings.bad"]
    assert keys(await room.says("looker", "设置 checkin.points 默认")) == ["staff.read_only"]
    assert len(audit(room)) == 2


async def test_default_takes_back_one_change_and_leaves_the_others(room: Room) -> None:
    await room.boss_says("设置 checkin.words 元气")
    await room.boss_says("设置 faq.on 关")
    assert keys(await room.boss_says("设置 checkin.words 恢复默认")) == ["settings.unset"]
    assert keys(await room.says("小明", "签到")) == ["checkin.done"]
    assert not room.app.config.group("yuanqi").faq.on


async def test_a_setting_holds_for_its_group_only(room: Room) -> None:
    await room.boss_says("设置 checkin.words 早安、Good")
    assert keys(await room.says("小明", "早安")) == ["checkin.done"]
    assert keys(await room.says("小红", "good")) == ["checkin.done"]
    assert keys(await room.says("小红", "签到")) == []
    room.group = "another"
    assert keys(await room.says("小明", "签到")) == ["checkin.done"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("muted 开", "开"), ("muted on", "开"), ("quiet 空", "（空）"), ("quiet 21:00-08:00", "21:00-08:00"),
        ("scripts welfare", "welfare"), ("faq.coverage 0.5", "0.5"), ("welcome.max_names 3", "3"),
        ("welcome.benefit 送 ABC，先到先得！", "送 ABC，先到先得！"), ("welcome.benefit 空", "（空）"), ("zone Asia/Tokyo", "Asia/Tokyo"),
        ("checkin.grace 90分钟", "90min"), ("name 新名字", "新名字"),
    ],
)  # fmt: skip
async def test_a_value_is_written_as_people_write_it(room: Room, text: str, shown: str) -> None:
    assert keys(await room.boss_says(f"设置 {text}")) == ["settings.changed"]
    (line,) = await room.boss_says(f"设置 {text.split(maxsplit=1)[0]}")
    assert shown in line.text


async def test_spaces_of_a_chinese_keyboard_part_words_too(room: Room) -> None:
    assert keys(await room.boss_says("设置　welcome.gap　2h")) == ["settings.changed"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("welcome.gapp 2h", "是不是 welcome.gap？"), ("zzzzzz 1", "没有这一项"), ("welcome.gap bald", "不是时长"),
        ("welcome.gap 99999999999d", "太长"), ("muted vielleicht", "true 或 false"), ("welcome.max_names 0", "不能小于 1"),
        ("welcome.max_names 2.5", "整数"), ("faq.coverage nan", ""), ("zone Mars/Base", "不是时区"), ("quiet 25:00-07:00", "不是钟点"),
        ("checkin.words 帮助", "已经被"), ("checkin.words 早安 打卡", "空格"), ("checkin.words ！！", "当不了口令"),
        ("scripts welfear", "是不是想写 welfare？"), ("welcome.phrase welcome.grup", "是不是想写 welcome.group？"),
    ],
)  # fmt: skip
async def test_a_bad_value_is_explained_and_changes_nothing(room: Room, text: str, reason: str) -> None:
    before = room.app.config.group("yuanqi")
    (line,) = await room.boss_says(f"设置 {text}")
    assert line.phrase == "settings.bad"
    assert reason in line.text
    assert room.app.config.group("yuanqi") == before
    assert room.rows("SELECT * FROM group_setting") == []
    assert audit(room) == []


async def test_a_group_setting_needs_a_group(room: Room) -> None:
    (line,) = await room.boss_says("设置 muted 开", private=True)
    assert line.phrase == "settings.bad"
    assert room.rows("SELECT * FROM group_setting") == []


async def test_a_change_by_chat_that_no_longer_fits_the_file_stops_the_start(room: Room) -> None:
    await room.boss_says("设置 checkin.points 50")
    room.app.store.db.execute("UPDATE group_setting SET key = 'checkin.pionts'")
    with pytest.raises(ConfigError, match=r"群 yuanqi.*checkin\.pionts"):
        App(a_config(), VirtualWorld(room.world.now()), {"terminal": Speaker(lambda line: None)}, db=room.db)


# -- lists and prizes ----------------------------------------------------------------------------------------------


async def test_the_roster_names_who_checked_in_with_the_number_to_undo(room: Room) -> None:
    assert keys(await room.boss_says("名单")) == ["roster.empty"]
    await room.says("小明", "签到")
    await room.says("小红", "签到")
    (line,) = await room.boss_says("名单")
    assert line.phrase == "roster.checkins"
    assert "小明 连签 1 天（流水 1）" in line.text
    assert "小红 连签 1 天（流水 2）" in line.text
    room.group = "another"
    assert keys(await room.boss_says("名单")) == ["roster.empty"]


async def test_newcomers_and_staff_are_listed(room: Room) -> None:
    assert keys(await room.boss_says("名单 新人")) == ["roster.empty"]
    await room.joins(["阿杰"])
    (line,) = await room.boss_says("名单 新人")
    assert "阿杰" in line.text
    (staff,) = await room.boss_says("名单 员工")
    assert f"店长（{BOSS}）owner" in staff.text


async def win_a_prize(room: Room, name: str = "小明") -> None:
    for day in ("11-30", "12-01", "12-02"):
        await room.says(name, "签到", at=at(f"{day} 09:00"))


async def test_a_prize_is_listed_until_it_is_handed_over(room: Room) -> None:
    await win_a_prize(room)
    (line,) = await room.boss_says("名单 奖品")
    assert "1 号 小明：试吃装一份" in line.text
    assert keys(await room.says("server", "兑现 1")) == ["undo.done"]
    assert keys(await room.boss_says("名单 奖品")) == ["roster.empty"]
    assert keys(await room.boss_says("兑现 1")) == ["roster.empty"]
    assert audit(room) == [("兑现", "奖品 1")]


# -- undoing -------------------------------------------------------------------------------------------------------


async def test_undo_takes_back_a_check_in_with_streak_and_prize_and_tells_the_member(room: Room) -> None:
    await win_a_prize(room)
    number = room.one("SELECT m.id FROM movement m JOIN check_in c USING (event_id) WHERE c.day = '2026-12-01'")
    done, told = await room.boss_says(f"撤销 #{number}")
    assert (done.phrase, told.phrase, told.mentions) == ("undo.done", "undo.told", ("小明",))
    assert "12月1日的签到" in done.text
    assert "连签 3 天" in done.text
    assert room.rows("SELECT day, streak FROM check_in ORDER BY day") == [("2026-11-30", 1), ("2026-12-02", 1)]
    assert room.app.store.ledger.balance("member:小明") == 10
    assert room.one("SELECT state FROM prize") == "taken_back"
    assert [action for action, _ in audit(room)] == ["撤销"]
    assert keys(await room.boss_says(f"撤销 {number}")) == ["undo.twice"]
    assert keys(await room.says("小明", "签到", at=at("12-01 10:00"))) == ["checkin.repaired"]
    assert room.one("SELECT count(*) FROM prize WHERE state = 'owed'") == 1


async def test_undo_of_a_milestone_takes_back_all_of_it_and_nothing_else(room: Room) -> None:
    for number in range(24, 31):
        await room.says("小明", "签到", at=at(f"11-{number} 09:00"))
    number = room.one("SELECT id FROM movement WHERE key LIKE 'milestone/%/points'")
    assert keys(await room.boss_says(f"撤销 {number}")) == ["undo.done", "undo.told"]
    assert room.app.store.ledger.balance("member:小明") == 35
    assert room.app.store.ledger.balance("member:小明", CARD) == 0
    assert room.one("SELECT max(streak) FROM check_in") == 7
    assert room.one("SELECT state FROM prize") == "owed"  # that of the third day
    card = room.one("SELECT id FROM movement WHERE key LIKE 'milestone/%/make_up_card'")
    assert keys(await room.boss_says(f"撤销 {card}")) == ["undo.twice"]
    assert room.rows("PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("handed", [False, True])
async def test_the_prize_of_a_milestone_goes_back_with_it_unless_it_was_handed_over(
    open_room: OpenRoom, handed: bool
) -> None:
    milestones = [{"days": 2, "points": 20, "cards": 2, "prize": "白桃杯"}]
    room = await open_room({**STAFF, **group_config(scripts=[], checkin={"milestones": milestones})})
    await room.says("小明", "签到")
    await room.wait(timedelta(days=1))
    await room.says("小明", "签到")
    if handed:
        await room.boss_says("兑现 1")
    card = room.one("SELECT id FROM movement WHERE key LIKE 'milestone/%/make_up_card'")
    done, told = await room.boss_says(f"撤销 {card}")
    assert "20 积分、2 张补签卡" in told.text
    assert ("白桃杯已经发出，收不回" in done.text) is handed
    assert "白桃杯" in done.text
    assert room.app.store.ledger.balance("member:小明") == 10
    assert room.app.store.ledger.balance("member:小明", CARD) == 0
    assert room.one("SELECT state FROM prize") == ("handed" if handed else "taken_back")
    assert check(room.db).is_clean


@pytest.mark.parametrize(
    ("text", "key"),
    [("撤销", "undo.usage"), ("撤销 abc", "undo.usage"), ("撤销 999", "undo.unknown"), ("撤销 " + "9" * 40, "undo.usage"),
     ("撤销 -1", "undo.usage"), ("撤销 1 2", "undo.usage")],
)  # fmt: skip
async def test_an_undo_that_names_nothing_changes_nothing(room: Room, text: str, key: str) -> None:
    await room.says("小明", "签到")
    assert keys(await room.boss_says(text)) == [key]
    assert room.app.store.ledger.balance("member:小明") == 5
    assert audit(room) == []


async def test_a_counter_entry_cannot_be_undone_itself(room: Room) -> None:
    await room.says("小明", "签到")
    await room.boss_says("撤销 1")
    assert keys(await room.boss_says("撤销 2")) == ["undo.unknown"]


async def test_an_undo_from_private_tells_the_member_in_the_group_of_the_movement(room: Room) -> None:
    await room.says("小明", "签到")
    done, told = await room.boss_says("撤销 1", private=True)
    assert (done.group, told.group) == (None, "yuanqi")


# -- the house -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def own(open_room: OpenRoom, tmp_path: Path) -> AsyncIterator[tuple[Room, Path]]:
    """A room on a persona that the test may edit."""
    folder = tmp_path / "persona"
    shutil.copytree(shipped("persona"), folder)
    bot = {"persona_dir": str(folder)}
    yield await open_room({"bot": bot, **STAFF, **group_config(scripts=[])}), folder / "xiaoyuanzi"


def rewrite(path: Path, pattern: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    changed = re.sub(pattern, new, text, count=1, flags=re.DOTALL)
    assert changed != text
    path.write_text(changed, encoding="utf-8")


async def test_new_words_are_said_after_a_reload_and_not_before(own: tuple[Room, Path]) -> None:
    room, folder = own
    rewrite(folder / "phrases.toml", r"\nagain = \[.*?\n\]", '\nagain = ["新一 {name}", "新二 {name}", "新三 {name}"]')
    await room.says("小明", "签到")
    (before,) = await room.says("小明", "签到")
    assert not before.text.startswith("新")
    assert keys(await room.boss_says("重载")) == ["reload.done"]
    (after,) = await room.says("小明", "签到")
    assert after.text.startswith("新")
    assert [action for action, _ in audit(room)] == ["重载"]


async def test_after_a_reload_the_bot_goes_by_its_new_name(own: tuple[Room, Path]) -> None:
    room, folder = own
    rewrite(folder / "persona.toml", r"names = \[", 'names = ["泡泡", ')
    assert await room.says("小明", "泡泡，在吗") == []
    await room.boss_says("重载")
    assert len(await room.says("小明", "泡泡，在吗")) > 0


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("phrases.toml", "[[[", "TOML"),
        ("phrases.toml", '\n[chekin]\ndone = ["a", "b", "c"]\n', "chekin.done"),
        ("faq.toml", '\n[[entry]]\nid = "x"\n', "keywords"),
        ("persona.toml", "\nnmae = 1\n", "nmae"),
    ],
)
async def test_a_broken_file_keeps_the_old_content_and_says_what_is_wrong(
    own: tuple[Room, Path], name: str, text: str, told: str
) -> None:
    room, folder = own
    old = room.app.desk.content
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write(text)
    (line,) = await room.boss_says("重载")
    assert line.phrase == "reload.broken"
    assert told in line.text
    assert name in line.text
    assert room.app.desk.content is old
    assert keys(await room.says("小明", "签到")) == ["checkin.done"]
    assert len(audit(room)) == 1


async def test_the_state_of_the_house_is_a_few_facts(stage: Room) -> None:
    (line,) = await stage.boss_says("状态")
    for fact in ("人设 小元子", "通道 terminal", "没有积压", "下一条定时 12-02 12:00"):
        assert fact in line.text


async def test_staff_words_work_in_private_too(room: Room) -> None:
    said: list[Line] = []
    for text in ("状态", "名单 员工", "名单 奖品", "日程", "设置", "帮助"):
        said += await room.boss_says(text, private=True)
    assert [(line.group, line.member) for line in said] == [(None, BOSS)] * 6


async def test_every_change_leaves_a_row_with_who_where_and_the_event(room: Room) -> None:
    await room.says("小明", "签到")
    await win_a_prize(room, "小红")
    for text in ("设置 muted 开", "兑现 1", "撤销 1", "重载"):
        await room.boss_says(text)
    found = room.rows(
        "SELECT a.staff_id, a.group_id, a.action, i.text FROM audit a JOIN interaction i ON i.id = event_id"
    )
    assert found == [
        (BOSS, "yuanqi", "设置", "设置 muted 开"), (BOSS, "yuanqi", "兑现", "兑现 1"),
        (BOSS, "yuanqi", "撤销", "撤销 1"), (BOSS, "yuanqi", "重载", "重载"),
    ]  # fmt: skip


async def test_a_check_in_of_a_one_to_one_talk_is_undone_and_told_in_that_talk(open_room: OpenRoom) -> None:
    room = await open_room({"groups": {"default": {"checkin": {"private": True}}}})
    await room.says("小禾", "签到", private=True)
    done, told = await room.boss_says("撤销 1", private=True)
    assert (done.group, done.member, told.group, told.member) == (None, "dianzhang", None, "小禾")
    assert room.one("SELECT count(*) FROM check_in") == 0
