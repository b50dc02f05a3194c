"""Keyword answers: sure or silent."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.faq import EntryModel, FaqBook, load_faq
from bot.settings import GroupSettings
from bot.words import Reader
from tests.conftest import OpenRoom, Room, group_config, keys

READER = Reader({"小元子"}, {"yuanzi"})
PLAIN = GroupSettings()
BOOK = FaqBook(
    (
        EntryModel(id="refund", keywords=("退款", "怎么退款"), answer="这样退"),
        EntryModel(id="card", keywords=("会员卡", "ＶＩＰ卡"), answer="这样办"),
        EntryModel(id="here", keywords=("只在这里",), answer="这里", groups=("g",)),
    )
)


def answer(text: str, group: str | None = "g", settings: GroupSettings = PLAIN, *, private: bool = False) -> str | None:
    found = BOOK.spot(READER.read(text, private=private), group, settings)
    return found.id if found else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("怎么退款", "refund"),
        ("请问怎么退款呀？", "refund"),
        ("退款", "refund"),
        ("你好，请问一下退款吗", "refund"),
        ("vip卡", "card"),
        ("我昨天在楼下跟同事聊到退款的事情聊了很久", None),
        ("退款会员卡", None),
        ("款退", None),
        ("", None),
        ("只在这里", "here"),
    ],
)
def test_unasked_only_a_message_that_is_little_but_the_keyword_is_answered(text: str, expected: str | None) -> None:
    assert answer(text) == expected


def test_whoever_speaks_to_the_bot_is_answered_on_any_keyword() -> None:
    long = "我昨天在楼下跟同事聊到退款的事情聊了很久"
    assert answer(long) is None
    assert answer(f"@小元子 {long}") == "refund"
    assert answer(long, None, private=True) == "refund"


def test_an_answer_may_belong_to_one_group() -> None:
    assert answer("只在这里", "other") is None
    assert answer("只在这里", None) is None


def test_how_sure_it_must_be_is_a_setting() -> None:
    loose = GroupSettings.model_validate({"faq": {"coverage": 0.1}})
    assert answer("我昨天跟同事聊到退款的事情", settings=loose) == "refund"


def test_the_longest_keyword_decides() -> None:
    book = FaqBook(
        (
            EntryModel(id="short", keywords=("发货",), answer="a"),
            EntryModel(id="long", keywords=("发货时间",), answer="b"),
        )
    )
    found = book.spot(READER.read("发货时间"), None, PLAIN)
    assert found is not None
    assert (found.id, found.coverage) == ("long", 1.0)


def test_an_empty_book_answers_nothing() -> None:
    book = FaqBook(())
    assert len(book) == 0
    assert book.spot(READER.read("\x00怎么退款"), None, PLAIN) is None


def test_without_a_file_there_are_no_answers(tmp_path: Path) -> None:
    assert len(load_faq(tmp_path / "faq.toml")) == 0


@given(st.text(st.characters(codec=None, categories=None), max_size=40))
def test_any_text_is_answered_or_not_but_never_breaks(text: str) -> None:
    found = BOOK.spot(READER.read(f"{text}退款{text}"), "g", PLAIN)
    assert found is None or 0 < found.coverage <= 1


async def test_an_answer_rests_for_a_while_unless_the_bot_is_asked(stage: Room) -> None:
    assert keys(await stage.says("小明", "怎么退款")) == ["faq.answer"]
    assert keys(await stage.says("小红", "怎么退款")) == []
    assert "冷却" in stage.why()
    assert keys(await stage.says("小红", "@小元子 怎么退款")) == ["faq.answer"]
    assert keys(await stage.says("小红", "查快递")) == ["faq.answer"]
    await stage.wait(timedelta(minutes=10))
    assert keys(await stage.says("小红", "怎么退款")) == ["faq.answer"]


async def test_an_answer_rests_per_group(stage: Room) -> None:
    assert keys(await stage.says("小明", "怎么退款")) == ["faq.answer"]
    stage.group = "another"
    assert keys(await stage.says("小明", "怎么退款")) == ["faq.answer"]


async def test_keyword_answers_can_be_switched_off(open_room: OpenRoom) -> None:
    room = await open_room(group_config(faq={"on": False}))
    assert keys(await room.says("小明", "怎么退款")) == []


async def test_silence_gives_its_reason(stage: Room) -> None:
    await stage.says("小明", "今天天气不错")
    assert "我就安静" in stage.why()
    (line,) = await stage.says("小明", "怎么退款")
    assert "refund" in line.because
    assert "refund" in stage.why()
