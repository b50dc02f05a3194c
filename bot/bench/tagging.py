"""How fast the past is learnt: tags, days and stages from stored interactions, at full speed and in small pieces."""

import resource
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from bot.bench.history import write_history
from bot.bench.run import median
from bot.commands.tag import ALONE
from bot.config import build_config, read_toml, shipped
from bot.learning import AT_ONCE, learn
from bot.tagrules import load_tags
from bot.world import RealWorld
from storage.database import Database
from storage.store import Store

BOOK = Path(__file__).resolve().parent.parent / "tags.toml"
CROWDS = 4


def learn_past(db: Path, stored: int) -> dict[str, Any]:
    """Learns a seeded past as `yuanzi tag` does where no bot runs, then twenty of the small pieces that a bot takes
    while members wait."""
    write_history(db, stored, CROWDS, "growing")
    config = build_config(read_toml(shipped("config.toml")), "config.toml")
    book, now = load_tags(BOOK), RealWorld().now()
    database = Database.open(db, "normal")
    store = Store(database)
    before = _memory()
    start, busy = perf_counter(), process_time()
    more = True
    while more:
        database.begin()
        more = learn(store, config, book, now, ALONE)
        database.commit()
    seconds, busy = perf_counter() - start, process_time() - busy
    tags, members = store.tags.count()
    figures = {
        "rows": stored, "rows_per_s": round(stored / seconds), "per_cpu_s": round(stored / busy),
        "seconds": round(seconds, 1), "tags": tags, "members": members,
        "memory_mb": round(_memory()), "grown_mb": round(_memory() - before, 1),
    }  # fmt: skip
    store.db.execute("UPDATE tag_rule SET seq = max(0, (SELECT max(seq) FROM interaction) - ?)", (AT_ONCE * 20,))
    pieces = []
    for _ in range(20):
        start = perf_counter()
        database.begin()
        learn(store, config, book, now, AT_ONCE)
        database.commit()
        pieces.append(perf_counter() - start)
    database.close()
    return {**figures, "piece_rows": AT_ONCE, "piece_ms": round(median(pieces) * 1000, 1)}


def _memory() -> float:
    """The largest resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
