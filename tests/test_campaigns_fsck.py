"""`yuanzi fsck` on campaigns: for every promise, a database on which exactly that promise is broken."""

import asyncio
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from storage.fsck import check
from storage.fsck_campaigns import CAMPAIGN_RULES
from tests.conftest import Room, a_config, group_config
from tests.test_taps import a_wire

CASES: dict[str, tuple[str, ...]] = {
    "skipped_and_sent": (
        "INSERT INTO beat_skip SELECT beat, group_id, due, '2026-12-02', '', 'dianzhang', 'x' FROM beat_send",
    ),
    "sent_while_paused": (
        "INSERT INTO beat_pause SELECT beat, group_id, at - 1, 'dianzhang', 'x' FROM beat_send LIMIT 1",
    ),
    "approved_alone": (
        "DELETE FROM wake WHERE topic = 'approval'",
        "UPDATE approval SET state = 'approved', decided_at = 1",
    ),
    "approval_forgotten": ("DELETE FROM wake WHERE topic = 'approval'",),
    "tap_forgotten": (
        "UPDATE task SET state = 'done', closed_at = 1",
        "DELETE FROM wake WHERE topic = 'task'",
    ),
    "tap_counted": (
        "UPDATE hand_send SET state = 'expired'",
        "UPDATE task SET state = 'done', closed_at = 1",
        "DELETE FROM wake WHERE topic = 'task'",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def afternoon(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A post that waits for a tap, and a deal that waits for a second person: a database that is clean."""
    path = tmp_path_factory.mktemp("afternoon") / "x.db"
    staff = [{"id": "dianzhang", "role": "owner"}, {"id": "xiaoyun", "role": "operator"}]

    async def play() -> None:
        changes = {"staff": staff, **group_config(calendar={"approval": True})}
        start = datetime.fromisoformat("2026-12-02T11:59:00+08:00")
        room = Room(lambda: a_config(changes), path, start=start, wire=a_wire)
        await room.open()
        await room.wait(timedelta(minutes=2))
        await room.boss_says("立即发 周五福利日·午间", private=True)
        await room.close()

    asyncio.run(play())
    assert check(path).violations == []
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()
    return path.read_bytes()


def test_every_rule_has_its_case() -> None:
    assert set(CASES) == set(CAMPAIGN_RULES)


@pytest.mark.parametrize("rule", CASES)
def test_a_broken_promise_is_named(rule: str, afternoon: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(afternoon)
    conn = sqlite3.connect(path, isolation_level=None)
    for statement in CASES[rule]:
        assert conn.execute(statement).rowcount != 0, statement
    conn.close()
    assert rule in {one.rule for one in check(path).violations}
    assert {one.rule for one in check(path).violations} <= set(CAMPAIGN_RULES)


def test_nobody_can_approve_their_own_not_even_by_mistake(afternoon: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(afternoon)
    conn = sqlite3.connect(path, isolation_level=None)
    with pytest.raises(sqlite3.IntegrityError):
        conn.execute("UPDATE approval SET state = 'approved', decided_at = 1, decider_id = proposer_id")
    conn.close()
