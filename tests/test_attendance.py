"""The attendance book: whatever happens in whatever order, streaks, points and awards follow from the days alone."""

import asyncio
import contextlib
import itertools
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.attendance import Page
from bot.games.streaks import owed, streaks_from
from bot.settings.checkin import CheckIn, Milestone
from storage.database import Database
from storage.ledger import CARD, account
from storage.store import Store
from tests.conftest import BOSS, Book, OpenRoom, Room, a_config, at, group_config, keys

FIRST = date(2026, 12, 1)
RULES = CheckIn(
    points=5,
    milestones=(
        Milestone(days=2, points=3),
        Milestone(days=3, prize="试吃装一份"),
        Milestone(days=5, points=20, cards=1, prize="杯子"),
    ),
)
numbers = st.integers(0, 13)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


@contextlib.contextmanager
def a_book(rules: CheckIn = RULES) -> Iterator[Book]:
    """An empty book in memory of its own."""
    with TemporaryDirectory() as folder:
        database = Database.open(Path(folder) / "book.db", "off")
        database.begin()
        try:
            yield Book(Store(database), rules)
        finally:
            database.rollback()
            database.close()


def rows(book: Book) -> list[tuple[str, str, int]]:
    return [(row.day, row.kind, row.streak) for row in book.store.check_ins.since("g", "m", "0000")]


def standing_awards(book: Book) -> list[tuple[str, int, str]]:
    """Every milestone that stands: the day it was won on, its length and what it gave."""
    found = book.store.db.execute(
        "SELECT m.key, e.asset FROM movement m JOIN entry e ON e.movement_id = m.id AND e.amount > 0"
        " WHERE m.key LIKE 'milestone/%' AND NOT EXISTS (SELECT 1 FROM movement r WHERE r.reverses = m.id)"
        " UNION ALL SELECT key, 'prize' FROM prize WHERE state <> 'taken_back'"
    )
    return [(key.split("/")[3], int(key.split("/")[4]), asset) for key, asset in found]


def standing(book: Book) -> Counter[tuple[int, str]]:
    """How often each milestone stands, by length and by what it gave."""
    return Counter((days, asset) for _, days, asset in standing_awards(book))


def prove(book: Book) -> None:
    """The promises: streaks as recomputed, awards as owed, points as earned, sums zero, running balances right."""
    now = rows(book)
    days = [date.fromisoformat(one) for one, _, _ in now]
    assert [streak for _, _, streak in now] == streaks_from(None, days)
    expected: Counter[tuple[int, str]] = Counter()
    steps = {one.days: one for one in book.rules.milestones}
    for award in owed([(one, streak) for one, _, streak in now], book.rules.milestones):
        step = steps[award.days]
        gifts = (("points", step.points), (CARD, step.cards), ("prize", step.prize))
        expected.update((award.days, asset) for asset, gift in gifts if gift)
    assert standing(book) == expected
    assert len(set(standing_awards(book))) == len(standing_awards(book))  # none won twice on one day
    own = sum(kind == "own" for _, kind, _ in now)
    points = sum(steps[days].points * times for (days, asset), times in expected.items() if asset == "points")
    assert book.store.ledger.balance(account("m")) == book.rules.points * own + points
    prove_ledger(book.store)


def prove_ledger(store: Store) -> None:
    """Both sides of every movement cancel out, and each running balance is the sum so far."""
    assert store.db.execute("SELECT coalesce(sum(amount), 0) FROM entry").fetchone() == (0,)
    for (total,) in store.db.execute("SELECT sum(amount) FROM entry GROUP BY movement_id"):
        assert total == 0
    running: Counter[tuple[str, str]] = Counter()
    for owner, asset, amount, balance in store.db.execute(
        "SELECT account, asset, amount, balance FROM entry ORDER BY id"
    ):
        running[owner, asset] += amount
        assert balance == running[owner, asset]


@given(st.lists(numbers, max_size=20))
@settings(max_examples=60, deadline=None)
def test_days_in_any_order_and_repeated_bring_what_the_days_alone_bring(taps: list[int]) -> None:
    with a_book() as book:
        for tap in taps:
            fresh = not book.page().taken(day(tap))
            assert (book.page().write(day(tap), kind="own") is not None) == fresh
            prove(book)
        assert [one for one, _, _ in rows(book)] == [day(one).isoformat() for one in sorted(set(taps))]


