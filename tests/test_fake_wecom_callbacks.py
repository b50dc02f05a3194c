"""The callback pusher: envelopes, deadlines, tries, duplicates, replays, loss and disorder (wecom.md 2, 10 item 3)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from tests.fake_wecom import crypto
from tests.fake_wecom.envelopes import SPOILS
from tests.fake_wecom.probe import AES_KEY, AGENT, CORP, TOKEN, Probe, Push, Receiver, probing

EVENT = {"FromUserName": "sys", "MsgType": "event", "Event": "enter_agent"}


@asynccontextmanager
async def listening(**options: Any) -> AsyncIterator[tuple[Probe, Receiver]]:
    async with probing(**options) as probe, Receiver() as receiver:
        probe.sandbox.corps.set_callback(AGENT, receiver.url, TOKEN, AES_KEY)
        yield probe, receiver


async def test_a_member_message_arrives_signed_encrypted_and_with_a_64_bit_msgid() -> None:
    async with listening() as (probe, receiver):
        delivery = probe.sandbox.pusher.say_to_app(AGENT, "zhangsan", "你好")
        await probe.sandbox.settle()
        outer = Push.xml_of(receiver.got[0].body.decode())
        assert (outer["ToUserName"], outer["AgentID"]) == (CORP, str(AGENT))
        fields = receiver.got[0].fields()
        assert fields["Content"] == "你好"
        assert fields["FromUserName"] == "zhangsan"
        assert 10**18 <= int(fields["MsgId"]) < 2**63
        assert delivery.state == "accepted"


async def test_events_carry_no_msgid() -> None:
    async with listening() as (probe, receiver):
        probe.sandbox.pusher.push_event(AGENT, EVENT)
        await probe.sandbox.settle()
        assert "MsgId" not in receiver.got[0].fields()


async def test_any_status_but_200_is_tried_three_times_with_the_same_message_in_fresh_envelopes() -> None:
    async with listening() as (probe, receiver):
        receiver.answer = lambda _: web.Response(status=204)
        delivery = probe.sandbox.pusher.say_to_app(AGENT, "zhangsan", "hi")
        await probe.sandbox.settle()
        assert delivery.state == "failed"
        assert len({push.fields()["MsgId"] for push in receiver.got}) == 1
        assert len(receiver.got) == len({push.query["msg_signature"] for push in receiver.got}) == 3


async def test_a_try_that_succeeds_ends_the_tries() -> None:
    async with listening() as (probe, receiver):
        receiver.answer = lambda _: web.Response(status=500 if len(receiver.got) == 1 else 200)
        delivery = probe.sandbox.pusher.push_event(AGENT, EVENT)
        await probe.sandbox.settle()
        assert [attempt.status for attempt in delivery.tries] == [500, 200]


async def test_a_receiver_that_is_silent_for_five_seconds_is_dropped_and_tried_again() -> None:
    async with listening() as (probe, receiver):
        receiver.hang = True
        delivery = probe.sandbox.pusher.push_event(AGENT, EVENT)
        for number in (1, 2, 3):
            await receiver.count(number)
            probe.sandbox.clock.advance(4.9)
            assert len(delivery.tries) == number - 1
            probe.sandbox.clock.advance(0.2)
        await probe.sandbox.settle()
        assert delivery.state == "failed"
        assert [attempt.failure for attempt in delivery.tries] == ["timeout"] * 3


async def test_a_closed_port_counts_as_three_failures() -> None:
    async with probing() as probe:
        async with Receiver() as receiver:
            probe.sandbox.corps.set_callback(AGENT, receiver.url, TOKEN, AES_KEY)
        delivery = probe.sandbox.pusher.push_event(AGENT, EVENT)
        await probe.sandbox.settle()
        assert (delivery.state, len(delivery.tries)) == ("failed", 3)


async def test_url_verification_wants_the_bare_plaintext() -> None:
    async with listening() as (probe, receiver):
        assert await probe.sandbox.pusher.verify(AGENT) == {"ok": True, "why": ""}
        query = receiver.got[0].query
        crypto.check_signature(query["msg_signature"], TOKEN, query["timestamp"], query["nonce"], query["echostr"])
        for spoil in ("{}\n", '"{}"', "\ufeff{}"):
            receiver.verify = spoil.format
            assert not (await probe.sandbox.pusher.verify(AGENT))["ok"]


async def test_url_verification_waits_one_second() -> None:
    async with listening() as (probe, receiver):
        receiver.hang = True
        check = asyncio.ensure_future(probe.sandbox.pusher.verify(AGENT))
        await receiver.count(1)
        probe.sandbox.clock.advance(1)
        assert await check == {"ok": False, "why": "timeout"}


async def test_an_echostr_with_plus_signs_arrives_whole() -> None:
    async with listening() as (probe, receiver):
        for _ in range(20):
            assert (await probe.sandbox.pusher.verify(AGENT))["ok"]
        assert any("+" in push.query["echostr"] for push in receiver.got)


async def test_a_duplicate_has_the_same_message_and_a_replay_the_same_bytes() -> None:
    async with listening() as (probe, receiver):
        delivery = probe.sandbox.pusher.say_to_app(AGENT, "zhangsan", "hi")
        await probe.sandbox.settle()
        probe.sandbox.pusher.again(delivery.id)
        await probe.sandbox.settle()
        await probe.sandbox.pusher.replay(delivery.id)
        first, again, replay = receiver.got
        assert first.plain() == again.plain()
        assert first.query != again.query
        assert (first.query, first.body) == (replay.query, replay.body)


async def test_pushes_can_be_doubled_lost_and_reordered() -> None:
    async with listening() as (probe, receiver):
        pusher = probe.sandbox.pusher
        pusher.double()
        pusher.say_to_app(AGENT, "zhangsan", "twice")
        await probe.sandbox.settle()
        pusher.lose()
        assert pusher.say_to_app(AGENT, "zhangsan", "never").state == "lost"
        pusher.hold()
        one, two, three = [pusher.say_to_app(AGENT, "zhangsan", text).id for text in ("one", "two", "three")]
        pusher.release([three, one])
        await probe.sandbox.settle()
        assert [push.fields()["Content"] for push in receiver.got] == ["twice", "twice", "three", "one"]
        assert pusher.deliveries[two - 1].state == "lost"


@pytest.mark.parametrize("spoil", [spoil for spoil in SPOILS if spoil])
async def test_spoilt_pushes_do_not_open(spoil: Any) -> None:
    async with listening() as (probe, receiver):
        probe.sandbox.pusher.push_event(AGENT, EVENT, spoil)
        await probe.sandbox.settle()
        with pytest.raises(crypto.EnvelopeError):
            receiver.got[0].plain()


async def test_a_passive_reply_is_opened_checked_and_cut_at_2048_bytes() -> None:
    async with listening() as (probe, receiver):
        inner = f"<xml><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{'好' * 1000}]]></Content></xml>"
        sealed = crypto.seal(AES_KEY, inner, CORP, b"0" * 16)
        signature = crypto.signature(TOKEN, "5", "6", sealed)
        receiver.answer = lambda _: web.Response(
            text=f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt><MsgSignature>{signature}</MsgSignature>"
            "<TimeStamp>5</TimeStamp><Nonce>6</Nonce></xml>"
        )
        delivery = probe.sandbox.pusher.say_to_app(AGENT, "zhangsan", "hi")
        await probe.sandbox.settle()
        shown = probe.sandbox.pusher.passive_reply(delivery.id)
        assert shown == {"MsgType": "text", "Content": "好" * 682}
        signature = "0" * 40
        other = probe.sandbox.pusher.say_to_app(AGENT, "zhangsan", "hi")
        await probe.sandbox.settle()
        with pytest.raises(ValueError, match="-40001"):
            probe.sandbox.pusher.passive_reply(other.id)


async def test_an_empty_answer_is_no_reply() -> None:
    async with listening() as (probe, _):
        delivery = probe.sandbox.pusher.say_to_app(AGENT, "zhangsan", "hi")
        await probe.sandbox.settle()
        assert probe.sandbox.pusher.passive_reply(delivery.id) == {}
