"""gettoken, the shape of errors, addresses, scopes, frequency, and faults on demand (wecom.md 1)."""

import asyncio
import re

import aiohttp
import pytest

from tests.fake_wecom.probe import AGENT, CORP, SECRET, probing


async def test_the_same_token_comes_back_until_its_7200_seconds_are_over() -> None:
    async with probing() as probe:
        first = probe.token
        assert await probe.log_in() == first
        probe.sandbox.clock.advance(7199)
        answer = await probe.get("gettoken", corpid=CORP, corpsecret=SECRET)
        assert (answer["access_token"], answer["expires_in"]) == (first, 1)
        probe.sandbox.clock.advance(1)
        assert (await probe.get("getcallbackip"))["errcode"] == 42001
        assert await probe.log_in() != first


async def test_a_token_killed_early_answers_40014_and_a_new_one_is_issued() -> None:
    async with probing() as probe:
        old = probe.token
        probe.sandbox.corps.kill_token(AGENT)
        assert (await probe.get("getcallbackip"))["errcode"] == 40014
        assert await probe.log_in() != old
        assert (await probe.get("getcallbackip"))["ip_list"] == ["127.0.0.1"]


async def test_each_secret_of_each_corp_has_its_own_token() -> None:
    async with probing() as probe:
        probe.sandbox.corps.add_app(300, "other-app")
        probe.sandbox.corps.add_corp("wwother")
        probe.sandbox.corps.add_app(400, "other-corp", "wwother")
        tokens = {await probe.log_in(), await probe.log_in("other-app"), await probe.log_in("other-corp", "wwother")}
        assert len(tokens) == 3
        assert all(len(token) <= 512 for token in tokens)


@pytest.mark.parametrize(
    ("corpid", "secret", "code"), [("wwnobody", SECRET, 40013), (CORP, "wrong", 40001), (CORP, "", 40001)]
)
async def test_gettoken_names_what_is_wrong(corpid: str, secret: str, code: int) -> None:
    async with probing() as probe:
        assert (await probe.get("gettoken", corpid=corpid, corpsecret=secret))["errcode"] == code


async def test_a_reset_secret_kills_the_old_one_and_its_tokens() -> None:
    async with probing() as probe:
        probe.sandbox.corps.reset_secret(AGENT, "newer")
        assert (await probe.get("getcallbackip"))["errcode"] == 40014
        assert (await probe.get("gettoken", corpid=CORP, corpsecret=SECRET))["errcode"] == 40001
        assert await probe.log_in("newer")


async def test_2000_failed_gettokens_in_an_hour_shut_the_door_for_an_hour() -> None:
    async with probing(token_errors_per_hour=20) as probe:
        for _ in range(20):
            assert (await probe.get("gettoken", corpid=CORP, corpsecret="wrong"))["errcode"] == 40001
        assert (await probe.get("gettoken", corpid=CORP, corpsecret=SECRET))["errcode"] == 45009
        probe.sandbox.clock.advance(3599)
        assert (await probe.get("gettoken", corpid=CORP, corpsecret=SECRET))["errcode"] == 45009
        probe.sandbox.clock.advance(2)
        assert (await probe.get("gettoken", corpid=CORP, corpsecret=SECRET))["errcode"] == 0


async def test_an_error_carries_hint_caller_address_and_link() -> None:
    async with probing() as probe:
        answer = await probe.get("getcallbackip", access_token="rubbish")  # noqa: S106
        assert re.fullmatch(
            r"invalid access_token, hint: \[\d+\], from ip: 127\.0\.0\.1, "
            r"more info at https://open\.work\.weixin\.qq\.com/devtool/query\?e=40014",
            answer["errmsg"],
        )


async def test_a_missing_token_is_41001_and_a_token_in_the_body_does_not_help() -> None:
    async with probing() as probe:
        token, probe.token = probe.token, ""
        assert await probe.code("externalcontact/mark_tag", {"access_token": token}) == 41001


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff\xfe", b'"text"'])
async def test_a_body_that_is_no_json_object_is_40058(body: bytes) -> None:
    async with probing() as probe:
        assert await probe.code("message/send", body) == 40058


async def test_an_address_outside_the_trusted_list_is_60020_and_a_change_takes_a_minute() -> None:
    async with probing() as probe:
        probe.sandbox.corps.set_trusted_ips(AGENT, ["10.0.0.1"])
        answer = await probe.get("getcallbackip")
        assert answer["errcode"] == 60020
        assert "from ip: 127.0.0.1" in answer["errmsg"]
        probe.sandbox.corps.set_trusted_ips(AGENT, ["127.0.0.1"])
        assert (await probe.get("getcallbackip"))["errcode"] == 60020
        probe.sandbox.clock.advance(60)
        assert (await probe.get("getcallbackip"))["errcode"] == 0


