"""`yuanzi fsck` on contact: for every promise, a database on which exactly that promise is broken."""

from datetime import timedelta
from pathlib import Path

import pytest

from storage.fsck_contact import CONTACT_RULES
from tests.conftest import group_config
from tests.fsck_kit import broken, copied, lived, sql

CASES: dict[str, tuple[str, ...]] = {
    "contact_budget": ("UPDATE exposure SET week_limit = 1 WHERE class = 'promo'",),
    "contact_uncounted": ("UPDATE exposure SET day = NULL, at = NULL WHERE class = 'promo'",),
    "contact_against_verdict": ("UPDATE exposure SET verdict = 'held', rule = 'muted', why = '静音' WHERE class = 'promo'",),
    "contact_verdict_without_reason": ("UPDATE exposure SET why = '' WHERE verdict = 'held'",),
    "contact_class": ("UPDATE exposure SET sort = 'reminder' WHERE class = 'promo' AND day IS NOT NULL",),
    "handover_twice": (
        "DROP INDEX one_handover",
        "INSERT INTO handover (member_id, at, until, event_id) VALUES ('m', 1, 2, 'a'), ('m', 1, 2, 'b')",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A week of the shipped group, with one post too many."""
    path = tmp_path_factory.mktemp("week") / "x.db"
    return lived(path, group_config(contact={"promos_day": 1}), lambda room: room.wait(timedelta(days=7)))


def test_every_rule_has_its_case() -> None:
    assert set(CASES) == set(CONTACT_RULES)


@pytest.mark.parametrize("rule", CASES)
def test_a_broken_promise_is_named(rule: str, week: bytes, tmp_path: Path) -> None:
    assert broken(copied(tmp_path, week), sql(*CASES[rule])) == [rule]
