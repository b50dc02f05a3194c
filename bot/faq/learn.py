"""Trains small networks with numpy alone: the same data and seed give the same weights."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bot.faq.index import Array
from bot.faq.model import Network

Loss = Callable[[Array, Array], tuple[float, Array]]
"""(outputs, numbers of the rows) -> (loss, its slope for every output)."""


def train(
    rows: Array,
    batches: Callable[[np.random.Generator], Any],
    loss: Loss,
    flat: Array,
    *,
    hidden: int,
    epochs: int,
    rate: float,
    decay: float,
    drop: float,
    seeds: int,
) -> Network:
    """Several networks from different starts, joined. `rows` are (items, inputs) or (items, candidates, inputs);
    `flat` the rows that decide mean and scale."""
    mean, scale = flat.mean(axis=0), 1 / (flat.std(axis=0) + 0.02)
    nets = [_one(rows, mean, scale, batches, loss, hidden, epochs, rate, decay, drop, seed) for seed in range(seeds)]
    return Network(
        mean.astype(np.float32), scale.astype(np.float32), np.concatenate([net[0] for net in nets], axis=1),
        np.concatenate([net[1] for net in nets]), np.concatenate([net[2] for net in nets]) / seeds,
        float(np.mean([net[3] for net in nets])),
    )  # fmt: skip


def _one(
    rows: Array,
    mean: Array,
    scale: Array,
    batches: Callable[[np.random.Generator], Any],
    loss: Loss,
    hidden: int,
    epochs: int,
    rate: float,
    decay: float,
    drop: float,
    seed: int,
) -> list[Array]:
    luck = np.random.default_rng(seed)
    size = rows.shape[-1]
    weights: list[Array] = [
        (luck.normal(size=(size, hidden)) * 0.5 / np.sqrt(size)).astype(np.float32), np.zeros(hidden, np.float32),
        (luck.normal(size=hidden) / np.sqrt(hidden)).astype(np.float32), np.zeros((), np.float32),
    ]  # fmt: skip
    first = [np.zeros_like(one) for one in weights]
    second = [np.zeros_like(one) for one in weights]
    step = 0
    for epoch in range(epochs):
        speed = rate * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        for chosen in batches(luck):
            inputs = (rows[chosen] - mean) * scale
            kept = (luck.random(size) >= drop).astype(np.float32) / (1 - drop)
            inputs = inputs * kept
            inside = np.tanh(inputs @ weights[0] + weights[1])
            _, slope = loss(inside @ weights[2] + weights[3], chosen)
            back = slope[..., None] * weights[2] * (1 - inside**2)
            wide, deep = inputs.reshape(-1, size), back.reshape(-1, hidden)
            slopes = [
                wide.T @ deep + decay * weights[0], deep.sum(axis=0),
                inside.reshape(-1, hidden).T @ slope.reshape(-1) + decay * weights[2],
                slope.sum(),
            ]  # fmt: skip
            step += 1
            for place, one in enumerate(slopes):
                first[place] = 0.9 * first[place] + 0.1 * one
                second[place] = 0.999 * second[place] + 0.001 * one**2
                change = (first[place] / (1 - 0.9**step)) / (np.sqrt(second[place] / (1 - 0.999**step)) + 1e-8)
                weights[place] = (weights[place] - speed * change).astype(np.float32)
    return weights


def which(mask: Array, right: Array, weight: Array) -> Loss:
    """Softmax over the candidates of each query."""

    def loss(outputs: Array, chosen: Array) -> tuple[float, Array]:
        scores = np.where(mask[chosen], outputs, -1e9)
        scores = scores - scores.max(axis=1, keepdims=True)
        odds = np.exp(scores)
        odds /= odds.sum(axis=1, keepdims=True)
        at = np.arange(len(chosen))
        heavy = weight[chosen] / weight[chosen].sum()
        value = -float((np.log(odds[at, right[chosen]] + 1e-9) * heavy).sum())
        odds[at, right[chosen]] -= 1
        return value, (odds * heavy[:, None]).astype(np.float32)

    return loss


def whether(truth: Array, weight: Array) -> Loss:
    """Logistic."""

    def loss(outputs: Array, chosen: Array) -> tuple[float, Array]:
        odds = 1 / (1 + np.exp(-np.clip(outputs, -30, 30)))
        heavy = weight[chosen] / weight[chosen].sum()
        value = -float((heavy * np.log(np.where(truth[chosen] > 0, odds, 1 - odds) + 1e-9)).sum())
        return value, ((odds - truth[chosen]) * heavy).astype(np.float32)

    return loss


def shuffled(count: int, size: int) -> Callable[[np.random.Generator], Any]:
    """Batches in a new order every time."""

    def batches(luck: np.random.Generator) -> Any:
        order = luck.permutation(count)
        for start in range(0, count, size):
            yield order[start : start + size]

    return batches
