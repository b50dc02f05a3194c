"""Customers, welcome codes, tags and remarks of the fake (wecom.md 5.1, 5.4, 5.5, 5.7)."""

from typing import Any

import pytest

from tests.fake_wecom.probe import AES_KEY, AGENT, TOKEN, Probe, Receiver, probing

HELLO = {"text": {"content": "欢迎"}}


async def fields_of_next(probe: Probe, receiver: Receiver) -> dict[str, str]:
    await probe.sandbox.settle()
    return receiver.got.pop().fields()


async def test_adding_a_member_pushes_an_event_with_state_and_welcome_code() -> None:
    async with probing() as probe, Receiver() as receiver:
        probe.sandbox.corps.set_callback(AGENT, receiver.url, TOKEN, AES_KEY)
        made = probe.sandbox.customers.add("zhangsan", "小美", state="poster-7")
        fields = await fields_of_next(probe, receiver)
        assert fields["Event"] == "change_external_contact"
        assert fields["ChangeType"] == "add_external_contact"
        assert (fields["UserID"], fields["State"], fields["FromUserName"]) == ("zhangsan", "poster-7", "sys")
        assert fields["ExternalUserID"] == made["external_userid"]
        assert fields["ExternalUserID"].startswith("wm")
        assert fields["WelcomeCode"] == made["welcome_code"]


async def test_no_welcome_code_for_another_corps_user_or_after_a_chat() -> None:
    async with probing() as probe:
        customers = probe.sandbox.customers
        assert customers.add("zhangsan", "企业用户", type=2)["welcome_code"] == ""
        who = customers.add("zhangsan", "小美")["external_userid"]
        customers.chat("zhangsan", who)
        assert customers.add("zhangsan", "小美", external_userid=who)["welcome_code"] == ""


async def test_half_a_friend_is_84061_until_the_friendship_is_whole() -> None:
    async with probing() as probe:
        who = probe.sandbox.customers.add("zhangsan", "小美", half=True)["external_userid"]
        remark = {"userid": "zhangsan", "external_userid": who, "remark": "美"}
        assert await probe.code("externalcontact/remark", remark) == 84061
        probe.sandbox.customers.add("zhangsan", "小美", external_userid=who)
        assert await probe.code("externalcontact/remark", remark) == 0


@pytest.mark.parametrize(("after", "code"), [(0, 0), (20, 0), (20.1, 41050)])
async def test_a_welcome_code_lives_twenty_seconds(after: float, code: int) -> None:
    async with probing() as probe:
        made = probe.sandbox.customers.add("zhangsan", "小美")
        probe.sandbox.clock.advance(after)
        body = {"welcome_code": made["welcome_code"], **HELLO}
        assert await probe.code("externalcontact/send_welcome_msg", body) == code
        assert len(probe.sandbox.welcome.sent) == (code == 0)


async def test_a_welcome_code_works_once_and_a_refused_body_does_not_use_it_up() -> None:
    async with probing() as probe:
        code = probe.sandbox.customers.add("zhangsan", "小美")["welcome_code"]
        send = "externalcontact/send_welcome_msg"
        assert await probe.code(send, {"welcome_code": code}) == 40058
        assert await probe.code(send, {"welcome_code": code, "text": {"content": "好" * 1334}}) == 40058
        assert await probe.code(send, {"welcome_code": code, "text": {"content": "好" * 1333}}) == 0
        assert await probe.code(send, {"welcome_code": code, **HELLO}) == 41051
        assert await probe.code(send, {"welcome_code": "rubbish", **HELLO}) == 41050
        assert await probe.code(send, HELLO) == 41049


async def test_another_app_in_the_middle_of_sending_is_41096_and_a_retry_may_work() -> None:
    async with probing() as probe:
        code = probe.sandbox.customers.add("zhangsan", "小美")["welcome_code"]
        probe.sandbox.welcome.busy(code)
        body = {"welcome_code": code, **HELLO}
        assert [await probe.code("externalcontact/send_welcome_msg", body) for _ in range(2)] == [41096, 0]


async def test_the_first_app_to_use_a_welcome_code_wins() -> None:
    async with probing() as probe:
        probe.sandbox.corps.add_app(300, "rival")
        code = probe.sandbox.customers.add("zhangsan", "小美")["welcome_code"]
        assert await probe.code("externalcontact/send_welcome_msg", {"welcome_code": code, **HELLO}) == 0
        await probe.log_in("rival")
        assert await probe.code("externalcontact/send_welcome_msg", {"welcome_code": code, **HELLO}) == 41051


