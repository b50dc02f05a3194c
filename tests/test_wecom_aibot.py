"""智能机器人 over its long connection, against a small WebSocket server that says what a test wants it to say."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.channels.wecom.aibot import AiBotWire, TakenOver
from bot.channels.wecom.aibot_message import read_inbound, strip_mention
from bot.channels.wecom.cards import check_card
from bot.channels.wecom.crypto import Garbled
from bot.channels.wecom.ports import Ports
from bot.channels.wecom.secret import SecretSource
from bot.channels.wecom.settings import AiBotSettings
from bot.errors import Refused, Retryable
from bot.events import ContactAdded, MessageReceived
from tests.wecom_world import SECRET, START, CountingIds, DictMemory, Ears, FakeClock, HalfLuck, line, running

CARD = {"card_type": "text_notice", "main_title": {"title": "抽奖"}, "card_action": {"type": 1, "url": "https://x"}}


class Platform:
    """Acknowledges every frame with `judge(frame)`, or not at all when that is None."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sockets: list[web.WebSocketResponse] = []
        self.judge: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda _: {"errcode": 0, "errmsg": "ok"}
        self.url = ""

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            frame = json.loads(message.data)
            answer = self.judge(frame)
            if answer is not None:
                await socket.send_json({"headers": frame["headers"], **answer})
            self.frames.put_nowait(frame)
        return socket

    async def push(self, body: dict[str, Any], req_id: str = "r1", cmd: str = "aibot_msg_callback") -> None:
        await self.sockets[-1].send_json({"cmd": cmd, "headers": {"req_id": req_id}, "body": body})

    async def next(self, cmd: str) -> dict[str, Any]:
        while True:
            frame = await asyncio.wait_for(self.frames.get(), 60)
            if frame["cmd"] == cmd:
                return frame


class Room:
    def __init__(self, platform: Platform, wire: AiBotWire, clock: FakeClock, ears: Ears) -> None:
        self.platform, self.wire, self.clock, self.ears = platform, wire, clock, ears

    async def connected(self) -> None:
        """Subscribed, and the wire has noticed."""
        await self.platform.next("aibot_subscribe")
        await self.clock.someone_sleeps(30.0)

    async def asked(
        self, text: str = "@元子 签到", req_id: str = "r1", number: int = 1, **more: Any
    ) -> MessageReceived:
        await self.platform.push(message(text, number, **more), req_id)
        heard = await self.ears.next()
        assert isinstance(heard, MessageReceived)
        return heard


def message(text: str = "@元子 签到", number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "msgid": f"m{number}",
        "aibotid": "aibX",
        "chatid": "wrG",
        "chattype": "group",
        "from": {"userid": "zhang"},
        "create_time": int(START.timestamp()),
        "msgtype": "text",
        "text": {"content": text},
        **more,
    }


def happened(kind: str, **inner: Any) -> dict[str, Any]:
    return {
        "msgid": f"e-{kind}",
        "chattype": "single",
        "from": {"userid": "zhang"},
        "msgtype": "event",
        "event": {"eventtype": kind, **inner},
    }


