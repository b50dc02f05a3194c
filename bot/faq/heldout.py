"""`python -m bot.faq.heldout`: the shipped engine on domains that nobody learnt from, beside plain methods."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from bot.faq.engine import Engine
from bot.faq.files import Asked, read_questions
from bot.faq.measure import judge, noisy, report
from bot.faq.rivals import RIVALS, Search
from bot.faq.training import Domain, read_domains

DATA = Path(__file__).parents[2] / "tests" / "data" / "faq"
SHOWN = ("top1", "r_at_f1", "r_at_p95", "mr_at_p95")
ALL, CLOSE = "all questions", "close ones"


def main() -> int:
    """Prints one JSON line per method, means over the domains in percent."""
    domains = read_domains(DATA / "heldout")
    chat = read_questions(DATA / "chat.jsonl")
    spoiled = []
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for domain in domains:
        engine = Engine.build(domain.entries)
        spoiled.append(mean(noisy(engine, domain.asked).values()))
        methods = {"trained": _engine(engine)} | {name: make(domain.entries) for name, make in RIVALS.items()}
        for name, search in methods.items():
            for which, asked in _questions(domain).items():
                figures = report([judge(one, search(one.text)) for one in (*asked, *chat)], 0.0)
                found.setdefault((name, which), []).append({key: figures[key] for key in SHOWN})
    for (name, which), rows in found.items():
        means = {key: round(mean(row[key] for row in rows), 1) for key in SHOWN}
        sys.stdout.write(json.dumps({"method": name, "of": which, "domains": len(rows)} | means) + "\n")
    sys.stdout.write(json.dumps({"method": "trained", "noisy_top1": round(mean(spoiled), 1)}) + "\n")
    return 0


def _engine(engine: Engine) -> Search:
    return lambda text: engine.search(text, 20)


def _questions(domain: Domain) -> dict[str, Sequence[Asked]]:
    return {ALL: domain.asked, CLOSE: [one for one in domain.asked if one.kind in ("close", "offtopic")]}


if __name__ == "__main__":
    sys.exit(main())
