"""The names of a model's weights, and their order."""

from __future__ import annotations

import collections
import re
from typing import Any

import keras
import numpy

from gradlog import GradlogError


def weight_names(model: keras.Model) -> list[str]:
    """The names under which the gradients of ``model.trainable_weights`` are recorded, in that order.

    A name is the weight's path with the counters of automatic layer names counted anew: Keras counts them
    per process, so the same model built a second time has the paths ``sequential_1/dense_3/kernel`` where it
    had ``sequential/dense_1/kernel``. Layers that were named by hand keep their names, unless Keras might have given them:
    ``dense_1`` and ``dense_2`` become ``dense`` and ``dense_1``. A path that occurs twice gets ``#2`` at its end.
    """
    weights = Weights(model)
    return [weights.name(variable) for variable in model.trainable_weights]


def norms(model: keras.Model) -> dict[str, float]:
    """The Euclidean norms of the values that the model's weights have now, by the names under which their gradients are
    recorded.
    """
    weights = Weights(model)
    return {weights.name(variable): _norm(variable) for variable in model.trainable_weights}


def _norm(variable: Any) -> float:
    values = keras.ops.convert_to_numpy(variable)
    wide = values if values.dtype == numpy.float64 else values.astype(numpy.float32, copy=False)
    return float(numpy.linalg.norm(wide))


class Weights:
    """Knows the weights of one model by their variables, Keras's or the backend's own."""

    def __init__(self, model: keras.Model) -> None:
        layers = [model, *_sublayers(model)]
        trainable = {id(v) for v in model.trainable_variables}
        frozen = {id(v) for layer in layers for v in getattr(layer, "_trainable_variables", ())} - trainable
        self._variables = [v for v in model.weights if id(v) in trainable or id(v) in frozen]
        self._frozen = frozen
        self._names = {}
        self._order = {}
        self._own = {}
        for order, (variable, name) in enumerate(zip(self._variables, _canonical(self._variables, layers))):
            for key in _keys(variable):
                self._names[key] = name
                self._order[key] = order
                self._own[key] = variable

    def name(self, variable: Any) -> str:
        """The weight's name; its path when the model does not know it."""
        for key in _keys(variable):
            if key in self._names:
                return self._names[key]
        return getattr(variable, "path", None) or variable.name.split(":")[0]

    def is_frozen(self, variable: Any) -> bool:
        """Whether the model does not train the weight at present."""
        own = next((self._own[key] for key in _keys(variable) if key in self._own), variable)
        return not getattr(own, "trainable", True)

    def arrange(
        self, handed: list[Any], others: list[Any], *, frozen: bool
    ) -> list[tuple[Any, str, int | None]]:
        """The weights of one gradient update with their names and places, from the input towards the loss.

        ``handed`` are the variables whose gradients the optimizer got; the place of a weight is its index there.
        ``others`` are further variables of the optimizer, and ``frozen`` asks for those that are not trained:
        they have no place, since they have no gradient.
        """
        places = {id(v): place for place, v in enumerate(handed)}
        known = {key for v in handed for key in _keys(v)}
        rest = [*others, *(v for v in self._variables if frozen and id(v) in self._frozen)]
        for variable in rest:
            if known.isdisjoint(_keys(variable)):
                known.update(_keys(variable))
                places[id(variable)] = None
        variables = {id(v): v for v in [*handed, *rest] if id(v) in places}
        ordered = sorted(variables.values(), key=self._position)
        return [(v, self.name(v), places[id(v)]) for v in ordered]

    def _position(self, variable: Any) -> int:
        return min(
            (self._order[key] for key in _keys(variable) if key in self._order), default=len(self._order)
        )


def _keys(variable: Any) -> list[int]:
    # On jax the value is another array after each step, so its identity says nothing.
    own = None if keras.backend.backend() == "jax" else getattr(variable, "_value", None)
    return [id(variable)] if own is None else [id(variable), id(own)]


def _sublayers(model: keras.Model) -> list[Any]:
    if not hasattr(model, "_flatten_layers"):
        raise GradlogError(
            f"Keras {keras.__version__} does not tell the layers of a model", "use another version"
        )
    return list(model._flatten_layers(include_self=False))


def _canonical(variables: list[Any], layers: list[Any]) -> list[str]:
    renamed = _renumber(layers)
    used: collections.Counter[str] = collections.Counter()
    names = []
    for variable in variables:
        *parents, leaf = variable.path.split("/")
        name = "/".join([*(renamed.get(part, part) for part in parents), leaf])
        used[name] += 1
        names.append(name if used[name] == 1 else f"{name}#{used[name]}")
    return names


def _renumber(layers: list[Any]) -> dict[str, str]:
    """New names for automatically named layers: the counters of each kind from none on, their order kept."""
    counters: dict[str, set[int]] = collections.defaultdict(set)
    for layer in layers:
        kind = _snake_case(type(layer).__name__)
        match = re.fullmatch(rf"{re.escape(kind)}(?:_(\d+))?", layer.name)
        if match:
            counters[kind].add(int(match[1] or 0))
    return {
        kind + (f"_{counter}" if counter else ""): kind + (f"_{number}" if number else "")
        for kind, found in counters.items()
        for number, counter in enumerate(sorted(found))
    }


def _snake_case(name: str) -> str:
    # As keras.src.utils.naming.to_snake_case names layers.
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
