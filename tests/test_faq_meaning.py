"""Related words: how a text is read with them, what they add to a question, and that plain methods stay comparable."""

import numpy as np
import pytest

from bot.faq.engine import VAGUE, Engine
from bot.faq.entry import Entry
from bot.faq.features import NAMES
from bot.faq.lexicon import lexicon
from bot.faq.related import directions
from bot.faq.rivals import RIVALS
from bot.faq.terms import analyse

BOOK = (Entry("on", "怎么开通自动续费"), Entry("off", "怎么关闭自动续费"), Entry("fever", "孩子发烧怎么办"))
ENGINE = Engine.build(BOOK)


def features(text: str, wanted: str) -> dict[str, float]:
    close = ENGINE.close(text)
    assert close is not None
    place = [BOOK[number].id for number in close.entries.tolist()].index(wanted)
    return dict(zip(NAMES, close.features[place].tolist(), strict=True))


def test_words_that_mean_the_same_point_the_same_way() -> None:
    one, same, other = (
        lexicon().vectors[analyse(text).meanings[0]].astype(np.float32) for text in ("发烧", "发热", "宽带")
    )
    assert one @ same > 0.8 * np.linalg.norm(one) * np.linalg.norm(same)
    assert one @ other < 0.4 * np.linalg.norm(one) * np.linalg.norm(other)


def test_a_word_begins_and_ends_where_the_segmenter_says() -> None:
    assert analyse("怎么关闭").meanings == (*analyse("怎么").meanings, *analyse("关闭").meanings)


def test_an_entry_is_found_by_a_word_that_it_does_not_have() -> None:
    assert ENGINE.search("宝宝发热")[0].id == "fever"
    assert features("宝宝发热", "fever")["meant_query"] > 0.6


def test_opposites_are_told_apart() -> None:
    assert features("我要关闭自动续费", "on")["opposite"] == 1
    assert features("我要关闭自动续费", "off")["opposite"] == 0
    assert ENGINE.search("我要关闭自动续费")[0].id == "off"


def test_what_shares_next_to_nothing_keeps_its_order_and_is_never_answered() -> None:
    hits = ENGINE.search("今天怎么这么冷啊我的天哪真是受不了了")
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(score < 0.2 for score in scores)
    assert VAGUE < 1


def test_a_text_without_any_known_word_has_no_meaning_and_can_still_be_asked() -> None:
    engine = Engine.build([Entry("x", "xq77"), Entry("y", "怎么退款")])
    assert analyse("xq77").meanings == ()
    assert engine.search("xq77")[0].id == "x"


def test_vectors_have_length_one_and_are_the_same_every_time() -> None:
    rows, columns = np.array([0, 0, 1, 1, 2, 3, 3]), np.array([0, 1, 0, 1, 2, 2, 1])
    worth = np.ones(len(rows))
    once, again = directions(rows, columns, worth, 2), directions(rows, columns, worth, 2)
    assert np.array_equal(once, again)
    assert np.linalg.norm(once, axis=1) == pytest.approx(np.ones(4), abs=1e-6)


@pytest.mark.parametrize("name", sorted(RIVALS))
def test_a_plain_method_finds_the_very_question(name: str) -> None:
    hits = RIVALS[name](BOOK)("孩子发烧怎么办")
    assert hits[0].id == "fever"
    assert RIVALS[name](BOOK)("xyzzy") == []
