"""The client of one app: tokens, retries, errors, unknown outcomes, and silence about secrets."""

import asyncio
import logging
import traceback
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.channels.wecom.client import Api
from bot.channels.wecom.errcodes import TABLE, ApiRefused, ApiRetryable, Uncertain
from bot.channels.wecom.findings import failed
from bot.channels.wecom.settings import ApiSettings
from bot.errors import ChannelError, Refused, Retryable
from tests.wecom_world import CORP, SECRET, TOKEN, Call, HalfLuck, Reply, no, world

OK = {"errcode": 0, "errmsg": "ok"}


async def test_one_token_serves_all_and_is_fetched_by_one() -> None:
    async with world() as w:
        await asyncio.gather(*(w.api.call("x", {"n": n}) for n in range(50)))
        assert len(w.stub.to("gettoken")) == 1
        assert w.stub.to("gettoken")[0].query == {"corpid": CORP, "corpsecret": SECRET}
        assert {call.query["access_token"] for call in w.stub.to("x")} == {f"{TOKEN}-1"}
        assert all("access_token" not in call.body for call in w.stub.to("x"))


async def test_a_token_is_renewed_before_it_ends() -> None:
    async with world() as w:
        await w.api.call("x", {})
        await w.clock.sleep(7200 - 301)
        await w.api.call("x", {})
        assert w.stub.tokens == 1
        await w.clock.sleep(2)
        await w.api.call("x", {})
        assert w.stub.tokens == 2


@pytest.mark.parametrize("code", [40014, 42001, 41001])
async def test_a_dead_token_is_fetched_again_and_the_call_repeated_once(code: int) -> None:
    async with world() as w:
        w.stub.on("x", no(code), {**OK, "got": 1})
        assert (await w.api.call("x", {}))["got"] == 1
        assert w.stub.tokens == 2
        w.stub.on("x", no(code))
        with pytest.raises(ApiRetryable):
            await w.api.call("x", {})
        assert w.stub.tokens == 3


async def test_many_calls_that_find_the_token_dead_fetch_one_new_one() -> None:
    async with world() as w:
        await w.api.call("warm", {})

        def judge(call: Call) -> Reply:
            return no(42001) if call.query["access_token"].endswith("-1") else dict(OK)

        w.stub.on("x", judge)
        await asyncio.gather(*(w.api.call("x", {}) for _ in range(20)))
        assert w.stub.tokens == 2


@pytest.mark.parametrize("code", [-1, 45033])
async def test_a_busy_platform_is_asked_again_with_back_off_at_most_three_times(code: int) -> None:
    async with world() as w:
        w.stub.on("x", no(code), no(code), no(code), OK)
        await w.api.call("x", {})
        assert w.clock.slept == [1.0, 2.0, 4.0]
        w.stub.on("x", no(code))
        with pytest.raises(ApiRetryable):
            await w.api.call("x", {})
        assert len(w.stub.to("x")) == 8


async def test_too_often_means_wait_out_the_window_and_no_repeat() -> None:
    async with world() as w:
        w.stub.on("x", no(45009))
        with pytest.raises(Retryable) as caught:
            await w.api.call("x", {})
        assert caught.value.after == 60
        assert len(w.stub.to("x")) == 1


async def test_an_address_that_is_not_allowed_is_refused_and_named() -> None:
    async with world() as w:
        w.stub.on("x", no(60020))
        with pytest.raises(ApiRefused) as caught:
            await w.api.call("x", {})
        assert caught.value.caller == "203.0.113.9"
        finding = failed("应用", caught.value)
        assert finding.level == "error"
        assert "203.0.113.9" in finding.step
        assert "企业可信IP" in finding.step


async def test_a_refused_secret_is_not_tried_again_at_once() -> None:
    async with world() as w:
        w.stub.on("gettoken", no(40001))
        for _ in range(5):
            with pytest.raises(Refused):
                await w.api.call("x", {})
        assert len(w.stub.to("gettoken")) == 1
        await w.clock.sleep(31)
        w.stub.on("gettoken")
        await w.api.call("x", {})


async def test_an_unknown_code_is_refused() -> None:
    async with world() as w:
        w.stub.on("x", no(123456))
        with pytest.raises(ApiRefused) as caught:
            await w.api.call("x", {})
        assert caught.value.code == 123456


async def test_a_lost_answer_to_a_send_is_unknown_and_never_repeated() -> None:
    async with world() as w:
        w.stub.on("x", web.Response(status=502, text="bad gateway"))
        with pytest.raises(Uncertain):
            await w.api.call("x", {})
        assert len(w.stub.to("x")) == 1


async def test_a_lost_answer_to_a_read_is_asked_again() -> None:
    async with world() as w:
        w.stub.on("x", web.Response(status=502), web.Response(text="<html>"), {**OK, "got": 2})
        assert (await w.api.call("x", {}, again=True))["got"] == 2
        w.stub.on("y", web.Response(status=500))
        with pytest.raises(ApiRetryable):
            await w.api.call("y", {}, again=True)
        assert len(w.stub.to("y")) == 3


