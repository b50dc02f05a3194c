"""Two small networks: which candidate is meant, and how sure that is. Weights: `data/weights.npz`."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from bot.faq.index import Array

WEIGHTS = Path(__file__).parent / "data" / "weights.npz"


@dataclass(frozen=True, slots=True)
class Network:
    """One hidden layer; several of them side by side are averaged, which is the same as one wide one."""

    mean: Array
    scale: Array
    into: Array
    bias: Array
    out: Array
    rest: float

    def __call__(self, inputs: Array) -> Array:
        """One number for every row."""
        hidden = np.tanh((inputs - self.mean) * self.scale @ self.into + self.bias)
        result: Array = hidden @ self.out + self.rest
        return result


@dataclass(frozen=True, slots=True)
class Model:
    """Ranks candidates and says how sure the first is."""

    ranker: Network
    judge: Network

    def rank(self, features: Array) -> Array:
        """A score for every candidate of one query; higher is better, only comparable within the query."""
        return self.ranker(rank_inputs(features))

    def sure(self, features: Array, ranks: Array, of_query: Array) -> float:
        """How probable it is that the first candidate is what was asked for, 0 to 1. Candidates stand in order."""
        logit = float(self.judge(judge_inputs(features, ranks, of_query)[None, :])[0])
        return 1 / (1 + float(np.exp(-max(-30.0, min(30.0, logit)))))


def rank_inputs(features: Array) -> Array:
    """Features, and how far each is from the best of all candidates."""
    return np.concatenate([features, features - features.max(axis=0)], axis=1)


def judge_inputs(features: Array, ranks: Array, of_query: Array) -> Array:
    """The first candidate, how far it is ahead of the second, and the query."""
    if len(features) > 1:
        ahead, gap = features[0] - features[1], float(ranks[0] - ranks[1])
    else:
        ahead, gap = features[0], 5.0
    odds = np.exp(np.maximum(ranks - ranks[0], -30))
    extra = [min(gap, 10.0) / 5, 1 / float(odds.sum()), len(features) / 20]
    return np.concatenate([features[0], ahead, of_query, np.array(extra, dtype=np.float32)]).astype(np.float32)


@cache
def shipped() -> Model:
    """The weights in this folder."""
    with np.load(WEIGHTS) as tables:
        return Model(_network(tables, "ranker"), _network(tables, "judge"))


def _network(tables: "np.lib.npyio.NpzFile", name: str) -> Network:
    part = {key: tables[f"{name}_{key}"].astype(np.float32) for key in ("mean", "scale", "into", "bias", "out")}
    return Network(**part, rest=float(tables[f"{name}_rest"]))
