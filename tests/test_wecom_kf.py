"""微信客服: pulling by cursor, whose turn it is, codes, hand-over, failures after the fact."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from bot.channels import Heard
from bot.channels.wecom.inbox import Inbox
from bot.channels.wecom.kf import KfWire, msgid_for
from bot.channels.wecom.kf_session import KfNotice
from bot.channels.wecom.payload import parse_xml
from bot.channels.wecom.settings import KfSettings
from bot.errors import ChannelError, Refused, Retryable
from bot.events import ContactAdded, Event, MessageReceived
from tests.wecom_world import Call, Ears, Reply, World, line, no, running, world

OK: dict[str, Any] = {"errcode": 0, "errmsg": "ok"}
KFID = "wkAJ2GCAAA"
ANNE = "wmAnne"


def wire(w: World, *, noticed: Any = None, **more: Any) -> KfWire:
    settings = KfSettings(name="kf", open_kfid=KFID, **{"sync_at_start": False, **more})
    return KfWire(settings, api=w.api, inbox=Inbox("kf", w.memory), ports=w.ports, noticed=noticed)


def callback(token: str = "t1", kfid: str = KFID) -> str:  # noqa: S107
    return (
        f"<xml><MsgType>event</MsgType><Event>kf_msg_or_event</Event><Token>{token}</Token>"
        f"<OpenKfId>{kfid}</OpenKfId><CreateTime>1</CreateTime></xml>"
    )


def said(
    w: World, message_id: str, text: str = "你好", *, member: str = ANNE, ago: int = 0, **more: Any
) -> dict[str, Any]:
    return {
        "msgid": message_id,
        "open_kfid": KFID,
        "external_userid": member,
        "send_time": w.clock.stamp() - ago,
        "origin": 3,
        "msgtype": "text",
        "text": {"content": text},
        **more,
    }


def event(w: World, message_id: str, kind: str, *, ago: int = 0, **more: Any) -> dict[str, Any]:
    inner = {"event_type": kind, "open_kfid": KFID, "external_userid": ANNE, **more}
    return {"msgid": message_id, "send_time": w.clock.stamp() - ago, "origin": 4, "msgtype": "event", "event": inner}


def page(*messages: dict[str, Any], cursor: str = "c1", more: int = 0) -> dict[str, Any]:
    return {**OK, "next_cursor": cursor, "has_more": more, "msg_list": list(messages)}


async def hear_from(w: World, kf: KfWire, *messages: dict[str, Any]) -> None:
    w.stub.on("kf/sync_msg", page(*messages))
    await kf.sync(w.ears.hear)


async def test_a_callback_pulls_and_the_customers_words_are_heard() -> None:
    async with world(auto=False) as w:
        kf = wire(w)
        w.stub.on("kf/sync_msg", page(said(w, "m1")))
        async with running(kf, w.ears):
            await kf.inbox.offer(callback())
            heard = await w.ears.next()
        assert isinstance(heard, MessageReceived)
        assert (heard.id, heard.member, heard.group, heard.text) == ("kf:m1", ANNE, None, "你好")
        assert w.stub.to("kf/sync_msg")[0].body == {"open_kfid": KFID, "limit": 1000, "token": "t1"}


async def test_the_cursor_goes_on_and_empty_pages_do_not_end_the_pull() -> None:
    async with world() as w:
        kf = wire(w)
        pages = [page(said(w, "m1"), cursor="a", more=1), page(cursor="b", more=1), page(said(w, "m2"), cursor="c")]
        w.stub.on("kf/sync_msg", *pages)
        await kf.sync(w.ears.hear)
        assert [call.body.get("cursor") for call in w.stub.to("kf/sync_msg")] == [None, "a", "b"]
        assert [heard.id for heard in w.ears.events] == ["kf:m1", "kf:m2"]
        await wire(w).sync(w.ears.hear)
        assert w.stub.to("kf/sync_msg")[3].body["cursor"] == "c"


async def test_a_platform_that_promises_more_for_ever_is_left_alone_for_a_while() -> None:
    async with world() as w:
        w.stub.on("kf/sync_msg", page(cursor="a", more=1))
        with pytest.raises(Retryable):
            await wire(w).sync(w.ears.hear)


async def test_the_first_pull_ignores_three_days_of_history_on_all_its_pages() -> None:
    async with world() as w:
        old = [said(w, "m1", ago=5000), event(w, "e1", "enter_session", ago=9, welcome_code="w")]
        w.stub.on("kf/sync_msg", page(*old, cursor="a", more=1), page(said(w, "m2", ago=1), said(w, "m3"), cursor="b"))
        await wire(w).sync(w.ears.hear)
        assert [heard.id for heard in w.ears.events] == ["kf:m3"]


async def test_what_was_said_while_we_were_down_is_no_history() -> None:
    async with world() as w:
        kf = wire(w)
        await hear_from(w, kf)
        await w.clock.sleep(7200)
        await hear_from(w, wire(w), said(w, "m1", ago=3600))
        assert [heard.id for heard in w.ears.events] == ["kf:m1"]


async def test_a_first_run_that_crashed_does_not_make_newer_messages_history() -> None:
    async with world() as w:
        await wire(w)._since()
        await w.clock.sleep(60)
        await hear_from(w, wire(w), said(w, "m1", ago=30))
        assert [heard.id for heard in w.ears.events] == ["kf:m1"]


async def test_pulls_never_overlap_and_waiting_callbacks_become_one_pull() -> None:
    async with world(auto=False) as w:
        kf = wire(w)
        gate = asyncio.Event()

        async def slow(call: Call) -> Reply:
            await gate.wait()
            return page(said(w, "m1"))

        w.stub.on("kf/sync_msg", slow)
        async with running(kf, w.ears):
            await kf.inbox.offer(callback("t1"))
            await w.stub.wait_for("kf/sync_msg")
            for token in ("t2", "t3", "t4"):
                await kf.inbox.offer(callback(token))
            gate.set()
            await w.stub.wait_for("kf/sync_msg")
            await w.ears.next()
        assert [call.body["token"] for call in w.stub.to("kf/sync_msg")] == ["t1", "t4"]
        assert len(w.ears.events) == 1


async def test_a_crash_in_the_middle_of_a_page_hears_the_page_again() -> None:
    async with world() as w:

        class Crash(Exception):
            pass

        async def crash(heard: Event) -> Heard:
            await w.ears.hear(heard)
            raise Crash

        w.stub.on("kf/sync_msg", page(said(w, "m1"), said(w, "m2")))
        with pytest.raises(Crash):
            await wire(w).sync(crash)
        await wire(w).sync(w.ears.hear)
        assert [heard.id for heard in w.ears.events] == ["kf:m1", "kf:m2"]


async def test_a_token_that_expired_is_left_out() -> None:
    async with world() as w:
        w.stub.on("kf/sync_msg", no(95007), page(said(w, "m1")))
        await wire(w).sync(w.ears.hear, "old")
        assert "token" not in w.stub.to("kf/sync_msg")[1].body
        assert len(w.ears.events) == 1


async def test_a_platform_that_is_down_for_an_hour_loses_nothing() -> None:
    async with world(tries=1) as w:
        kf = wire(w)
        w.stub.on("kf/sync_msg", *[no(45009)] * 60, page(said(w, "m1")))
        async with running(kf, w.ears):
            await kf.inbox.offer(callback())
            assert (await w.ears.next()).id == "kf:m1"


@pytest.mark.parametrize(
    "broken",
    [
        {"msgid": "../../m"},
        {"msgid": 5},
        {"external_userid": "a/b"},
        {"send_time": "soon"},
        {"send_time": 10**30},
        {"send_time": -1},
        {"msgtype": "event", "event": "no object"},
        {"msgtype": "event", "event": {"event_type": "brand_new", "external_userid": ANNE}},
        {"origin": 5},
        {"origin": None},
    ],
)
async def test_a_message_that_is_not_understood_is_passed_over(broken: dict[str, Any]) -> None:
    async with world() as w:
        await hear_from(w, wire(w), {**said(w, "m1"), **broken}, said(w, "m2"))
        assert [heard.id for heard in w.ears.events] == ["kf:m2"]


@pytest.mark.parametrize(
    ("content", "form", "text", "media"),
    [
        ({"msgtype": "image", "image": {"media_id": "md"}}, "picture", "", "md"),
        ({"msgtype": "file", "file": {"media_id": "md"}}, "file", "", "md"),
        ({"msgtype": "link", "link": {"title": "T", "url": "https://x"}}, "link", "T", "https://x"),
        ({"msgtype": "location", "location": {"name": "家"}}, "location", "家", ""),
        ({"msgtype": "text", "text": {"content": "菜单", "menu_id": "9"}}, "text", "菜单", ""),
    ],
)
async def test_other_forms_are_noted(content: dict[str, Any], form: str, text: str, media: str) -> None:
    async with world() as w:
        await hear_from(w, wire(w), {**said(w, "m1"), **content})
        [heard] = w.ears.events
        assert isinstance(heard, MessageReceived)
        assert (heard.form, heard.text, heard.media) == (form, text, media)


async def test_callbacks_of_other_accounts_are_not_wanted() -> None:
    async with world() as w:
        assert wire(w).wants(parse_xml(callback().encode()))
        assert not wire(w).wants(parse_xml(callback(kfid="wkOther").encode()))


# ---- speaking ----------------------------------------------------------------------------------------------------


async def test_five_lines_may_follow_each_message_and_a_repeat_of_one_does_not_count() -> None:
    async with world() as w:
        kf = wire(w)
        await hear_from(w, kf, said(w, "m1"))
        for number in range(5):
            await kf.send(line(f"l{number}", member=ANNE))
        await kf.send(line("l4", member=ANNE))  # the same key, after an unknown outcome
        with pytest.raises(Refused, match="5 lines"):
            await kf.send(line("l5", member=ANNE))
        ids = [call.body["msgid"] for call in w.stub.to("kf/send_msg")]
        assert ids[4] == ids[5] == msgid_for("k:l4")
        assert all(len(one) == 32 for one in ids)
        await hear_from(w, kf, said(w, "m2"))
        assert (await kf.send(line("l5", member=ANNE))).state == "sent"


async def test_the_same_message_pulled_twice_does_not_open_a_new_turn() -> None:
    async with world() as w:
        kf = wire(w)
        for _ in range(2):
            await hear_from(w, kf, said(w, "m1"))
            for number in range(5):
                await kf.send(line(f"l{number}", member=ANNE))
        with pytest.raises(Refused):
            await kf.send(line("l9", member=ANNE))


async def test_after_48_hours_nothing_is_sent() -> None:
    async with world() as w:
        kf = wire(w)
        await hear_from(w, kf, said(w, "m1"))
        await w.clock.sleep(48 * 3600 + 1)
        with pytest.raises(Refused, match="48 hours"):
            await kf.send(line("late", member=ANNE))
        assert not w.stub.to("kf/send_msg")


async def test_the_turn_outlives_the_process() -> None:
    async with world() as w:
        await hear_from(w, wire(w), said(w, "m1"))
        for number in range(5):
            await wire(w).send(line(f"l{number}", member=ANNE))
        with pytest.raises(Refused):
            await wire(w).send(line("l5", member=ANNE))


async def test_a_line_the_platform_did_not_take_does_not_count() -> None:
    async with world(tries=1) as w:
        kf = wire(w)
        await hear_from(w, kf, said(w, "m1"))
        w.stub.on("kf/send_msg", no(45009))
        for number in range(9):
            with pytest.raises(Retryable):
                await kf.send(line(f"l{number}", member=ANNE))
        w.stub.on("kf/send_msg", OK)
        assert (await kf.send(line("l0", member=ANNE))).state == "sent"


async def test_the_platforms_own_count_is_believed() -> None:
    async with world() as w:
        kf = wire(w)
        await hear_from(w, kf, said(w, "m1"))
        w.stub.on("kf/send_msg", no(95001))
        for _ in range(2):
            with pytest.raises(Refused):
                await kf.send(line("x", member=ANNE))
        assert len(w.stub.to("kf/send_msg")) == 1


async def test_a_lost_answer_is_unknown_and_its_repeat_carries_the_same_msgid() -> None:
    async with world() as w:
        kf = wire(w)
        await hear_from(w, kf, said(w, "m1"))
        w.stub.on("kf/send_msg", web.Response(status=502), no(95999), OK)
        receipt = await kf.send(line("x", member=ANNE))
        assert (receipt.state, receipt.platform_id) == ("unknown", msgid_for("k:x"))
        assert (await kf.send(line("x", member=ANNE))).state == "unknown"  # refused, maybe for being a repeat
        assert (await kf.send(line("x", member=ANNE))).state == "sent"
        assert len({call.body["msgid"] for call in w.stub.to("kf/send_msg")}) == 1


async def test_an_answer_that_says_already_sent_counts_as_sent() -> None:
    async with world() as w:
        kf = wire(w, repeated_msgid_codes=[95999])
        w.stub.on("kf/send_msg", no(95999))
        assert (await kf.send(line("x", member=ANNE))).state == "sent"


async def test_texts_over_2048_bytes_and_groups_are_refused() -> None:
    async with world() as w:
        for wrong in (line("好" * 683, member=ANNE), line("x", group="wrG"), line("x")):
            with pytest.raises(Refused):
                await wire(w).send(wrong)
        assert not w.stub.calls


# ---- codes and sessions ------------------------------------------------------------------------------------------


async def test_entering_with_a_code_is_news_and_the_welcome_uses_the_code_once() -> None:
    async with world() as w:
        kf = wire(w)
        entered = event(w, "e1", "enter_session", scene="shop", scene_param="p1", welcome_code="wc")
        await hear_from(w, kf, entered)
        [heard] = w.ears.events
        assert isinstance(heard, ContactAdded)
        assert heard.source == "shop:p1"
        await kf.send(line("欢迎", member=ANNE))
        assert w.stub.to("kf/send_msg_on_event")[0].body["code"] == "wc"
        await hear_from(w, kf, entered)  # pulled again
        await kf.send(line("再说", member=ANNE))
        assert len(w.stub.to("kf/send_msg_on_event")) == 1
        assert len(w.stub.to("kf/send_msg")) == 1


async def test_entering_without_a_code_is_no_news() -> None:
    async with world() as w:
        await hear_from(w, wire(w), event(w, "e1", "enter_session", scene="shop"))
        assert not w.ears.events


async def test_a_code_that_came_too_late_falls_back_to_the_turn() -> None:
    async with world() as w:
        kf = wire(w)
        await hear_from(w, kf, said(w, "m1"), event(w, "e1", "enter_session", welcome_code="wc"))
        w.stub.on("kf/send_msg_on_event", no(41050))
        assert (await kf.send(line("欢迎", member=ANNE))).state == "sent"
        assert len(w.stub.to("kf/send_msg")) == 1


async def test_a_person_takes_over_and_the_bot_is_silent_until_the_session_ends() -> None:
    async with world() as w:
        notices: list[KfNotice] = []

        async def noticed(notice: KfNotice) -> None:
            notices.append(notice)

        kf = wire(w, noticed=noticed)
        await hear_from(w, kf, said(w, "m1"))
        w.stub.on("kf/service_state/get", {**OK, "service_state": 1})
        w.stub.on("kf/service_state/trans", {**OK, "msg_code": "mc"})
        await kf.hand_over(ANNE, text="人工马上来")
        assert w.stub.to("kf/service_state/trans")[0].body["service_state"] == 2
        assert w.stub.to("kf/send_msg_on_event")[0].body["code"] == "mc"
        await hear_from(w, kf, event(w, "e1", "session_status_change", change_type=1, new_servicer_userid="li"))
        await hear_from(w, kf, said(w, "m2"))
        w.stub.on("kf/service_state/get", {**OK, "service_state": 3})
        for _ in range(2):
            with pytest.raises(Refused, match="a person"):
                await kf.send(line("打扰", member=ANNE))
        assert len(w.stub.to("kf/service_state/get")) == 2
        await hear_from(w, kf, event(w, "e2", "session_status_change", change_type=3, msg_code="end"))
        await kf.send(line("我回来了", member=ANNE))
        assert w.stub.to("kf/send_msg_on_event")[1].body["code"] == "end"
        await hear_from(w, kf, said(w, "m3"))
        assert (await kf.send(line("好", member=ANNE))).state == "sent"
        assert [notice.kind for notice in notices] == ["session", "session"]


async def test_a_session_whose_end_was_lost_is_asked_about_when_the_customer_writes() -> None:
    async with world() as w:
        kf = wire(w)
        await hear_from(w, kf, event(w, "e1", "session_status_change", change_type=1), said(w, "m1"))
        w.stub.on("kf/service_state/get", {**OK, "service_state": 1})
        assert (await kf.send(line("在", member=ANNE))).state == "sent"


@pytest.mark.parametrize(
    ("present", "servicer", "trans"),
    [(0, "", 2), (1, "li", 3), (2, "li", 3), (3, "wu", 3), (2, "", None), (4, "", "no")],
)
async def test_only_allowed_moves_are_asked_for(present: int, servicer: str, trans: Any) -> None:
    async with world() as w:
        w.stub.on("kf/service_state/get", {**OK, "service_state": present})
        if trans == "no":
            with pytest.raises(Refused):
                await wire(w).hand_over(ANNE, servicer)
            trans = None
        else:
            await wire(w).hand_over(ANNE, servicer)
        asked = [call.body["service_state"] for call in w.stub.to("kf/service_state/trans")]
        assert asked == ([trans] if trans is not None else [])


async def test_taking_back_ends_the_persons_session() -> None:
    async with world() as w:
        w.stub.on("kf/service_state/get", {**OK, "service_state": 3})
        await wire(w).take_back(ANNE)
        assert w.stub.to("kf/service_state/trans")[0].body["service_state"] == 4


async def test_a_state_that_forbids_sending_is_learnt() -> None:
    async with world() as w:
        kf = wire(w)
        await hear_from(w, kf, said(w, "m1"))
        w.stub.on("kf/send_msg", no(95018))
        w.stub.on("kf/service_state/get", {**OK, "service_state": 3})
        for _ in range(2):
            with pytest.raises(Refused):
                await kf.send(line("x", member=ANNE))
        assert len(w.stub.to("kf/send_msg")) == 1


async def test_a_line_that_failed_after_it_was_accepted_is_noticed_with_its_msgid() -> None:
    async with world() as w:
        notices: list[KfNotice] = []

        async def noticed(notice: KfNotice) -> None:
            notices.append(notice)

        kf = wire(w, noticed=noticed)
        await hear_from(w, kf, event(w, "e1", "msg_send_fail", fail_msgid="abc", fail_type=10))
        assert [(n.kind, n.message, n.detail) for n in notices] == [("send_failed", "abc", "customer rejects")]
        assert not w.ears.events


@pytest.mark.parametrize(
    ("reply", "level", "word"),
    [
        ({**OK, "account_list": [{"open_kfid": KFID, "name": "小元", "manage_privilege": True}]}, "ok", "小元"),
        ({**OK, "account_list": [{"open_kfid": KFID, "manage_privilege": False}]}, "error", "通过 API 管理"),
        ({**OK, "account_list": []}, "error", "可调用接口的应用"),
        (no(40001), "error", "Secret"),
    ],
)
async def test_the_doctor_names_the_next_step(reply: dict[str, Any], level: str, word: str) -> None:
    async with world() as w:
        w.stub.on("kf/account/list", reply)
        finding = (await wire(w).diagnose())[0]
        assert finding.level == level
        assert word in str(finding)


async def test_two_accounts_do_not_disturb_each_other() -> None:
    async with world() as w:
        other = KfWire(
            KfSettings(name="kf2", open_kfid="wk2", sync_at_start=False),
            api=w.api,
            inbox=Inbox("kf2", w.memory),
            ports=w.ports,
        )

        def judge(call: Call) -> Reply:
            return no(95000) if call.body["open_kfid"] == "wk2" else page(said(w, "m1"))

        w.stub.on("kf/sync_msg", judge)
        ears = Ears()
        with pytest.raises(ChannelError):
            await other.sync(ears.hear)
        await wire(w).sync(w.ears.hear)
        assert len(w.ears.events) == 1
        assert not ears.events
