"""Earning, titles, boards, gates and invitations: the rules by themselves and in the living group."""

from datetime import timedelta
from typing import Any

import pytest

from bot.earning import is_real, mark_of
from bot.gates import Facts, reasons
from bot.handlers.points import page_of, show_worth
from bot.levels import boosted, standing
from bot.settings.points import Gate, Level, Points
from storage.fsck import check
from storage.ledger import account
from tests.conftest import BOSS, OpenRoom, Room, at, group_config, keys

DAY = timedelta(days=1)
HONEST = Facts(tenure=30, said=20, wins=0, leavers=0, cluster=0)


async def a_room(open_room: OpenRoom, **points: Any) -> Room:
    room = await open_room(group_config(scripts=[], points=points, welcome={"on": False}))
    room.people["店长"] = BOSS
    return room


# -- rules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "real"),
    [
        ("今天喝了气泡水", True), ("哈哈哈哈哈哈", False), ("嗯嗯", False), ("。。。。。。", False), ("666666", False),
        ("好的好的", False), ("１２３４", True), ("", False), ("😀😀😀😀", False), ("去哪儿呀", True),
    ],
)  # fmt: skip
def test_only_talk_is_talk(text: str, real: bool) -> None:
    assert is_real(text, 4) is real


def test_a_repeat_is_known_by_its_letters() -> None:
    assert mark_of("今天好热!") == mark_of("今天 好热～～")
    assert mark_of("今天好热") != mark_of("明天好热")


@pytest.mark.parametrize(
    ("facts", "stops"),
    [
        (HONEST, 0), (Facts(0, 20, 0, 0, 0), 1), (Facts(30, 0, 0, 0, 0), 1), (Facts(30, None, 0, 0, 0), 0),
        (Facts(30, 20, 3, 0, 0), 1), (Facts(30, 20, 0, 2, 0), 1), (Facts(30, 20, 0, 0, 3), 1), (Facts(0, 0, 9, 9, 9), 5),
    ],
)  # fmt: skip
def test_each_gate_stops_for_its_own_reason(facts: Facts, stops: int) -> None:
    found = reasons(facts, Gate())
    assert len(found) == len(set(found)) == stops
    assert reasons(facts, Gate(tenure=0, talk=0, wins=0, leavers=0, cluster=0)) == []


def test_a_title_is_reached_kept_and_lost() -> None:
    levels = (Level(title="新"), Level(title="熟", at=100), Level(title="红人", at=300, days=30))
    life = {0: 400, 30: 120}
    stand = standing(levels, lambda days: life[days])
    assert (stand.level.title, stand.missing) == ("熟", 180)
    life[30] = 300
    assert standing(levels, lambda days: life[days]).level.title == "红人"
    assert standing((), lambda days: 0).level.title == "成员"


def test_levels_must_rise() -> None:
    with pytest.raises(ValueError, match="从低到高"):
        Points(levels=(Level(title="b", at=5), Level(title="a", at=1)))


@pytest.mark.parametrize(("points", "worth"), [(0, "0"), (5, "0.05"), (100, "1"), (150, "1.5"), (12_345, "123.45")])
def test_points_are_worth_what_the_setting_says(points: int, worth: str) -> None:
    assert show_worth(points, 100) == worth


def test_any_page_asked_for_is_a_page() -> None:
    assert [page_of([text], 25, 10) for text in ("2", "0", "99", "x", "9" * 50)] == [
        (2, 3), (1, 3), (3, 3), (1, 3), (1, 3),
    ]  # fmt: skip


def test_a_share_on_top_is_whole_points() -> None:
    assert boosted(5, 150) == 7
    assert boosted(5, 100) == 5


# -- in the group --------------------------------------------------------------------------------------------------


async def test_a_title_adds_to_check_in_and_undoing_takes_all_of_it(open_room: OpenRoom) -> None:
    levels = [{"title": "新"}, {"title": "熟", "at": 10, "percent": 200}]
    room = await a_room(open_room, levels=levels)
    await room.says("小满", "签到")
    await room.boss_says("发分 小满 10 帮忙")
    await room.wait(DAY)
    await room.says("小满", "签到")
    assert room.app.store.ledger.balance(account("小满")) == 25
    await room.boss_says("撤销 3")
    assert room.app.store.ledger.balance(account("小满")) == 15
    assert check(room.db).violations == []


async def test_a_message_costs_nothing_when_it_is_said(open_room: OpenRoom) -> None:
    room = await a_room(open_room, talk=1)
    await room.says("小满", "先认识一下大家")
    statements: list[str] = []
    room.app.store.db.conn.set_trace_callback(statements.append)
    await room.says("小满", "今天的火锅真不错")
    room.app.store.db.conn.set_trace_callback(None)
    tables = ("talk_day", "movement", "entry", "redemption", "gate_note", "coupon_code")
    assert statements
    assert [one for one in statements if any(table in one for table in tables)] == []


