"""What the figures should come to, as ratios within one run; absolute numbers drift between machines and hours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """`name` as the benchmark measures it, and its bound."""

    name: str
    bound: float
    at_least: bool
    meaning: str


TARGETS = (
    Target("times_floor", 3.0, True, "events/s at 1,000 in flight, in times of one plain commit per message"),
    Target("times_floor_same_sql", 3.0, True, "the same beside our own statements, one commit per message"),
    Target("of_ceiling", 0.25, True, "part of the speed of our own statements in groups without the bot"),
    Target("p99_of_floor", 1 / 3, False, "p99 at 1,000 in flight, as a part of the floor's"),
    Target("p99_of_floor_same_sql", 1 / 3, False, "the same beside our own statements"),
    Target("handlers", 1.1, False, "cost of an event with 100 handlers, in times of 10"),
    Target("after_history", 1.2, False, "cost of an event after the stored past, in times of an empty database"),
    Target("after_history_random_ids", 1.2, False, "the same where the platform's ids do not grow with time"),
    Target("rss_mb", 160.0, False, "resident memory with jieba loaded"),
    Target("first_reply_chat_s", 1.5, False, "start of yuanzi chat to its first reply"),
    Target("faq_1000", 1_000.0, True, "questions per second over 1,000 FAQ entries, one core"),
    Target("faq_10000", 500.0, True, "the same over 10,000"),
    Target("faq_build_10000_s", 10.0, False, "seconds to build the index of 10,000 FAQ entries"),
    Target("wechaty_of_raw", 0.9, True, "messages echoed per second, as a part of the raw gRPC stub's"),
    Target("wechaty_times_stock", 1.5, True, "the same, in times of stock python-wechaty"),
    Target("wechaty_calls", 2.1, False, "gRPC calls per message in steady state"),
    Target("play_entries", 5_000.0, True, "entries and buzzes per second, all members in the same moment"),
    Target("play_winners", 0.0, False, "questions of that run whose winners were not exactly one, by how many"),
    Target("draw_s", 1.0, False, "seconds to draw, scaled to 100,000 entrants, until the result is durable"),
    Target("wechaty_inversions", 0.0, False, "answers of one group that left in another order than their questions"),
)


def ratios(measured: Mapping[str, float]) -> dict[str, Any]:
    """The last line: every target that was measured, and whether it holds."""
    rows = []
    for target in TARGETS:
        value = measured.get(target.name)
        if value is not None:
            holds = value >= target.bound if target.at_least else value <= target.bound
            rows.append(
                {
                    "name": target.name, "measured": round(value, 3), "target": f"{'>=' if target.at_least else '<='}"
                    f" {target.bound:.3g}", "holds": holds, "meaning": target.meaning,
                }
            )  # fmt: skip
    return {"figure": "ratios", "hold": all(row["holds"] for row in rows), "targets": rows}
