"""Webhook robot, app messages, appchat, media and cards of the fake (wecom.md 3, 4, 10 items 4-6)."""

import base64
import hashlib
import io
from typing import Any

import aiohttp
import pytest

from tests.fake_wecom.errors import Json
from tests.fake_wecom.probe import AGENT, Probe, probing

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
HOOK = "webhook/send"


def text(content: str) -> Json:
    return {"msgtype": "text", "text": {"content": content}}


def notice(**more: Any) -> Json:
    card: Json = {"card_type": "text_notice", "main_title": {"title": "周报"}, "card_action": {"type": 1, "url": "u"}}
    return {**card, **more}


def form(data: bytes, name: str = "a.bin") -> aiohttp.FormData:
    out = aiohttp.FormData()
    out.add_field("media", io.BytesIO(data), filename=name, content_type="application/octet-stream")
    return out


async def to_app(probe: Probe, content: str = "hi", **more: Any) -> Json:
    return await probe.post("message/send", {"touser": "zhangsan", "agentid": AGENT, **text(content), **more})


async def test_a_robot_takes_twenty_messages_in_any_sixty_seconds() -> None:
    async with probing() as probe:
        probe.sandbox.webhooks.add("k")
        for _ in range(10):
            assert await probe.code(HOOK, text("a"), key="k") == 0
        probe.sandbox.clock.advance(30)
        assert [await probe.code(HOOK, text("b"), key="k") for _ in range(11)] == [0] * 10 + [45009]
        probe.sandbox.clock.advance(30)
        assert [await probe.code(HOOK, text("c"), key="k") for _ in range(11)] == [0] * 10 + [45009]
        assert len(probe.sandbox.webhooks.sent) == 30


async def test_robots_have_separate_minutes() -> None:
    async with probing() as probe:
        for key in ("k", "l"):
            probe.sandbox.webhooks.add(key)
            assert [await probe.code(HOOK, text("a"), key=key) for _ in range(21)] == [0] * 20 + [45009]


@pytest.mark.parametrize(("kind", "most"), [("text", 2048), ("markdown", 4096), ("markdown_v2", 4096)])
async def test_a_robot_rejects_over_long_text_by_bytes_and_names_the_field(kind: str, most: int) -> None:
    async with probing() as probe:
        probe.sandbox.webhooks.add("k")
        fits = {"msgtype": kind, kind: {"content": "好" * (most // 3) + "x" * (most % 3)}}
        assert await probe.code(HOOK, fits, key="k") == 0
        answer = await probe.post(HOOK, {"msgtype": kind, kind: {"content": "x" * (most + 1)}}, key="k")
        assert answer["errcode"] == 40058
        wanted = f"{kind}.content exceed max length {most}. invalid Request Parameter, hint: ["
        assert answer["errmsg"].startswith(wanted)


async def test_a_robots_key_may_be_wrong_disabled_or_out_of_the_group() -> None:
    async with probing() as probe:
        assert await probe.code(HOOK, text("a"), key="nobody") == 93000
        probe.sandbox.webhooks.add("k")
        probe.sandbox.webhooks.set_state("k", "disabled")
        assert await probe.code(HOOK, text("a"), key="k") == 93004
        probe.sandbox.webhooks.set_state("k", "not_in_group")
        assert await probe.code(HOOK, text("a"), key="k") == 93008


async def test_a_picture_needs_the_md5_of_its_raw_bytes() -> None:
    async with probing() as probe:
        probe.sandbox.webhooks.add("k")
        sealed, md5 = base64.b64encode(PNG).decode(), hashlib.md5(PNG).hexdigest()  # noqa: S324
        wrong = hashlib.md5(sealed.encode()).hexdigest()  # noqa: S324
        for sum_, code in ((md5, 0), (wrong, 40058)):
            body = {"msgtype": "image", "image": {"base64": sealed, "md5": sum_}}
            assert await probe.code(HOOK, body, key="k") == code
        big = PNG + b"0" * 2 * 1024 * 1024
        body = {"msgtype": "image", "image": {"base64": base64.b64encode(big).decode(), "md5": "0"}}
        assert await probe.code(HOOK, body, key="k") == 40009


async def test_a_file_uploaded_by_one_robot_is_useless_to_another_and_dies_after_three_days() -> None:
    async with probing() as probe:
        probe.sandbox.webhooks.add("k")
        probe.sandbox.webhooks.add("l")
        made = await probe.post("webhook/upload_media", form(b"123456"), key="k", type="file")
        assert made["created_at"] == str(int(probe.sandbox.clock()))
        body = {"msgtype": "file", "file": {"media_id": made["media_id"]}}
        assert await probe.code(HOOK, body, key="l") == 40007
        assert await probe.code(HOOK, body, key="k") == 0
        probe.sandbox.clock.advance(3 * 86400 + 1)
        assert await probe.code(HOOK, body, key="k") == 40007


async def test_a_robot_takes_only_the_two_notice_cards() -> None:
    async with probing() as probe:
        probe.sandbox.webhooks.add("k")
        button = {"card_type": "button_interaction", "main_title": {"title": "t"}, "button_list": [{}], "task_id": "1"}
        for card, code in ((notice(), 0), (button, 40058)):
            body = {"msgtype": "template_card", "template_card": card}
            assert await probe.code(HOOK, body, key="k") == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"card_action": None}, 40058),
        ({"main_title": {}}, 40058),
        ({"horizontal_content_list": [{}] * 6}, 0),
        ({"horizontal_content_list": [{}] * 7}, 40058),
        ({"jump_list": [{"type": 1}] * 4}, 40058),
        ({"task_id": "with space"}, 40058),
        ({"action_menu": {"action_list": [{"text": "t", "key": "k"}]}}, 40058),
        ({"action_menu": {"action_list": [{"text": "t", "key": "k"}]}, "task_id": "t"}, 0),
        ({"action_menu": {"action_list": [{"text": "t", "key": "k"}] * 4}, "task_id": "t"}, 40058),
    ],
)
async def test_cards_have_mandatory_parts_and_limits(changes: Json, code: int) -> None:
    async with probing() as probe:
        body = {"touser": "zhangsan", "agentid": AGENT, "msgtype": "template_card", "template_card": notice(**changes)}
        assert await probe.code("message/send", body) == code


