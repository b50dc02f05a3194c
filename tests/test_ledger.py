"""Points are double-entry: nothing appears, nothing vanishes, everything can be reversed once."""

import sqlite3
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.ledger import CARD, POINTS, account
from storage.store import Store

accounts = st.sampled_from(["house:shop", "member:a", "member:b", "member:a'\"%/"])
moves = st.lists(st.tuples(accounts, accounts, st.integers(1, 500), st.sampled_from([POINTS, CARD])), max_size=25)


def move(store: Store, key: str, giver: str, taker: str, amount: int, asset: str = POINTS) -> int | None:
    return store.ledger.move(key, giver, taker, amount, asset=asset, at=1, event_id=key, cause="测试")


@given(moves, st.lists(st.integers(1, 30), max_size=10))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_movements_and_reversals_sum_to_zero_and_balances_run_right(
    store: Store, made: list[tuple[str, str, int, str]], reversals: list[int]
) -> None:
    store.db.execute("DELETE FROM entry")
    store.db.execute("DELETE FROM movement")
    expected: Counter[tuple[str, str]] = Counter()
    done: dict[int, tuple[str, str, int, str]] = {}
    for index, one in enumerate(made):
        giver, taker, amount, asset = one
        if giver == taker:
            continue
        number = move(store, f"k{index}", giver, taker, amount, asset)
        assert number is not None
        done[number] = one
        expected[giver, asset] -= amount
        expected[taker, asset] += amount
    reversed_once: set[int] = set()
    for number in reversals:
        counter = store.ledger.reverse(number, at=2, event_id=f"r{number}", cause="撤销")
        assert (counter is not None) == (number in done and number not in reversed_once)
        if counter is not None:
            reversed_once.add(number)
            giver, taker, amount, asset = done[number]
            expected[giver, asset] += amount
            expected[taker, asset] -= amount
    for (owner, asset), balance in expected.items():
        assert store.ledger.balance(owner, asset) == balance
    assert store.db.execute("SELECT coalesce(sum(amount), 0) FROM entry").fetchone() == (0,)


def test_a_key_moves_once(store: Store) -> None:
    assert move(store, "check_in/e1", "house:shop", "member:a", 5) is not None
    assert move(store, "check_in/e1", "house:shop", "member:a", 5) is None
    assert store.ledger.balance("member:a") == 5


def test_a_movement_is_reversed_once_and_a_reversal_not_found_is_none(store: Store) -> None:
    number = move(store, "k", "house:shop", "member:a", 5)
    assert number is not None
    assert store.ledger.reverse(number, at=2, event_id="u1", cause="撤销") is not None
    assert store.ledger.is_reversed(number)
    assert store.ledger.reverse(number, at=3, event_id="u2", cause="撤销") is None
    assert store.ledger.reverse(99, at=3, event_id="u2", cause="撤销") is None
    assert store.ledger.balance("member:a") == 0


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entry SET amount = 0",
        "INSERT INTO entry (movement_id, account, asset, amount, balance) VALUES (999, 'member:a', 'points', 1, 1)",
        "INSERT INTO entry (movement_id, account, asset, amount, balance) VALUES (1, 'member:a', 'gold', 1, 1)",
        "INSERT INTO movement (key, at, event_id, cause, reverses) VALUES ('a', 1, 'e', 'c', 1), ('b', 1, 'e', 'c', 1)",
        "INSERT INTO movement (key, at, event_id, cause) VALUES ('k', 1, 'e', 'c')",
    ],
)
def test_the_tables_refuse_what_would_break_the_books(store: Store, sql: str) -> None:
    assert move(store, "k", "house:shop", "member:a", 5) == 1
    with pytest.raises(sqlite3.IntegrityError):
        store.db.execute(sql)
        store.db.execute("COMMIT")


def test_a_movement_knows_both_sides(store: Store) -> None:
    number = move(store, "k", "house:shop", account("a"), 5)
    assert number is not None
    found = store.ledger.get(number)
    assert found is not None
    assert (found.giver, found.taker, found.amount, found.asset) == ("house:shop", "member:a", 5, POINTS)
    assert store.ledger.by_key("k") == found
    assert store.ledger.by_event("k") == number
    assert store.ledger.get(99) is None


def test_standing_finds_what_a_prefix_names_and_nothing_beside_it(store: Store) -> None:
    for key in ("m/a/1", "m/a/2", "m/ab/1", "m/b"):
        move(store, key, "house:shop", "member:a", 1)
    found = store.ledger.standing("m/a/")
    assert set(found) == {"m/a/1", "m/a/2"}
    store.ledger.reverse(found["m/a/1"], at=1, event_id="u", cause="撤销")
    assert set(store.ledger.standing("m/a/")) == {"m/a/2"}


def test_a_prize_is_owed_then_handed_or_taken_back_but_never_both(store: Store) -> None:
    def owe() -> bool:
        return store.prizes.owe("p", "a", "杯子", group_id="g", at=1, event_id="e")

    assert owe()
    assert not owe()
    assert store.prizes.take_back("p")
    assert not store.prizes.hand_over(1)
    assert owe()
    assert store.prizes.hand_over(1)
    assert not store.prizes.hand_over(1)
    assert not store.prizes.take_back("p")
    assert store.prizes.owed("g", 9) == []
