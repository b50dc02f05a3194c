"""The AI bot's long connection in the fake (wecom.md 7, 10 items 12 and 13)."""

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.fake_wecom import crypto
from tests.fake_wecom.errors import ApiError, Json
from tests.fake_wecom.probe import Line, Probe, on_line, probing

RESPOND, PUSH = "aibot_respond_msg", "aibot_send_msg"


@asynccontextmanager
async def talking(**options: Any) -> AsyncIterator[tuple[Probe, Line, Json]]:
    async with probing(**options) as probe:
        bot = probe.sandbox.bots.add("元子")
        async with on_line(probe, bot) as line:
            yield probe, line, bot


def stream(content: str, *, name: str = "s1", finish: bool = False) -> Json:
    return {"msgtype": "stream", "stream": {"id": name, "content": content, "finish": finish}}


def markdown(content: str) -> Json:
    return {"msgtype": "markdown", "markdown": {"content": content}}


def card(task_id: str) -> Json:
    return {
        "card_type": "button_interaction",
        "main_title": {"title": "选"},
        "button_list": [{"text": "好", "key": "ok"}],
        "task_id": task_id,
    }


async def asked(probe: Probe, line: Line, bot: Json, **more: Any) -> str:
    """Somebody writes; returns the req_id that the answer must carry."""
    assert probe.sandbox.bots.say(bot["bot_id"], "zhangsan", "你好", **more)["delivered"]
    return str((await line.callback())["headers"]["req_id"])


async def test_subscribe_ping_message_and_stream_are_the_documented_exchange() -> None:
    async with talking() as (probe, line, bot):
        assert (await line.do("ping"))["errcode"] == 0
        probe.sandbox.bots.say(bot["bot_id"], "zhangsan", "你好")
        frame = await line.callback()
        body = frame["body"]
        assert frame["cmd"] == "aibot_msg_callback"
        assert (body["aibotid"], body["chattype"], body["from"]) == (bot["bot_id"], "single", {"userid": "zhangsan"})
        assert body["text"]["content"] == "你好"
        req = frame["headers"]["req_id"]
        answer = await line.do(RESPOND, stream("嗯"), req)
        assert "cmd" not in answer
        assert (answer["errcode"], answer["errmsg"]) == (0, "ok")
        assert (await line.do(RESPOND, stream("嗯，好", finish=True), req))["errcode"] == 0
        assert (await line.do(RESPOND, stream("晚了"), req))["errcode"] == 846608
        assert [sent.body["content"] for sent in probe.sandbox.bots.sent] == ["嗯", "嗯，好"]


async def test_a_wrong_secret_is_40001_and_repeated_tries_are_45009() -> None:
    async with probing(ws_subscribes_per_minute=2) as probe:
        bot = probe.sandbox.bots.add("元子")
        async with on_line(probe, bot, subscribe=False) as line:
            wrong = {**bot, "secret": "no"}
            codes = [(await line.do("aibot_subscribe", wrong))["errcode"] for _ in range(3)]
            assert codes == [40001, 40001, 45009]
            assert (await line.do("ping"))["errcode"] == 846609
            probe.sandbox.clock.advance(60)
            assert (await line.do("aibot_subscribe", bot))["errcode"] == 0


async def test_a_second_connection_takes_over_and_the_first_is_told_and_closed() -> None:
    async with talking() as (probe, line, bot):
        req = await asked(probe, line, bot)
        async with on_line(probe, bot) as newer:
            goodbye = await line.callback()
            assert goodbye["body"]["event"]["eventtype"] == "disconnected_event"
            assert "from" not in goodbye["body"]
            assert (await line.socket.receive()).type == aiohttp.WSMsgType.CLOSE
            assert (await newer.do(RESPOND, stream("迟到"), req))["errcode"] == 846605