async def test_app_text_is_cut_silently_at_2048_bytes() -> None:
    async with probing() as probe:
        assert (await to_app(probe, "好" * 1000))["errcode"] == 0
        assert probe.sandbox.messages.sent[0].body["content"] == "好" * 682


async def test_above_30_a_minute_per_member_app_messages_vanish_without_an_error() -> None:
    async with probing() as probe:
        for _ in range(31):
            assert (await to_app(probe, touser="zhangsan|lisi"))["errcode"] == 0
        assert [message.delivered for message in probe.sandbox.messages.sent[-2:]] == [["zhangsan", "lisi"], []]
        probe.sandbox.clock.advance(60)
        await to_app(probe)
        assert probe.sandbox.messages.sent[-1].delivered == ["zhangsan"]


async def test_unknown_receivers_are_listed_in_lower_case_and_only_unknown_ones_are_81013() -> None:
    async with probing() as probe:
        answer = await to_app(probe, touser="ZhangSan|Nobody")
        assert (answer["errcode"], answer["invaliduser"]) == (0, "nobody")
        assert (await to_app(probe, touser="wmExternal"))["errcode"] == 81013


async def test_app_messages_check_agent_type_and_emptiness() -> None:
    async with probing() as probe:
        assert (await to_app(probe, agentid=1))["errcode"] == 301002
        assert (await to_app(probe, msgtype="dance"))["errcode"] == 40008
        assert (await to_app(probe, ""))["errcode"] == 44004
        assert (await to_app(probe, toparty="|".join("1" * 101)))["errcode"] == 82002
        assert (await to_app(probe, touser="|".join(["u"] * 1001)))["errcode"] == 40031


async def test_a_repeated_app_message_is_delivered_once_when_the_check_is_on() -> None:
    async with probing() as probe:
        for wait, count in ((0, 1), (1799, 1), (1, 2)):
            probe.sandbox.clock.advance(wait)
            assert (await to_app(probe, enable_duplicate_check=1))["errcode"] == 0
            assert len(probe.sandbox.messages.sent) == count


async def test_an_interactive_card_gives_a_response_code_for_one_update() -> None:
    async with probing() as probe:
        card = {"card_type": "button_interaction", "main_title": {"title": "t"}, "button_list": [{}], "task_id": "1"}
        body = {"touser": "zhangsan", "agentid": AGENT, "msgtype": "template_card", "template_card": card}
        code = (await probe.post("message/send", body))["response_code"]
        update = {"agentid": AGENT, "response_code": code, "button": {"replace_name": "好"}}
        assert [await probe.code("message/update_template_card", update) for _ in range(2)] == [0, 60140]


