"""The engine in real time: every event durable and answered before the end, and one clear error when it cannot be."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import App
from bot.channels import Hear, Heard, Line
from bot.errors import ChannelError, StorageFailure
from bot.events import Event, MessageReceived
from bot.stage import CHANNEL
from bot.world import RealWorld
from tests.conftest import Wire, a_config, keys


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
