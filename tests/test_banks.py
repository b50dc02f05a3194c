"""Banks: entries by luck, none twice too soon, and variants and audiences of group posts."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app import switchboard_for
from bot.banks import Bank, Entry, load_topics
from bot.commands.check import calendar_warnings
from bot.content import load_content
from bot.errors import ConfigError
from bot.scripts import Beat, load_scripts
from bot.scripts.workdays import is_announced
from bot.settings import GroupSettings
from bot.world import Luck
from tests.conftest import OpenRoom, Room, a_config, group_config, keys

DAY_MS = 86_400_000
TODAY = date(2026, 12, 22)  # 冬至


def a_bank(*entries: Entry) -> Bank:
    return Bank("b", "b", entries)


def test_an_entry_of_the_solar_term_comes_first_and_then_those_of_the_year() -> None:
    bank = a_bank(Entry("a", "a"), Entry("w", "w", term="冬至"), Entry("x", "x", term="夏至"))
    assert [one.key for one in bank.fitting("", TODAY)] == ["w", "a"]
    first = bank.choose("", TODAY, {}, 0, Luck("s"))
    second = bank.choose("", TODAY, {"w": 5}, 0, Luck("s"))
    assert [one.key for one in (first, second) if one] == ["w", "a"]


def test_entries_for_a_type_of_group_are_for_it_alone() -> None:
    bank = a_bank(Entry("a", "a"), Entry("v", "v", types=("vip",)))
    assert [one.key for one in bank.fitting("vip", TODAY)] == ["a", "v"]
    assert [one.key for one in bank.fitting("welfare", TODAY)] == ["a"]
    assert a_bank(Entry("v", "v", types=("vip",))).choose("", TODAY, {}, 0, Luck("s")) is None


@given(st.integers(1, 12), st.integers(0, 20), st.text(max_size=5))
def test_no_entry_comes_again_before_its_days_are_over_unless_all_did(size: int, pause: int, seed: str) -> None:
    bank, luck = a_bank(*(Entry(str(number), str(number)) for number in range(size))), Luck(seed)
    used: dict[str, int] = {}
    for day in range(40):
        now = (day + 1) * DAY_MS
        entry = bank.choose("", TODAY, used, now - pause * DAY_MS, luck, "beat", "g", now)
        assert entry is not None
        if entry.key in used and now - used[entry.key] <= pause * DAY_MS:
            assert len(used) == size
            assert used[entry.key] == min(used.values())
        used[entry.key] = now


def test_what_is_wrong_with_a_bank_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        'title = "x"\n[[entry]]\ntext = "今天便宜吗？"\n[[entry]]\ntext = "今天便宜吗？"\nterm = "大雨"\n',
        encoding="utf-8",
    )
    (tmp_path / "b.toml").write_text('title = "x"\n[[entry]]\ntxt = "a"\n', encoding="utf-8")
    banks, problems = load_topics(tmp_path, ("便宜",))
    assert list(banks) == ["a"]
    found = {(Path(one.file).name, one.key) for one in problems}
    assert found == {
        ("a.toml", "entry.1.text"), ("a.toml", "entry.2.text"), ("a.toml", "entry.2.term"), ("b.toml", "entry.0.txt"),
        ("b.toml", "entry.0.text"), ("b.toml", "entry"),
    }  # fmt: skip


async def test_a_group_hears_no_topic_twice_in_two_months(open_room: OpenRoom) -> None:
    room = await open_room(group_config(type="welfare"))
    await room.wait(timedelta(days=45))
    texts = [text for (text,) in room.rows("SELECT text FROM outbox WHERE phrase = 'post.topic' AND state = 'sent'")]
    bank = room.app.desk.content.banks["topics"]
    heard = [next(one.key for one in bank.entries if one.text in text) for text in texts]
    assert len(heard) > 25
    assert len(set(heard)) == len(heard)


async def test_two_groups_do_not_hear_the_same_topics_in_the_same_order(open_room: OpenRoom) -> None:
    own = {"scripts": ["welfare"], "type": "welfare", "channel": "terminal"}
    room = await open_room({"groups": {"yuanqi": own, "other": own}})
    await room.wait(timedelta(days=10))
    heard = {
        group: [row[0] for row in room.rows("SELECT entry FROM bank_use WHERE bank = 'topics' AND group_id = ?", group)]
        for group in ("yuanqi", "other")
    }
    assert len(heard["yuanqi"]) == len(heard["other"]) > 4
    assert set(heard["yuanqi"]) != set(heard["other"])


def test_a_script_in_use_whose_bank_the_persona_lacks_is_named() -> None:
    config = a_config(group_config(scripts=["knowledge"]))
    with pytest.raises(ConfigError) as raised:
        load_content(config, switchboard_for(config).phrases)
    assert [(one.key, "food_calendar" in one.reason) for one in raised.value.problems] == [
        ("groups.yuanqi.scripts", True)
    ]


VARIANTS = """
title = "x"
[[beat]]
id = "a"
title = "一句"
weekday = "每天"
time = "12:00"
phrase = "post.surprise"
[beat.variant.vip]
phrase = "post.flash_warm"
slots = { title = "老客专场" }
[beat.variant.tea]
phrase = "post.morning_call"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "mine.toml").write_text(VARIANTS, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("group", "phrase"),
    [
        ({"type": "vip"}, "post.flash_warm"),
        ({"tags": ["tea"]}, "post.morning_call"),
        ({"type": "vip", "tags": ["tea"]}, "post.flash_warm"),
        ({}, "post.surprise"),
    ],
)
async def test_a_group_hears_the_words_for_its_type_or_tag(
    open_room: OpenRoom, folder: Path, group: Mapping[str, Any], phrase: str
) -> None:
    room: Room = await open_room({"bot": {"scripts": str(folder)}, **group_config(scripts=["mine"], **group)})
    (line,) = await room.wait(timedelta(minutes=3))
    assert line.phrase == phrase
    if phrase == "post.flash_warm":
        assert "老客专场" in line.text or "购物车" in line.text or "明天" in line.text


