"""Beats that open something: a draw, a quiz, a game; once, whatever restarts, and staff hear when it cannot be."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import switchboard_for
from bot.config import check_model, shipped
from bot.content import load_content
from bot.errors import ConfigError
from bot.events import BeatDue
from bot.playing import GAMES
from bot.quizbank import load_banks
from bot.scripts.model import BeatModel
from bot.stage import CHANNEL
from storage.fsck import check
from tests.conftest import OpenRoom, Room, a_config, at, keys
from tests.test_draws import PLAN, PRIZE

MINUTE = timedelta(minutes=1)
OpenWeek = Callable[..., Any]
BEAT = '[[beat]]\nid = "b{number}"\ntitle = "第{number}拍"\nweekday = "每天"\ntime = "{time}"\nopens = {opens}\n'


def a_script(folder: Path, *beats: str, time: str = "12:00", more: str = "") -> Path:
    """A folder with one script whose beats open these things, all at one time."""
    scripts = folder / "scripts"
    scripts.mkdir(exist_ok=True)
    text = "".join(BEAT.format(number=n, time=time, opens=opens) + more for n, opens in enumerate(beats, start=1))
    (scripts / "mine.toml").write_text(f'title = "我的"\n{text}', encoding="utf-8")
    return scripts


def a_draw(folder: Path, more: str = "", name: str = "测试", prizes: str = PRIZE, without: str = "") -> Path:
    draws = folder / "draws"
    draws.mkdir(exist_ok=True)
    kept = "\n".join(line for line in PLAN.split("\n") if not without or not line.startswith(without))
    (draws / f"{name}.toml").write_text(f"{kept}\n{more}\n{prizes}", encoding="utf-8")
    return draws


def the_config(scripts: Path, plans: Path | None = None, **group: Any) -> dict[str, Any]:
    bot = {"scripts": str(scripts)} | ({"draws": str(plans)} if plans else {})
    return {"bot": bot, "groups": {"yuanqi": {"scripts": ["mine"], **group}}}


@pytest.fixture
def week(open_room: OpenRoom, tmp_path: Path) -> OpenWeek:
    """`await week('{ game = "盖楼" }')`: a room two minutes before these beats fall due."""

    async def open_week(*beats: str, plans: Path | None = None, more: str = "", time: str = "12:00",
                        **group: Any) -> Room:  # fmt: skip
        room: Room = await open_room(the_config(a_script(tmp_path, *beats, time=time, more=more), plans, **group))
        await room.boss_says("状态", private=True)
        return room

    return open_week


def sessions(room: Room) -> list[tuple[Any, ...]]:
    return room.rows("SELECT game, status, member_id FROM game_session ORDER BY id")


# -- what opens ----------------------------------------------------------------------------------------------------


async def test_a_beat_opens_a_draw_whose_deadline_counts_from_the_opening(week: OpenWeek, tmp_path: Path) -> None:
    room = await week('{ draw = "测试" }', plans=a_draw(tmp_path))
    assert keys(await room.wait(3 * MINUTE)) == ["draw.opened"]
    assert room.one("SELECT deadline - opens_at FROM draw") == 3_600_000
    assert await room.restart() == []
    await room.everyone_says(["小满", "阿杰", "豆豆"], "冲呀")
    assert "draw.result" in keys(await room.until("13:01"))
    assert room.one("SELECT opener_id FROM draw") == ""
    assert check(room.db).violations == []


async def test_the_next_day_the_same_beat_opens_the_next_draw(week: OpenWeek, tmp_path: Path) -> None:
    room = await week('{ draw = "测试" }', plans=a_draw(tmp_path))
    await room.wait(timedelta(days=2))
    assert room.rows("SELECT id, state FROM draw") == [(1, "drawn"), (2, "drawn")]


async def test_a_draw_still_open_is_told_to_staff_and_nothing_else_happens(week: OpenWeek, tmp_path: Path) -> None:
    room = await week('{ draw = "测试" }', plans=a_draw(tmp_path, 'lasts = "2d"', without="lasts"))
    await room.wait(3 * MINUTE)
    (told,) = await room.wait(timedelta(days=1))
    assert (told.phrase, told.member, told.group) == ("opening.failed", "dianzhang", None)
    assert "第 1 号「测试」还没结束" in told.text
    assert room.one("SELECT count(*) FROM draw") == 1


@pytest.mark.parametrize("mode", ["抢答", "全员"])
async def test_a_beat_opens_a_quiz_of_its_tags(week: OpenWeek, mode: str) -> None:
    room = await week(f'{{ quiz = {{ mode = "{mode}", questions = 2, tags = ["成语"] }} }}')
    said = await room.wait(2 * MINUTE + timedelta(seconds=1))
    assert keys(said) == ["quiz.open_race" if mode == "抢答" else "quiz.open_all", "quiz.ask"]
    assert sessions(room) == [("quiz", "open", None)]
    asked = room.one("SELECT question_id FROM quiz_question")
    assert asked in {one.id for one in room.app.desk.questions() if one.is_about("成语")}


async def test_no_more_questions_than_the_group_allows(week: OpenWeek) -> None:
    room = await week("{ quiz = { questions = 9 } }", quiz={"most": 2})
    (opened, _) = await room.wait(2 * MINUTE + timedelta(seconds=1))
    assert "2" in opened.text
    assert "9" not in opened.text


WORDS = {
    "bomb": "", "floors": "元气 20:00", "groupbuy": "气泡水 3人 10份 2小时", "passphrase": "元气满满", "pk": "盖楼",
    "relay": "一心一意", "signup": "徒步 20:00", "sums": "", "vote": "新口味 白桃 青柠 20:00",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(one.id for one in GAMES.values() if one.words))
async def test_every_game_can_be_opened_by_a_beat_and_ended_by_staff_alone(week: OpenWeek, name: str) -> None:
    game = GAMES[name]
    room = await week(f'{{ game = "{game.title}", words = "{WORDS[name]}" }}')
    said = await room.wait(2 * MINUTE + timedelta(seconds=1))
    assert said
    assert {line.group for line in said} == {"yuanqi"}
    assert sessions(room) == [(name, "open", None)]
    assert keys(await room.says("小满", f"结束 {game.title}")) == ["play.not_yours"]
    await room.boss_says(f"结束 {game.title}")
    assert sessions(room) == [(name, "stopped", None)]
    assert room.rows("SELECT id FROM interaction WHERE failed = 1") == []


async def test_a_game_still_open_is_told_to_staff_and_goes_on(week: OpenWeek) -> None:
    room = await week('{ game = "盖楼", words = "元气 20:00" }')
    await room.says("小满", "盖楼 我先")
    (told,) = await room.wait(3 * MINUTE)
    assert (told.phrase, told.group) == ("opening.failed", None)
    assert sessions(room) == [("floors", "open", "小满")]
    assert keys(await room.says("阿杰", "看楼")) == ["floors.board"]


async def test_a_surprise_opened_by_a_beat_comes_by_itself_later(week: OpenWeek, tmp_path: Path) -> None:
    draws = a_draw(tmp_path, 'mode = "surprise"\nwindow = "14:00-18:00"\nlasts = "10min"', without="lasts")
    room = await week('{ draw = "测试" }', plans=draws)
    assert await room.wait(3 * MINUTE) == []
    assert keys(await room.until("18:11"))[:1] == ["draw.opened"]


async def test_a_surprise_that_nobody_opened_by_hand_is_missed_before_all_of_staff(
    week: OpenWeek, tmp_path: Path
) -> None:
    draws = a_draw(tmp_path, 'mode = "surprise"\nwindow = "14:00-18:00"\nlasts = "10min"', without="lasts")
    room = await week('{ draw = "测试" }', plans=draws)
    await room.wait(3 * MINUTE)
    told = await room.power_cut(timedelta(hours=8))
    assert [(line.phrase, line.member) for line in told] == [("draw.told", "dianzhang")]


async def test_a_daily_draw_opened_by_a_beat_goes_round_by_round(week: OpenWeek, tmp_path: Path) -> None:
    draws = a_draw(tmp_path, 'mode = "daily"\ntime = "20:00"\nrounds = 2', without="lasts")
    room = await week('{ draw = "测试" }', plans=draws)
    await room.until("20:30")
    assert room.rows("SELECT round, state FROM draw") == [(1, "drawn"), (2, "open")]


# -- once, and in time ---------------------------------------------------------------------------------------------


async def test_the_event_of_a_beat_opens_once_however_often_it_comes(week: OpenWeek, tmp_path: Path) -> None:
    room = await week('{ draw = "测试" }', '{ game = "盖楼" }', plans=a_draw(tmp_path))
    await room.wait(3 * MINUTE)
    await room.boss_says("作废 1 试试")
    await room.boss_says("结束 盖楼")
    for number in (1, 2):
        again = BeatDue(
            id=f"mine.b{number}:yuanqi:2026-12-02T04:00Z", at=at("12-02 12:00"), channel=CHANNEL, group="yuanqi",
            beat=f"mine.b{number}",
        )  # fmt: skip
        assert await room.feed([again]) == []
    for _ in range(3):
        assert await room.restart() == []
    assert room.one("SELECT count(*) FROM draw") == 1
    assert room.one("SELECT count(*) FROM game_session") == 1


async def test_a_beat_that_comes_too_late_opens_nothing_and_is_reported(week: OpenWeek, tmp_path: Path) -> None:
    room = await week('{ draw = "测试" }', '{ game = "盖楼" }', plans=a_draw(tmp_path), more='lateness = "10min"\n')
    said = await room.power_cut(timedelta(minutes=30)) + await room.wait(MINUTE)
    assert keys(said) == ["staff.missed"]
    assert room.one("SELECT count(*) FROM draw") == room.one("SELECT count(*) FROM game_session") == 0


async def test_a_little_late_is_not_too_late_and_the_deadline_is_a_full_hour_away(
    week: OpenWeek, tmp_path: Path
) -> None:
    room = await week('{ draw = "测试" }', plans=a_draw(tmp_path), more='lateness = "10min"\n')
    assert keys(await room.power_cut(timedelta(minutes=8))) == ["draw.opened"]
    assert room.one("SELECT deadline FROM draw") == int(at("12-02 13:06").timestamp() * 1000)


@pytest.mark.parametrize(
    ("group", "word"),
    [
        ({"muted": True}, "静音"), ({"quiet": "11:00-13:00"}, "安静时段"), ({"quiz": {"on": False}}, "quiz.on"),
        ({"draws": {"on": False}}, "draws.on"),
    ],
)  # fmt: skip
async def test_mute_quiet_hours_and_switches_hold_and_staff_hear_why(
    week: OpenWeek, tmp_path: Path, group: dict[str, Any], word: str
) -> None:
    what = "{ quiz = { questions = 1 } }" if "quiz" in group else '{ draw = "测试" }'
    room = await week(what, plans=a_draw(tmp_path), **group)
    (told,) = await room.wait(3 * MINUTE)
    assert told.phrase == "opening.failed"
    assert word in told.text
    assert room.one("SELECT count(*) FROM draw") == room.one("SELECT count(*) FROM game_session") == 0


async def test_a_quiz_whose_questions_were_all_asked_is_told_to_staff(week: OpenWeek) -> None:
    questions = load_banks(shipped("persona/xiaoyuanzi/quiz"))
    rarest = min(Counter(tag for one in questions for tag in one.tags).items(), key=lambda one: (one[1], one[0]))[0]
    room = await week(f'{{ quiz = {{ questions = 50, tags = ["{rarest}"] }} }}', quiz={"silent": 20})
    assert keys(await room.wait(3 * MINUTE))[:2] == ["quiz.open_race", "quiz.ask"]
    (told,) = await room.wait(timedelta(days=1))
    assert told.phrase == "opening.failed"
    assert "没出过" in told.text


# -- what is shown, what is refused --------------------------------------------------------------------------------


async def test_the_agenda_says_what_opens(week: OpenWeek, tmp_path: Path) -> None:
    room = await week(
        '{ draw = "测试" }', '{ quiz = { questions = 3, tags = ["成语"] } }', '{ game = "盖楼", words = "元气 20:00" }',
        plans=a_draw(tmp_path),
    )  # fmt: skip
    (shown,) = await room.boss_says("日程")
    for words in ("开抽奖「测试」", "抢答答题 3 题（成语）", "开「盖楼」元气 20:00"):
        assert words in shown.text


def problems(folder: Path, opens: str, draws: Path | None = None) -> str:
    config = a_config(the_config(a_script(folder, opens), draws))
    with pytest.raises(ConfigError) as found:
        load_content(config, switchboard_for(config).phrases)
    return "\n".join(f"{one.file} {one.key} {one.reason} {one.hint}" for one in found.value.problems)


@pytest.mark.parametrize(
    ("opens", "key", "word"),
    [
        ('{ draw = "新品试喝" }', "opens.draw", "新品试吃"),
        ('{ draw = "固定" }', "opens.draw", "lasts"),
        ('{ draw = "多群" }', "opens.draw", "groups"),
        ('{ quiz = { tags = ["成雨"] } }', "opens.quiz.tags", "成语"),
        ('{ game = "盖搂" }', "opens.game", "盖楼"),
        ('{ game = "答题" }', "opens.game", "没有"),
        ('{ game = "盖楼", words = "元气 12-30 20:00" }', "opens.words", "太远"),
        ('{ game = "成语接龙", words = "不是成语" }', "opens.words", "开不了局"),
        ('{ game = "投票", words = "" }', "opens.words", "开不了局"),
        ('{ draw = "新品试吃", quiz = { questions = 1 } }', "opens.draw", "答题成绩"),
        ("{ }", "", "写一样"),
        ('{ draw = "新品试吃", game = "盖楼" }', "", "写一样"),
        ('{ draw = "新品试吃", words = "x" }', "", "words"),
        ("{ quiz = { questions = 0 } }", "questions", ""),
    ],
)
def test_what_cannot_open_is_found_at_start_up(tmp_path: Path, opens: str, key: str, word: str) -> None:
    a_draw(tmp_path, "deadline = 2026-12-04T20:00:00+08:00", name="固定", without="lasts")
    draws = a_draw(tmp_path, 'groups = ["yuanqi"]', name="多群")
    found = problems(tmp_path, opens, draws)
    assert "mine.toml" in found
    assert key in found
    assert word in found


@pytest.mark.parametrize("data", [{}, {"phrase": "x", "opens": {"game": "盖楼"}},
                                  {"opens": {"game": "盖楼"}, "slots": {"a": "b"}}])  # fmt: skip
def test_a_beat_says_a_phrase_or_opens_something_and_not_both(data: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        check_model(BeatModel, {"id": "x", "title": "x", "weekday": "每天", "time": "12:00", **data}, "x")
