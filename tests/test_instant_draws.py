"""Instant draws: stock and odds hold for any members in any order, and the hundred-thousandth try costs no more."""

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.context import Context, Desk
from bot.draw_plan import DrawPlan, plan_of
from bot.draw_proof import proof_lines
from bot.drawing import Drawing
from bot.drawing.closing import close
from bot.drawing.instant import attempt
from bot.drawing.opening import start
from bot.events import MessageReceived
from bot.games import draw as rule
from bot.stage import CHANNEL, START
from bot.words import NOTHING
from bot.world import Luck
from storage.database import Database
from storage.draws import Draw
from storage.store import Store
from tests.conftest import a_config

SECRETS = st.integers(0, 1 << 64).map(lambda number: f"{number:064x}")


def a_plan(prizes: list[tuple[int, int]], tries: int) -> DrawPlan:
    """A plan with (quantity, parts per million) of each prize."""
    return plan_of(
        {
            "name": "即时", "mode": "instant", "word": "冲", "conditions": "都可以", "lasts": "1d", "tries": tries,
            "prizes": [{"name": f"奖{n}", "quantity": many, "odds": odds} for n, (many, odds) in enumerate(prizes)],
            "redeem": "找店长", "unclaimed": "forfeit", "organiser": "福利社", "contact": "店长",
        }
    )  # fmt: skip


class Booth:
    """One instant draw on empty tables, without the rest of the bot around it."""

    def __init__(self, plan: DrawPlan, secret: str) -> None:
        self.db = Database.open(cast("Any", _Memory()), "off")
        self.db.begin()
        self.store = Store(self.db)
        self.plan = plan
        self.config = a_config()
        self.desk = SimpleNamespace(secret=lambda *_: secret, words=lambda _settings: [])
        self.count = 0
        drawing = self._drawing("boss")
        self.draw: Draw = start(drawing, plan, ("g",))[0]

    def _drawing(self, member: str) -> Drawing:
        self.count += 1
        event = MessageReceived(
            id=f"m{self.count}", at=START, channel=CHANNEL, group="g", member=member, name=member, text="冲"
        )
        return Drawing(
            Context(
                event, now=START, reading=NOTHING, settings=self.config.group("g"), role=None, store=self.store,
                config=self.config, luck=Luck("x"), desk=cast("Desk", self.desk), on_wake=lambda _due: None,
            )
        )  # fmt: skip

    def tries(self, member: str) -> tuple[str, dict[str, object]]:
        """A member tries: what they are told."""
        key, slots, _ = attempt(self._drawing(member), self.draw, self.plan)
        return key, slots

    def end(self) -> str:
        """The draw ends; its proof."""
        close(self._drawing("boss"), self.store.draws.get(self.draw.id) or self.draw, "到点")
        ended = self.store.draws.get(self.draw.id)
        assert ended is not None
        return "\n".join(proof_lines(self.store.draws, ended))

    def close(self) -> None:
        self.db.rollback()
        self.db.close()


class _Memory:
    """A path that SQLite opens in memory."""

    parent = SimpleNamespace(mkdir=lambda **_: None)

    def __fspath__(self) -> str:
        return ":memory:"


