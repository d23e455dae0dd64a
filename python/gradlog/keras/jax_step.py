"""The training step on jax: gradients become outputs of the compiled step."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.extend
import keras
import numpy

from gradlog import GradlogError

from .event import Stage
from .optimizers import Watched
from .outputs import StepOutputs
from .tap import Tap


def tapped_step(tap: Tap) -> Callable[..., Any]:
    """Builds a ``train_function`` that tells the tap of the gradients.

    Raises:
        GradlogError: when Keras uses NNX.
    """
    if getattr(keras.config, "is_nnx_enabled", bool)():
        raise GradlogError("gradients cannot be seen while Keras uses NNX", "unset KERAS_NNX_ENABLED")
    return _JaxStep(tap).train_function


class _JaxStep:
    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._outputs = StepOutputs()
        self._level: Any = None
        self._ahead: tuple[dict[str, Any], Any] | None = None
        self._watch_loss()
        self._observe = tap.observe(self._add)
        for watched in tap.watched:
            if watched.scales_loss_dynamically:
                self._look_ahead_of_branch(watched)
        self._step = self._compiled(tap.model)

    def train_function(self, state: Any, iterator: Iterator[Any]) -> Any:
        """As Keras's: takes as many steps as ``steps_per_execution`` says."""
        logs = None
        for data in itertools.islice(iterator, self._tap.model.steps_per_execution):
            self._tap.begin_step()
            (logs, returned), state = self._step(state, data)
            tensors = self._outputs.unpacked(returned, numpy.asarray)
            self._outputs.emit(self._tap, tensors, logs, numpy.asarray)
            if self._tap.is_stopped:
                break
        if logs is None:
            raise StopIteration
        return logs, state

    def _compiled(self, model: keras.Model) -> Callable[..., Any]:
        is_compiled = model.jit_compile and not model.run_eagerly
        distribution = keras.distribution.distribution()
        # Of tensors that lie on several devices none is made.
        packed = is_compiled and distribution is None

        # A function of its own: jax would take the trace of the untapped step for one of the same method.
        def step(state: Any, data: Any) -> Any:
            self._outputs.begin()
            self._tap.sites.begin_step()
            self._level = _trace_level()
            logs, state = model.train_step(state, data)
            return (logs, self._outputs.tensors(packed)), state

        if not is_compiled:
            return step
        shardings = None if distribution is None else (None, model._get_state_sharding_spec())
        return jax.jit(step, donate_argnums=0, out_shardings=shardings)

    @property
    def _is_at_top(self) -> bool:
        """Whether what is traced now can be an output of the step: not inside a loop, branch or derivative."""
        return self._level == _trace_level()

    def _watch_loss(self) -> None:
        tracker = getattr(self._tap.model, "_loss_tracker", None)
        if tracker is None:
            return
        original = tracker.update_state

        def update_state(loss: Any, *arguments: Any, **named: Any) -> Any:
            if self._is_at_top:
                self._outputs.set_loss(loss)
            return original(loss, *arguments, **named)

        self._tap.patches.set(tracker, "update_state", update_state)

    def _add(self, stage: Stage, watched: Watched, gradients: list[Any], variables: list[Any]) -> None:
        if not self._is_at_top:
            if watched.scales_loss_dynamically:
                return  # Seen ahead of the branch.
            raise GradlogError(
                f"optimizer {watched.optimizer.name!r} is applied inside jax.lax control flow, where its gradients "
                "cannot be seen",
                "apply it in train_step itself",
            )
        numbers, keep = self._ahead or (watched.numbers(), True)
        scale = numbers.get("loss_scale") if stage == "raw" else None
        # Keras runs an accumulating update rule in each batch and throws its result away in most.
        keep = keep & watched.ends_accumulation() if stage == "applied" else None
        site = self._tap.sites.describe(stage, watched, variables)
        arrays = {i: g if scale is None else g / scale for i, g in enumerate(gradients) if g is not None}
        self._outputs.add(site, arrays, numbers, None if keep is True else keep)

    def _look_ahead_of_branch(self, watched: Watched) -> None:
        """A LossScaleOptimizer updates in a branch, which has no outputs of ours; so its gradients are seen before.

        For the stage ``applied`` its inner optimizer is run there too, on the same values. Only what reaches the update
        rule is used, so XLA leaves the rest out.
        """
        optimizer, inner = watched.optimizer, watched.inner
        original = optimizer.stateless_apply

        def look(optimizer_variables: Any, grads: list[Any], trainable_variables: Any) -> None:
            mapping = list(zip(optimizer.variables, optimizer_variables))
            with keras.StatelessScope(state_mapping=mapping):
                numbers = watched.numbers()
                self._ahead = (numbers, optimizer.check_finite(grads))
            self._observe("raw", watched, grads, watched.known_variables())
            values = {id(variable): value for variable, value in mapping}
            unscaled = [None if g is None else g / numbers["loss_scale"] for g in grads]
            inner.stateless_apply([values[id(v)] for v in inner.variables], unscaled, trainable_variables)

        def stateless_apply(optimizer_variables: Any, grads: Any, trainable_variables: Any) -> Any:
            grads = list(grads)
            try:
                look(optimizer_variables, grads, trainable_variables)
            except Exception as failure:
                self._tap.fail(failure)
            finally:
                self._ahead = None
            return original(optimizer_variables, grads, trainable_variables)

        self._tap.patches.set(optimizer, "stateless_apply", stateless_apply)


def _trace_level() -> Any:
    return jax.extend.core.get_opaque_trace_state()
