"""Who answers what: one look-up, bands in order, no word claimed twice, strict discovery."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import bot.handlers
from bot.app import discover, switchboard_for
from bot.context import Context
from bot.errors import ConfigError
from bot.events import BeatDue, ContactAdded, Event, MemberJoined, MessageReceived, Person, Tick
from bot.replies import Wishes
from bot.router import BANDS, Router, Switchboard
from bot.settings import GroupSettings
from bot.words import NOTHING, Reader
from tests.conftest import OpenRoom, Room, a_config, group_config, keys

NOW = datetime.fromisoformat("2026-12-02T12:00:00+08:00")
READER = Reader({"小元子"}, {"yuanzi"})
BOARD = switchboard_for(a_config())
PLAIN = GroupSettings()


def route_of(text: str, role: str | None = None, settings: GroupSettings = PLAIN) -> list[str]:
    event = MessageReceived(id="m", at=NOW, channel="c", group="g", member="u", text=text)
    routes, _ = BOARD.routes(event, READER.read(text), settings, role)
    return [route.name for route in routes]


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("签到", ["checkin.check_in"]),
        ("打卡！", ["checkin.check_in"]),
        ("ＨＥＬＰ", ["help.show_help"]),
        ("签到榜 2", ["checkin.board"]),
        ("补签12-01", ["checkin.make_up"]),
        ("签到 了吗大家", []),
        ("今天签到了吗", []),
        ("@小元子 签到 谢谢", ["checkin.check_in"]),
        ("@小元子 随便说说", ["help.addressed"]),
        ("随便说说", []),
        ("", []),
        ("！！！", []),
    ],
)
def test_a_message_finds_its_handler_or_none(text: str, route: list[str]) -> None:
    assert route_of(text) == route


@pytest.mark.parametrize("word", ["设置", "名单", "撤销 1", "重载", "状态", "日程", "试欢迎", "兑现 1"])
def test_a_staff_word_leads_a_member_to_the_refusal_and_staff_to_the_handler(word: str) -> None:
    assert route_of(word) == ["help.refuse"]
    (route,) = route_of(word, "owner")
    assert route != "help.refuse"


def test_a_feature_that_is_off_leaves_its_words_to_everyday_talk() -> None:
    off = GroupSettings.model_validate({"checkin": {"on": False}})
    assert route_of("签到", settings=off) == []
    assert route_of("签到榜", settings=off) == []


def test_words_belong_to_a_group() -> None:
    other = GroupSettings.model_validate({"checkin": {"words": ["早安", "Good Morning!".replace(" ", "")]}})
    assert route_of("早安", settings=other) == ["checkin.check_in"]
    assert route_of("goodmorning", settings=other) == ["checkin.check_in"]
    assert route_of("签到", settings=other) == []
    assert route_of("早安") == []


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            MemberJoined(id="j", at=NOW, channel="c", group="g", people=(Person("a"),)),
            ["invites.joined", "welcome.joined", "welcome_sequence.joined"],
        ),
        (
            ContactAdded(id="c", at=NOW, channel="c", member="a"),
            ["welcome.contact_added", "welcome_sequence.contact_added"],
        ),
        (BeatDue(id="b", at=NOW, channel="c", group="g", beat="x.y"), ["campaign.due"]),
        (Tick(id="t", at=NOW, channel="", topic="welcome", key="g"), ["welcome.gap_over"]),
        (Tick(id="t", at=NOW, channel="", topic="nobody", key=""), []),
    ],
)
def test_other_facts_find_their_handlers(event: Event, expected: list[str]) -> None:
    routes, _ = BOARD.routes(event, NOTHING, PLAIN, None)
    assert [route.name for route in routes] == expected


def nothing(event: Any, ctx: Context) -> Wishes:
    return None


def other(event: Any, ctx: Context) -> Wishes:
    return None


@pytest.fixture
def mine() -> Router:
    return Router("mine")


def problems(*routers: Router) -> list[str]:
    board = Switchboard([*discover(), *routers])
    return [str(problem) for problem in board.problems({"default": PLAIN})]


def test_a_word_claimed_twice_is_refused_even_in_another_spelling(mine: Router) -> None:
    mine.command("ＨＥＬＰ！", help="x")(nothing)
    (problem,) = problems(mine)
    assert "help.show_help" in problem


def test_a_word_that_settings_give_to_two_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"帮助.*已经被"):
        switchboard_for(a_config(group_config(checkin={"words": ["帮助"]})))


@pytest.mark.parametrize("word", ["早 安", "！！！"])
def test_a_word_that_no_message_can_start_with_is_refused(mine: Router, word: str) -> None:
    mine.command(word, help="x")(nothing)
    assert any("当不了口令" in problem for problem in problems(mine))


def test_a_tick_and_a_band_belong_to_one_handler(mine: Router) -> None:
    mine.tick("welcome")(nothing)
    mine.band("keyword")(nothing)
    assert len(problems(mine)) == 2


def test_a_band_that_does_not_exist_is_refused(mine: Router) -> None:
    mine.band("kyword")(nothing)
    (problem,) = problems(mine)
    assert "keyword" in problem


def test_one_handler_may_have_many_words(mine: Router) -> None:
    mine.command("甲", "乙", help="x")(nothing)
    mine.command("甲", help="x")(nothing)
    assert problems(mine) == []


def test_the_shipped_handlers_claim_nothing_twice_and_fill_every_band() -> None:
    assert problems() == []
    assert {name for router in discover() for name, _ in router.bands} == set(BANDS)


def test_every_handler_file_is_discovered() -> None:
    files = {path.stem for path in Path(bot.handlers.__file__).parent.glob("*.py")} - {"__init__"}
    assert {router.name for router in discover()} == files | {"engine"}


@pytest.fixture
def handler_without_router(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "broken_feature.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.setattr(bot.handlers, "__path__", [*bot.handlers.__path__, str(tmp_path)])
    yield "broken_feature"
    import sys

    sys.modules.pop("bot.handlers.broken_feature", None)


def test_a_handler_file_without_a_router_is_named(handler_without_router: str) -> None:
    with pytest.raises(ConfigError, match=rf"bot/handlers/{handler_without_router}\.py"):
        discover()


async def test_a_new_feature_is_one_router(open_room: OpenRoom, mine: Router) -> None:
    from bot.replies import say

    @mine.command("报数", help="数一数", usage="[几]")
    def count(event: MessageReceived, ctx: Context) -> Wishes:
        return [say("fallback.hello", name=number) for number in range(int(ctx.reading.rest or 1))]

    room = await open_room(more=[mine])
    assert keys(await room.says("小明", "报数 3")) == ["fallback.hello"] * 3
    (line,) = await room.says("小明", "帮助")
    assert "报数" in line.text
    (line,) = await room.says("小明", "帮助 报数")
    assert "报数 [几]：数一数" in line.text


async def test_help_fits_the_asker(stage: Room) -> None:
    (mine,) = await stage.says("小明", "帮助")
    assert "签到" in mine.text
    assert "重载" not in mine.text
    (staff,) = await stage.boss_says("帮助")
    assert staff.phrase == "help.staff"
    assert "重载" in staff.text
    assert keys(await stage.says("小明", "帮助 补签")) == ["help.command"]
    assert keys(await stage.says("小明", "帮助 设置")) == ["help.unknown"]


async def test_calling_the_bot_with_nothing_it_knows_gets_a_guess_or_the_truth(stage: Room) -> None:
    assert keys(await stage.says("小明", "小元子")) == ["fallback.hello"]
    (guess,) = await stage.says("小红", "@小元子 我的签道")
    assert guess.phrase == "fallback.did_you_mean"
    assert "我的签到" in guess.text
    said = await stage.says("小刚", "@小元子 明天会下雨吗")
    assert [(line.phrase, line.member) for line in said] == [("faq.unsure", None), ("staff.question", "dianzhang")]
    assert keys(await stage.says("小刚", "@小元子 后天呢会下雨吗")) == ["faq.person"]
    assert keys(await stage.says("小刚", "@小元子 大后天呢会下雨吗")) == []
