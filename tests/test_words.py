"""What members type, taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.words import MAX_TEXT, Reader, bare, normalise, one_line, presentable

READER = Reader({"小元子", "元子", "小元"}, {"yuanzi"})
anything = st.text(st.characters(codec=None, categories=None), max_size=60)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("签到", "签到"),
        ("  签到\n", "签到"),
        ("ＡＢＣ　１２", "abc 12"),
        ("签\u200b到", "签到"),
        ("a\u0000b", "ab"),
        ("A  \t B", "a b"),
        ("", ""),
    ],
)
def test_words_are_compared_in_one_form(typed: str, expected: str) -> None:
    assert normalise(typed) == expected


@given(anything)
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(anything)
def test_what_is_stored_is_valid_utf8_and_bounded(text: str) -> None:
    kept = presentable(text, 20)
    kept.encode("utf-8")
    assert len(kept) <= 20
    assert not any(ord(char) < 32 and char not in "\n\t" for char in kept)


@given(anything)
def test_a_name_is_one_bounded_line_without_marks_that_nobody_sees(name: str) -> None:
    shown = one_line(name)
    shown.encode("utf-8")
    assert len(shown) <= 24
    assert shown == shown.strip()
    assert not set(shown) & set("\r\n\t\u2028\u2029\u202a\u202e\u2066\u200b\u0000")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("小满", "小满"),
        ("  小满 ", "小满"),
        ("小\n满", "小 满"),
        ("\u202e子元小", "子元小"),
        ("\u200b\u200b", ""),
        ("长" * 100, "长" * 23 + "…"),
        ("{points}", "{points}"),
    ],
)
def test_names_stand_inside_a_sentence(name: str, shown: str) -> None:
    assert one_line(name) == shown


@pytest.mark.parametrize("typed", ["签到！", "「签到」", " 签到。。", "签到~", "（签到）"])
def test_punctuation_around_a_word_does_not_change_it(typed: str) -> None:
    assert bare(typed) == "签到"
    assert READER.read(typed).head == "签到"


@pytest.mark.parametrize(
    ("typed", "head", "rest", "addressed"),
    [
        ("签到", "签到", "", False),
        ("签到榜 2", "签到榜", "2", False),
        ("补签12-01", "补签", "12-01", False),
        ("补签：12-01", "补签", "12-01", False),
        ("撤销7", "撤销", "7", False),
        ("@小元子 签到", "签到", "", True),
        ("@小元子签到", "签到", "", True),
        ("小元子，签到", "签到", "", True),
        ("小元子", "", "", True),
        ("元子 帮助 补签", "帮助", "补签", True),
        ("签到 @小元子", "签到", "", True),
        ("小元子们好", "小元子们好", "", False),
        ("我爱小元子", "我爱小元子", "", False),
        ("@小元子们 好", "们", "好", True),
        ("", "", "", False),
        ("！！！", "", "", False),
    ],
)
def test_a_message_is_a_head_a_rest_and_whether_we_were_spoken_to(
    typed: str, head: str, rest: str, addressed: bool
) -> None:
    reading = READER.read(typed)
    assert (reading.head, reading.rest, reading.addressed) == (head, rest, addressed)


def test_a_mention_by_id_or_a_private_message_speaks_to_us() -> None:
    assert READER.read("你好", mentions=["yuanzi"]).addressed
    assert not READER.read("你好", mentions=["somebody"]).addressed
    assert READER.read("你好", private=True).addressed


def test_the_same_words_read_to_different_people_are_told_apart() -> None:
    assert not READER.read("签到").addressed
    assert READER.read("签到", private=True).addressed
    assert not READER.read("签到").addressed


@pytest.mark.parametrize(
    ("typed", "verbatim"),
    [
        ("设置 welcome.benefit 送 ABC，先到先得！", "welcome.benefit 送 ABC，先到先得！"),
        ("@小元子 设置 welcome.benefit 送 ABC", "welcome.benefit 送 ABC"),
        ("设置", ""),
        ("设置　muted　开", "muted　开"),
    ],
)
def test_what_follows_the_word_is_kept_as_it_was_typed(typed: str, verbatim: str) -> None:
    assert READER.read(typed).verbatim == verbatim


@given(anything)
def test_any_text_can_be_read(text: str) -> None:
    reading = READER.read(text)
    reading.text.encode("utf-8")
    assert reading.arguments == reading.rest.split()
    assert isinstance(reading.verbatim, str)


def test_only_so_much_of_a_message_is_read() -> None:
    assert len(READER.read("哈" * 1_000_000).text) <= MAX_TEXT
    assert len(presentable("哈" * 1_000_000)) == MAX_TEXT
