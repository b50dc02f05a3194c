"""Everything that is said waits in one place: paced, bounded in time, delivered once, its end written down."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels import Channel, Line, Pace, Receipt
from bot.context import Context
from bot.errors import Refused, Retryable
from bot.events import MessageReceived
from bot.pace import Gate
from bot.replies import Say, Sort, Wishes, say
from bot.router import Router
from bot.world import Luck, from_ms
from tests.conftest import BOSS, OpenRoom, Room, Wire, group_config, keys

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
QUIET = group_config(scripts=[])
Wiring = Callable[[Callable[[Line], None]], Channel]


def wire(mood: Callable[[Line], Receipt | None] = lambda line: None, **more: Any) -> Wiring:
    return lambda show: Wire(show, mood, **more)


def moments(room: Room) -> list[float]:
    """When the lines to the groups were sent, in seconds after the first."""
    found = [one for (one,) in room.rows("SELECT settled_at FROM outbox WHERE state = 'sent' ORDER BY settled_at, id")]
    return [(one - found[0]) / 1000 for one in found]


def states(room: Room) -> list[str]:
    return [state for (state,) in room.rows("SELECT state FROM outbox ORDER BY id")]


# -- pace ----------------------------------------------------------------------------------------------------------


async def test_lines_to_one_group_keep_their_gap(open_room: OpenRoom) -> None:
    room = await open_room(QUIET, wire=wire(pace=Pace(group_gap=5 * SECOND)))
    said = await room.everyone_says(["甲", "乙", "丙", "丁"], "签到")
    assert len(said) == 1
    said += await room.wait(MINUTE)
    assert [line.event_id for line in said] == ["stage-1", "stage-2", "stage-3", "stage-4"]
    assert moments(room) == [0, 5, 10, 15]


async def test_one_account_keeps_its_gap_over_all_conversations(open_room: OpenRoom) -> None:
    room = await open_room(QUIET, wire=wire(pace=Pace(account_gap=2 * SECOND, group_gap=5 * SECOND)))
    for number, group in enumerate(["a", "b", "a", "b"]):
        await room.feed([room.a_message(f"m{number}", "签到", group=group, member=f"u{number}")])
    await room.wait(MINUTE)
    assert moments(room) == [0, 2, 5, 7]


async def test_without_a_pace_everything_leaves_at_once(open_room: OpenRoom) -> None:
    room = await open_room(QUIET, wire=wire())
    assert len(await room.everyone_says([str(number) for number in range(50)], "签到")) == 50
    assert set(moments(room)) == {0}


async def test_jitter_makes_every_gap_a_little_longer_and_different(open_room: OpenRoom) -> None:
    room = await open_room(QUIET, wire=wire(pace=Pace(group_gap=5 * SECOND, jitter=2 * SECOND)))
    await room.everyone_says([str(number) for number in range(20)], "签到")
    await room.wait(5 * MINUTE)
    times = moments(room)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(times) == 20
    assert all(5 <= gap <= 7 for gap in gaps)
    assert len(set(gaps)) > 10


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4_000)), min_size=1, max_size=30),
    st.integers(0, 3_000), st.integers(0, 3_000), st.integers(0, 500),
)  # fmt: skip
def test_booked_moments_keep_every_gap_whatever_is_said_when(
    lines: list[tuple[str, int]], account: int, place: int, jitter: int
) -> None:
    milliseconds = timedelta(milliseconds=1)
    pace = Pace(account * milliseconds, place * milliseconds, jitter * milliseconds)
    gate = Gate(Wire(lambda line: None, pace=pace), Luck("x"))
    now, booked = 0, []
    for number, (where, later) in enumerate(lines):
        now += later
        slot = gate.book(where, str(number), now)
        assert slot >= now
        booked.append((where, slot))
    if account:
        assert all(later[1] - earlier[1] >= account for earlier, later in itertools.pairwise(booked))
    if place:
        for name in "abc":
            slots = [slot for where, slot in booked if where == name]
            assert all(later - earlier >= place for earlier, later in itertools.pairwise(slots))


async def test_lines_that_waited_for_the_pace_do_not_burst_out_after_a_restart(open_room: OpenRoom) -> None:
    room = await open_room(QUIET, wire=wire(pace=Pace(group_gap=5 * SECOND)))
    await room.everyone_says(["甲", "乙", "丙", "丁"], "签到")
    assert len(await room.power_cut(MINUTE)) == 1
    assert len(await room.wait(MINUTE)) == 2
    assert moments(room) == [0, 60, 65, 70]


async def test_a_line_that_waits_for_the_pace_past_its_time_is_never_said(open_room: OpenRoom) -> None:
    room = await open_room(QUIET, wire=wire(pace=Pace(group_gap=4 * MINUTE)))
    await room.everyone_says(["甲", "乙", "丙", "丁", "戊"], "签到")
    await room.wait(HOUR)
    assert moments(room) == [0, 240, 480]
    assert states(room) == ["sent", "sent", "sent", "expired", "expired"]
    assert room.one("SELECT count(*) FROM outbox WHERE state = 'expired' AND why_not <> ''") == 2


async def test_one_send_at_a_time_still_sends_everything(open_room: OpenRoom) -> None:
    room = await open_room(QUIET, wire=wire(in_flight=1))
    said = await room.everyone_says(["甲", "乙", "丙"], "签到")
    assert [line.event_id for line in said] == ["stage-1", "stage-2", "stage-3"]
    assert states(room) == ["sent"] * 3


# -- when ----------------------------------------------------------------------------------------------------------


def speaking(*wishes: Say) -> Router:
    """A feature that says just this."""
    router = Router("speaking")

    @router.command("说", help="说")
    def speak(event: MessageReceived, ctx: Context) -> Wishes:
        return wishes

    return router


async def test_a_line_may_be_meant_for_later(open_room: OpenRoom) -> None:
    router = Router("later")

    @router.command("说", help="说")
    def speak(event: MessageReceived, ctx: Context) -> Wishes:
        return [Say("fallback.hello", {"name": str(hours)}, at=ctx.now + hours * HOUR) for hours in (2, 1)]

    room = await open_room(QUIET, more=[router])
    assert await room.says("小明", "说") == []
    assert await room.wait(HOUR - SECOND) == []
    assert [line.key for line in await room.wait(SECOND)] == ["stage-1/1"]
    assert [line.key for line in await room.power_cut(HOUR)] == ["stage-1/0"]


async def test_lines_that_are_overdue_after_an_outage_leave_in_the_order_they_were_meant_for(
    open_room: OpenRoom,
) -> None:
    router = Router("later")

    @router.command("说", help="说")
    def speak(event: MessageReceived, ctx: Context) -> Wishes:
        return [Say("fallback.hello", sort=Sort.STAFF, at=ctx.now + hours * HOUR) for hours in (2, 1, 3)]

    room = await open_room(QUIET, more=[router])
    await room.says("小明", "说")
    assert [line.key for line in await room.power_cut(5 * HOUR)] == ["stage-1/1", "stage-1/0", "stage-1/2"]


async def test_a_line_goes_where_it_is_meant_to(open_room: OpenRoom) -> None:
    hello = "fallback.hello"
    room = await open_room(
        QUIET,
        more=[
            speaking(
                say(hello, name="1"), Say(hello, member="m"), Say(hello, group="g2"),
                say(hello, mention=("a", "b"), name="2"), Say(hello, picture="p.png"),
            )
        ],
    )  # fmt: skip
    said = await room.says("小明", "说")
    assert [(line.group, line.member, line.mentions, line.picture) for line in said] == [
        ("yuanqi", None, (), ""), (None, "m", (), ""), ("g2", None, (), ""), ("yuanqi", None, ("a", "b"), ""),
        ("yuanqi", None, (), "p.png"),
    ]  # fmt: skip
    private = await room.says("小明", "说", private=True)
    assert (private[0].group, private[0].member) == (None, "小明")


@pytest.mark.parametrize(
    ("sort", "minutes"), [(Sort.REPLY, 10), (Sort.GAME, 10), (Sort.CAMPAIGN, 15), (Sort.STAFF, 4320)]
)
async def test_each_class_of_line_lives_as_long_as_is_set(open_room: OpenRoom, sort: Sort, minutes: int) -> None:
    room = await open_room(QUIET, more=[speaking(Say("fallback.hello", sort=sort))])
    await room.says("小明", "说")
    assert room.one("SELECT (expires_at - created_at) / 60000 FROM outbox") == minutes


async def test_a_line_for_a_channel_that_is_not_here_ends_by_itself(open_room: OpenRoom) -> None:
    room = await open_room(QUIET, more=[speaking(Say("fallback.hello", channel="nowhere"))])
    assert await room.says("小明", "说") == []
    assert await room.wait(2 * HOUR) == []
    assert states(room) == ["expired"]


async def test_a_line_carries_why_it_was_said(stage: Room) -> None:
    await stage.says("小明", "签到")
    await stage.says("小明", "怎么退款")
    await stage.wait(timedelta(days=1))
    assert stage.one("SELECT count(*) FROM outbox WHERE because = ''") == 0
    assert all(line.because and line.event_id and line.phrase for line in stage.said)


async def test_a_long_line_is_cut_to_what_the_channel_carries(open_room: OpenRoom) -> None:
    room = await open_room(QUIET, wire=wire(max_bytes=60))
    (line,) = await room.says("小明", "帮助")
    assert len(line.text.encode()) <= 60
    assert line.text.endswith("…")


async def test_a_place_does_not_hear_the_same_words_twice_running(quiet_stage: Room) -> None:
    said = await quiet_stage.everyone_says(["小明"] * 30, "签到")
    openings = [line.text.partition("连")[0] for line in said[1:]]
    variants = quiet_stage.app.desk.content.voice.phrases["checkin.again"]
    assert len(variants) >= 3
    assert all(one != other for one, other in itertools.pairwise(openings))


async def test_a_line_without_words_is_noted_and_told_and_stops_nobody(open_room: OpenRoom) -> None:
    room = await open_room(QUIET, more=[speaking(Say("no.such_phrase"), say("fallback.hello", name="x"))])
    said = await room.says("小明", "说")
    said += await room.wait(SECOND)
    assert keys(said) == ["fallback.hello", "staff.trouble"]
    assert room.rows("SELECT state FROM outbox WHERE phrase = 'no.such_phrase'") == [("failed",)]


# -- how it ends ---------------------------------------------------------------------------------------------------


async def test_a_channel_that_asks_for_patience_is_tried_again_at_its_time(open_room: OpenRoom) -> None:
    tries: list[Line] = []

    def busy_twice(line: Line) -> Receipt | None:
        tries.append(line)
        if len(tries) < 3:
            raise Retryable("慢一点", after=30)
        return None

    room = await open_room(QUIET, wire=wire(busy_twice))
    start = room.world.now()
    assert await room.says("小明", "签到") == []
    (line,) = await room.wait(5 * MINUTE)
    assert len({one.key for one in tries}) == 1
    sent_at, attempts = room.rows("SELECT settled_at, attempts FROM outbox")[0]
    assert (from_ms(sent_at) - start, attempts) == (MINUTE, 3)
    assert line.key == "stage-1/0"


async def test_patience_ends_after_so_many_tries_and_staff_are_told(open_room: OpenRoom) -> None:
    def always_busy(line: Line) -> Receipt | None:
        if line.group:
            raise Retryable("慢一点", after=1)
        return None

    room = await open_room({"outbox": {"attempts": 4}, **QUIET}, wire=wire(always_busy))
    await room.says("小明", "签到")
    said = await room.wait(MINUTE)
    assert [(line.phrase, line.member) for line in said] == [("staff.trouble", BOSS)]
    assert room.rows("SELECT state, attempts FROM outbox WHERE group_id = 'yuanqi'") == [("failed", 4)]


async def test_patience_ends_when_the_line_is_too_old(open_room: OpenRoom) -> None:
    def busy(line: Line) -> Receipt | None:
        raise Retryable("慢一点", after=20 * 60)

    room = await open_room(QUIET, wire=wire(busy))
    await room.says("小明", "签到")
    await room.wait(HOUR)
    assert states(room) == ["expired"]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Refused("你被移出群聊"), "failed"),
        (Receipt("failed", error="不行"), "failed"),
        (Receipt("unknown", error="超时"), "unknown"),
        (RuntimeError("通道里的 bug"), "unknown"),
        (OSError("断网"), "unknown"),
    ],
)
async def test_a_send_that_failed_is_noted_told_once_and_never_repeated(
    open_room: OpenRoom, outcome: Receipt | Exception, state: str
) -> None:
    tries: list[str] = []

    def mood(line: Line) -> Receipt | None:
        tries.append(line.key)
        if line.group is None:
            return None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    room = await open_room(QUIET, wire=wire(mood))
    said = await room.everyone_says(["甲", "乙", "丙"], "签到")
    said += await room.wait(HOUR)
    said += await room.power_cut(MINUTE)
    assert keys(said) == ["staff.trouble"]
    assert "3" in said[0].text
    assert len(tries) == len(set(tries)) == 4
    assert states(room) == [state] * 3 + ["sent"]
    assert room.one("SELECT count(*) FROM outbox WHERE state <> 'sent' AND why_not IS NULL") == 0


async def test_what_fails_after_a_report_is_told_with_the_next_one_also_after_a_power_cut(open_room: OpenRoom) -> None:
    def mood(line: Line) -> Receipt | None:
        if line.group is not None:
            raise Refused("被禁言")
        return None

    room = await open_room(QUIET, wire=wire(mood))
    said = await room.says("甲", "签到")
    assert keys(said + await room.wait(MINUTE)) == ["staff.trouble"]
    for number in range(7):
        assert await room.says(f"群友{number}", "签到") + await room.wait(MINUTE) == []
    await room.power_cut(MINUTE)
    assert await room.says("乙", "签到") + await room.wait(MINUTE) == []
    (report,) = await room.wait(HOUR)
    assert report.phrase == "staff.trouble"
    assert "8" in report.text
    assert report.text.count("被禁言") == 5
    assert "上次报过" in report.because
    assert await room.says("丙", "签到") + await room.wait(MINUTE) == []
    (report,) = await room.wait(HOUR)
    assert "1" in report.text
    assert await room.wait(24 * HOUR) == []


async def test_a_report_that_cannot_be_sent_is_no_reason_for_another(open_room: OpenRoom) -> None:
    def dead(line: Line) -> Receipt | None:
        raise Refused("账号没了")

    room = await open_room(QUIET, wire=wire(dead))
    await room.says("小明", "签到")
    await room.wait(24 * HOUR)
    assert [phrase for (phrase,) in room.rows("SELECT phrase FROM outbox ORDER BY id")] == [
        "checkin.done", "staff.trouble"
    ]  # fmt: skip


async def test_a_channel_that_refuses_everything_does_not_talk_about_itself_for_ever(open_room: OpenRoom) -> None:
    tries: list[str] = []

    def dead(line: Line) -> Receipt | None:
        tries.append(line.phrase)
        raise Refused("账号没了")

    room = await open_room(QUIET, wire=wire(dead))
    await room.says("小明", "签到")
    await room.wait(HOUR / 2)
    assert tries == ["checkin.done", "staff.trouble"]


async def test_the_id_that_the_platform_gave_a_line_is_kept(open_room: OpenRoom) -> None:
    room = await open_room(QUIET, wire=wire(lambda line: Receipt(platform_id=f"p-{line.key}")))
    await room.says("小明", "签到")
    assert room.rows("SELECT state, platform_id FROM outbox") == [("sent", "p-stage-1/0")]


async def claim_without_sending(room: Room, *texts: str) -> None:
    """The process dies between the commit and the send."""
    events = [room.message("小明", text) for text in texts]
    batch = await room.app.engine.run([room.app.engine.read(event) for event in events])
    assert len(batch.lines) == len(texts)
    assert states(room) == ["sending"] * len(texts)


async def test_a_send_under_way_when_the_process_died_is_unknown_and_not_repeated(open_room: OpenRoom) -> None:
    room = await open_room(QUIET)
    await claim_without_sending(room, "签到", "我的签到")
    said = await room.power_cut(MINUTE)
    said += await room.wait(HOUR)
    (line,) = said
    assert (line.phrase, line.member) == ("staff.unknown_sends", BOSS)
    assert "2" in line.text
    assert states(room) == ["unknown", "unknown", "sent"]
    assert await room.restart() == []


async def test_where_repeating_is_harmless_it_is_sent_again_under_the_same_key(open_room: OpenRoom) -> None:
    room = await open_room(QUIET, wire=wire(idempotent=True))
    await claim_without_sending(room, "签到")
    assert [line.key for line in await room.restart()] == ["stage-1/0"]
    assert states(room) == ["sent"]
    assert room.one("SELECT attempts FROM outbox") == 2


async def test_even_where_repeating_is_harmless_an_old_answer_is_not_sent(open_room: OpenRoom) -> None:
    room = await open_room(QUIET, wire=wire(idempotent=True))
    await claim_without_sending(room, "签到")
    assert await room.power_cut(HOUR) == []
    assert states(room) == ["expired"]


async def test_a_sent_line_whose_receipt_was_lost_is_unknown_and_not_repeated(open_room: OpenRoom) -> None:
    """The line was on the platform already, but the process died before the receipt was written down."""
    room = await open_room(QUIET)
    batch = await room.app.feed([room.message("小明", "签到")])
    assert keys(batch.lines) == keys(room.said) == ["checkin.done"]
    assert keys(await room.restart()) == ["staff.unknown_sends"]
    assert states(room) == ["unknown", "sent"]
