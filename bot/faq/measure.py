"""How good the engine is: ranking, and how much it dares to say at a given price. Arithmetic over answers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from bot.faq.engine import Engine
from bot.faq.entry import Hit
from bot.faq.files import Asked
from bot.faq.noise import NOISES, spoil

OFF_TOPIC = frozenset({"offtopic", "off-topic", "off_topic"})
GROUP = {"question": 0.10, "chat": 0.85, "offtopic": 0.05}
"""What is said in a group: shares of all messages."""
ADDRESSED = {"question": 0.70, "chat": 0.15, "offtopic": 0.15}
"""What is said to the bot itself."""
FALSE_ALARMS = 0.01
PRECISION = 0.95


@dataclass(frozen=True, slots=True)
class Judged:
    """One question with what the engine said: `place` of the right entry (0 first, None not found), best score."""

    role: str
    """question, chat or offtopic."""
    place: int | None
    score: float


def judge(asked: Asked, hits: Sequence[Hit]) -> Judged:
    """Compares."""
    role = "question" if asked.id is not None else "offtopic" if asked.kind in OFF_TOPIC else "chat"
    place = next((place for place, hit in enumerate(hits) if hit.id == asked.id), None)
    return Judged(role, place, hits[0].score if hits else 0.0)


def silent_below(judged: Sequence[Judged], false_alarms: float = FALSE_ALARMS) -> float:
    """The lowest threshold at which at most this share of chat is answered; a score must be above it."""
    scores = sorted((one.score for one in judged if one.role == "chat"), reverse=True)
    allowed = int(len(scores) * false_alarms)
    return scores[allowed] if allowed < len(scores) else 0.0


def recall_at_false_alarms(judged: Sequence[Judged], false_alarms: float = FALSE_ALARMS) -> float:
    """R@F1%: the share answered rightly when so much of the chat is answered by mistake."""
    least = silent_below(judged, false_alarms)
    questions = [one for one in judged if one.role == "question"]
    return _share(one.place == 0 and one.score > least for one in questions)


def recall_at_precision(
    judged: Sequence[Judged], mix: dict[str, float], precision: float = PRECISION
) -> tuple[float, float]:
    """R@P95: the best share of questions answered rightly, over thresholds at which so many of all answers given in a
    stream of this mix are right; and that threshold."""
    present = {role: sum(one.role == role for one in judged) for role in mix}
    weight = {role: mix[role] / count for role, count in present.items() if count}
    best, threshold = 0.0, 1.0
    right = given = 0.0
    ordered = sorted(judged, key=lambda one: -one.score)
    for place, one in enumerate(ordered):
        if one.score <= 0:
            break
        given += weight.get(one.role, 0.0)
        right += weight.get(one.role, 0.0) * (one.role == "question" and one.place == 0)
        last_of_its_score = place + 1 == len(ordered) or ordered[place + 1].score < one.score
        if last_of_its_score and given and right / given >= precision and right > best:
            best, threshold = right, one.score
    return (best / mix["question"] if present.get("question") else 0.0), threshold


def _share(outcomes: Iterable[bool]) -> float:
    several = list(outcomes)
    return sum(several) / len(several) if several else 0.0


def report(judged: Sequence[Judged], seconds: float) -> dict[str, Any]:
    """All figures; shares in percent."""
    questions = [one for one in judged if one.role == "question"]
    group, at = recall_at_precision(judged, GROUP)
    addressed, _ = recall_at_precision(judged, ADDRESSED)
    chat = [one for one in judged if one.role == "chat"]
    return {
        "questions": len(questions), "chat": len(chat), "offtopic": sum(one.role == "offtopic" for one in judged),
        "top1": _percent(_share(one.place == 0 for one in questions)),
        "top3": _percent(_share(one.place is not None and one.place < 3 for one in questions)),
        "mrr": round(sum(1 / (one.place + 1) for one in questions if one.place is not None) / (len(questions) or 1), 4),
        "r_at_f1": _percent(recall_at_false_alarms(judged)),
        "r_at_p95": _percent(group), "mr_at_p95": _percent(addressed), "threshold_p95": round(at, 4),
        "false_per_1000_chat": round(1000 * _share(one.score >= at for one in chat), 1),
        "queries_per_s": round(len(judged) / seconds) if seconds else 0,
    }  # fmt: skip


def _percent(share: float) -> float:
    return round(100 * share, 1)


def evaluate(
    engine: Engine, questions: Sequence[Asked], clock: Callable[[], float] = perf_counter
) -> tuple[list[Judged], float]:
    """Asks everything; what came of it and the seconds it took."""
    began = clock()
    judged = [judge(asked, engine.search(asked.text, 20)) for asked in questions]
    return judged, clock() - began


def noisy(engine: Engine, questions: Sequence[Asked], names: Iterable[str] = NOISES) -> dict[str, float]:
    """Top-1 in percent for every way of spoiling the answerable questions."""
    answerable = [asked for asked in questions if asked.id is not None]
    shares: dict[str, float] = {}
    for name in names:
        hits = [engine.search(spoil(asked.text, name), 1) for asked in answerable]
        shares[name] = _percent(
            _share(bool(hit) and hit[0].id == asked.id for hit, asked in zip(hits, answerable, strict=True))
        )
    return shares
