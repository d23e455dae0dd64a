"""Synthetic data sets of examples with parts: pairs, graphs, pictures labelled by pixel, sentences with their translation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from corpus.examples import Dataset, digits, standardized


def scenes(rng: np.random.Generator) -> Dataset:
    """Each of 12x12 pixels belongs to the background, a bar, a square or a ring; most are background."""
    pictures, targets = _scenes(rng)
    return Dataset(pictures, targets, 4)


def masks(rng: np.random.Generator) -> Dataset:
    """The same pictures; each pixel belongs to a square or does not, which is 1 of 10."""
    pictures, targets = _scenes(rng)
    return Dataset(pictures, (targets == 2).astype(np.float64), 1)


def _scenes(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    targets = np.zeros((800, 12, 12), dtype=np.int64)
    for target in targets:
        row, column = rng.integers(1, 8, size=2)
        if rng.random() < 0.6:
            target[rng.integers(12), :] = 1
        if rng.random() < 0.7:
            target[row : row + 4, column : column + 4] = 2
        if rng.random() < 0.7:
            row, column = rng.integers(0, 8, size=2)
            target[row : row + 5, column : column + 5] = 3
            target[row + 1 : row + 4, column + 1 : column + 4] = 0
    pictures = (targets > 0) + rng.normal(size=targets.shape) * 0.3
    return pictures[:, None], targets


def reversal(rng: np.random.Generator) -> Dataset:
    """Seven symbols and, after them, what a decoder is fed with: a mark and the reversed symbols but the last."""
    source = rng.integers(1, 11, size=(1500, 7))
    wanted = source[:, ::-1].copy()
    mark = np.zeros((1500, 1), dtype=np.int64)
    return Dataset(np.concatenate([source, mark, wanted[:, :-1]], 1), wanted, 11)


def pairs(rng: np.random.Generator) -> Dataset:
    """Two digits, of the same kind or not; half are."""
    one = digits()
    first = rng.integers(len(one.inputs), size=2000)
    second = rng.integers(len(one.inputs), size=2000)
    for index in range(0, 2000, 2):
        second[index] = rng.choice(np.flatnonzero(one.targets == one.targets[first[index]]))
    same = (one.targets[first] == one.targets[second]).astype(np.float64)
    return Dataset(np.stack([one.inputs[first], one.inputs[second]], 1), same, 1)


def graphs(rng: np.random.Generator) -> Dataset:
    """Graphs of ten nodes: at random, of two halves, or around two hubs. Each node has a row of the normalized adjacency
    matrix and six features, of which the first are larger in one half of the nodes; an edge is missing here and there.
    """
    kinds = rng.integers(3, size=1000)
    half = np.arange(10) < 5
    chances = np.stack([
        np.full((10, 10), 0.3), np.where(half[:, None] == half, 0.6, 0.05), np.full((10, 10), 0.15)
    ])  # fmt: skip
    chances[2, :2] = chances[2, :, :2] = 0.8
    edges = np.triu(rng.random((1000, 10, 10)) < chances[kinds], 1)
    adjacency = edges + edges.transpose(0, 2, 1) + np.eye(10)
    features = rng.normal(size=(1000, 10, 6))
    features[:, :, :2] += half[:, None] * 1.5
    features[:, :, 2] += adjacency.sum(axis=2) / 3 - 1
    degree = adjacency.sum(axis=2, keepdims=True)
    order = np.argsort(rng.random((1000, 10)), axis=1)
    both = np.concatenate([np.take_along_axis(adjacency / degree, order[:, None, :], 2), features], 2)
    return Dataset(np.take_along_axis(both, order[:, :, None], 1), kinds, 3)


def ratings(rng: np.random.Generator) -> Dataset:
    """How 60 users rate 90 works, some of which hardly anybody knows. Works are numbered after the users."""
    taste, kind = rng.normal(size=(60, 4)), rng.normal(size=(90, 4))
    known = 1 / np.arange(1, 91) ** 0.7
    users, works = rng.integers(60, size=3000), rng.choice(90, size=3000, p=known / known.sum())
    rating = (taste[users] * kind[works]).sum(axis=1) + kind[works, 0] * 2 + rng.normal(size=3000) * 0.5
    return Dataset(np.stack([users, 60 + works], 1), standardized(rating), 0)


def households(rng: np.random.Generator) -> Dataset:
    """Six numbers and three categories of which each value has a column of its own, rare ones among them; one of four is
    positive, by numbers and by two categories together.
    """
    numbers = rng.normal(size=(2000, 6))
    columns, codes = [numbers], []
    for count in (6, 12, 30):
        chance = 1 / np.arange(1, count + 1)
        codes.append(rng.choice(count, size=2000, p=chance / chance.sum()))
        columns.append(np.eye(count)[codes[-1]])
    crossed = rng.normal(size=(6, 12))[codes[0], codes[1]] * 2
    score = numbers[:, 0] - numbers[:, 1] * numbers[:, 2] + crossed + rng.normal(size=2000) * 0.3
    return Dataset(np.concatenate(columns, 1), (score > np.quantile(score, 0.75)).astype(np.float64), 1)


def picture(rng: np.random.Generator) -> Dataset:
    """The brightness of a picture at each of 1600 places, of which only the coordinates are given."""
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(-1, 1, 40), np.linspace(-1, 1, 40)))
    bright = np.sin(7 * x + 2 * y) + np.cos(9 * y * x) + 1.5 * (np.hypot(x - 0.2, y + 0.3) < 0.4)
    return Dataset(np.stack([x, y], 1), standardized(bright + rng.normal(size=1600) * 0.05), 0)


STRUCTURED: dict[str, Callable[[np.random.Generator], Dataset]] = {
    one.__name__: one for one in (scenes, masks, reversal, pairs, graphs, ratings, households, picture)
}