@settings(max_examples=60, deadline=None)
@given(
    prizes=st.lists(st.tuples(st.integers(1, 4), st.integers(20_000, 300_000)), min_size=1, max_size=3),
    tries=st.integers(1, 3),
    order=st.lists(st.integers(0, 9), max_size=40),
    secret=SECRETS,
)
def test_whoever_tries_in_whatever_order_stock_tries_and_odds_are_the_published_ones(
    prizes: list[tuple[int, int]], tries: int, order: list[int], secret: str
) -> None:
    booth = Booth(a_plan(prizes, tries), secret)
    won: dict[str, int] = {}
    tried: Counter[str] = Counter()
    given_away: Counter[int] = Counter()
    ended = False
    seed = rule.seed_of(booth.draw.id, booth.draw.rules, "instant", "-", secret)
    for member in (f"u{one}" for one in order):
        if ended:
            break
        key, slots = booth.tries(member)
        if member in won:
            assert key == "draw.try_done"
        elif tried[member] == tries:
            assert key == "draw.try_none"
        else:
            tried[member] += 1
            lines = booth.store.draws.tries(booth.draw.id)
            due = rule.hit(
                rule.try_luck(seed, len(lines), lines[-1]), rule.stocks(booth.draw.rules), dict(given_away)
            )  # fmt: skip
            assert key == ("draw.try_lost" if due is None else "draw.try_won")
            assert slots["try"] == len(lines)
            if due is not None:
                won[member] = due
                given_away[due] += 1
        left = [(one.quantity, one.remaining) for one in booth.store.draws.prizes(booth.draw.id)]
        assert left == [(many, many - given_away[n]) for n, (many, _) in enumerate(prizes, start=1)]
        ended = sum(given_away.values()) == sum(many for many, _ in prizes)
    state = booth.store.draws.get(booth.draw.id)
    assert state is not None
    assert (state.state == "drawn") == ended
    proof = booth.end()
    assert rule.verify(proof)[0] == []
    wins = booth.store.draws.winners(booth.draw.id)
    assert {one.member_id: one.prize for one in wins} == won
    booth.close()


def test_over_many_tries_each_prize_comes_as_often_as_was_published() -> None:
    odds = [(10_000, 20_000), (10_000, 100_000)]
    booth = Booth(a_plan(odds, 1), "5" * 64)
    many = 20_000
    outcomes = Counter(booth.tries(f"u{number}")[1].get("prize") for number in range(many))
    square = 0.0
    for name, share in (("奖0", 0.02), ("奖1", 0.1), (None, 0.88)):
        square += (outcomes[name] - many * share) ** 2 / (many * share)
    assert square < 13.8, outcomes  # two degrees of freedom: one run in a thousand, and this run is always the same
    booth.close()


def test_a_try_after_a_hundred_thousand_costs_what_the_first_did() -> None:
    booth = Booth(a_plan([(5_000, 1_000), (5_000, 400_000)], 1), "7" * 64)
    for number in range(30):
        booth.tries(f"first{number}")
    before = _most_steps(booth, "early")
    _crowd(booth, 100_000, 4_000)
    after = _most_steps(booth, "late")
    assert after <= before * 1.5, (before, after)
    booth.close()


def _most_steps(booth: Booth, who: str) -> int:
    """How many steps SQLite's machine makes for the dearest of a few tries, won and lost ones."""
    most = 0
    for number in range(20):
        steps = [0]

        def count(steps: list[int] = steps) -> int:
            steps[0] += 1
            return 0

        booth.db.conn.set_progress_handler(count, 1)
        booth.tries(f"{who}{number}")
        booth.db.conn.set_progress_handler(None, 1)
        most = max(most, steps[0])
    return most


def _crowd(booth: Booth, tries: int, winners: int) -> None:
    """So many have tried, and won, already."""
    first = len(booth.store.draws.tries(booth.draw.id))
    turn, given_away = booth.store.draws.won_so_far(booth.draw.id)
    late = int((START + timedelta(hours=1)).timestamp() * 1000)
    booth.db.executemany(
        "INSERT INTO draw_try VALUES (1,?,?,'g','x','2026-12-02',1,?,'e')",
        [(first + n, f"c{n}", late) for n in range(1, tries + 1)],
    )
    booth.db.executemany(
        "INSERT INTO draw_winner (draw_id, turn, place, member_id, group_id, number, prize, state, at, due)"
        " VALUES (1,?1,?1,?2,'g',?1,2,'won',?3,?3)",
        [(turn + n, f"c{n}", late) for n in range(1, winners + 1)],
    )
    booth.db.execute("UPDATE draw_prize SET remaining = quantity - ? WHERE prize = 2", (given_away[2] + winners,))
