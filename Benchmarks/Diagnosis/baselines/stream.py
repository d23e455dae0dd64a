"""What one run recorded, as arrays that every baseline shares: read once with nothing but sqlite3 and numpy.

The columns and their meaning are those of the view `gradients` in docs/FileFormat.md.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy
from numpy.typing import NDArray

Floats = NDArray[numpy.float64]
Flags = NDArray[numpy.bool_]

STATISTICS = [
    "element_count",
    "zero_count",
    "nan_count",
    "posinf_count",
    "neginf_count",
    "norm",
    "mean",
    "mean_abs",
]
QUANTILES = ["abs_p75", "abs_p95"]
COLUMNS = ["epoch", "batch", "call", "step", "loss", "loss_is_nan", "weight", "position", "shape", "absent"]
QUERY = f"""
    SELECT {", ".join(COLUMNS + STATISTICS + QUANTILES)}
    FROM gradients WHERE run = ? AND rank = 0 ORDER BY gradient_id
"""


@dataclass(frozen=True)
class Stream:
    """The gradients of a run: a row for each batch, in the order of training, a column for each weight, from
    the input on.

    A statistic is what numpy computes of the whole gradient, so NaN and infinity show in it, and NaN where
    the batch has no gradient of that weight (`present` is False) or the gradient no element.
    """

    run: str
    step: NDArray[numpy.int64]
    epoch: NDArray[numpy.int64]
    loss: Floats
    """NaN when the loss was NaN and when it is unknown."""
    loss_known: Flags
    weights: list[str]
    position: NDArray[numpy.int64]
    dimensions: NDArray[numpy.int64]
    present: Flags
    norm: Floats
    mean: Floats
    mean_abs: Floats
    zero_share: Floats
    element_count: Floats
    nonfinite: Flags
    spread: Floats
    """95th − 5th percentile of the elements, taken to be symmetric about zero: twice the 90th percentile of
    │g│.
    """

    @property
    def batches(self) -> int:
        return len(self.step)

    @cached_property
    def kernels(self) -> NDArray[numpy.int64]:
        """Columns of weights of two or more dimensions: what the tools for Keras models call kernels."""
        return numpy.flatnonzero(self.dimensions >= 2)

    @cached_property
    def total_norm(self) -> Floats:
        """The norm of all gradients of a batch together."""
        with numpy.errstate(over="ignore"):
            norms: Floats = numpy.sqrt(numpy.sum(numpy.where(self.present, self.norm, 0) ** 2, axis=1))
            return norms

    def spans(self, minimum: int = 10) -> list[range]:
        """The batches of each epoch.

        Rules that look at the end of an epoch were made for trainings of tens of them. A run of fewer than
        `minimum` epochs is cut into as many spans of equal length, each of which stands for an epoch.
        """
        bounds = [0, *(numpy.flatnonzero(numpy.diff(self.epoch)) + 1), self.batches]
        if len(bounds) - 1 < minimum:
            bounds = list(numpy.linspace(0, self.batches, min(minimum, self.batches) + 1).astype(int))
        return [range(start, stop) for start, stop in zip(bounds, bounds[1:])]


def read(path: Path, run: str) -> Stream:
    """Reads a run of a file. Raises ValueError when the file has none of that name, or nothing of it."""
    with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as database:
        rows = database.execute(QUERY, [run]).fetchall()
    if not rows:
        raise ValueError(f"{path} has no gradients of a run named {run!r}")
    columns = dict(zip(COLUMNS + STATISTICS + QUANTILES, zip(*rows)))

    # A batch is what one pass produced: several optimizers are rows of the file but one row here.
    batches = _numbered(zip(columns["epoch"], columns["batch"], columns["call"]))
    depth = dict(sorted(dict(zip(columns["weight"], columns["position"])).items(), key=lambda item: item[1]))
    column = {weight: index for index, weight in enumerate(depth)}
    shapes = {
        weight: shape for weight, shape in zip(columns["weight"], columns["shape"]) if shape is not None
    }
    row_of = numpy.array(batches)
    column_of = numpy.array([column[weight] for weight in columns["weight"]])
    first = numpy.unique(row_of, return_index=True)[1]

    def matrix(name: str) -> Floats:
        values = numpy.full((len(first), len(column)), numpy.nan)
        values[row_of, column_of] = numpy.array(columns[name], dtype=float)
        return values

    def per_batch(name: str) -> Floats:
        return numpy.array([columns[name][index] for index in first], dtype=float)

    counts = {name: matrix(name) for name in STATISTICS}
    is_nan, rises, falls = (counts[name] > 0 for name in ("nan_count", "posinf_count", "neginf_count"))
    p75, p95 = matrix("abs_p75"), matrix("abs_p95")
    loss_is_nan = per_batch("loss_is_nan") > 0
    loss = per_batch("loss")
    return Stream(
        run=run,
        step=per_batch("step").astype(int),
        epoch=per_batch("epoch").astype(int),
        loss=numpy.where(loss_is_nan, numpy.nan, loss),
        loss_known=loss_is_nan | ~numpy.isnan(loss),
        weights=list(depth),
        position=numpy.array(list(depth.values())),
        dimensions=numpy.array([len(json.loads(shapes.get(weight, "[]"))) for weight in depth]),
        present=matrix("absent") == 0,
        norm=numpy.where(is_nan, numpy.nan, numpy.where(rises | falls, numpy.inf, counts["norm"])),
        mean=_mean(counts["mean"], is_nan, rises, falls),
        mean_abs=numpy.where(is_nan, numpy.nan, numpy.where(rises | falls, numpy.inf, counts["mean_abs"])),
        zero_share=counts["zero_count"]
        / numpy.where(counts["element_count"] > 0, counts["element_count"], numpy.nan),
        element_count=counts["element_count"],
        nonfinite=is_nan | rises | falls,
        spread=2 * (p75 + 0.75 * (p95 - p75)),
    )


def _numbered(keys: Iterable[tuple[int, int, int]]) -> list[int]:
    """For each key the number of distinct keys before its first occurrence."""
    numbers: dict[tuple[int, int, int], int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]


def _mean(finite: Floats, is_nan: Flags, rises: Flags, falls: Flags) -> Floats:
    """The mean of all elements, given the one of the finite elements."""
    infinite = numpy.where(rises, numpy.inf, numpy.where(falls, -numpy.inf, finite))
    return numpy.where(is_nan | (rises & falls), numpy.nan, infinite)
