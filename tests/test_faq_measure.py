"""The measures of the FAQ engine, on answers counted by hand; and the noises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.faq.entry import Hit
from bot.faq.files import Asked
from bot.faq.measure import GROUP, Judged, judge, recall_at_false_alarms, recall_at_precision, report
from bot.faq.noise import NOISES, spoil


def questions(*scores: float, place: int | None = 0) -> list[Judged]:
    return [Judged("question", place, score) for score in scores]


def chat(*scores: float) -> list[Judged]:
    return [Judged("chat", None, score) for score in scores]


def test_the_threshold_lets_one_percent_of_the_chat_through() -> None:
    talk = chat(0.9, 0.8, *[0.1] * 98)
    assert recall_at_false_alarms([*talk, *questions(0.95, 0.85, 0.5)]) == pytest.approx(2 / 3)
    assert recall_at_false_alarms([*talk, *questions(0.8)]) == 0
    assert recall_at_false_alarms(questions(0.1, 0.2)) == 1


def test_a_wrong_answer_is_no_recall_at_any_threshold() -> None:
    assert recall_at_false_alarms(questions(0.9, place=1)) == 0


def test_precision_is_that_of_a_stream_not_of_the_list() -> None:
    # One chat line of ten above the threshold is 8.5 % of a stream in which questions are 10 %: far below 95 %.
    judged = [*questions(0.9, 0.7), *chat(0.8, *[0.0] * 9)]
    assert recall_at_precision(judged, GROUP) == (0.5, 0.9)
    assert recall_at_precision(judged, {"question": 0.999, "chat": 0.001}) == (1.0, 0.7)


def test_equal_scores_stand_or_fall_together() -> None:
    judged = [*questions(0.9), *chat(0.9), *questions(0.95)]
    assert recall_at_precision(judged, GROUP) == (0.5, 0.95)


def test_a_report_counts_places() -> None:
    figures = report([*questions(0.9), *questions(0.8, place=2), *questions(0.7, place=None), *chat(0.1)], 2.0)
    assert (figures["top1"], figures["top3"], figures["mrr"], figures["queries_per_s"]) == (33.3, 66.7, 0.4444, 2)


def test_an_answer_is_judged_by_its_place_and_best_score() -> None:
    hits = [Hit("a", 0.9), Hit("b", 0.4)]
    assert judge(Asked("q", "b", "hand"), hits) == Judged("question", 1, 0.9)
    assert judge(Asked("q", None, "offtopic"), hits) == Judged("offtopic", None, 0.9)
    assert judge(Asked("q", "b", "hand"), []) == Judged("question", None, 0.0)


def test_there_are_seventeen_noises_and_each_changes_a_question() -> None:
    assert len(NOISES) == 17
    text = "请问会员卡的优惠券怎么使用"
    for name in NOISES:
        assert spoil(text, name) != text, name
        assert spoil(text, name) == spoil(text, name)


@given(st.text(max_size=20), st.sampled_from(sorted(NOISES)))
def test_any_text_can_be_spoiled(text: str, name: str) -> None:
    assert isinstance(spoil(text, name), str)
