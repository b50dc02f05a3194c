"""Trains the model of the FAQ engine: `python -m bot.faq.train` writes bot/faq/data; `--check` leaves domains out."""

import argparse
import json
import sys
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from bot.faq.engine import Engine
from bot.faq.files import Asked
from bot.faq.index import Array
from bot.faq.learn import shuffled, train, whether, which
from bot.faq.measure import Judged, judge, report
from bot.faq.model import WEIGHTS, Model, Network, judge_inputs, rank_inputs
from bot.faq.noise import NOISES, spoil
from bot.faq.rivals import RIVALS
from bot.faq.tone import WEIGHTS as TONE
from bot.faq.tone import learn as learn_tone
from bot.faq.tone import marks, sounds_like
from bot.faq.training import Domain, Sample, put, read_domains, samples, small_talk

DATA = Path(__file__).parents[2] / "tests" / "data" / "faq"
MOST = 12
"""Candidates of one question that training looks at."""
FOLDS = 4
LEFT = (
    ("bank-counter", "everyday-questions", "shop-community"),
    ("consumer-credit", "mobile-carrier", "patient-questions"),
)
"""What `--check` leaves out, in turn: domains whose questions are mostly close to the entries, as people's are."""
SHOWN = ("top1", "r_at_f1", "r_at_p95", "mr_at_p95")
SHARE = {"question": 0.35, "chat": 0.50, "offtopic": 0.15}
"""What each kind of message counts for when the judge learns."""


def fit(learnt: Sequence[Sample], seeds: int = 3) -> tuple[Model, tuple[Array, float]]:
    """Both networks and the weights of tone from the samples."""
    tone = _fit_tone(learnt)
    ranker = _fit_ranker([one for one in learnt if 0 <= one.right < MOST], seeds)
    return Model(ranker, _fit_judge(learnt, ranker, seeds)), tone


def _fit_tone(learnt: Sequence[Sample]) -> tuple[Array, float]:
    """Learns how people ask. Every sample is then told its tone by weights that have not seen it, as in real life."""
    told = {one.close.query.text.plain: one for one in learnt if one.kind in {"hand", "close", "similar", "chat"}}
    texts = [one.close.query.text for one in told.values()]
    asks = [one.role == "question" for one in told.values()]
    parts = [_part(one) for one in told.values()]
    sources = [part[1] for part in parts]
    without = {}
    for fold in range(FOLDS):
        kept = [place for place, part in enumerate(parts) if part[0] != fold]
        without[fold] = learn_tone([texts[at] for at in kept], [asks[at] for at in kept], [sources[at] for at in kept])
    fold_of = {text.plain: part[0] for text, part in zip(texts, parts, strict=True)}
    whole = learn_tone(texts, asks, sources)
    for one in learnt:
        text = one.close.query.text
        unseen = without[fold_of[text.plain]] if text.plain in fold_of else whole
        one.close.of_query[-1] = sounds_like(marks(text), *unseen)
    return whole


def _part(one: Sample) -> tuple[int, str]:
    """In which fold a message is, and its source: a domain, or one of many heaps of chat."""
    source = one.wanted.split("/")[0] if one.wanted else f"chat {zlib.crc32(one.close.query.text.plain.encode()) % 12}"
    return zlib.crc32(source.encode()) % FOLDS, source


def _fit_ranker(learnt: Sequence[Sample], seeds: int) -> Network:
    inputs = [rank_inputs(one.close.features)[:MOST] for one in learnt]
    rows = np.zeros((len(learnt), MOST, inputs[0].shape[1]), dtype=np.float32)
    mask = np.zeros((len(learnt), MOST), dtype=bool)
    for place, one in enumerate(inputs):
        rows[place, : len(one)] = one
        mask[place, : len(one)] = True
    right = np.array([one.right for one in learnt])
    loss = which(mask, right, np.array([_weight(one) for one in learnt]))
    return train(
        rows, shuffled(len(rows), 128), loss, rows[mask], hidden=24, epochs=14, rate=3e-3, decay=2e-4, drop=0.05,
        seeds=seeds,
    )  # fmt: skip


def _weight(one: Sample) -> float:
    """What a sample counts for: our paraphrases are mostly of the hard kind, people's are mostly close; and large
    knowledge bases are rarer here than in life."""
    close = 4.0 if one.kind.startswith("close") else 2.0 if one.kind.startswith("similar") else 1.0
    return close * (1.5 if one.setting.startswith(("group", "all")) else 1.0)


def _ordered(one: Sample, ranker: Network) -> tuple[Array, Array]:
    ranks = ranker(rank_inputs(one.close.features))
    order = np.argsort(-ranks, kind="stable")
    return order, ranks[order]


def _fit_judge(learnt: Sequence[Sample], ranker: Network, seeds: int) -> Network:
    rows, truth = [], []
    for one in learnt:
        order, ranks = _ordered(one, ranker)
        rows.append(judge_inputs(one.close.features[order], ranks, one.close.of_query))
        truth.append(float(one.right >= 0 and order[0] == one.right))
    roles = [one.role for one in learnt]
    heavy = [_weight(one) for one in learnt]
    total = dict.fromkeys(roles, 0.0)
    for role, worth in zip(roles, heavy, strict=True):
        total[role] += worth
    shares = [SHARE[role] * worth / total[role] for role, worth in zip(roles, heavy, strict=True)]
    weight = np.array(shares) * len(rows)
    table = np.stack(rows)
    return train(
        table, shuffled(len(rows), 256), whether(np.array(truth), weight), table, hidden=32, epochs=16,
        rate=2e-3, decay=3e-4, drop=0.4, seeds=seeds,
    )  # fmt: skip


