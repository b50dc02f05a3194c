"""SIGKILL in the middle of play: a draw, a buzz quiz, floors and a relay come out as if nothing had happened."""

import json
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from bot.config import shipped
from bot.games.idioms import answers
from bot.quizbank import load_banks
from tests.quick_process import Forked

START = datetime.fromisoformat("2026-12-02T12:00:00+08:00")
STEP = timedelta(seconds=20)
CHUNKS = 42
DRAW_ENDS, FLOORS_END = 36, 30
"""In which chunk the deadline of the draw, and of the floors, goes by."""
KILLS = 22
PEOPLE = 40
CONFIG = """
[bot]
seed = "plays"
draws = "{draws}"
[[staff]]
id = "boss"
name = "店长"
role = "owner"
[groups.gq.quiz]
pause = 5
seconds = 60
"""
PLAN = """
name = "短抽"
word = "冲呀"
conditions = "都可以"
lasts = "12min"
redeem = "找店长"
unclaimed = "redraw"
organiser = "福利社"
contact = "店长"
[[prizes]]
name = "试吃"
quantity = 5
"""
Chunk = list[dict[str, Any]]


class Life:
    """One life of `yuanzi pipe`, in the time of its events."""

    def __init__(self, config: Path, db: Path) -> None:
        self.said: list[dict[str, Any]] = []
        self.acknowledged: set[str] = set()
        self._process = self._start("pipe", "--config", str(config), "--db", str(db), "--acks", "--clock", "events")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in: IO[bytes] = self._process.stdin
        self._out: IO[bytes] = self._process.stdout

    def _start(self, *arguments: str) -> "Forked | subprocess.Popen[bytes]":
        return Forked(*arguments)

    def write(self, events: Chunk) -> None:
        """Hands events in, all at once."""
        self._in.write(b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in events))
        self._in.flush()

    def play(self, events: Chunk) -> list[dict[str, Any]]:
        """Hands events in and waits until all are durable; what was said meanwhile."""
        before = len(self.said)
        self.write(events)
        wanted = {one["id"] for one in events if one["type"] == "message"}
        while not wanted <= self.acknowledged:
            raw = self._out.readline()
            assert raw, self._errors()
            self._hear(raw)
        return self.said[before:]

    def kill(self, patience: float) -> None:
        """SIGKILL as soon as anything is heard, or so many seconds later when nothing is."""
        select.select([self._out], [], [], patience)
        os.kill(self._process.pid, signal.SIGKILL)
        assert self._end() == -signal.SIGKILL

    def finish(self) -> None:
        """The input ends."""
        self._in.close()
        assert self._end() == 0

    def _end(self) -> int:
        for raw in self._out:
            self._hear(raw)
        code = self._process.wait()
        assert code != 0 or self._errors() == ""
        for pipe in (self._in, self._out, self._process.stderr):
            assert pipe is not None
            pipe.close()
        return code

    def _errors(self) -> str:
        assert self._process.stderr is not None
        return self._process.stderr.read().decode()

    def _hear(self, raw: bytes) -> None:
        if raw.endswith(b"\n"):  # else cut off by the kill
            line = json.loads(raw)
            if line["type"] == "committed":
                self.acknowledged.add(line["event"])
            elif line["type"] == "say":
                self.said.append(line)


class UndisturbedLife(Life):
    """The same in a process with hashes of its own: what comes out must not hang on them."""

    def _start(self, *arguments: str) -> "Forked | subprocess.Popen[bytes]":
        command, pipe = [sys.executable, "-m", "bot", *arguments], subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)


class Director:
    """Makes up what people say, chunk by chunk; the quiz is answered by what was asked."""

    def __init__(self) -> None:
        self.rng = random.Random(4)
        self.bank = {one.text: one.answers[0] for one in load_banks(shipped("persona/xiaoyuanzi/quiz"))}
        self.chain = ["一心一意"]
        self.count = 0
        self.open = ""
        """The answer to the question that is open."""

    def message(self, at: datetime, group: str, member: int | str, text: str) -> dict[str, Any]:
        self.count += 1
        return {
            "type": "message", "id": f"e{self.count}", "at": at.isoformat(), "group": group, "member": f"{member}",
            "name": f"成员{member}", "text": text,
        }  # fmt: skip

    def openings(self) -> Chunk:
        texts = {"gd": "开奖 短抽", "gf": "盖楼 冲 12:10", "gr": f"成语接龙 {self.chain[0]}", "gq": "抢答 8"}
        return [self.message(START, group, "boss", text) for group, text in texts.items()]

    def chunk(self, number: int, said: list[dict[str, Any]]) -> Chunk:
        """What is said in the 20 seconds after the lines of the last ones."""
        for line in said:
            if line["key"] == "quiz.ask":
                self.open = next(answer for text, answer in self.bank.items() if text in line["text"])
        events: Chunk = []
        for _ in range(4):
            events.append(self.message(START, "gd", self.rng.randrange(PEOPLE), "冲呀"))
            events.append(self.message(START, "gf", self.rng.randrange(5), self.rng.choice(["冲", "冲！", "冲 来了"])))
        events.append(self._link(number))
        if self.open:
            events += [self.message(START, "gq", one, "猜不到的答案") for one in range(2)]
            events += [self.message(START, "gq", one, self.open) for one in range(2, 5)]
            self.open = ""
        self.rng.shuffle(events)
        for place, event in enumerate(events):
            event["at"] = (START + number * STEP + place * STEP / len(events)).isoformat()
        return events

    def _link(self, number: int) -> dict[str, Any]:
        if number % 4 == 3:
            return self.message(START, "gr", number % 3, self.chain[-1])  # used before: refused
        found = answers(self.chain[-1], set(self.chain), "char")
        onward = [one for one in found if answers(one, {*self.chain, one}, "char")]
        if onward:
            self.chain.append(onward[0])
        return self.message(START, "gr", number % 3, self.chain[-1])


