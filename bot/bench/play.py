"""Play under load: everybody enters a draw or buzzes in the same moment; a draw of very many entrants, recomputed."""

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

from bot.app import App
from bot.bench.bot_run import Crowd
from bot.bench.run import Run
from bot.channels import Hear
from bot.channels.pipe import NAME
from bot.config import Config, load_config, shipped
from bot.draw_proof import proof_lines
from bot.events import MessageReceived
from bot.games import draw as rule
from bot.world import RealWorld

CROWD = 500
"""People in one group at most: that is what WeChat allows."""
OPENINGS = ("开奖 {plan}", "抢答")
LATE = 10
"""The last tenth of a group's answers is right: all others are judged and recorded before there is a winner."""


class Players(Crowd):
    """Members of many groups, all of whom send one message in the same moment, after staff opened the play.

    `messages` is asked for what they send once it is open.
    """

    def __init__(self, openings: list[MessageReceived], messages: Callable[[], list[MessageReceived]]) -> None:
        super().__init__((), 0)
        self._openings = openings
        self.cpu = 0.0
        """Seconds of processor time that it took: neighbours on the machine change it less than the clock's."""
        self._say = messages

    async def run(self, hear: Hear) -> None:
        for event in self._openings:
            await hear(event)
        said = self._say()
        self._in_flight, self._messages = len(said), iter(said)
        start = process_time()
        await super().run(hear)
        self.cpu = process_time() - start


@dataclass(frozen=True, slots=True)
class Played:
    """How fast it was, and what the tables say afterwards. `winners`: how many each question has."""

    run: Run
    cpu: float
    entries: int
    guesses: int
    winners: list[int]


def a_message(number: int, group: str, member: str, text: str) -> MessageReceived:
    """What a member says now."""
    return MessageReceived(
        id=f"play-{number}", at=RealWorld().now(), channel=NAME, group=group, member=member, name=f"群友{member}",
        text=text,
    )  # fmt: skip


def _config() -> tuple[Config, str, str, str]:
    """The shipped settings, somebody who may open a draw, and a shipped draw with its passphrase."""
    config = load_config(shipped("config.toml"))
    return config, next(iter(config.staff)), "新品试吃", "我要尝鲜"


def play(db: Path, people: int) -> Played:
    """So many people at once, groups of 500: in each, one half enters the draw, the other half buzzes."""
    config, boss, plan, word = _config()
    groups = [f"group-{number:02}" for number in range(max(1, people // CROWD))]
    openings = [
        a_message(number * len(OPENINGS) + place, group, boss, text.format(plan=plan))
        for number, group in enumerate(groups) for place, text in enumerate(OPENINGS)
    ]  # fmt: skip

    def messages() -> list[MessageReceived]:
        answers = dict(
            app.database.execute(
                "SELECT group_id, json_extract(state, '$.questions[0].answers[0]') FROM game_session"
                " WHERE game = 'quiz'"
            ).fetchall()
        )
        return list(_messages(people, groups, answers, word))

    crowd = Players(openings, messages)
    app = App(config, RealWorld(), {NAME: crowd}, db=db, synchronous="full")
    try:
        asyncio.run(app.listen())
        return Played(crowd.result, crowd.cpu, *_counted(app.database.conn))
    finally:
        app.close()


def _messages(people: int, groups: list[str], answers: dict[str, str], word: str) -> Iterator[MessageReceived]:
    """The groups in turns, as a busy server hears them; entries and buzzes in turns."""
    buzzes = people // len(groups) // 2
    for number in range(people):
        group, place = groups[number % len(groups)], number // len(groups)
        right = place // 2 >= buzzes - max(1, buzzes // LATE)
        text = word if place % 2 else answers[group] if right else f"会不会是{place}"
        yield a_message(1_000_000 + number, group, f"member-{number:05}", text)


def _counted(conn: sqlite3.Connection) -> tuple[int, int, list[int]]:
    entries = int(conn.execute("SELECT count(*) FROM draw_entry").fetchone()[0])
    rows = conn.execute(
        "SELECT count(*), count(rank) FROM quiz_question q LEFT JOIN quiz_answer a ON a.session_id = q.session_id"
        " AND a.number = q.number GROUP BY q.session_id, q.number"
    ).fetchall()
    return entries, sum(row[0] for row in rows), [row[1] for row in rows]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Seconds: `draw` until the result is durable, `floor` for nothing but the hashes and the order, `proof` to write
    the proof, `verify` to recompute it from its text. `right`: what the recomputation said."""

    draw: float
    floor: float
    proof: float
    verify: float
    right: bool


def draw(db: Path, entrants: int) -> Drawn:
    """One draw of so many entrants, closed and drawn by a word of staff through the whole bot."""
    config, boss, plan, _ = _config()
    taken: list[float] = []

    class Boss(Crowd):
        async def run(self, hear: Hear) -> None:
            await hear(a_message(0, "group-00", boss, f"开奖 {plan}"))
            _fill(app, entrants)
            start = perf_counter()
            await hear(a_message(1, "group-00", boss, "立即开奖 1 测速"))
            taken.append(perf_counter() - start)

    app = App(config, RealWorld(), {NAME: Boss((), 0)}, db=db, synchronous="full")
    try:
        asyncio.run(app.listen())
        known = app.store.draws.get(1)
        assert known is not None
        start = perf_counter()
        text = "\n".join(proof_lines(app.store.draws, known))
        proof = perf_counter() - start
    finally:
        app.close()
    start = perf_counter()
    problems, _ = rule.verify(text)
    return Drawn(taken[0], _bare(entrants), proof, perf_counter() - start, not problems and known.state == "drawn")


def _fill(app: App, entrants: int) -> None:
    """Entrants who came before, written straight into the table."""
    known = app.store.draws.get(1)
    assert known is not None
    app.database.begin()
    app.database.executemany(
        "INSERT INTO draw_entry VALUES (1, ?, ?, 'group-00', ?, 0, 'play-0')",
        ((n, f"m{n}", rule.code_of(known.commitment, f"m{n}")) for n in range(1, entrants + 1)),
    )
    app.database.commit()
    app.store.draws.forget_cache()


def _bare(entrants: int) -> float:
    """What nobody can do without: one hash for each entrant, and the order of them."""
    start = perf_counter()
    seed = hashlib.sha256(b"seed\n")
    scores = []
    for number in range(1, entrants + 1):
        one = seed.copy()
        one.update(b"%d\n0123456789\n1" % number)
        scores.append((one.digest(), number))
    scores.sort()
    return perf_counter() - start
