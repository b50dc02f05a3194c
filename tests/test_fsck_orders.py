"""`yuanzi fsck` on orders: for every promise, a database on which exactly that promise is broken."""

from pathlib import Path

import pytest

from storage.database import Database
from storage.fsck import check
from storage.fsck_orders import QUESTIONS
from storage.store import Store
from tests.fsck_kit import Break, broken, sql
from tests.test_orders import order, take
from tests.test_tagging import START


@pytest.fixture
def bought(tmp_path: Path) -> Path:
    """Two buyers, one of them known by an id of the shop."""
    path = tmp_path / "bought.db"
    database = Database.open(path, "off")
    database.begin()
    store = Store(database)
    for member in ("m1", "m2"):
        store.members.see_member(member, member, "pipe", START)
    store.orders.map("tb_1", "m2", at=1, staff_id="s")
    take(store, order(1, START), order(2, START, buyer="tb_1"))
    store.orders.reach("m1", 1, "o1", START)
    database.commit()
    database.close()
    return path


CASES: dict[str, Break] = {
    "milestone_of_another": sql("UPDATE purchase_milestone SET member_id = 'm2'"),
    "order_evidence_exists": sql("UPDATE tag_evidence SET ref = 'gone' WHERE member_id = 'm1'"),
    "order_unmapped_alias": sql("UPDATE buyer_alias SET member_id = 'm1'"),
    "buyer_without_stage": sql(
        "DELETE FROM stage_change WHERE member_id = 'm1'", "DELETE FROM stage_now WHERE member_id = 'm1'"
    ),
}


def test_every_rule_has_a_case() -> None:
    assert set(QUESTIONS) == set(CASES)


def test_books_in_order_are_clean(bought: Path) -> None:
    assert check(bought).violations == []


@pytest.mark.parametrize("rule", CASES)
def test_a_broken_promise_is_named(bought: Path, rule: str) -> None:
    assert broken(bought, CASES[rule]) == [rule]
