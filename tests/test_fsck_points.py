"""`yuanzi fsck` on the shop: for every promise, a database on which exactly that promise is broken."""

import sqlite3
from pathlib import Path

import pytest

from storage.database import Database
from storage.fsck import check
from storage.fsck_points import QUESTIONS
from storage.ledger import POINTS
from storage.store import Store
from tests.fsck_kit import Break, both, broken, sql


@pytest.fixture
def sold(tmp_path: Path) -> Path:
    """A shop in which one of everything was sold."""
    path = tmp_path / "sold.db"
    database = Database.open(path, "off")
    database.begin()
    store = Store(database)

    def move(key: str, giver: str, taker: str, amount: int) -> int | None:
        return store.ledger.move(
            key, giver, taker, amount, asset=POINTS, at=1, event_id=key, cause="测试", group_id="g"
        )

    move("grant/1", "house:x", "member:m", 100)
    store.shop.import_codes("code", ["A1", "A2", "A3"], 1)
    for place, kind in enumerate(("code", "goods", "points"), start=1):
        store.shop.stock(kind, 5)
        assert store.shop.take(kind)
        event = f"e{place}"
        number = store.shop.add(
            event, item=kind, title=kind, kind=kind, member_id="m", group_id="g", at=place, nth=1, most=1, price=10,
            paid=move(f"redeem/{event}/paid", "member:m", "house:shop", 10),
            given=move(f"redeem/{event}/given", "house:shop", "member:m", 5) if kind == "points" else None,
            state="issued", until=None,
        )  # fmt: skip
        if kind == "code":
            assert store.shop.hand_out("code", number) == "A1"
    database.commit()
    database.close()
    return path


def bought_on_credit(conn: sqlite3.Connection) -> None:
    store = Store(Database(Path(), conn))
    paid = store.ledger.move(
        "redeem/e9/paid", "member:poor", "house:shop", 10, asset=POINTS, at=1, event_id="e9", cause="兑换"
    )
    store.shop.take("goods")
    store.shop.add(
        "e9", item="goods", title="", kind="goods", member_id="poor", group_id="g", at=1, nth=1, most=1, price=10,
        paid=paid, given=None, state="issued", until=None,
    )  # fmt: skip


BOUGHT = "(SELECT {} FROM redemption WHERE kind = '{}')"
CASES: dict[str, Break] = {
    "shop_taken": sql("UPDATE shop_item SET taken = taken + 1 WHERE item = 'goods'"),
    "redemption_limit": sql(
        "PRAGMA ignore_check_constraints=ON", "UPDATE redemption SET nth = 2 WHERE kind = 'goods'"
    ),
    "redemption_paid": sql("UPDATE redemption SET price = 11 WHERE kind = 'goods'"),
    "redemption_given": both(
        sql("UPDATE redemption SET given = NULL WHERE kind = 'points'"),
        sql("UPDATE movement SET key = 'x' WHERE key = 'redeem/e3/given'"),
    ),
    "redeemed_without_points": bought_on_credit,
    "paid_for_nothing": sql("UPDATE movement SET key = 'redeem/nothing/paid' WHERE key = 'grant/1'"),
    "boost_without_win": sql("UPDATE movement SET key = 'boost/1/win' WHERE key = 'grant/1'"),
    "code_once": sql("UPDATE coupon_code SET redemption_id = NULL WHERE code = 'A1'"),
    "code_elsewhere": sql(f"UPDATE coupon_code SET redemption_id = {BOUGHT.format('id', 'goods')} WHERE code = 'A2'"),
    "address_kept": sql(
        "PRAGMA ignore_check_constraints=ON",
        "UPDATE redemption SET address = '和平路', state = 'delivered' WHERE kind = 'goods'",
    ),
}  # fmt: skip


def test_every_rule_has_a_case() -> None:
    assert set(QUESTIONS) == set(CASES)


def test_a_shop_in_order_is_clean(sold: Path) -> None:
    assert check(sold).violations == []


@pytest.mark.parametrize("rule", CASES)
def test_a_broken_promise_is_named(sold: Path, rule: str) -> None:
    assert broken(sold, CASES[rule]) == [rule]
