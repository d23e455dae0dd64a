"""A recording of a PyTorch training under way."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from weakref import WeakSet

import torch

from gradlog import ErrorCode, GradlogError
from gradlog._complaint import complain
from gradlog._progress import Place, Progress
from gradlog.torch.backward import BackwardTap
from gradlog.torch.gradients import Recordable, norm
from gradlog.torch.parameters import Weights
from gradlog.torch.processes import first_of_any
from gradlog.torch.steps import StepTap

Item = TypeVar("Item")

_optimizers: WeakSet[torch.optim.Optimizer] = WeakSet()

NO_STEP = (
    "nothing was recorded: no optimizer.step() was seen between record() and close()",
    "record, before the training begins, the optimizer that it steps",
)
NO_BACKWARD = (
    "nothing was recorded: no backward() reached the optimizer's weights between record() and close()",
    "record, before the training begins, the model that computes its loss",
)


class TrainingStopped(GradlogError):
    """Raised out of ``optimizer.step()``, which has changed nothing, when ``stop_on`` was met and ``raise_on_stop`` was asked for."""


def is_recorded(optimizer: torch.optim.Optimizer) -> bool:
    """Whether a recording of this optimizer is under way."""
    return optimizer in _optimizers


class GradientRecording:
    """A recording under way, as ``gradlog.torch.record`` begins it: a context manager, or closed with ``close()``."""

    def __init__(
        self,
        recorder: Any,
        progress: Progress,
        optimizers: dict[str, torch.optim.Optimizer],
        weights: dict[str, Weights],
        *,
        stage: str,
        scaler: Any,
        owned: bool,
        raise_on_stop: bool,
        agrees: bool,
    ) -> None:
        """``recorder``: None in a process that only helps to gather sharded gradients. ``owned``: whether to close it.
        ``agrees``: whether all processes have to stop in the same step.
        """
        self._recorder, self._owned, self._stage = recorder, owned, stage
        self._raise_on_stop, self._agrees = raise_on_stop, agrees
        self._device = next(iter(weights.values())).current()[0][1].device
        self._optimizers, self._process, self._closed = list(optimizers.values()), os.getpid(), False
        self._progress, self._untold = progress, dict(weights)
        self._loss: Any = None
        self._loss_recorded_for: set[str] = set()
        self._evaluates = self._has_batches = False
        self._has_agreed = False
        self._pending: Exception | None = None
        self._failure: Exception | None = None
        self._stopped: Any = None
        self._recorded = self._skipped = self._lost = 0
        self._backward = BackwardTap(self, optimizers, weights, scaler) if stage == "raw" else None
        self._steps = [
            StepTap(self, one, label, weights[label], reads=stage == "applied", scaler=scaler)
            for label, one in optimizers.items()
        ]
        _optimizers.update(self._optimizers)

    # What the training tells.

    @property
    def loss(self) -> Any:
        """The loss of the batch, a number or a scalar tensor: set before ``optimizer.step()`` (before ``backward()`` in stage
        ``raw``). Each is recorded once for each optimizer. With a closure it is what the closure returns, unless set.
        """
        return self._loss

    @loss.setter
    def loss(self, loss: Any) -> None:
        self._loss = loss.detach() if isinstance(loss, torch.Tensor) else loss
        self._loss_recorded_for.clear()

    def add_loss(self, loss: torch.Tensor) -> None:
        """Adds a part of an accumulated loss to the one that was not recorded yet."""
        begins = self._loss is None or self._stage == "raw" or bool(self._loss_recorded_for)
        self.loss = loss if begins else self._loss + loss

    def epochs(self, epochs: int | Iterable[int]) -> Iterator[int]:
        """The epochs, a count or the numbers themselves, each announced to the recording; ends early when ``stopped``."""
        for epoch in range(epochs) if isinstance(epochs, int) else epochs:
            if self.stopped is not None:
                return
            self.epoch(epoch)
            yield epoch

    def batches(self, loader: Iterable[Item], first: int = 0) -> Iterator[Item]:
        """The batches of a loader, each announced to the recording; ends early when ``stopped``.

        One pass is one epoch: a further pass begins the next epoch, unless the epoch was announced meanwhile.
        ``first``: number of the first batch, when an epoch is taken up in the middle.
        """
        if self._has_batches:
            self.next_epoch()
        self._has_batches = True
        epoch = self._progress.epoch
        for batch, item in enumerate(loader, first):
            if self.stopped is not None:
                return
            self.loss = None
            self._progress.tell(epoch, batch)
            yield item

    def epoch(self, epoch: int) -> None:
        """Announces that the epoch of this number, from 0, begins."""
        self._progress.begin_epoch(epoch)
        self._has_batches = False

    def next_epoch(self) -> None:
        """Announces that the next epoch begins."""
        self.epoch(self._progress.epoch + 1)

    def at(self, epoch: int, batch: int, step: int | None = None) -> None:
        """Says where the training stands, for loops that count for themselves: epoch, batch in the epoch, optimizer step."""
        self._progress.tell(epoch, batch, step)

    @property
    def stopped(self) -> Any:
        """The finding that met ``stop_on``, or None. From then on no step changes anything, the one with the gradients that met
        it included, and nothing more is recorded.
        """
        if self._stopped is None and not self._agrees and self._recorder is not None:
            self._stop(self._recorder.stopped)
        return self._stopped

    def _stop(self, finding: Any) -> None:
        self._stopped = finding
        if finding is not None and self._recorder is not None:
            run = getattr(self._recorder, "run", None)
            complain(f"the training of run {run!r} is stopped: {finding}")

    @property
    def recorder(self) -> Any:
        """The ``gradlog.Recorder``: its findings and losses. None in a process that writes no file."""
        return self._recorder

    # What the taps hand over.

    @property
    def keeps(self) -> bool:
        """Whether this process records, rather than only gather."""
        return self._recorder is not None

    def emit(
        self,
        optimizer: str,
        gradients: dict[str, Recordable],
        *,
        loss: Any,
        learning_rate: Any,
        loss_scale: float | None,
    ) -> None:
        """Records the gradients of one optimizer at the place that the training has come to, unless it was stopped there."""
        if self.stopped is not None:
            return
        place = self._progress.place(optimizer)
        if self._recorded == 0 and self._is_held(place):
            self.mistake(
                f"run {getattr(self._recorder, 'run', None)!r} already has epoch {place.epoch}, batch {place.batch}",
                "pass another run=…, or overlap='replace' to record anew from here on, or say with epoch() where the "
                "training continues",
                ErrorCode.OVERLAP,
            )
            return
        if self._stage == "raw" and not self._evaluates:
            self._progress.end_batch(optimizer)
        self._recorded += 1
        self._tell_initial_norms(optimizer)
        if self._recorder is None:
            return
        if self._loss is not None and optimizer not in self._loss_recorded_for:
            self._loss_recorded_for.add(optimizer)
            loss = self._loss
        self._recorder.record(
            gradients,
            epoch=place.epoch,
            batch=place.batch,
            step=place.step,
            optimizer=optimizer,
            call=place.call,
            loss=_number(loss),
            learning_rate=_number(learning_rate),
            loss_scale=loss_scale,
        )

    def _tell_initial_norms(self, optimizer: str) -> None:
        """Before the first batch of an optimizer, how large its weights are; in every process, since they may be sharded."""
        weights = self._untold.pop(optimizer, None)
        if weights is None:
            return
        try:
            norms = {name: norm(parameter) for name, parameter in weights.current()}
            if self._recorder is not None:
                self._recorder.tell_initial_norms(norms)
        except Exception as error:
            complain(f"how large the weights are at first is not known: {error}")

    def _is_held(self, place: Place) -> bool:
        """Whether the file holds what the training begins with, as when a program is started again: all would be lost."""
        last = self._resumed_after
        replaces = getattr(self._recorder, "overlap", None) == "replace"
        return last is not None and (place.epoch, place.batch) <= last and not replaces

    @property
    def _resumed_after(self) -> tuple[int, int] | None:
        resumed: tuple[int, int] | None = getattr(self._recorder, "resumed_after", None)
        return resumed

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Around a closure that an optimizer calls, as often as it likes, within one step."""
        self._evaluates = True
        try:
            yield
        finally:
            self._evaluates = False

    def end_step(self, optimizer: str, *, skipped: bool) -> None:
        """An optimizer has finished its step."""
        if self._backward is not None:
            self._backward.watch_new_weights()
        self._progress.end_batch(optimizer)
        if skipped:
            self._skipped += 1
            self.loss = None
        else:
            self._progress.end_step()
        self._agree()
        if self._raise_on_stop and self.stopped is not None:
            self._pending = TrainingStopped(f"the training was stopped: {self.stopped}", "", ErrorCode.MISUSE)

    def may_step(self, in_closure: bool = False) -> bool:
        """Whether an optimizer may use the gradients that it has now: not when the training was stopped.

        In a closure processes cannot agree on that, since each may evaluate its own more or less often: then the step is taken.
        """
        if not in_closure:
            self._agree()
        return self.stopped is None

    def _agree(self) -> None:
        """Stops all processes in the same step, in which each of them has to call this once."""
        has_agreed, self._has_agreed = self._has_agreed, True
        if self._agrees and self._stopped is None and not has_agreed:
            found = self._recorder.stopped if self._recorder is not None else None
            self._stop(first_of_any(found, self._device))

    def begin_step(self) -> None:
        """An optimizer is about to use what ``backward()`` left."""
        self._has_agreed = False
        if self._backward is not None:
            self._backward.flush()

    def fail(self, error: Exception) -> None:
        """Keeps the first failure for ``close()`` and says it once; the training goes on."""
        self._lost += 1
        if self._failure is None:
            self._failure = error
            complain(f"a batch could not be recorded: {error}")

    def mistake(self, problem: str, remedy: str, code: ErrorCode = ErrorCode.MISUSE) -> None:
        """Has the user's mistake raised when the step that is running is done."""
        self._pending = GradlogError(problem, remedy, code)

    def raise_mistake(self) -> None:
        """Raises what the step has to raise."""
        pending, self._pending = self._pending, None
        if pending is not None:
            raise pending

    # The end.

    def close(self, *, finished: bool = True) -> None:
        """Takes the hooks off and closes the recorder, if it was opened for this recording; a second call does
        nothing.

        ``finished``: whether the training ended as it should; otherwise the run reads as interrupted. Raises the
        first failure of the recording and, if it finished, ``GradlogError`` when no step was seen.
        """
        if not self._release():
            return
        if self._owned and self._recorder is not None:
            # Where nothing was recorded, a new run is not kept, and one of the file stays as it was.
            ends = finished if self._has_seen_steps else self._resumed_after is not None
            self._recorder.close(finished=ends)
        if self._failure is not None:
            problem = f"{self._lost} records were lost, the first because: {self._failure}"
            raise GradlogError(problem) from self._failure
        if finished and not self._has_seen_steps:
            raise GradlogError(*(NO_STEP if self._stage == "applied" else NO_BACKWARD), ErrorCode.MISUSE)

    def end(self) -> None:
        """Closes at the end of a framework's training, which has still to return the model: raises only when
        nothing at all was recorded, else says on stderr what ``close()`` would raise.
        """
        if self._has_seen_steps:
            self.close_quietly(finished=True)
        else:
            self.close()

    def close_quietly(self, *, finished: bool = False) -> None:
        """Closes, and says on stderr what ``close()`` would raise: where another error is on its way."""
        try:
            self.close(finished=finished)
        except Exception as error:
            complain(str(error))

    @property
    def _has_seen_steps(self) -> bool:
        return self._recorded > 0 or self._skipped > 0 or self._lost > 0

    def _release(self) -> bool:
        if self._closed or os.getpid() != self._process:
            return False
        self._closed = True
        for step in self._steps:
            step.remove()
        if self._backward is not None:
            self._backward.remove()
        for optimizer in self._optimizers:
            _optimizers.discard(optimizer)
        return True

    def __enter__(self) -> GradientRecording:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if kind is None:
            self.close()
        else:
            self.close_quietly()


def _number(value: Any) -> float | None:
    """A Python number of a scalar tensor or number; None of anything else."""
    if isinstance(value, torch.Tensor):
        return float(value) if value.numel() == 1 and not value.is_complex() else None
    return float(value) if isinstance(value, (int, float)) else None