async def test_talk_is_paid_once_however_often_it_is_counted(open_room: OpenRoom) -> None:
    room = await a_room(open_room, talk=3, talk_most=2)
    await room.wait(timedelta(hours=2))
    for text in ("今天喝了气泡水", "今天喝了气泡水", "晚上想吃火锅呀", "明天再去一次吧"):
        await room.says("小满", text)
    await room.wait(DAY)
    await room.restart()
    await room.wait(3 * DAY)
    assert room.app.store.ledger.balance(account("小满")) == 6
    assert room.rows("SELECT said, paid FROM talk_day WHERE member_id = '小满'") == [(3, 1)]
    assert check(room.db).violations == []


async def test_a_flood_of_talk_is_counted_in_portions(open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.earning.AT_ONCE", 7)
    room = await a_room(open_room, talk=1, talk_most=5)
    await room.wait(timedelta(hours=2))
    for number in range(40):
        await room.says(f"成员{number % 4}", f"第{number}句完全不同的话")
    await room.wait(3 * DAY)
    assert [room.app.store.ledger.balance(account(f"成员{one}")) for one in range(4)] == [5, 5, 5, 5]


async def test_whoever_was_here_before_pays_nobody(open_room: OpenRoom) -> None:
    room = await a_room(open_room, invite=10)
    await room.joins(["老友"])
    await room.leaves("老友")
    await room.wait(DAY)
    assert await room.joins(["老友"], inviter="小满") == []
    assert keys(await room.joins(["新友"], inviter="小满")) == ["invite.paid"]
    await room.leaves("新友")
    assert await room.joins(["新友"], inviter="阿杰") == []
    assert room.app.store.ledger.balance(account("小满")) == 0
    assert room.app.store.gates.leavers("小满") == 1


async def test_an_invitee_who_stays_long_enough_is_paid_for_good(open_room: OpenRoom) -> None:
    room = await a_room(open_room, invite=10, invite_days=2)
    await room.joins(["新友"], inviter="小满")
    await room.wait(2 * DAY)
    assert await room.leaves("新友") == []
    assert room.app.store.ledger.balance(account("小满")) == 10


async def test_friends_of_one_inviter_who_take_the_same_are_noticed(open_room: OpenRoom) -> None:
    gate = {"mode": "on", "tenure": 0, "talk": 0, "wins": 0, "leavers": 0, "cluster": 2}
    room = await a_room(open_room, gate=gate)
    crowd = ["号一", "号二", "号三"]
    await room.joins(crowd, inviter="小满")
    for member in crowd:
        await room.boss_says(f"发分 {member} 60 测试")
    assert keys(await room.says("号一", "兑换 2")) == ["shop.done"]
    assert keys(await room.says("号二", "兑换 2")) == ["shop.done"]
    (line,) = await room.says("号三", "兑换 2")
    assert line.phrase == "gate.stopped"
    assert "同一位邀请人" in line.text
    assert room.app.store.ledger.balance(account("号三")) == 60


async def test_too_little_talk_stops_nobody_before_it_was_counted_for_a_week(open_room: OpenRoom) -> None:
    room = await a_room(open_room, gate={"mode": "on", "tenure": 0})
    await room.says("小满", "早上好呀大家")
    await room.boss_says("发分 小满 200 测试")
    assert keys(await room.says("小满", "兑换 2")) == ["shop.done"]
    await room.wait(9 * DAY)
    (line,) = await room.says("小满", "兑换 2")
    assert line.phrase == "gate.stopped"
    assert "至少聊 3 句" in line.text


async def test_an_early_week_ends_on_sunday_in_the_zone_of_the_group(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    await room.says("小满", "签到", at=at("12-02 11:58"))
    await room.until("下周一 00:30")
    assert keys(await room.says("小满", "排行榜 周")) == ["points.board_empty"]
    assert keys(await room.says("小满", "排行榜 月")) == ["points.board"]


async def test_staff_grant_only_to_people_and_amounts_that_are_clear(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    await room.says("小满", "早")
    for text in (
        "发分",
        "发分 10",
        "发分 @谁也不是 10",
        "发分 小满",
        "发分 小满 0",
        "发分 小满 1001",
        "发分 小满 一点",
    ):
        assert keys(await room.boss_says(text)) == ["points.grant_usage"], text
    (line,) = await room.boss_says("发分 小满 +20分")
    assert line.phrase == "points.granted"
    assert "员工发放" in line.text


async def test_two_members_never_share_a_name_on_boards(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    assert keys(await room.says("小满", "榜名 Star")) == ["points.nickname"]
    assert keys(await room.says("阿杰", "榜名 ｓｔａｒ")) == ["points.nickname_bad"]
    assert keys(await room.says("阿杰", "榜名 " + "长" * 30)) == ["points.nickname_bad"]
    assert keys(await room.says("小满", "榜名 清除")) == ["points.nickname_gone"]
    assert keys(await room.says("阿杰", "榜名 star")) == ["points.nickname"]


async def test_a_group_without_points_answers_none_of_its_words(open_room: OpenRoom) -> None:
    room = await a_room(open_room, on=False)
    for text in ("积分", "积分商城", "排行榜", "积分明细"):
        assert await room.says("小满", text) == []
