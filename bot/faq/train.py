"""Trains the model of the FAQ engine: `python -m bot.faq.train` writes bot/faq/data; `--check` leaves domains out."""

import argparse
import json
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from bot.faq.engine import Engine
from bot.faq.files import Asked
from bot.faq.index import Array
from bot.faq.learn import shuffled, train, whether, which
from bot.faq.measure import Judged, report
from bot.faq.model import WEIGHTS, Model, Network, judge_inputs, rank_inputs
from bot.faq.tone import WEIGHTS as TONE
from bot.faq.tone import learn as learn_tone
from bot.faq.tone import marks, sounds_like
from bot.faq.training import Domain, Sample, put, read_domains, samples, small_talk

DATA = Path(__file__).parents[2] / "tests" / "data" / "faq"
MOST = 12
"""Candidates of one question that training looks at."""
FOLDS = 4
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
        table, shuffled(len(rows), 256), whether(np.array(truth), weight), table, hidden=20, epochs=14,
        rate=2e-3, decay=3e-4, drop=0.1, seeds=seeds,
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
    """Leaves every fourth domain, and a quarter of the chat, out in turn; prints what is made of them then."""
    for fold in range(FOLDS):
        left, kept = domains[fold::FOLDS], [one for place, one in enumerate(domains) if place % FOLDS != fold]
        heard = [one for one in talk if zlib.crc32(one.text.encode()) % FOLDS != fold]
        new = [one for one in talk if zlib.crc32(one.text.encode()) % FOLDS == fold]
        data = learnt(kept, heard, 1)
        model, tone = fit(data, seeds)
        for domain in left:
            engine = Engine.build(domain.entries)
            asked = [sample for one in (*domain.asked, *new) if (sample := put(engine, one, "check")) is not None]
            for one in asked:
                one.close.of_query[-1] = sounds_like(marks(one.close.query.text), *tone)
            figures = report(judged(model, asked), 0.0)
            sys.stdout.write(f"{domain.name} {json.dumps(figures)}\n")
            sys.stdout.flush()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Trains on every domain and writes the weights."""
    parser = argparse.ArgumentParser(description="Trains the FAQ model from tests/data/faq/training.")
    parser.add_argument("--rounds", type=int, default=2, help="how often the data is put together anew")
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
