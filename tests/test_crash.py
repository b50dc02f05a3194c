"""SIGKILL at any moment: nothing acknowledged is lost, nothing is doubled, and the books still add up."""

import contextlib
import json
import random
import signal
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.world import RealWorld
from tests.quick_process import Forked

KILLS = 22
MEMBERS = 150
FIRST_DAY = RealWorld().now().date() - timedelta(days=10)
"""The pipe runs in real time, where check-ins that are too old are refused."""


def _load(rng: random.Random, count: int) -> list[dict[str, Any]]:
    """A busy group over ten days: check-ins, chat, questions, joins."""
    events: list[dict[str, Any]] = []
    for number in range(count):
        member = rng.randrange(MEMBERS)
        text = rng.choice(["签到", "签到", "签到", "哈哈", "怎么退款", "签到榜", "我的签到"])
        day = FIRST_DAY + timedelta(days=number * 10 // count)
        at = f"{day}T{rng.randrange(24):02}:{rng.randrange(60):02}:00+08:00"
        common = {"id": f"e{number}", "at": at, "group": f"g{member % 3}"}
        if rng.random() < 0.03:
            events.append({"type": "joined", **common, "members": [{"id": f"n{number}", "name": f"新{number}"}]})
        else:
            events.append({"type": "message", **common, "member": f"u{member}", "name": f"成员{member}", "text": text})
    return events


class Run:
    """One life of the process: what it acknowledged and said before it ended."""

    def __init__(self, db: Path, events: list[dict[str, Any]], kill_after: int | None) -> None:
        self.acknowledged: list[str] = []
        self.said: list[str] = []
        data = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events).encode()
        with Forked("pipe", "--db", db, "--acks") as process:
            feeding = threading.Thread(target=self._feed, args=(process, data))
            feeding.start()
            for raw in process.stdout:
                self._hear(raw)
                if kill_after is not None and len(self.acknowledged) >= kill_after:
                    process.kill()
                    kill_after = None
            feeding.join()
            self.stderr = process.stderr.read().decode()
            self.code = process.wait()

    @staticmethod
    def _feed(process: Forked, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(data)
            process.stdin.close()

    def _hear(self, raw: bytes) -> None:
        if not raw.endswith(b"\n"):
            return  # cut off by the kill
        line = json.loads(raw)
        if line["type"] == "committed":
            self.acknowledged.append(line["event"])
        elif line["type"] == "say":
            self.said.append(line["id"])


def test_killed_at_random_points_it_loses_and_doubles_nothing(tmp_path: Path) -> None:
    rng = random.Random(20261202)
    db = tmp_path / "crash.db"
    events = _load(rng, 6_000)
    acknowledged: set[str] = set()
    said: list[str] = []
    kills = 0
    while kills < KILLS:
        rest = [event for event in events if event["id"] not in acknowledged]
        # A few acknowledged ones are delivered again, as platforms do.
        again = rng.sample(sorted(acknowledged), min(20, len(acknowledged)))
        run = Run(db, [event for event in events if event["id"] in again] + rest, rng.randrange(1, 220))
        assert run.code == -signal.SIGKILL
        kills += 1
        acknowledged |= set(run.acknowledged)
        said += run.said
    last = Run(db, [event for event in events if event["id"] not in acknowledged], None)
    assert (last.code, last.stderr) == (0, "")
    said += last.said
    acknowledged |= set(last.acknowledged)

    assert acknowledged == {event["id"] for event in events}
    assert len(said) == len(set(said)), "a line was said twice"
    fsck = Forked("fsck", "--db", db)
    report, _ = fsck.communicate()
    assert json.loads(report)["violations"] == []
    assert fsck.returncode == 0
    _books_add_up(db, events, said)


def _books_add_up(db: Path, events: list[dict[str, Any]], said: list[str]) -> None:
    conn = sqlite3.connect(db)
    stored = [row[0] for row in conn.execute("SELECT id FROM interaction WHERE kind IN ('message', 'joined')")]
    assert sorted(stored) == sorted(event["id"] for event in events)
    check_ins = conn.execute("SELECT count(*) FROM check_in WHERE kind = 'own'").fetchone()[0]
    points = conn.execute(
        "SELECT sum(amount) FROM entry JOIN movement m ON m.id = movement_id"
        " WHERE account LIKE 'member:%' AND asset = 'points' AND m.key LIKE 'check_in/%'"
    ).fetchone()[0]
    assert check_ins > MEMBERS
    assert points == 5 * check_ins
    states = dict(conn.execute("SELECT state, count(*) FROM outbox GROUP BY state"))
    conn.close()
    # Every line that left is known as sent, or as unknown where the kill came between the words and the note of them.
    assert set(states) <= {"sent", "unknown", "expired"}
    assert states["sent"] <= len(said) <= states["sent"] + states.get("unknown", 0)
