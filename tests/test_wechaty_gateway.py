"""The wechaty channel on real gateways: the community server, the same without deprecated fields, the vendor's."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from bot.channels.wechaty_wire import LinkCard
from bot.errors import Refused, Retryable
from bot.events import ContactAdded, MemberLeft, Person, Quote
from tests.gateway_peer import BOT, Gateway, until
from tests.wechaty_kit import FLAVORS, Rig

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=FLAVORS)
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    gateway = Gateway(request.param)
    await gateway.start()
    yield gateway
    await gateway.stop()


async def test_a_text_in_a_group_is_heard_with_its_sender_its_name_and_its_time(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        message_id = await rig.say("大家早", timestamp=int(rig.clock.now().timestamp() * 1000) - 30_000)
        await rig.next()
        (event,) = rig.messages()
        assert (event.id, event.channel, event.group, event.member) == (f"wx:{message_id}", "wx", rig.group, rig.alice)
        assert (event.text, event.form, event.name, event.mentions) == ("大家早", "text", "爱丽丝", ())
        assert timedelta(seconds=29) < rig.clock.now() - event.at < timedelta(seconds=45)


async def test_a_direct_text_is_heard_without_a_group_and_answered_to_its_sender(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await gateway.say(rig.alice, "在吗")
        await rig.next()
        assert rig.messages()[0].group is None
        receipt = await rig.channel.send(rig.line("在的", group=None))
        (sent,) = await rig.sent()
        assert (sent["to"], sent["text"], sent["id"]) == (rig.alice, "在的", receipt.platform_id)


@pytest.mark.parametrize("ids", [[BOT], [], ["", BOT]], ids=["by id", "by name only", "with an empty id"])
async def test_a_mention_of_the_bot_is_seen_and_taken_out_of_the_text(gateway: Gateway, ids: list[str]) -> None:
    async with Rig(gateway) as rig:
        await rig.say("@元子\u2005签到", mentions=ids)
        await rig.next()
        assert (rig.messages()[0].text, rig.messages()[0].mentions) == ("签到", (BOT,))


async def test_a_mention_of_another_member_stays_in_the_text(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await rig.say("@鲍勃\u2005你看", mentions=[rig.bob])
        await rig.next()
        assert (rig.messages()[0].text, rig.messages()[0].mentions) == ("@鲍勃\u2005你看", (rig.bob,))


async def test_a_quote_in_the_text_points_at_the_message_it_answers(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        first = await rig.say("今天吃什么")
        await rig.next()
        await rig.say("「爱丽丝：今天吃什么」\n- - - - - - - - - - - - - - -\n火锅")
        await rig.next(2)
        answer = rig.messages()[1]
        assert answer.text == "火锅"
        assert answer.quote == Quote(id=first, member=rig.alice, text="今天吃什么")


async def test_a_quote_by_id_as_the_vendor_sends_it_points_at_the_message_it_answers(gateway: Gateway) -> None:
    if gateway.flavor != "juzi":
        return  # only the vendor's protocol has the field
    async with Rig(gateway) as rig:
        first = await rig.say("今天吃什么")
        await rig.next()
        await rig.say("火锅", quote=first)
        await rig.next(2)
        assert rig.messages()[1].quote == Quote(id=first, member=rig.alice, text="今天吃什么")


async def test_a_picture_is_noted_and_its_bytes_can_be_fetched(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        message_id = await rig.say(type=6, filename="cat.png", bytes=60_000)
        await rig.next()
        (event,) = rig.messages()
        assert (event.form, event.media, event.text) == ("picture", message_id, "")
        assert await rig.channel.fetch_media(event.media) == b"x" * 60_000


async def test_types_that_python_wechaty_never_heard_of_are_noted_and_harm_nothing(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        for kind in (16, 17, 21, 99):
            await rig.say("?", type=kind)
        await rig.say("我还在")
        await rig.next(5)
        assert [event.form for event in rig.messages()] == ["post", "channel", "channel_card", "other", "text"]


async def test_error_events_and_unknown_events_do_not_make_it_deaf(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await gateway.tell("emit", name="error", payload={"gerror": "boom"})
        await gateway.tell("emit", name="heartbeat", payload={"data": "thump"})
        await gateway.tell("emit", name="post", payload={"postId": "?"})
        await rig.say("听得到吗")
        await rig.next()
        assert rig.texts() == ["听得到吗"]
        assert rig.channel.state().counts.errors == 1


async def test_a_mention_goes_out_with_the_id_and_with_the_name_in_the_text(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        receipt = await rig.channel.send(rig.line("恭喜", mentions=(rig.alice, rig.bob)))
        (sent,) = await rig.sent()
        assert receipt.state == "sent"
        assert sent["mentions"] == [rig.alice, rig.bob]
        assert sent["text"] == "@爱丽丝\u2005@鲍勃\u2005恭喜"


async def test_a_name_that_the_text_already_mentions_is_not_put_there_twice(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await rig.channel.send(rig.line("恭喜 @爱丽丝 中奖", mentions=(rig.alice,)))
        assert (await rig.sent())[0]["text"] == "恭喜 @爱丽丝 中奖"


@pytest.mark.parametrize("size", [500, 5_000_000], ids=["inline", "5 MB through the upload stream"])
async def test_a_picture_goes_out_unharmed(gateway: Gateway, tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    picture = tmp_path / "海报.png"
    picture.write_bytes(data)
    async with Rig(gateway) as rig:
        receipt = await rig.channel.send(rig.line("", picture=str(picture)))
        (sent,) = await rig.sent()
        assert (receipt.state, receipt.platform_id) == ("sent", sent["id"])
        assert (sent["name"], sent["mediaType"]) == ("海报.png", "image/png")
        assert (sent["size"], sent["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


async def test_a_picture_that_is_not_there_is_refused_before_anything_is_said(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        with pytest.raises(Refused, match=r"nowhere\.png"):
            await rig.channel.send(rig.line("看图", picture="/nowhere.png"))
        assert await rig.sent() == []


async def test_a_link_goes_out_as_a_card_to_a_group_and_to_a_person(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        card = LinkCard("秋季活动", "https://example.com/a", "点开看看", "https://example.com/a.png")
        for to in (rig.group, rig.alice):
            assert (await rig.channel.send_link(to, card, key="row:1")).state == "sent"
        sent = await rig.sent()
        assert [row["to"] for row in sent] == [rig.group, rig.alice]
        assert all(row["link"]["url"] == card.url and row["link"]["title"] == card.title for row in sent)


async def test_own_messages_are_not_heard(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await gateway.say(BOT, "我自己说的", room=rig.group)
        await rig.say("别人说的")
        await rig.next()
        assert rig.texts() == ["别人说的"]
        assert rig.channel.state().counts.own == 1


async def test_a_message_that_is_delivered_again_is_heard_once(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        message_id = await rig.say("一次")
        await rig.next()
        await gateway.tell("replay", ids=[message_id, message_id])
        await rig.say("两次")
        await rig.next(2)
        assert rig.texts() == ["一次", "两次"]


async def test_messages_from_long_before_the_connection_are_history(gateway: Gateway) -> None:
    async with Rig(gateway, catch_up_seconds=600) as rig:
        now = int(rig.clock.now().timestamp() * 1000)
        await rig.say("昨天", timestamp=now - 86_400_000)
        await rig.say("五分钟前", timestamp=now - 300_000)
        await rig.next()
        assert rig.texts() == ["五分钟前"]
        assert rig.channel.state().counts.history == 1


async def test_five_hundred_people_join_as_one_event_with_every_name(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        ids = [f"{rig.alice}{number:03d}" for number in range(500)]
        await gateway.tell("contact", [{"id": person, "name": f"新人{person[-3:]}"} for person in ids])
        await gateway.tell("join", room=rig.group, ids=[*ids, BOT], inviter=rig.bob)
        await rig.next()
        (event,) = rig.joins()
        assert event.people == tuple(Person(person, f"新人{person[-3:]}") for person in ids)
        assert (event.group, event.inviter, event.history) == (rig.group, rig.bob, False)
        assert (await rig.calls())["contactPayload"] <= len(ids) + 3


async def test_the_same_join_reported_twice_has_the_same_id(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        stamp = int(rig.clock.now().timestamp() * 1000)
        for _ in range(2):
            await gateway.tell("join", room=rig.group, ids=[rig.bob], timestamp=stamp)
        await gateway.tell("join", room=rig.group, ids=[rig.bob], timestamp=stamp + 60_000)
        await rig.next(3)
        first, second, third = (event.id for event in rig.joins())
        assert first == second != third


async def test_people_who_leave_are_named(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await gateway.tell("leave", room=rig.group, ids=[rig.bob], remover=rig.alice)
        (event,) = await rig.next()
        assert isinstance(event, MemberLeft)
        assert event.people == (Person(rig.bob, "鲍勃"),)


async def test_a_new_group_name_is_told(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await gateway.tell("topic", room=rig.group, topic="新群名", changer=rig.alice)
        await until(lambda: rig.renamed)
        assert rig.renamed == [(rig.group, "新群名")]


async def test_a_friend_request_is_accepted_and_greeted_once(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await gateway.tell("friendship", contact=rig.alice, type=2, hello="你好")
        await gateway.tell("friendship", contact=rig.alice, type=1)
        events = await rig.next(2)
        assert all(isinstance(event, ContactAdded) for event in events)
        assert {(event.id, event.member, event.name) for event in events} == {
            (f"wx:added:{rig.alice}", rig.alice, "爱丽丝")
        }
        assert (await gateway.tell("marks"))["acceptedFriends"] == [rig.alice]


async def test_friend_requests_are_accepted_only_by_the_word_that_the_rule_names(gateway: Gateway) -> None:
    async with Rig(gateway, friends="words", friend_words=["口令"]) as rig:
        await gateway.tell("friendship", contact=rig.bob, type=2, hello="加一下")
        await gateway.tell("friendship", contact=rig.alice, type=2, hello="口令 888")
        await rig.next()
        assert (await gateway.tell("marks"))["acceptedFriends"] == [rig.alice]


async def test_in_steady_state_a_message_and_its_answer_cost_two_calls(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await rig.say("暖场")
        await rig.next()
        before = sum((await rig.calls()).values())
        for number in range(10):
            await rig.say(f"{number}")
            await rig.next(number + 2)
            await rig.channel.send(rig.line(f"答 {number}"))
        assert sum((await rig.calls()).values()) - before == 20
        assert sum(rig.channel.state().calls.values()) == before + 20


async def test_a_new_sender_costs_one_call_more_and_a_new_group_one_more(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await rig.say("暖场")
        await rig.next()
        before = await rig.calls()
        await gateway.say(rig.bob, "我是新来的", room=rig.group)
        await rig.next(2)
        await rig.people(f"{rig.group}9", {rig.bob: "鲍勃"})
        await gateway.say(rig.bob, "换个群", room=f"{rig.group}9")
        await rig.next(3)
        after = await rig.calls()
        assert {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)} == {
            "messagePayload": 2,
            "contactPayload": 1,
            "roomPayload": 1,
        }


async def test_order_is_kept_when_the_first_payload_is_slow(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await gateway.tell("fault", method="messagePayload", delayMs=400, times=1)
        for number in range(30):
            await rig.say(f"{number}")
        await rig.next(30)
        assert rig.texts() == [f"{number}" for number in range(30)]


async def test_order_is_kept_when_a_name_is_slow_and_other_groups_do_not_wait_for_it(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await rig.people(f"{rig.group}9", {rig.bob: "鲍勃"})
        await gateway.say(rig.bob, "暖场", room=f"{rig.group}9")
        await rig.next()
        await gateway.tell("fault", method="contactPayload", delayMs=1500, times=1)
        await rig.say("慢")
        await gateway.say(rig.bob, "快", room=rig.group)
        await gateway.say(rig.bob, "别处", room=f"{rig.group}9")
        await rig.next(4)
        assert rig.texts() == ["暖场", "别处", "慢", "快"]


async def test_a_payload_that_fails_once_is_loaded_again(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await gateway.tell("fault", method="messagePayload", code=13, times=2)
        await rig.say("第三次才读到")
        await rig.next()
        assert rig.texts() == ["第三次才读到"]


async def test_a_name_that_cannot_be_fetched_does_not_lose_the_message(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await gateway.tell("fault", method="contactPayload", code=13, times=5)
        await gateway.tell("fault", method="roomPayload", code=13, times=5)
        await rig.say("我是谁")
        await rig.next()
        assert (rig.messages()[0].name, rig.texts()) == ("", ["我是谁"])


async def test_while_the_engine_takes_nothing_the_stream_is_not_read_on(gateway: Gateway) -> None:
    async with Rig(gateway, in_flight=8) as rig:
        rig.open.clear()
        await gateway.tell("flood", count=200, senders=[rig.alice, rig.bob], rooms=[rig.group])
        await until(lambda: rig.channel.state().calls.get("MessagePayload", 0) >= 8)
        await rig.channel.send(rig.line("收发互不妨碍"))
        assert rig.channel.state().counts.messages <= 9
        rig.open.set()
        await rig.next(200)
        assert rig.texts() == [f"n{number}" for number in range(200)]


async def test_a_late_answer_is_unknown_and_its_echo_settles_it_once(gateway: Gateway) -> None:
    async with Rig(gateway, call_seconds=0.3) as rig:
        await gateway.tell("settings", ECHO_SELF="1")
        await gateway.tell("fault", method="messageSendText", delayMs=900, times=1)
        receipt = await rig.channel.send(rig.line("开奖啦", key="row:7"))
        assert receipt.state == "unknown"
        await until(lambda: rig.settled)
        (sent,) = await rig.sent()
        assert rig.settled == [("row:7", sent["id"])]
        await gateway.tell("replay", ids=[sent["id"]])
        await rig.channel.send(rig.line("开奖啦", key="row:8"))
        await until(lambda: rig.channel.state().counts.own >= 2)
        await gateway.tell("settings", ECHO_SELF="0")
        assert rig.settled == [("row:7", sent["id"])]
        assert rig.heard == []


async def test_an_echo_that_is_faster_than_the_missing_answer_makes_it_sent(gateway: Gateway) -> None:
    async with Rig(gateway, call_seconds=0.4) as rig:
        await gateway.tell("settings", ECHO_SELF="1")
        await gateway.tell("fault", method="messageSendText", delayMs=1500, times=1, after=True)
        receipt = await rig.channel.send(rig.line("到了"))
        await gateway.tell("settings", ECHO_SELF="0")
        assert (receipt.state, receipt.platform_id) == ("sent", (await rig.sent())[0]["id"])
        assert rig.settled == []


async def test_an_error_that_does_not_say_whether_it_was_sent_is_unknown(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await gateway.tell("fault", method="messageSendText", code=14, times=1, after=True)
        assert (await rig.channel.send(rig.line("半路"))).state == "unknown"
        assert len(await rig.sent()) == 1


async def test_a_clear_refusal_is_final_and_the_next_line_goes_out(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await gateway.tell("fault", method="messageSendText", code=13, details="you are not a member of this room")
        with pytest.raises(Refused, match="not a member"):
            await rig.channel.send(rig.line("进不去"))
        assert (await rig.channel.send(rig.line("下一句"))).state == "sent"


async def test_when_the_platform_says_too_often_the_account_falls_silent_for_a_while(gateway: Gateway) -> None:
    async with Rig(gateway, limit_pause_minutes=30) as rig:
        await gateway.tell("fault", method="messageSendText", code=13, details="WorkproErrorCode: 20001", times=1)
        for _ in range(2):
            with pytest.raises(Retryable) as told:
                await rig.channel.send(rig.line("太快"))
            assert 1700 < told.value.after <= 1800
        assert (await rig.calls())["messageSendText"] == 1
        assert "冷却" in rig.channel.state().silent
        rig.clock.ahead = 1801
        assert (await rig.channel.send(rig.line("慢慢说"))).state == "sent"


async def test_logged_out_the_account_says_nothing_and_after_the_next_login_it_speaks_and_hears(
    gateway: Gateway,
) -> None:
    async with Rig(gateway) as rig:
        await gateway.tell("logout", reason="在另一台设备登录")
        await until(lambda: not rig.channel.state().logged_in)
        assert "在另一台设备登录" in str(rig.channel.state())
        with pytest.raises(Retryable, match="未登录"):
            await rig.channel.send(rig.line("等等"))
        await gateway.tell("emit", name="scan", payload={"qrcode": "https://qr", "status": 2})
        await until(lambda: rig.channel.state().qrcode == "https://qr")
        await gateway.tell("login")
        await rig.ready()
        assert rig.channel.state().qrcode == ""
        assert (await rig.channel.send(rig.line("回来了"))).state == "sent"
        await rig.say("欢迎")
        await rig.next()


async def test_a_logout_that_no_event_told_is_learnt_from_the_refusal(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await gateway.tell("fault", method="messageSendText", code=13, details="not logged in", times=1)
        with pytest.raises(Retryable):
            await rig.channel.send(rig.line("喂"))
        assert not rig.channel.state().logged_in


async def test_the_stop_switch_silences_at_once_and_listening_goes_on(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        rig.channel.mute()
        with pytest.raises(Retryable, match="开关"):
            await rig.channel.send(rig.line("不说"))
        await rig.say("我在听吗")
        await rig.next()
        rig.channel.unmute()
        assert (await rig.channel.send(rig.line("说"))).state == "sent"


async def test_the_day_budget_ends_at_midnight_of_the_business_zone(gateway: Gateway) -> None:
    async with Rig(gateway, day_budget=2) as rig:
        for text in ("一", "二"):
            await rig.channel.send(rig.line(text))
        with pytest.raises(Retryable, match="2 条") as told:
            await rig.channel.send(rig.line("三"))
        assert 0 < told.value.after <= 86_400
        rig.clock.ahead = told.value.after + 1
        assert (await rig.channel.send(rig.line("三"))).state == "sent"
        assert rig.channel.state().sent_today == 1


async def test_nothing_grows_over_thousands_of_messages_from_a_thousand_people(gateway: Gateway) -> None:
    async with Rig(gateway, contacts_kept=100, rooms_kept=10) as rig:
        people = [f"{rig.alice}{number:04d}" for number in range(1000)]
        rooms = [f"{rig.group}{number:02d}" for number in range(40)]
        await gateway.tell("contact", [{"id": person, "name": person} for person in people])
        await gateway.tell("room", [{"id": room, "topic": room, "memberIdList": people[:3]} for room in rooms])
        await gateway.tell("flood", count=2000, senders=people, rooms=rooms)
        await until(lambda: len(rig.heard) >= 2000)
        puppet = rig.channel._puppet
        assert puppet is not None
        await until(lambda: len(puppet._tasks) <= 2)
        assert len(puppet._contacts) <= 100
        assert len(puppet._rooms) <= 10
        assert len(rig.channel._said) <= 2000
        assert (len(puppet._payloads), len(puppet._lanes), puppet._under_way) == (0, 0, 0)
        assert rig.channel.state().counts.dropped == 0
        per_room: dict[str | None, list[int]] = {}
        for event in rig.messages():
            per_room.setdefault(event.group, []).append(int(event.text[1:]))
        assert all(numbers == sorted(numbers) for numbers in per_room.values())


async def test_two_accounts_in_one_process_hear_each_for_itself(gateway: Gateway) -> None:
    other = Gateway(gateway.flavor, TOKEN="puppet_workpro_other")  # noqa: S106
    await other.start()
    try:
        async with Rig(gateway) as one, Rig(other, token="puppet_workpro_other") as two:  # noqa: S106
            await asyncio.gather(one.say("给一", id="same-id"), two.say("给二", id="same-id"))
            await asyncio.gather(one.next(), two.next())
            assert (one.texts(), two.texts()) == (["给一"], ["给二"])
    finally:
        await other.stop()
