"""`yuanzi fsck` on campaigns: for every promise, a database on which exactly that promise is broken."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from storage.fsck_campaigns import CAMPAIGN_RULES
from tests.conftest import Room, at, group_config
from tests.fsck_kit import broken, copied, lived, sql
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


async def _an_afternoon(room: Room) -> None:
    await room.wait(timedelta(minutes=2))
    await room.boss_says("立即发 周五福利日·午间", private=True)


@pytest.fixture(scope="module")
def afternoon(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A post that waits for a tap, and a deal that waits for a second person."""
    staff = [{"id": "dianzhang", "role": "owner"}, {"id": "xiaoyun", "role": "operator"}]
    changes = {"staff": staff, **group_config(calendar={"approval": True})}
    path = tmp_path_factory.mktemp("afternoon") / "x.db"
    return lived(path, changes, _an_afternoon, start=at("12-02 11:59"), wire=a_wire)


def test_every_rule_has_its_case() -> None:
    assert set(CASES) == set(CAMPAIGN_RULES)


@pytest.mark.parametrize("rule", CASES)
def test_a_broken_promise_is_named(rule: str, afternoon: bytes, tmp_path: Path) -> None:
    named = broken(copied(tmp_path, afternoon), sql(*CASES[rule]))
    assert rule in named
    assert set(named) <= set(CAMPAIGN_RULES)


def test_nobody_can_approve_their_own_not_even_by_mistake(afternoon: bytes, tmp_path: Path) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        broken(
            copied(tmp_path, afternoon),
            sql("UPDATE approval SET state = 'approved', decided_at = 1, decider_id = proposer_id"),
        )