async def test_a_req_id_of_an_earlier_connection_is_846605() -> None:
    async with talking() as (probe, line, bot):
        req = await asked(probe, line, bot)
        await line.socket.close()
        await probe.sandbox.until(lambda: not probe.sandbox.bot_socket.subscribed(bot["bot_id"]))
        assert not probe.sandbox.bots.say(bot["bot_id"], "zhangsan", "喂")["delivered"]
        async with on_line(probe, bot) as again:
            assert (await again.do(RESPOND, stream("x"), req))["errcode"] == 846605
            assert (await again.do(PUSH, {"chatid": "zhangsan", **markdown("x")}))["errcode"] == 0


async def test_a_stream_expires_six_minutes_after_its_first_frame() -> None:
    async with talking() as (probe, line, bot):
        req = await asked(probe, line, bot)
        await line.do(RESPOND, stream("一"), req)
        for wait, code in ((80, 0), (80, 0), (80, 0), (80, 0), (40, 0), (1, 846608)):
            probe.sandbox.clock.advance(wait)
            await line.do("ping")
            assert (await line.do(RESPOND, stream("二"), req))["errcode"] == code
        assert (await line.do(PUSH, {"chatid": "zhangsan", **markdown("改用推送")}))["errcode"] == 0


async def test_all_frames_of_a_stream_share_one_id() -> None:
    async with talking() as (probe, line, bot):
        req = await asked(probe, line, bot)
        await line.do(RESPOND, stream("一"), req)
        assert (await line.do(RESPOND, stream("二", name="s2"), req))["errcode"] == 846605


async def test_stream_content_is_limited_to_20480_bytes_and_has_no_msg_item() -> None:
    async with talking() as (probe, line, bot):
        req = await asked(probe, line, bot)
        assert (await line.do(RESPOND, stream("好" * 6826), req))["errcode"] == 0
        assert (await line.do(RESPOND, stream("好" * 6827), req))["errcode"] == 40058
        body = stream("x", finish=True)
        body["stream"]["msg_item"] = [{"msgtype": "image", "image": {"base64": "", "md5": ""}}]
        assert (await line.do(RESPOND, body, req))["errcode"] == 40058


async def test_a_lost_subscription_is_846609_until_subscribed_again() -> None:
    async with talking() as (probe, line, bot):
        req = await asked(probe, line, bot)
        probe.sandbox.bot_socket.deafen(bot["bot_id"])
        assert (await line.do(RESPOND, stream("x"), req))["errcode"] == 846609
        assert (await line.do("ping"))["errcode"] == 846609
        assert (await line.do("aibot_subscribe", bot))["errcode"] == 0
        assert (await line.do("ping"))["errcode"] == 0


async def test_thirty_a_minute_per_conversation_replies_and_pushes_together() -> None:
    async with talking() as (probe, line, bot):
        req = await asked(probe, line, bot)
        for at in range(20):
            assert (await line.do(RESPOND, stream(str(at)), req))["errcode"] == 0  # one growing stream counts once
        push = {"chatid": "zhangsan", **markdown("x")}
        assert [(await line.do(PUSH, push))["errcode"] for _ in range(30)] == [0] * 29 + [45009]
        probe.sandbox.bots.say(bot["bot_id"], "lisi", "我也来")
        assert (await line.do(PUSH, {"chatid": "lisi", **markdown("x")}))["errcode"] == 0
        probe.sandbox.clock.advance(60)
        assert (await line.do(PUSH, push))["errcode"] == 0


async def test_a_thousand_an_hour_per_conversation() -> None:
    async with talking(bot_per_hour=40) as (probe, line, bot):
        await asked(probe, line, bot)
        push = {"chatid": "zhangsan", **markdown("x")}
        for count in (30, 10):
            assert {(await line.do(PUSH, push))["errcode"] for _ in range(count)} == {0}
            probe.sandbox.clock.advance(60)
            await line.do("ping")
        assert (await line.do(PUSH, push))["errcode"] == 45009


