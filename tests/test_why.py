"""为什么, 预报 and 挡下: the answers name the rule and what it looked at, to whoever may know."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.events import MessageReceived, Quote
from bot.stage import CHANNEL
from tests.conftest import BOSS, Room, group_config, keys

OpenRoom = Callable[..., Awaitable[Room]]


def quoting(room: Room, member: str, text: str) -> MessageReceived:
    return MessageReceived(
        id=f"q-{room.count}-{member}", at=room.world.now(), channel=CHANNEL, group="yuanqi", member=member, text="为什么",
        quote=Quote("x", "yuanzi", text),
    )  # fmt: skip


async def test_staff_quote_a_line_and_hear_why_it_was_said(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    (line,) = await room.says("小满", "签到")
    await room.says("阿杰", "签到")
    (answer,) = await room.feed([quoting(room, BOSS, line.text)])
    assert answer.phrase == "why.line"
    assert "checkin.done" in answer.text
    assert "小满说「签到」" in answer.text
    room.count += 1
    assert keys(await room.feed([quoting(room, BOSS, "这句谁也没说过")])) == ["why.nothing"]
    assert await room.feed([quoting(room, "somebody", line.text)]) == []


async def test_a_member_hears_about_themself_only_and_gently(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    await room.says("阿杰", "别打扰", private=True)
    (line,) = await room.says("小满", "为什么 阿杰", private=True)
    assert line.phrase == "why.mine"
    assert "别打扰」，" not in line.text
    assert "contact." not in line.text
    (line,) = await room.boss_says("为什么 阿杰", private=True)
    assert (line.phrase, "本人选了「别打扰」" in line.text) == ("why.member", True)


async def test_a_forecast_agrees_with_what_then_happens(open_room: OpenRoom) -> None:
    room = await open_room(group_config(contact={"promos_week": 2}))
    (line,) = await room.boss_says("预报 7", private=False)
    assert line.phrase == "quota.forecast"
    foretold = line.text.count("会被拒")
    await room.wait(timedelta(days=7))
    held = room.one("SELECT count(*) FROM exposure WHERE verdict = 'held'")
    assert foretold == held == 1


async def test_a_forecast_counts_what_every_group_sends_over_one_account(open_room: OpenRoom) -> None:
    quota = {
        "channel": CHANNEL, "title": "账号", "scope": "account", "window": "day", "n": 3, "from": "2026-12-01",
        "reference": "平台公告",
    }  # fmt: skip
    changes = {"quota": [quota], "groups": {"yuanqi": {}, "second": {"scripts": ["welfare"], "channel": CHANNEL}}}
    room = await open_room(changes)
    for group in ("yuanqi", "second"):
        room.group = group
        await room.says("小满", "早呀")
    await room.wait(timedelta(hours=20))
    (line,) = await room.boss_says("预报 2", private=True)
    rows = [row for row in line.text.splitlines() if "会被拒" in row]
    assert all("账号" in row for row in rows)
    await room.wait(timedelta(days=2))
    refused = room.one("SELECT count(*) FROM exposure WHERE rule = 'quota'")
    assert (len(rows), refused) == (3, 3)


async def test_what_was_held_is_listed_for_its_group_and_no_other(open_room: OpenRoom) -> None:
    room = await open_room(group_config(contact={"promos_week": 0}))
    await room.wait(timedelta(minutes=10))
    assert keys(await room.boss_says("挡下")) == ["quota.held"]
    room.group = "second"
    assert keys(await room.boss_says("挡下")) == ["quota.none_held"]
    assert keys(await room.boss_says("挡下 0")) == ["quota.usage"]
