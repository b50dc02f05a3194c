"""Greetings, follow-ups and onboarding for one member: counted from what they did, once, and over when they talk."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.context import Context
from bot.events import MessageReceived
from bot.replies import Wishes
from bot.router import Router
from bot.sequences import begin_sequence
from storage.fsck import check
from tests.conftest import BOSS, OpenRoom, Room, a_config, keys

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def private(*scripts: str, **more: Any) -> dict[str, Any]:
    """Settings in which these scripts are played in 1:1 and the group gets no posts of its own."""
    own = {"calendar": {"private": list(scripts)}, "contact": {"ask": False}}
    return {"groups": {"default": own, "yuanqi": {"scripts": [], **own}}, **more}


def of(room: Room, member: str, start: int = 0) -> list[str]:
    """What a member heard in 1:1."""
    return [line.phrase for line in room.said[start:] if line.member == member and line.group is None]


@pytest.fixture
async def newcomer(open_room: OpenRoom) -> Room:
    """阿杰 became a contact this minute, where onboarding is on."""
    room = await open_room(private("onboarding"))
    assert keys(await room.adds_contact("阿杰")) == ["welcome.contact"]
    return room


async def test_onboarding_goes_on_when_they_did_it_and_ends_with_a_reward(newcomer: Room) -> None:
    room = newcomer
    me = room.people["阿杰"]
    assert keys(await room.wait(HOUR - timedelta(seconds=1))) == []
    assert keys(await room.wait(timedelta(seconds=2))) == ["post.onboarding_hello"]
    assert keys(await room.wait(3 * HOUR)) == []
    said = await room.says("阿杰", "我爱喝清爽的", private=True)
    assert keys(said)[-1] == "post.onboarding_check_in"
    again = await room.says("阿杰", "我爱喝茶", private=True)
    assert [one for one in keys(again) if one.startswith("post.")] == []
    said = await room.says("阿杰", "签到")
    assert keys(said) == ["checkin.done", "post.onboarding_points"]
    assert said[1].member == me
    said = await room.says("阿杰", "积分", private=True)
    assert keys(said)[-1] == "post.onboarding_reward"
    assert "20 积分" in said[-1].text
    assert room.one("SELECT balance FROM entry WHERE account = ? ORDER BY id DESC LIMIT 1", f"member:{me}") == 25
    assert keys(await room.says("阿杰", "新手任务", private=True)) == ["sequence.none"]
    await room.close()
    assert check(room.db).violations == []


async def test_onboarding_waits_where_it_stopped_over_restarts_and_days(newcomer: Room) -> None:
    room = newcomer
    await room.wait(HOUR)
    await room.says("阿杰", "你好", private=True)
    await room.power_cut(10 * DAY)
    await room.restart()
    assert keys(await room.says("阿杰", "新手任务", private=True)) == ["post.onboarding_check_in"]
    assert keys(await room.says("阿杰", "签到")) == ["checkin.done", "post.onboarding_points"]


async def test_a_deed_before_its_step_does_not_count_for_it(newcomer: Room) -> None:
    room = newcomer
    assert keys(await room.says("阿杰", "签到")) == ["checkin.done"]
    assert keys(await room.wait(HOUR)) == ["post.onboarding_hello"]


async def test_the_greeting_within_48_hours_comes_once(newcomer: Room) -> None:
    room = newcomer
    await room.wait(HOUR)
    said = await room.until("明天 19:29")
    assert of(room, room.people["阿杰"]) == ["welcome.contact", "post.onboarding_hello"], said
    assert keys(await room.until("19:30")) == ["post.greeting"]
    await room.adds_contact("阿杰")
    await room.wait(5 * DAY)
    assert of(room, room.people["阿杰"]).count("post.greeting") == 1


@pytest.mark.parametrize("where", [True, False])
async def test_the_greeting_is_cancelled_when_they_talk(newcomer: Room, where: bool) -> None:
    room = newcomer
    await room.says("阿杰", "在吗", private=where)
    await room.wait(5 * DAY)
    assert "post.greeting" not in of(room, room.people["阿杰"])
    assert room.rows("SELECT state, reason FROM sequence_step WHERE beat = 'onboarding.within-48h'") == [
        ("cancelled", "已经聊上了")
    ]
    assert room.rows("SELECT * FROM wake WHERE topic = 'sequence'") == []


async def test_a_repeated_event_plans_nothing_twice(newcomer: Room) -> None:
    room = newcomer
    await room.again()
    await room.restart()
    assert keys(await room.wait(2 * HOUR)) == ["post.onboarding_hello"]
    assert room.one("SELECT count(*) FROM sequence_step") == 2


async def test_a_step_is_said_once_however_often_its_tick_comes(newcomer: Room) -> None:
    room = newcomer
    await room.wait(2 * HOUR)
    (since,) = room.rows("SELECT since FROM sequence_step WHERE beat = 'onboarding.hello'")[0]
    me = room.people["阿杰"]
    payload = {"group": None, "member": me, "beat": "onboarding.hello", "since": since}
    for minutes in (1, 2):
        due = room.world.now() + timedelta(minutes=minutes)
        room.app.store.agenda.wake_at(
            "sequence", f"onboarding.hello|{since}|0||{me}", int(due.timestamp() * 1000), payload
        )
    await room.wait(HOUR)
    assert of(room, me).count("post.onboarding_hello") == 1


async def test_without_the_setting_nobody_is_followed_up(quiet_stage: Room) -> None:
    await quiet_stage.adds_contact("阿杰")
    assert keys(await quiet_stage.wait(5 * DAY)) == ["distance.ask"]
    assert quiet_stage.rows("SELECT * FROM sequence_step") == []


async def test_staff_are_no_newcomers(open_room: OpenRoom) -> None:
    room = await open_room(private("onboarding"))
    room.people["店长"] = BOSS
    await room.adds_contact("店长")
    assert room.rows("SELECT * FROM sequence_step") == []


@pytest.fixture
async def buyer(open_room: OpenRoom) -> Room:
    """阿杰, a contact, has bought: staff said so on Wednesday at 11:58."""
    room = await open_room(private("after-purchase"))
    await room.adds_contact("阿杰")
    (line,) = await room.boss_says("已购 @阿杰", private=True)
    assert line.phrase == "sequence.bought"
    for row in ("12-05 10:30「第 3 天问到货」", "12-09 19:30「第 7 天问感受」", "12-23 10:00「第 21 天聊一次」"):
        assert row in line.text
    return room


async def test_a_purchase_is_followed_up_on_days_3_7_and_by_a_person_on_day_21(buyer: Room) -> None:
    room = buyer
    mark = len(room.said)
    await room.wait(20 * DAY + 20 * HOUR)
    assert of(room, room.people["阿杰"], mark) == ["post.follow_three", "post.follow_seven"]
    said = await room.wait(3 * HOUR)
    assert [(line.phrase, line.member) for line in said] == [("task.new", BOSS)]
    assert "阿杰" in said[0].text
    assert room.rows("SELECT what, member_id, owner, state FROM task") == [
        ("买了三周，私聊或打个电话问问用得怎么样，不发表单、不推销", room.people["阿杰"], "guide", "open")
    ]
    await room.boss_says("完成 1", private=True)
    await room.close()
    assert check(room.db).violations == []


async def test_a_purchase_told_twice_in_one_event_counts_once(buyer: Room) -> None:
    await buyer.again()
    await buyer.restart()
    assert buyer.one("SELECT count(*) FROM sequence_step") == 3


async def test_a_second_purchase_is_followed_up_of_its_own(buyer: Room) -> None:
    await buyer.wait(DAY)
    await buyer.boss_says("已购 @阿杰", private=True)
    assert buyer.one("SELECT count(*) FROM sequence_step") == 6


@pytest.mark.parametrize("cuts", [1, 5])
async def test_follow_ups_survive_power_cuts_and_come_once(buyer: Room, cuts: int) -> None:
    room, mark = buyer, len(buyer.said)
    for _ in range(cuts):
        await room.power_cut((3 * DAY) / cuts)
    await room.wait(DAY)
    assert of(room, room.people["阿杰"], mark) == ["post.follow_three"]


async def test_a_follow_up_that_is_days_late_is_not_made_and_reported(buyer: Room) -> None:
    room, mark = buyer, len(buyer.said)
    await room.power_cut(6 * DAY)
    await room.wait(HOUR)
    assert of(room, room.people["阿杰"], mark) == []
    (line,) = [one for one in room.said if one.phrase == "staff.missed"]
    assert "第 3 天问到货" in line.text
    assert "阿杰" in line.text


async def test_whoever_is_no_contact_is_not_written_to(open_room: OpenRoom) -> None:
    room = await open_room(private("after-purchase"))
    await room.says("小明", "大家好")
    await room.boss_says("已购 @小明")
    await room.wait(8 * DAY)
    assert of(room, room.people["小明"]) == []
    assert room.rows("SELECT DISTINCT reason FROM sequence_step WHERE state = 'cancelled'") == [
        ("还不是好友，不能私聊",)
    ]


async def test_who_bought_must_be_somebody(quiet_stage: Room) -> None:
    assert keys(await quiet_stage.boss_says("已购", private=True)) == ["sequence.usage"]
    assert keys(await quiet_stage.boss_says("已购 @没这个人", private=True)) == ["sequence.usage"]
    await quiet_stage.says("小明", "大家好")
    assert keys(await quiet_stage.boss_says("已购 @小明", private=True)) == ["sequence.bought_plain"]


async def test_other_rules_begin_a_sequence_with_one_call(open_room: OpenRoom) -> None:
    orders = Router("orders")

    @orders.command("下单", help="测试")
    def ordered(event: MessageReceived, ctx: Context) -> Wishes:
        begin_sequence(ctx, "purchase", ctx.member, event.at)
        return None

    room = await open_room(private("after-purchase"), more=[orders])
    await room.adds_contact("阿杰")
    await room.says("阿杰", "下单", private=True)
    mark = len(room.said)
    await room.wait(4 * DAY)
    assert of(room, room.people["阿杰"], mark) == ["post.follow_three"]


OWN = """
title = "x"
[[beat]]
id = "joined"
title = "进群第二天"
after = "joined"
days = 1
time = "10:00"
where = "group"
phrase = "post.greeting"
[[beat]]
id = "first"
title = "首签后"
after = "first_check_in"
hours = 2
phrase = "post.greeting"
audience = { segment = "buyer" }
[beat.variant.buyer]
phrase = "post.follow_seven"
[[beat]]
id = "for-new"
title = "首签新人"
after = "first_check_in"
hours = 3
phrase = "post.greeting"
audience = { segment = "new" }
"""


@pytest.fixture
async def own(open_room: OpenRoom, tmp_path: Path) -> Room:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "mine.toml").write_text(OWN, encoding="utf-8")
    return await open_room(
        {
            "bot": {"scripts": str(folder)},
            "groups": {"default": {"contact": {"ask": False}}, "yuanqi": {"scripts": ["mine"]}},
        }
    )


async def test_whoever_joins_is_spoken_to_in_the_group_by_name_once(own: Room) -> None:
    await own.joins(["阿杰"])
    said = await own.until("明天 10:01")
    assert [(line.phrase, line.group, line.mentions) for line in said] == [
        ("post.greeting", "yuanqi", (own.people["阿杰"],))
    ]
    await own.leaves("阿杰")
    await own.joins(["阿杰"])
    assert "post.greeting" not in keys(await own.wait(3 * DAY))


async def test_beats_of_one_segment_reach_only_it(own: Room) -> None:
    for name in ("新人", "老客"):
        await own.adds_contact(name)
    await own.boss_says("已购 @老客", private=True)
    await own.everyone_says(["新人", "老客"], "签到")
    await own.wait(4 * HOUR)
    assert of(own, own.people["老客"]) == ["welcome.contact", "post.follow_seven"]
    assert of(own, own.people["新人"]) == ["welcome.contact", "post.greeting"]


async def segmented(own: Room, folder: Path, segment: str) -> int:
    """老客 likes it without sugar, 新人 does not, both checked in; returns what was said before the step falls due."""
    (folder / "scripts" / "mine.toml").write_text(OWN.replace('segment = "new"', segment), encoding="utf-8")
    await own.boss_says("重载")
    for name in ("新人", "老客"):
        await own.adds_contact(name)
    await own.says("老客", "想要无糖的")
    await own.says("老客", "只喝无糖的")
    await own.everyone_says(["新人", "老客"], "签到")
    return len(own.said)


def heard(room: Room, mark: int) -> dict[str, list[str]]:
    return {name: of(room, room.people[name], mark) for name in ("新人", "老客")}


def why_not(room: Room) -> list[tuple[Any, ...]]:
    return room.rows(
        "SELECT member_id, state, reason FROM sequence_step WHERE beat = 'mine.for-new' ORDER BY member_id"
    )


async def test_a_step_for_a_saved_segment_reaches_who_is_in_it_when_it_is_due(own: Room, tmp_path: Path) -> None:
    await own.boss_says("保存分群 控糖 = 标签:无糖")
    mark = await segmented(own, tmp_path, 'segment = "控糖"')
    await own.wait(4 * HOUR)
    assert heard(own, mark) == {"新人": [], "老客": ["post.greeting"]}
    assert (own.people["新人"], "cancelled", "只给分群「控糖」，这位不在里面") in why_not(own)


async def test_a_step_for_an_expression_reaches_who_fits_it(own: Room, tmp_path: Path) -> None:
    mark = await segmented(own, tmp_path, 'segment = "标签:无糖 且 近7天签到>=1"')
    await own.wait(4 * HOUR)
    assert heard(own, mark) == {"新人": [], "老客": ["post.greeting"]}


async def test_whoever_came_into_the_segment_before_the_step_is_due_gets_it(own: Room, tmp_path: Path) -> None:
    mark = await segmented(own, tmp_path, 'segment = "标签:无糖"')
    await own.wait(2 * HOUR)
    await own.says("新人", "想要无糖的")
    await own.says("新人", "无糖的还有吗")
    await own.wait(2 * HOUR)
    assert heard(own, mark)["新人"] == ["post.greeting"]


async def test_a_built_in_segment_wins_over_a_saved_one_of_its_name(own: Room, tmp_path: Path) -> None:
    await own.boss_says("保存分群 new = 标签:无糖")
    mark = await segmented(own, tmp_path, 'segment = "new"')
    await own.wait(4 * HOUR)
    assert heard(own, mark) == {"新人": ["post.greeting"], "老客": ["post.greeting"]}


async def test_a_segment_that_nobody_saved_ends_the_steps_and_staff_hear_of_it_once(own: Room, tmp_path: Path) -> None:
    mark = await segmented(own, tmp_path, 'segment = "控唐"')
    await own.wait(4 * HOUR)
    assert heard(own, mark) == {"新人": [], "老客": []}
    told = [line for line in own.said[mark:] if line.phrase == "sequence.segment"]
    assert [line.member for line in told] == [BOSS]
    assert "没有保存过「控唐」这个分群" in told[0].text
    assert {(state, reason) for _, state, reason in why_not(own)} == {
        ("cancelled", "认不出分群「控唐」：没有保存过「控唐」这个分群")
    }


async def test_staff_see_how_many_a_step_for_a_segment_would_reach(own: Room, tmp_path: Path) -> None:
    await own.boss_says("保存分群 控糖 = 标签:无糖")
    await segmented(own, tmp_path, 'segment = "控糖"')
    (line,) = await own.boss_says("活动 首签新人", private=True)
    assert "只给分群「控糖」（现在 1 位" in line.text
    (line,) = await own.boss_says("活动 首签新人")
    assert "控糖" not in line.text


async def test_a_second_check_in_begins_nothing(own: Room) -> None:
    await own.adds_contact("新人")
    await own.says("新人", "签到")
    await own.wait(DAY)
    await own.says("新人", "签到")
    await own.wait(DAY)
    assert of(own, own.people["新人"]).count("post.greeting") == 1


async def test_a_step_whose_file_was_changed_comes_at_the_new_time(own: Room, tmp_path: Path) -> None:
    await own.adds_contact("新人")
    await own.says("新人", "签到")
    path = tmp_path / "scripts" / "mine.toml"
    path.write_text(OWN.replace("hours = 3", "hours = 6"), encoding="utf-8")
    await own.boss_says("重载")
    mark = len(own.said)
    await own.wait(5 * HOUR)
    assert of(own, own.people["新人"], mark) == []
    await own.wait(HOUR)
    assert of(own, own.people["新人"], mark) == ["post.greeting"]


async def test_a_step_that_was_moved_forward_does_not_wait_for_the_old_time(own: Room, tmp_path: Path) -> None:
    await own.adds_contact("新人")
    await own.says("新人", "签到")
    path = tmp_path / "scripts" / "mine.toml"
    path.write_text(OWN.replace("hours = 3", "hours = 1"), encoding="utf-8")
    await own.boss_says("重载")
    mark = len(own.said)
    await own.wait(HOUR)
    assert of(own, own.people["新人"], mark) == ["post.greeting"]
    await own.wait(5 * HOUR)
    assert of(own, own.people["新人"], mark) == ["post.greeting"]


async def test_a_step_that_was_removed_is_silent(own: Room, tmp_path: Path) -> None:
    await own.adds_contact("新人")
    await own.says("新人", "签到")
    (tmp_path / "scripts" / "mine.toml").write_text(OWN.partition('[[beat]]\nid = "for-new"')[0], encoding="utf-8")
    await own.boss_says("重载")
    mark = len(own.said)
    await own.wait(5 * HOUR)
    assert of(own, own.people["新人"], mark) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('after = "purchase"\ndays = 3\nbetween = ["10:00", "11:00"]', "只写一个 time"),
        ('after = "purchase"\ndays = [3, 7]', "几天后"),
        ('after = "purchase"\ndays = -1', "不能是负数"),
        ('after = "purchase"\ntime = "10:00"', "要和 days 一起写"),
        ('weekday = "周一"\nafter = "purchase"', "只能写一个"),
        ('weekday = "周一"\ntime = "10:00"\naudience = { segment = "new" }', "segment 只用于一对一"),
        (
            'after = "purchase"\ndays = 3\naudience = { segment = "标签无糖 且 阶段:新人" }',
            "第 1 个字：没有「标签无糖」",
        ),
        (
            'after = "purchase"\ndays = 3\naudience = { segment = "阶段:沉睡了" }',
            "第 4 个字：没有「沉睡了」这个阶段，是不是",
        ),
        ('monthday = 31\ntime = "10:00"', "short_month"),
        ('monthday = 20\nshort_month = "last"\ntime = "10:00"', "用不上"),
        ('monthday = 0\ntime = "10:00"', "写几号"),
        ('date = "2026-02-30"\ntime = "10:00"', "不是日期"),
        ('festival = "国庆结"\ntime = "10:00"', "是不是想写 国庆节"),
        ('weekday = "周一"\ndays = -1\ntime = "10:00"', "days 要和"),
        ('weekday = "周一"\nbetween = ["14:00", "13:00"]', "后一个钟点要比前一个晚"),
        ('weekday = "周一"\ntime = "10:00"\nbetween = ["14:00", "15:00"]', "只能写一个"),
        ('weekday = "周一"', "没写几点"),
        ('time = "10:00"', "没写哪一天"),
        ('day = -3\ntime = "10:00"', "anchor"),
        ('weekday = "周一"\ntime = "10:00"\ndoes = "task"', "要写 task"),
        ('weekday = "周一"\ntime = "10:00"\npicture = "nowhere.png"', "找不到图片"),
        ('weekday = "周一"\ntime = "10:00"\nlate = "never"', "可选值"),
        ('after = "purchase"\ndays = 3\nlate = "merge"', "late"),
        ('after = "purchase"\nstep = 2\nuntil = "talk"', "从 1 数起|步骤"),
        ('weekday = "周一"\ntime = "10:00"\nkind = "adverts"', "可选值"),
    ],
)
def test_what_is_wrong_with_a_beat_is_said(tmp_path: Path, text: str, reason: str) -> None:
    from bot.errors import ConfigError
    from bot.scripts import load_scripts

    (tmp_path / "mine.toml").write_text(
        f'title = "x"\n[[beat]]\nid = "a"\ntitle = "x"\nphrase = "post.surprise"\n{text}\n', encoding="utf-8"
    )
    with pytest.raises(ConfigError) as raised:
        load_scripts(tmp_path)
    assert any(one in str(problem) for problem in raised.value.problems for one in reason.split("|")), (
        raised.value.problems
    )


def test_a_picture_stands_beside_its_script(tmp_path: Path) -> None:
    from bot.scripts import load_scripts

    (tmp_path / "poster.png").write_bytes(b"x")
    (tmp_path / "mine.toml").write_text(
        'title = "x"\n[[beat]]\nid = "a"\ntitle = "x"\nphrase = "post.surprise"\nweekday = "周一"\ntime = "10:00"\n'
        'picture = "poster.png"\n',
        encoding="utf-8",
    )
    assert load_scripts(tmp_path)["mine"][0].picture == str(tmp_path / "poster.png")


def test_a_script_for_1_to_1_that_nobody_has_is_named() -> None:
    from bot.app import switchboard_for
    from bot.content import load_content
    from bot.errors import ConfigError

    config = a_config(private("onbording"))
    with pytest.raises(ConfigError) as raised:
        load_content(config, switchboard_for(config).phrases)
    assert {(one.key, one.hint) for one in raised.value.problems} == {
        ("groups.default.calendar.private", "是不是想写 onboarding？"),
        ("groups.yuanqi.calendar.private", "是不是想写 onboarding？"),
    }


async def test_a_purchase_of_several_people_names_what_they_bought(open_room: OpenRoom) -> None:
    room = await open_room(private("after-purchase"))
    for name in ("阿杰", "Li Lei"):
        await room.adds_contact(name)
    room.people["Lei"] = room.people["Li Lei"]
    (line,) = await room.boss_says("买过 @阿杰 @Lei 气泡水 一箱")
    assert line.phrase == "sequence.bought"
    assert "阿杰、Li Lei" in line.text
    assert "气泡水 一箱" in line.text
    await room.wait(HOUR)
    assert keys(await room.boss_says("已购 Li Lei", private=True)) == ["sequence.bought"]
    assert room.rows("SELECT member_id, what FROM noted_purchase ORDER BY at, member_id") == [
        ("Li Lei", "气泡水 一箱"), ("阿杰", "气泡水 一箱"), ("Li Lei", "东西"),
    ]  # fmt: skip
