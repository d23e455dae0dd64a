"""Synthetic data sets of sets of points, functions, noise and views."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from corpus.examples import Dataset, digits, standardized


def clouds(rng: np.random.Generator) -> Dataset:
    """Sixteen points in any order: around a ring, along a line, in two heaps, in one heap; each turned and moved."""
    kinds = rng.integers(4, size=1200)
    angle = rng.random((1200, 16)) * 2 * np.pi
    along = rng.uniform(-1.5, 1.5, size=(1200, 16))
    side = np.where(rng.random((1200, 16)) < 0.5, -1.1, 1.1)
    none = np.zeros_like(along)
    shapes = np.stack([
        np.stack([np.cos(angle), np.sin(angle)], 2), np.stack([along, none], 2), np.stack([side, none], 2),
        rng.normal(size=(1200, 16, 2)) * 0.6,
    ])  # fmt: skip
    points = shapes[kinds, np.arange(1200)] + rng.normal(size=(1200, 16, 2)) * 0.2
    turn = rng.random(1200) * 2 * np.pi
    matrix = np.stack([np.stack([np.cos(turn), -np.sin(turn)], 1), np.stack([np.sin(turn), np.cos(turn)], 1)], 1)
    return Dataset(points @ matrix + rng.normal(size=(1200, 1, 2)) * 0.2, kinds, 4)


def samples(rng: np.random.Generator) -> Dataset:
    """Ten numbers of a normal distribution, of which the spread is to be told; a number in a hundred is far off."""
    spread = np.exp(rng.normal(size=1500) * 0.5)
    numbers = rng.normal(size=(1500, 10)) * spread[:, None] + rng.normal(size=(1500, 1))
    numbers[rng.random((1500, 10)) < 0.01] += 8
    return Dataset(numbers[:, :, None], standardized(np.log(spread)), 0)


def heat(rng: np.random.Generator) -> Dataset:
    """What becomes of 32 temperatures around a ring that are moved and smoothed, the warm ones faster than the cold."""
    place = np.arange(32) * 2 * np.pi / 32
    waves = np.arange(1, 5)
    size, phase = rng.normal(size=(900, 4)) * 0.7 / waves, rng.random((900, 4)) * 2 * np.pi
    begin = (size[:, :, None] * np.sin(waves[:, None] * place + phase[:, :, None])).sum(axis=1)
    state, step = begin.copy(), 0.03
    for _ in range(20):
        slope = (np.roll(state, -1, 1) - np.roll(state, 1, 1)) / (2 * place[1])
        bend = (np.roll(state, -1, 1) - 2 * state + np.roll(state, 1, 1)) / place[1] ** 2
        state = state + step * (0.3 * bend - state * slope)
    return Dataset(begin, state / state.std(), 0)


def noised(rng: np.random.Generator) -> Dataset:
    """Points of two moons that have been mixed with noise, more or less of it; what is to be told is the noise."""
    angle, upper = rng.random(3000) * np.pi, rng.random(3000) < 0.5
    across, along = np.cos(angle), np.sin(angle)
    moons = np.stack([np.where(upper, across, 1 - across), np.where(upper, along, 0.5 - along)], 1)
    points, noise, time = standardized(moons), rng.normal(size=(3000, 2)), rng.uniform(0.05, 1, size=(3000, 1))
    kept = np.cos(time * np.pi / 2)
    return Dataset(np.concatenate([kept * points + np.sqrt(1 - kept**2) * noise, time], 1), noise, 0)


def views(rng: np.random.Generator) -> Dataset:
    """Two noisy views of each of 512 digits, a part of either darkened; what belongs together has the same number."""
    chosen = digits().inputs[rng.permutation(1797)[:512]].reshape(512, 1, 8, 8).repeat(2, axis=1)
    both = chosen + rng.normal(size=chosen.shape) * 0.15
    for view in both.reshape(-1, 8, 8):
        row, column = rng.integers(0, 6, size=2)
        view[row : row + 3, column : column + 3] = 0
    return Dataset(both.reshape(512, 2, 64), np.arange(512), 512)


SIMULATED: dict[str, Callable[[np.random.Generator], Dataset]] = {
    one.__name__: one for one in (clouds, samples, heat, noised, views)
}
