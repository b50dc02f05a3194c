"""The figures of `yuanzi bench`, one after the other; rivals are measured in turns, so that noise meets all of them."""

import asyncio
import os
import platform
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from bot.bench import faq, play, rehearsed, wechaty, wecom
from bot.bench.bot_run import record_bot, run_bot
from bot.bench.handlers import extra_routers, word
from bot.bench.history import write_history
from bot.bench.load import LATER, Ids, Load
from bot.bench.process import CHAT, first_reply, memory
from bot.bench.raw_sql import ceiling, floor, floor_of_script, per_commit
from bot.bench.run import Run, median, shown
from bot.bench.tagging import learn_past

Figure = dict[str, Any]
LEVELS = (1, 100, 1_000)
IDS: dict[Ids, str] = {"growing": "after_history", "random": "after_history_random_ids"}
LONGEST = 2.0
"""Seconds of one floor at most: on a slow disk it would take for ever."""


@dataclass(slots=True)
class Size:
    """How much is measured."""

    events: int = 10_000
    rounds: int = 4
    stored: int = 1_000_000
    memory_events: int = 100_000
    starts: int = 5
    echoes: int = 2_000
    """Messages of one round on the gateway."""
    callbacks: int = 4_000
    wire_rounds: int = 3
    players: int = 5_000
    """Members who enter or buzz in the same moment."""
    entrants: int = 100_000
    rehearsed: int = 1_000
    """Groups of the rehearsed week."""
    beats: int = 10_000
    faq: tuple[int, ...] = faq.SIZES
    faq_questions: int = 2_000

    def at(self, in_flight: int) -> int:
        """How many events at this level: alone, each one waits for the disk."""
        return max(100, self.events // 10) if in_flight == 1 else self.events


QUICK = Size(
    events=3_000, rounds=2, stored=50_000, memory_events=20_000, starts=2, echoes=300, callbacks=500, wire_rounds=1,
    players=1_000, entrants=10_000, rehearsed=5, beats=1_000,
    faq=faq.QUICK_SIZES, faq_questions=300,
)  # fmt: skip


@dataclass(slots=True)
class Bench:
    """One whole run in one folder. `measured` collects what the targets need."""

    folder: Path
    size: Size
    measured: dict[str, float] = field(default_factory=dict)
    _files: int = 0

    def _db(self) -> Path:
        self._files += 1
        return self.folder / f"{self._files}.db"

    def machine(self) -> Iterator[Figure]:
        """What was measured on."""
        yield {
            "figure": "machine", "cores": os.cpu_count(), "system": platform.system(),
            "python": platform.python_version(), "sqlite": sqlite3.sqlite_version,
            "filesystem": filesystem(self.folder), "fsync_ms": self._fsync(),
        }  # fmt: skip

    def _fsync(self) -> float:
        taken = []
        with self._db().open("wb") as file:
            for _ in range(50):
                start = perf_counter()
                file.write(b"\0" * 4096)
                file.flush()
                os.fsync(file.fileno())
                taken.append(perf_counter() - start)
        return round(median(taken) * 1000, 2)

    def durable_events(self) -> Iterator[Figure]:
        """The bot beside the floor and the ceiling."""
        for in_flight in LEVELS:
            count = self.size.at(in_flight)
            lines = list(Load().lines(count))
            start = self._db()
            script = record_bot(self._db(), start, lines, in_flight)
            names = ("durable_events", "through_pipe", "floor", "floor_same_sql", "ceiling")
            runs: dict[str, list[Run]] = {name: [] for name in names}
            for _ in range(self.size.rounds):
                runs["durable_events"].append(run_bot(self._db(), lines, in_flight))
                runs["through_pipe"].append(run_bot(self._db(), lines, in_flight, wire=True))
                runs["floor"].append(floor(self._db(), in_flight, count, LONGEST))
                runs["floor_same_sql"].append(
                    floor_of_script(self._db(), start, script, in_flight, count, LONGEST)
                )  # fmt: skip
                runs["ceiling"].append(ceiling(self._db(), start, script))
                self._tidy(keep=start)
            for name, several in runs.items():
                if name == "ceiling":
                    each = round(median(run.per_second for run in several))
                    yield {
                        "figure": name, "in_flight": in_flight, "events_per_s": each,
                        "statements_per_event": round(len(script) / count, 2),
                        "events_per_commit": round(per_commit(script), 1),
                    }  # fmt: skip
                else:
                    yield shown(name, several, in_flight=in_flight)
            self._compare(runs, in_flight)

    def _compare(self, runs: dict[str, list[Run]], in_flight: int) -> None:
        if in_flight != LEVELS[-1]:
            return
        ours = runs["durable_events"]
        for name in ("floor", "floor_same_sql"):
            rounds = list(zip(ours, runs[name], strict=True))
            self.measured[f"times_{name}"] = median(one.per_second / other.per_second for one, other in rounds)
            self.measured[f"p99_of_{name}"] = median(one.wait(99) / other.wait(99) for one, other in rounds)
        self.measured["of_ceiling"] = median(
            one.per_second / other.per_second for one, other in zip(ours, runs["ceiling"], strict=True)
        )

    def stored(self) -> Iterator[Figure]:
        """The same after a long past, with ids that grow with time and with ids that do not."""
        for ids, name in IDS.items():
            past = self._db()
            began = perf_counter()
            write_history(past, self.size.stored, self.size.rounds, ids)
            seconds = perf_counter() - began
            empty, full = self._in_turns(partial(self._beside_past, past, ids))
            ratio = self.measured[name] = median(b.cost / a.cost for a, b in zip(empty, full, strict=True))
            yield shown("stored", empty, in_flight=LEVELS[-1], ids=ids, stored=0)
            yield shown(
                "stored", full, in_flight=LEVELS[-1], ids=ids, stored=self.size.stored, cost_ratio=round(ratio, 3),
                database_mb=round(past.stat().st_size / 1e6), seeded_in_s=round(seconds, 1),
            )  # fmt: skip
            self._tidy()

    def _beside_past(self, past: Path, ids: Ids, number: int) -> tuple[Run, Run]:
        # Each round has members and ids of its own: whoever has checked in today costs less.
        lines = list(Load(LATER * (number + 1), crowd=number, ids=ids).lines(self.size.events))
        runs = run_bot(self._db(), lines, LEVELS[-1]), run_bot(past, lines, LEVELS[-1])
        self._tidy(keep=past)
        return runs

    def handlers(self) -> Iterator[Figure]:
        """Ten handlers beside a hundred; half of the commands go to added ones."""
        few, many = extra_routers(10), extra_routers(100)

        def beside(number: int) -> tuple[Run, Run]:
            lines = list(Load(LATER * (number + 1), extra=(word(0), word(1))).lines(self.size.events))
            runs = run_bot(self._db(), lines, LEVELS[-1], more=few), run_bot(self._db(), lines, LEVELS[-1], more=many)
            self._tidy()
            return runs

        ten, hundred = self._in_turns(beside)
        ratio = self.measured["handlers"] = median(b.cost / a.cost for a, b in zip(ten, hundred, strict=True))
        yield shown("handlers", ten, in_flight=LEVELS[-1], handlers=10)
        yield shown("handlers", hundred, in_flight=LEVELS[-1], handlers=100, cost_ratio=round(ratio, 3))

    def _in_turns(self, beside: Callable[[int], tuple[Run, Run]]) -> tuple[list[Run], list[Run]]:
        pairs = [beside(number) for number in range(self.size.rounds)]
        return [a for a, _ in pairs], [b for _, b in pairs]

    def memory(self) -> Iterator[Figure]:
        """Resident memory with jieba loaded, before and after a long load."""
        figure = memory(self.folder, self.size.memory_events)
        self.measured["rss_mb"] = max(figure["warm_mb"], figure["after_mb"])
        self._tidy()
        yield {"figure": "memory", "jieba": True, **figure}

    def cold_start(self) -> Iterator[Figure]:
        """From the start of the process to the first reply; the first of several starts only warms the disk."""
        for command in ("chat", "pipe"):
            if command == "chat" and not CHAT.is_file():
                yield {"figure": "cold_start", "command": command, "skipped": "there is no bot/commands/chat.py"}
                continue
            taken = [first_reply(self._db(), command) for _ in range(self.size.starts + 1)][1:]
            self.measured[f"first_reply_{command}_s"] = median(taken)
            yield {
                "figure": "cold_start", "command": command, "first_reply_s": round(median(taken), 3),
                "slowest_s": round(max(taken), 3),
            }  # fmt: skip
            self._tidy()

    def wechaty_echo(self) -> Iterator[Figure]:
        """Messages echoed through a local gateway: by the raw gRPC stub, by stock python-wechaty and by our channel."""
        why = wechaty.missing()
        if why:
            yield {"figure": "wechaty_echo", "skipped": why}
            return
        runs = asyncio.run(wechaty.echo(self.size.echoes, self.size.wire_rounds))
        rates: dict[str, list[float]] = {}
        for path, several in runs.items():
            middle = {name: round(median(run[name] for run in several), 2) for name in several[0]}
            rates[path] = [run["messages_per_second"] for run in several]
            yield {"figure": "wechaty_echo", "path": path, "messages": self.size.echoes, **middle}
            if path == "ours":
                self.measured["wechaty_calls"] = middle["grpc_calls_per_message"]
                self.measured["wechaty_inversions"] = middle["inversions"]
        for other, name in (("raw", "wechaty_of_raw"), ("stock", "wechaty_times_stock")):
            self.measured[name] = median(a / b for a, b in zip(rates["ours"], rates[other], strict=True))

    def wecom_callbacks(self) -> Iterator[Figure]:
        """Callbacks verified, decrypted, stored and answered, beside a bare handler that does only the crypto."""
        runs = asyncio.run(wecom.callbacks(self.folder, self.size.callbacks, self.size.wire_rounds))
        of_bare = median(a.per_second / b.per_second for a, b in zip(runs["ours"], runs["bare"], strict=True))
        yield shown("wecom_callbacks", runs["ours"], path="ours", in_flight=wecom.IN_FLIGHT, of_bare=round(of_bare, 3))
        heard = round(median(run.per_second for run in runs["worked off"]))
        yield {"figure": "wecom_callbacks", "path": "worked off", "events_per_s": heard}
        yield shown("wecom_callbacks", runs["bare"], path="bare", in_flight=wecom.IN_FLIGHT)
        self._tidy()

    def play_entries(self) -> Iterator[Figure]:
        """Entries and buzzes of everybody in the same moment, beside plain commits by as many."""
        played, floors = [], []
        for _ in range(self.size.wire_rounds):
            played.append(play.play(self._db(), self.size.players))
            floors.append(floor(self._db(), self.size.players, self.size.players, LONGEST))
            self._tidy()
        winners = {count for one in played for count in one.winners}
        self.measured["play_entries"] = median(one.run.per_second for one in played)
        self.measured["play_winners"] = max(abs(count - 1) for count in winners)
        yield shown(
            "play_entries", [one.run for one in played], in_flight=self.size.players, entries=played[0].entries,
            per_cpu_s=round(median(one.run.events / one.cpu for one in played)), buzzes=played[0].guesses,
            questions=len(played[0].winners), winners_of_each=sorted(winners),
        )  # fmt: skip
        yield shown("play_floor", floors, in_flight=self.size.players)

    def draw_100k(self) -> Iterator[Figure]:
        """A draw of very many entrants: until its result is durable, and recomputed from its proof."""
        drawn = []
        for _ in range(self.size.wire_rounds):
            drawn.append(play.draw(self._db(), self.size.entrants))
            self._tidy()
        seconds = {
            f"{name}_s": round(median(getattr(one, name) for one in drawn), 3)
            for name in ("draw", "floor", "proof", "verify")
        }
        self.measured["draw_s"] = seconds["draw_s"] * 100_000 / self.size.entrants
        yield {
            "figure": "draw_100k", "entrants": self.size.entrants, **seconds,
            "recomputed": all(one.right for one in drawn),
        }  # fmt: skip

    def rehearsal(self) -> Iterator[Figure]:
        """A week of many groups through the whole bot, and the plan of very many posts of one minute."""
        yield {"figure": "rehearsal", **rehearsed.week(self.folder, self.size.rehearsed, warm_days=0)}
        yield {"figure": "rehearsal", "path": "same minute", **rehearsed.same_minute(self.size.beats)}
        self._tidy()

    def faq_engine(self) -> Iterator[Figure]:
        """Questions answered per second by the FAQ engine at several sizes, beside a plain BM25 over jieba's words."""
        for size in self.size.faq:
            for kind, name in (("ours", "ours"), ("plain", "jieba_bm25")):
                one = faq.apart(kind, size, self.size.faq_questions)
                yield {"figure": "faq_engine", "engine": name, "entries": size, **one}
                if kind == "ours" and size in {1_000, 10_000}:
                    self.measured[f"faq_{size}"] = one["queries_per_s"]
                    self.measured[f"faq_build_{size}_s"] = one["build_s"]

    def tagging(self) -> Iterator[Figure]:
        """Tags, days and stages learnt from the stored past."""
        figure = learn_past(self._db(), self.size.stored)
        self.measured["tagging_piece_ms"] = figure["piece_ms"]
        yield {"figure": "tagging", **figure}
        self._tidy()

    def _tidy(self, keep: Path | None = None) -> None:
        """Removes the databases of a round."""
        for path in self.folder.glob("*.db*"):
            if keep is None or not path.name.startswith(keep.name):
                path.unlink()


def filesystem(folder: Path) -> str:
    """What kind of file system a folder is on, where the system tells."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return "unknown"
    here = folder.resolve()
    inside = [(len(where), kind) for _, where, kind, *_ in mounts if here.is_relative_to(where)]
    return max(inside)[1] if inside else "unknown"


FIGURES: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "machine": Bench.machine,
    "durable_events": Bench.durable_events,
    "stored": Bench.stored,
    "handlers": Bench.handlers,
    "tagging": Bench.tagging,
    "memory": Bench.memory,
    "cold_start": Bench.cold_start,
    "wechaty_echo": Bench.wechaty_echo,
    "wecom_callbacks": Bench.wecom_callbacks,
    "play_entries": Bench.play_entries,
    "draw_100k": Bench.draw_100k,
    "rehearsal": Bench.rehearsal,
    "faq_engine": Bench.faq_engine,
}
