"""From a Say to words: variants, slots, time of day, bounded length."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.replies import Say, Silence, flatten, say
from bot.settings import GroupSettings
from bot.voice import MAX_SLOT, Colour, Persona, Profile, Voice, cut, pack, slots_in, unpack
from bot.world import Luck

COLOUR = Colour(
    morning=("早", "早"), noon=("午", "午"), afternoon=("下", "下"), evening=("晚", "晚"), night=("夜", "夜")
)
PERSONA = Persona(
    name="小元子", signature="s", manner=("m",), names=("小元子",), profile=Profile(useful=70, fun=20, product=10),
    colour=COLOUR,
)  # fmt: skip
PHRASES = {
    "three": ("一 {name}", "二 {name}", "三 {name}"),
    "one": ("只有 {name}",),
    "hello": ("{hello}，我是{bot}", "{hello}，{bot}", "{hello}！{bot}"),
    "outer": ("外[{inner}]", "外[{inner}]", "外[{inner}]"),
}
VOICE = Voice(PERSONA, PHRASES)
NOON = datetime.fromisoformat("2026-12-02T12:00:00+08:00")


def speak(one: Say, occasion: str = "x", *, last: int | None = None, now: datetime = NOON, **more: object) -> str:
    settings = GroupSettings.model_validate(more)
    return VOICE.speak(one, luck=Luck("seed"), occasion=occasion, now=now, settings=settings, last=last).text


@given(st.text(), st.integers(0, 2))
def test_a_place_never_hears_the_variant_it_heard_last(occasion: str, last: int) -> None:
    spoken = VOICE.speak(
        say("three", name="x"), luck=Luck("a"), occasion=occasion, now=NOON, settings=GroupSettings(), last=last
    )
    assert spoken.variant != last
    assert spoken.text == PHRASES["three"][spoken.variant].replace("{name}", "x")


def test_every_variant_has_its_turn() -> None:
    assert {speak(say("three", name="x"), str(number))[0] for number in range(50)} == set("一二三")


def test_the_last_variant_may_be_one_that_is_gone_since() -> None:
    assert speak(say("one", name="x"), last=7) == "只有 x"
    assert speak(say("three", name="x"), last=99)[0] in "一二三"


def test_the_same_occasion_is_said_in_the_same_words() -> None:
    assert len({speak(say("three", name="x"), "e1") for _ in range(5)}) == 1


@pytest.mark.parametrize("name", ["{points}", "{name}", "{bot}", "{hello}", "{{name}}", "\\1", "%s", "{0}"])
def test_what_a_slot_brings_in_is_never_read_as_a_slot(name: str) -> None:
    assert speak(say("one", name=name)) == f"只有 {name}"


def test_a_slot_may_be_a_phrase_itself() -> None:
    assert speak(say("outer", inner=say("one", name="{bot}"))) == "外[只有 {bot}]"


def test_a_slot_without_a_value_is_empty_and_a_phrase_nobody_has_is_an_error() -> None:
    assert speak(say("one")) == "只有"
    with pytest.raises(KeyError):
        speak(say("nothing"))


def test_a_slot_is_bounded() -> None:
    assert len(speak(say("one", name="长" * 1_000_000))) == len("只有 ") + MAX_SLOT


@pytest.mark.parametrize(
    ("clock", "colour"),
    [
        ("04:59", "夜"),
        ("05:00", "早"),
        ("10:59", "早"),
        ("11:00", "午"),
        ("14:00", "下"),
        ("18:00", "晚"),
        ("23:00", "夜"),
    ],
)
def test_a_greeting_has_the_colour_of_the_hour(clock: str, colour: str) -> None:
    now = datetime.fromisoformat(f"2026-12-02T{clock}:00+08:00")
    text = speak(say("hello"), now=now)
    assert text.startswith(colour)
    assert "小元子" in text


def test_the_hour_is_that_of_the_group() -> None:
    assert speak(say("hello"), zone="America/Los_Angeles").startswith("晚")


@given(st.text(max_size=300), st.integers(4, 200))
def test_a_cut_text_fits_and_starts_like_the_whole(text: str, room: int) -> None:
    text = text.encode("utf-8", "replace").decode()
    short = cut(text, room)
    assert len(short.encode()) <= room
    assert short == text or text.startswith(short.removesuffix("…").rstrip())


def test_a_cut_falls_after_a_whole_sentence_where_there_is_one() -> None:
    assert cut("第一句话。第二句话没有说完就断了", 24) == "第一句话。…"
    assert cut("没有任何标点的一长串文字", 15) == "没有任何…"


slot_values = st.recursive(
    st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.builds(Say, st.text(max_size=5), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=5,
)


@given(slot_values)
def test_a_slot_value_survives_waiting_in_the_outbox(value: object) -> None:
    assert unpack(pack(value)) == value


def test_the_mix_of_contents_adds_up() -> None:
    with pytest.raises(ValueError, match="三项加起来应是 100"):
        Profile(useful=70, fun=20, product=20)


@pytest.mark.parametrize(
    ("variant", "slots"),
    [("{a}{b_c}", {"a", "b_c"}), ("没有", set()), ("{Name}", {"Name"}), ("{ name }", {" name "}), ("{名字}", {"名字"})],
)
def test_whatever_looks_like_a_slot_is_found(variant: str, slots: set[str]) -> None:
    assert slots_in(variant) == slots


def test_wishes_may_come_in_any_shape() -> None:
    one, none = say("a"), Silence("b")
    assert flatten(None) == []
    assert flatten(one) == [one]
    assert flatten(none) == [none]
    assert flatten([one, none]) == [one, none]
    assert flatten(wish for wish in (one,)) == [one]
