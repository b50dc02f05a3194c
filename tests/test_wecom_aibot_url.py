"""智能机器人 with a callback address: growing answers, welcomes inside the response, response_url once."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from bot.channels.wecom.aibot_url import QUIET, AiBotUrlWire
from bot.channels.wecom.callback import CallbackServer, Endpoint
from bot.channels.wecom.inbox import Inbox
from bot.channels.wecom.secret import SecretSource
from bot.channels.wecom.settings import AiBotSettings, CallbackSettings, EndpointSettings
from bot.errors import Refused, Retryable
from bot.events import ContactAdded, MessageReceived
from tests.wecom_world import World, envelope, line, no, running, world

OK: dict[str, Any] = {"errcode": 0, "errmsg": "ok"}
CARD = {"card_type": "text_notice", "main_title": {"title": "抽奖"}, "card_action": {"type": 1, "url": "https://x"}}


class Bot:
    def __init__(self, w: World, wire: AiBotUrlWire, server: CallbackServer) -> None:
        self.w, self.wire, self.server = w, wire, server

    def message(self, number: int = 1, **more: Any) -> dict[str, Any]:
        return {
            "msgid": f"m{number}",
            "aibotid": "aibX",
            "chatid": "wrG",
            "chattype": "group",
            "from": {"userid": "zhang"},
            "response_url": f"{self.w.stub.base}/cgi-bin/aibot/response?response_code=hidden{number}",
            "msgtype": "text",
            "text": {"content": "@元子 签到"},
            **more,
        }

    async def post(self, body: dict[str, Any], nonce: str = "n1") -> Any:
        key = envelope("")
        encrypt, stamp = key.seal(json.dumps(body).encode()), str(self.w.clock.stamp())
        params = {"msg_signature": key.sign(stamp, nonce, encrypt), "timestamp": stamp, "nonce": nonce}
        url = f"http://127.0.0.1:{self.server.port}/bot"
        async with self.w.session.post(url, params=params, json={"encrypt": encrypt}) as response:
            raw = await response.read()
            assert response.status == 200
        return json.loads(key.open(json.loads(raw)["encrypt"])) if raw else None

    async def refresh(self, stream: str) -> Any:
        return (await self.post({"msgtype": "stream", "stream": {"id": stream}}))["stream"]


@asynccontextmanager
async def bot(**more: Any) -> AsyncIterator[Bot]:
    async with world(auto=False) as w:
        place = EndpointSettings(path="/bot", token=SecretSource(env="T"), aes_key=SecretSource(env="A"))
        known = {"name": "bot", "bot_id": "aibX", "mode": "url", "bot_name": "元子", "callback": place}
        settings = AiBotSettings(**{**known, **more})
        inbox = Inbox("bot", w.memory)
        wire = AiBotUrlWire(settings, inbox=inbox, session=w.session, api=w.settings, ports=w.ports)
        endpoint = Endpoint("/bot", envelope(""), form="json", answer=wire.answer)
        endpoint.route(wire.wants, inbox)
        async with CallbackServer(CallbackSettings(port=0), w.clock, [endpoint]) as server, running(wire, w.ears):
            yield Bot(w, wire, server)


async def test_a_question_opens_a_stream_that_grows_and_ends() -> None:
    async with bot(thinking="…想") as b:
        first = (await b.post(b.message()))["stream"]
        assert (first["finish"], first["content"]) == (False, "…想")
        heard = await b.w.ears.next()
        assert isinstance(heard, MessageReceived)
        assert (heard.text, heard.group) == ("签到", "wrG")
        sending = asyncio.create_task(b.wire.send(line("签到成功", group="wrG", event=heard.id)))
        await asyncio.sleep(0)
        grown = await b.refresh(first["id"])
        assert (grown["finish"], grown["content"]) == (False, "签到成功")
        assert (await sending).state == "sent"
        b.w.clock.advance(1)
        assert (await b.refresh(first["id"]))["finish"] is True


async def test_two_lines_to_one_question_stand_in_one_answer() -> None:
    async with bot() as b:
        stream = (await b.post(b.message()))["stream"]["id"]
        heard = await b.w.ears.next()
        both = [asyncio.create_task(b.wire.send(line(text, group="wrG", event=heard.id))) for text in ("一", "二")]
        await asyncio.sleep(0)
        assert (await b.refresh(stream))["content"] == "一\n\n二"
        assert [(await one).state for one in both] == ["sent", "sent"]


async def test_the_same_question_posted_again_is_the_same_stream_and_one_event() -> None:
    async with bot() as b:
        one, two = await b.post(b.message(), "n1"), await b.post(b.message(), "n2")
        assert one["stream"]["id"] == two["stream"]["id"]
        await b.post(b.message(2))
        assert [(await b.w.ears.next()).id for _ in range(2)] == ["bot:m1", "bot:m2"]


async def test_a_question_nobody_answers_ends_quietly() -> None:
    async with bot() as b:
        stream = (await b.post(b.message()))["stream"]["id"]
        b.w.clock.advance(31)
        ended = await b.refresh(stream)
        assert (ended["finish"], ended["content"]) == (True, QUIET)


async def test_a_stream_from_before_a_restart_is_ended() -> None:
    async with bot() as b:
        assert (await b.refresh("sUnknown"))["finish"] is True


async def test_after_the_stream_one_line_more_goes_by_response_url_and_then_no_more() -> None:
    async with bot() as b:
        stream = (await b.post(b.message()))["stream"]["id"]
        heard = await b.w.ears.next()
        b.w.clock.advance(31)
        await b.refresh(stream)
        assert (await b.wire.send(line("晚到", group="wrG", event=heard.id))).state == "sent"
        sent = b.w.stub.to("aibot/response")[0]
        assert (sent.query, sent.body) == (
            {"response_code": "hidden1"},
            {"msgtype": "markdown", "markdown": {"content": "晚到"}},
        )
        with pytest.raises(Refused):
            await b.wire.send(line("再晚", group="wrG", event=heard.id))


async def test_a_line_that_no_refresh_fetches_goes_by_response_url() -> None:
    async with bot(fetched_within=0.1) as b:
        await b.post(b.message())
        heard = await b.w.ears.next()
        assert (await b.wire.send(line("好", group="wrG", event=heard.id))).state == "sent"
        assert len(b.w.stub.to("aibot/response")) == 1


async def test_a_response_url_that_leads_elsewhere_is_not_followed() -> None:
    async with bot(fetched_within=0.1) as b:
        await b.post(b.message(response_url="http://169.254.169.254/latest"))
        heard = await b.w.ears.next()
        with pytest.raises(Refused, match="somewhere else"):
            await b.wire.send(line("好", group="wrG", event=heard.id))


async def test_a_response_url_is_never_in_an_error() -> None:
    async with bot(fetched_within=0.1) as b:
        await b.post(b.message())
        heard = await b.w.ears.next()
        b.w.stub.on("aibot/response", no(45009), web.Response(status=500))
        with pytest.raises(Retryable) as caught:
            await b.wire.send(line("好", group="wrG", event=heard.id))
        assert "hidden1" not in str(caught.value)


async def test_the_welcome_is_said_inside_the_response() -> None:
    async with bot() as b:
        body = b.message(chattype="single", msgtype="event", event={"eventtype": "enter_chat"})
        posting = asyncio.create_task(b.post(body))
        heard = await b.w.ears.next()
        assert isinstance(heard, ContactAdded)
        assert (await b.wire.send(line("欢迎", member="zhang", event=heard.id))).state == "sent"
        assert await posting == {"msgtype": "text", "text": {"content": "欢迎"}}


async def test_a_clicked_card_is_replaced_inside_the_response() -> None:
    async with bot() as b:
        click = {"eventtype": "template_card_event", "template_card_event": {"event_key": "报名", "task_id": "t"}}
        posting = asyncio.create_task(b.post(b.message(msgtype="event", event=click)))
        heard = await b.w.ears.next()
        await b.wire.update_card(heard.id, CARD)
        assert (await posting)["response_type"] == "update_template_card"


async def test_an_entry_nobody_answers_in_time_is_an_empty_answer() -> None:
    async with bot(welcome_life=1.0) as b:
        body = b.message(chattype="single", msgtype="event", event={"eventtype": "enter_chat"})
        assert await b.post(body) is None


async def test_feedback_is_accepted_in_silence() -> None:
    async with bot() as b:
        body = b.message(msgtype="event", event={"eventtype": "feedback_event", "feedback_event": {"type": 1}})
        assert await b.post(body) is None
        await b.post(b.message(2))
        assert (await b.w.ears.next()).id == "bot:m2"


async def test_it_cannot_speak_first() -> None:
    async with bot() as b:
        for wrong in (line("早", group="wrG"), line("早", group="wrOther", event="bot:m1")):
            with pytest.raises(Refused):
                await b.wire.send(wrong)
        assert b.wire.abilities.speaks == "answer"
