"""The wires that mostly speak: webhook robot, app messages, app group chats."""

import base64
import hashlib
import logging
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.channels.wecom.app_message import AppWire, wants
from bot.channels.wecom.payload import parse_xml
from bot.channels.wecom.robot import RobotWire
from bot.channels.wecom.secret import SecretSource
from bot.channels.wecom.settings import MessageSettings, RobotSettings
from bot.errors import ChannelError, Refused, Retryable
from bot.events import ContactAdded, MessageReceived
from tests.wecom_world import World, line, no, running, world

OK: dict[str, Any] = {"errcode": 0, "errmsg": "ok"}
KEY = "693a91f6-key-never-shown"
NOTICE = {"card_type": "text_notice", "main_title": {"title": "x"}, "card_action": {"type": 1, "url": "https://x"}}


def robot(w: World, **more: Any) -> RobotWire:
    settings = RobotSettings(name="robot", group="staff", key=SecretSource(env="K"), **more)
    return RobotWire(settings, key=SecretStr(KEY), session=w.session, api=w.settings, ports=w.ports)


def app(w: World, **more: Any) -> AppWire:
    return AppWire(MessageSettings(name="app", **more), api=w.api, agent_id=1000002, ports=w.ports)


# ---- robot -------------------------------------------------------------------------------------------------------


async def test_the_robot_says_text_with_mentions_and_needs_no_token() -> None:
    async with world() as w:
        await robot(w).send(line("开会", group="staff", mentions=("li", "@all")))
        [call] = w.stub.calls
        assert call.query == {"key": KEY}
        assert call.body == {"msgtype": "text", "text": {"content": "开会", "mentioned_list": ["li", "@all"]}}


async def test_the_robot_mentions_inside_markdown() -> None:
    async with world() as w:
        await robot(w, markdown=True).send(line("**开会**", group="staff", mentions=("li",)))
        assert w.stub.calls[0].body["markdown"] == {"content": "<@li>**开会**"}


async def test_the_twenty_first_message_of_a_minute_waits() -> None:
    async with world() as w:
        wire = robot(w)
        for number in range(20):
            await wire.send(line(f"{number}", group="staff"))
        with pytest.raises(Retryable) as caught:
            await wire.send(line("21", group="staff"))
        assert caught.value.after == 60
        assert len(w.stub.calls) == 20
        await w.clock.sleep(60)
        await wire.send(line("21", group="staff"))


async def test_the_robot_lives_in_one_group_and_keeps_to_2048_bytes() -> None:
    async with world() as w:
        for wrong in (line("x", group="other"), line("x", member="li"), line("好" * 683, group="staff")):
            with pytest.raises(Refused):
                await robot(w).send(wrong)
        assert not w.stub.calls


async def test_a_picture_carries_the_md5_of_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"\x89PNG....")
    async with world() as w:
        await robot(w).send(line("看", group="staff", picture=str(file)))
        image, text = (call.body for call in w.stub.calls)
        assert base64.b64decode(image["image"]["base64"]) == b"\x89PNG...."
        assert image["image"]["md5"] == hashlib.md5(b"\x89PNG....", usedforsecurity=False).hexdigest()
        assert text["text"]["content"] == "看"


@pytest.mark.parametrize(("code", "kind"), [(45009, Retryable), (93000, Refused), (93008, Refused), (40058, Refused)])
async def test_the_robots_errors_are_sorted_and_do_not_show_the_key(
    code: int, kind: type[ChannelError], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "yuanzi.wecom")
    async with world() as w:
        w.stub.on("webhook/send", no(code, f"invalid key {KEY}"))
        with pytest.raises(kind) as caught:
            await robot(w).send(line("x", group="staff"))
        assert KEY not in str(caught.value) + repr(caught.value) + caplog.text + repr(robot(w))


async def test_a_robot_takes_only_notice_cards() -> None:
    async with world() as w:
        await robot(w).send_card(NOTICE)
        with pytest.raises(Refused):
            await robot(w).send_card({**NOTICE, "card_type": "vote_interaction"})


async def test_the_doctor_finds_a_dead_webhook_without_writing_into_the_group() -> None:
    async with world() as w:
        assert (await robot(w).diagnose())[0].level == "ok"
        w.stub.on("webhook/upload_media", no(93000))
        finding = (await robot(w).diagnose())[0]
        assert finding.level == "error"
        assert "key" in finding.step
        assert not w.stub.to("webhook/send")