async def test_a_message_can_be_recalled_for_a_day() -> None:
    async with probing() as probe:
        msgid = (await to_app(probe))["msgid"]
        assert await probe.code("message/recall", {"msgid": msgid}) == 0
        assert probe.sandbox.messages.sent[0].recalled
        probe.sandbox.clock.advance(86401)
        await probe.log_in()
        assert await probe.code("message/recall", {"msgid": msgid}) == 40058


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        ("image", PNG, 0),
        ("image", b"not a picture", 40004),
        ("voice", b"#!AMR\n1234", 0),
        ("video", b"\0\0\0\x20ftypmp42", 0),
        ("file", b"12345", 40006),
        ("file", b"123456", 0),
        ("file", b"", 44001),
        ("dance", b"123456", 40004),
    ],
)
async def test_media_have_kinds_and_sizes(kind: str, data: bytes, code: int) -> None:
    async with probing() as probe:
        assert await probe.code("media/upload", form(data), type=kind) == code


@pytest.mark.parametrize(
    ("kind", "megabytes", "code"), [("image", 10, 40009), ("voice", 2, 45001), ("file", 20, 45001)]
)
async def test_media_over_their_size_are_refused(kind: str, megabytes: int, code: int) -> None:
    async with probing() as probe:
        assert await probe.code("media/upload", form(b"0" * (megabytes * 1024 * 1024 + 1)), type=kind) == code


async def test_uploaded_media_come_back_as_they_were() -> None:
    async with probing() as probe:
        made = await probe.post("media/upload", form(PNG, "a.png"), type="image")
        query = {"access_token": probe.token, "media_id": made["media_id"]}
        async with probe.session.get(f"{probe.sandbox.url}/cgi-bin/media/get", params=query) as answer:
            assert (await answer.read(), answer.headers["Content-Disposition"]) == (PNG, 'attachment; filename="a.png"')
        assert (await probe.get("media/get", media_id="none"))["errcode"] == 40007
        image = {"media_id": made["media_id"]}
        assert (await to_app(probe, msgtype="image", image=image))["errcode"] == 0


async def test_only_the_app_that_made_a_chat_writes_to_it() -> None:
    async with probing() as probe:
        people = {"name": "群" * 60, "userlist": ["zhangsan", "lisi"], "chatid": "CHAT1"}
        assert (await probe.post("appchat/create", people))["chatid"] == "CHAT1"
        assert await probe.code("appchat/create", people) == 40050
        info = (await probe.get("appchat/get", chatid="CHAT1"))["chat_info"]
        assert (info["name"], info["userlist"]) == ("群" * 50, ["zhangsan", "lisi"])
        assert await probe.code("appchat/send", {"chatid": "CHAT1", **text("hi")}) == 0
        assert probe.sandbox.chats.sent[0].delivered == ["zhangsan", "lisi"]
        probe.sandbox.corps.add_app(300, "other")
        await probe.log_in("other")
        assert await probe.code("appchat/send", {"chatid": "CHAT1", **text("hi")}) == 86008
        assert await probe.code("appchat/send", {"chatid": "NONE", **text("hi")}) == 86003


async def test_a_chat_takes_no_external_contacts_and_no_narrow_app_makes_one() -> None:
    async with probing() as probe:
        assert await probe.code("appchat/create", {"userlist": ["zhangsan", "wmCustomer"]}) == 40031
        assert await probe.code("appchat/create", {"userlist": ["zhangsan"]}) == 40058
        probe.sandbox.corps.add_app(300, "narrow", scope=["zhangsan"])
        await probe.log_in("narrow")
        assert await probe.code("appchat/create", {"userlist": ["zhangsan", "lisi"]}) == 60011


async def test_the_wrong_method_and_an_unknown_interface_are_told_apart() -> None:
    async with probing() as probe:
        assert (await probe.get("message/send"))["errcode"] == 43002
        assert await probe.code("getcallbackip") == 43001
        async with probe.session.get(f"{probe.sandbox.url}/cgi-bin/no/such/thing") as answer:
            assert answer.status == 404
