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
from bot.faq.training import Domain, Sample, put, read_domains, samples, settings, small_talk

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