def judged(model: Model, asked: Sequence[Sample]) -> list[Judged]:
    """What the model makes of samples."""
    found = []
    for one in asked:
        order, ranks = _ordered(one, model.ranker)
        sure = model.sure(one.close.features[order], ranks, one.close.of_query)
        place = int(np.flatnonzero(order == one.right)[0]) if one.right >= 0 else None
        found.append(Judged(one.role, place, sure))
    return found


def save(model: Model, path: Path) -> None:
    """Writes the weights in half precision."""
    tables: dict[str, Any] = {}
    for name, network in (("ranker", model.ranker), ("judge", model.judge)):
        for key in ("mean", "scale", "into", "bias", "out"):
            tables[f"{name}_{key}"] = getattr(network, key).astype(np.float16)
        tables[f"{name}_rest"] = np.float32(network.rest)
    np.savez_compressed(path, **tables)


def learnt(domains: Sequence[Domain], talk: Sequence[Asked], rounds: int) -> list[Sample]:
    """Samples of so many rounds, each with other luck."""
    return [one for number in range(rounds) for one in samples(domains, talk, (), f"round {number}")]


def check(domains: Sequence[Domain], talk: Sequence[Asked], seeds: int) -> int:
    """Leaves half of the domains in `LEFT` out in turn, and a third of the chat; prints what is then made of them, one
    by one and together, beside what plain methods make of them."""
    for names in LEFT:
        kept = [one for one in domains if one.name not in names]
        left = [one for one in domains if one.name in names]
        model, tone = fit(learnt(kept, [one for one in talk if not _new(one)], 1), seeds)
        for book in [*left, _together(left)]:
            asked = _asked(book, left, [one for one in talk if _new(one)])
            engine = Engine.build(book.entries)
            _print(book.name, "trained", asked, [_judged(model, tone, engine, one) for one in asked])
            for name, rival in RIVALS.items():
                search = rival(book.entries)
                _print(book.name, name, asked, [judge(one, search(one.text)) for one in asked])
    return 0


def _new(one: Asked) -> bool:
    return zlib.crc32(one.text.encode()) % 3 == 0


def _together(domains: Sequence[Domain]) -> Domain:
    entries = tuple(entry for one in domains for entry in one.entries)
    # What is off-topic for one of them may have its entry in another.
    return Domain("together", entries, tuple(asked for one in domains for asked in one.asked if asked.id is not None))


def _asked(book: Domain, domains: Sequence[Domain], chat: Sequence[Asked]) -> list[Asked]:
    """Its own questions, questions of other domains, chat, and some of its own questions spoiled."""
    known = {entry.id for entry in book.entries}
    far = [replace(asked, id=None, kind="offtopic") for one in domains for asked in one.asked
           if asked.id is not None and asked.id not in known][::8]  # fmt: skip
    own = [one for one in book.asked if one.id is not None][::8]
    noise = [replace(one, text=spoil(one.text, name), kind="noisy") for one in own for name in NOISES]
    return [*book.asked, *far, *chat, *noise]


def _judged(model: Model, tone: tuple[Array, float], engine: Engine, one: Asked) -> Judged:
    sample = put(engine, one, "check")
    if sample is None:
        return judge(one, [])
    sample.close.of_query[-1] = sounds_like(marks(sample.close.query.text), *tone)
    return judged(model, [sample])[0]


def _print(book: str, method: str, asked: Sequence[Asked], found: Sequence[Judged]) -> None:
    """One line of figures; spoiled questions count apart."""
    pairs = list(zip(asked, found, strict=True))
    figures = report([one for of, one in pairs if of.kind != "noisy"], 0.0)
    close = report([one for of, one in pairs if of.kind not in {"noisy", "hand"}], 0.0)
    spoiled = [one.place == 0 for of, one in pairs if of.kind == "noisy"]
    line = {name: figures[name] for name in SHOWN} | {f"close_{name}": close[name] for name in SHOWN}
    line["noisy"] = round(100 * sum(spoiled) / max(1, len(spoiled)), 1)
    sys.stdout.write(f"{book} | {method} | {json.dumps(line)}\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Trains on every domain and writes the weights."""
    parser = argparse.ArgumentParser(description="Trains the FAQ model from tests/data/faq/training.")
    parser.add_argument("--rounds", type=int, default=1, help="how often the data is put together anew")
    parser.add_argument("--seeds", type=int, default=4, help="networks that are averaged")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument(
        "--check", action="store_true", help="write nothing: how well is a domain answered that was left out?"
    )
    args = parser.parse_args(argv)
    began = perf_counter()
    domains = read_domains(DATA / "training")
    if args.check:
        return check(domains, small_talk(DATA / "training"), args.seeds)
    data = learnt(domains, small_talk(DATA / "training"), args.rounds)
    sys.stdout.write(f"{len(data)} samples of {len(domains)} domains in {perf_counter() - began:.0f} s\n")
    model, tone = fit(data, args.seeds)
    save(model, args.out)
    np.savez_compressed(TONE, weight=tone[0].astype(np.float16), rest=np.float32(tone[1]))
    sys.stdout.write(f"trained in {perf_counter() - began:.0f} s, {args.out.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
