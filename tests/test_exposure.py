"""Counting: budgets hold in the tables whatever the calendar, over restarts, and only unasked lines are looked up."""

import asyncio
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bot.channels import Receipt
from bot.context import Context
from bot.errors import Retryable
from bot.events import Tick
from bot.replies import Say, Sort, Wishes
from bot.router import Router
from bot.stage import CHANNEL
from storage.fsck import check
from tests.conftest import Room, Wire, a_config, group_config, keys

START = datetime.fromisoformat("2026-12-07T00:30:00+08:00")
GROUPS = ("yuanqi", "second")
PEOPLE = ("小满", "阿杰")


def calendar() -> Router:
    """Posts whatever the payload of a wake-up says."""
    router = Router("calendar")

    @router.tick("post")
    def post(event: Tick, ctx: Context) -> Wishes:
        one = event.payload
        return Say(
            "welcome.offer", group=one.get("to_group"), member=one.get("to_member"), channel=CHANNEL,
            sort=Sort(one["sort"]), kind=one["kind"], content=one["content"], expires=ctx.now + timedelta(hours=2),
            because="随机日历", mention=tuple(one.get("mention", ())),
        )  # fmt: skip

    return router


async def a_room(db: Path, **changes: Any) -> Room:
    room = Room(lambda: a_config(changes), db, start=START, more=[calendar()])
    await room.open()
    return room


async def plan(room: Room, number: int, at: datetime, **payload: Any) -> None:
    def write() -> None:
        one = {"sort": "campaign", "kind": "", "content": "", **payload}
        room.app.store.agenda.wake_at("post", str(number), int(at.timestamp() * 1000), one)

    await room.app.engine.write(write)


posts = st.lists(
    st.fixed_dictionaries(
        {
            "after": st.integers(0, 20 * 24 * 60),
            "to": st.sampled_from([*GROUPS, *PEOPLE]),
            "sort": st.sampled_from(["campaign", "campaign", "reminder"]),
            "kind": st.sampled_from(["", "新品", "福利日"]),
            "content": st.sampled_from(["", "product", "useful", "fun"]),
        }
    ),
    min_size=1,
    max_size=60,
)
budgets = st.fixed_dictionaries(
    {
        "promos_day": st.integers(0, 3), "promos_week": st.integers(0, 6), "contents_day": st.integers(0, 3),
        "contents_week": st.integers(0, 6), "reminders_day": st.integers(0, 3), "reminders_week": st.integers(0, 6),
        "private_day": st.integers(0, 2), "private_week": st.integers(0, 4),
        "private_reminders_day": st.integers(0, 2), "private_reminders_week": st.integers(0, 4),
    }
)  # fmt: skip


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(posts, budgets, st.sampled_from(["Asia/Shanghai", "America/New_York"]), st.integers(0, 20))
def test_no_group_and_no_member_ever_exceeds_a_budget_under_random_calendars(
    calendar_: list[dict[str, Any]], limits: dict[str, int], zone: str, cut: int
) -> None:
    async def play(folder: str) -> None:
        changes = {"groups": {"default": {"zone": zone, "quiet": "", "contact": {**limits, "merge_within": "0s"}}}}
        room = await a_room(Path(folder) / "x.db", **changes)
        for person in PEOPLE:
            await room.says(person, "早呀")
        for number, one in enumerate(calendar_):
            target = {"to_group": one["to"]} if one["to"] in GROUPS else {"to_member": room.id_of(one["to"])}
            labels = {name: one[name] for name in ("sort", "kind", "content")}
            await plan(room, number, START + timedelta(minutes=one["after"]), **labels, **target)
        await room.wait(timedelta(days=cut))
        await room.power_cut(timedelta(minutes=5))
        await room.wait(timedelta(days=21 - cut))
        _prove(room, limits, zone)
        await room.close()
        assert check(Path(folder) / "x.db").violations == []

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(folder))


