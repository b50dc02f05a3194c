"""Group health: each number in its band with one suggestion; two wordings are compared by group, or not at all."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.__main__ import main
from bot.checkups import health_lines
from bot.health import EXACT, check_up, compare, unanswered
from bot.settings.health import HealthSettings
from storage.database import Database
from storage.health import GroupFacts
from storage.store import Store
from tests.conftest import BOSS
from tests.test_tagging import CONFIG, DAY, START, fresh, learn_all, moment, write

RULES = HealthSettings()
WELL = GroupFacts(members=100, talk=600, acts=150, active=245, bot=150, ads=40, quieter=1, joined=3, left=1)
MINUTE = 60_000


def states(facts: GroupFacts, *open_questions: int) -> dict[str, str]:
    return {one.name: one.state for one in check_up(facts, open_questions, 10 * DAY, RULES)}


def test_a_healthy_group_is_well_in_every_number() -> None:
    assert set(states(WELL).values()) == {"good"}
    assert all(one.advice == "" for one in check_up(WELL, [], 0, RULES))


@pytest.mark.parametrize(
    ("changes", "name", "state"),
    [
        ({"talk": 100}, "自发发言", "low"), ({"active": 100}, "日活", "low"), ({"active": 500}, "日活", "high"),
        ({"ads": 400, "bot": 500}, "广告占比", "high"), ({"quieter": 9}, "变沉默", "high"), ({"left": 6}, "退群", "high"),
        ({"members": 5}, "日活", "unknown"), ({"talk": 0, "acts": 0, "bot": 0, "ads": 0}, "自发发言", "unknown"),
    ],
)  # fmt: skip
def test_a_number_outside_its_band_is_named_with_a_suggestion(changes: dict[str, int], name: str, state: str) -> None:
    facts = GroupFacts(**{**{field: getattr(WELL, field) for field in GroupFacts.__slots__}, **changes})
    (found,) = (one for one in check_up(facts, [], 0, RULES) if one.name == name)
    assert found.state == state
    assert found.advice


def test_a_question_is_open_until_somebody_else_speaks_in_time() -> None:
    talk = [
        (0, "a", "几点开门呀", False), (5 * MINUTE, "a", "有人吗", False), (90 * MINUTE, "b", "早", False),
        (100 * MINUTE, "c", "怎么退款", True), (300 * MINUTE, "d", "有没有无糖的？", False), (310 * MINUTE, "a", "有的", False),
        (400 * MINUTE, BOSS, "大家想喝什么？", False), (590 * MINUTE, "e", "刚到吗", False),
    ]  # fmt: skip
    assert unanswered(talk, [BOSS], 600 * MINUTE, 60) == [0, 5 * MINUTE]
    assert states(WELL, 0)["没人接的问题"] == "high"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=8), st.lists(st.floats(0, 1), max_size=8))
def test_a_comparison_does_not_depend_on_who_is_called_first(one: list[float], two: list[float]) -> None:
    there, back = compare(one, two), compare(two, one)
    assert there.groups == back.groups[::-1]
    assert (there.p is None) == (back.p is None)
    if there.p is not None and back.p is not None:
        assert 0 < there.p <= 1
        assert there.p == pytest.approx(back.p)


def test_too_few_groups_give_no_answer_however_clear() -> None:
    assert compare([0.9] * 3, [0.1] * 3).p is None
    assert "样本不足" in compare([1.0], [0.0] * 9).verdict()
    assert compare([], [0.5]).p is None
    clear = compare([0.9, 0.8, 0.85, 0.88], [0.1, 0.2, 0.15, 0.12])
    assert clear.p == pytest.approx(2 / 70)
    assert "第一种更好" in clear.verdict()
    assert "看不出差别" in compare([0.5, 0.6, 0.4, 0.5], [0.5, 0.4, 0.6, 0.5]).verdict()


def test_many_groups_are_sampled_and_agree_with_the_exact_answer() -> None:
    small = [0.30, 0.35, 0.40, 0.45, 0.38, 0.33, 0.41, 0.37, 0.39]
    other = [0.33, 0.38, 0.42, 0.49, 0.41, 0.36, 0.44, 0.40, 0.43]
    exact = compare(small, other).p
    sampled = compare([*small, *small], [*other, *other])
    assert exact is not None
    assert sampled.p is not None
    assert EXACT < 2**31
    assert sampled.p < exact
    assert compare([*small, *small], [*other, *other]) == sampled


def test_the_same_wording_is_seldom_called_better() -> None:
    from bot.world import Luck

    luck = Luck("null")
    wrong = 0
    for trial in range(200):
        rates = [luck.below(1000, trial, number) / 1000 for number in range(10)]
        result = compare(rates[:5], rates[5:])
        wrong += result.p is not None and result.p < 0.05
    assert wrong <= 20


def test_the_lines_of_a_digest_name_what_needs_somebody_first() -> None:
    store = fresh()
    store.members.see_group("yuanqi", "pipe", START)
    for member in range(20):
        write(store, member, (f"m{member}", "早呀大家", None, START - (member % 7) * DAY, "yuanqi"))
    learn_all(store, START + DAY, 100)
    lines = health_lines(store, CONFIG, "yuanqi", moment(START + DAY))
    assert len(lines) == 7
    assert lines[0].startswith("↓ 日活")
    assert lines[-1].startswith("阶段：新人 ")


@pytest.fixture
def posted(tmp_path: Path) -> Path:
    """Two wordings, each in five groups of ten; the second was answered by far more."""
    path = tmp_path / "posted.db"
    database = Database.open(path, "off")
    database.begin()
    store = Store(database)
    for number in range(10):
        group, beat = f"g{number}", "w.a" if number < 5 else "w.b"
        for member in range(10):
            store.members.join(group, f"m{number}-{member}", 1, inviter="", source="")
        event = f"{beat}:{group}:1"
        store.interactions.record(event, "beat_due", 1000, "", group, None, text=None, details={}, route=None)
        database.execute(
            "INSERT INTO outbox (key, sort, channel, group_id, phrase, slots, event_id, because, created_at, not_before,"
            " expires_at, state, attempts, text) VALUES (?, 'campaign', 'pipe', ?, 'x', '{}', ?, 'x', 1, 1, 1, 'sent', 1, 'x')",
            (f"{event}/0", group, event),
        )
        for member in range(1 + number % 2 if number < 5 else 6 + number % 3):
            store.interactions.record(
                f"e{number}-{member}",
                "message",
                2000 + member,
                "pipe",
                group,
                f"m{number}-{member}",
                text="好",
                details={},
                route=None,
            )
    database.commit()
    database.close()
    return path


def test_two_wordings_are_compared_by_group(posted: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "w.a", "w.b", "--db", str(posted)]) == 0
    out = capfd.readouterr().out
    assert "w.a：5 个群，平均 14.0%" in out
    assert "第二种更好" in out
    conn = sqlite3.connect(posted)
    conn.execute("DELETE FROM outbox WHERE key LIKE 'w.a:%' AND group_id <> 'g0'")
    conn.commit()
    conn.close()
    assert main(["compare", "w.a", "w.b", "--db", str(posted)]) == 0
    assert "样本不足" in capfd.readouterr().out
    assert main(["compare", "w.a", "w.a", "--db", str(posted)]) == 2