@given(st.sets(numbers, min_size=2, max_size=9), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_arrival_changes_neither_rows_nor_balance_nor_awards(days: set[int], shuffler: object) -> None:
    results = []
    orders = [sorted(days), sorted(days, reverse=True), sorted(days)]
    shuffler.shuffle(orders[2])  # type: ignore[attr-defined]
    for order in orders:
        with a_book() as book:
            for number in order:
                book.page().write(day(number), kind="own")
            balances = [book.store.ledger.balance(account("m"), asset) for asset in ("points", CARD)]
            results.append((rows(book), balances, standing(book)))
    assert results[0] == results[1] == results[2]


class AnyLife(RuleBasedStateMachine):
    """A member who checks in, makes up and is corrected by staff, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.context = a_book()
        self.book = self.context.__enter__()
        self.model: dict[int, str] = {}

    @rule(number=numbers)
    def check_in(self, number: int) -> None:
        written = self.book.page().write(day(number), kind="own")
        assert (written is None) == (number in self.model)
        self.model.setdefault(number, "own")

    @rule(number=numbers)
    def make_up(self, number: int) -> None:
        written = self.book.page().write(day(number), kind="make_up")
        assert (written is None) == (number in self.model)
        self.model.setdefault(number, "make_up")

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.model)))
        self.book.page().strike(day(number))
        del self.model[number]

    @rule(number=numbers)
    def undo_what_is_not_there(self, number: int) -> None:
        if number not in self.model:
            assert self.book.page().strike(day(number)) == []

    @invariant()
    def everything_follows_from_the_days(self) -> None:
        expected = [(day(number).isoformat(), self.model[number]) for number in sorted(self.model)]
        assert [(one, kind) for one, kind, _ in rows(self.book)] == expected
        prove(self.book)

    def teardown(self) -> None:
        self.context.__exit__(None, None, None)


AnyLife.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_any_life_of_a_member_keeps_the_promises = AnyLife.TestCase


def test_an_undone_day_takes_back_the_award_that_moved_to_an_earlier_day(store: Store) -> None:
    """4-5-6-7 with the 3-day award won on the 7th: striking the 7th leaves 4-5-6, and the award."""
    book = Book(store, RULES)
    for number in (5, 6, 7, 4):
        book.page().write(day(number), kind="own")
    assert book.page().strike(day(7)) == []
    prove(book)


def test_a_cut_run_wins_on_its_own_days(store: Store) -> None:
    """5-6-7, then 4-3-2-1 late, then the 4th is undone: both halves have three days, so two awards stand."""
    book = Book(store, RULES)
    for number in (5, 6, 7, 4, 3, 2, 1):
        book.page().write(day(number), kind="own")
    book.page().strike(day(4))
    prove(book)
    assert standing(book)[3, "prize"] == 2


def test_an_award_that_staff_took_back_costs_no_other_run_its_own(store: Store) -> None:
    book = Book(store, RULES)
    for number in (1, 2, 6, 7):
        book.page().write(day(number), kind="own")
    second = next(number for key, number in store.ledger.standing("milestone/").items() if "2026-12-08/2/" in key)
    store.ledger.reverse(second, at=9, event_id="undo", cause="撤销")
    book.page().strike(day(6))
    assert [(won, days) for won, days, _ in standing_awards(book)] == [(day(2).isoformat(), 2)]
    assert store.ledger.balance(account("m")) == 3 * RULES.points + 3
    prove_ledger(store)


def test_a_prize_that_was_handed_over_is_not_owed_again(store: Store) -> None:
    book = Book(store, RULES)
    for number in (1, 2, 3):
        book.page().write(day(number), kind="own")
    ((number, _, _, _),) = store.prizes.owed("g", 9)
    assert store.prizes.hand_over(number)
    book.page().strike(day(2))
    book.page().write(day(2), kind="own")
    assert store.prizes.owed("g", 9) == []
    assert store.ledger.balance(account("m")) == 3 * RULES.points + 3
    prove_ledger(store)


def test_a_milestone_that_staff_add_later_does_not_reach_back(store: Store) -> None:
    book = Book(store, CheckIn(milestones=()))
    for number in (1, 2, 3):
        book.page().write(day(number), kind="own")
    book.rules = RULES
    book.page().write(day(4), kind="own")
    assert standing(book) == Counter()
    book.page().write(day(5), kind="own")
    assert standing(book) == {(5, "points"): 1, (5, CARD): 1, (5, "prize"): 1}


def test_a_milestone_that_staff_drop_later_stays_won(store: Store) -> None:
    book = Book(store, RULES)
    for number in (1, 2, 3):
        book.page().write(day(number), kind="own")
    book.rules = CheckIn(points=5, milestones=(Milestone(days=4, points=1),))
    book.page().write(day(4), kind="own")
    assert standing(book)[3, "prize"] == 1


def test_without_points_a_day_still_counts(store: Store) -> None:
    book = Book(store, CheckIn(points=0, milestones=()))
    written = book.page().write(day(1), kind="own")
    assert written is not None
    assert (written.points, written.streak) == (0, 1)
    assert store.db.execute("SELECT count(*) FROM movement").fetchone() == (0,)


@pytest.mark.parametrize("odd", ["a/b", "a%2Fb", "a'b", "a\nb", "a%", "a_"])
def test_pages_of_members_with_odd_ids_do_not_mix(store: Store, odd: str) -> None:
    for number in (1, 2, 3):
        for member in ("a", odd, "b"):
            Page(store, RULES, "g/%", member, f"{member}/{number}", 1).write(day(number), kind="own")
    assert len(Page(store, RULES, "g/%", odd, "undo", 2).strike(day(3))) == 1
    balances = {member: store.ledger.balance(account(member)) for member in ("a", odd, "b")}
    assert balances == {"a": 18, odd: 13, "b": 18}
    assert [member for _, member, _, _ in store.prizes.owed("g/%", 9)] == ["a", "b"]
    prove_ledger(store)


def test_the_table_refuses_a_second_check_in_of_a_day(store: Store) -> None:
    def add(event_id: str) -> bool:
        return store.check_ins.add("g", "m", "2026-12-01", at=1, kind="own", streak=1, event_id=event_id)

    assert add("e1")
    assert not add("e2")
    with pytest.raises(sqlite3.IntegrityError):
        store.db.execute("INSERT INTO check_in VALUES ('g', 'm', '2026-12-01', 1, 'own', 1, 'e3')")


# -- by talking ----------------------------------------------------------------------------------------------------


async def test_ten_taps_at_once_are_one_check_in(quiet_stage: Room) -> None:
    said = await quiet_stage.everyone_says(["小明"] * 10, "签到")
    assert keys(said) == ["checkin.done"] + ["checkin.again"] * 9
    assert quiet_stage.one("SELECT count(*) FROM check_in") == 1
    assert quiet_stage.one("SELECT balance FROM entry WHERE account = 'member:小明' ORDER BY id DESC LIMIT 1") == 5


async def test_a_day_that_arrives_late_joins_the_streaks_around_it(quiet_stage: Room) -> None:
    await quiet_stage.says("小明", "签到", at=at("11-29 09:00"))
    await quiet_stage.says("小明", "签到", at=at("12-01 09:00"))
    said = await quiet_stage.says("小明", "签到", at=at("11-30 09:00"))
    assert keys(said) == ["checkin.repaired"]
    assert quiet_stage.rows("SELECT day, streak FROM check_in ORDER BY day") == [
        ("2026-11-29", 1), ("2026-11-30", 2), ("2026-12-01", 3),
    ]  # fmt: skip
    assert quiet_stage.one("SELECT count(*) FROM prize WHERE state = 'owed'") == 1


async def test_a_day_beyond_the_limit_is_not_written(quiet_stage: Room) -> None:
    assert keys(await quiet_stage.says("小明", "签到", at=at("10-01 09:00"))) == ["checkin.too_late"]
    assert quiet_stage.one("SELECT count(*) FROM check_in") == 0


@pytest.mark.parametrize("order", list(itertools.permutations(["11-30 20:00", "12-01 00:30", "12-02 00:30"])))
async def test_taps_in_the_grace_take_the_same_days_in_any_order(open_room: OpenRoom, order: tuple[str, ...]) -> None:
    room = await open_room(group_config(scripts=[], checkin={"grace": "2h"}))
    for moment in order:
        await room.says("小明", "签到", at=at(moment))
    assert [row[0] for row in room.rows("SELECT day FROM check_in ORDER BY day")] == [
        "2026-11-30", "2026-12-01", "2026-12-02",
    ]  # fmt: skip
    assert room.one("SELECT balance FROM entry WHERE account = 'member:小明' ORDER BY id DESC LIMIT 1") == 15


taps = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["00:30", "01:30", "09:00", "20:00", "23:59"])),
    unique=True,
    max_size=7,
)


@given(taps, st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_with_a_grace_the_order_of_arrival_does_not_change_the_days(
    moments: list[tuple[int, str]], shuffler: object
) -> None:
    async def days_after(order: list[tuple[int, str]]) -> list[tuple[object, ...]]:
        with TemporaryDirectory() as folder:
            room = Room(
                lambda: a_config(group_config(scripts=[], checkin={"grace": "2h"})), Path(folder) / "x.db",
                start=at("12-10 12:00"),
            )  # fmt: skip
            await room.open()
            for number, clock in order:
                await room.says("小明", "签到", at=at(f"12-0{number + 2} {clock}"))
            found = room.rows("SELECT day, streak FROM check_in ORDER BY day")
            found += room.rows("SELECT sum(amount) FROM entry WHERE account LIKE 'member:%'")
            await room.close()
            return found

    mixed = sorted(moments)
    shuffler.shuffle(mixed)  # type: ignore[attr-defined]
    assert asyncio.run(days_after(sorted(moments))) == asyncio.run(days_after(mixed))


async def test_a_make_up_card_is_earned_and_spent(quiet_stage: Room) -> None:
    room = quiet_stage
    for number in (*range(10, 17), 18):
        await room.says("小明", "签到", at=at(f"11-{number} 09:00"))
    for text, expected in (("补签 11-17", "checkin.bad_day"), ("补签 昨日", "checkin.bad_day")):
        assert keys(await room.says("小明", text)) == [expected]
    await room.says("小明", "签到", at=at("11-30 09:00"))
    await room.says("小明", "签到")
    assert room.app.store.ledger.balance("member:小明", CARD) == 1
    said = await room.says("小明", "补签 12-01")
    assert keys(said) == ["checkin.made_up"]
    assert room.app.store.ledger.balance("member:小明", CARD) == 0
    assert room.rows("SELECT day, kind, streak FROM check_in WHERE day >= '2026-11-30' ORDER BY day") == [
        ("2026-11-30", "own", 1), ("2026-12-01", "make_up", 2), ("2026-12-02", "own", 3),
    ]  # fmt: skip
    assert keys(await room.says("小明", "补签 11-28")) == ["checkin.no_cards"]


async def test_a_made_up_day_brings_no_points_of_its_own(quiet_stage: Room) -> None:
    room = quiet_stage
    for moment in (*(f"11-{number} 09:00" for number in range(20, 27)), "11-28 09:00"):
        await room.says("小明", "签到", at=at(moment))
    before = room.app.store.ledger.balance("member:小明")
    assert keys(await room.says("小明", "补签")) == ["checkin.made_up"]
    assert room.app.store.ledger.balance("member:小明") == before


@pytest.mark.parametrize("text", ["补签 13-01", "补签 12-32", "补签 明天", "补签 1", "补签 2-29", "补签 99999999999-1"])
async def test_a_day_that_cannot_be_read_is_kindly_refused(quiet_stage: Room, text: str) -> None:
    await quiet_stage.says("小明", "签到", at=at("11-29 09:00"))
    assert keys(await quiet_stage.says("小明", text)) == ["checkin.bad_day"]


async def test_check_in_in_private_points_to_the_group(quiet_stage: Room) -> None:
    assert keys(await quiet_stage.says("小明", "签到", private=True)) == ["checkin.only_in_group"]
    assert quiet_stage.one("SELECT count(*) FROM check_in") == 0


async def test_the_board_ranks_pages_and_shows_ones_own_place(quiet_stage: Room) -> None:
    room = quiet_stage
    assert keys(await room.says("小明", "签到榜")) == ["checkin.board_empty"]
    for number in range(12):
        await room.says(f"成员{number:02}", "签到")
    await room.says("成员05", "签到", at=at("12-01 09:00"))
    (first,) = await room.says("成员11", "签到榜")
    assert "1. 成员05 2 天" in first.text
    assert "2. 成员00 1 天" in first.text
    assert "成员11 1 天" not in first.text
    (second,) = await room.says("成员11", "签到榜 2")
    assert "2. 成员11 1 天" in second.text
    (beyond,) = await room.says("路人", "签到榜 999")
    assert "成员11" in beyond.text


async def test_each_group_has_its_own_book_and_one_account_of_points(quiet_stage: Room) -> None:
    room = quiet_stage
    await room.says("小明", "签到")
    room.group = "another"
    said = await room.says("小明", "签到")
    assert keys(said) == ["checkin.done"]
    assert room.app.store.ledger.balance("member:小明") == 10


async def test_the_business_day_is_that_of_the_zone_of_the_group(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[], zone="America/Los_Angeles"))
    await room.says("小明", "签到")  # 2026-12-01 19:58 in Los Angeles
    assert room.one("SELECT day FROM check_in") == "2026-12-01"


async def test_undo_of_a_made_up_day_gives_the_card_back(quiet_stage: Room) -> None:
    room = quiet_stage
    for moment in (*(f"11-{number} 09:00" for number in range(20, 27)), "11-28 09:00"):
        await room.says("小明", "签到", at=at(moment))
    await room.says("小明", "补签")
    number = room.one("SELECT id FROM movement WHERE key LIKE 'make_up/%'")
    assert keys(await room.boss_says(f"撤销 {number}")) == ["undo.done", "undo.told"]
    assert room.app.store.ledger.balance("member:小明", CARD) == 1
    assert room.rows("SELECT day FROM check_in WHERE kind = 'make_up'") == []
    prove_ledger(room.app.store)
    assert room.rows("SELECT staff_id, action FROM audit") == [(BOSS, "撤销")]
