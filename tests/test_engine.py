"""The laws of the engine: once, all or nothing, said only when stored, and never dependent on batches or restarts."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app import App
from bot.channels import Hear, Heard, Line
from bot.context import Context
from bot.errors import ChannelError, Mistake, StorageFailure
from bot.events import ContactAdded, Event, MemberJoined, MemberLeft, MessageReceived, Person
from bot.replies import Say, Silence, Wishes, say
from bot.router import Router
from bot.stage import CHANNEL, START
from bot.world import RealWorld
from storage.ledger import account
from tests.conftest import BOSS, OpenRoom, Room, Wire, a_config, at, group_config, keys

MINUTE = timedelta(minutes=1)
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


# -- the same whatever the batches and restarts --------------------------------------------------------------------

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


# -- in real time --------------------------------------------------------------------------------------------------


class Talker(Wire):
    """A channel that reports some events and ends."""

    def __init__(self, show: Callable[[Line], None], events: Sequence[Event], **more: Any) -> None:
        super().__init__(show, **more)
        self.events = events
        self.heard: list[Heard] = []

    async def run(self, hear: Hear) -> None:
        self.heard = list(await asyncio.gather(*(hear(event) for event in self.events)))


def now_messages(count: int, text: str = "签到") -> list[Event]:
    now = RealWorld().now()
    return [
        MessageReceived(
            id=f"r{number}",
            at=now,
            channel=CHANNEL,
            group="g",
            member=f"u{number % 7}",
            name=f"名{number % 7}",
            text=text,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("synchronous", ["off", "full"])
async def test_in_real_time_every_event_is_durable_and_answered_before_the_end(
    tmp_path: Path, synchronous: str
) -> None:
    said: list[Line] = []
    talker = Talker(said.append, now_messages(300))
    config = a_config({"storage": {"synchronous": synchronous}})
    app = App(config, RealWorld(), {CHANNEL: talker}, db=tmp_path / "x.db")
    await app.listen()
    counts = app.store.db.execute("SELECT count(*) FROM interaction WHERE kind = 'message'").fetchone()
    states = app.store.db.execute("SELECT DISTINCT state FROM outbox").fetchall()
    app.close()
    assert [heard.event_id for heard in talker.heard] == [f"r{number}" for number in range(300)]
    assert keys(said) == ["checkin.done"] * 7 + ["checkin.again"] * 293
    assert counts == (300,)
    assert states == [("sent",)]


async def test_more_events_than_the_queue_holds_wait_their_turn(tmp_path: Path) -> None:
    talker = Talker(lambda line: None, now_messages(2_500, "哈哈"))
    app = App(a_config(), RealWorld(), {CHANNEL: talker}, db=tmp_path / "x.db")
    await app.listen()
    app.close()
    assert len({heard.event_id for heard in talker.heard}) == 2_500


async def test_in_real_time_a_line_of_the_pace_is_sent_when_its_turn_comes(tmp_path: Path) -> None:
    """The second line waits for the pace of the channel; nothing else happens that could wake the writer."""
    from bot.channels import Pace

    said: list[Line] = []
    everything_said = asyncio.Event()

    def show(line: Line) -> None:
        said.append(line)
        if len(said) == 2:
            everything_said.set()

    class Patient(Talker):
        async def run(self, hear: Hear) -> None:
            for event in self.events:
                await hear(event)
            await asyncio.wait_for(everything_said.wait(), 60)

    talker = Patient(show, now_messages(2), pace=Pace(group_gap=timedelta(milliseconds=150)))
    app = App(a_config(), RealWorld(), {CHANNEL: talker}, db=tmp_path / "x.db")
    await app.listen()
    app.close()
    assert keys(said) == ["checkin.done", "checkin.done"]


async def test_in_real_time_a_storage_failure_stops_everything_with_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Line] = []
    app = App(a_config(), RealWorld(), {CHANNEL: Talker(said.append, now_messages(5))}, db=tmp_path / "x.db")
    commit = app.database.commit
    calls = iter([commit])

    def second_fails() -> None:
        try:
            next(calls)()
        except StopIteration:
            raise sqlite3.OperationalError("disk I/O error") from None

    monkeypatch.setattr(app.database, "commit", second_fails)
    with pytest.raises(StorageFailure, match="磁盘出错"):
        await app.listen()
    app.close()
    assert said == []


async def test_in_real_time_a_channel_that_gives_up_ends_with_its_own_error(tmp_path: Path) -> None:
    class Hopeless(Wire):
        async def run(self, hear: Hear) -> None:
            raise ChannelError("账号被踢下线了")

    app = App(a_config(), RealWorld(), {CHANNEL: Hopeless(lambda line: None)}, db=tmp_path / "x.db")
    with pytest.raises(ChannelError, match="踢下线"):
        await app.listen()
    app.close()
