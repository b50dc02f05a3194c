"""The question book as one: what is written, what is taught, when it speaks and when it is silent."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config import shipped
from bot.errors import ConfigError
from bot.faq import EntryModel, FaqBook, load_faq
from bot.faq.library import Found, Library
from bot.settings import GroupSettings
from bot.words import Reader

READER = Reader({"小元子"}, {"yuanzi"})
PLAIN = GroupSettings()
NOON = datetime.fromisoformat("2026-12-02T12:00:00+08:00")
CHAT = Path(__file__).parent / "data" / "faq" / "chat.jsonl"


@dataclass
class Shelf:
    """Entries that a test teaches."""

    version: int = 0
    entries: list[EntryModel] = field(default_factory=list)

    def read(self) -> list[EntryModel]:
        return self.entries

    def teach(self, number: int, question: str, **more: object) -> None:
        one = EntryModel.model_validate({"id": f"x{number}", "question": question, "answer": "好", **more})
        self.entries = [*self.entries, one.model_copy(update={"id": f"#{number}"})]
        self.version += 1


def a_library(*entries: EntryModel) -> tuple[Library, Shelf]:
    shelf = Shelf()
    library = Library(shelf)
    library.use(FaqBook(entries or load_faq(shipped("persona") / "xiaoyuanzi" / "faq.toml")))
    return library, shelf


LIBRARY, SHELF = a_library()


def spot(library: Library, text: str, group: str | None = "g", rules: GroupSettings = PLAIN) -> Found | None:
    return library.spot(READER.read(text, private=group is None), group, rules, NOON)


def test_in_a_group_a_thousand_lines_of_chat_are_met_with_silence() -> None:
    lines = [json.loads(line)["q"] for line in CHAT.read_text(encoding="utf-8").splitlines()]
    assert len(lines) >= 1_000
    answered = [line for line in lines if spot(LIBRARY, line) is not None]
    assert len(answered) <= 2, answered


def test_hardly_any_chat_reaches_the_engine() -> None:
    lines = [json.loads(line)["q"] for line in CHAT.read_text(encoding="utf-8").splitlines()]
    assert sum(map(LIBRARY._may_ask, lines)) < len(lines) * 0.15


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec=None, categories=None), max_size=60), st.booleans())
def test_any_text_is_answered_or_not_but_never_breaks(text: str, private: bool) -> None:
    for said in (text, f"{text}怎么退款", f"@小元子 {text}"):
        found = spot(LIBRARY, said, None if private else "g")
        assert found is None or 0 <= found.score <= 1
        assert found is None or found.entry is not None or found.choices


def test_whoever_asks_the_bot_is_answered_when_it_is_sure() -> None:
    found = spot(LIBRARY, "@小元子 怎么退钱")
    assert found is not None
    assert found.id == "refund"
    assert "把握" in found.why
    assert "退款" in found.why


def test_what_is_not_in_the_book_is_not_answered() -> None:
    assert spot(LIBRARY, "@小元子 拿破仑几岁当的皇帝") is None
    assert spot(LIBRARY, "") is None


def test_less_sure_means_asking_back_with_several() -> None:
    careful = GroupSettings.model_validate({"faq": {"sure": 1.0, "maybe": 0.01, "choices": 2}})
    found = spot(LIBRARY, "@小元子 瓶子漏水了", rules=careful)
    assert found is not None
    assert found.entry is None
    assert found.choices[0].entry.id == "damaged"
    assert len(found.choices) <= 2


def test_what_is_taught_is_known_at_once_and_forgotten_at_once() -> None:
    library, shelf = a_library()
    assert spot(library, "有没有礼盒装") is None
    shelf.teach(1, "有没有礼盒装")
    found = spot(library, "有没有礼盒装呀？")
    assert found is not None
    assert (found.id, found.score) == ("#1", 1.0)
    shelf.entries, shelf.version = [], 2
    assert spot(library, "有没有礼盒装") is None


def test_what_was_taught_wins_over_the_file_and_one_group_over_all() -> None:
    library, shelf = a_library()
    shelf.teach(1, "怎么退款")
    shelf.teach(2, "怎么退款", groups=("g",))
    assert [getattr(spot(library, "怎么退款", group), "id", None) for group in ("g", "other")] == ["#2", "#1"]


def test_an_entry_of_another_group_does_not_make_the_right_one_less_sure() -> None:
    here = EntryModel(id="here", question="发货要多长时间", answer="三天", groups=("g",))
    there = EntryModel(id="there", question="发货要多长时间呢", answer="五天", groups=("h",))
    library, _ = a_library(here, there, EntryModel(id="other", question="怎么开发票", answer="这样"))
    alone, _ = a_library(here, EntryModel(id="other", question="怎么开发票", answer="这样"))
    both = library.search("发货要多久", "g", PLAIN, NOON)
    assert [hit.id for hit in both][:1] == ["here"]
    assert "there" not in {hit.id for hit in both}
    assert both[0].score == pytest.approx(alone.search("发货要多久", "g", PLAIN, NOON)[0].score, abs=0.25)


def test_two_wordings_of_one_question_are_alike_and_two_questions_are_not() -> None:
    known = [("1", ("这个杯子能进微波炉吗",)), ("2", ("你们招不招兼职",))]
    assert LIBRARY.alike("这个杯子能放进微波炉吗", known) == "1"
    assert LIBRARY.alike("拿破仑几岁当的皇帝", known) is None
    assert LIBRARY.alike("随便什么", []) is None


def test_an_engine_that_nobody_is_sure_enough_for_is_never_asked() -> None:
    library, _ = a_library()
    only_keywords = GroupSettings.model_validate({"faq": {"strong": 1.0}})
    assert spot(library, "发票咋开", rules=only_keywords) is None
    assert not library._engine._made


def test_files_beside_the_first_belong_to_the_same_book(tmp_path: Path) -> None:
    (tmp_path / "faq").mkdir()
    (tmp_path / "faq.toml").write_text('[[entry]]\nid = "a"\nquestion = "甲是什么"\nanswer = "一"\n')
    (tmp_path / "faq" / "more.toml").write_text('[[entry]]\nid = "b"\nkeywords = ["乙方"]\nanswer = "二"\n')
    assert [one.id for one in load_faq(tmp_path / "faq.toml")] == ["a", "b"]
    (tmp_path / "faq" / "more.toml").write_text(
        '[[entry]]\nid = "a"\nanswer = "二"\nkeywords = ["乙"]\npicture = "gone.png"\n[[entry]]\nid = "c"\nanswer = "x"\n'
    )
    with pytest.raises(ConfigError) as wrong:
        load_faq(tmp_path / "faq.toml")
    assert [one.key for one in wrong.value.problems] == ["entry.1.keywords"]
    (tmp_path / "faq" / "more.toml").write_text(
        '[[entry]]\nid = "a"\nanswer = "最便宜"\nkeywords = ["乙"]\npicture = "gone.png"\n'
    )
    with pytest.raises(ConfigError) as wrong:
        load_faq(tmp_path / "faq.toml", ["最便宜"])
    told = "；".join(str(one) for one in wrong.value.problems)
    assert all(word in told for word in ("已经用了", "太短", "gone.png", "最便宜"))


@pytest.mark.parametrize(
    ("scope", "group", "at", "fits"),
    [
        ({"hours": "22:00-06:00"}, "g", "2026-12-02T23:00:00+08:00", True),
        ({"hours": "22:00-06:00"}, "g", "2026-12-02T06:00:00+08:00", False),
        ({"until": "2026-12-02"}, "g", "2026-12-02T23:59:59+08:00", True),
        ({"until": "2026-12-02"}, "g", "2026-12-02T16:00:00+00:00", False),
        ({"where": "private"}, "g", "2026-12-02T12:00:00+08:00", False),
        ({"where": "private"}, None, "2026-12-02T12:00:00+08:00", True),
        ({"where": "group"}, None, "2026-12-02T12:00:00+08:00", False),
        ({"types": ["vip"]}, "g", "2026-12-02T12:00:00+08:00", False),
        ({}, None, "2026-12-02T12:00:00+08:00", True),
    ],
)
def test_an_entry_is_good_where_and_when_it_says(scope: dict[str, object], group: str, at: str, fits: bool) -> None:
    entry = EntryModel.model_validate({"id": "a", "question": "甲是什么", "answer": "一", **scope})
    assert entry.fits(group, PLAIN, datetime.fromisoformat(at)) is fits
