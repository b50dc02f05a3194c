"""A rehearsed week for many groups, as the command makes it; and the plan of very many posts of the same minute."""

import json
import os
import subprocess  # starts nothing but this very program
import sys
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from bot.bench.process import environment
from bot.config import build_config
from bot.schedule import Schedule
from bot.scripts import load_scripts
from bot.world import Luck

MEMBERS = 200
FIRST = "2026-12-07"
ACTS = 60_000
_GROUP = '[groups."群{0}"]\nname = "福利群 {0}"\ntype = "welfare"\nscripts = ["welfare"]\n'


def week(folder: Path, groups: int, warm_days: int) -> dict[str, Any]:
    """Seconds and peak memory of `yuanzi rehearse` for a week of so many groups, both reports included."""
    config = folder / "many.toml"
    config.write_text("".join(_GROUP.format(number) for number in range(groups)), encoding="utf-8")
    out = folder / "report"
    options = ["--from", FIRST, "--members", str(MEMBERS), "--acts", str(ACTS), "--warm-up", str(warm_days)]
    start = perf_counter()
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "bot", "rehearse", *options, "--config", str(config), "--out", str(out)],
        cwd=folder, env={**environment(), "TMPDIR": str(folder)}, stdout=subprocess.DEVNULL,
    ) as child:  # fmt: skip
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = perf_counter() - start
    if child.returncode != 0:
        raise RuntimeError(f"yuanzi rehearse ended with {child.returncode}")
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    for path in out.iterdir():
        path.unlink()
    out.rmdir()
    config.unlink()
    peak = used.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return {
        "groups": groups, "members": MEMBERS, "warm_days": warm_days, "posts": report["summary"]["posts"],
        "talk_share": report["rehearsal"]["talk"]["share"], "seconds": round(seconds, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1), "peak_mb": round(peak, 1),
    }  # fmt: skip


def same_minute(beats: int) -> dict[str, Any]:
    """Seconds to plan one post in each of so many groups, and to take all of them when their minute has come."""
    groups = [f"g{number}" for number in range(beats)]
    data = {"groups": {"default": {"scripts": ["welfare"]}}}
    schedule = Schedule(build_config(data, "bench"), Luck("bench"))
    welfare = [beat for beat in load_scripts(None)["welfare"] if beat.id == "welfare.wednesday-new"]
    now = datetime.fromisoformat(f"{FIRST}T00:00:00+08:00")
    start = perf_counter()
    schedule.plan({"welfare": welfare}, {}, groups, now)
    planned = perf_counter() - start
    due = schedule.next_due
    start = perf_counter()
    taken = 0
    while schedule.next_due == due:
        schedule.pop(lambda group: "pipe")  # noqa: ARG005
        taken += 1
    return {
        "beats": taken, "plan_s": round(planned, 3), "take_s": round(perf_counter() - start, 3),
    }  # fmt: skip
