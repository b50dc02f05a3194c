"""The FAQ engine: sure, sorted, bounded, and the same every time."""

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.faq.clean import LONGEST, clean, heart
from bot.faq.engine import Engine
from bot.faq.entry import Entry
from bot.faq.features import NAMES, OF_QUERY
from bot.faq.files import read_book, read_questions
from bot.faq.measure import evaluate, noisy, report
from bot.faq.model import shipped
from bot.faq.sounds import folded, sounds
from bot.faq.terms import analyse, surprise

DATA = Path(__file__).parent / "data" / "faq"
SMALL = (
    Entry("refund", "怎么申请退款", ("退款在哪里点", "不想要了怎么退"), ("退款",)),
    Entry("ship", "下单后多久发货", ("什么时候发货",), ("发货时间",)),
    Entry("invoice", "怎么开发票", (), ()),
    Entry("card", "会员卡怎么办理", ("如何成为会员",), ("会员卡",)),
    Entry("sugar", "无糖饮料真的没有糖吗"),
)
ENGINE = Engine.build(SMALL)


def first(text: str, engine: Engine = ENGINE) -> str | None:
    hits = engine.search(text)
    return hits[0].id if hits else None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("怎么申请退款", "refund"),
        ("請問怎麼申請退款呀？", "refund"),
        ("怎 么 申 请 退 款", "refund"),
        ("@小元子 怎么申请退款😀😀", "refund"),
        ("怎么申请腿款", "refund"),
        ("ｈｏｗ 申请退款", "refund"),
        ("怎么申请 refund", "refund"),
        ("zenme kaifapiao", "invoice"),
        ("我想弄一张会员卡", "card"),
        ("啥时候发货啊", "ship"),
        ("发票咋开", "invoice"),
    ],
)
def test_width_script_faces_mentions_sounds_and_synonyms_cost_no_answer(text: str, wanted: str) -> None:
    assert first(text) == wanted


@pytest.mark.parametrize("text", ["", " ", "\n", "😀😀", "？？？", "\ud800", "[微笑]", "@小元子 ", "\x00", "ﷺ"])
def test_a_message_without_words_finds_nothing(text: str) -> None:
    assert all(hit.score < 0.5 for hit in ENGINE.search(text))


def test_what_shares_nothing_finds_nothing() -> None:
    assert ENGINE.search("xyzzy") == []
    assert Engine.build(()).search("怎么申请退款") == []
    assert Engine().search("怎么申请退款") == []


def test_a_question_of_the_book_is_surer_than_chat() -> None:
    asked = ENGINE.search("怎么申请退款")[0].score
    for chat in ("今天中午吃什么", "哈哈哈哈", "我昨天退款到了，开心", "会员卡都用了三年了"):
        assert all(hit.score < asked for hit in ENGINE.search(chat))


def test_a_hit_says_what_was_asked_and_which_words_are_shared() -> None:
    hit = ENGINE.search("请问会员卡怎么弄")[0]
    assert (hit.id, hit.asked) == ("card", "会员卡怎么办理")
    assert hit.matched == ("会员卡", "怎么弄")


def test_a_megabyte_costs_no_more_than_a_question() -> None:
    assert len(clean("退款" * 500_000)) <= LONGEST
    assert first("怎么申请退款" + "，" * 1_000_000) == "refund"


def test_courtesies_around_a_question_are_not_part_of_it() -> None:
    assert heart(clean("你好，请问一下怎么退款呀谢谢")) == "怎么退款"
    assert heart(clean("你好")) == "你好"


@given(st.text(max_size=80))
@settings(deadline=None)
def test_any_text_gets_sorted_scores_between_0_and_1_and_the_same_again(text: str) -> None:
    hits = ENGINE.search(text)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert len({hit.id for hit in hits}) == len(hits)
    assert ENGINE.search(text) == hits


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6), st.text(max_size=30))
@settings(max_examples=40, deadline=None)
def test_any_book_can_be_built_and_asked(texts: list[str], asked: str) -> None:
    engine = Engine.build([Entry(str(number), text, (asked,) if number else ()) for number, text in enumerate(texts)])
    assert len(engine.search(asked, 3)) <= 3


@given(st.text(alphabet="怎么退款发票会员卡abc12 的了", max_size=20))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean(text)
    assert clean(once) == once


