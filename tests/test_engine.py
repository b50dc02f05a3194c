"""The laws of the engine: once, all or nothing, said only when stored."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.context import Context
from bot.errors import Mistake, StorageFailure
from bot.events import ContactAdded, Event, MemberJoined, MemberLeft, MessageReceived, Person
from bot.replies import Say, Wishes, say
from bot.router import Router
from bot.stage import CHANNEL
from storage.ledger import account
from tests.conftest import BOSS, OpenRoom, Room, group_config, keys

HOUR = timedelta(hours=1)
SNAPSHOT = (
    "SELECT 'points', account || asset || sum(amount) FROM entry GROUP BY account, asset"
    " UNION ALL SELECT 'day', member_id || day || streak FROM check_in"
    " UNION ALL SELECT 'line', key || state FROM outbox"
    " UNION ALL SELECT 'event', id FROM interaction WHERE kind <> 'tick' ORDER BY 1, 2"
)


# -- once ----------------------------------------------------------------------------------------------------------


async def test_a_repeated_id_changes_nothing_and_says_nothing(quiet_stage: Room) -> None:
    room = quiet_stage
    assert len(await room.says("小明", "签到")) == 1
    before = room.rows(SNAPSHOT)
    for _ in range(3):
        assert await room.again() == []
    await room.restart()
    assert await room.again() == []
    assert room.rows(SNAPSHOT) == before


async def test_a_repeated_id_inside_one_batch_is_one_event(quiet_stage: Room) -> None:
    event = quiet_stage.a_message("m1", "签到")
    batch = await quiet_stage.app.feed([event, event, event])
    assert [(heard.event_id, heard.duplicate) for heard in batch.heard] == [("m1", False), ("m1", True), ("m1", True)]
    assert keys(batch.lines) == ["checkin.done"]


async def test_a_repeated_id_with_other_content_is_still_a_repetition(quiet_stage: Room) -> None:
    room = quiet_stage
    await room.feed([room.a_message("m1", "你们好")])
    assert await room.feed([room.a_message("m1", "签到", member="u2")]) == []
    assert room.one("SELECT text FROM interaction WHERE id = 'm1'") == "你们好"


def one_of_each(room: Room) -> list[Event]:
    now = room.world.now()
    common: dict[str, Any] = {"at": now, "channel": CHANNEL, "group": room.group}
    return [
        room.a_message("a", "签到"),
        MemberJoined(id="b", people=(Person("x", "甲"),), **common),
        MemberLeft(id="c", people=(Person("x", "甲"),), **common),
        ContactAdded(id="d", at=now, channel=CHANNEL, member="x", name="甲"),
    ]


async def test_every_kind_of_event_counts_once(quiet_stage: Room) -> None:
    room = quiet_stage
    said = await room.feed(one_of_each(room))
    assert keys(said) == ["checkin.done", "welcome.group", "welcome.contact"]
    before = room.rows(SNAPSHOT)
    assert await room.feed(one_of_each(room)) == []
    assert room.rows(SNAPSHOT) == before


async def test_every_event_is_recorded_with_who_answered_it(quiet_stage: Room) -> None:
    room = quiet_stage
    await room.feed(one_of_each(room))
    assert room.rows("SELECT id, kind, route FROM interaction ORDER BY seq") == [
        ("a", "message", "checkin.check_in"), ("b", "joined", "invites.joined"), ("c", "left", "invites.left"),
        ("d", "contact_added", "welcome.contact_added"),
    ]  # fmt: skip


# -- all or nothing ------------------------------------------------------------------------------------------------


def breaking(error: Callable[[], BaseException], word: str = "坏") -> Router:
    """A feature that writes, speaks and then breaks."""
    router = Router(f"breaking-{word}")

    @router.command(word, help="坏掉")
    def broken(event: MessageReceived, ctx: Context) -> Iterator[Say]:
        ctx.store.ledger.move("k", "house:x", account(ctx.member), 5, asset="points", at=1, event_id="e", cause="c")
        ctx.store.office.set_group(ctx.group, "muted", True)
        ctx.wake("welcome", "x", ctx.now + HOUR)
        yield say("fallback.hello", name="半句")
        raise error()

    return router


async def test_a_rule_that_breaks_undoes_only_its_own_event(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]), more=[breaking(lambda: ValueError("哎呀"))])
    batch = await room.app.feed(
        [room.a_message("1", "签到"), room.a_message("2", "坏"), room.a_message("3", "签到", member="u2", name="小红")]
    )
    assert [(heard.event_id, heard.failed) for heard in batch.heard] == [("1", False), ("2", True), ("3", False)]
    assert [(line.phrase, line.member) for line in batch.lines] == [
        ("checkin.done", None), ("staff.bug", BOSS), ("checkin.done", None),
    ]  # fmt: skip
    assert room.rows("SELECT id, failed, note FROM interaction WHERE failed") == [("2", 1, "ValueError: 哎呀")]
    assert room.rows("SELECT account, amount FROM entry WHERE amount > 0") == [("member:u1", 5), ("member:u2", 5)]
    assert room.rows("SELECT * FROM group_setting") == []
    assert room.rows("SELECT topic FROM wake") == [("housekeeping",)]


async def test_a_broken_event_is_not_tried_again_when_it_is_repeated(open_room: OpenRoom) -> None:
    room = await open_room(more=[breaking(lambda: ValueError("哎呀"))])
    assert keys(await room.says("小明", "坏")) == ["staff.bug"]
    assert await room.again() == []
    assert room.one("SELECT count(*) FROM interaction WHERE failed") == 1


async def test_staff_hear_of_a_broken_rule_once_an_hour(open_room: OpenRoom) -> None:
    more = [breaking(lambda: ValueError("一"), "坏"), breaking(lambda: KeyError("二"), "糟")]
    room = await open_room(group_config(scripts=[]), more=more)
    assert [keys(await room.says("小明", "坏")) for _ in range(3)] == [["staff.bug"], [], []]
    assert keys(await room.says("小明", "糟")) == ["staff.bug"]
    await room.wait(HOUR - timedelta(seconds=1))
    assert await room.says("小明", "坏") == []
    await room.wait(timedelta(seconds=1))
    (line,) = await room.says("小明", "坏")
    assert line.phrase == "staff.bug"
    assert "breaking-坏.broken" in line.text
    assert room.one("SELECT count(*) FROM interaction WHERE failed") == 6


async def test_the_group_sees_nothing_of_a_broken_rule(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]), more=[breaking(lambda: RuntimeError("Traceback"))])
    said = await room.says("小明", "坏")
    assert [line.group for line in said] == [None]
    assert "Traceback" not in said[0].text
    assert room.one("SELECT note FROM interaction WHERE failed") == "RuntimeError: Traceback"


async def test_a_mistake_of_the_member_undoes_what_the_rule_did_and_is_answered(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]), more=[breaking(lambda: Mistake("undo.unknown", number=7))])
    (line,) = await room.says("小明", "坏")
    assert line.phrase == "undo.unknown"
    assert "7" in line.text
    assert room.rows("SELECT * FROM entry") == []
    assert room.one("SELECT failed FROM interaction WHERE text = '坏'") == 0


async def test_a_promise_of_the_tables_that_a_rule_breaks_is_its_own_bug(open_room: OpenRoom) -> None:
    room = await open_room(more=[breaking(lambda: sqlite3.IntegrityError("UNIQUE constraint failed"))])
    assert keys(await room.says("小明", "坏")) == ["staff.bug"]
    assert keys(await room.says("小明", "签到")) == ["checkin.done"]


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("database or disk is full"),
        sqlite3.OperationalError("disk I/O error"),
        sqlite3.DatabaseError("database disk image is malformed"),
    ],
)
async def test_a_file_that_breaks_under_a_rule_ends_everything_and_nothing_is_said(
    open_room: OpenRoom, error: sqlite3.Error
) -> None:
    room = await open_room(more=[breaking(lambda: error)])
    with pytest.raises(StorageFailure):
        await room.feed([room.a_message("1", "签到"), room.a_message("2", "坏")])
    assert room.said == []
    assert room.rows("SELECT * FROM interaction WHERE kind = 'message'") == []


async def test_what_was_undone_is_not_remembered_in_memory_either(open_room: OpenRoom) -> None:
    """A name that a broken event brought is taken back together with its row."""
    router = Router("renaming")

    @router.command("改名", help="改名")
    def rename(event: MessageReceived, ctx: Context) -> Wishes:
        ctx.store.members.see_member(ctx.member, "假名字", ctx.event.channel, 1)
        raise ValueError

    room = await open_room(group_config(scripts=[]), more=[router])
    await room.feed([room.a_message("1", "你们好"), room.a_message("2", "改名"), room.a_message("3", "签到")])
    assert "小满" in room.said[-1].text
    assert room.app.store.members.name("u1") == "小满"


# -- said only when stored -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("synchronous", ["off", "full"])
async def test_nothing_is_said_when_the_commit_fails(
    open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch, synchronous: str
) -> None:
    room = await open_room({"storage": {"synchronous": synchronous}, **group_config(scripts=[])})

    def full() -> None:
        raise sqlite3.OperationalError("database or disk is full")

    await room.says("小明", "你们好")
    monkeypatch.setattr(room.app.database, "commit", full)
    event = room.a_message("m", "签到")
    with pytest.raises(StorageFailure, match="磁盘满了"):
        await room.feed([event])
    assert room.said == []
    await room.restart()
    assert room.rows("SELECT id FROM interaction WHERE id = 'm'") == []
    assert keys(await room.feed([event])) == ["checkin.done"]


@pytest.mark.parametrize("spare", [0, 1, 2, 5])
async def test_on_a_full_disk_everything_that_was_said_is_stored(open_room: OpenRoom, spare: int) -> None:
    room = await open_room(group_config(scripts=[]))
    await room.says("小明", "你们好")
    pages = room.one("PRAGMA page_count")
    room.app.store.db.execute(f"PRAGMA max_page_count={pages + spare}")
    sent: list[Event] = []
    with pytest.raises(StorageFailure, match="磁盘满了"):
        for number in range(3000):
            event = room.a_message(f"m{number}", "签到", member=f"u{number}", name=f"成员{number}")
            sent.append(event)
            await room.feed([event])
    heard = len(room.said)
    assert heard == len(sent) - 1
    await room.restart()
    assert {line.event_id for line in room.said[:heard]} == {
        row[0] for row in room.rows("SELECT id FROM interaction WHERE text = '签到'")
    }
    assert room.one("SELECT count(*) FROM check_in") == heard
    assert keys(await room.feed([sent[-1]])) == ["checkin.done"]


async def test_a_file_that_another_process_holds_is_waited_for(quiet_stage: Room) -> None:
    room = quiet_stage
    other = sqlite3.connect(room.db, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    task = asyncio.create_task(room.says("小明", "签到"))
    await asyncio.sleep(0)
    other.execute("COMMIT")
    other.close()
    assert keys(await task) == ["checkin.done"]


# -- keeping house -------------------------------------------------------------------------------------------------


async def test_old_interactions_become_monthly_counts(open_room: OpenRoom) -> None:
    room = await open_room({"storage": {"retention": "2d"}, **group_config(scripts=[])})
    for _ in range(3):
        await room.says("小明", "签到")
    await room.wait(timedelta(days=5))
    assert room.rows("SELECT id FROM interaction WHERE kind = 'message'") == []
    assert room.rows("SELECT month, member_id, kind, times FROM interaction_month WHERE kind = 'message'") == [
        ("2026-12", "小明", "message", 3)
    ]
    assert room.one("SELECT count(*) FROM check_in") == 1
    assert room.app.store.ledger.balance("member:小明") == 5


async def test_what_rested_long_ago_is_forgotten(quiet_stage: Room) -> None:
    await quiet_stage.says("小明", "怎么退款")
    assert quiet_stage.one("SELECT count(*) FROM cooldown") == 1
    await quiet_stage.wait(timedelta(days=2))
    assert quiet_stage.one("SELECT count(*) FROM cooldown") == 0
