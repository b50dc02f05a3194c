"""Questionnaires: answers are understood as people give them, resume after anything, and become tags with evidence."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import shipped
from bot.survey import chosen, load_surveys
from storage.database import Database
from storage.fsck import check
from storage.fsck_surveys import QUESTIONS
from storage.store import Store
from storage.surveys import SurveyRun
from storage.tags import FOREVER, Evidence, TagRow
from tests.conftest import BOSS, OpenRoom, group_config, keys
from tests.fsck_kit import Break, broken, sql

SURVEYS, NO_PROBLEMS = load_surveys(shipped("persona") / "xiaoyuanzi" / "survey", [])
SCORED, _ = load_surveys(shipped("persona") / "heyan" / "survey", [])
FIRST = SURVEYS["taste"].questions[0]


def test_the_shipped_ones_are_sound() -> None:
    assert NO_PROBLEMS == []
    assert [len(one.questions) for one in (*SURVEYS.values(), *SCORED.values())] == [2, 3]


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("1", 0), ("２", 1), ("c", 2), ("C。", 2), ("选2", 1), ("第3个", 2), ("无糖！", 0), ("我选无糖吧", 0), ("4", None), ("0", None),
        ("甜一点 无糖", None), ("随便", None), ("", None), ("d", None), ("²", 1),
    ],
)  # fmt: skip
def test_answers_are_understood_as_people_give_them(text: str, choice: int | None) -> None:
    assert chosen(FIRST, text) == choice


@given(st.text(max_size=20))
def test_an_answer_is_a_choice_or_nothing(text: str) -> None:
    choice = chosen(FIRST, text)
    assert choice is None or 0 <= choice < len(FIRST.choice)


@given(st.lists(st.integers(0, 2), min_size=3, max_size=3))
def test_every_total_has_the_band_that_it_reached(choices: list[int]) -> None:
    survey = SCORED["diet"]
    band = survey.band(dict(enumerate(choices)))
    assert band is not None
    total = sum(ask.choice[one].score for ask, one in zip(survey.questions, choices, strict=True))
    assert band.at <= total
    assert all(one.at > total for one in survey.bands if one.at > band.at)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("question = []", "title"), ('title = "x"\nintro = "最便宜"', "question"),
        ('title = "x"\nintro = "y"\n[[question]]\ntext = "q"\nchoice = [{ text = "a" }, { text = "b" }]', "一个标签也不会给"),
        ('title = "x"\nintro = "y"\n[[question]]\ntext = "q"\nchoice = [{ text = "a", score = 1 }, { text = "b" }]', "band"),
        ('title = "x"\nintro = "y"\n[[question]]\ntext = "q"\nchoice = [{ text = "a", tag = "t" }, { text = "a！" }]', "两个选项一样"),
        ('title = "x"\nintro = "禁词"\n[[question]]\ntext = "q"\nchoice = [{ text = "a", tag = "t" }, { text = "b" }]', "禁用词"),
    ],
)  # fmt: skip
def test_a_wrong_questionnaire_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    _, problems = load_surveys(tmp_path, ["禁词"])
    assert says in "\n".join(map(str, problems))


async def test_a_second_time_replaces_the_answers_of_the_first(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[], welcome={"on": False}))
    for answers in (["无糖", "1"], ["甜一点", "2"]):
        await room.says("小满", "问卷", private=True)
        for answer in answers:
            await room.says("小满", answer, private=True)
    assert [row[0] for row in room.rows("SELECT tag FROM member_tag WHERE origin = 'answer' ORDER BY tag")] == [
        "爱甜",
        "运动后喝",
    ]
    await room.close()
    assert check(room.db).violations == []


async def test_a_questionnaire_that_nobody_goes_on_with_is_let_be(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[], welcome={"on": False}))
    await room.says("小满", "问卷", private=True)
    asked = [keys(await room.says("小满", f"今天第{number}次说别的呢", private=True)) for number in range(3)]
    assert asked[:2] == [["survey.again"], ["survey.again"]]
    assert "survey.again" not in asked[2]
    await room.wait(timedelta(days=8))
    assert "survey.ask" not in keys(await room.says("小满", "1", private=True))


async def test_an_answer_outweighs_what_staff_denied(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[], welcome={"on": False}))
    room.people["店长"] = BOSS
    await room.says("小满", "早")
    await room.boss_says("去标签 @小满 无糖")
    await room.says("小满", "问卷", private=True)
    await room.says("小满", "1", private=True)
    (line,) = await room.says("小满", "我的标签", private=True)
    assert "无糖" in line.text


def test_forgetting_leaves_no_trace(store: Store) -> None:
    store.surveys.put("m", SurveyRun("taste", "1", "open", 1, 0, 1))
    store.surveys.answer("m", "taste", 0, 1, event_id="e", at=1)
    assert store.surveys.is_answering(None, "m")
    assert store.surveys.forget("m") == 2
    assert not store.surveys.is_answering(None, "m")
    assert store.surveys.answers("m", "taste") == []


@pytest.fixture
def answered(tmp_path: Path) -> Path:
    """One answer and its tag."""
    path = tmp_path / "answered.db"
    database = Database.open(path, "off")
    database.begin()
    store = Store(database)
    store.surveys.put("m", SurveyRun("taste", "1", "open", 1, 0, 1))
    store.surveys.answer("m", "taste", 0, 0, event_id="e", at=1)
    row = TagRow("m", "无糖", "answer", "survey.taste.0", "1", 1, 4, 1, 1, FOREVER, None, 0, "x")
    store.tags.give(row, [Evidence("e", 1, "survey", "e")])
    database.commit()
    database.close()
    return path


CASES: dict[str, Break] = {
    "answer_evidence_exists": sql("UPDATE survey_answer SET event_id = 'other'"),
    "survey_gap": sql("UPDATE survey_run SET step = 2"),
}


def test_every_rule_has_a_case() -> None:
    assert set(QUESTIONS) == set(CASES)


def test_answers_in_order_are_clean(answered: Path) -> None:
    assert check(answered).violations == []


@pytest.mark.parametrize("rule", CASES)
def test_a_broken_promise_is_named(answered: Path, rule: str) -> None:
    assert broken(answered, CASES[rule]) == [rule]
