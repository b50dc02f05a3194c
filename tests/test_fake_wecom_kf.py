"""微信客服 of the fake: pulling, sending, states and codes (wecom.md 6, 10 item 10)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.fake_wecom.errors import Json
from tests.fake_wecom.probe import AES_KEY, AGENT, TOKEN, Probe, Receiver, probing

SYNC, SEND, ON_EVENT = "kf/sync_msg", "kf/send_msg", "kf/send_msg_on_event"
STATE, TRANS = "kf/service_state/get", "kf/service_state/trans"
WHO = "wmXiaomei"


@asynccontextmanager
async def kf_account(**options: Any) -> AsyncIterator[tuple[Probe, str]]:
    async with probing(**options) as probe:
        yield probe, probe.sandbox.kf.add_account("客服", ["lisi"])


async def pull(probe: Probe, kfid: str, cursor: str = "", **more: Any) -> Json:
    return await probe.post(SYNC, {"open_kfid": kfid, "cursor": cursor, **more})


async def say(probe: Probe, kfid: str, content: str = "hi", **more: Any) -> Json:
    body = {"touser": WHO, "open_kfid": kfid, "msgtype": "text", "text": {"content": content}, **more}
    return await probe.post(SEND, body)


async def events(probe: Probe, kfid: str) -> list[Json]:
    return [row["event"] for row in (await pull(probe, kfid))["msg_list"] if row["msgtype"] == "event"]


async def test_a_callback_carries_a_token_and_no_content_and_the_pull_brings_the_message() -> None:
    async with kf_account() as (probe, kfid), Receiver() as receiver:
        probe.sandbox.corps.set_callback(AGENT, receiver.url, TOKEN, AES_KEY)
        msgid = probe.sandbox.kf.say(kfid, WHO, "在吗")
        await probe.sandbox.settle()
        fields = receiver.got[0].fields()
        assert (fields["Event"], fields["OpenKfId"]) == ("kf_msg_or_event", kfid)
        assert "在吗" not in receiver.got[0].plain()
        answer = await pull(probe, kfid, token=fields["Token"])
        (row,) = answer["msg_list"]
        assert (row["msgid"], row["origin"], row["text"]["content"]) == (msgid, 3, "在吗")
        assert answer["has_more"] == 0


async def test_the_callbacks_token_lives_ten_minutes() -> None:
    async with kf_account() as (probe, kfid):
        probe.sandbox.kf.say(kfid, WHO)
        token = next(iter(probe.sandbox.kf.accounts[kfid].tokens))
        probe.sandbox.clock.advance(599)
        assert (await pull(probe, kfid, token=token))["errcode"] == 0
        probe.sandbox.clock.advance(1)
        assert (await pull(probe, kfid, token=token))["errcode"] == 95007
        assert (await pull(probe, kfid, token="rubbish"))["errcode"] == 95007  # noqa: S106


async def test_pulling_without_a_token_is_strictly_limited() -> None:
    async with kf_account(kf_syncs_without_token_per_minute=3) as (probe, kfid):
        assert [(await pull(probe, kfid))["errcode"] for _ in range(4)] == [0, 0, 0, 45009]
        probe.sandbox.clock.advance(60)
        assert (await pull(probe, kfid))["errcode"] == 0


async def test_a_cursor_walks_through_the_messages_and_stays_valid() -> None:
    async with kf_account() as (probe, kfid):
        sent = [probe.sandbox.kf.say(kfid, WHO, str(at)) for at in range(5)]
        found: list[str] = []
        cursor, more = "", 1
        while more:
            answer = await pull(probe, kfid, cursor, limit=2)
            found += [row["msgid"] for row in answer["msg_list"]]
            cursor, more = answer["next_cursor"], answer["has_more"]
        assert found == sent
        assert (await pull(probe, kfid, cursor))["msg_list"] == []
        last = probe.sandbox.kf.say(kfid, WHO, "new")
        assert [row["msgid"] for row in (await pull(probe, kfid, cursor))["msg_list"]] == [last]
        assert (await pull(probe, kfid, "rubbish"))["errcode"] == 40058


async def test_an_empty_page_may_say_that_there_is_more() -> None:
    async with kf_account() as (probe, kfid):
        probe.sandbox.kf.say(kfid, WHO)
        probe.sandbox.kf.empty_pages = 1
        answer = await pull(probe, kfid)
        assert (answer["msg_list"], answer["has_more"]) == ([], 1)
        assert len((await pull(probe, kfid, answer["next_cursor"]))["msg_list"]) == 1


async def test_the_first_pull_replays_three_days_and_not_more() -> None:
    async with kf_account() as (probe, kfid):
        probe.sandbox.kf.say(kfid, WHO, "too old")
        probe.sandbox.clock.advance(86400)
        probe.sandbox.kf.say(kfid, WHO, "old")
        probe.sandbox.clock.advance(2 * 86400)
        await probe.log_in()
        answer = await pull(probe, kfid)
        assert [row["text"]["content"] for row in answer["msg_list"]] == ["old"]
        probe.sandbox.kf.say(kfid, WHO, "now")
        assert len((await pull(probe, kfid, answer["next_cursor"]))["msg_list"]) == 1


async def test_our_own_messages_are_not_returned_and_a_persons_have_origin_5() -> None:
    async with kf_account() as (probe, kfid):
        probe.sandbox.kf.say(kfid, WHO)
        await say(probe, kfid)
        probe.sandbox.kf.say_as_servicer(kfid, WHO, "lisi", "我来")
        assert [row["origin"] for row in (await pull(probe, kfid))["msg_list"]] == [3, 5]


async def test_five_messages_per_customer_message_and_the_counter_starts_again() -> None:
    async with kf_account() as (probe, kfid):
        probe.sandbox.kf.say(kfid, WHO)
        assert [(await say(probe, kfid))["errcode"] for _ in range(6)] == [0] * 5 + [95001]
        probe.sandbox.kf.say(kfid, WHO)
        assert (await say(probe, kfid))["errcode"] == 0


@pytest.mark.parametrize(("hours", "code"), [(47.9, 0), (48.1, 95002)])
async def test_48_hours_after_the_customers_last_message_it_is_too_late(hours: float, code: int) -> None:
    async with kf_account() as (probe, kfid):
        probe.sandbox.kf.say(kfid, WHO)
        probe.sandbox.clock.advance(hours * 3600)
        await probe.log_in()
        assert (await say(probe, kfid))["errcode"] == code


async def test_a_customer_who_never_wrote_cannot_be_written_to() -> None:
    async with kf_account() as (probe, kfid):
        assert (await say(probe, kfid))["errcode"] == 95018


async def test_the_same_msgid_is_delivered_once() -> None:
    async with kf_account() as (probe, kfid):
        probe.sandbox.kf.say(kfid, WHO)
        first = await say(probe, kfid, msgid="row-17")
        second = await say(probe, kfid, msgid="row-17")
        assert first["msgid"] == second["msgid"] == "row-17"
        assert len(probe.sandbox.kf.sent) == 1
        probe.sandbox.set_options(kf_repeated_msgid="refuse")
        assert (await say(probe, kfid, msgid="row-17"))["errcode"] == 40058
        assert (await say(probe, kfid, msgid="x" * 33))["errcode"] == 40058
        assert (await say(probe, kfid, msgid="号"))["errcode"] == 40058


async def test_text_is_limited_to_2048_bytes_not_characters() -> None:
    async with kf_account() as (probe, kfid):
        probe.sandbox.kf.say(kfid, WHO)
        assert (await say(probe, kfid, "好" * 682))["errcode"] == 0
        assert (await say(probe, kfid, "好" * 683))["errcode"] == 40058
        assert (await say(probe, kfid, ""))["errcode"] == 44004


async def test_an_accepted_message_may_fail_afterwards() -> None:
    async with kf_account() as (probe, kfid):
        probe.sandbox.kf.say(kfid, WHO)
        probe.sandbox.kf_sends.fail_next(10)
        sent = await say(probe, kfid)
        assert sent["errcode"] == 0
        assert probe.sandbox.kf.sent == []
        (event,) = await events(probe, kfid)
        assert (event["event_type"], event["fail_msgid"], event["fail_type"]) == ("msg_send_fail", sent["msgid"], 10)


async def test_limits_can_be_told_late_as_events() -> None:
    async with kf_account(kf_late_failures=True) as (probe, kfid):
        probe.sandbox.kf.say(kfid, WHO)
        assert [(await say(probe, kfid))["errcode"] for _ in range(6)] == [0] * 6
        assert [event["fail_type"] for event in await events(probe, kfid)] == [6]


async def test_events_name_account_and_customer_only_inside() -> None:
    async with kf_account() as (probe, kfid):
        probe.sandbox.kf.enter(kfid, WHO, scene="poster")
        (row,) = (await pull(probe, kfid))["msg_list"]
        assert "open_kfid" not in row
        assert "external_userid" not in row
        assert (row["event"]["open_kfid"], row["event"]["external_userid"], row["origin"]) == (kfid, WHO, 4)


async def test_a_welcome_code_comes_once_in_48_hours_and_lives_twenty_seconds() -> None:
    async with kf_account() as (probe, kfid):
        hello = {"msgtype": "text", "text": {"content": "你好"}}
        late = probe.sandbox.kf.enter(kfid, WHO)
        probe.sandbox.clock.advance(21)
        assert await probe.code(ON_EVENT, {"code": late, **hello}) == 40058
        code = probe.sandbox.kf.enter(kfid, WHO)
        place = {"msgtype": "location", "location": {"latitude": 1, "longitude": 2}}
        assert await probe.code(ON_EVENT, {"code": code, **place}) == 40008
        assert await probe.code(ON_EVENT, {"code": code, **hello}) == 0
        assert await probe.code(ON_EVENT, {"code": code, **hello}) == 40058
        assert probe.sandbox.kf.enter(kfid, WHO) == ""
        assert probe.sandbox.kf.enter(kfid, "wmOther")
        probe.sandbox.kf.say(kfid, "wmThird")
        assert probe.sandbox.kf.enter(kfid, "wmThird") == ""


async def test_answering_makes_the_assistant_responsible_and_states_move_as_allowed() -> None:
    async with kf_account() as (probe, kfid):
        head = {"open_kfid": kfid, "external_userid": WHO}

        async def move(state: int, **more: str) -> Json:
            return await probe.post(TRANS, {**head, "service_state": state, **more})

        async def state() -> int:
            return int((await probe.post(STATE, head))["service_state"])

        assert await state() == 4
        assert (await move(2))["errcode"] == 95013
        probe.sandbox.kf.say(kfid, WHO)
        assert await state() == 0
        assert (await move(4))["errcode"] == 95016
        await say(probe, kfid)
        assert await state() == 1
        assert (await move(4))["errcode"] == 95016
        pooled = (await move(2))["msg_code"]
        text = {"msgtype": "text", "text": {"content": "排队中"}}
        assert await probe.code(ON_EVENT, {"code": pooled, **text}) == 0
        assert (await say(probe, kfid))["errcode"] == 95018
        assert (await move(3, servicer_userid="nobody"))["errcode"] == 95014
        taken = (await move(3, servicer_userid="lisi"))["msg_code"]
        assert await probe.code(ON_EVENT, {"code": taken, **text}) == 0
        assert (await probe.post(STATE, head))["servicer_userid"] == "lisi"
        ended = (await move(4))["msg_code"]
        probe.sandbox.clock.advance(21)
        assert await probe.code(ON_EVENT, {"code": ended, **text}) == 40058
        assert await state() == 4
        probe.sandbox.kf.say(kfid, WHO)
        assert await state() == 0


async def test_ending_by_api_from_the_assistant_is_an_option() -> None:
    async with kf_account(kf_end_by_api_from=(1, 3)) as (probe, kfid):
        probe.sandbox.kf.say(kfid, WHO)
        await say(probe, kfid)
        body = {"open_kfid": kfid, "external_userid": WHO, "service_state": 4}
        assert (await probe.post(TRANS, body))["errcode"] == 0


async def test_a_servicer_who_stopped_cannot_take_over() -> None:
    async with kf_account() as (probe, kfid):
        probe.sandbox.kf.say(kfid, WHO)
        probe.sandbox.kf.set_servicer(kfid, "lisi", 1)
        body = {"open_kfid": kfid, "external_userid": WHO, "service_state": 3, "servicer_userid": "lisi"}
        assert await probe.code(TRANS, body) == 95019
        assert [event["event_type"] for event in await events(probe, kfid)] == ["servicer_status_change"]


async def test_a_person_who_takes_and_ends_a_session_leaves_events_with_codes() -> None:
    async with kf_account() as (probe, kfid):
        probe.sandbox.kf.say(kfid, WHO)
        probe.sandbox.kf.change_by_servicer(kfid, WHO, 1, "lisi")
        probe.sandbox.kf.change_by_servicer(kfid, WHO, 2, "zhangsan")
        probe.sandbox.kf.change_by_servicer(kfid, WHO, 3)
        seen = await events(probe, kfid)
        assert [(event["change_type"], "msg_code" in event) for event in seen] == [(1, True), (2, False), (3, True)]


async def test_accounts_servicers_and_links_are_listed() -> None:
    async with kf_account() as (probe, kfid):
        accounts = (await probe.get("kf/account/list"))["account_list"]
        assert [one["open_kfid"] for one in accounts] == [kfid]
        servicers = (await probe.get("kf/servicer/list", open_kfid=kfid))["servicer_list"]
        assert servicers == [{"userid": "lisi", "status": 0}]
        way = await probe.post("kf/add_contact_way", {"open_kfid": kfid, "scene": "poster_1"})
        assert way["url"].startswith("https://work.weixin.qq.com/kf/")
        assert await probe.code("kf/add_contact_way", {"open_kfid": kfid, "scene": "海报"}) == 40058
        assert (await pull(probe, "wknone"))["errcode"] == 95000


async def test_menus_have_their_limits() -> None:
    async with kf_account() as (probe, kfid):
        probe.sandbox.kf.say(kfid, WHO)

        async def menu(items: list[Json]) -> int:
            body = {"touser": WHO, "open_kfid": kfid, "msgtype": "msgmenu", "msgmenu": {"list": items}}
            return await probe.code(SEND, body)

        click = {"type": "click", "click": {"id": "1", "content": "好" * 42}}
        assert await menu([click] * 10) == 0
        assert await menu([click] * 11) == 40058
        assert await menu([{"type": "click", "click": {"id": "1", "content": "好" * 43}}]) == 40058
        assert await menu([{"type": "dance", "dance": {}}]) == 40058
