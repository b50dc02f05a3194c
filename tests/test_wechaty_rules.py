"""The pure parts of the wechaty channel: the wire, the echoes, the reading of texts, the caches, the settings."""

import asyncio
import contextlib
import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.channels.wechaty import WechatyChannel
from bot.channels.wechaty_echo import Echoes
from bot.channels.wechaty_kept import Bounded, Cache
from bot.channels.wechaty_read import moment, read_mentions, split_quote
from bot.channels.wechaty_settings import WechatySettings
from bot.channels.wechaty_wire import (
    LinkCard,
    WireError,
    chunk,
    number,
    parse,
    read_event,
    read_message,
    read_sent,
    text,
    texts,
    write_link,
    write_text,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
words = st.text(string.printable + "元子早上好", max_size=40)


class StillClock:
    """Moves only when told."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


# ---- the wire ----


@given(words, words, st.lists(words.filter(bool), max_size=5), st.integers(0, 2**63 - 1))
def test_what_is_written_is_read_again(one: str, two: str, many: list[str], whole: int) -> None:
    fields = parse(text(1, one) + number(2, whole) + texts(3, many) + chunk(400, two.encode()))
    assert fields.get(1, [b""]) == [one.encode()]
    assert fields.get(2, [0]) == [whole]
    assert [value.decode() for value in fields.get(3, [])] == many
    assert fields[400] == [two.encode()]


@given(st.binary(max_size=200))
def test_rubbish_is_refused_by_name_and_never_by_accident(data: bytes) -> None:
    for read in (parse, read_message, read_event, read_sent):
        with contextlib.suppress(WireError):
            read(data)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_an_event_with_rubbish_inside_keeps_its_name(payload: bytes, cut: int) -> None:
    event = read_event(number(1, 2) + chunk(2, payload[:cut]))
    assert event.name == "message"
    assert isinstance(event.get("messageId"), str)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (number(4, 1_700_000_000), 1_700_000_000.0),
        (number(4, 1_700_000_000_500), 1_700_000_000.5),
        (chunk(10, number(1, 1_700_000_001) + number(2, 500_000_000)), 1_700_000_001.5),
        (number(4, 5) + chunk(10, number(1, 1_700_000_001)), 1_700_000_001.0),
        (b"", 0.0),
    ],
    ids=["old, seconds", "old, milliseconds", "new", "both: the new one counts", "none"],
)
def test_the_time_of_a_message_is_read_from_either_generation(fields: bytes, expected: float) -> None:
    assert read_message(text(1, "m") + fields).timestamp == expected


@pytest.mark.parametrize("reply", [chunk(1, text(1, "id9")), text(2, "id9"), chunk(1, text(1, "x")) + text(2, "id9")])
def test_the_id_of_a_sent_message_is_read_from_either_generation(reply: bytes) -> None:
    assert read_sent(reply) == "id9"


def test_a_link_is_written_for_both_generations() -> None:
    fields = parse(write_link("R:1", LinkCard("标题", "https://x", "说明")))
    assert "标题" in fields[2][0].decode()
    assert parse(fields[3][0])[3] == ["标题".encode()]


def test_mentions_are_written_where_every_generation_reads_them() -> None:
    assert parse(write_text("R:1", "hi", ["a", "b"]))[3] == [b"a", b"b"]


# ---- reading texts ----


@pytest.mark.parametrize(
    ("line", "ids", "expected"),
    [
        ("@元子\u2005签到", ["me"], ("签到", ("me",))),
        ("签到 @元子", [], ("签到", ("me",))),
        ("@元子你好", [], ("@元子你好", ())),
        ("@元子鱼\u2005你好", [], ("@元子鱼\u2005你好", ())),
        ("@群里的外号\u2005签到", ["me"], ("签到", ("me",))),
        ("@甲\u2005@元子\u2005比一比", ["a", "me"], ("@甲\u2005 比一比", ("a", "me"))),
        ("没有提到谁", [], ("没有提到谁", ())),
    ],
)
def test_mentions(line: str, ids: list[str], expected: tuple[str, tuple[str, ...]]) -> None:
    assert read_mentions(line, ids, "me", ("元子",)) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("「张三：你好」\n- - - - - - - - - - - - - - -\n好的", ("你好", "好的")),
        ('这是一条引用/回复消息：\n"张三：\n你好"\n------\n好的', ("你好", "好的")),
        ("「张三：两\n行」\n- - - - - - -\n三\n行", ("两\n行", "三\n行")),
        ("「不是引用」", ("", "「不是引用」")),
        ("普通的话", ("", "普通的话")),
    ],
)
def test_quotes_written_into_the_text_are_taken_apart(line: str, expected: tuple[str, str]) -> None:
    assert split_quote(line) == expected


@given(words)
def test_taking_a_quote_apart_never_fails_and_never_invents_words(line: str) -> None:
    before, said = split_quote(line)
    assert before in line
    assert said in line


@pytest.mark.parametrize("stamp", [0.0, -5.0, 1e30, float("nan"), float("inf")])
def test_an_absurd_time_becomes_now(stamp: float) -> None:
    assert moment(stamp, NOW) == NOW


# ---- echoes ----


def test_an_echo_settles_the_unknown_send_with_its_words_and_only_once() -> None:
    echoes = Echoes()
    handle = echoes.begin("k1", "R:1", "text", "开奖 啦")
    assert echoes.lost(handle) == ("", [])
    assert echoes.heard("m0", "R:2", "text", "开奖 啦") == []
    assert echoes.heard("m0", "R:1", "text", "别的话") == []
    assert echoes.heard("m1", "R:1", "text", "@甲\u2005开奖啦") == [("k1", "m1")]
    assert echoes.heard("m1", "R:1", "text", "开奖 啦") == []
    assert echoes.unsettled() == 0


def test_the_echo_of_a_line_that_is_under_way_does_not_settle_an_older_one_with_the_same_words() -> None:
    echoes = Echoes()
    older = echoes.begin("old", "R:1", "text", "早")
    echoes.lost(older)
    newer = echoes.begin("new", "R:1", "text", "早")
    assert echoes.heard("m2", "R:1", "text", "早") == []
    assert echoes.succeeded(newer, "m2") == []
    assert echoes.heard("m2", "R:1", "text", "早") == []
    assert echoes.heard("m1", "R:1", "text", "早") == [("old", "m1")]


def test_an_echo_that_came_while_another_was_under_way_is_matched_when_that_one_is_answered() -> None:
    echoes = Echoes()
    echoes.lost(echoes.begin("old", "R:1", "text", "早"))
    newer = echoes.begin("new", "R:1", "text", "早")
    assert echoes.heard("m1", "R:1", "text", "早") == []
    assert echoes.heard("m2", "R:1", "text", "早") == []
    assert echoes.succeeded(newer, "m2") == [("old", "m1")]


def test_an_echo_before_the_missing_answer_is_the_answer() -> None:
    echoes = Echoes()
    handle = echoes.begin("k", "R:1", "picture", "")
    assert echoes.heard("m1", "R:1", "picture", "") == []
    assert echoes.lost(handle) == ("m1", [])


def test_a_refused_line_gives_its_echo_to_the_one_that_waits() -> None:
    echoes = Echoes()
    echoes.lost(echoes.begin("old", "R:1", "text", "早"))
    newer = echoes.begin("new", "R:1", "text", "早")
    echoes.heard("m1", "R:1", "text", "早")
    assert echoes.refused(newer) == [("old", "m1")]


def test_a_line_left_unknown_by_an_earlier_process_is_settled_too() -> None:
    echoes = Echoes()
    echoes.begin("row:1", "R:1", "text", "早", flying=False)
    assert echoes.heard("m1", "R:1", "text", "早") == [("row:1", "m1")]


@given(st.lists(st.tuples(st.sampled_from(["begin", "ok", "lost", "refused", "echo"]), st.integers(0, 5)), max_size=60))
def test_no_key_is_ever_settled_twice_and_no_echo_settles_two(steps: list[tuple[str, int]]) -> None:
    echoes = Echoes(most=20)
    flying: list[str] = []
    settled: list[tuple[str, str]] = []
    for turn, (step, which) in enumerate(steps):
        if step == "begin" and not flying:  # the outbox sends one line after another
            flying.append(echoes.begin(f"k{turn}", "R:1", "text", "早"))
        elif step == "echo":
            settled += echoes.heard(f"m{which}", "R:1", "text", "早")
        elif flying:
            handle = flying.pop()
            if step == "ok":
                settled += echoes.succeeded(handle, f"m{which}")
            elif step == "lost":
                settled += echoes.lost(handle)[1]
            else:
                settled += echoes.refused(handle)
    keys, ids = [key for key, _ in settled], [echo for _, echo in settled]
    assert len(set(keys)) == len(keys)
    assert len(set(ids)) == len(ids)


# ---- caches ----


async def test_a_question_is_asked_once_even_by_many_at_once() -> None:
    asked = 0

    async def ask() -> tuple[str, float | None]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return "answer", None

    cache: Cache[str] = Cache(10, 60, StillClock())
    assert set(await asyncio.gather(*(cache.get("q", ask) for _ in range(20)))) == {"answer"}
    assert asked == 1


async def test_answers_grow_old_and_the_least_used_are_forgotten_first() -> None:
    clock = StillClock()
    cache: Cache[int] = Cache(2, 60, clock)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.peek("a") == 1
    cache.put("c", 3)
    assert (cache.peek("a"), cache.peek("b"), cache.peek("c")) == (1, None, 3)
    clock.at = 61
    assert (cache.peek("a"), len(cache)) == (None, 1)


async def test_an_answer_that_was_forgotten_while_it_was_asked_for_is_not_kept() -> None:
    go = asyncio.Event()

    async def ask() -> tuple[str, float | None]:
        await go.wait()
        return "stale", None

    cache: Cache[str] = Cache(10, 60, StillClock())
    waiting = asyncio.create_task(cache.get("room", ask))
    await asyncio.sleep(0)
    cache.forget("room")
    go.set()
    assert await waiting == "stale"
    assert cache.peek("room") is None


def test_a_bounded_dictionary_forgets_its_oldest() -> None:
    kept: Bounded[int, int] = Bounded(3)
    for value in range(10):
        kept[value] = value
    assert list(kept) == [7, 8, 9]


# ---- settings ----


@pytest.mark.parametrize(
    "wrong",
    [
        {"tokn_env": "X"},
        {"token_env": "puppet_workpro_secret"},
        {"endpoint": "http://host:1"},
        {"endpoint": "host"},
        {"discovery": "https://api.chatie.io/"},
        {"day_budget": "200"},
        {"speaks": "always"},
        {"zone": "Asia/Nowhere"},
        {"call_seconds": 0},
        {"friends": "yes"},
    ],
)
def test_a_setting_that_is_wrong_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WechatySettings.model_validate(wrong)


def test_the_defaults_are_careful() -> None:
    rules = WechatySettings()
    channel = WechatyChannel("wx", rules, clock=StillClock(), luck=lambda: 0.5, token="x")  # noqa: S106
    assert channel.abilities.speaks == "answer"
    assert 60 / channel.pace.account_gap.total_seconds() <= 20
    assert channel.pace.jitter.total_seconds() >= 3
    assert 0 < rules.day_budget <= 200
    assert not channel.abilities.idempotent
