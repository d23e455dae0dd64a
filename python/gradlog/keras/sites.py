"""The places in a training step where gradients reach an optimizer."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from gradlog import FROZEN, RowSparse

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
    frozen: frozenset[str] = frozenset()
    """Names of the weights that the model does not train."""

    def gradients(self, arrays: Mapping[int, Any]) -> dict[str, Any]:
        """Gradients by name; ``arrays`` has them by place, those that come as rows as pairs of indices and rows."""
        shapes = dict(self.row_shapes)
        named: dict[str, Any] = {}
        for name, place in self.weights:
            value = None if place is None else arrays.get(place)
            if value is None:
                named[name] = FROZEN if name in self.frozen else None
            else:
                named[name] = RowSparse(*value, shapes[place]) if place in shapes else value
        return named


class SiteBook:
    """Describes the sites of a model's step, and counts them within the step."""

    def __init__(self, model: keras.Model, is_single: bool) -> None:
        self._model = model
        self._is_single = is_single
        self._calls: collections.Counter[tuple[Stage, str]] = collections.Counter()
        self._arrangements: dict[tuple[int, ...], list[tuple[Any, str, int | None]]] = {}
        self._known_weights: Weights | None = None

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
        arranged = self._arrange(watched, variables)
        weights = tuple((name, place) for _, name, place in arranged)
        # Asked anew each time: an eager training may freeze a layer between two steps.
        frozen = frozenset(name for variable, name, _ in arranged if self._weights.is_frozen(variable))
        return Site(stage, watched.label, call, weights, rows, frozen)

    @property
    def _weights(self) -> Weights:
        # Not made earlier: a model may be built only by its first step.
        self._known_weights = self._known_weights or Weights(self._model)
        return self._known_weights

    def _arrange(self, watched: Watched, variables: Sequence[Any]) -> list[tuple[Any, str, int | None]]:
        key = (id(watched), *map(id, variables))
        if key not in self._arrangements:
            self._arrangements[key] = self._weights.arrange(
                list(variables), watched.known_variables(), frozen=self._is_single
            )
        return self._arrangements[key]