async def test_an_app_that_was_not_added_to_the_console_gets_48002() -> None:
    async with probing() as probe:
        probe.sandbox.corps.add_app(300, "plain", grants=["message"])
        await probe.log_in("plain")
        assert (await probe.get("externalcontact/get_follow_user_list"))["errcode"] == 48002


async def test_a_member_outside_the_apps_range_is_60011() -> None:
    async with probing() as probe:
        probe.sandbox.corps.add_app(300, "narrow", scope=["lisi"])
        await probe.log_in("narrow")
        assert (await probe.get("externalcontact/list", userid="zhangsan"))["errcode"] == 60011


async def test_the_minute_limit_of_a_corp_blocks_one_api_for_a_whole_minute() -> None:
    async with probing(corp_calls_per_minute=5) as probe:
        codes = [(await probe.get("getcallbackip"))["errcode"] for _ in range(6)]
        assert codes == [0] * 5 + [45009]
        assert (await probe.get("externalcontact/get_follow_user_list"))["errcode"] == 0
        probe.sandbox.clock.advance(59)
        assert (await probe.get("getcallbackip"))["errcode"] == 45009
        probe.sandbox.clock.advance(1)
        assert (await probe.get("getcallbackip"))["errcode"] == 0


async def test_too_many_calls_at_once_on_one_api_are_45033() -> None:
    async with probing(concurrent_calls=2) as probe:
        probe.sandbox.set_options(answer_seconds=1.0)
        calls = [asyncio.ensure_future(probe.get("gettoken", corpid=CORP, corpsecret=SECRET)) for _ in range(3)]
        done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert [call.result()["errcode"] for call in done] == [45033]
        probe.sandbox.clock.advance(1)
        assert [(await call)["errcode"] for call in waiting] == [0, 0]


@pytest.mark.parametrize("code", [40014, 42001, 40001, 45009, 45033, -1, 60020])
async def test_the_next_n_calls_can_be_made_to_fail_with_any_code(code: int) -> None:
    async with probing() as probe:
        probe.sandbox.faults.add("errcode", "getcallbackip", times=2, errcode=code)
        assert [(await probe.get("getcallbackip"))["errcode"] for _ in range(3)] == [code, code, 0]


async def test_a_delayed_call_answers_when_the_clock_has_moved() -> None:
    async with probing() as probe:
        probe.sandbox.faults.add("delay", "getcallbackip", seconds=30)
        call = asyncio.ensure_future(probe.get("getcallbackip"))
        await probe.sandbox.until(lambda: not probe.sandbox.faults.waiting)
        assert (await probe.get("externalcontact/get_follow_user_list"))["errcode"] == 0
        assert not call.done()
        probe.sandbox.clock.advance(30)
        assert (await call)["errcode"] == 0


async def test_a_dropped_connection_may_have_had_its_effect() -> None:
    async with probing() as probe:
        probe.sandbox.webhooks.add("key")
        message = {"msgtype": "text", "text": {"content": "hi"}}
        probe.sandbox.faults.add("drop", "webhook/send")
        with pytest.raises(aiohttp.ClientError):
            await probe.post("webhook/send", message, key="key")
        assert probe.sandbox.webhooks.sent == []
        probe.sandbox.faults.add("drop", "webhook/send", after=True)
        with pytest.raises(aiohttp.ClientError):
            await probe.post("webhook/send", message, key="key")
        assert len(probe.sandbox.webhooks.sent) == 1


async def test_a_hanging_call_ends_when_the_faults_are_cleared() -> None:
    async with probing() as probe:
        probe.sandbox.faults.add("hang", "webhook/send")
        call = asyncio.ensure_future(probe.post("webhook/send"))  # aiohttp would repeat a GET by itself
        await probe.sandbox.until(lambda: not probe.sandbox.faults.waiting)
        assert (await probe.get("externalcontact/get_follow_user_list"))["errcode"] == 0
        assert not call.done()
        probe.sandbox.faults.clear()
        with pytest.raises(aiohttp.ClientError):
            await call


async def test_a_gateway_error_is_no_json() -> None:
    async with probing() as probe:
        probe.sandbox.faults.add("status", "getcallbackip", status=502)
        async with probe.session.get(f"{probe.sandbox.url}/cgi-bin/getcallbackip") as answer:
            assert answer.status == 502


async def test_requests_are_logged_without_their_secrets() -> None:
    async with probing() as probe:
        await probe.get("getcallbackip")
        assert SECRET not in repr(probe.sandbox.log)
        assert probe.token not in repr(probe.sandbox.log)
        assert [seen.path for seen in probe.sandbox.log] == ["gettoken", "getcallbackip"]