async def test_stream_frames_count_when_the_option_says_so() -> None:
    async with talking(stream_frames_count=True) as (probe, line, bot):
        req = await asked(probe, line, bot)
        codes = [(await line.do(RESPOND, stream(str(at)), req))["errcode"] for at in range(31)]
        assert codes == [0] * 30 + [45009]


async def test_a_push_needs_an_earlier_message_in_that_conversation() -> None:
    async with talking() as (_, line, __):
        assert (await line.do(PUSH, {"chatid": "zhangsan", **markdown("x")}))["errcode"] == 40058


async def test_in_groups_only_mentions_arrive_and_the_name_stays_in_the_text() -> None:
    async with talking() as (probe, line, bot):
        bots = probe.sandbox.bots
        bots.add_to_group(bot["bot_id"], "inner")
        assert bots.say(bot["bot_id"], "zhangsan", "早", chatid="inner", mention=False)["why"] == "not mentioned"
        picture = {"msgtype": "image", "image": {"url": "u"}}
        assert not bots.say(bot["bot_id"], "zhangsan", chatid="inner", msg=picture)["delivered"]
        assert not bots.say(bot["bot_id"], "zhangsan", "早", chatid="elsewhere")["delivered"]
        assert bots.say(bot["bot_id"], "zhangsan", "签到", chatid="inner")["delivered"]
        body = (await line.callback())["body"]
        assert (body["chattype"], body["chatid"], body["text"]["content"]) == ("group", "inner", "@元子 签到")


async def test_an_external_group_refuses_the_bot() -> None:
    async with talking() as (probe, _, bot):
        chat = probe.sandbox.groups.create("zhangsan", "客户群")
        with pytest.raises(ApiError):
            probe.sandbox.bots.add_to_group(bot["bot_id"], chat)


async def test_people_outside_the_visible_range_are_not_heard() -> None:
    async with probing() as probe:
        bot = probe.sandbox.bots.add("元子", visible=["lisi"])
        async with on_line(probe, bot):
            assert not probe.sandbox.bots.say(bot["bot_id"], "zhangsan", "喂")["delivered"]
            assert probe.sandbox.bots.say(bot["bot_id"], "lisi", "喂")["delivered"]


async def test_three_growing_answers_per_user_are_the_most() -> None:
    async with talking() as (probe, line, bot):
        reqs = [await asked(probe, line, bot) for _ in range(3)]
        for at, req in enumerate(reqs):
            await line.do(RESPOND, stream("…", name=f"s{at}"), req)
        assert not probe.sandbox.bots.say(bot["bot_id"], "zhangsan", "第四条")["delivered"]
        await line.do(RESPOND, stream("完", name="s0", finish=True), reqs[0])
        assert probe.sandbox.bots.say(bot["bot_id"], "zhangsan", "第四条")["delivered"]


@pytest.mark.parametrize(("after", "code"), [(5, 0), (5.1, 846605)])
async def test_a_welcome_must_come_within_five_seconds(after: float, code: int) -> None:
    async with talking() as (probe, line, bot):
        assert probe.sandbox.bots.enter(bot["bot_id"], "zhangsan")["delivered"]
        req = (await line.callback())["headers"]["req_id"]
        hello = {"msgtype": "text", "text": {"content": "你好呀"}}
        assert (await line.do(RESPOND, markdown("错的命令"), req))["errcode"] == 846605
        probe.sandbox.clock.advance(after)
        assert (await line.do("aibot_respond_welcome_msg", hello, req))["errcode"] == code


async def test_entering_makes_an_event_once_a_day() -> None:
    async with talking() as (probe, _, bot):
        entered = []
        for wait in (0, 3600, 86400):
            probe.sandbox.clock.advance(wait)
            async with on_line(probe, bot):
                entered.append(probe.sandbox.bots.enter(bot["bot_id"], "zhangsan")["delivered"])
        assert entered == [True, False, True]