async def test_a_robot_runs_until_it_is_told_to_stop() -> None:
    async with world() as w, running(robot(w), w.ears) as task:
        assert not task.done()


# ---- app ---------------------------------------------------------------------------------------------------------


async def test_a_member_is_written_to_as_the_app() -> None:
    async with world() as w:
        w.stub.on("message/send", {**OK, "msgid": "g1"})
        receipt = await app(w).send(line("你好", member="li"))
        assert receipt.platform_id == "g1"
        body = w.stub.to("message/send")[0].body
        assert body == {"touser": "li", "agentid": 1000002, "msgtype": "text", "text": {"content": "你好"}}


async def test_an_app_group_is_written_to_with_mentions() -> None:
    async with world() as w:
        await app(w).send(line("开会", group="chat1", mentions=("li",)))
        body = w.stub.to("appchat/send")[0].body
        assert body["chatid"] == "chat1"
        assert body["text"] == {"content": "开会", "mentioned_list": ["li"]}


async def test_the_thirty_first_message_to_a_member_waits_because_it_would_vanish() -> None:
    async with world() as w:
        wire = app(w)
        for number in range(30):
            await wire.send(line(f"{number}", member="li"))
        with pytest.raises(Retryable):
            await wire.send(line("31", member="li"))
        await wire.send(line("x", member="wu"))


async def test_a_receiver_out_of_reach_is_refused_although_the_platform_says_ok() -> None:
    async with world() as w:
        w.stub.on("message/send", {**OK, "invaliduser": "li"})
        with pytest.raises(Refused, match="visible range"):
            await app(w).send(line("x", member="li"))
        receipt = await app(w).alert(["li", "wu"], "警报")
        assert "li" in receipt.error
        assert w.stub.to("message/send")[1].body["touser"] == "li|wu"


async def test_an_alert_is_cut_to_2048_bytes_of_whole_characters() -> None:
    async with world() as w:
        await app(w).alert(["li"], "好" * 1000)
        assert len(w.stub.to("message/send")[0].body["text"]["content"].encode()) == 2046


async def test_what_a_member_writes_to_the_app_is_heard_once() -> None:
    async with world() as w:
        wire = app(w)
        text = (
            "<xml><ToUserName>ww</ToUserName><FromUserName>li</FromUserName><CreateTime>1409659813</CreateTime>"
            "<MsgType>text</MsgType><Content>hello</Content><MsgId>4561255354251345929</MsgId><AgentID>218</AgentID></xml>"
        )
        click = (
            "<xml><FromUserName>li</FromUserName><CreateTime>5</CreateTime><MsgType>event</MsgType>"
            "<Event>click</Event><EventKey>签到</EventKey></xml>"
        )
        came = click.replace("click", "subscribe")
        broken = text.replace(">li<", ">../li<")
        assert all(wants(parse_xml(body.encode())) for body in (text, click, came))
        async with running(wire, w.ears):
            for body in (text, text, broken, click, click, came):
                await wire.inbox.offer(body)
            first, second, third = [await w.ears.next() for _ in range(3)]
        assert isinstance(first, MessageReceived)
        assert (first.id, first.text, first.member) == ("app:4561255354251345929", "hello", "li")
        assert isinstance(second, MessageReceived)
        assert (second.text, second.form) == ("签到", "card")
        assert isinstance(third, ContactAdded)


async def test_a_group_needs_a_plain_id_and_two_members() -> None:
    async with world() as w:
        w.stub.on("appchat/create", {**OK, "chatid": "staff1"})
        assert await app(w).create_group("staff1", "值班", ["li", "wu"]) == "staff1"
        for chat, members in (("a/b", ["li", "wu"]), ("x" * 33, ["li", "wu"]), ("ok", ["li"])):
            with pytest.raises(Refused):
                await app(w).create_group(chat, "值班", members)


async def test_the_doctor_tells_of_the_address_list() -> None:
    async with world() as w:
        assert (await app(w).diagnose())[0].level == "ok"
        w.stub.on("getcallbackip", no(60020))
        assert "203.0.113.9" in (await app(w).diagnose())[0].step
