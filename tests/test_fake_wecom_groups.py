"""Customer groups and mass sends of the fake (wecom.md 5.2, 5.6, 5.8, 10 items 7 and 9)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.fake_wecom.envelopes import xml_text
from tests.fake_wecom.errors import Json
from tests.fake_wecom.probe import AES_KEY, AGENT, TOKEN, Probe, Receiver, probing

GET, LIST = "externalcontact/groupchat/get", "externalcontact/groupchat/list"


@asynccontextmanager
async def grouped(**options: Any) -> AsyncIterator[tuple[Probe, Receiver, str]]:
    async with probing(**options) as probe, Receiver() as receiver:
        chat = probe.sandbox.groups.create("zhangsan", "元子群", ["wmA"])
        probe.sandbox.corps.set_callback(AGENT, receiver.url, TOKEN, AES_KEY)
        yield probe, receiver, chat


async def roster(probe: Probe, chat: str) -> list[str]:
    answer = await probe.post(GET, {"chat_id": chat, "need_name": 1})
    return [member["userid"] for member in answer["group_chat"]["member_list"]]


async def test_the_join_event_is_there_at_once_and_the_details_two_seconds_later() -> None:
    async with grouped() as (probe, receiver, chat):
        probe.sandbox.groups.join(chat, ["wmB"], names=["小b"], scene=3)
        await probe.sandbox.settle()
        event = receiver.got[0].fields()
        assert (event["Event"], event["ChangeType"], event["ChatId"]) == ("change_external_chat", "update", chat)
        assert (event["UpdateDetail"], event["JoinScene"], event["MemChangeCnt"]) == ("add_member", "3", "1")
        assert await roster(probe, chat) == ["zhangsan", "wmA"]
        probe.sandbox.clock.advance(2)
        assert await roster(probe, chat) == ["zhangsan", "wmA", "wmB"]
        shown = (await probe.post(GET, {"chat_id": chat, "need_name": 1}))["group_chat"]
        assert shown["member_version"] == event["CurMemVer"] != event["LastMemVer"]
        assert shown["member_list"][-1]["join_scene"] == 3
        assert shown["member_list"][-1]["name"] == "小b"


async def test_the_events_join_scene_numbers_differ_from_groupchat_gets() -> None:
    async with grouped() as (probe, receiver, chat):
        for at, (scene, told) in enumerate([(1, "0"), (2, "0"), (3, "3")]):
            probe.sandbox.groups.join(chat, [f"wm{at}"], scene=scene)
            await probe.sandbox.settle()
            assert receiver.got[-1].fields()["JoinScene"] == told
        probe.sandbox.clock.advance(2)
        members = (await probe.post(GET, {"chat_id": chat}))["group_chat"]["member_list"]
        assert [member["join_scene"] for member in members[2:]] == [1, 2, 3]
        assert "name" not in members[0]


async def test_leaving_says_whether_somebody_was_removed() -> None:
    async with grouped() as (probe, receiver, chat):
        probe.sandbox.groups.join(chat, ["wmB"])
        probe.sandbox.groups.leave(chat, ["wmA"])
        probe.sandbox.groups.leave(chat, ["wmB"], removed=True)
        await probe.sandbox.settle()
        assert {push.fields().get("QuitScene") for push in receiver.got} == {None, "0", "1"}
        probe.sandbox.clock.advance(2)
        assert await roster(probe, chat) == ["zhangsan"]


async def test_joins_within_the_merge_window_become_one_event() -> None:
    async with grouped(group_merge_seconds=3.0) as (probe, receiver, chat):
        for who in ("wmB", "wmC", "wmD"):
            probe.sandbox.groups.join(chat, [who])
        await probe.sandbox.clock.until_waiting(1)
        probe.sandbox.clock.advance(3)
        (push,) = await receiver.count(1)
        assert push.fields()["MemChangeCnt"] == "3"
        assert push.plain().count("<Item>") == 3


async def test_the_member_list_of_an_event_may_be_flat_or_absent() -> None:
    async with grouped(member_list_form="flat") as (probe, receiver, chat):
        probe.sandbox.groups.join(chat, ["wmB", "wmC"])
        await probe.sandbox.settle()
        assert receiver.got[0].fields()["MemChangeList"] == "wmB,wmC"
        probe.sandbox.set_options(member_list_form="absent")
        probe.sandbox.groups.join(chat, ["wmD"])
        await probe.sandbox.settle()
        assert "MemChangeList" not in receiver.got[1].fields()


async def test_name_owner_notice_and_dismissal_have_their_events() -> None:
    async with grouped() as (probe, receiver, chat):
        for name, notice, owner in (("新名", "", ""), ("", "公告", ""), ("", "", "lisi")):
            probe.sandbox.groups.change(chat, name=name, notice=notice, owner=owner)
            await probe.sandbox.settle()
        details = [push.fields()["UpdateDetail"] for push in receiver.got]
        assert details == ["change_name", "change_notice", "change_owner"]
        probe.sandbox.groups.dismiss(chat)
        await probe.sandbox.settle()
        assert receiver.got[-1].fields()["ChangeType"] == "dismiss"
        assert await probe.code(GET, {"chat_id": chat}) == 86003


async def test_groups_of_an_owner_without_contact_permission_make_no_events() -> None:
    async with grouped() as (probe, _, __):
        probe.sandbox.corps.add_member("wangwu", contact=False)
        probe.sandbox.groups.create("wangwu", "私群")
        assert probe.sandbox.pusher.deliveries == []


async def test_an_internal_chat_is_90501_and_an_unknown_one_86003() -> None:
    async with grouped() as (probe, _, __):
        probe.sandbox.groups.add_internal("inner")
        assert await probe.code(GET, {"chat_id": "inner"}) == 90501
        assert await probe.code(GET, {"chat_id": "wrnone"}) == 86003


async def test_groups_are_listed_in_pages_by_owner_and_status() -> None:
    async with grouped() as (probe, _, first):
        chats = [first] + [probe.sandbox.groups.create("lisi", f"群{at}") for at in range(4)]
        assert await probe.code(LIST, {}) == 40058
        assert await probe.code(LIST, {"limit": 1001}) == 40058
        found: list[str] = []
        cursor = ""
        while not found or cursor:
            answer = await probe.post(LIST, {"limit": 2, "cursor": cursor})
            found += [row["chat_id"] for row in answer["group_chat_list"]]
            cursor = answer["next_cursor"]
        assert found == chats
        mine = await probe.post(LIST, {"limit": 9, "owner_filter": {"userid_list": ["zhangsan"]}})
        assert [row["chat_id"] for row in mine["group_chat_list"]] == [first]
        probe.sandbox.groups.change(first, status=1)
        gone = await probe.post(LIST, {"limit": 9, "status_filter": 1})
        assert [row["chat_id"] for row in gone["group_chat_list"]] == [first]


async def make_mass(probe: Probe, **body: Any) -> Json:
    return await probe.post("externalcontact/add_msg_template", {"text": {"content": "周末见"}, **body})


async def results(probe: Probe, msgid: str, userid: str) -> dict[str, int]:
    rows = await probe.post("externalcontact/get_groupmsg_send_result", {"msgid": msgid, "userid": userid})
    return {row.get("external_userid") or row["chat_id"]: row["status"] for row in rows["send_list"]}


async def test_a_mass_send_waits_for_a_persons_tap() -> None:
    async with probing() as probe:
        one, two = [probe.sandbox.customers.add("zhangsan", n, quiet=True)["external_userid"] for n in ("a", "b")]
        made = await make_mass(probe, external_userid=[one, two, "wmUnknown"])
        assert made["fail_list"] == ["wmUnknown"]
        task = {"msgid": made["msgid"]}
        assert await probe.code("externalcontact/get_groupmsg_task", task) == 41063
        probe.sandbox.clock.advance(2)
        assert (await probe.post("externalcontact/get_groupmsg_task", task))["task_list"] == [
            {"userid": "zhangsan", "status": 0}
        ]
        assert await results(probe, made["msgid"], "zhangsan") == {one: 0, two: 0}
        probe.sandbox.customers.drop_by_customer("zhangsan", two)
        probe.sandbox.mass.tap(made["msgid"], "zhangsan")
        assert await results(probe, made["msgid"], "zhangsan") == {one: 1, two: 2}
        assert (await probe.post("externalcontact/get_groupmsg_task", task))["task_list"][0]["status"] == 2


async def test_a_customer_gets_one_mass_message_a_day_and_the_next_has_status_3() -> None:
    async with probing() as probe:
        who = probe.sandbox.customers.add("zhangsan", "a", quiet=True)["external_userid"]
        statuses = []
        for wait in (0, 3600, 86400):
            probe.sandbox.clock.advance(wait)
            await probe.log_in()
            msgid = (await make_mass(probe, external_userid=[who]))["msgid"]
            statuses.append(probe.sandbox.mass.tap(msgid, "zhangsan")["targets"][who])
        assert statuses == [1, 3, 1]


async def test_the_older_quota_of_four_a_month_can_be_chosen() -> None:
    async with probing(mass_per_day=99, mass_per_month=4) as probe:
        who = probe.sandbox.customers.add("zhangsan", "a", quiet=True)["external_userid"]
        statuses = []
        for _ in range(5):
            msgid = (await make_mass(probe, external_userid=[who]))["msgid"]
            statuses.append(probe.sandbox.mass.tap(msgid, "zhangsan")["targets"][who])
        assert statuses == [1, 1, 1, 1, 3]


async def test_a_group_send_needs_its_owner_and_shows_only_sent_rows() -> None:
    async with grouped() as (probe, _, chat):
        other = probe.sandbox.groups.create("lisi", "别人的群")
        assert (await make_mass(probe, chat_type="group", chat_id_list=[chat]))["errcode"] == 40058
        made = await make_mass(probe, chat_type="group", sender="zhangsan", chat_id_list=[chat, other])
        assert made["fail_list"] == [other]
        probe.sandbox.clock.advance(2)
        assert await results(probe, made["msgid"], "zhangsan") == {}
        probe.sandbox.mass.tap(made["msgid"], "zhangsan")
        assert await results(probe, made["msgid"], "zhangsan") == {chat: 1}


async def test_the_member_who_chatted_last_is_asked() -> None:
    async with probing() as probe:
        customers = probe.sandbox.customers
        who = customers.add("zhangsan", "a", quiet=True)["external_userid"]
        customers.add("lisi", "a", external_userid=who, quiet=True)
        probe.sandbox.clock.advance(5)
        customers.chat("lisi", who)
        msgid = (await make_mass(probe, external_userid=[who]))["msgid"]
        assert list(probe.sandbox.mass.sent[msgid].tasks) == ["lisi"]


async def test_tag_filters_mean_or_within_a_group_and_and_across_groups() -> None:
    async with probing() as probe:
        made = probe.sandbox.tags.make("g", ["1", "2"])
        other = probe.sandbox.tags.make("h", ["3"])
        t1, t2, t3 = [tag["id"] for tag in made["tag"] + other["tag"]]
        ids = []
        for name, tags in (("a", [t1, t3]), ("b", [t2]), ("c", [t3])):
            ids.append(probe.sandbox.customers.add("zhangsan", name, quiet=True)["external_userid"])
            probe.sandbox.tags.mark("zhangsan", ids[-1], tags)
        tag_filter = {"group_list": [{"tag_list": [t1, t2]}, {"tag_list": [t3]}]}
        msgid = (await make_mass(probe, tag_filter=tag_filter))["msgid"]
        assert list(probe.sandbox.mass.sent[msgid].tasks["zhangsan"].targets) == [ids[0]]


async def test_reminders_cancelling_and_wrong_ids_have_their_codes() -> None:
    async with probing() as probe:
        who = probe.sandbox.customers.add("zhangsan", "a", quiet=True)["external_userid"]
        about = {"msgid": (await make_mass(probe, external_userid=[who]))["msgid"]}
        remind = [await probe.code("externalcontact/remind_groupmsg_send", about) for _ in range(4)]
        assert remind == [0, 0, 0, 41094]
        cancel = [await probe.code("externalcontact/cancel_groupmsg_send", about) for _ in range(2)]
        assert cancel == [0, 41093]
        assert probe.sandbox.mass.tap(about["msgid"], "zhangsan") == {"sent": False, "why": "cancelled"}
        assert await probe.code("externalcontact/get_groupmsg_task", {"msgid": "msgnone"}) == 41047
        assert (await make_mass(probe, external_userid=["wmUnknown"]))["errcode"] == 41048
        assert (await make_mass(probe, chat_type="room"))["errcode"] == 86214


async def test_mass_sends_are_listed_within_a_month() -> None:
    async with probing() as probe:
        who = probe.sandbox.customers.add("zhangsan", "a", quiet=True)["external_userid"]
        msgid = (await make_mass(probe, external_userid=[who]))["msgid"]
        now = int(probe.sandbox.clock())
        span = {"chat_type": "single", "start_time": now - 10, "end_time": now + 10}
        rows = (await probe.post("externalcontact/get_groupmsg_list_v2", span))["group_msg_list"]
        assert [row["msgid"] for row in rows] == [msgid]
        span["end_time"] = now + 40 * 86400
        assert await probe.code("externalcontact/get_groupmsg_list_v2", span) == 40058


async def test_a_group_event_names_who_changed() -> None:
    async with grouped() as (probe, receiver, chat):
        probe.sandbox.groups.join(chat, ["wmB"])
        await probe.sandbox.settle()
        assert xml_text(receiver.got[0].plain(), "Item") == "wmB"
