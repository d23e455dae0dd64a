"""Sees the gradients of a model while it is trained, whatever the backend, and tells listeners."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras

from gradlog import ErrorCode, GradlogError

from .event import GradientEvent, Listener, Stage
from .optimizers import Patches, Watched, find_optimizers, observe_applied, observe_raw
from .sites import Site, SiteBook

_NAME = "_gradlog_tap"

Observer = Callable[[Stage, Watched, list[Any], list[Any]], None]


class Tap:
    """The tap of one model, shared by the callbacks of one fit().

    It replaces the optimizers' ``apply``, and the model's ``train_function`` by one that hands the gradients to the
    listeners on the thread that called fit(). fit() builds that function before any callback runs and keeps it, so the
    tap builds another and puts the first one back in the end: nothing of the tap stays in the model.

    Nothing is raised inside a step: on jax an exception there would cost the model its weights. A failure waits for
    ``raise_failure``, which callbacks call between two steps.
    """

    def __init__(self, model: keras.Model, optimizers: Any) -> None:
        self.model = model
        self.watched = find_optimizers(model, optimizers)
        self.patches = Patches()
        self.sites = SiteBook(model, is_single=len(self.watched) == 1)
        self.epoch = 0
        self.batch = 0
        self._steps = 0
        self._listeners: list[Listener] = []
        self._sessions: dict[int, Any] = {}
        self._is_expected = False
        self._free_runs = 0
        self._saw_gradients = False
        self._failure: Exception | None = None

    @classmethod
    def attach(cls, model: keras.Model, listener: Listener, optimizers: Any, session: Any) -> Tap:
        """Makes a listener hear of the model's gradients.

        Args:
            session: the ``params`` that Keras gives to all callbacks of one fit(): by them a listener that an
                interrupted fit() left behind is told from those of this one. None without fit().

        Raises:
            GradlogError: when the gradients of this model cannot be seen.
        """
        if vars(model).get(_NAME) is not None and session is not None:
            vars(model)[_NAME]._drop_stale(session)
        tap = vars(model).get(_NAME) or cls(model, optimizers)
        tap._add(listener, session)
        return tap

    def detach(self, listener: Listener) -> None:
        """Forgets a listener; the last one takes the tap away."""
        self._sessions.pop(id(listener), None)
        self._listeners = [other for other in self._listeners if other is not listener]
        if not self._listeners:
            self.patches.undo()

    @contextlib.contextmanager
    def free_run(self) -> Iterator[None]:
        """While this is open, steps may be taken without callbacks, as train_on_batch() does."""
        self._free_runs += 1
        try:
            yield
        finally:
            self._free_runs -= 1

    def expect_step(self, batch: int) -> None:
        """Says that the next step belongs to a listener's fit() and begins with this batch."""
        self.batch = batch
        self._is_expected = True

    def raise_failure(self) -> None:
        """Raises what went wrong in a step, once."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    # What the steps of the backends call

    def begin_step(self) -> None:
        """A step on one batch begins."""
        self._steps += 1
        self.sites.begin_step()

    def fail(self, failure: Exception) -> None:
        """Keeps the first failure for ``raise_failure``."""
        self._failure = self._failure or failure

    @property
    def stages(self) -> set[Stage]:
        """Which gradients are listened for."""
        return {listener.stage for listener in self._listeners}

    @property
    def is_stopped(self) -> bool:
        """Whether a listener ends the training."""
        return any(listener.stopped is not None for listener in self._listeners)

    def wants(self, stage: Stage) -> bool:
        """Whether anyone listens for these gradients of the current batch."""
        return bool(self._told(stage))

    def observe(self, observer: Observer) -> Callable[[Stage, Watched, list[Any], list[Any]], bool]:
        """Puts an observer of gradients into each optimizer, for each stage that a listener asked for.

        Returns it as a function that raises nothing and leaves out other stages, and says whether the update is to be
        done: on torch, whose steps are eager, not any more when the training is stopped.
        """

        def safely(stage: Stage, watched: Watched, gradients: list[Any], variables: list[Any]) -> bool:
            self._saw_gradients = True
            if stage in self.stages:
                try:
                    observer(stage, watched, gradients, variables)
                except Exception as failure:
                    self.fail(failure)
            # What is traced must not depend on it.
            return keras.backend.backend() != "torch" or not self.is_stopped

        for watched in self.watched:
            # Raw ones always: an accumulating optimizer is applied in batches in which its update rule is not.
            observe_raw(watched, self.patches, functools.partial(safely, "raw"))
            if "applied" in self.stages:
                observe_applied(watched, self.patches, functools.partial(safely, "applied"))
        return safely

    def emit(self, site: Site, arrays: Callable[[], Mapping[int, Any]], *, step: Any, **numbers: Any) -> None:
        """Tells the listeners of the gradients of a site; ``arrays`` fetches them if anyone wants them."""
        told = self._told(site.stage)
        if not told or self._failure:
            return
        try:
            event = GradientEvent(
                stage=site.stage,
                epoch=self.epoch,
                batch=self._current_batch,
                step=int(step),
                optimizer=site.optimizer,
                call=site.call,
                gradients=site.gradients(arrays()),
                **{name: float(number) for name, number in numbers.items() if _is_scalar(number)},
            )
            for listener in told:
                listener.receive(event)
        except Exception as failure:
            self.fail(failure)

    # Installing

    @property
    def _current_batch(self) -> int:
        return self.batch + self._steps - 1

    def _told(self, stage: Stage) -> list[Listener]:
        return [
            one
            for one in self._listeners
            if one.stage == stage and one.wants(self.epoch, self._current_batch)
        ]

    def _add(self, listener: Listener, session: Any) -> None:
        is_installed = listener.stage in self.stages
        self._listeners.append(listener)
        self._sessions[id(listener)] = session
        try:
            if not is_installed:
                self._install()
        except BaseException:
            self.detach(listener)
            if self._listeners:
                self._install()
            raise

    def _drop_stale(self, session: Any) -> None:
        for listener in list(self._listeners):
            other = self._sessions[id(listener)]
            # By identity: two fits may well have equal parameters.
            if other is not None and other is not session:
                self.detach(listener)
                listener.abandoned()

    def _install(self) -> None:
        self.patches.undo()
        for watched in self.watched:
            if _NAME in vars(watched.optimizer):
                raise GradlogError(
                    f"the gradients of optimizer {watched.optimizer.name!r} are already recorded with another model",
                    "end that recording first, or give each model its own optimizer",
                    ErrorCode.MISUSE,
                )
        if self.model.built and not self.model.trainable_variables:
            raise GradlogError(
                f"model {self.model.name!r} has no trainable weights, so there are no gradients to record",
                "set trainable = True on a layer and compile the model again",
            )
        self.patches.set(self.model, _NAME, self)
        for watched in self.watched:
            self.patches.set(watched.optimizer, _NAME, self)
        self.patches.set(self.model, "train_function", None)
        self._saw_gradients = False
        step = _backend_step(self)
        object.__setattr__(self.model, "train_function", self._guarded(step))

    def _guarded(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def train_function(*arguments: Any) -> Any:
            if not self._is_expected and not self._free_runs:
                return self._step_aside(*arguments)
            for listener in self._listeners:
                listener.before_step()
            was_expected, self._is_expected, self._steps = self._is_expected, False, 0
            result = step(*arguments)
            if not was_expected:
                self.batch += self._steps
            if not self._saw_gradients:
                self.fail(
                    GradlogError(
                        "no gradient was seen in the first step, so nothing would be recorded",
                        "when train_step applies an optimizer that is not an attribute of the model, pass it as "
                        "optimizers=[…]",
                    )
                )
            for listener in self._listeners:
                listener.after_step()
            return result

        return train_function

    def _step_aside(self, *arguments: Any) -> Any:
        """Someone trains on without the callbacks, because their fit() was interrupted."""
        for listener in list(self._listeners):
            self.detach(listener)
            listener.abandoned()
        self.model.make_train_function()
        return self.model.train_function(*arguments)


def _is_scalar(number: Any) -> bool:
    """Whether there is a number, and one only: the loss of a custom training step may be one for each example."""
    return number is not None and tuple(getattr(number, "shape", ())) == ()


def _backend_step(tap: Tap) -> Callable[..., Any]:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from .tensorflow_step import tapped_step
    elif backend == "jax":
        from .jax_step import tapped_step
    elif backend == "torch":
        from .torch_step import tapped_step
    else:
        raise GradlogError(
            f"gradients cannot be seen on the Keras backend {backend!r}", "use tensorflow, jax or torch"
        )
    return tapped_step(tap)
