"""What a data set is, and the real ones, from ``Examples/``."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[3] / "Examples"
Arrays = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Dataset:
    """Inputs and targets; ``classes`` is 0 for regression, 1 for a binary target of one output."""

    inputs: np.ndarray
    targets: np.ndarray
    classes: int

    @property
    def is_tokens(self) -> bool:
        """Whether the inputs are numbers of tokens."""
        return self.inputs.dtype.kind == "i"

    @property
    def labels_places(self) -> bool:
        """Whether each place of a sequence or picture has a target of its own."""
        return self.classes > 0 and self.targets.ndim > 1


def table(name: str) -> Arrays:
    """Features and target column of a file in Examples."""
    with open(FOLDER / f"{name}.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    values = np.array(rows, dtype=np.float64)
    return values[:, :-1], values[:, -1]


def standardized(values: np.ndarray) -> np.ndarray:
    """Mean 0 and deviation 1 of each column; constant columns become 0."""
    deviation = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(deviation > 0, deviation, 1)


def digits() -> Dataset:
    """Real; the corner pixels are always 0."""
    inputs, targets = table("digits")
    return Dataset(inputs / 16, targets.astype(np.int64), 10)


def digit_images() -> Dataset:
    flat = digits()
    return Dataset(flat.inputs.reshape(-1, 1, 8, 8), flat.targets, 10)


def digit_rows() -> Dataset:
    """Each digit as a sequence of its eight rows."""
    flat = digits()
    return Dataset(flat.inputs.reshape(-1, 8, 8), flat.targets, 10)


def pixels() -> Dataset:
    """Digits to be reconstructed."""
    inputs = digits().inputs
    return Dataset(inputs, inputs, 0)


def strokes() -> Dataset:
    """Digits in black and white, each pixel of which is to be told from those before it; some are never white."""
    white = (digits().inputs > 0.4).astype(np.float64)
    return Dataset(white, white, 1)


def breast_cancer() -> Dataset:
    inputs, targets = table("breast_cancer")
    return Dataset(standardized(inputs), targets, 1)


def diabetes() -> Dataset:
    """Real, and noisy: half of the variance cannot be explained."""
    inputs, targets = table("diabetes")
    return Dataset(standardized(inputs), standardized(targets), 0)


REAL: dict[str, Callable[[], Dataset]] = {
    one.__name__: one for one in (digits, digit_images, digit_rows, pixels, strokes, breast_cancer, diabetes)
}
