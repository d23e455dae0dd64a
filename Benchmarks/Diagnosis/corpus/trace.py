"""What is known for certain about one training, from its true tensors: the base of the labels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass
class Trace:
    """One row a step. What a framework cannot tell stays empty.

    ``norm``: of all gradients as recorded, infinite when one is not finite. ``nonfinite``, ``absent``: position of the first
    weight without a finite gradient, or without any; -1 for none. ``cosine``: of all gradients with those of the step before.
    ``zeros``: share of zeros of each weight; ``rms``: of each weight. ``ranks``: dimensions of each weight. ``dead``: the
    largest share of dead units of a ReLU on the training data, and ``dead_position`` where; -1 when not looked at.
    ``progress``: loss on the training data relative to a constant answer, at 0, 70, 85 and 100 % of the training.
    """

    names: list[str] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    norm: list[float] = field(default_factory=list)
    nonfinite: list[int] = field(default_factory=list)
    absent: list[int] = field(default_factory=list)
    cosine: list[float] = field(default_factory=list)
    zeros: list[list[float]] = field(default_factory=list)
    rms: list[list[float]] = field(default_factory=list)
    dead: list[float] = field(default_factory=list)
    dead_position: list[int] = field(default_factory=list)
    progress: list[float] = field(default_factory=list)

    @property
    def metric(self) -> float:
        """Loss relative to a constant answer, mean of three looks late in the training; at most 10, infinite when not finite."""
        late = self.progress[1:]
        if not late or not all(map(math.isfinite, late)):
            return math.inf
        return float(np.mean(np.minimum(late, 10)))

    def save(self, path: Path) -> None:
        """Writes it; a file that is there is whole."""
        partial = path.with_suffix(".partial.npz")
        arrays: dict[str, Any] = {name: np.array(values) for name, values in vars(self).items()}
        np.savez_compressed(partial, **arrays)
        partial.rename(path)

    @staticmethod
    def load(path: Path) -> Trace:
        """Reads what ``save`` wrote."""
        with np.load(path) as stored:
            return Trace(**{name: stored[name].tolist() for name in stored.files})