async def test_a_slow_send_meets_its_deadline_as_unknown() -> None:
    async with world(deadline=0.2) as w:
        never = asyncio.Event()

        async def slow(call: Call) -> Reply:
            await never.wait()
            return dict(OK)

        w.stub.on("x", slow)
        await w.api.call("warm", {})
        with pytest.raises(Uncertain, match="TimeoutError"):
            await w.api.call("x", {})
        never.set()


async def test_a_platform_that_is_not_there_means_nothing_was_sent() -> None:
    async with world() as w:
        settings = ApiSettings(base="http://127.0.0.1:1", deadline=2.0)
        gone = Api(settings, corp_id=CORP, secret=SecretStr(SECRET), session=w.session, clock=w.clock, luck=HalfLuck())
        with pytest.raises(ApiRetryable) as caught:
            await gone.call("x", {})
        assert SECRET not in "".join(traceback.format_exception(caught.value))


async def test_redirects_are_not_followed_because_they_would_carry_the_token() -> None:
    async with world() as w:
        elsewhere = web.Response(status=302, headers={"Location": f"{w.stub.base}/cgi-bin/stolen"})
        w.stub.on("x", elsewhere)
        with pytest.raises(ApiRefused, match="302"):
            await w.api.call("x", {})
        assert not w.stub.to("stolen")


async def test_http_429_waits_a_minute() -> None:
    async with world() as w:
        w.stub.on("x", web.Response(status=429))
        with pytest.raises(Retryable) as caught:
            await w.api.call("x", {})
        assert caught.value.after == 60


@pytest.mark.parametrize(
    "reply",
    [
        {"errcode": 40001, "errmsg": f"bad {SECRET} and {TOKEN}-1"},
        {"errcode": 45009, "errmsg": f"slow {TOKEN}-1"},
        {"errcode": "40001", "errmsg": "a code that is no number"},
        web.Response(status=500, text=f"{TOKEN}-1 {SECRET}"),
        web.Response(status=302, headers={"Location": f"/?{SECRET}"}),
        web.Response(text=f"not json {TOKEN}-1"),
    ],
)
async def test_no_secret_is_in_any_error_log_or_repr(reply: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with world() as w:
        w.stub.on("x", reply)
        with pytest.raises(ChannelError) as caught:
            await w.api.call("x", {})
        seen = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(w.api)
        seen += repr(caught.value.__context__) + repr(caught.value.__cause__)
        seen += "".join(record.getMessage() for record in caplog.records if record.name.startswith("yuanzi"))
        assert SECRET not in seen
        assert TOKEN not in seen


async def test_calls_at_once_are_bounded() -> None:
    async with world(in_flight=3) as w:
        busy, most = 0, 0
        gate = asyncio.Event()

        async def count(call: Call) -> Reply:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            if busy == 3:
                gate.set()
            await gate.wait()
            busy -= 1
            return dict(OK)

        w.stub.on("x", count)
        await asyncio.gather(*(w.api.call("x", {}) for _ in range(12)))
        assert most == 3


async def test_an_upload_carries_the_file_and_its_name(tmp_path: Path) -> None:
    file = tmp_path / "海报.png"
    file.write_bytes(b"\x89PNG and more")
    async with world() as w:
        w.stub.on("media/upload", web.Response(status=500), {**OK, "media_id": "m1"})
        assert await w.api.upload("image", str(file)) == "m1"
        body = w.stub.to("media/upload")[1].body
        assert b"\x89PNG and more" in body
        assert w.stub.to("media/upload")[1].query["type"] == "image"


async def test_an_empty_or_missing_file_is_refused_before_any_call(tmp_path: Path) -> None:
    small = tmp_path / "a.png"
    small.write_bytes(b"tiny")
    async with world() as w:
        for file in (str(small), str(tmp_path / "none.png")):
            with pytest.raises(Refused):
                await w.api.upload("image", file)
        assert not w.stub.calls


async def test_the_first_waiter_going_away_does_not_harm_the_others() -> None:
    async with world() as w:
        gate = asyncio.Event()

        async def slow(call: Call) -> Reply:
            await gate.wait()
            return {**OK, "access_token": "t", "expires_in": 7200}

        w.stub.on("gettoken", slow)
        first = asyncio.create_task(w.api.call("x", {}))
        await w.stub.wait_for("gettoken")
        second = asyncio.create_task(w.api.call("x", {}))
        first.cancel()
        gate.set()
        await second
        with pytest.raises(asyncio.CancelledError):
            await first


def test_every_code_of_the_table_says_what_it_means() -> None:
    assert all(entry.meaning for entry in TABLE.values())
    assert all(entry.step for entry in TABLE.values() if entry.action == "config")


async def test_diagnosing_a_platform_out_of_reach_names_the_network() -> None:
    async with aiohttp.ClientSession():
        assert "网络" in failed("x", Uncertain("gettoken: no answer")).step