@pytest.mark.parametrize(
    ("attachments", "code"),
    [
        ([{"msgtype": "image", "image": {"pic_url": "https://p"}}] * 9, 0),
        ([{"msgtype": "image", "image": {"pic_url": "https://p"}}] * 10, 41064),
        ([{"msgtype": "image", "image": {"media_id": "unknown"}}], 40007),
        ([{"msgtype": "voice", "voice": {"media_id": "m"}}], 41065),
        ([{"msgtype": "link", "link": {"title": "好" * 43, "url": "https://x"}}], 40058),
        ([{"msgtype": "link", "link": {"title": "好" * 42, "url": "https://x"}}], 0),
    ],
)
async def test_welcome_attachments_have_their_limits(attachments: list[Any], code: int) -> None:
    async with probing() as probe:
        welcome = probe.sandbox.customers.add("zhangsan", "小美")["welcome_code"]
        body = {"welcome_code": welcome, "attachments": attachments}
        assert await probe.code("externalcontact/send_welcome_msg", body) == code


async def test_deleting_from_either_side_pushes_its_own_event_and_ends_the_relation() -> None:
    async with probing() as probe, Receiver() as receiver:
        probe.sandbox.corps.set_callback(AGENT, receiver.url, TOKEN, AES_KEY)
        customers = probe.sandbox.customers
        one, two = [customers.add("zhangsan", name, quiet=True)["external_userid"] for name in ("a", "b")]
        customers.drop_by_customer("zhangsan", one)
        assert (await fields_of_next(probe, receiver))["ChangeType"] == "del_follow_user"
        customers.drop_by_member("zhangsan", two, transferred=True)
        fields = await fields_of_next(probe, receiver)
        assert (fields["ChangeType"], fields["Source"]) == ("del_external_contact", "DELETE_BY_TRANSFER")
        assert (await probe.get("externalcontact/list", userid="zhangsan"))["errcode"] == 84061
        assert (await probe.get("externalcontact/get", external_userid=one))["errcode"] == 84061


async def test_customers_are_read_one_by_one_and_in_pages() -> None:
    async with probing() as probe:
        ids = [probe.sandbox.customers.add("zhangsan", f"客户{at}", quiet=True)["external_userid"] for at in range(120)]
        assert (await probe.get("externalcontact/get_follow_user_list"))["follow_user"] == ["zhangsan", "lisi"]
        assert (await probe.get("externalcontact/list", userid="zhangsan"))["external_userid"] == ids
        one = await probe.get("externalcontact/get", external_userid=ids[0])
        assert one["external_contact"]["name"] == "客户0"
        assert one["follow_user"][0]["userid"] == "zhangsan"
        assert "next_cursor" not in one
        found, cursor, pages = [], "", 0
        while pages == 0 or cursor:
            body = {"userid_list": ["zhangsan"], "cursor": cursor, "limit": 100}
            answer = await probe.post("externalcontact/batch/get_by_user", body)
            found += [row["external_contact"]["external_userid"] for row in answer["external_contact_list"]]
            cursor, pages = answer["next_cursor"], pages + 1
        assert (found, pages) == (ids, 2)
        body = {"userid_list": ["zhangsan"], "limit": 101}
        assert await probe.code("externalcontact/batch/get_by_user", body) == 40058


async def test_remarks_count_characters_and_clear_mobiles_by_one_empty_text() -> None:
    async with probing() as probe:
        who = probe.sandbox.customers.add("zhangsan", "小美", quiet=True)["external_userid"]
        head = {"userid": "zhangsan", "external_userid": who}
        assert await probe.code("externalcontact/remark", {**head, "remark": "好" * 20}) == 0
        assert await probe.code("externalcontact/remark", {**head, "remark": "好" * 21}) == 40058
        assert await probe.code("externalcontact/remark", head) == 40058
        assert await probe.code("externalcontact/remark", {**head, "remark_mobiles": ["13800000000"]}) == 0
        assert await probe.code("externalcontact/remark", {**head, "remark_mobiles": [""]}) == 0
        follow = (await probe.get("externalcontact/get", external_userid=who))["follow_user"][0]
        assert (follow["remark"], follow["remark_mobiles"]) == ("好" * 20, [])


