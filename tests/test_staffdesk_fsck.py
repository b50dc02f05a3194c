"""`yuanzi fsck` on the staff desk: for every promise, a database on which exactly that promise is broken."""

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from storage.fsck import check
from storage.fsck_staffdesk import STAFFDESK_RULES
from tests.conftest import Room, a_config, group_config

CASES: dict[str, tuple[str, ...]] = {
    "setting_change_lost": ("UPDATE group_setting SET value = '77' WHERE key = 'checkin.points'",),
    "digest_without_week": ("DELETE FROM digest_sent",),
}


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A week with settings changed and taken back, and a digest: a database that is clean."""
    path = tmp_path_factory.mktemp("week") / "x.db"

    async def play() -> None:
        room = Room(lambda: a_config(group_config(scripts=[], digest={"on": True})), path)
        await room.open()
        for text in ("设置 checkin.points 9", "设置 muted 开", "撤销设置 2", "设置 checkin.points 8"):
            await room.boss_says(text)
        await room.wait(timedelta(days=7))
        await room.close()

    asyncio.run(play())
    assert check(path).violations == []
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()
    return path.read_bytes()


def test_every_rule_has_its_case() -> None:
    assert set(CASES) == set(STAFFDESK_RULES)


@pytest.mark.parametrize("rule", CASES)
def test_a_broken_promise_is_named(rule: str, week: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(week)
    conn = sqlite3.connect(path, isolation_level=None)
    for statement in CASES[rule]:
        assert conn.execute(statement).rowcount != 0, statement
    conn.close()
    assert sorted({one.rule for one in check(path).violations}) == [rule]
