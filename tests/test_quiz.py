"""The quiz in the whole bot: the buzzer, the ledger, appeals, prizes, kills and repeats."""

from datetime import timedelta
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import pytest

from bot.config import shipped
from storage.fsck import check
from tests.conftest import OpenRoom, Room, group_config, keys

BANK = """title = "小测"
[[question]]
id = "one"
text = "豆子磨出来的饮料叫什么？"
answers = ["豆浆", "豆乳"]
hint = ["白白的", "早上喝"]
explanation = "配油条。"
tags = ["甲"]
difficulty = 1
[[question]]
id = "two"
text = "一打是多少？"
answers = ["12", "12个"]
tags = ["乙"]
difficulty = 2
[[question]]
id = "three"
text = "三七二十几？"
answers = ["21"]
tags = ["丙"]
difficulty = 3
"""


@pytest.fixture
async def quiz(open_room: OpenRoom, tmp_path: Path) -> Room:
    """A room with three questions of its own."""
    return await open_room(settings_of(tmp_path))


def settings_of(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    folder = tmp_path / "persona"
    if not folder.exists():
        copytree(shipped("persona"), folder)
        rmtree(folder / "xiaoyuanzi" / "quiz")
        (folder / "xiaoyuanzi" / "quiz").mkdir()
        (folder / "xiaoyuanzi" / "quiz" / "test.toml").write_text(BANK, encoding="utf-8")
    return {**group_config(scripts=[], **changes), "bot": {"persona_dir": str(folder)}}


def points(room: Room, name: str) -> int:
    return int(room.app.store.ledger.balance(f"member:{room.id_of(name)}"))


def clean(room: Room) -> bool:
    report = check(room.db)
    assert report.is_clean, report.violations
    return True


async def test_two_hundred_right_answers_in_one_millisecond_have_one_winner(quiz: Room) -> None:
    await quiz.says("老王", "抢答 甲")
    now = quiz.world.now()
    events = [quiz.a_message(f"buzz{n}", "豆浆", at=now, member=f"m{n}", name=f"成员{n}") for n in range(200)]
    lines = await quiz.feed(list(events))
    assert keys(lines) == ["quiz.right"]
    assert "成员0" in lines[0].text
    assert quiz.one("SELECT count(*) FROM movement WHERE key LIKE 'game/%'") == 1
    assert quiz.app.store.ledger.balance("member:m0") == 8
    assert quiz.one("SELECT count(*) FROM quiz_answer WHERE rank = 1") == 1
    assert clean(quiz)


async def test_two_hundred_guesses_of_which_one_is_right_are_all_in_the_record(quiz: Room) -> None:
    await quiz.says("老王", "抢答 甲")
    now = quiz.world.now()
    events = [
        quiz.a_message(f"buzz{n}", "牛奶" if n < 199 else "豆浆", at=now, member=f"m{n}", name=f"成员{n}") for n in range(200)
    ]  # fmt: skip
    assert keys(await quiz.feed(list(events))) == ["quiz.right"]
    assert quiz.rows("SELECT min(place), max(place), count(*) FROM quiz_answer") == [(1, 200, 200)]
    (line,) = await quiz.says("小满", "答题记录 1 10")
    assert "成员199「豆浆」对 +8" in line.text
    assert clean(quiz)


async def test_a_repeated_delivery_of_the_winning_answer_pays_once(quiz: Room) -> None:
    await quiz.says("老王", "抢答 甲")
    answer = quiz.a_message("win", "豆浆", member="m", name="小明")
    assert keys(await quiz.feed([answer])) == ["quiz.right"]
    assert await quiz.feed([answer]) == []
    await quiz.restart()
    assert await quiz.feed([answer]) == []
    assert quiz.app.store.ledger.balance("member:m") == 8


async def test_no_question_comes_back_within_the_days_that_are_set(quiz: Room) -> None:
    for _ in range(3):
        await quiz.says("小满", "抢答")
        await quiz.says("小满", "结束")
    assert keys(await quiz.says("小满", "抢答")) == ["quiz.exhausted"]
    assert quiz.one("SELECT count(DISTINCT question_id) FROM quiz_question") == 3
    await quiz.wait(timedelta(days=31))
    assert keys(await quiz.says("小满", "抢答")) == ["quiz.open_race", "quiz.ask"]


async def test_an_upheld_appeal_moves_points_from_the_later_winner(quiz: Room) -> None:
    await quiz.says("老王", "抢答 甲")
    assert await quiz.says("小满", "黄豆奶") == []
    await quiz.says("小明", "豆浆")
    assert (points(quiz, "小满"), points(quiz, "小明")) == (0, 8)
    lines = await quiz.says("小满", "答案申诉")
    assert keys(lines) == ["quiz.appeal", "quiz.appeal_staff"]
    assert keys(await quiz.says("小明", "改判 对")) == ["staff.refused"]
    lines = await quiz.boss_says("改判 对")
    assert keys(lines) == ["quiz.ruled_right"]
    assert (points(quiz, "小满"), points(quiz, "小明")) == (8, 0)
    assert "8 → 0" in lines[0].text
    assert "0 → 8" in lines[0].text
    assert clean(quiz)


async def test_a_ruling_can_be_turned_round_again_and_the_books_still_agree(quiz: Room) -> None:
    await quiz.says("老王", "全员答题 甲")
    for name, text in (("小满", "牛奶"), ("小明", "豆浆"), ("小红", "豆乳")):
        await quiz.says(name, text)
    await quiz.wait(timedelta(minutes=2))
    assert [points(quiz, one) for one in ("小满", "小明", "小红")] == [0, 8, 6]
    for verdict, expected in (
        ("对 1-1", [8, 6, 6]),
        ("错 1-2", [8, 0, 6]),
        ("对 1-2", [8, 6, 6]),
        ("错 1-1", [0, 8, 6]),
    ):
        assert keys(await quiz.boss_says(f"改判 {verdict}"))[0] in ("quiz.ruled_right", "quiz.ruled_wrong")
        assert [points(quiz, one) for one in ("小满", "小明", "小红")] == expected
        assert clean(quiz)
    assert keys(await quiz.boss_says("改判 错 1-1")) == ["quiz.rule_same"]


async def test_a_ruling_takes_back_what_was_bought_with_the_points(quiz: Room) -> None:
    quiz.people["店长"] = "dianzhang"
    await quiz.says("老王", "抢答 甲")
    await quiz.says("小满", "豆花")
    await quiz.says("小明", "豆浆")
    await quiz.says("店长", "发分 @小明 192 测试")
    assert keys(await quiz.says("小明", "兑换 3")) == ["shop.done"]
    assert points(quiz, "小明") == 0
    (line,) = await quiz.says("店长", "改判 对 1-1")
    assert line.phrase == "quiz.ruled_right"
    assert "小明 8 → 0 分，连带退回兑换 1 号" in line.text
    assert "称号从「常客」变为「新朋友」" in line.text
    assert points(quiz, "小明") == 192
    assert quiz.one("SELECT state FROM redemption") == "refunded"
    assert clean(quiz)


async def test_a_day_has_so_many_sessions_for_members_and_any_number_for_staff(
    open_room: OpenRoom, tmp_path: Path
) -> None:
    room = await open_room(settings_of(tmp_path, quiz={"per_day": 2, "repeat_days": 0}))
    room.people["店长"] = "dianzhang"
    for name in ("小满", "店长", "小明"):
        assert keys(await room.says(name, "抢答 甲")) == ["quiz.open_race", "quiz.ask"]
        await room.says(name, "结束")
    (line,) = await room.says("小满", "答题 1")
    assert line.phrase == "quiz.enough"
    assert "2 局" in line.text
    assert keys(await room.says("店长", "全员答题 甲")) == ["quiz.open_all", "quiz.ask"]
    await room.says("店长", "结束")
    await room.restart()
    assert keys(await room.says("小红", "抢答")) == ["quiz.enough"]
    room.group = "another"
    assert keys(await room.says("小红", "抢答 甲")) == ["quiz.open_race", "quiz.ask"]
    room.group = "yuanqi"
    await room.until("明天 00:00")
    assert keys(await room.says("小红", "抢答 甲")) == ["quiz.open_race", "quiz.ask"]


async def test_an_appeal_has_a_window_and_is_made_once(quiz: Room) -> None:
    await quiz.says("老王", "抢答 甲")
    await quiz.says("小满", "牛奶")
    assert keys(await quiz.says("小满", "答案申诉")) == ["quiz.appeal_wait"]
    await quiz.wait(timedelta(minutes=2))
    assert keys(await quiz.says("小红", "答案申诉")) == ["quiz.appeal_none"]
    assert keys(await quiz.says("小满", "答案申诉"))[0] == "quiz.appeal"
    assert keys(await quiz.says("小满", "答案申诉")) == ["quiz.appeal_again"]
    assert keys(await quiz.boss_says("改判 错")) == ["quiz.ruled_wrong"]
    assert keys(await quiz.boss_says("改判 错")) == ["quiz.rule_none"]
    await quiz.says("老王", "抢答 乙")
    await quiz.says("小满", "13")
    await quiz.wait(timedelta(minutes=40))
    assert keys(await quiz.says("小满", "答案申诉")) == ["quiz.appeal_late"]


async def test_a_ruling_in_the_middle_of_a_series_shows_on_its_board(quiz: Room) -> None:
    await quiz.boss_says("答题 3")
    await quiz.says("小满", "牛奶")
    while quiz.rows("SELECT 1 FROM quiz_question WHERE number = 2") == []:
        await quiz.wait(timedelta(seconds=5))
    assert keys(await quiz.boss_says("改判 对 1-1")) == ["quiz.ruled_right"]
    lines = await quiz.wait(timedelta(minutes=8))
    assert keys(lines)[-1] == "quiz.board"
    assert "小满 8 分" in lines[-1].text
    assert points(quiz, "小满") == 8
    assert clean(quiz)


async def test_a_prize_is_owed_once_and_follows_a_ruling(quiz: Room) -> None:
    lines = await quiz.boss_says("有奖问答 试吃装 A")
    assert keys(lines)[:2] == ["quiz.open_race", "quiz.open_prize"]
    right = {"one": "豆浆", "two": "12", "three": "21"}[quiz.one("SELECT question_id FROM quiz_question")]
    await quiz.says("小满", "不对的")
    assert keys(await quiz.says("小明", right)) == ["quiz.right", "quiz.prize"]
    assert quiz.rows("SELECT member_id, what, state FROM prize") == [(quiz.id_of("小明"), "试吃装 A", "owed")]
    assert keys(await quiz.boss_says("改判 对 1-1")) == ["quiz.ruled_right", "quiz.prize_moved"]
    assert quiz.rows("SELECT member_id, state FROM prize ORDER BY id") == [
        (quiz.id_of("小明"), "taken_back"), (quiz.id_of("小满"), "owed"),
    ]  # fmt: skip
    assert quiz.app.store.prizes.hand_over(2)
    assert keys(await quiz.boss_says("改判 错 1-1")) == ["quiz.ruled_wrong", "quiz.prize_kept"]
    assert clean(quiz)


async def test_the_record_never_shows_an_open_question(quiz: Room) -> None:
    await quiz.says("老王", "全员答题 甲")
    await quiz.says("小满", "豆浆")
    assert keys(await quiz.says("小明", "答题记录")) == ["quiz.no_record"]


@pytest.mark.parametrize(("text", "key"), [
    ("抢答 0", "quiz.usage"), ("抢答 99", "quiz.usage"), ("抢答 天文", "quiz.no_topic"), ("抢答 99999999999", "quiz.usage"),
])  # fmt: skip
async def test_what_cannot_be_opened_is_explained(quiz: Room, text: str, key: str) -> None:
    assert keys(await quiz.says("小满", text)) == [key]


async def test_a_persona_without_questions_says_so(open_room: OpenRoom, tmp_path: Path) -> None:
    changes = settings_of(tmp_path)
    (tmp_path / "persona" / "xiaoyuanzi" / "quiz" / "test.toml").unlink()
    room = await open_room(changes)
    assert keys(await room.says("小满", "抢答")) == ["quiz.empty"]


async def test_in_one_to_one_there_is_no_quiz(quiz: Room) -> None:
    assert keys(await quiz.says("小满", "抢答", private=True)) == ["play.only_in_group"]


async def test_difficulty_is_taken_from_the_words_and_from_the_settings(open_room: OpenRoom, tmp_path: Path) -> None:
    room = await open_room(settings_of(tmp_path, quiz={"difficulty": 2}))
    await room.says("小满", "抢答")
    await room.says("小满", "结束")
    await room.says("小满", "抢答 难")
    assert room.rows("SELECT question_id FROM quiz_question ORDER BY session_id") == [("two",), ("three",)]


async def test_twenty_restarts_in_a_session_change_nothing_but_its_clock(quiz: Room) -> None:
    await quiz.says("老王", "全员答题 甲")
    await quiz.says("小满", "豆浆")
    for _ in range(20):
        await quiz.restart()
        assert await quiz.says("小满", "牛奶") == []
    lines = await quiz.wait(timedelta(minutes=3))
    assert keys(lines)[-1] == "quiz.result"
    assert points(quiz, "小满") == 8
    assert clean(quiz)


async def test_a_question_that_an_older_version_left_open_goes_on(quiz: Room) -> None:
    await quiz.says("老王", "全员答题 甲")
    await quiz.says("小满", "牛奶")
    await quiz.says("阿杰", "豆浆")
    # Until then the guesses stood in the state of the session as well.
    quiz.app.store.db.execute(
        "UPDATE game_session SET state = json_set(state, '$.guesses', json(?))",
        (f'[["{quiz.id_of("小满")}", 0, 0], ["{quiz.id_of("阿杰")}", 1, 0]]',),
    )
    quiz.app.store.db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm080_quiz_guesses'")
    await quiz.restart()
    assert quiz.one("SELECT json_type(state, '$.guesses') FROM game_session") is None
    await quiz.says("小满", "豆浆")  # had their guess
    await quiz.says("豆豆", "豆乳")
    lines = await quiz.wait(timedelta(minutes=3))
    assert keys(lines)[-1] == "quiz.result"
    assert quiz.rows("SELECT place, member_id, rank, points FROM quiz_answer ORDER BY place") == [
        (1, quiz.id_of("小满"), None, 0), (2, quiz.id_of("阿杰"), 1, 8), (3, quiz.id_of("豆豆"), 2, 6),
    ]  # fmt: skip
    assert clean(quiz)


async def test_mistakes_of_others_between_the_guesses_change_nothing(quiz: Room) -> None:
    await quiz.says("老王", "抢答 甲")
    for number in range(5):
        assert await quiz.says(f"成员{number}", "牛奶") == []
        assert keys(await quiz.says("老王", "抢答")) == ["play.running"]
        assert await quiz.says(f"成员{number}", "豆浆") == [], "one guess each"
    assert keys(await quiz.says("小满", "豆浆")) == ["quiz.right"]
    assert quiz.rows("SELECT place, is_right FROM quiz_answer ORDER BY place") == [
        (n, int(n == 6)) for n in range(1, 7)
    ]
    assert quiz.rows("SELECT number FROM game_move ORDER BY number") == [(n,) for n in range(1, 7)]
    assert clean(quiz)


async def test_a_broken_record_is_found_by_fsck(quiz: Room) -> None:
    await quiz.says("老王", "抢答 甲")
    await quiz.says("小满", "豆浆")

    def damage() -> None:
        quiz.app.store.db.execute("UPDATE quiz_answer SET points = points + 1")

    await quiz.app.engine.write(damage)
    assert {one.rule for one in check(quiz.db).violations} == {"quiz_points"}


async def test_a_second_winner_breaks_the_promise_of_the_table(quiz: Room) -> None:
    await quiz.says("老王", "抢答 甲")
    await quiz.says("小满", "牛奶")
    await quiz.says("小明", "豆浆")
    with pytest.raises(Exception, match="UNIQUE|CHECK"):
        quiz.app.store.db.execute("UPDATE quiz_answer SET is_right = 1, rank = 1 WHERE rank IS NULL")


async def test_names_and_answers_that_look_like_slots_are_shown_as_they_are(quiz: Room) -> None:
    await quiz.says("老王", "抢答 甲")
    await quiz.says("{answer}\n%s", "{name}")
    await quiz.says("小明", "豆浆")
    (line,) = await quiz.says("小明", "答题记录 1")
    assert "{answer} %s「{name}」错" in line.text