async def test_a_card_is_updated_by_its_own_task_id_and_not_by_a_stream() -> None:
    async with talking() as (probe, line, bot):
        req = await asked(probe, line, bot)
        sent = {"msgtype": "template_card", "template_card": card("t1")}
        assert (await line.do(RESPOND, sent, req))["errcode"] == 0
        assert (await line.do(RESPOND, sent, req))["errcode"] == 40058  # a task_id serves one card
        picked = [{"question_key": "q", "option_ids": ["a", "b"]}]
        probe.sandbox.bots.click(bot["bot_id"], "zhangsan", "t1", event_key="ok", selected=picked)
        frame = await line.callback()
        inner = frame["body"]["event"]["template_card_event"]
        assert inner["selected_items"]["selected_item"][0]["option_ids"]["option_id"] == ["a", "b"]
        clicked = frame["headers"]["req_id"]
        update = {"response_type": "update_template_card", "template_card": card("t1")}
        wrong = {"response_type": "update_template_card", "template_card": card("t2")}
        assert (await line.do(RESPOND, stream("x"), clicked))["errcode"] == 846605
        assert (await line.do("aibot_respond_update_msg", wrong, clicked))["errcode"] == 40058
        assert (await line.do("aibot_respond_update_msg", update, clicked))["errcode"] == 0


async def test_feedback_arrives_as_an_event() -> None:
    async with talking() as (probe, line, bot):
        probe.sandbox.bots.feedback(bot["bot_id"], "zhangsan", feedback_id="f1", kind=2, reasons=[1])
        event = (await line.callback())["body"]["event"]
        assert event["feedback_event"] == {"id": "f1", "type": 2, "content": "", "inaccurate_reason_list": [1]}


async def test_missing_pings_close_the_connection() -> None:
    async with talking() as (probe, line, _):
        probe.sandbox.clock.advance(60)
        await line.do("ping")
        probe.sandbox.clock.advance(60)
        await line.do("ping")
        probe.sandbox.clock.advance(90)
        assert (await line.socket.receive()).type == aiohttp.WSMsgType.CLOSE


async def test_a_second_frame_before_the_ack_is_a_conflict() -> None:
    async with talking() as (probe, line, bot):
        req = await asked(probe, line, bot)
        probe.sandbox.set_options(ws_ack_delay=1.0)
        await line.socket.send_json({"cmd": RESPOND, "headers": {"req_id": req}, "body": stream("一")})
        assert (await line.do(RESPOND, stream("二"), req))["errcode"] == 6000


async def test_frames_can_be_refused_lost_or_cut_off_on_demand() -> None:
    async with talking() as (probe, line, bot):
        req = await asked(probe, line, bot)
        probe.sandbox.faults.add("errcode", "ws/aibot_respond_msg", errcode=846601)
        assert (await line.do(RESPOND, stream("一"), req))["errcode"] == 846601
        probe.sandbox.faults.add("drop", "ws/aibot_respond_msg", after=True)
        await line.socket.send_json({"cmd": RESPOND, "headers": {"req_id": req}, "body": stream("二")})
        assert (await line.socket.receive()).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert [sent.body["content"] for sent in probe.sandbox.bots.sent] == ["二"]


async def test_a_frame_without_an_answer_takes_effect_or_not_as_asked() -> None:
    async with talking() as (probe, line, bot):
        req = await asked(probe, line, bot)
        probe.sandbox.faults.add("hang", "ws/aibot_respond_msg", after=True)
        await line.socket.send_json({"cmd": RESPOND, "headers": {"req_id": req}, "body": stream("收到")})
        assert (await line.do("ping"))["errcode"] == 0
        assert [sent.body["content"] for sent in probe.sandbox.bots.sent] == ["收到"]


