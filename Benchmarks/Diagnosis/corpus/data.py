"""Synthetic data sets, of which each has something that confuses detectors, and the choice of a data set by its name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from corpus.examples import REAL, Arrays, Dataset, standardized
from corpus.simulated_data import SIMULATED
from corpus.structured_data import STRUCTURED


def blobs(rng: np.random.Generator) -> Dataset:
    centres = rng.normal(size=(6, 16)) * 1.5
    targets = rng.integers(6, size=1500)
    return Dataset(centres[targets] + rng.normal(size=(1500, 16)), targets, 6)


def spirals(rng: np.random.Generator) -> Dataset:
    """Three arms in the plane: needs depth."""
    targets = np.arange(1200) % 3
    radius = rng.random(1200) * 0.9 + 0.1
    angle = radius * 5 + targets * 2 * np.pi / 3 + rng.normal(size=1200) * 0.1
    return Dataset(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1) * 2, targets, 3)


def friedman(rng: np.random.Generator) -> Dataset:
    """Friedman's first regression problem: five features matter, five do not."""
    x = rng.random((1200, 10))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return Dataset(x * 2 - 1, standardized(y + rng.normal(size=1200)), 0)


def heavy_tails(rng: np.random.Generator) -> Dataset:
    """Linear and some more, with noise of Student's t of 2.1 degrees of freedom: single batches have huge losses."""
    x = rng.normal(size=(1500, 12))
    y = x @ rng.normal(size=12) + np.sin(2 * x[:, 0])
    return Dataset(x, (y / y.std() + rng.standard_t(2.1, size=1500) * 0.3), 0)


def imbalanced(rng: np.random.Generator) -> Dataset:
    """Three of a hundred are positive."""
    targets = (rng.random(2000) < 0.03).astype(np.float64)
    return Dataset(rng.normal(size=(2000, 20)) + targets[:, None] * 1.2, targets, 1)


def bag_of_words(rng: np.random.Generator) -> Dataset:
    """Counts of 300 words, of which a third never occur in these texts."""
    tokens, targets = _texts(rng, words=200, length=30, classes=4)
    inputs = np.zeros((len(tokens), 300))
    np.add.at(inputs, (np.arange(len(tokens))[:, None], tokens), 1)
    return Dataset(inputs, targets, 4)


def texts(rng: np.random.Generator) -> Dataset:
    """Texts of 24 words with Zipf's frequencies, of 4 classes; the vocabulary has 400 words, many of them rare or unused."""
    tokens, targets = _texts(rng, words=400, length=24, classes=4)
    return Dataset(tokens, targets, 4)


def _texts(rng: np.random.Generator, words: int, length: int, classes: int) -> Arrays:
    frequency = 1 / np.arange(1, words + 1)
    targets = rng.integers(classes, size=1200)
    topics = frequency * np.exp(rng.normal(size=(classes, words)) * 0.9)
    topics /= topics.sum(axis=1, keepdims=True)
    tokens = np.stack([rng.choice(words, size=length, p=topics[target]) for target in targets])
    return tokens.astype(np.int64), targets


def images(rng: np.random.Generator) -> Dataset:
    """Bars, crosses, squares and noise in 12x12 pixels, mostly dark."""
    targets = rng.integers(5, size=1000)
    pictures = np.abs(rng.normal(size=(1000, 1, 12, 12))) * 0.15
    for picture, target in zip(pictures[:, 0], targets, strict=True):
        row, column = rng.integers(2, 9, size=2)
        if target in (0, 2):
            picture[row, :] += 1
        if target in (1, 2):
            picture[:, column] += 1
        if target == 3:
            picture[row - 2 : row + 3, column - 2 : column + 3] += 1
    return Dataset(pictures, targets, 5)


def adding(rng: np.random.Generator) -> Dataset:
    """Sequences of 16 numbers of which the two marked ones are to be added."""
    numbers = rng.random((1500, 16))
    marks = np.zeros((1500, 16))
    first, second = rng.integers(8, size=1500), rng.integers(8, 16, size=1500)
    rows = np.arange(1500)
    marks[rows, first] = marks[rows, second] = 1
    return Dataset(np.stack([numbers, marks], 2), standardized(numbers[rows, first] + numbers[rows, second]), 0)


def waves(rng: np.random.Generator) -> Dataset:
    """Noisy oscillations of four frequencies, 20 samples long."""
    targets = rng.integers(4, size=1200)
    phase = rng.random((1200, 1)) * 2 * np.pi
    signal = np.sin(phase + np.arange(20) * (0.3 + 0.35 * targets[:, None])) + rng.normal(size=(1200, 20)) * 0.3
    return Dataset(signal[:, :, None], targets, 4)


def recall(rng: np.random.Generator) -> Dataset:
    """Twelve symbols, of which the first is to be named."""
    tokens = rng.integers(8, size=(1500, 12))
    return Dataset(tokens, tokens[:, 0].copy(), 8)


def grammar(rng: np.random.Generator) -> Dataset:
    """Characters of small sentences, one text after the other; the target is the next character."""
    nouns, verbs, joins = ["ant", "bear", "cat", "dodo"], ["sees", "eats", "hears"], [" and ", ". ", " but "]
    text = "".join(
        f"the {rng.choice(nouns)} {rng.choice(verbs)} a {rng.choice(nouns)}{rng.choice(joins)}" for _ in range(900)
    )
    symbols = {symbol: index for index, symbol in enumerate(sorted(set(text)))}
    codes = np.array([symbols[symbol] for symbol in text], dtype=np.int64)
    count = (len(codes) - 1) // 24
    return Dataset(codes[: count * 24].reshape(count, 24), codes[1 : count * 24 + 1].reshape(count, 24), len(symbols))


SYNTHETIC: dict[str, Callable[[np.random.Generator], Dataset]] = {
    one.__name__: one
    for one in (
        blobs, spirals, friedman, heavy_tails, imbalanced, bag_of_words, texts, images, adding, waves, recall, grammar
    )
} | STRUCTURED | SIMULATED  # fmt: skip


@cache
def dataset(name: str) -> Dataset:
    """The data set of this name, always the same."""
    if name in REAL:
        return REAL[name]()
    return SYNTHETIC[name](np.random.default_rng(20260 + len(name)))


def with_label_noise(data: Dataset, share: float, seed: int) -> Dataset:
    """The same with this share of the labels drawn at random."""
    if share == 0:
        return data
    rng = np.random.default_rng(seed)
    targets = data.targets.copy()
    wrong = rng.random(len(targets)) < share
    targets[wrong] = rng.integers(max(data.classes, 2), size=wrong.sum())
    return Dataset(data.inputs, targets, data.classes)
