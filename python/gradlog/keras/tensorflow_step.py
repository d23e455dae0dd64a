"""The training step on TensorFlow: gradients become outputs of the compiled step."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy
import tensorflow as tf

from gradlog import GradlogError

from .event import Stage
from .mirrors import Mirrors
from .optimizers import Watched
from .outputs import StepOutputs
from .tap import Tap

_LOGS, _RETURNED = "logs", "gradlog"


def tapped_step(tap: Tap) -> Callable[..., Any]:
    """Builds a ``train_function`` that tells the tap of the gradients.

    Raises:
        GradlogError: when the model is trained by several replicas.
    """
    if tap.model.distribute_strategy.num_replicas_in_sync > 1:
        raise GradlogError(
            "gradients cannot be seen with several replicas in one process",
            "train with one, or with one process for each and a recording of its own (rank=…, world_size=…)",
        )
    return _TensorFlowStep(tap).train_function


class _TensorFlowStep:
    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._outputs = StepOutputs()
        self._mirrors = Mirrors()
        self._graph: Any = None
        self._watch_loss()
        tap.observe(self._add)
        original = tap.model.train_step

        def train_step(data: Any) -> dict[str, Any]:
            self._outputs.begin()
            self._tap.sites.begin_step()
            self._graph = tf.compat.v1.get_default_graph()
            logs = original(data)
            tensors = self._outputs.tensors(packed=not tf.executing_eagerly())
            return {_LOGS: logs, _RETURNED: tensors} if tensors else {_LOGS: logs}

        tap.patches.set(tap.model, "train_step", train_step)
        tap.model.make_train_function(force=True)
        self._step = tap.model.train_function

    def train_function(self, iterator: Any) -> Any:
        """As Keras's, but takes the steps of one execution one by one: a loop in the graph shows only its last."""
        steps = self._tap.model.steps_per_execution
        if steps == 1:
            return self._one(iterator)
        logs = None
        # Data is fetched first: at its end a step of Keras's would still count an iteration of the optimizer.
        for data in itertools.islice(iterator, steps):
            logs = self._one([data])
            if self._tap.is_stopped:
                break
        if logs is None:
            raise StopIteration
        return logs

    def _one(self, iterator: Any) -> Any:
        returned = self._step(iterator)
        self._tap.begin_step()
        logs = returned[_LOGS]
        tensors = self._outputs.unpacked(returned.get(_RETURNED, {}), _array)
        self._outputs.emit(self._tap, tensors, logs, _array)
        self._mirrors.emit(self._tap, self._outputs.loss(tensors, logs), _array)
        return logs

    def _watch_loss(self) -> None:
        tracker = getattr(self._tap.model, "_loss_tracker", None)
        if tracker is None:
            return
        original = tracker.update_state

        def update_state(loss: Any, *arguments: Any, **named: Any) -> Any:
            if self._is_at_top:
                self._outputs.set_loss(tf.convert_to_tensor(loss))
            return original(loss, *arguments, **named)

        self._tap.patches.set(tracker, "update_state", update_state)

    @property
    def _is_at_top(self) -> bool:
        """Whether what is traced now can be an output of the step: not inside a loop or branch."""
        return tf.compat.v1.get_default_graph() is self._graph

    def _add(self, stage: Stage, watched: Watched, gradients: list[Any], variables: list[Any]) -> None:
        # Read here: a variable as an output would be read at the end of the step.
        numbers = {name: tf.identity(number) for name, number in watched.numbers().items()}
        scale = numbers.get("loss_scale") if stage == "raw" else None
        found = {place: gradient for place, gradient in enumerate(gradients) if gradient is not None}
        if not self._is_at_top:
            found = {place: tf.convert_to_tensor(gradient) for place, gradient in found.items()}
        row_shapes = {
            place: tuple(variables[place].shape)
            for place, gradient in found.items()
            if isinstance(gradient, tf.IndexedSlices)
        }
        site = self._tap.sites.describe(stage, watched, variables, row_shapes)
        unscaled = {place: _parts(gradient, scale) for place, gradient in found.items()}
        if self._is_at_top:
            self._outputs.add(site, unscaled, numbers)
        else:
            self._mirrors.add(site, unscaled, numbers)


def _parts(gradient: Any, scale: Any) -> Any:
    """The gradient without its loss scale; a pair of indices and rows when it consists of rows."""
    if isinstance(gradient, tf.IndexedSlices):
        return tf.convert_to_tensor(gradient.indices), _parts(gradient.values, scale)
    gradient = tf.convert_to_tensor(gradient)
    return gradient if scale is None else gradient / tf.cast(scale, gradient.dtype)


def _array(tensor: tf.Tensor) -> numpy.ndarray:
    # numpy() would copy what the listeners copy anyway.
    return numpy.asarray(tensor._numpy() if hasattr(tensor, "_numpy") else tensor.numpy())
