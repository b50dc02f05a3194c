"""Trains the model of the FAQ engine: `python -m bot.faq.train` writes data/weights.npz, `--check` leaves domains out in turn."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from bot.faq.index import Array
from bot.faq.learn import shuffled, train, whether, which
from bot.faq.measure import Judged, report
from bot.faq.model import WEIGHTS, Model, Network, judge_inputs, rank_inputs
from bot.faq.files import Asked
from bot.faq.training import Domain, Sample, read_domains, samples, small_talk

DATA = Path(__file__).parents[2] / "tests" / "data" / "faq"
MOST = 12
"""Candidates of one question that training looks at."""
SHARE = {"question": 0.45, "chat": 0.35, "offtopic": 0.20}
"""What each kind of message counts for when the judge learns."""


def fit(learnt: Sequence[Sample], seeds: int = 3) -> Model:
    """Both networks from the samples."""
    ranker = _fit_ranker([one for one in learnt if 0 <= one.right < MOST], seeds)
    return Model(ranker, _fit_judge(learnt, ranker, seeds))


def _fit_ranker(learnt: Sequence[Sample], seeds: int) -> Network:
    inputs = [rank_inputs(one.close.features)[:MOST] for one in learnt]
    rows = np.zeros((len(learnt), MOST, inputs[0].shape[1]), dtype=np.float32)
    mask = np.zeros((len(learnt), MOST), dtype=bool)
    for place, one in enumerate(inputs):
        rows[place, : len(one)] = one
        mask[place, : len(one)] = True
    right = np.array([one.right for one in learnt])
    return train(
        rows, shuffled(len(rows), 128), which(mask, right, np.ones(len(rows))), rows[mask], hidden=24, epochs=14, rate=3e-3,
        decay=2e-4, drop=0.05, seeds=seeds,
    )  # fmt: skip


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
    total = {role: roles.count(role) for role in set(roles)}
    weight = np.array([SHARE[role] / total[role] for role in roles]) * len(rows)
    table = np.stack(rows)
    return train(
        table, shuffled(len(rows), 256), whether(np.array(truth), weight), table, hidden=20, epochs=14, rate=2e-3, decay=3e-4,
        drop=0.1, seeds=seeds,
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
    tables: dict[str, Array] = {}
    for name, network in (("ranker", model.ranker), ("judge", model.judge)):
        for key in ("mean", "scale", "into", "bias", "out"):
            tables[f"{name}_{key}"] = getattr(network, key).astype(np.float16)
        tables[f"{name}_rest"] = np.float32(network.rest)
    np.savez_compressed(path, **tables)


def learnt(domains: Sequence[Domain], talk: Sequence[Asked], rounds: int) -> list[Sample]:
    """Samples of so many rounds, each with other luck."""
    return [one for number in range(rounds) for one in samples(domains, talk, (), f"round {number}")]


def main(argv: Sequence[str] | None = None) -> int:
    """Trains on every domain and writes the weights."""
    parser = argparse.ArgumentParser(description="Trains the FAQ model from tests/data/faq/training.")
    parser.add_argument("--rounds", type=int, default=2, help="how often the data is put together anew")
    parser.add_argument("--seeds", type=int, default=4, help="networks that are averaged")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    args = parser.parse_args(argv)
    began = perf_counter()
    domains = read_domains(DATA / "training")
    data = learnt(domains, small_talk(DATA / "training"), args.rounds)
    sys.stdout.write(f"{len(data)} samples of {len(domains)} domains in {perf_counter() - began:.0f} s\n")
    save(fit(data, args.seeds), args.out)
    sys.stdout.write(f"trained in {perf_counter() - began:.0f} s, {args.out.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
