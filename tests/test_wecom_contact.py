"""客户联系: newcomers, welcome codes, groups by reading and comparing, tags, remarks, mass sends."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.channels import Heard
from bot.channels.wecom.contact import ContactWire, Notice, wants
from bot.channels.wecom.inbox import Inbox
from bot.channels.wecom.payload import parse_xml
from bot.channels.wecom.roster import Roster, Seat, compare
from bot.channels.wecom.settings import ContactSettings
from bot.errors import Refused, Retryable
from bot.events import ContactAdded, Event, MemberJoined, MemberLeft
from tests.wecom_world import Call, Ears, Reply, World, line, no, running, world

OK: dict[str, Any] = {"errcode": 0, "errmsg": "ok"}
CHAT = "wrOgQhDgAAMYQ"
ANNE, BOB, CARL = "wmAnne", "wmBob", "wmCarl"


def wire(w: World, *, noticed: Any = None, **more: Any) -> ContactWire:
    settings = ContactSettings(name="contact", **more)
    return ContactWire(settings, api=w.api, inbox=Inbox("contact", w.memory), ports=w.ports, noticed=noticed)


def xml(**fields: str | int) -> str:
    inside = "".join(f"<{key}><![CDATA[{value}]]></{key}>" for key, value in fields.items())
    return f"<xml><ToUserName>ww</ToUserName><FromUserName>sys</FromUserName>{inside}</xml>"


def added(w: World, member: str = ANNE, **more: str | int) -> str:
    fields: dict[str, str | int] = {
        "Event": "change_external_contact",
        "ChangeType": "add_external_contact",
        "UserID": "li",
        "ExternalUserID": member,
        "CreateTime": w.clock.stamp(),
        "State": "poster7",
    }
    return xml(**{**fields, **more})


def changed(w: World, **more: str | int) -> str:
    fields: dict[str, str | int] = {
        "Event": "change_external_chat",
        "ChangeType": "update",
        "ChatId": CHAT,
        "CreateTime": w.clock.stamp(),
    }
    return xml(**{**fields, **more})


def group(members: dict[str, int], version: str = "v1", **more: Any) -> dict[str, Any]:
    rows = [
        {"userid": member, "type": 2, "join_time": joined, "join_scene": 3, "name": f"n-{member}", **more}
        for member, joined in members.items()
    ]
    chat = {"chat_id": CHAT, "name": "群", "owner": "li", "member_list": rows, "member_version": version}
    return {**OK, "group_chat": chat}


def people(event: Event) -> list[str]:
    assert isinstance(event, (MemberJoined, MemberLeft))
    return sorted(person.id for person in event.people)


# ---- newcomers ---------------------------------------------------------------------------------------------------


async def test_a_newcomer_is_heard_once_with_name_and_source() -> None:
    async with world(auto=False) as w:
        w.stub.on("externalcontact/get", {**OK, "external_contact": {"name": "安妮"}})
        contact = wire(w)
        async with running(contact, w.ears):
            for _ in range(3):  # the platform posts again when an answer is late
                await contact.inbox.offer(added(w, WelcomeCode="c1"))
            heard = await w.ears.next()
            await contact.inbox.offer(added(w, BOB))
            other = await w.ears.next()
        assert isinstance(heard, ContactAdded)
        assert (heard.member, heard.name, heard.source, heard.group) == (ANNE, "安妮", "poster7", None)
        assert other.member == BOB
        assert len(w.ears.events) == 2


async def test_a_name_that_cannot_be_read_does_not_hold_up_the_welcome() -> None:
    async with world(auto=False) as w:
        w.stub.on("externalcontact/get", no(84061))
        contact = wire(w)
        async with running(contact, w.ears):
            await contact.inbox.offer(added(w, ChangeType="add_half_external_contact", WelcomeCode="c1"))
            heard = await w.ears.next()
        assert heard.name == ""


async def test_a_half_friend_who_becomes_a_whole_one_is_no_news() -> None:
    async with world(auto=False) as w:
        contact = wire(w, names=False)
        async with running(contact, w.ears):
            await contact.inbox.offer(added(w, ChangeType="add_half_external_contact", WelcomeCode="c1"))
            await w.ears.next()
            w.clock.advance(60)
            await contact.inbox.offer(added(w))
            await contact.inbox.offer(added(w, BOB))
            assert (await w.ears.next()).member == BOB


async def test_who_deleted_us_and_comes_back_is_news_again_and_the_loss_is_noticed() -> None:
    async with world(auto=False) as w:
        notices: list[Notice] = []

        async def noticed(notice: Notice) -> None:
            notices.append(notice)

        contact = wire(w, names=False, noticed=noticed)
        async with running(contact, w.ears):
            await contact.inbox.offer(added(w))
            await w.ears.next()
            await contact.inbox.offer(added(w, ChangeType="del_follow_user"))
            w.clock.advance(60)
            await contact.inbox.offer(added(w))
            assert (await w.ears.next()).member == ANNE
        assert [(notice.kind, notice.member) for notice in notices] == [("left_us", ANNE)]


@pytest.mark.parametrize("member", ["../../etc/passwd", "a/b", "", "x" * 65, "<b>"])
async def test_ids_with_path_characters_are_dropped_and_the_rest_goes_on(member: str) -> None:
    async with world(auto=False) as w:
        contact = wire(w, names=False)
        async with running(contact, w.ears):
            await contact.inbox.offer(added(w, member))
            await contact.inbox.offer("<xml><Event>change_external_contact</Event></xml>")
            await contact.inbox.offer(added(w, BOB))
            assert (await w.ears.next()).member == BOB
        assert not any("passwd" in key for key in w.memory.held)


async def test_the_wire_wants_its_own_events_only() -> None:
    async with world() as w:
        assert wants(parse_xml(added(w).encode()))
        assert not wants(parse_xml(b"<xml><Event>kf_msg_or_event</Event></xml>"))
        assert not wants({"msgtype": "text"})


# ---- welcome codes -----------------------------------------------------------------------------------------------


async def code_for(w: World, contact: ContactWire, code: str = "c1", member: str = ANNE) -> None:
    async with running(contact, w.ears):
        await contact.inbox.offer(added(w, member, WelcomeCode=code))
        await w.ears.next()


async def test_a_welcome_uses_its_code_once_and_then_there_is_no_way_left() -> None:
    async with world(auto=False) as w:
        contact = wire(w, names=False)
        await code_for(w, contact)
        assert (await contact.send(line("欢迎", member=ANNE))).state == "sent"
        assert w.stub.to("externalcontact/send_welcome_msg")[0].body == {
            "welcome_code": "c1",
            "text": {"content": "欢迎"},
        }
        with pytest.raises(Refused, match="20 seconds"):
            await contact.send(line("again", member=ANNE))
        assert len(w.stub.to("externalcontact/send_welcome_msg")) == 1


async def test_many_lines_at_once_spend_one_code_once() -> None:
    async with world(auto=False) as w:
        contact = wire(w, names=False)
        await code_for(w, contact)
        ends = await asyncio.gather(
            *(contact.send(line(f"l{n}", member=ANNE)) for n in range(8)), return_exceptions=True
        )
        assert sum(not isinstance(end, Exception) for end in ends) == 1
        assert len(w.stub.to("externalcontact/send_welcome_msg")) == 1


async def test_a_code_older_than_20_seconds_is_not_tried() -> None:
    async with world(auto=False) as w:
        contact = wire(w, names=False)
        await code_for(w, contact)
        w.clock.advance(20)
        with pytest.raises(Refused):
            await contact.send(line("late", member=ANNE))
        assert not w.stub.to("externalcontact/send_welcome_msg")


async def test_a_code_spent_before_a_crash_stays_spent_when_the_event_comes_again() -> None:
    async with world(auto=False) as w:
        contact = wire(w, names=False)
        await code_for(w, contact)
        await contact.send(line("欢迎", member=ANNE))
        again = wire(w, names=False)
        ears = Ears()
        async with running(again, ears):
            await again.inbox.offer(added(w, WelcomeCode="c1"))
            assert (await ears.next()).id == w.ears.events[0].id
        with pytest.raises(Refused):
            await again.send(line("twice", member=ANNE))


@pytest.mark.parametrize(("code", "again"), [(41096, True), (-1, True), (41050, False), (41051, False)])
async def test_only_a_definite_not_sent_gives_the_code_back(code: int, again: bool) -> None:
    async with world(auto=False, tries=1) as w:
        w.clock.auto = False
        contact = wire(w, names=False)
        await code_for(w, contact)
        w.clock.auto = True
        w.stub.on("externalcontact/send_welcome_msg", *[no(code)] * (2 if code == -1 else 1), OK)
        with pytest.raises(Retryable if again else Refused):
            await contact.send(line("欢迎", member=ANNE))
        if again:
            assert (await contact.send(line("欢迎", member=ANNE))).state == "sent"
        else:
            with pytest.raises(Refused):
                await contact.send(line("欢迎", member=ANNE))


async def test_a_lost_welcome_is_unknown_and_not_said_twice() -> None:
    async with world(auto=False) as w:
        contact = wire(w, names=False)
        await code_for(w, contact)
        w.stub.on("externalcontact/send_welcome_msg", web.Response(status=502))
        assert (await contact.send(line("欢迎", member=ANNE))).state == "unknown"
        with pytest.raises(Refused):
            await contact.send(line("欢迎", member=ANNE))


async def test_a_text_over_4000_bytes_is_refused_before_the_code_is_spent() -> None:
    async with world(auto=False) as w:
        contact = wire(w, names=False)
        await code_for(w, contact)
        with pytest.raises(Refused, match="4000"):
            await contact.send(line("好" * 1334, member=ANNE))
        await contact.send(line("好" * 1333, member=ANNE))


# ---- groups ------------------------------------------------------------------------------------------------------


async def known(w: World, contact: ContactWire, members: dict[str, int], version: str = "v1") -> None:
    w.stub.on("externalcontact/groupchat/list", {**OK, "group_chat_list": [{"chat_id": CHAT, "status": 0}]})
    w.stub.on("externalcontact/groupchat/get", group(members, version))
    await contact.sync_groups(w.ears.hear)


async def test_the_first_reading_of_a_group_is_history() -> None:
    async with world() as w:
        contact = wire(w)
        await known(w, contact, {ANNE: 1, BOB: 2})
        [event] = w.ears.events
        assert isinstance(event, MemberJoined)
        assert event.history
        assert people(event) == [ANNE, BOB]


async def test_what_happened_while_we_were_away_is_told_and_is_no_history() -> None:
    async with world() as w:
        await known(w, wire(w), {ANNE: 1, BOB: 2})
        await known(w, wire(w), {ANNE: 1, CARL: 9}, "v2")
        _, left, joined = w.ears.events
        assert isinstance(joined, MemberJoined)
        assert not joined.history
        assert people(left) == [BOB]
        assert people(joined) == [CARL]
        assert joined.at.timestamp() == 9
        assert joined.source == "qr"


async def test_many_joins_within_two_seconds_are_one_reading_and_one_event() -> None:
    async with world(auto=False) as w:
        contact = wire(w)
        await known(w, contact, {ANNE: 1})
        w.stub.on("externalcontact/groupchat/get", group({ANNE: 1, BOB: 5, CARL: 6}, "v3"))
        async with running(contact, w.ears):
            await w.clock.someone_sleeps(21_600.0)
            before = len(w.stub.to("externalcontact/groupchat/get"))
            w.stub.on("externalcontact/groupchat/get", group({ANNE: 1, BOB: 5, CARL: 6, "wmDora": 7}, "v4"))
            await contact.inbox.offer(changed(w, UpdateDetail="add_member", CurMemVer="v3"))
            await contact.inbox.offer(changed(w, UpdateDetail="add_member", CurMemVer="v4"))
            await w.clock.someone_sleeps(2.0)
            w.clock.advance(2.0)
            while not any(people(event) == ["wmDora"] for event in w.ears.events):
                await w.ears.next()
            assert len(w.stub.to("externalcontact/groupchat/get")) == before + 1
        assert people(w.ears.events[1]) == [BOB, CARL]


async def test_details_that_are_not_written_yet_are_read_again() -> None:
    async with world() as w:
        contact = wire(w)
        await known(w, contact, {ANNE: 1})
        w.stub.on("externalcontact/groupchat/get", group({ANNE: 1}, "v1"), group({ANNE: 1, BOB: 5}, "v2"))
        await contact._rosters.sync(CHAT, w.ears.hear, versions={"v2"})
        assert people(w.ears.events[1]) == [BOB]


async def test_an_event_about_a_version_we_know_costs_no_call() -> None:
    async with world() as w:
        contact = wire(w)
        await known(w, contact, {ANNE: 1})
        before = len(w.stub.calls)
        await contact._rosters.sync(CHAT, w.ears.hear, versions={"v1"})
        assert len(w.stub.calls) == before


async def test_who_left_and_came_back_unseen_is_told_as_both() -> None:
    async with world() as w:
        contact = wire(w)
        await known(w, contact, {ANNE: 1})
        await known(w, contact, {ANNE: 50}, "v9")
        assert [(type(event), people(event)) for event in w.ears.events[1:]] == [
            (MemberLeft, [ANNE]),
            (MemberJoined, [ANNE]),
        ]


async def test_a_group_that_was_dismissed_is_left_by_everybody_once() -> None:
    async with world(auto=False) as w:
        contact = wire(w)
        await known(w, contact, {ANNE: 1, BOB: 2})
        w.stub.on("externalcontact/groupchat/list", OK)
        async with running(contact, w.ears):
            await contact.inbox.offer(changed(w, ChangeType="dismiss"))
            await contact.inbox.offer(changed(w, ChangeType="dismiss"))
            await w.clock.someone_sleeps(2.0)
            w.clock.advance(2.0)
            while len(w.ears.events) < 2:
                await w.ears.next()
        assert people(w.ears.events[1]) == [ANNE, BOB]
        assert len(w.ears.events) == 2


async def test_a_crash_between_hearing_and_remembering_tells_nothing_twice_and_loses_nothing() -> None:
    async with world() as w:
        await known(w, wire(w), {ANNE: 1})

        class Crash(Exception):
            pass

        async def crash(event: Event) -> Heard:
            await w.ears.hear(event)
            raise Crash

        w.stub.on("externalcontact/groupchat/get", group({BOB: 2, CARL: 3}, "v2"))
        with pytest.raises(Crash):
            await wire(w)._rosters.sync(CHAT, crash)
        w.stub.on("externalcontact/groupchat/get", group({BOB: 2, CARL: 3, "wmDora": 4}, "v3"))
        await wire(w)._rosters.sync(CHAT, w.ears.hear)
        told = [(type(event).__name__, people(event)) for event in w.ears.events[1:]]
        assert told == [("MemberLeft", [ANNE]), ("MemberJoined", [BOB, CARL]), ("MemberJoined", ["wmDora"])]


async def test_a_platform_error_while_reading_a_group_is_tried_again_and_the_event_is_not_lost() -> None:
    async with world(auto=False, tries=1) as w:
        contact = wire(w)
        await known(w, contact, {ANNE: 1})
        w.stub.on("externalcontact/groupchat/list", OK)
        w.stub.on("externalcontact/groupchat/get", no(45009), group({ANNE: 1, BOB: 5}, "v2"))
        async with running(contact, w.ears):
            await contact.inbox.offer(changed(w))
            await w.clock.someone_sleeps(2.0)
            assert any("/inbox/" in key for key in w.memory.held)
            w.clock.advance(2.0)
            await w.clock.someone_sleeps(60.0)
            w.clock.advance(60.0)
            while len(w.ears.events) < 2:
                await w.ears.next()
        assert people(w.ears.events[1]) == [BOB]


async def test_a_group_that_cannot_be_read_does_not_hide_the_others() -> None:
    async with world() as w:
        contact = wire(w)
        chats = [{"chat_id": "../x"}, {"chat_id": "wrBad"}, {"chat_id": "wrGone"}, {"chat_id": CHAT}]
        w.stub.on("externalcontact/groupchat/list", {**OK, "group_chat_list": chats})

        def read(call: Call) -> Reply:
            if call.body["chat_id"] == "wrGone":
                return no(60011)
            return group({"../../etc": 1}) if call.body["chat_id"] == "wrBad" else group({ANNE: 1})

        w.stub.on("externalcontact/groupchat/get", read)
        await contact.sync_groups(w.ears.hear)
        assert [event.group for event in w.ears.events] == [CHAT]


SEATS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 3).map(Seat), max_size=6)


@given(SEATS, SEATS)
def test_leaves_and_joins_always_turn_the_old_roster_into_the_new(old: dict[str, Seat], new: dict[str, Seat]) -> None:
    left, came = compare(Roster(seats=dict(old)), Roster(seats=dict(new)))
    turned = {member: seat for member, seat in old.items() if member not in left} | came
    assert turned == new
    assert all(old[member] == seat for member, seat in left.items())


@given(SEATS)
def test_a_roster_survives_its_memory(seats: dict[str, Seat]) -> None:
    roster = Roster("v", "li", seats, [{"kind": "left"}])
    assert Roster.load(roster.dump()) == roster


# ---- tags and remarks --------------------------------------------------------------------------------------------

BOOK = {
    **OK,
    "tag_group": [
        {
            "group_id": "st1",
            "group_name": "元子",
            "tag": [{"id": "et1", "name": "爱抽奖"}, {"id": "et9", "name": "旧", "deleted": True}],
        },
        {"group_id": "st2", "group_name": "别的", "tag": [{"id": "et2", "name": "爱抽奖"}]},
    ],
}


async def test_tags_are_set_by_name_and_missing_ones_are_created_in_our_group() -> None:
    async with world() as w:
        more = {
            **OK,
            "tag_group": [
                {"group_name": "元子", "tag": [{"id": "et1", "name": "爱抽奖"}, {"id": "et3", "name": "潜水"}]}
            ],
        }
        w.stub.on("externalcontact/get_corp_tag_list", BOOK, more)
        await wire(w).tags.mark("li", ANNE, add=["潜水", "爱抽奖"], remove=["没有的"])
        assert w.stub.to("externalcontact/add_corp_tag")[0].body == {"group_name": "元子", "tag": [{"name": "潜水"}]}
        marked = w.stub.to("externalcontact/mark_tag")[0].body
        assert sorted(marked["add_tag"]) == ["et1", "et3"]
        assert "remove_tag" not in marked


async def test_a_tag_that_staff_deleted_is_looked_up_again_once() -> None:
    async with world() as w:
        w.stub.on("externalcontact/get_corp_tag_list", BOOK)
        w.stub.on("externalcontact/mark_tag", no(40068), OK)
        await wire(w).tags.mark("li", ANNE, add=["爱抽奖"])
        assert len(w.stub.to("externalcontact/get_corp_tag_list")) == 2


async def test_tags_and_remarks_of_a_customer_are_read_over_all_pages() -> None:
    async with world() as w:
        tag = {"tag_id": "et1", "group_name": "元子", "tag_name": "爱抽奖", "type": 1}
        rule = {"tag_id": "st", "group_name": "r", "tag_name": "r", "type": 3}
        first = {**OK, "follow_user": [{"userid": "li", "remark": "安", "tags": [tag, rule]}], "next_cursor": "n"}
        w.stub.on("externalcontact/get", first, {**OK, "follow_user": [{"userid": "wu"}]})
        found = await wire(w).tags.of(ANNE)
        assert [one.staff for one in found] == ["li", "wu"]
        assert [one.name for one in found[0].tags] == ["爱抽奖"]
        assert [call.query.get("cursor") for call in w.stub.to("externalcontact/get")] == [None, "n"]


async def test_remarks_are_cut_to_20_and_150_characters() -> None:
    async with world() as w:
        await wire(w).tags.remark("li", ANNE, remark="好" * 30, note="长" * 200)
        body = w.stub.to("externalcontact/remark")[0].body
        assert (len(body["remark"]), len(body["description"])) == (20, 150)
        with pytest.raises(Refused):
            await wire(w).tags.remark("li", ANNE)


async def test_a_tag_event_makes_the_book_be_read_again() -> None:
    async with world(auto=False) as w:
        w.stub.on("externalcontact/get_corp_tag_list", BOOK)
        contact = wire(w, names=False)
        assert len(await contact.tags.all()) == 2
        async with running(contact, w.ears):
            await contact.inbox.offer(xml(Event="change_external_tag", ChangeType="delete", Id="et1", CreateTime=1))
            await contact.inbox.offer(added(w))
            await w.ears.next()
        await contact.tags.all()
        assert len(w.stub.to("externalcontact/get_corp_tag_list")) == 2


# ---- mass sends --------------------------------------------------------------------------------------------------


async def test_a_line_to_a_group_becomes_one_task_for_its_owner_and_one_a_day() -> None:
    async with world() as w:
        w.stub.on("externalcontact/groupchat/get", group({ANNE: 1}))
        w.stub.on("externalcontact/add_msg_template", {**OK, "fail_list": [], "msgid": "msg1"})
        contact = wire(w)
        receipt = await contact.send(line("活动开始", group=CHAT))
        assert receipt.platform_id == "msg1"
        assert w.stub.to("externalcontact/add_msg_template")[0].body == {
            "chat_type": "group",
            "text": {"content": "活动开始"},
            "chat_id_list": [CHAT],
            "sender": "li",
        }
        with pytest.raises(Refused, match="used up"):
            await contact.send(line("再来", group=CHAT))
        await w.clock.sleep(24 * 3600)
        await contact.send(line("明天", group=CHAT))


async def test_a_refused_task_does_not_use_up_the_day() -> None:
    async with world() as w:
        w.stub.on("externalcontact/groupchat/get", group({ANNE: 1}))
        w.stub.on("externalcontact/add_msg_template", no(41048), {**OK, "msgid": "msg2"})
        contact = wire(w)
        with pytest.raises(Refused):
            await contact.send(line("a", group=CHAT))
        assert (await contact.send(line("b", group=CHAT))).platform_id == "msg2"


async def test_results_are_read_over_all_pages_and_staff() -> None:
    async with world() as w:
        w.stub.on(
            "externalcontact/get_groupmsg_task",
            {**OK, "task_list": [{"userid": "li", "status": 2}], "next_cursor": "n"},
            {**OK, "task_list": [{"userid": "wu", "status": 0}], "next_cursor": ""},
        )

        def result(call: Call) -> Reply:
            status = 3 if call.body["userid"] == "wu" else 1
            return {
                **OK,
                "send_list": [{"chat_id": CHAT, "userid": call.body["userid"], "status": status, "send_time": 5}],
            }

        w.stub.on("externalcontact/get_groupmsg_send_result", result)
        outcome = await wire(w).mass.outcome("msg1")
        assert (outcome.confirmed, outcome.waiting) == (("li",), ("wu",))
        assert [delivery.state for delivery in outcome.deliveries] == ["sent", "other_message_won"]


async def test_results_that_are_not_there_yet_are_asked_for_later() -> None:
    async with world() as w:
        w.stub.on("externalcontact/get_groupmsg_task", no(41063))
        with pytest.raises(Retryable):
            await wire(w).mass.outcome("msg1")


async def test_mass_sends_can_be_switched_off_or_opened_for_single_customers() -> None:
    async with world() as w:
        with pytest.raises(Refused):
            await wire(w, mass="off").send(line("x", group=CHAT))
        w.stub.on("externalcontact/add_msg_template", {**OK, "msgid": "msg3"})
        assert (await wire(w, mass="all").send(line("x", member=ANNE))).platform_id == "msg3"


# ---- doctor ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "level", "word"),
    [
        ({**OK, "follow_user": ["li", "wu"]}, "ok", "2 名成员"),
        ({**OK, "follow_user": []}, "warn", "权限配置"),
        (no(48002), "error", "可调用接口的应用"),
        (no(60020), "error", "企业可信IP"),
    ],
)
async def test_the_doctor_names_the_next_step(reply: dict[str, Any], level: str, word: str) -> None:
    async with world() as w:
        w.stub.on("externalcontact/get_follow_user_list", reply)
        finding = (await wire(w).diagnose())[0]
        assert finding.level == level
        assert word in str(finding)
