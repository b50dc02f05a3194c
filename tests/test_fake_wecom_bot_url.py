"""The AI bot's URL mode in the fake, and response_url (wecom.md 7.3, 7.4, 10 item 11)."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from tests.fake_wecom import crypto
from tests.fake_wecom.errors import Json
from tests.fake_wecom.probe import AES_KEY, TOKEN, Probe, Push, Receiver, on_line, probing


def sealed(answer: Json, push: Push, **changes: Any) -> web.Response:
    """The bot's answer: integer timestamp, the callback's own nonce."""
    encrypt = crypto.seal(AES_KEY, json.dumps(answer, ensure_ascii=False), "", b"r" * 16)
    nonce = push.query["nonce"]
    outer = {"encrypt": encrypt, "msgsignature": crypto.signature(TOKEN, "1700000000", nonce, encrypt)}
    return web.json_response({**outer, "timestamp": 1700000000, "nonce": nonce, **changes})


def stream(content: str, *, finish: bool) -> Json:
    return {"msgtype": "stream", "stream": {"id": "s1", "content": content, "finish": finish}}


@asynccontextmanager
async def url_bot(**options: Any) -> AsyncIterator[tuple[Probe, Receiver, str]]:
    async with probing(**options) as probe, Receiver() as receiver:
        bot = probe.sandbox.bots.add("元子")["bot_id"]
        probe.sandbox.bots.set_callback(bot, receiver.url, TOKEN, AES_KEY)
        yield probe, receiver, bot


def read(push: Push) -> Json:
    out = json.loads(push.plain(""))
    assert isinstance(out, dict)
    return out


async def until_sent(probe: Probe, count: int) -> list[str]:
    await probe.sandbox.until(lambda: len(probe.sandbox.bots.sent) >= count)
    return [sent.body["content"] for sent in probe.sandbox.bots.sent]


async def test_url_verification_works_with_an_empty_receiveid() -> None:
    async with url_bot() as (probe, _, bot):
        assert (await probe.sandbox.bot_url.verify(bot))["ok"]


async def test_a_message_is_pushed_as_encrypted_json_and_answered_in_the_response() -> None:
    async with url_bot() as (probe, receiver, bot):
        receiver.answer = lambda push: sealed(stream("好", finish=True), push)
        probe.sandbox.bots.say(bot, "zhangsan", "在吗")
        assert await until_sent(probe, 1) == ["好"]
        body = read(receiver.got[0])
        assert (body["text"]["content"], body["chattype"], body["msgtype"]) == ("在吗", "single", "text")
        assert list(json.loads(receiver.got[0].body)) == ["encrypt"]


async def test_a_growing_stream_is_polled_until_it_is_finished() -> None:
    async with url_bot() as (probe, receiver, bot):
        receiver.answer = lambda push: sealed(stream("字" * len(receiver.got), finish=len(receiver.got) == 3), push)
        probe.sandbox.bots.say(bot, "zhangsan", "讲个故事")
        for count in (1, 2):
            await until_sent(probe, count)
            await probe.sandbox.clock.until_waiting(1)
            probe.sandbox.clock.advance(1)
        assert await until_sent(probe, 3) == ["字", "字字", "字字字"]
        polls = [read(push) for push in receiver.got]
        assert [poll["msgtype"] for poll in polls] == ["text", "stream", "stream"]
        assert polls[1]["stream"] == {"id": "s1"}
        assert len({poll["msgid"] for poll in polls}) == 3


async def test_polling_ends_six_minutes_after_the_message() -> None:
    async with url_bot(refresh_seconds=100.0) as (probe, receiver, bot):
        receiver.answer = lambda push: sealed(stream("…", finish=False), push)
        probe.sandbox.bots.say(bot, "zhangsan", "讲个故事")
        for count in (1, 2, 3, 4):
            await until_sent(probe, count)
            await probe.sandbox.clock.until_waiting(1)
            probe.sandbox.clock.advance(100)
        (before, after) = len(receiver.got), probe.sandbox.bots.bots[bot].streaming("zhangsan", probe.sandbox.clock())
        assert (before, after) == (4, 0)


async def test_an_empty_200_is_accepted_without_a_reply() -> None:
    async with url_bot() as (probe, _, bot):
        probe.sandbox.bots.say(bot, "zhangsan", "在吗")
        await probe.sandbox.settle()
        assert probe.sandbox.bots.sent == []
        assert probe.sandbox.bots.bots[bot].refused == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"timestamp": "1700000000"}, "timestamp is not an integer"),
        ({"nonce": "other"}, "nonce is not the callback's"),
        ({"msgsignature": "0" * 40}, "signature does not match"),
        ({"encrypt": 5}, "reply without encrypt"),
    ],
)
async def test_a_badly_wrapped_answer_is_thrown_away(changes: Json, why: str) -> None:
    async with url_bot() as (probe, receiver, bot):
        receiver.answer = lambda push: sealed(stream("好", finish=True), push, **changes)
        probe.sandbox.bots.say(bot, "zhangsan", "在吗")
        refused = probe.sandbox.bots.bots[bot].refused
        await probe.sandbox.until(lambda: bool(refused))
        assert why in refused[0]
        assert probe.sandbox.bots.sent == []


@pytest.mark.parametrize(
    ("answer", "fine"),
    [
        ({"msgtype": "text", "text": {"content": "你好"}}, True),
        ({"msgtype": "stream", "stream": {"id": "s", "content": "x"}}, False),
    ],
)
async def test_entering_is_answered_by_a_welcome_in_the_response(answer: Json, fine: bool) -> None:
    async with url_bot() as (probe, receiver, bot):
        receiver.answer = lambda push: sealed(answer, push)
        probe.sandbox.bots.enter(bot, "zhangsan")
        state = probe.sandbox.bots.bots[bot]
        await probe.sandbox.until(lambda: bool(probe.sandbox.bots.sent or state.refused))
        assert [sent.by for sent in probe.sandbox.bots.sent] == (["welcome"] if fine else [])


async def test_a_failing_url_is_tried_again_with_the_same_msgid() -> None:
    async with url_bot() as (probe, receiver, bot):
        fails: Callable[[Push], web.Response] = lambda _: web.Response(status=500)  # noqa: E731
        receiver.answer = fails
        probe.sandbox.bots.say(bot, "zhangsan", "在吗")
        await probe.sandbox.settle()
        assert len({read(push)["msgid"] for push in receiver.got}) == 1
        assert len(receiver.got) == 3


async def test_url_mode_switches_the_long_connection_off() -> None:
    async with url_bot() as (probe, _, bot):
        secret = probe.sandbox.bots.bots[bot].secret
        async with on_line(probe, {}, subscribe=False) as line:
            assert (await line.do("aibot_subscribe", {"bot_id": bot, "secret": secret}))["errcode"] == 40001


@pytest.mark.parametrize(("after", "codes"), [(3600, [0, 60140]), (3601, [60140, 60140])])
async def test_a_response_url_works_once_within_an_hour(after: float, codes: list[int]) -> None:
    async with url_bot() as (probe, receiver, bot):
        probe.sandbox.bots.say(bot, "zhangsan", "在吗")
        await probe.sandbox.settle()
        url = read(receiver.got[0])["response_url"]
        probe.sandbox.clock.advance(after)
        seen = []
        for _ in codes:
            async with probe.session.post(url, json={"msgtype": "markdown", "markdown": {"content": "迟到"}}) as answer:
                seen.append((await answer.json())["errcode"])
        assert seen == codes


async def test_a_refused_body_does_not_use_up_a_response_url() -> None:
    async with url_bot() as (probe, receiver, bot):
        probe.sandbox.bots.say(bot, "zhangsan", "在吗")
        await probe.sandbox.settle()
        url = read(receiver.got[0])["response_url"]
        for content, code in (("好" * 6827, 40058), ("好" * 6826, 0)):
            async with probe.session.post(
                url, json={"msgtype": "markdown", "markdown": {"content": content}}
            ) as answer:
                assert (await answer.json())["errcode"] == code
