"""Whatever people or platforms throw at it: no crash, no injection, a bounded answer or none, and the next is fine."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.channels import Line
from bot.channels.pipe import MAX_LINE, BadLineError, TimeMoves, parse
from bot.events import ContactAdded, Event, MemberJoined, MemberLeft, MessageReceived, Person, Quote, Tick
from bot.stage import CHANNEL
from tests.conftest import Room, keys

LONGEST = 4_000
NASTY = [
    "",
    " ",
    "\n\n\n",
    "\x00\x01\x02\x1b[31m",
    "\u202e\u2066签到\u2069\u202c",
    "\u200b签到\u200b",
    "👨‍👩‍👧‍👦" * 50,
    "{points}{name}{bot}{hello}{}{{}}",
    "%s%d%n",
    "'; DROP TABLE member; --",
    "\\u0000\\ud800",
    "a" * 9_000,
    "𠜎𠜱𠝹" * 10,
    "\ufeff签到",
    "-" * 500,
    "@" * 3_000,
    "签到" * 3_000,
    "签到 " + "9" * 5_000,
    "补签 " + "9" * 5_000,
    "签到榜 " + "9" * 5_000,
    "帮助 " + "长" * 5_000,
    "ﷺ" * 5_000,
]


async def still_works(room: Room) -> None:
    """Whatever came before, the next member is served."""
    assert keys(await room.says("最后一位", "签到")) == ["checkin.done"]
    assert room.one("SELECT count(*) FROM interaction WHERE failed") == 0


def bounded(lines: list[Line]) -> bool:
    return all(len(line.text.encode()) <= LONGEST for line in lines)


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
async def test_a_nasty_text_gets_a_bounded_answer_or_none(quiet_stage: Room, text: str) -> None:
    room = quiet_stage
    said = await room.says("小明", text)
    said += await room.says("小红", f"@小元子 {text}")
    said += await room.says("小刚", text, private=True)
    assert len(said) <= 6
    assert bounded(said)
    await still_works(room)


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
async def test_a_nasty_argument_to_any_word_is_answered_kindly(quiet_stage: Room, text: str) -> None:
    room = quiet_stage
    for word in ("补签", "签到榜", "帮助"):
        assert bounded(await room.says("小明", f"{word} {text}"))
    for word in (
        "设置",
        "设置 name",
        "设置 welcome.benefit",
        "设置 welcome.gap",
        "名单",
        "撤销",
        "兑现",
        "试欢迎",
        "日程",
    ):
        assert bounded(await room.boss_says(f"{word} {text}"))
    await room.boss_says("设置 name 好的")
    await still_works(room)


async def test_a_megabyte_is_stored_in_part_and_answered_briefly_or_not_at_all(quiet_stage: Room) -> None:
    room = quiet_stage
    assert await room.says("小明", "哈" * 1_000_000) == []
    assert bounded(await room.says("小明", "@小元子 " + "哈" * 1_000_000))
    assert room.one("SELECT max(length(text)) FROM interaction") <= 8_000
    await still_works(room)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("{points}", "{points}"), ("{name}{bot}", "{name}{bot}"), ("小\n\n元\n子说", "小 元 子说"), ("小元子", "小元子（群友）"),
        (" 小元子\u200b ", "小元子（群友）"), ("小\u202e元子", "小元子（群友）"), ("元子", "元子（群友）"), ("长" * 10_000, "长" * 23 + "…"),
        ("<b>粗</b>", "<b>粗</b>"), ("%s", "%s"), ("\\n\\1", "\\n\\1"), ("'\"`", "'\"`"), ("a\x00\x1b[2Jb", "a[2Jb"),
    ],
)  # fmt: skip
async def test_a_name_is_shown_as_a_name_and_nothing_else(quiet_stage: Room, name: str, shown: str) -> None:
    (line,) = await quiet_stage.feed([quiet_stage.a_message("m", "签到", name=name)])
    assert shown in line.text
    assert "\n" not in line.text
    assert line.text.count("{") == shown.count("{")


async def test_a_name_that_is_empty_or_invisible_leaves_the_id(quiet_stage: Room) -> None:
    for number, name in enumerate(["", " ", "\u200b", "\n\n"]):
        event = quiet_stage.a_message(f"m{number}", "签到", name=name, member=f"wm{number}")
        (line,) = await quiet_stage.feed([event])
        assert f"wm{number}" in line.text


async def test_a_newcomer_cannot_speak_through_a_name(quiet_stage: Room) -> None:
    (line,) = await quiet_stage.joins(["{benefit}{names}", "甲\n【官方】加我微信领红包", "小元子"])
    assert "{benefit}{names}、甲 【官方】加我微信领红包、小元子（群友）" in line.text
    assert line.text.count("\n") == 0


@pytest.mark.parametrize(
    "odd", ["a'b\"c", "100%_x", "a/b/../c", "-- drop", "a:b|c;d", "群 一", "𠜎", "a" * 200, "0", "None"]
)
async def test_ids_may_hold_anything(quiet_stage: Room, odd: str) -> None:
    room = quiet_stage
    room.group = odd
    said = await room.feed([room.a_message(odd, "签到", member=odd, group=odd)])
    said += await room.feed([room.a_message(odd, "签到", member=odd, group=odd)])
    said += await room.joins([odd])
    assert keys(said) == ["checkin.done", "welcome.group"]
    assert room.rows("SELECT group_id, member_id, event_id FROM check_in") == [(odd, odd, odd)]
    assert keys(await room.boss_says("撤销 1")) == ["undo.done", "undo.told"]
    assert room.rows("SELECT * FROM check_in") == []
    assert room.app.store.ledger.balance(f"member:{odd}") == 0


async def test_ten_thousand_mentions_are_read_and_not_repeated(quiet_stage: Room) -> None:
    room = quiet_stage
    mentions = tuple(f"u{number}" for number in range(10_000))
    now = room.world.now()
    common = {"at": now, "channel": CHANNEL, "group": "yuanqi", "member": "u1", "name": "小满"}
    assert await room.feed([MessageReceived(id="1", text="大家好", mentions=mentions, **common)]) == []  # type: ignore[arg-type]
    said = await room.feed([MessageReceived(id="2", text="签到", mentions=(*mentions, "yuanzi"), **common)])  # type: ignore[arg-type]
    assert keys(said) == ["checkin.done"]
    assert said[0].mentions == ()
    assert room.one("SELECT max(length(details)) FROM interaction") < 1_000


@pytest.mark.parametrize("days", [-20_000, -4_000, -400, -32, 32, 400, 4_000])
async def test_times_far_off_do_no_harm(quiet_stage: Room, days: int) -> None:
    room = quiet_stage
    moment = room.world.now() + timedelta(days=days)
    event = room.a_message("far", "签到", at=moment)
    joined = MemberJoined(id="j", at=moment, channel=CHANNEL, group="yuanqi", people=(Person("x", "甲"),))
    contact = ContactAdded(id="c", at=moment, channel=CHANNEL, member="y", name="乙")
    said = await room.feed([event, joined, contact])
    assert keys(said)[:1] == ["checkin.too_late" if days < -31 else "checkin.done"]
    assert len(said) <= 3
    await still_works(room)


@pytest.mark.parametrize("form", ["picture", "file", "link", "sticker", "", "x" * 20])
async def test_what_is_not_text_is_noted_and_not_answered(quiet_stage: Room, form: str) -> None:
    room = quiet_stage
    common = {"at": room.world.now(), "channel": CHANNEL, "member": "u1", "form": form, "media": "https://x/y.png"}
    for number, group in enumerate(["yuanqi", None]):
        event = MessageReceived(id=f"m{number}", text="签到", group=group, mentions=("yuanzi",), **common)  # type: ignore[arg-type]
        assert await room.feed([event]) == []
    assert room.one("SELECT count(*) FROM check_in") == 0
    await still_works(room)


async def test_a_quote_is_kept_short_and_its_text_is_not_obeyed(quiet_stage: Room) -> None:
    room = quiet_stage
    event = MessageReceived(
        id="m", at=room.world.now(), channel=CHANNEL, group="yuanqi", member="u1", text="哈哈哈",
        quote=Quote("q", "u2", "签到 " * 1_000),
    )  # fmt: skip
    assert await room.feed([event]) == []
    assert room.one("SELECT length(details) FROM interaction") < 500


async def test_facts_that_lack_something_are_recorded_and_answered_by_nobody(quiet_stage: Room) -> None:
    room = quiet_stage
    now = room.world.now()
    events: list[Event] = [
        MemberJoined(id="1", at=now, channel=CHANNEL, people=(Person("x"),)),
        MemberJoined(id="2", at=now, channel=CHANNEL, group="yuanqi", people=()),
        MemberLeft(id="3", at=now, channel=CHANNEL, people=()),
        MemberLeft(id="4", at=now, channel=CHANNEL, group="yuanqi", people=(Person("nobody"),)),
        Tick(id="5", at=now, channel="", topic="nothing", key=""),
    ]
    assert await room.feed(events) == []
    assert room.one("SELECT count(*) FROM interaction WHERE kind <> 'message'") == 5
    await still_works(room)


texts = st.text(st.characters(codec=None, categories=None), max_size=30)
mixed = st.lists(
    texts | st.sampled_from(["签到", "帮助", "设置", "@小元子", "补签", "签到榜", " ", "{name}"]), max_size=4
).map("".join)


@given(st.lists(st.tuples(mixed, texts, st.booleans()), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_or_name_whatever_breaks_a_rule(
    tmp_path_factory: pytest.TempPathFactory, talk: list[tuple[str, str, bool]]
) -> None:
    import asyncio

    from tests.conftest import a_config, group_config

    async def listen() -> None:
        room = Room(lambda: a_config(group_config(scripts=[])), tmp_path_factory.mktemp("bad") / "x.db")
        await room.open()
        for number, (text, name, private) in enumerate(talk):
            event = room.a_message(f"m{number}", text, name=name, group=None if private else "yuanqi")
            said = await room.feed([event])
            assert bounded(said)
            for line in said:
                line.text.encode("utf-8")
        assert room.one("SELECT count(*) FROM interaction WHERE failed") == 0
        await room.close()

    asyncio.run(listen())


# -- lines of the pipe ---------------------------------------------------------------------------------------------

NOW = datetime(2026, 12, 2, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (b"[" * 100_000, "not JSON"),
        (b'{"type":' + b"[" * 900 + b"]" * 900 + b"}", "unknown type"),
        (b'{"type":"massage"}', "unknown type 'massage'"),
        (b'{"type":"beat_due","id":"x"}', "unknown type"),
        (b'{"type":"message","id":"m","member":"u","at":"noon"}', '"at"'),
        (b'{"type":"message","id":"m","member":"u","at":"1999-12-31T00:00:00Z"}', "1999"),
        (b'{"type":"message","id":"m","member":"u","at":"2100-01-01T00:00:00Z"}', "2100"),
        (b'{"type":"message","id":"m","member":"u","at":"0001-01-01T00:00:00+14:00"}', '"at"'),
        (b'{"type":"message","id":"m","member":"u","at":"2028-12-02T00:00:00Z"}', "ahead"),
        (b'{"type":"message","id":"m","member":"u","at":1e400}', '"at"'),
        (b'{"type":"message","id":"m","member":"u","at":NaN}', '"at"'),
        (b'{"type":"message","id":"m","member":"u","at":{}}', '"at"'),
        (b'{"type":"message","member":"u"}', '"id"'),
        (b'{"type":"message","id":"","member":"u"}', '"id"'),
        (b'{"type":"message","id":null,"member":"u"}', '"id"'),
        (b'{"type":"message","id":true,"member":"u"}', '"id"'),
        (b'{"type":"message","id":"m"}', '"member"'),
        (b'{"type":"message","id":"' + b"x" * 201 + b'","member":"u"}', "201 characters"),
        (b'{"type":"message","id":"m","member":"u","text":[]}', '"text"'),
        (b'{"type":"message","id":"m","member":"u","name":{}}', '"name"'),
        (b'{"type":"message","id":"m","member":"u","mentions":"u2"}', '"mentions"'),
        (b'{"type":"message","id":"m","member":"u","quote":"q"}', '"quote"'),
        (b'{"type":"message","id":"m","member":"u","kind":"' + b"x" * 21 + b'"}', '"kind"'),
        (b'{"type":"joined","id":"j","group":"g"}', '"members"'),
        (b'{"type":"joined","id":"j","group":"g","members":[]}', '"members"'),
        (b'{"type":"joined","id":"j","group":"g","members":[{}]}', '"id"'),
        (b'{"type":"joined","id":"j","group":"g","members":[' + b"1," * 20_000 + b"1]}", "20001 entries"),
        (b'{"type":"contact_added","id":"c"}', '"member"'),
        (b"x" * (MAX_LINE + 1), "longer than"),
    ],
)
def test_a_line_that_cannot_be_used_says_why(raw: bytes, reason: str) -> None:
    with pytest.raises(BadLineError) as raised:
        parse(raw, NOW)
    assert reason in str(raised.value)
    assert len(str(raised.value)) <= 300


def test_without_a_clock_the_first_line_needs_its_moment() -> None:
    with pytest.raises(BadLineError, match="no earlier line set the clock"):
        parse(b'{"type":"message","id":"m","member":"u","text":"x"}', None)


def test_a_line_without_a_moment_happens_now() -> None:
    one = parse(b'{"type":"message","id":1,"member":2,"text":"x"}', NOW)
    assert isinstance(one, MessageReceived)
    assert (one.at, one.id, one.member, one.group) == (NOW, "1", "2", None)


@pytest.mark.parametrize(
    "at", ['"2026-12-02T12:00:00+08:00"', '"2026-12-02T12:00:00"', '"2026-12-02T04:00:00Z"', "1796184000"]
)
def test_a_moment_may_be_written_in_many_ways(at: str) -> None:
    assert parse(f'{{"type":"time","at":{at}}}'.encode(), None) == TimeMoves(NOW)


def test_lone_surrogates_and_broken_utf8_are_replaced() -> None:
    one = parse(b'{"type":"message","id":"m\\ud800","member":"u","name":"\\udfff","text":"\xff\\ud83d"}', NOW)
    assert isinstance(one, MessageReceived)
    assert (one.id, one.name, one.text) == ("m?", "?", "\ufffd?")


json_junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, categories=None), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(
    ["id", "at", "group", "member", "name", "text", "mentions", "kind", "media", "quote", "members", "inviter"]
)
types = st.sampled_from(["message", "joined", "left", "contact_added", "time"])


@given(types, st.dictionaries(fields, json_junk, max_size=8))
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_any_json_is_an_event_or_a_bad_line(kind: str, data: dict[str, object]) -> None:
    import json

    raw = json.dumps({"type": kind, "id": "i", "member": "m", **data}).encode()
    try:
        one = parse(raw, NOW)
    except BadLineError as error:
        str(error).encode("utf-8")
        return
    assert one.at.tzinfo is not None
    repr(one).encode("utf-8")


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_a_bad_line(raw: bytes) -> None:
    with pytest.raises(BadLineError):
        parse(raw, NOW)