def undisturbed(config: Path, db: Path) -> list[Chunk]:
    """Plays everything in one life; the chunks that were said."""
    director, life = Director(), UndisturbedLife(config, db)
    chunks = [director.openings()]
    said = life.play(chunks[0])
    for number in range(1, CHUNKS):
        chunks.append(director.chunk(number, said))
        said = life.play(chunks[-1])
    life.write([the_end()])
    life.finish()
    return chunks


def the_end() -> dict[str, Any]:
    return {"type": "time", "at": (START + timedelta(hours=1)).isoformat()}


def disturbed(config: Path, db: Path, chunks: list[Chunk]) -> list[str]:
    """The same in many lives, each killed somewhere; the ids of the lines that were said."""
    rng = random.Random(20261202)
    anywhere = [rng.randrange(len(chunks)) for _ in range(KILLS - 9)]
    kills = sorted([*anywhere, 0, FLOORS_END, FLOORS_END, *[DRAW_ENDS] * 4, DRAW_ENDS + 1, DRAW_ENDS + 1])
    done, said = 0, []
    for killed in kills:
        life = Life(config, db)
        _resume(life, chunks, done, rng)
        for number in range(done, killed):
            life.play(chunks[number])
        life.write(chunks[killed])
        life.kill(rng.random() * 0.03)
        said += [line["id"] for line in life.said]
        done = killed  # said again from here, whatever of it was durable already
    life = Life(config, db)
    _resume(life, chunks, done, rng)
    for chunk in chunks[done:]:
        life.play(chunk)
    life.write([the_end()])
    life.finish()
    return said + [line["id"] for line in life.said]


def _resume(life: Life, chunks: list[Chunk], done: int, rng: random.Random) -> None:
    """The clock goes on where it was, and the platform delivers some of the past again."""
    past = [event for chunk in chunks[:done] for event in chunk]
    if past:
        life.play([{"type": "time", "at": past[-1]["at"]}, *rng.sample(past, min(10, len(past)))])


OUTCOME = {
    "the draw": "SELECT id, state, list_hash, secret, public_number FROM draw",
    "its list": "SELECT draw_id, number, member_id, line, event_id FROM draw_entry ORDER BY 1, 2",
    "its winners": "SELECT draw_id, turn, place, member_id, number, prize, state FROM draw_winner ORDER BY 1, 2",
    "what is left": "SELECT draw_id, prize, remaining FROM draw_prize",
    "sessions": "SELECT id, game, group_id, status FROM game_session ORDER BY id",
    "moves": "SELECT session_id, number, member_id, text, verdict, event_id FROM game_move ORDER BY 1, 2",
    "questions": "SELECT session_id, number, question_id, closed_at IS NULL, void FROM quiz_question ORDER BY 1, 2",
    "answers": "SELECT session_id, number, place, member_id, is_right, rank, points FROM quiz_answer ORDER BY 1, 2, 3",
    "points": "SELECT m.key, e.account, e.amount FROM movement m JOIN entry e ON e.movement_id = m.id ORDER BY 1, 2",
}


def test_killed_in_the_middle_of_play_every_game_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    plans = tmp_path / "draws"
    plans.mkdir()
    (plans / "短抽.toml").write_text(PLAN, encoding="utf-8")
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(draws=plans), encoding="utf-8")
    chunks = undisturbed(config, tmp_path / "whole.db")
    said = disturbed(config, tmp_path / "killed.db", chunks)

    assert len(said) == len(set(said)), "a line was said twice"
    whole, killed = sqlite3.connect(tmp_path / "whole.db"), sqlite3.connect(tmp_path / "killed.db")
    for what, sql in OUTCOME.items():
        expected = whole.execute(sql).fetchall()
        assert expected, f"nothing of {what} was tried"
        assert killed.execute(sql).fetchall() == expected, what
    _promises_hold(killed)
    whole.close()
    killed.close()
    report, _ = Forked("fsck", "--db", tmp_path / "killed.db").communicate()
    assert json.loads(report)["violations"] == []


def _promises_hold(db: sqlite3.Connection) -> None:
    """What members were promised, asked of the tables that were killed over and over."""
    assert db.execute("SELECT state, count(*) FROM draw GROUP BY state").fetchall() == [("drawn", 1)]
    assert db.execute("SELECT count(*), count(DISTINCT member_id) FROM draw_winner").fetchone() == (5, 5)
    entered = db.execute("SELECT count(*), max(number) FROM draw_entry").fetchone()
    assert entered[0] == entered[1] > 20
    floors = [
        int(row[0])
        for row in db.execute(
            "SELECT verdict FROM game_move m JOIN game_session s ON s.id = m.session_id WHERE s.game = 'floors'"
            " AND verdict <> '连楼' ORDER BY m.number"
        )
    ]
    assert floors == list(range(1, len(floors) + 1))
    assert len(floors) > 50
    winners = db.execute("SELECT number, count(*) FROM quiz_answer WHERE rank IS NOT NULL GROUP BY number").fetchall()
    assert len(winners) == 8
    assert {count for _, count in winners} == {1}
    keys = [row[0] for row in db.execute("SELECT key FROM movement")]
    assert len(keys) == len(set(keys)) > 8
    links = db.execute(
        "SELECT count(*), count(DISTINCT text) FROM game_move m JOIN game_session s ON s.id = m.session_id"
        " WHERE s.game = 'relay' AND verdict = text"
    ).fetchone()
    assert links[0] == links[1] > 5
