"""The engine comes to the same whatever the batches and restarts, and everything happens at its own moment."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.context import Context
from bot.events import Event, MemberJoined, MemberLeft, MessageReceived, Person
from bot.replies import Silence, Wishes, say
from bot.router import Router
from bot.stage import CHANNEL, START
from tests.conftest import BOSS, OpenRoom, Room, a_config, at, group_config, keys
from tests.test_engine import SNAPSHOT

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


TEXTS = [
    "签到",
    "打卡",
    "签到榜",
    "我的签到",
    "补签",
    "怎么退款",
    "小元子",
    "哈哈",
    "@小元子 在不在",
    "帮助",
    "设置",
    "",
]
MEMBERS = ["u1", "u2", BOSS]
spoken = st.tuples(st.just("says"), st.sampled_from(TEXTS), st.sampled_from(MEMBERS), st.integers(0, 40_000))
moved = st.tuples(st.sampled_from(["joins", "leaves"]), st.just(""), st.sampled_from("abcdef"), st.integers(0, 4_000))
happenings = st.lists(st.tuples(spoken | moved, st.integers(0, 3)), max_size=14)


def as_events(script: Sequence[tuple[tuple[str, str, str, int], int]]) -> list[Event]:
    """Events in the order of arrival; some happened a little before the one that arrived earlier."""
    events: list[Event] = []
    moment = START
    for number, ((what, text, who, seconds), back) in enumerate(script):
        moment += timedelta(seconds=seconds)
        common: dict[str, Any] = {
            "id": f"e{number}",
            "at": moment - back * MINUTE,
            "channel": CHANNEL,
            "group": "yuanqi",
        }
        if what == "says":
            events.append(MessageReceived(member=who, name=f"名{who}", text=text, **common))
        elif what == "joins":
            events.append(MemberJoined(people=(Person(who, f"名{who}"),), **common))
        else:
            events.append(MemberLeft(people=(Person(who),), **common))
    return events


async def play(events: list[Event], sizes: Sequence[int], *, restarts: bool = False) -> list[tuple[Any, ...]]:
    """What is said to these events in batches of these sizes, and what is stored in the end."""
    with TemporaryDirectory() as folder:
        room = Room(a_config, Path(folder) / "x.db")
        await room.open()
        rest = list(events)
        for size in [*sizes, len(events)]:
            batch, rest = rest[:size], rest[size:]
            if batch:
                await room.feed(batch)
            if restarts:
                await room.restart()
        room.world.arrive(START + timedelta(days=14))
        await room.feed([])
        found: list[tuple[Any, ...]] = [
            (line.key, line.phrase, line.group, line.member, line.text, line.mentions, line.because)
            for line in room.said
        ]
        found += room.rows(SNAPSHOT)
        await room.close()
    return found


@given(happenings, st.lists(st.integers(1, 5), max_size=10))
@settings(max_examples=15, deadline=None)
def test_the_size_of_a_batch_changes_nothing(
    script: list[tuple[tuple[str, str, str, int], int]], sizes: list[int]
) -> None:
    events = as_events(script)
    one_by_one = asyncio.run(play(events, [1] * len(events)))
    assert asyncio.run(play(events, [])) == one_by_one
    assert asyncio.run(play(events, sizes)) == one_by_one


@given(happenings)
@settings(max_examples=8, deadline=None)
def test_restarts_change_nothing(script: list[tuple[tuple[str, str, str, int], int]]) -> None:
    events = as_events(script)
    assert asyncio.run(play(events, [1] * len(events), restarts=True)) == asyncio.run(play(events, [1] * len(events)))


async def test_what_falls_due_between_two_events_comes_between_their_answers(stage: Room) -> None:
    events = [
        stage.a_message("1", "签到", at=at("12-02 11:59")),
        stage.a_message("2", "签到", at=at("12-02 12:01")),
        stage.a_message("3", "签到", at=at("12-03 09:00")),
    ]
    said = await stage.feed(list(events))
    assert keys(said) == ["checkin.done", "post.wednesday", "checkin.again", "post.morning_call", "checkin.done"]


async def test_a_rule_sees_the_moment_at_which_a_tick_was_due(open_room: OpenRoom) -> None:
    moments: list[tuple[str, str]] = []
    router = Router("clock")

    @router.command("叫我", help="一小时后叫我")
    def wake(event: MessageReceived, ctx: Context) -> Wishes:
        for hours in (3, 1, 2):
            ctx.wake("clock", str(hours), ctx.now + hours * HOUR, {"group": ctx.group})
        ctx.wake("clock", "3", ctx.now + 4 * HOUR, {"group": ctx.group})  # replaces the wish of the same name
        return Silence("等着")

    @router.tick("clock")
    def ring(event: Any, ctx: Context) -> Wishes:
        moments.append((event.key, f"{ctx.local(ctx.now):%H:%M} {ctx.local(event.at):%H:%M}"))
        return say("fallback.hello", name=event.key)

    room = await open_room(group_config(scripts=[]), more=[router])
    await room.says("小明", "叫我")
    assert "等着" in room.why()
    room.world.arrive(room.world.now() + 10 * HOUR)
    said = await room.feed([])
    assert moments == [("1", "12:58 12:58"), ("2", "13:58 13:58"), ("3", "15:58 15:58")]
    assert [line.group for line in said] == ["yuanqi"] * 3


async def test_what_fell_due_in_an_outage_is_seen_late(open_room: OpenRoom) -> None:
    late: list[timedelta] = []
    router = Router("clock")

    @router.command("叫我", help="一小时后叫我")
    def wake(event: MessageReceived, ctx: Context) -> Wishes:
        ctx.wake("clock", "x", ctx.now + HOUR, {"group": ctx.group})
        return None

    @router.tick("clock")
    def ring(event: Any, ctx: Context) -> Wishes:
        late.append(ctx.now - event.at)
        return None

    room = await open_room(more=[router])
    await room.says("小明", "叫我")
    await room.power_cut(3 * HOUR)
    assert late == [2 * HOUR]
    await room.power_cut(3 * HOUR)
    assert late == [2 * HOUR]
