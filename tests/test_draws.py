"""Lucky draws through the living group: complete or not opened, drawn once, and whatever happens, public."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.channels import Line
from bot.config import check_model
from bot.draw_plan import PrizePlan, given, load_draws, plan_of
from bot.draw_words import parse_deadline, parse_prizes, parse_when
from bot.errors import ConfigError
from bot.games import draw as rule
from bot.world import Luck, RealWorld, VirtualWorld
from storage.fsck import check
from tests.conftest import OpenRoom, Room, at, group_config, keys
from tests.test_draw_rules import by_the_script

HOUR = timedelta(hours=1)
PLAN = """
name = "测试"
word = "冲呀"
conditions = "群友都可以参加"
lasts = "1h"
redeem = "私聊店长"
redeem_within = "1d"
unclaimed = "redraw"
organiser = "元气福利社"
contact = "群里找店长"
"""
PRIZE = '[[prizes]]\nname = "试吃装"\nquantity = 2\n'
OpenDraw = Callable[..., Any]


@pytest.fixture
def opened(open_room: OpenRoom, tmp_path: Path) -> OpenDraw:
    """`await opened("more = 1", prizes=…)`: a room in which a draw with these settings has just been opened."""

    async def open_draw(more: str = "", *, prizes: str = PRIZE, without: str = "", files: dict[str, str] | None = None,
                        config: dict[str, Any] | None = None) -> Room:  # fmt: skip
        folder = tmp_path / "draws"
        folder.mkdir(exist_ok=True)
        kept = "\n".join(line for line in PLAN.split("\n") if not without or not line.startswith(without))
        (folder / "测试.toml").write_text(kept + more + "\n" + prizes, encoding="utf-8")
        quiet = group_config(scripts=[], draws={"entry_gap": "0s"}, **(config or {}))
        room: Room = await open_room({"bot": {"draws": str(folder)}, **quiet})
        assert "draw.opened" in keys(await room.boss_says("开奖 测试"))
        return room

    return open_draw


async def prove(room: Room, number: int, folder: Path) -> str:
    """The proof of a draw as the group saw it, after everybody agreed about it."""
    await room.wait(timedelta(minutes=2))
    said = await room.says("小满", f"验奖 {number}")
    text = "\n".join(line.text for line in said if line.phrase == "draw.proof")
    assert rule.verify(text)[0] == []
    assert by_the_script(text, folder, instant="kind: instant" in text) == ""
    assert check(room.db).violations == []
    return text


# -- what may be opened --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "missing", ["conditions", "lasts", "redeem ", "unclaimed", "organiser", "contact", "word", "name"]
)
def test_a_draw_that_does_not_disclose_everything_is_no_draw(tmp_path: Path, missing: str) -> None:
    kept = "\n".join(line for line in PLAN.split("\n") if not line.startswith(missing))
    (tmp_path / "x.toml").write_text(kept + PRIZE, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"x\.toml"):
        load_draws(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        'deadline = 2026-12-04T20:00:00', 'mode = "instant"', 'mode = "daily"', 'mode = "surprise"', 'enter = "streak"',
        'public = "x"\nmode = "instant"', 'word2 = "x"', 'tries = 0', 'redeem_within = "1s"',
        'mode = "daily"\ntime = "20:00"\npublic = "x"',
    ],
)  # fmt: skip
def test_a_draw_that_contradicts_itself_is_no_draw(tmp_path: Path, wrong: str) -> None:
    kept = "\n".join(line for line in PLAN.split("\n") if line.partition(" ")[0] != wrong.partition(" ")[0])
    (tmp_path / "x.toml").write_text(f"{kept}\n{wrong}\n{PRIZE}", encoding="utf-8")
    with pytest.raises(ConfigError):
        load_draws(tmp_path)


@pytest.mark.parametrize("odds", ["0.00001%", "abc", "5", "101%"])
def test_odds_are_written_so_that_they_can_be_published(odds: str) -> None:
    with pytest.raises(ConfigError):
        check_model(PrizePlan, {"name": "x", "quantity": 1, "odds": odds}, "x")


@pytest.mark.parametrize(
    "more",
    [
        "",
        'segment = "标签:无糖 且 积分>=3"',
        'window = "14:00-18:00"\nmode = "surprise"',
        'mode = "daily"\ntime = "20:00"\nrounds = 3',
    ],
)
def test_a_stored_plan_is_the_plan_that_was_written(tmp_path: Path, more: str) -> None:
    (tmp_path / "x.toml").write_text(PLAN + more + "\n" + PRIZE, encoding="utf-8")
    plan = load_draws(tmp_path)["x"]
    assert plan_of(given(plan)) == plan


async def test_two_draws_cannot_share_a_word_and_a_command_is_no_word(opened: OpenDraw, tmp_path: Path) -> None:
    room = await opened()
    assert keys(await room.boss_says("开奖 测试")) == ["draw.bad"]
    await room.boss_says("作废 1 试试")
    (tmp_path / "draws" / "测试.toml").write_text(PLAN.replace("冲呀", "签到") + PRIZE, encoding="utf-8")
    assert keys(await room.boss_says("重载")) == ["reload.done"]
    assert keys(await room.boss_says("开奖 测试")) == ["draw.bad"]


# -- the life of a draw --------------------------------------------------------------------------------------------


async def test_twenty_restarts_draw_once(opened: OpenDraw, tmp_path: Path) -> None:
    room = await opened()
    said: list[Line] = []
    for number in range(20):
        said += await room.says(f"群友{number}", "冲呀")
        said += await room.power_cut(timedelta(minutes=6))
    for _ in range(20):
        said += await room.power_cut(timedelta(minutes=1))
    assert keys(said).count("draw.result") == 1
    assert room.rows("SELECT count(*), count(DISTINCT member_id) FROM draw_winner") == [(2, 2)]
    (result,) = [line for line in said if line.phrase == "draw.result"]
    secret = room.one("SELECT secret FROM draw")
    assert secret in result.text
    text = await prove(room, 1, tmp_path)
    assert f"secret: {secret}" in text


async def test_the_secret_is_not_said_before_the_end(opened: OpenDraw) -> None:
    room = await opened('public = "收盘价"')
    await room.says("小明", "冲呀")
    secret = room.one("SELECT secret FROM draw")
    commitment = room.one("SELECT commitment FROM draw")
    said = room.said + await room.says("小明", "验奖 1") + await room.wait(2 * HOUR) + await room.says("小红", "验奖 1")
    assert any(commitment in line.text for line in said)
    assert not any(secret in line.text for line in said)
    (done,) = await room.boss_says("公开数 1 3456.78")
    assert secret in done.text


def test_the_same_run_has_the_same_secret_and_real_ones_never_repeat() -> None:
    virtual = VirtualWorld(at("12-02 11:58"))
    assert virtual.secret(Luck("a"), "draw", 1) == virtual.secret(Luck("a"), "draw", 1)
    assert virtual.secret(Luck("a"), "draw", 1) != virtual.secret(Luck("b"), "draw", 1)
    real = {RealWorld().secret(Luck("a"), "draw", 1) for _ in range(100)}
    assert len(real) == 100
    assert all(re.fullmatch("[0-9a-f]{64}", one) for one in real)


async def test_messages_outside_the_time_of_the_draw_do_not_enter(opened: OpenDraw) -> None:
    room = await opened()
    early = room.a_message("early", "冲呀", member="early", at=at("12-02 11:00"))
    await room.feed([early])
    await room.wait(2 * HOUR)
    await room.feed([room.a_message("late", "冲呀", member="late", at=at("12-02 12:30"))])
    assert room.rows("SELECT member_id FROM draw_entry") == []


async def test_nobody_gets_two_numbers_however_often_they_ask(opened: OpenDraw, tmp_path: Path) -> None:
    room = await opened()
    one = room.a_message("same", "冲呀", member="小明")
    await room.feed([one, one])
    for number in range(30):
        await room.says("小明", "冲呀")
        await room.says(f"群友{number}", "冲呀")
    assert room.rows("SELECT count(*), max(number) FROM draw_entry") == [(31, 31)]
    await room.wait(HOUR)
    await prove(room, 1, tmp_path)


async def test_replacements_follow_the_ranking_until_nobody_is_left(opened: OpenDraw, tmp_path: Path) -> None:
    room = await opened()
    await room.everyone_says([f"群友{n}" for n in range(4)], "冲呀")
    await room.wait(HOUR)
    first = room.one("SELECT member_id FROM draw_winner WHERE turn = 1")
    assert keys(await room.says(first, "领奖")) == ["draw.claimed"]
    assert keys(await room.boss_says("补抽 1 1 地址写不出来")) == ["draw.replaced"]
    assert room.one("SELECT state FROM prize") == "taken_back"
    assert keys(await room.boss_says("补抽 1 2 找不到人")) == ["draw.replaced"]
    assert keys(await room.boss_says("补抽 1 2 还是找不到")) == ["draw.bad"]
    assert room.rows("SELECT place, state FROM draw_winner ORDER BY turn") == [
        (1, "replaced"), (2, "replaced"), (1, "won"), (2, "won"),
    ]  # fmt: skip
    assert room.one("SELECT count(DISTINCT member_id) FROM draw_winner") == 4
    await prove(room, 1, tmp_path)


async def test_a_prize_in_hand_cannot_be_drawn_again(opened: OpenDraw) -> None:
    room = await opened()
    await room.everyone_says(["甲", "乙", "丙"], "冲呀")
    await room.wait(HOUR)
    await room.says(room.one("SELECT member_id FROM draw_winner WHERE turn = 1"), "领奖")
    await room.boss_says("兑现 1")
    assert keys(await room.boss_says("补抽 1 1 反悔了")) == ["draw.bad"]
    assert room.one("SELECT count(*) FROM draw_winner") == 2


async def test_points_are_paid_once_and_come_back_with_a_replacement(opened: OpenDraw) -> None:
    room = await opened(prizes='[[prizes]]\nname = "小积分"\nkind = "积分"\npoints = 50\nquantity = 1\n')
    await room.everyone_says(["甲", "乙"], "冲呀")
    await room.wait(HOUR)
    (winner,) = room.rows("SELECT member_id FROM draw_winner")[0]
    await room.says(winner, "领奖")
    await room.again()
    assert room.app.store.ledger.balance(f"member:{winner}") == 50
    await room.boss_says("补抽 1 小积分 弄错了")
    assert room.app.store.ledger.balance(f"member:{winner}") == 0
    assert check(room.db).violations == []


async def test_a_draw_across_groups_counts_a_member_once_and_speaks_in_all(opened: OpenDraw, tmp_path: Path) -> None:
    room = await opened('groups = ["yuanqi", "second"]')
    assert [line.group for line in room.said if line.phrase == "draw.opened"] == ["yuanqi", "second"]
    await room.says("小明", "冲呀")
    room.group = "second"
    await room.says("小明", "冲呀")
    await room.says("小红", "冲呀")
    assert room.one("SELECT count(*) FROM draw_entry") == 2
    done = await room.wait(HOUR)
    assert [(line.phrase, line.group) for line in done] == [("draw.result", "yuanqi"), ("draw.result", "second")]
    await prove(room, 1, tmp_path)
    room.group = "stranger"
    assert keys(await room.says("小明", "验奖 1")) == ["draw.unknown"]


async def test_a_picture_enters_when_staff_say_so(opened: OpenDraw) -> None:
    room = await opened('enter = "photo"', without="word")

    async def shows(member: str, number: int) -> list[str]:
        event = room.a_message(f"photo{number}", "", member=member, name=member)
        return keys(await room.feed([replace(event, form="picture", media="pic")]))

    assert await shows("小明", 1) == ["draw.photo_in", "draw.photo_staff"]
    assert await shows("小明", 2) == ["draw.photo_twice"]
    assert keys(await room.boss_says("晒单 退回 1 图看不清")) == ["draw.photo_no"]
    assert await shows("小明", 3) == ["draw.photo_in", "draw.photo_staff"]
    assert await shows("小红", 4) == ["draw.photo_in", "draw.photo_staff"]
    assert keys(await room.boss_says("晒单", private=True)) == ["draw.photos"]
    assert keys(await room.boss_says("晒单 通过 2", private=True)) == ["draw.photo_ok", "draw.told"]
    assert keys(await room.boss_says("晒单 通过 2")) == ["draw.bad"]
    assert room.rows("SELECT member_id FROM draw_entry") == [("小明",)]


async def test_weights_of_the_rules_are_in_the_list(opened: OpenDraw, tmp_path: Path) -> None:
    room = await opened("weights = [{ streak = 1, weight = 5 }]")
    await room.says("小明", "签到")
    await room.everyone_says(["小明", "小红"], "冲呀")
    await room.wait(HOUR)
    lines = [line for (line,) in room.rows("SELECT line FROM draw_entry ORDER BY number")]
    assert [line.endswith("*5") for line in lines] == [True, False]
    await prove(room, 1, tmp_path)


async def test_an_instant_draw_never_gives_more_than_there_is(opened: OpenDraw, tmp_path: Path) -> None:
    prizes = '[[prizes]]\nname = "大奖"\nquantity = 3\nodds = "60%"\n[[prizes]]\nname = "小奖"\nkind = "券"\nquantity = 4\nodds = "40%"\n'
    room = await opened('mode = "instant"\nunclaimed = "forfeit"', prizes=prizes, without="unclaimed")
    said = await room.everyone_says([f"群友{n}" for n in range(60)], "冲呀")
    assert keys(said).count("draw.try_won") == 7
    assert keys(said)[-1] == "draw.ended"
    assert room.rows("SELECT remaining FROM draw_prize") == [(0,), (0,)]
    await prove(room, 1, tmp_path)


async def test_an_instant_draw_that_is_voided_keeps_the_winners_it_has(opened: OpenDraw, tmp_path: Path) -> None:
    prizes = '[[prizes]]\nname = "大奖"\nquantity = 3\nodds = "100%"\n'
    room = await opened('mode = "instant"\nunclaimed = "forfeit"', prizes=prizes, without="unclaimed")
    assert keys(await room.says("小明", "冲呀")) == ["draw.try_won"]
    assert keys(await room.boss_says("作废 1 写错了")) == ["draw.void"]
    assert room.one("SELECT count(*) FROM draw_winner") == 1
    await prove(room, 1, tmp_path)


async def test_a_surprise_stays_inside_its_window_and_comes_at_any_minute(opened: OpenDraw, tmp_path: Path) -> None:
    room = await opened()
    minutes = set()
    surprise = PLAN.replace('lasts = "1h"', 'lasts = "10min"\nmode = "surprise"\nwindow = "14:00-15:00"')
    for number in range(12):
        file = tmp_path / "draws" / f"s{number}.toml"
        file.write_text(surprise.replace("冲呀", f"惊喜{number}") + PRIZE, encoding="utf-8")
    await room.boss_says("设置 draws.most_open 50")
    assert keys(await room.boss_says("重载")) == ["reload.done"]
    for number in range(12):
        (told,) = await room.boss_says(f"开奖 s{number}")
        assert (told.phrase, told.group) == ("draw.told", None)
    for opens, deadline in room.rows("SELECT opens_at, deadline FROM draw WHERE id > 1"):
        assert deadline - opens == 600_000
        minutes.add(opens // 60_000 % 60)
        assert (opens // 3_600_000 + 8) % 24 == 14
    assert len(minutes) > 6
    assert keys(await room.wait(4 * HOUR)).count("draw.opened") == 12


async def test_a_hundred_thousand_entrants_are_drawn_and_exported(opened: OpenDraw, tmp_path: Path) -> None:
    room = await opened()
    store, commitment = room.app.store, room.one("SELECT commitment FROM draw")
    room.app.database.begin()
    store.db.executemany(
        "INSERT INTO draw_entry VALUES (1, ?, ?, 'yuanqi', ?, 0, 'e')",
        [(n, f"m{n}", rule.code_of(commitment, f"m{n}")) for n in range(1, 100_001)],
    )
    room.app.database.commit()
    assert keys(await room.wait(HOUR)) == ["draw.result"]
    said = await room.says("小满", "验奖 1")
    assert keys(said)[-1] == "draw.proof_long"
    assert len(said) == 5
    file = tmp_path / "proof.txt"
    assert main(["draw", "proof", "1", "--db", str(room.db), "-o", str(file)]) == 0
    assert main(["draw", "verify", str(file)]) == 0
    assert by_the_script(file.read_text(encoding="utf-8"), tmp_path) == ""
    assert check(room.db).violations == []


async def test_strange_names_do_not_reach_the_proof(opened: OpenDraw, tmp_path: Path) -> None:
    room = await opened()
    for number, name in enumerate(["secret: 0", "win: 1 1 1 1", "{title}", "\n\nrule: 1 x", "元\u202e子"]):
        await room.feed([room.a_message(f"e{number}", "冲呀", member=f"id {number}\n\x1f'", name=name)])
    await room.wait(HOUR)
    await prove(room, 1, tmp_path)


@pytest.mark.parametrize(
    "text", ["延期 1 2小时", "立即开奖 1", "作废 1 x", "补抽 1 1 x", "公开数 1 1", "更正 1 联系 x", "开奖 测试"]
)
async def test_members_change_nothing(opened: OpenDraw, text: str) -> None:
    room = await opened()
    before = room.rows("SELECT * FROM draw")
    assert keys(await room.says("小明", text)) == ["staff.refused"]
    assert room.rows("SELECT * FROM draw") == before


@pytest.mark.parametrize(
    "text", ["验奖", "验奖 abc", "验奖 ²", "验奖 99999999999999999999", "验奖 99", "领奖 x", "领奖 5"]
)
async def test_wrong_numbers_get_a_kind_line(stage: Room, text: str) -> None:
    (line,) = await stage.says("小明", text)
    assert line.phrase in ("draw.which", "draw.unknown", "draw.nothing_to_claim")


@pytest.mark.parametrize(
    "text",
    [
        "延期 1 昨天",
        "延期 1 99-99 20:00",
        "延期 1 9999999999d",
        "延期 1",
        "延期 1 2月30日 20:00",
        "作废 1",
        "更正 1 天气 好",
    ],
)
async def test_staff_who_mistype_are_told_so(opened: OpenDraw, text: str) -> None:
    room = await opened()
    assert keys(await room.boss_says(text)) == ["draw.bad"]
    assert room.one("SELECT failed FROM interaction ORDER BY seq DESC LIMIT 1") == 0


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("2小时", "12-02 13:58"), ("2小时后", "12-02 13:58"), ("20:00", "12-02 20:00"), ("8:00", "12-03 08:00"),
        ("明天 20：00", "12-03 20:00"), ("周五 20:00", "12-04 20:00"), ("周三 8:00", "12-09 08:00"), ("12-04 20:00", "12-04 20:00"),
    ],
)  # fmt: skip
def test_a_moment_is_read_as_people_write_it(text: str, due: str) -> None:
    assert parse_when(text, at("12-02 11:58")) == at(due)


def test_prizes_are_read_as_people_write_them() -> None:
    assert parse_prizes("试吃装 实物 3份；小 积分 积分50 ×5 2.5%\n免单 1") == [
        {"name": "试吃装", "kind": "实物", "quantity": 3},
        {"name": "小 积分", "kind": "积分", "points": 50, "quantity": 5, "odds": "2.5%"},
        {"name": "免单", "quantity": 1},
    ]
    for wrong in ("", "；", "3份", "试吃装", "试吃装 很多"):
        with pytest.raises(ValueError, match="份|奖品"):
            parse_prizes(wrong)


@pytest.mark.parametrize(
    ("mode", "text"), [("daily", "20点"), ("daily", "20:00 很多天"), ("surprise", "14:00"), ("once", "")]
)
def test_a_deadline_that_cannot_be_read_is_refused(mode: str, text: str) -> None:
    with pytest.raises(ValueError, match="."):
        parse_deadline(text, mode, at("12-02 11:58"))
