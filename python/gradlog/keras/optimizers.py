"""The optimizers of a model, and the two places in them where gradients can be seen."""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from gradlog import GradlogError

Observer = Callable[["Watched", list[Any], list[Any]], bool]
"""Returns whether the optimizer may use the gradients."""


class Watched:
    """One optimizer of a model."""

    def __init__(self, optimizer: Any, label: str) -> None:
        self.optimizer = optimizer
        self.label = label

    @property
    def inner(self) -> Any:
        """The optimizer that has the update rule: inside a LossScaleOptimizer, or the optimizer itself."""
        return getattr(self.optimizer, "inner_optimizer", self.optimizer)

    @property
    def scales_loss_dynamically(self) -> bool:
        return self.inner is not self.optimizer

    def ends_accumulation(self) -> Any:
        """Whether gradients that are applied now complete an optimizer step; True when each of them does."""
        steps = self.inner.gradient_accumulation_steps
        # Not `iterations`, which counts optimizer steps where this counts batches.
        return True if not steps else (keras.ops.convert_to_tensor(self.inner._iterations) + 1) % steps == 0

    def loss_scale(self) -> Any:
        """By what the loss was multiplied, a number or a tensor; None when it was not."""
        if self.scales_loss_dynamically:
            return keras.ops.convert_to_tensor(self.optimizer.dynamic_scale)
        return self.optimizer.loss_scale_factor

    def numbers(self) -> dict[str, Any]:
        """The step count, learning rate and loss scale with which gradients are applied now, as scalar tensors."""
        tensor = keras.ops.convert_to_tensor
        scale = self.loss_scale()
        numbers = {
            "step": tensor(self.inner.iterations),
            "learning_rate": tensor(self.inner.learning_rate),
        }
        return numbers if scale is None else {**numbers, "loss_scale": tensor(scale)}

    def known_variables(self) -> list[Any]:
        """The variables for which the optimizer was built."""
        return list(getattr(self.inner, "_trainable_variables", ()))

    def build(self, variables: Sequence[Any]) -> None:
        """Builds the optimizer as its apply() would, which is too late for reading its loss scale."""
        if not self.optimizer.built:
            with keras.name_scope(self.optimizer.name, caller=self.optimizer):
                self.optimizer.build(list(variables))
            self.optimizer.built = True


class Patches:
    """Attributes of instances, replaced until they are put back.

    ``object.__setattr__`` keeps the replacement out of what Keras and TensorFlow track and save.
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def set(self, instance: Any, name: str, value: Any) -> None:
        """Replaces an attribute of one instance."""
        own = vars(instance)
        if name in own:
            before = own[name]
            self._undo.append(lambda: object.__setattr__(instance, name, before))
        else:
            self._undo.append(lambda: own.pop(name, None))
        object.__setattr__(instance, name, value)

    def then(self, action: Callable[[], None]) -> None:
        """Does something else too when the attributes are put back."""
        self._undo.append(action)

    def undo(self) -> None:
        """Puts everything back, the last change first."""
        while self._undo:
            self._undo.pop()()


def find_optimizers(model: Any, passed: Any) -> list[Watched]:
    """The optimizers whose gradients are to be seen.

    Args:
        model: has them as attributes, ``optimizer`` after compile() and further ones of a custom training step.
        passed: the user's choice instead: an optimizer, a sequence, or a mapping from labels; None for all.

    Raises:
        GradlogError: when there is none.
    """
    if isinstance(passed, Mapping):
        return [Watched(_checked(optimizer), str(label)) for label, optimizer in passed.items()]
    if passed is not None:
        chosen = list(passed) if isinstance(passed, Sequence) else [passed]
        return _labelled([(_checked(o).name, o) for o in chosen])
    found: dict[int, tuple[str, Any]] = {}
    for name, value in [("optimizer", getattr(model, "optimizer", None)), *vars(model).items()]:
        if isinstance(value, keras.optimizers.Optimizer):
            found.setdefault(id(value), (name.lstrip("_"), value))
    if not found:
        raise GradlogError(
            "the model has no optimizer",
            "call model.compile(optimizer=…) before the training, or pass optimizers=[…] when a custom train_step has "
            "its own",
        )
    return _labelled(list(found.values()))


def _labelled(found: list[tuple[str, Any]]) -> list[Watched]:
    if len(found) == 1:
        return [Watched(found[0][1], "")]
    used: collections.Counter[str] = collections.Counter()
    watched = []
    for name, optimizer in found:
        used[name] += 1
        watched.append(Watched(optimizer, name if used[name] == 1 else f"{name}#{used[name]}"))
    return watched


def _checked(optimizer: Any) -> Any:
    if isinstance(optimizer, keras.optimizers.Optimizer):
        return optimizer
    raise GradlogError(
        f"{optimizer!r} is not a Keras optimizer", "pass optimizers=[…] with those that train_step applies"
    )


def observe_raw(watched: Watched, patches: Patches, observer: Observer) -> None:
    """Calls the observer with what reaches the optimizer, the loss scale still in it."""
    optimizer = watched.optimizer
    original = optimizer.apply

    def apply(grads: Any, trainable_variables: Any = None) -> Any:
        grads = list(grads)
        variables = watched.known_variables() if trainable_variables is None else list(trainable_variables)
        if grads and variables:
            watched.build(variables)
            if not observer(watched, grads, variables):
                return None
        return original(grads, trainable_variables)

    patches.set(optimizer, "apply", apply)


def observe_applied(watched: Watched, patches: Patches, observer: Observer) -> None:
    """Calls the observer with what the update rule consumes.

    Raises:
        GradlogError: when this version of Keras does not have the method in which that is.
    """
    inner = watched.inner
    if not hasattr(inner, "_backend_update_step"):
        raise GradlogError(
            f"Keras {keras.__version__} does not show what the update rule consumes", "use stage='raw'"
        )
    original = inner._backend_update_step

    def update_step(grads: Any, trainable_variables: Any, learning_rate: Any) -> Any:
        grads, variables = list(grads), list(trainable_variables)
        if not observer(watched, grads, variables):
            return None
        return original(grads, variables, learning_rate)

    patches.set(inner, "_backend_update_step", update_step)