async def test_changes_by_the_api_make_no_callbacks_and_changes_by_hand_do() -> None:
    async with probing() as probe, Receiver() as receiver:
        probe.sandbox.corps.set_callback(AGENT, receiver.url, TOKEN, AES_KEY)
        who = probe.sandbox.customers.add("zhangsan", "小美", quiet=True)["external_userid"]
        head = {"userid": "zhangsan", "external_userid": who}
        await probe.post("externalcontact/remark", {**head, "remark": "x"})
        tags = await probe.post("externalcontact/add_corp_tag", {"group_name": "g", "tag": [{"name": "t"}]})
        tag = tags["tag_group"]["tag"][0]["id"]
        await probe.post("externalcontact/mark_tag", {**head, "add_tag": [tag]})
        assert probe.sandbox.pusher.deliveries == []
        probe.sandbox.tags.mark("zhangsan", who, [tag])
        assert (await fields_of_next(probe, receiver))["ChangeType"] == "edit_external_contact"
        probe.sandbox.tags.make("手工", ["甲"])
        fields = await fields_of_next(probe, receiver)
        assert fields["Event"] == "change_external_tag"


async def test_tags_are_made_listed_marked_renamed_and_deleted() -> None:
    async with probing() as probe:
        who = probe.sandbox.customers.add("zhangsan", "小美", quiet=True)["external_userid"]
        body = {"group_name": "兴趣", "tag": [{"name": "跑步"}, {"name": "读书"}, {"name": "跑步"}]}
        group = (await probe.post("externalcontact/add_corp_tag", body))["tag_group"]
        run, read = group["tag"]
        assert group["group_id"].startswith("et")
        more = {"group_name": "兴趣", "tag": [{"name": "游泳"}]}
        assert (await probe.post("externalcontact/add_corp_tag", more))["tag_group"]["group_id"] == group["group_id"]
        listed = (await probe.post("externalcontact/get_corp_tag_list"))["tag_group"]
        assert [tag["name"] for tag in listed[0]["tag"]] == ["跑步", "读书", "游泳"]
        head = {"userid": "zhangsan", "external_userid": who}
        assert await probe.code("externalcontact/mark_tag", {**head, "add_tag": [run["id"], read["id"]]}) == 0
        assert await probe.code("externalcontact/mark_tag", {**head, "remove_tag": [read["id"]]}) == 0
        assert await probe.code("externalcontact/mark_tag", {**head, "add_tag": ["etnone"]}) == 40068
        tags = (await probe.get("externalcontact/get", external_userid=who))["follow_user"][0]["tags"]
        assert [(tag["tag_name"], tag["group_name"], tag["type"]) for tag in tags] == [("跑步", "兴趣", 1)]
        assert await probe.code("externalcontact/edit_corp_tag", {"id": run["id"], "name": "读书"}) == 40071
        assert await probe.code("externalcontact/edit_corp_tag", {"id": run["id"], "name": "长跑"}) == 0
        ids = [tag["id"] for tag in (await probe.post("externalcontact/get_corp_tag_list"))["tag_group"][0]["tag"]]
        assert await probe.code("externalcontact/del_corp_tag", {"tag_id": ids}) == 0
        assert (await probe.post("externalcontact/get_corp_tag_list"))["tag_group"] == []
        assert (await probe.get("externalcontact/get", external_userid=who))["follow_user"][0]["tags"] == []


async def test_an_app_edits_only_its_own_tags() -> None:
    async with probing() as probe:
        made = probe.sandbox.tags.make("手工", ["甲"])
        tag = made["tag"][0]["id"]
        assert await probe.code("externalcontact/edit_corp_tag", {"id": tag, "name": "乙"}) == 81011
        assert await probe.code("externalcontact/del_corp_tag", {"tag_id": [tag]}) == 81011
        assert await probe.code("externalcontact/add_corp_tag", {"group_name": "手工", "tag": [{"name": "x"}]}) == 81011


async def test_the_corp_has_room_for_a_limited_number_of_tags() -> None:
    async with probing(most_tags=2) as probe:
        body = {"group_name": "g", "tag": [{"name": "1"}, {"name": "2"}]}
        assert await probe.code("externalcontact/add_corp_tag", body) == 0
        assert await probe.code("externalcontact/add_corp_tag", {"group_name": "h", "tag": [{"name": "3"}]}) == 40058