@asynccontextmanager
async def room(**more: Any) -> AsyncIterator[Room]:
    platform = Platform()
    app = web.Application()
    app.router.add_get("/", platform.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    platform.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    clock = FakeClock(auto=False)
    known = {"name": "bot", "bot_id": "aibX", "secret": SecretSource(env="BOT"), "bot_name": "元子", "ws": platform.url}
    settings = AiBotSettings(**{**known, **more})
    async with aiohttp.ClientSession() as session:
        ports = Ports(clock, HalfLuck(), CountingIds(), DictMemory())
        wire = AiBotWire(settings, secret=SecretStr(SECRET), session=session, ports=ports)
        try:
            yield Room(platform, wire, clock, Ears())
        finally:
            for socket in platform.sockets:
                await socket.close()
            await runner.cleanup()


async def test_it_subscribes_hears_and_answers_on_the_same_req_id() -> None:
    async with room() as r, running(r.wire, r.ears):
        subscribed = await r.platform.next("aibot_subscribe")
        assert subscribed["body"] == {"bot_id": "aibX", "secret": SECRET}
        await r.clock.someone_sleeps(30.0)
        heard = await r.asked()
        assert (heard.text, heard.group, heard.member, heard.mentions) == ("签到", "wrG", "zhang", ("aibX",))
        assert (await r.wire.send(line("好的", group="wrG", event=heard.id))).state == "sent"
        answer = await r.platform.next("aibot_respond_msg")
        assert answer["headers"]["req_id"] == "r1"
        assert answer["body"]["stream"]["finish"] is True
        assert answer["body"]["stream"]["content"] == "好的"


async def test_a_second_line_to_one_question_is_sent_on_its_own() -> None:
    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        heard = await r.asked()
        await r.wire.send(line("一", group="wrG", event=heard.id))
        await r.wire.send(line("二", group="wrG", event=heard.id))
        pushed = await r.platform.next("aibot_send_msg")
        assert (pushed["body"]["chatid"], pushed["body"]["chat_type"]) == ("wrG", 2)
        assert pushed["body"]["markdown"] == {"content": "二"}


async def test_an_answer_to_another_conversation_does_not_use_the_question() -> None:
    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        heard = await r.asked()
        await r.wire.send(line("私下说", member="zhang", event=heard.id))
        pushed = await r.platform.next("aibot_send_msg")
        assert (pushed["body"]["chatid"], pushed["body"]["chat_type"]) == ("zhang", 1)


@pytest.mark.parametrize("code", [846605, 846608])
async def test_a_stale_req_id_or_stream_falls_back_to_a_message_of_its_own(code: int) -> None:
    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        heard = await r.asked()
        r.platform.judge = lambda f: {"errcode": code if f["cmd"] == "aibot_respond_msg" else 0, "errmsg": "x"}
        assert (await r.wire.send(line("好", group="wrG", event=heard.id))).state == "sent"
        await r.platform.next("aibot_send_msg")


async def test_req_ids_of_an_earlier_connection_are_not_used() -> None:
    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        heard = await r.asked()
        await r.platform.sockets[0].close()
        await r.clock.someone_sleeps(0.75)
        r.clock.advance(0.75)
        await r.connected()
        await r.wire.send(line("好", group="wrG", event=heard.id))
        await r.platform.next("aibot_send_msg")


async def test_an_open_socket_that_lost_its_subscription_is_replaced() -> None:
    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        r.platform.judge = lambda f: {"errcode": 846609 if f["cmd"] == "aibot_send_msg" else 0, "errmsg": "x"}
        with pytest.raises(Retryable):
            await r.wire.send(line("好", group="wrG"))
        await r.clock.someone_sleeps(0.75)
        r.platform.judge = lambda _: {"errcode": 0, "errmsg": "ok"}
        r.clock.advance(0.75)
        await r.connected()
        assert (await r.wire.send(line("好", group="wrG"))).state == "sent"


async def test_while_the_connection_is_down_a_line_waits() -> None:
    async with room() as r:
        with pytest.raises(Retryable):
            await r.wire.send(line("好", group="wrG"))


async def test_a_frame_without_answer_is_unknown() -> None:
    async with room(ack_deadline=0.5) as r, running(r.wire, r.ears):
        await r.connected()
        r.platform.judge = lambda _: None
        assert (await r.wire.send(line("好", group="wrG"))).state == "unknown"


async def test_a_conversation_has_30_lines_a_minute_and_others_are_free() -> None:
    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        for number in range(30):
            await r.wire.send(line(f"{number}", group="wrG"))
        r.clock.advance(15)
        with pytest.raises(Retryable) as caught:
            await r.wire.send(line("31", group="wrG"))
        assert caught.value.after == 45
        assert (await r.wire.send(line("x", group="wrOther"))).state == "sent"
        r.clock.advance(45)
        assert (await r.wire.send(line("31", group="wrG"))).state == "sent"


async def test_the_hourly_limit_holds_too() -> None:
    async with room(limits=[(2, 60.0), (3, 3600.0)]) as r, running(r.wire, r.ears):
        await r.connected()
        for _ in range(3):
            await r.wire.send(line("x", group="wrG"))
            r.clock.advance(61)
        with pytest.raises(Retryable) as caught:
            await r.wire.send(line("x", group="wrG"))
        assert caught.value.after == 3600 - 183


async def test_a_takeover_ends_the_wire_and_says_so() -> None:
    async with room() as r:
        task = asyncio.create_task(r.wire.run(r.ears.hear))
        await r.connected()
        await r.platform.push(
            {"msgtype": "event", "event": {"eventtype": "disconnected_event"}}, cmd="aibot_event_callback"
        )
        with pytest.raises(TakenOver):
            await asyncio.wait_for(task, 60)
        assert len(r.platform.sockets) == 1
        assert (await r.wire.diagnose())[0].level == "error"


async def test_a_takeover_may_be_answered_by_taking_it_back_later() -> None:
    async with room(retake_after=120) as r, running(r.wire, r.ears):
        await r.connected()
        await r.platform.push(
            {"msgtype": "event", "event": {"eventtype": "disconnected_event"}}, cmd="aibot_event_callback"
        )
        await r.clock.someone_sleeps(120.0)
        r.clock.advance(120)
        await r.connected()
        assert (await r.wire.diagnose())[0].level == "ok"


async def test_a_wrong_secret_ends_the_wire_after_five_tries_without_showing_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "yuanzi.wecom")
    async with room(auth_failures=3) as r:
        r.platform.judge = lambda _: {"errcode": 40001, "errmsg": f"bad {SECRET}"}
        r.clock.auto = True
        with pytest.raises(Refused) as caught:
            await asyncio.wait_for(r.wire.run(r.ears.hear), 60)
        assert len(r.platform.sockets) == 3
        assert SECRET not in str(caught.value) + caplog.text + repr(r.wire) + r.wire.state


