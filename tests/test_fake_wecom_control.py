"""The control API over HTTP, the demo corp, and the process that another program can start."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.fake_wecom import furnish, serve, still
from tests.fake_wecom.clock import Clock
from tests.fake_wecom.probe import AES_KEY, AGENT, TOKEN, Receiver, on_line, probing


async def test_another_process_can_make_a_customer_and_read_what_was_sent() -> None:
    async with probing() as probe:
        made = await probe.control("customers/add", userid="zhangsan", name="小美", state="poster")
        body = {"welcome_code": made["welcome_code"], "text": {"content": "欢迎"}}
        assert await probe.code("externalcontact/send_welcome_msg", body) == 0
        (sent,) = await probe.control("sent/welcome")
        assert (sent["userid"], sent["text"]) == ("zhangsan", "欢迎")
        seen = await probe.control("seen/customer", external_userid=made["external_userid"])
        assert seen["follows"]["zhangsan"]["state"] == "poster"


async def test_another_process_can_let_a_customer_speak_and_move_members() -> None:
    async with probing() as probe, Receiver() as receiver:
        await probe.control("corps/set_callback", agentid=AGENT, url=receiver.url, token=TOKEN, aes_key=AES_KEY)
        kfid = await probe.control("kf/add_account", name="客服")
        await probe.control("kf/say", open_kfid=kfid, external_userid="wmA", content="在吗")
        chat = await probe.control("groups/create", owner="zhangsan", name="群")
        await probe.control("groups/join", chat_id=chat, people=["wmA"])
        await probe.control("groups/leave", chat_id=chat, people=["wmA"])
        await probe.control("sandbox/settle")
        events = sorted(push.fields()["Event"] for push in receiver.got)
        assert events == ["change_external_chat"] * 3 + ["kf_msg_or_event"]
        states = {delivery["state"] for delivery in await probe.control("seen/deliveries")}
        assert states == {"accepted"}


async def test_another_process_can_push_a_bad_signature_and_a_raw_body() -> None:
    async with probing() as probe, Receiver() as receiver:
        await probe.control("corps/set_callback", agentid=AGENT, url=receiver.url, token=TOKEN, aes_key=AES_KEY)
        await probe.control("callbacks/push_event", agentid=AGENT, fields={"Event": "x"}, spoil="signature")
        await probe.control("sandbox/settle")
        tried = await probe.control("callbacks/post_raw", agentid=AGENT, body="<xml", query={"nonce": "1"})
        assert tried["status"] == 200
        assert receiver.got[-1].body == b"<xml"


async def test_another_process_can_inject_faults_move_the_clock_and_turn_options() -> None:
    async with probing() as probe:
        await probe.control("faults/add", kind="errcode", where="getcallbackip", times=1, errcode=-1)
        assert (await probe.get("getcallbackip"))["errcode"] == -1
        before = await probe.control("clock/now")
        assert await probe.control("clock/advance", seconds=7200) == before + 7200
        assert (await probe.get("getcallbackip"))["errcode"] == 42001
        assert (await probe.control("options/set", mass_per_day=2))["mass_per_day"] == 2


async def test_another_process_can_talk_to_a_connected_bot() -> None:
    async with probing() as probe:
        bot = await probe.control("bots/add", name="元子")
        async with on_line(probe, bot) as line:
            assert await probe.control("bot_socket/subscribed", bot_id=bot["bot_id"])
            await probe.control("bots/say", bot_id=bot["bot_id"], userid="zhangsan", content="签到")
            assert (await line.callback())["body"]["text"]["content"] == "签到"
        assert bot["secret"] not in repr(await probe.control("seen/frames"))


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("customers/dance", {}, 404),
        ("customers/add", {"userid": "zhangsan"}, 400),
        ("customers/add", {"userid": "nobody", "name": "x"}, 400),
        ("faults/add", {"kind": "earthquake"}, 400),
        ("options/set", {"nonsense": 1}, 400),
        ("clock/advance", {"seconds": -1}, 400),
        ("callbacks/push_event", {"agentid": AGENT, "fields": {}, "spoil": "soup"}, 400),
    ],
)
async def test_a_wrong_control_call_is_refused_with_its_reason(name: str, body: object, status: int) -> None:
    async with probing() as probe, probe.session.post(f"{probe.sandbox.url}/_control/{name}", json=body) as answer:
        assert answer.status == status
        out = await answer.json()
        assert not out["ok"]
        assert out["error"]


async def test_the_listing_names_every_control_with_its_arguments() -> None:
    async with probing() as probe, probe.session.get(f"{probe.sandbox.url}/_control") as answer:
        listing = await answer.json()
        assert "external_userid" in listing["kf/say"]
        assert set(listing) == set(probe.sandbox.control.parts)


async def test_the_demo_corp_can_be_used_at_once() -> None:
    sandbox = await serve("127.0.0.1", 0, clock=still())
    try:
        facts = furnish(sandbox)
        async with aiohttp.ClientSession() as session:
            query = {"corpid": facts["corpid"], "corpsecret": facts["secret"]}
            async with session.get(f"{facts['url']}/cgi-bin/gettoken", params=query) as answer:
                assert (await answer.json())["errcode"] == 0
            message = {"msgtype": "text", "text": {"content": "hi"}}
            async with session.post(facts["webhook"], json=message) as answer:
                assert (await answer.json())["errcode"] == 0
    finally:
        await sandbox.close()
        await sandbox.close()


async def test_two_sandboxes_with_the_same_seed_draw_the_same_ids() -> None:
    async with probing() as one, probing() as two:
        assert one.token == two.token


async def test_an_injected_clock_moves_the_sandbox_when_it_is_nudged() -> None:
    now = [100.0]
    clock = Clock(lambda: now[0], flows=False)
    nap = asyncio.ensure_future(clock.sleep(5))
    await clock.until_waiting(1)
    now[0] = 105.0
    clock.nudge()
    await nap


async def test_the_command_prints_one_json_line_when_ready_and_stops_when_told() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.fake_wecom",
        "--port",
        "0",
        cwd=Path(__file__).parent.parent,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    facts = json.loads(await process.stdout.readline())
    assert facts["ready"]
    async with aiohttp.ClientSession() as session, session.get(f"{facts['url']}/_control") as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert await process.stdout.read() == b""