async def test_a_variant_that_lacks_its_slots_is_named(folder: Path) -> None:
    (folder / "mine.toml").write_text(VARIANTS.replace('slots = { title = "老客专场" }\n', ""), encoding="utf-8")
    config = a_config({"bot": {"scripts": str(folder)}})
    with pytest.raises(ConfigError) as raised:
        load_content(config, switchboard_for(config).phrases)
    assert [(one.key, one.reason) for one in raised.value.problems] == [("beat.a.variant.vip.slots", "缺少内容 title")]


@pytest.mark.parametrize(
    ("audience", "settings", "plays"),
    [
        ({}, {}, True),
        ({"types": "vip"}, {}, False),
        ({"types": "vip"}, {"type": "vip"}, True),
        ({"tags": ["a", "b"]}, {"tags": ("b",)}, True),
        ({"tags": ["a", "b"]}, {"tags": ("c",)}, False),
        ({"types": "vip", "tags": "a"}, {"type": "vip"}, False),
    ],
)
def test_an_audience_is_groups_by_type_and_tag(
    folder: Path, audience: dict[str, Any], settings: dict[str, Any], plays: bool
) -> None:
    import json

    rows = ", ".join(f"{key} = {json.dumps(value)}" for key, value in audience.items())
    (folder / "mine.toml").write_text(
        VARIANTS.partition("[beat.variant")[0] + f"audience = {{ {rows} }}\n", encoding="utf-8"
    )
    beat: Beat = load_scripts(folder)["mine"][0]
    assert beat.plays_in("g", GroupSettings(scripts=("mine",), **settings)) is plays


def test_every_beat_of_the_packs_says_what_it_is_about() -> None:
    beats = [beat for one in load_scripts(None).values() for beat in one]
    assert [beat.id for beat in beats if not beat.kind] == []
    wednesday = next(beat for beat in beats if beat.id == "welfare.wednesday-new")
    assert (wednesday.content, wednesday.kind, len(wednesday.items)) == ("product", "new-item", 2)
    waves = [beat for beat in beats if beat.campaign == "welfare.friday"]
    assert [(beat.id, beat.wave, beat.deal) for beat in waves] == [
        ("welfare.friday-noon", 1, True), ("welfare.friday-evening", 2, True),
    ]  # fmt: skip


def test_a_year_whose_holidays_are_not_announced_is_warned_of(folder: Path) -> None:
    text = VARIANTS.partition("[beat.variant")[0] + 'on = "workday"\n'
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    config = a_config({"bot": {"scripts": str(folder)}, **group_config(scripts=["mine"])})
    content = load_content(config, switchboard_for(config).phrases)
    known = max(year for year in range(2024, 2100) if is_announced(year))
    assert calendar_warnings(config, content, date(known, 1, 10)) == []
    (row,) = calendar_warnings(config, content, date(known, 9, 1))
    assert f"{known + 1} 年" in row
    assert "mine.a" in row
    assert calendar_warnings(a_config(), content, date(known, 9, 1)) == []


async def test_commands_of_the_calendar_cope_with_a_group_of_any_name(open_room: OpenRoom) -> None:
    own = {"scripts": ["welfare"], "type": "welfare"}
    nasty = "群:a|b/{x} =1+1\n"
    room = await open_room({"groups": {nasty: own}}, group=nasty)
    await room.says("小明", "大家好")
    await room.power_cut(timedelta(days=2))
    await room.wait(timedelta(days=2))
    assert keys(await room.boss_says("漏发", private=True)) == ["late.list"]
