"""Gradients that reach an optimizer inside a branch or loop of a TensorFlow graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from gradlog import GradlogError

from .sites import Site
from .tap import Tap


class Mirrors:
    """Keeps such gradients in variables, since a branch cannot add outputs to the step.

    So it is with accumulation and loss scaling, whose update rule runs in a branch, for the stage ``applied``.
    """

    def __init__(self) -> None:
        self._mirrors: dict[Site, _Mirror] = {}

    def add(self, site: Site, gradients: Mapping[int, Any], numbers: Mapping[str, Any]) -> None:
        """Makes the branch that is traced now store its gradients."""
        if site not in self._mirrors:
            with tf.init_scope():
                self._mirrors[site] = _Mirror(gradients, numbers)
        self._mirrors[site].store(gradients, numbers)

    def emit(self, tap: Tap, loss: Any, convert: Callable[[Any], Any]) -> None:
        """Tells the tap of the gradients that were stored in the last step."""
        for site, mirror in self._mirrors.items():
            times = mirror.times_stored()
            if times > 1:
                tap.fail(
                    GradlogError(
                        f"an optimizer was applied {times} times in one step by a loop inside a tf.function, which shows "
                        "only the last gradient",
                        "compile the model with run_eagerly=True, or write the loop in Python",
                    )
                )
            elif times and tap.wants(site.stage):
                tap.emit(site, lambda mirror=mirror: mirror.arrays(convert), loss=loss, **mirror.numbers())


class _Mirror:
    def __init__(self, gradients: Mapping[int, Any], numbers: Mapping[str, Any]) -> None:
        def variable(tensor: Any) -> tf.Variable:
            return tf.Variable(tf.zeros(tensor.shape, tensor.dtype), trainable=False)

        self._gradients = {place: variable(tensor) for place, tensor in gradients.items()}
        self._numbers = {name: variable(tensor) for name, tensor in numbers.items()}
        self._count = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._seen = 0

    def store(self, gradients: Mapping[int, Any], numbers: Mapping[str, Any]) -> None:
        stored = [self._gradients[place].assign(tensor) for place, tensor in gradients.items()]
        stored += [self._numbers[name].assign(tensor) for name, tensor in numbers.items()]
        with tf.control_dependencies(stored):
            self._count.assign_add(1)

    def times_stored(self) -> int:
        """How often since this was last asked."""
        count = int(self._count.numpy())
        times, self._seen = count - self._seen, count
        return times

    def arrays(self, convert: Callable[[Any], Any]) -> dict[int, Any]:
        return {place: convert(variable.read_value()) for place, variable in self._gradients.items()}

    def numbers(self) -> dict[str, Any]:
        return {name: variable.numpy() for name, variable in self._numbers.items()}