def _prove(room: Room, limits: dict[str, int], zone: str) -> None:
    """Counts anew from what was really said, with nothing but the outbox."""
    offset = {"Asia/Shanghai": 8, "America/New_York": -5}[zone]
    sent: dict[tuple[str, str], list[int]] = {}
    for key, sort, group, member, at in room.rows(
        "SELECT key, sort, group_id, member_id, settled_at FROM outbox WHERE state = 'sent'"
        " AND sort IN ('campaign', 'reminder') AND phrase = 'welcome.offer'"
    ):
        (content,) = room.rows("SELECT class FROM exposure WHERE line = ?", key)[0]
        klass = "reminder" if sort == "reminder" else content if group else "private"
        sent.setdefault((group or member, klass), []).append((at + offset * 3_600_000) // 86_400_000)
    names = {"promo": "promos", "content": "contents", "reminder": "reminders", "private": "private"}
    for (place, klass), days in sent.items():
        name = names[klass] if place in GROUPS or klass == "private" else "private_reminders"
        for day in set(days):
            assert days.count(day) <= limits[f"{name}_day"], (place, klass)
            assert sum(day - 7 < one <= day for one in days) <= limits[f"{name}_week"], (place, klass)


@pytest.fixture
async def room(tmp_path: Path) -> Room:
    return await a_room(tmp_path / "x.db", **group_config(scripts=[], quiet=""))


async def test_a_reply_is_never_looked_up_in_the_tables_of_the_policy(room: Room) -> None:
    await room.says("阿杰", "签到")  # who is handed over is read once, and remembered
    asked: list[str] = []
    room.app.store.db.conn.set_trace_callback(asked.append)
    await room.says("小满", "签到")
    room.app.store.db.conn.set_trace_callback(None)
    assert asked
    words = ("exposure", "distance", "care", "handover", "purchase", "last_talk")
    assert [one for one in asked if any(f" {word} " in one for word in words)] == []
    await room.close()


async def test_a_line_that_a_channel_refused_costs_nothing(tmp_path: Path) -> None:
    broken = [True]
    room = Room(
        lambda: a_config(group_config(scripts=[], quiet="", contact={"promos_day": 1, "merge_within": "0s"})),
        tmp_path / "x.db", start=START, more=[calendar()],
        wire=lambda show: Wire(show, lambda line: Receipt("failed", error="x") if broken[0] else None),
    )  # fmt: skip
    await room.open()
    await plan(room, 1, START + timedelta(hours=9), to_group="yuanqi")
    await room.wait(timedelta(hours=9, minutes=10))
    assert room.one("SELECT state FROM outbox WHERE phrase = 'welcome.offer'") == "failed"
    broken[0] = False
    await plan(room, 2, START + timedelta(hours=10), to_group="yuanqi")
    await plan(room, 3, START + timedelta(hours=11), to_group="yuanqi")
    said = keys(await room.wait(timedelta(hours=3)))
    assert said.count("welcome.offer") == 1
    assert room.one("SELECT rule FROM exposure WHERE line LIKE '%:3:%'") == "budget"
    await room.close()


async def test_a_line_that_is_tried_again_is_counted_once(tmp_path: Path) -> None:
    tries: list[str] = []

    def mood(line: Any) -> Receipt | None:
        tries.append(line.phrase)
        if len(tries) == 1:
            raise Retryable("忙", after=60)
        return None

    room = Room(
        lambda: a_config(group_config(scripts=[], quiet="", contact={"promos_day": 1})), tmp_path / "x.db",
        start=START, more=[calendar()], wire=lambda show: Wire(show, mood),
    )  # fmt: skip
    await room.open()
    await plan(room, 1, START + timedelta(hours=9), to_group="yuanqi")
    assert keys(await room.wait(timedelta(hours=10))) == ["welcome.offer"]
    assert tries == ["welcome.offer"] * 2
    assert room.one("SELECT count(*) FROM exposure WHERE day IS NOT NULL") == 1
    await room.close()
    assert check(tmp_path / "x.db").is_clean


async def test_talk_counts_as_live_only_from_several_people(room: Room) -> None:
    room.world.arrive(START + timedelta(hours=9))
    for number in range(8):
        await room.says("小满", f"今天第{number}件开心事")
    await plan(room, 1, START + timedelta(hours=9, minutes=1), to_group="yuanqi")
    assert keys(await room.wait(timedelta(minutes=2))) == ["welcome.offer"]
    await room.close()


async def test_what_talk_means_survives_an_event_that_was_taken_back(room: Room) -> None:
    """A rolled back event must not stay in the memory of who is talking."""
    store = room.app.store
    await room.says("小满", "早呀")
    assert store.exposures.talk("yuanqi", 0) == (1, 1)
    store.forget_caches()
    assert store.exposures.talk("yuanqi", 0) == (1, 1)
    await room.close()