@pytest.mark.parametrize("base", [0, 1])
async def test_chunks_come_in_any_order_counted_from_nought_or_one(base: int) -> None:
    async with talking() as (probe, line, bot):
        data = b"\x89PNG\r\n\x1a\n" + b"7" * 100
        parts = [data[:40], data[40:80], data[80:]]
        whole = {"type": "image", "filename": "a.png", "total_size": len(data), "total_chunks": 3}
        whole["md5"] = hashlib.md5(data).hexdigest()  # noqa: S324
        upload = (await line.do("aibot_upload_media_init", whole))["body"]["upload_id"]
        for at in (2, 0, 0):
            piece = {"chunk_index": at + base, "base64_data": base64.b64encode(parts[at]).decode()}
            assert (await line.do("aibot_upload_media_chunk", {"upload_id": upload, **piece}))["errcode"] == 0
        assert (await line.do("aibot_upload_media_finish", {"upload_id": upload}))["errcode"] == 40058
        piece = {"chunk_index": 1 + base, "base64_data": base64.b64encode(parts[1]).decode()}
        await line.do("aibot_upload_media_chunk", {"upload_id": upload, **piece})
        body = (await line.do("aibot_upload_media_finish", {"upload_id": upload}))["body"]
        assert isinstance(body["created_at"], str)
        req = await asked(probe, line, bot)
        image = {"msgtype": "image", "image": {"media_id": body["media_id"]}}
        assert (await line.do(RESPOND, image, req))["errcode"] == 0


async def test_uploads_have_sizes_and_a_session_of_half_an_hour() -> None:
    async with talking() as (probe, line, _):
        whole = {"type": "file", "filename": "a", "total_size": 10, "total_chunks": 101}
        assert (await line.do("aibot_upload_media_init", whole))["errcode"] == 40058
        whole["total_chunks"] = 1
        upload = (await line.do("aibot_upload_media_init", whole))["body"]["upload_id"]
        big = base64.b64encode(b"0" * (512 * 1024 + 1)).decode()
        piece = {"upload_id": upload, "chunk_index": 0, "base64_data": big}
        assert (await line.do("aibot_upload_media_chunk", piece))["errcode"] == 40058
        probe.sandbox.set_options(ws_idle_seconds=9e9)
        piece["base64_data"] = base64.b64encode(b"0123456789").decode()
        assert (await line.do("aibot_upload_media_chunk", piece))["errcode"] == 0
        probe.sandbox.clock.advance(1801)
        assert (await line.do("aibot_upload_media_finish", {"upload_id": upload}))["errcode"] == 40058


async def test_uploads_are_limited_to_thirty_a_minute_per_bot() -> None:
    async with talking() as (_, line, __):
        whole = {"type": "file", "filename": "a", "total_size": 10, "total_chunks": 1}
        codes = [(await line.do("aibot_upload_media_init", whole))["errcode"] for _ in range(31)]
        assert codes == [0] * 30 + [45009]


async def test_pictures_come_as_blobs_with_their_own_key_for_five_minutes() -> None:
    async with talking() as (probe, line, bot):
        raw = b"\x89PNG\r\n\x1a\n" + b"5" * 50
        probe.sandbox.bots.say_media(bot["bot_id"], "zhangsan", "image", base64.b64encode(raw).decode())
        image = (await line.callback())["body"]["image"]
        key = base64.b64decode(image["aeskey"] + "=" * (-len(image["aeskey"]) % 4))
        async with probe.session.get(image["url"]) as answer:
            plain = crypto.decrypt_raw(key, await answer.read())
        assert plain[: -plain[-1]] == raw
        probe.sandbox.clock.advance(301)
        async with probe.session.get(image["url"]) as answer:
            assert answer.status == 404


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"cmd": "ping"}', '{"cmd": "ping", "headers": {"req_id": "1"}, "body": 3}']
)
async def test_a_malformed_frame_is_answered_and_the_connection_lives(text: str) -> None:
    async with talking() as (_, line, __):
        await line.socket.send_str(text)
        assert (await line.read())["errcode"] == 40058
        assert (await line.do("ping"))["errcode"] == 0
        assert (await line.do("dance"))["errcode"] == 40058
