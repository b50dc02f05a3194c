"""Figures that need a process of their own: memory with jieba loaded, and the time from start to first reply."""

import argparse
import contextlib
import json
import os
import subprocess  # starts nothing but this very program
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from bot.config import ROOT

CHAT = ROOT / "commands" / "chat.py"
BOT = "小元子："
"""How a plain `yuanzi chat` begins a line of the bot, after the time."""
PATIENCE = 60.0


def memory(folder: Path, events: int) -> dict[str, Any]:
    """Resident memory of a fresh process: jieba loaded, the bot warm, then after so many more events."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", __name__, str(folder / "memory.db"), str(events)],
        env=environment(), check=True, capture_output=True, timeout=PATIENCE * 5,
    )  # fmt: skip
    figure: dict[str, Any] = json.loads(done.stdout)
    return figure


def first_reply(db: Path, command: str) -> float:
    """Seconds from the start of `yuanzi chat` or `yuanzi pipe`, on a new database, to its answer to the first 签到."""
    line, mark = "签到", BOT
    if command == "pipe":
        said = {"type": "message", "id": "m1", "group": "g1", "member": "u1", "name": "小满", "text": "签到"}
        line, mark = json.dumps(said), '"say"'
    start = perf_counter()
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "bot", command, "--db", str(db)], cwd=db.parent, env=environment(),
        text=True, encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(line + "\n")
        child.stdin.close()
        asked = False
        for out in child.stdout:
            # In the chat room the bot may greet before it is asked: only what follows the question counts.
            if (asked or command == "pipe") and mark in out:
                taken = perf_counter() - start
                child.stdout.read()
                return taken
            asked = asked or out.rstrip().endswith("：签到")
    raise RuntimeError(f"yuanzi {command} said nothing")


def environment() -> dict[str, str]:
    """The environment in which a child runs this very code."""
    return {**os.environ, "PYTHONPATH": str(ROOT.parent), "PYTHONIOENCODING": "utf-8"}


def _resident() -> float:
    """Megabytes of this process in memory, as far as the system tells."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    import resource  # noqa: PLC0415  not on every system

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _measure(argv: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("db", type=Path)
    parser.add_argument("events", type=int)
    args = parser.parse_args(argv)
    from bot.bench.bot_run import run_bot  # noqa: PLC0415
    from bot.bench.load import LATER, Load  # noqa: PLC0415
    from bot.faq.engine import Engine  # noqa: PLC0415
    from bot.faq.entry import Entry  # noqa: PLC0415

    # The dictionary of jieba's words and the engine with its weights, as a bot has them that was asked something.
    Engine.build([Entry("refund", "怎么退款")]).search("怎么退款")
    run_bot(args.db, Load().lines(args.events // 2), 1_000, wire=True)
    warm = _resident()
    run_bot(args.db, Load(2 * LATER).lines(args.events), 1_000, wire=True)
    after = _resident()
    figure = {"events": args.events, "warm_mb": round(warm, 1), "after_mb": round(after, 1)}
    sys.stdout.write(json.dumps(figure | {"growth_mb": round(after - warm, 1)}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(_measure(sys.argv[1:]))
