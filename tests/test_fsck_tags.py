"""`yuanzi fsck` on tags and stages: for every promise, a database on which exactly that promise is broken."""

from pathlib import Path

import pytest

from storage.database import Database
from storage.fsck import check
from storage.fsck_lifecycle import QUESTIONS as STAGES
from storage.fsck_tags import QUESTIONS as TAGS
from storage.store import Store
from tests.fsck_kit import Break, broken, sql
from tests.test_tagging import DAY, START, learn_all, write


@pytest.fixture
def learnt(tmp_path: Path) -> Path:
    """Somebody who wants no sugar, was silent and came back."""
    path = tmp_path / "learnt.db"
    database = Database.open(path, "off")
    database.begin()
    store = Store(database)
    for number, day in enumerate((0, 1, 40, 41)):
        write(store, number, ("m1", "要无糖的", None, START + day * DAY, "g"))
    learn_all(store, START + 50 * DAY, 2)
    database.commit()
    database.close()
    return path


EVIDENCE = "origin = 'rule' AND tag = '无糖'"
CASES: dict[str, Break] = {
    "tag_without_evidence": sql(f"DELETE FROM tag_evidence WHERE {EVIDENCE}"),
    "tag_evidence_bounded": sql(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30) INSERT INTO tag_evidence"
        " SELECT member_id, tag, origin, 'x' || i, at, 'import', 'x' FROM tag_evidence, n"
        f" WHERE {EVIDENCE} AND ref = 'e0'"
    ),
    "tag_evidence_supports": sql(f"UPDATE tag_evidence SET at = at + 1 WHERE {EVIDENCE} AND ref = 'e0'"),
    "tag_evidence_exists": sql(f"UPDATE tag_evidence SET ref = 'nothing' WHERE {EVIDENCE} AND ref = 'e0'"),
    "tag_rule_ahead": sql("UPDATE tag_rule SET seq = 99 WHERE rule = ':stages'"),
    "stage_chain": sql("UPDATE stage_change SET was = 'mature' WHERE stage = 'active'"),
    "stage_is_last_change": sql("UPDATE stage_now SET since = since + 1"),
    "stage_of_nobody": sql("DELETE FROM stage_now"),
}


def test_every_rule_has_a_case() -> None:
    assert {*TAGS, *STAGES} == set(CASES)


def test_a_learnt_past_is_clean(learnt: Path) -> None:
    assert check(learnt).violations == []


@pytest.mark.parametrize("rule", CASES)
def test_a_broken_promise_is_named(learnt: Path, rule: str) -> None:
    assert broken(learnt, CASES[rule]) == [rule]