async def test_subscribing_too_often_waits_a_minute() -> None:
    async with room() as r, running(r.wire, r.ears):
        r.platform.judge = lambda _: {"errcode": 45009, "errmsg": "x"}
        await r.platform.next("aibot_subscribe")
        await r.clock.someone_sleeps(45.0)


async def test_back_off_doubles_to_thirty_seconds_while_nobody_is_there() -> None:
    async with room(ws="ws://127.0.0.1:1") as r, running(r.wire, r.ears):
        for seconds in (0.75, 1.5, 3.0, 6.0, 12.0, 22.5, 22.5):
            await r.clock.someone_sleeps(seconds)
            r.clock.advance(seconds)


async def test_two_pings_without_answer_make_a_new_connection() -> None:
    async with room(ack_deadline=0.3) as r, running(r.wire, r.ears):
        await r.connected()
        r.platform.judge = lambda f: {"errcode": 0} if f["cmd"] == "aibot_subscribe" else None
        for _ in range(2):
            await r.clock.someone_sleeps(30.0)
            r.clock.advance(30)
            await r.platform.next("ping")
        await r.clock.someone_sleeps(0.75)
        r.clock.advance(0.75)
        await r.connected()
        assert len(r.platform.sockets) == 2


async def test_broken_frames_are_passed_over() -> None:
    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        socket = r.platform.sockets[0]
        for raw in (
            "",
            "[]",
            "{",
            '{"cmd":5}',
            '{"headers":[]}',
            '{"cmd":"aibot_msg_callback","body":7}',
            '{"cmd":"new"}',
        ):
            await socket.send_str(raw)
        await socket.send_bytes(b"\x00")
        await r.platform.push({**message(), "from": {"userid": "../x"}})
        assert (await r.asked(number=9)).id == "bot:m9"


async def test_a_repeated_push_keeps_its_id() -> None:
    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        await r.asked()
        await r.platform.push(message(), "r2")
        await r.asked(number=2)
        assert [heard.id for heard in r.ears.events] == ["bot:m1", "bot:m2"]


async def test_the_first_entry_of_the_day_is_welcomed_within_five_seconds() -> None:
    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        await r.platform.push(happened("enter_chat"), "w1", "aibot_event_callback")
        heard = await r.ears.next()
        assert isinstance(heard, ContactAdded)
        await r.wire.send(line("欢迎", member="zhang", event=heard.id))
        answer = await r.platform.next("aibot_respond_welcome_msg")
        assert answer["body"] == {"msgtype": "text", "text": {"content": "欢迎"}}


async def test_a_late_welcome_is_an_ordinary_message() -> None:
    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        await r.platform.push(happened("enter_chat"), "w1", "aibot_event_callback")
        heard = await r.ears.next()
        r.clock.advance(5)
        await r.wire.send(line("欢迎", member="zhang", event=heard.id))
        await r.platform.next("aibot_send_msg")


async def test_a_clicked_card_is_heard_as_its_key_and_can_be_replaced_for_five_seconds() -> None:
    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        click = happened("template_card_event", template_card_event={"event_key": "报名", "task_id": "t7"})
        await r.platform.push(click, "c1", "aibot_event_callback")
        heard = await r.ears.next()
        assert isinstance(heard, MessageReceived)
        assert (heard.text, heard.form) == ("报名", "card")
        await r.wire.talk.update_card(heard.id, CARD)
        answer = await r.platform.next("aibot_respond_update_msg")
        assert answer["body"]["template_card"]["task_id"] == "t7"
        r.clock.advance(6)
        with pytest.raises(Refused):
            await r.wire.talk.update_card(heard.id, CARD)
        await r.wire.send(line("已报名", member="zhang", event=heard.id))
        await r.platform.next("aibot_send_msg")


async def test_a_stream_grows_at_most_once_a_second_and_ends_whole() -> None:
    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        heard = await r.asked()

        async def words() -> AsyncIterator[str]:
            for text in ("一", "一二", "一二三", "一二三四"):
                yield text
                r.clock.advance(0.6)

        await r.wire.talk.stream(heard.id, words())
        sent = [(await r.platform.next("aibot_respond_msg"))["body"]["stream"] for _ in range(3)]
        assert [(one["content"], one["finish"]) for one in sent] == [
            ("一", False),
            ("一二三", False),
            ("一二三四", True),
        ]
        assert len({one["id"] for one in sent}) == 1


