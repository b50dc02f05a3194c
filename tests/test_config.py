"""config.toml: every mistake is named at once, with its file, key and what was probably meant."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core.core_schema import ErrorType

from bot.config import MOVED, _problem, build_config, load_config, merged, nearest, read_toml, shipped
from bot.errors import ConfigError, Problem
from bot.settings.checkin import CheckIn
from tests.conftest import a_config


def problems_of(data: Mapping[str, Any]) -> dict[str, Problem]:
    """key -> problem of settings that cannot be used."""
    with pytest.raises(ConfigError) as raised:
        build_config(data, "config.toml")
    return {problem.key: problem for problem in raised.value.problems}


def test_the_shipped_settings_are_sound() -> None:
    config = load_config(shipped("config.toml"))
    assert config.named_groups == ["yuanqi"]
    assert config.role_of("dianzhang", "pipe") == "owner"


def test_a_setting_that_moved_says_where_it_is_now() -> None:
    found = problems_of({"groups": {"g": {"contact": {"stages": {"sleeping_after": "45d", "new": 1}}}}})
    assert list(found) == ["groups.g.contact.stages.sleeping_after"]
    assert "搬到了 lifecycle.sleeping" in found["groups.g.contact.stages.sleeping_after"].reason


def test_the_new_name_of_every_moved_setting_is_a_setting() -> None:
    for new in MOVED.values():
        table, name = new.split(".")
        assert getattr(getattr(a_config().group(None), table), name) is not None


def test_nothing_at_all_is_sound() -> None:
    config = build_config({}, "config.toml")
    assert config.group("any").checkin.points == config.group(None).checkin.points == 5


def test_all_mistakes_are_named_at_once() -> None:
    found = problems_of(
        {
            "bot": {"personna": "x"},
            "storage": {"synchronous": "maybe", "retention": "long"},
            "outbox": {"attempts": 0},
            "staff": [{"id": "a", "role": "king"}, {"name": "no id"}],
            "channels": {"pipe": {"pace": {"jiter": "1s"}}},
            "groups": {
                "default": {"zone": "Asia/Shangai", "checkin": {"milestones": [{"days": 3}]}},
                "g": {"welcome": {"gapp": "1h"}, "quiet": "late"},
            },
            "grups": {},
        }
    )
    assert set(found) == {
        "bot.personna", "storage.synchronous", "storage.retention", "outbox.attempts", "staff.0.role", "staff.1.id",
        "channels.pipe.pace.jiter", "groups.default.zone", "groups.default.checkin.milestones.0",
        "groups.g.welcome.gapp", "groups.g.quiet", "grups",
    }  # fmt: skip
    assert all(problem.file == "config.toml" and problem.reason for problem in found.values())


@pytest.mark.parametrize(
    ("data", "key", "meant"),
    [
        ({"bott": {}}, "bott", "bot"),
        ({"group": {}}, "group", "groups"),
        ({"bot": {"sead": "x"}}, "bot.sead", "seed"),
        ({"storage": {"pth": "x"}}, "storage.pth", "path"),
        ({"outbox": {"replay": "1h"}}, "outbox.replay", "reply"),
        ({"staff": [{"id": "a", "roll": "owner"}]}, "staff.0.roll", "role"),
        ({"channels": {"pipe": {"pase": {}}}}, "channels.pipe.pase", "pace"),
        ({"channels": {"pipe": {"pace": {"group_gp": "1s"}}}}, "channels.pipe.pace.group_gp", "group_gap"),
        ({"groups": {"g": {"chekin": {}}}}, "groups.g.chekin", "checkin"),
        ({"groups": {"g": {"checkin": {"pionts": 1}}}}, "groups.g.checkin.pionts", "points"),
        ({"groups": {"g": {"faq": {"cooldwn": "1h"}}}}, "groups.g.faq.cooldwn", "cooldown"),
        (
            {"groups": {"g": {"checkin": {"milestones": [{"day": 3, "points": 1, "days": 3}]}}}},
            "groups.g.checkin.milestones.0.day",
            "days",
        ),
    ],
)
def test_a_misspelt_key_is_refused_at_every_level_with_what_was_meant(
    data: dict[str, Any], key: str, meant: str
) -> None:
    problem = problems_of(data)[key]
    assert problem.reason == "没有这个设置"
    assert problem.hint == f"是不是想写 {meant}？"


def test_a_key_that_resembles_nothing_gets_the_list_of_what_there_is() -> None:
    assert "retention" in problems_of({"storage": {"zzzz": 1}})["storage.zzzz"].hint


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"bot": "x"}, "bot"),
        ({"bot": {"ids": "yuanzi"}}, "bot.ids"),
        ({"bot": {"persona": 5}}, "bot.persona"),
        ({"staff": {"id": "a"}}, "staff"),
        ({"staff": [{"id": ""}]}, "staff.0.id"),
        ({"outbox": {"attempts": "many"}}, "outbox.attempts"),
        ({"outbox": {"reply": 10}}, "outbox.reply"),
        ({"channels": ["pipe"]}, "channels"),
        ({"groups": {"g": {"welcome": "yes"}}}, "groups.g.welcome"),
        ({"groups": {"g": {"welcome": {"on": "perhaps"}}}}, "groups.g.welcome.on"),
        ({"groups": {"g": {"welcome": {"max_names": 0}}}}, "groups.g.welcome.max_names"),
        ({"groups": {"g": {"welcome": {"max_names": 2.5}}}}, "groups.g.welcome.max_names"),
        ({"groups": {"g": {"welcome": {"sources": ["x"]}}}}, "groups.g.welcome.sources"),
        ({"groups": {"g": {"quiet": ["22:00", "07:00"]}}}, "groups.g.quiet"),
        ({"groups": {"g": {"quiet": [1]}}}, "groups.g.quiet"),
        ({"groups": {"g": {"checkin": {"grace": "99999999999d"}}}}, "groups.g.checkin.grace"),
        ({"groups": {"g": {"faq": {"coverage": 2}}}}, "groups.g.faq.coverage"),
        ({"groups": {"g": {"scripts": "welfare"}}}, "groups.g.scripts"),
        ({"groups": []}, "groups"),
        ({"groups": {"g": 5}}, "groups"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(data: dict[str, Any], key: str) -> None:
    assert key in problems_of(data)


@pytest.mark.parametrize(
    ("data", "key", "reason"),
    [
        ({"outbox": {"attempts": True}}, "outbox.attempts", "「true」应是整数"),
        ({"outbox": {"attempts": "5"}}, "outbox.attempts", "「5」应是整数"),
        ({"groups": {"g": {"checkin": {"points": True}}}}, "groups.g.checkin.points", "「true」应是整数"),
        ({"groups": {"g": {"checkin": {"points": "10"}}}}, "groups.g.checkin.points", "「10」应是整数"),
        ({"groups": {"g": {"faq": {"coverage": True}}}}, "groups.g.faq.coverage", "「true」应是数字"),
        ({"groups": {"g": {"faq": {"coverage": "0.5"}}}}, "groups.g.faq.coverage", "「0.5」应是数字"),
        ({"groups": {"g": {"muted": 1}}}, "groups.g.muted", "「1」应是 true 或 false"),
        ({"groups": {"g": {"muted": "yes"}}}, "groups.g.muted", "「yes」应是 true 或 false"),
        ({"groups": {"g": {"name": 5}}}, "groups.g.name", "「5」应是文字"),
        ({"groups": {"g": {"games": {"story_since": 5}}}}, "groups.g.games.story_since", "「5」应是日期"),
        (
            {"groups": {"g": {"points": {"levels": [{"title": "x", "at": True}]}}}},
            "groups.g.points.levels.0.at",
            "整数",
        ),
        ({"groups": {"g": {"scripts": "welfare"}}}, "groups.g.scripts", "应是一组"),
        ({"groups": {"g": {"welcome": {"sources": ["x"]}}}}, "groups.g.welcome.sources", "应是表"),
        ({"groups": {"g": {"games": {"floor_lucky": ["0"]}}}}, "groups.g.games.floor_lucky.0", "不能用的字符"),
        ({"groups": {"g": {"checkin": {"words": []}}}}, "groups.g.checkin.words", "至少 1"),
        ({"wecom": 5}, "wecom", "应是表"),
    ],
)
def test_nothing_is_taken_for_something_else(data: dict[str, Any], key: str, reason: str) -> None:
    assert reason in problems_of(data)[key].reason


def test_whole_numbers_may_be_written_with_a_point_and_fractions_without() -> None:
    config = build_config({"groups": {"g": {"checkin": {"points": 5.0}, "faq": {"coverage": 1}}}}, "config.toml")
    assert config.group("g").checkin.points == 5
    assert config.group("g").faq.coverage == 1.0


CONTEXTS = {"error": "写错了", "pattern": "^x$", "expected": "'a' or 'b'", "tz_expected": 0, "tz_actual": 1}


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_whatever_pydantic_finds_is_said_in_chinese(kind: str) -> None:
    """Every kind of mistake that the library knows, with everything that it could tell about it."""

    details = {"type": kind, "loc": ("field",), "input": "x", "msg": "Input should be something", "ctx": CONTEXTS}
    problem = _problem(CheckIn, details, "config.toml", "")
    assert re.search(r"[\u4e00-\u9fff]", problem.reason)
    assert "Input" not in problem.reason + problem.hint


def test_what_was_typed_is_quoted_shortly() -> None:
    reason = problems_of({"groups": {"g": {"muted": "很长" * 500}}})["groups.g.muted"].reason
    assert len(reason) < 100


def test_a_mistake_in_the_default_is_told_once_and_not_for_every_group() -> None:
    data = {"groups": {"default": {"zone": "nowhere"}, "a": {}, "b": {"name": "B"}}}
    assert set(problems_of(data)) == {"groups.default.zone"}


def test_the_same_staff_id_twice_is_refused() -> None:
    problem = problems_of({"staff": [{"id": "a"}, {"id": "b"}, {"id": "a"}]})["staff"]
    assert "a" in problem.reason


def test_a_group_inherits_the_default_and_replaces_what_it_names() -> None:
    config = build_config(
        {"groups": {"default": {"welcome": {"gap": "2h", "max_names": 3}}, "g": {"welcome": {"gap": "3h"}}}}, "f"
    )
    assert config.group("g").welcome.gap.total_seconds() == 3 * 3600
    assert config.group("g").welcome.max_names == 3
    assert config.group("other").welcome.gap.total_seconds() == 2 * 3600


def test_a_change_by_chat_lies_on_top_and_is_checked() -> None:
    config = a_config()
    assert config.with_change("yuanqi", {"checkin.points": 9}).checkin.points == 9
    assert config.group("yuanqi").checkin.points == 5
    with pytest.raises(ConfigError, match=r"checkin\.points"):
        config.with_change("yuanqi", {"checkin.points": -1})


def test_a_threshold_changed_by_chat_before_it_moved_still_counts() -> None:
    config = build_config({"groups": {"yuanqi": {}}}, "config.toml")
    assert config.with_change("yuanqi", {"contact.stages.sleeping_after": "45d"}).lifecycle.sleeping == 45
    both = {"lifecycle.sleeping": 60, "contact.stages.sleeping_after": "45d"}
    assert config.with_change("yuanqi", both).lifecycle.sleeping == 60
    assert not config.lay({"yuanqi": {"contact.stages.new_for": "14d"}})
    assert config.group("yuanqi").lifecycle.new == 14


def test_a_role_may_be_bound_to_channels() -> None:
    config = build_config({"staff": [{"id": "a", "channels": ["pipe"]}]}, "f")
    assert config.role_of("a", "pipe") == "operator"
    assert config.role_of("a", "terminal") is None
    assert config.role_of("b", "pipe") is None
    assert config.role_of(None, "pipe") is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[bot\n", "TOML"),
        ("[bot]\npersona = \"元气\"".encode("gbk"), "UTF-8"),
        (b"a = 1\na = 2", "TOML"),
        (None, "找不到"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        load_config(path)
    (problem,) = raised.value.problems
    assert problem.file == str(path)
    assert reason in problem.reason


def test_a_byte_order_mark_from_an_editor_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('\ufeff[bot]\nseed = "x"\n', encoding="utf-8")
    assert load_config(path).settings.bot.seed == "x"


def test_a_problem_reads_as_one_line() -> None:
    assert str(Problem("f", "k", "不对", "这样")) == "f · k：不对（这样）"
    assert str(Problem("f", "", "没有")) == "f：没有"


def test_the_nearest_option_is_found_and_nothing_far_away() -> None:
    assert nearest("chekin", ["checkin", "welcome"]) == ["checkin"]
    assert nearest("zzz", ["checkin", "welcome"]) == []


tables = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=6
).filter(lambda table: isinstance(table, dict))


@given(tables, tables)
def test_merging_takes_everything_of_the_upper_table(base: dict[str, Any], over: dict[str, Any]) -> None:
    result = merged(base, over)
    assert merged(result, over) == result
    assert merged(base, {}) == base
    assert set(result) == set(base) | set(over)


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=6)
    | st.dates()
    | st.times(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
known = st.sampled_from(
    ["bot", "storage", "outbox", "staff", "channels", "groups", "default", "quiet", "welcome", "checkin", "gap", "zone"]
)


@given(
    st.dictionaries(known, st.dictionaries(known, st.dictionaries(known, junk, max_size=2) | junk, max_size=2) | junk)
)
def test_no_settings_whatever_break_anything_but_a_config_error(data: dict[str, Any]) -> None:
    try:
        build_config(data, "config.toml")
    except ConfigError as error:
        assert error.problems


def test_a_toml_file_becomes_a_table(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("a = 1\n", encoding="utf-8")
    assert read_toml(path) == {"a": 1}
