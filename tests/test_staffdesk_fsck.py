"""`yuanzi fsck` on the staff desk: for every promise, a database on which exactly that promise is broken."""

from datetime import timedelta
from pathlib import Path

import pytest

from storage.fsck_staffdesk import STAFFDESK_RULES
from tests.conftest import Room, group_config
from tests.fsck_kit import broken, copied, lived, sql

CASES: dict[str, tuple[str, ...]] = {
    "setting_change_lost": ("UPDATE group_setting SET value = '77' WHERE key = 'checkin.points'",),
    "digest_without_week": ("DELETE FROM digest_sent",),
}


async def _a_week(room: Room) -> None:
    for text in ("设置 checkin.points 9", "设置 muted 开", "撤销设置 2", "设置 checkin.points 8"):
        await room.boss_says(text)
    await room.wait(timedelta(days=7))


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A week with settings changed and taken back, and a digest."""
    path = tmp_path_factory.mktemp("week") / "x.db"
    return lived(path, group_config(scripts=[], digest={"on": True}), _a_week)


def test_every_rule_has_its_case() -> None:
    assert set(CASES) == set(STAFFDESK_RULES)


@pytest.mark.parametrize("rule", CASES)
def test_a_broken_promise_is_named(rule: str, week: bytes, tmp_path: Path) -> None:
    assert broken(copied(tmp_path, week), sql(*CASES[rule])) == [rule]
