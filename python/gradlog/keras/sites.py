"""The places in a training step where gradients reach an optimizer."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from gradlog import RowSparse

from .event import Stage
from .optimizers import Watched
from .weights import Weights


@dataclasses.dataclass(frozen=True)
class Site:
    """One such place. A compiled step returns only tensors; this is what is known besides them."""

    stage: Stage
    optimizer: str
    call: int
    weights: tuple[tuple[str, int | None], ...]
    """Names from the input towards the loss, each with the place of its gradient among those that the optimizer got;
    None for a weight that has none."""
    row_shapes: tuple[tuple[int, tuple[int, ...]], ...] = ()
    """Shapes of the gradients that come as rows, by place."""

    def gradients(self, arrays: Mapping[int, Any]) -> dict[str, Any]:
        """Gradients by name; ``arrays`` has them by place, those that come as rows as pairs of indices and rows."""
        shapes = dict(self.row_shapes)
        named: dict[str, Any] = {}
        for name, place in self.weights:
            value = None if place is None else arrays.get(place)
            named[name] = RowSparse(*value, shapes[place]) if value is not None and place in shapes else value
        return named


class SiteBook:
    """Describes the sites of a model's step, and counts them within the step."""

    def __init__(self, model: keras.Model, is_single: bool) -> None:
        self._model = model
        self._is_single = is_single
        self._calls: collections.Counter[tuple[Stage, str]] = collections.Counter()
        self._arrangements: dict[tuple[int, ...], tuple[tuple[str, int | None], ...]] = {}
        self._weights: Weights | None = None

    def begin_step(self) -> None:
        """Counts the calls of each optimizer from none on."""
        self._calls.clear()

    def describe(
        self,
        stage: Stage,
        watched: Watched,
        variables: Sequence[Any],
        row_shapes: Mapping[int, tuple[int, ...]] = {},
    ) -> Site:
        """The site where an optimizer gets the gradients of these variables."""
        call = self._calls[stage, watched.label]
        self._calls[stage, watched.label] += 1
        rows = tuple(sorted(row_shapes.items()))
        return Site(stage, watched.label, call, self._arrange(watched, variables), rows)

    def _arrange(self, watched: Watched, variables: Sequence[Any]) -> tuple[tuple[str, int | None], ...]:
        key = (id(watched), *map(id, variables))
        if key not in self._arrangements:
            # Here, not earlier: a model may be built only by its first step.
            self._weights = self._weights or Weights(self._model)
            arranged = self._weights.arrange(
                list(variables), watched.known_variables(), frozen=self._is_single
            )
            self._arrangements[key] = tuple(arranged)
        return self._arrangements[key]