def test_an_unrelated_entry_changes_little() -> None:
    book = read_book(DATA / "kb.jsonl").entries[:200]
    before, after = Engine.build(book), Engine.build([*book, Entry("new", "电动车电池怎么保养")])
    asked = [one for one in read_questions(DATA / "queries.jsonl") if one.id is not None][::9]
    changed = 0
    for one in asked:
        old, new = before.search(one.text), after.search(one.text)
        changed += bool(old) != bool(new) or (
            bool(old) and (old[0].id != new[0].id or abs(old[0].score - new[0].score) > 0.05)
        )
    assert changed <= len(asked) * 0.03


def test_renewing_gives_what_building_anew_gives() -> None:
    engine = Engine.build(SMALL)
    extra = Entry("hours", "门店几点开门")
    engine.renew((*SMALL, extra))
    assert first("你们几点开门", engine) == "hours"
    engine.renew(SMALL[1:])
    fresh = Engine.build(SMALL[1:])
    for text in ("怎么申请退款", "发票咋开", "会员卡怎么办", "今天天气真好"):
        assert [(hit.id, hit.score) for hit in engine.search(text)] == [
            (hit.id, hit.score) for hit in fresh.search(text)
        ]


def test_readers_in_other_threads_see_one_book_or_the_other() -> None:
    engine = Engine.build(SMALL)
    wrong: list[object] = []

    def read() -> None:
        for _ in range(60):
            found = first("怎么开发票", engine)
            if found != "invoice":
                wrong.append(found)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for one in readers:
        one.start()
    for number in range(30):
        engine.renew((*SMALL, Entry(str(number), f"第{number}个新问题是什么")))
    for one in readers:
        one.join()
    assert wrong == []


def test_entries_without_question_live_by_their_similar_questions_and_keywords() -> None:
    engine = Engine.build([Entry("a", "", ("怎么退款",)), Entry("b", "", (), ("营业执照",)), Entry("c", "")])
    assert first("怎么退款", engine) == "a"
    assert first("营业执照", engine) == "b"


def test_the_shipped_weights_are_those_of_these_features() -> None:
    close = ENGINE.close("怎么退款")
    assert close is not None
    assert close.features.shape[1] == len(NAMES)
    assert close.of_query.shape == (len(OF_QUERY),)
    model = shipped()
    assert model.ranker.mean.shape == (2 * len(NAMES),)
    assert model.judge.mean.shape == (2 * len(NAMES) + len(OF_QUERY) + 3,)


def test_a_thing_that_the_book_does_not_know_lowers_the_score() -> None:
    known, unknown = ENGINE.search("怎么申请退款")[0], ENGINE.search("彩票怎么申请退款")[0]
    assert unknown.score < known.score


def test_syllables_that_people_confuse_are_one() -> None:
    assert folded("zhuang") == folded("zuan")
    assert folded("niang") == folded("lian")
    assert sounds(["zhuce", "册"]) == ["zu", "ce", "ce"]
    assert sounds(["vip"]) == ["vip"]


def test_common_words_surprise_less_than_rare_ones() -> None:
    assert surprise("w", "我们") < surprise("w", "办理") < surprise("w", "没有人写过的词")


def test_synonyms_are_one_concept_and_a_single_character_only_as_a_word() -> None:
    assert set(analyse("价钱").concept_of) == set(analyse("多少钱").concept_of)
    assert analyse("退休").concept_of != analyse("退").concept_of * 2


def test_the_development_set_is_answered_as_well_as_when_it_was_last_measured() -> None:
    book = read_book(DATA / "kb.jsonl")
    asked = read_questions(DATA / "queries.jsonl", book.ids) + read_questions(DATA / "chat.jsonl", book.ids)
    engine = Engine.build(book.entries)
    judged, seconds = evaluate(engine, asked)
    figures = report(judged, seconds)
    floors = {"top1": 56.0, "top3": 66.0, "r_at_f1": 38.0, "r_at_p95": 18.0, "mr_at_p95": 28.0}
    assert {name: figures[name] for name in floors if figures[name] < floors[name]} == {}


def test_spoiled_questions_of_the_development_set_are_found_nearly_as_often() -> None:
    book = read_book(DATA / "kb.jsonl")
    asked = [one for one in read_questions(DATA / "queries.jsonl", book.ids) if one.id is not None][::16]
    engine = Engine.build(book.entries)
    judged, _ = evaluate(engine, asked)
    plain = report(judged, 1.0)["top1"]
    spoiled = noisy(engine, asked)
    assert min(spoiled.values()) >= plain * 0.8
    assert sum(spoiled.values()) / len(spoiled) >= plain * 0.93
    for name in ("traditional", "wide", "faces", "mention"):
        assert spoiled[name] >= plain - 2