async def test_a_stream_that_takes_over_six_minutes_ends_as_a_message() -> None:
    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        heard = await r.asked()

        async def words() -> AsyncIterator[str]:
            yield "开始"
            r.clock.advance(361)
            yield "结束"

        await r.wire.talk.stream(heard.id, words())
        assert (await r.platform.next("aibot_send_msg"))["body"]["markdown"]["content"] == "结束"


async def test_a_picture_goes_up_in_chunks_of_512_kilobytes_from_zero(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"x" * (1024 * 1024 + 5))

    def judge(frame: dict[str, Any]) -> dict[str, Any]:
        body = {"aibot_upload_media_init": {"upload_id": "u"}, "aibot_upload_media_finish": {"media_id": "md"}}
        return {"errcode": 0, "body": body.get(frame["cmd"], {})}

    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        r.platform.judge = judge
        await r.wire.send(line("", group="wrG", picture=str(file)))
        assert (await r.platform.next("aibot_upload_media_init"))["body"]["total_chunks"] == 3
        indexes = [(await r.platform.next("aibot_upload_media_chunk"))["body"]["chunk_index"] for _ in range(3)]
        assert indexes == [0, 1, 2]
        assert (await r.platform.next("aibot_send_msg"))["body"]["image"] == {"media_id": "md"}


async def test_a_text_over_20480_bytes_is_refused() -> None:
    async with room() as r, running(r.wire, r.ears):
        await r.connected()
        with pytest.raises(Refused):
            await r.wire.send(line("好" * 6827, group="wrG"))


async def test_the_doctor_never_subscribes() -> None:
    async with room() as r:
        assert (await r.wire.diagnose())[0].level == "ok"
        assert r.platform.frames.empty()
    async with room(ws="ws://127.0.0.1:1") as r:
        finding = (await r.wire.diagnose())[0]
        assert finding.level == "error"
        assert "443" in finding.step


# ---- pure --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "left"),
    [
        ("@元子 签到", "元子", "签到"),
        ("@元子\u2005签到", "元子", "签到"),
        ("@元子签到", "元子", "签到"),
        ("签到 @元子", "元子", "签到"),
        ("帮 @元子 签到", "元子", "帮 签到"),
        ("问 @元子酱 吧", "元子", "问 @元子酱 吧"),
        ("@Yuan Zi 签到", "Yuan Zi", "签到"),
        ("@机器人 签到 @张三", "", "签到 @张三"),
        ("@元子", "元子", ""),
        ("mail a@元子.com", "元子", "mail a@元子.com"),
    ],
)
def test_the_mention_of_the_bot_is_taken_off(text: str, name: str, left: str) -> None:
    assert strip_mention(text, name) == left


def test_mixed_messages_and_quotes_are_read() -> None:
    items = [
        {"msgtype": "text", "text": {"content": "@元子 看"}},
        {"msgtype": "image", "image": {"url": "https://x/1"}},
    ]
    quote = {"msgtype": "text", "text": {"content": "前文" * 200}}
    body = {**message(), "msgtype": "mixed", "mixed": {"msg_item": items}, "quote": quote}
    heard = read_inbound(body, "bot", "元子", START).event
    assert isinstance(heard, MessageReceived)
    assert (heard.text, heard.media) == ("看", "https://x/1")
    assert heard.quote is not None
    assert len(heard.quote.text) == 200


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["msgid", "msgtype", "chatid", "chattype", "from", "text", "event", "mixed", "quote", "create_time"]


@given(st.dictionaries(st.sampled_from(KEYS), JSON | st.sampled_from(["event", "text", "mixed", "group", "m1"])))
def test_random_bodies_are_read_or_garbled(broken: dict[str, Any]) -> None:
    try:
        read_inbound({**message(), **broken}, "bot", "", START)
    except Garbled:
        return


@pytest.mark.parametrize(
    "change",
    [
        {"card_type": "poem"},
        {"card_action": None},
        {"main_title": {}},
        {"task_id": "a b"},
        {"task_id": "x" * 129},
        {"horizontal_content_list": [{}] * 7},
        {"jump_list": [{}] * 4},
        {"action_menu": {"action_list": [{"text": "a", "key": "k"}]}},
        {"action_menu": {"action_list": [{}] * 4}, "task_id": "t"},
        {"card_type": "button_interaction", "task_id": "t"},
    ],
)
def test_a_card_the_platform_would_refuse_is_refused_before(change: dict[str, Any]) -> None:
    check_card(CARD)
    with pytest.raises(Refused):
        check_card({**CARD, **change})
