"""The callback that records."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import keras

from gradlog import ErrorCode, GradlogError, Recorder
from gradlog._complaint import complain

from .event import GradientEvent, checked_stage
from .tap import Tap
from .weights import norms


class GradientRecorder(keras.callbacks.Callback):
    """Records the gradients of every batch of ``fit()`` into one SQLite file.

        model.fit(x, y, epochs=5, callbacks=[gradlog.keras.GradientRecorder("runs.db", run="lenet")])

    Works on TensorFlow, jax and torch, in compiled and eager mode, without a change to the model: gradients are those
    that reach the optimizer, so of custom training steps, several optimizers and any loss too. Validation is not
    recorded. The training itself is the same, bit for bit, as without the recorder.

    ``train_on_batch()`` runs no callbacks; record it with ``recording``.

    A recorder may be used for several fit() calls one after the other; the run is then continued. What cannot be
    recorded while the training runs, because the disk is full say, is said on stderr and counted; the training goes on.

    Args:
        path: the SQLite file; created if need be.
        run: name of the run, unique in the file; a new one is found when it is left out.
        stage: ``raw``, d(loss)/d(weight) of each batch, the loss scale of mixed precision divided out, before
            accumulation and clipping; or ``applied``, what the update rule consumed, once for each optimizer step.
        every: records the batches whose number within the epoch is a multiple of this, and does not fetch the gradients
            of the others. What is kept of a recorded batch is up to ``capture``.
        optimizers: the optimizers whose gradients are recorded, a sequence or a mapping from names to optimizers; by
            default those that are attributes of the model. With more than one, each batch says which.
        options: further arguments of ``gradlog.Recorder``: ``capture``, ``include``, ``exclude``, ``encoding``,
            ``file_budget``, ``overlap``, ``stop_on`` and so on. ``stop_on`` ends the training as EarlyStopping
            does, after the batch that met it; on torch that batch leaves the weights as they were, while a compiled step has
            changed them by then.

    Raises:
        GradlogError: from fit(), before the training begins or after its first batch, when gradients cannot be recorded.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        run: str | None = None,
        *,
        stage: str = "raw",
        every: int = 1,
        optimizers: Any = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise GradlogError(f"every={every!r} is no number of batches", "pass 1 or more")
        self.stage = checked_stage(stage)
        self._path, self._run, self._every = path, run, every
        self._optimizers, self._options = optimizers, options
        self._recorder: Recorder | None = None
        self._tap: Tap | None = None
        self._sessions = 0
        self._epoch_shift: int | None = None
        self._step_shift: int | None = None
        self._last_epoch = self._last_step = -1
        self._failure: GradlogError | None = None
        self._stopped: Any = None
        self._knows_norms = False
        self._process = os.getpid()

    @property
    def run(self) -> str | None:
        """The name of the run; None before it has begun when none was given."""
        return self._run

    @property
    def failure(self) -> GradlogError | None:
        """What could not be recorded; None when everything was."""
        return self._failure

    @property
    def stopped(self) -> Any:
        """The finding that ended the training, see ``stop_on``; None while there is none."""
        return self._stopped

    def close(self) -> None:
        """Ends the recording; fit() does so itself when it comes to its end."""
        self._close(finished=True)

    def __enter__(self) -> GradientRecorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._close(finished=kind is None)

    @contextlib.contextmanager
    def recording(self, model: keras.Model, initial_epoch: int = 0) -> Iterator[GradientRecorder]:
        """Records ``train_on_batch()``, and any other step that the model takes, while it is open.

            with recorder.recording(model):
                for x, y in batches:
                    model.train_on_batch(x, y)

        Batches are counted from 0 on; ``on_epoch_begin(epoch)`` begins another epoch.
        """
        self._begin(model, session=None)
        tap = self._tap
        assert tap is not None
        try:
            with tap.free_run():
                self.on_epoch_begin(initial_epoch)
                yield self
            tap.raise_failure()
            if self._step_shift is None:
                raise GradlogError(
                    "nothing was recorded: no optimizer step was seen while recording() was open",
                    "train inside of it, with model.train_on_batch()",
                    ErrorCode.MISUSE,
                )
        except BaseException:
            self._close(finished=False)
            raise
        self.close()

    # Keras calls these. `self.model` would make jax copy its state back in each batch, so it is not used.

    def on_train_begin(self, logs: Any = None) -> None:
        self._begin(self._model, session=self.params)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._tap is not None:
            if self._epoch_shift is None:
                self._epoch_shift = self._shift_for(epoch)
                self._sessions += 1
            self._tap.epoch, self._tap.batch = epoch, 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self._tap is not None:
            self._tap.expect_step(batch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._tap is not None:
            try:
                self._tap.raise_failure()
            except BaseException:
                self._close(finished=False)
                raise

    def on_train_end(self, logs: Any = None) -> None:
        self.close()

    # The tap calls these.

    def before_step(self) -> None:
        """Tells how large the weights are with which the training begins."""
        if self._knows_norms:
            return
        self._knows_norms = True
        self._tell_norms()

    def wants(self, epoch: int, batch: int) -> bool:
        """Whether this batch is recorded."""
        return batch % self._every == 0

    def receive(self, event: GradientEvent) -> None:
        """Hands the gradients of one application of an optimizer to the recorder."""
        assert self._recorder is not None
        if self._stopped is not None:
            return
        self._last_epoch = event.epoch + (self._epoch_shift or 0)
        if self._step_shift is None:
            # A new optimizer counts from 0 again, while the steps of a run only grow.
            self._step_shift = 0 if self._replaces else max(0, self._last_step + 1 - event.step)
        self._last_step = event.step + self._step_shift
        self._recorder.record(
            event.gradients,
            epoch=self._last_epoch,
            batch=event.batch,
            step=self._last_step,
            optimizer=event.optimizer,
            call=event.call,
            loss=event.loss,
            learning_rate=event.learning_rate,
            loss_scale=event.loss_scale,
        )
        self._stopped = self._recorder.stopped
        if self._stopped is not None:
            complain(f"the training of run {self._run!r} is stopped: {self._stopped}")

    def after_step(self) -> None:
        """Ends the training when ``stop_on`` was met."""
        if self._stopped is not None and self._tap is not None:
            self._tap.model.stop_training = True

    def abandoned(self) -> None:
        """Ends the recording of a fit() that was interrupted."""
        self._tap = None
        self._close(finished=False)

    def _close(self, finished: bool) -> None:
        self._leave()
        recorder, self._recorder = self._recorder, None
        if recorder is None or os.getpid() != self._process:
            return
        try:
            recorder.close(finished=finished)
        except GradlogError as failure:
            # The training has done its work, which an exception could cost the user.
            self._failure = failure
            complain(f"the recording of run {self._run!r} is incomplete: {failure}")

    def _begin(self, model: keras.Model, session: Any) -> None:
        self._leave()
        self._tap = Tap.attach(model, self, self._optimizers, session)
        self._epoch_shift = self._step_shift = self._stopped = None
        self._knows_norms = False
        if self._recorder is not None:
            return  # Left open by a fit() that was interrupted.
        try:
            self._recorder = Recorder(
                self._path, self._run, stage=self.stage, **{"framework": _framework(), **self._options}
            )
        except BaseException:
            self._leave()
            raise
        self._process = os.getpid()
        self._run = self._recorder.run
        resumed = self._recorder.resumed_after
        if resumed is not None:
            self._last_epoch = max(self._last_epoch, resumed[0])
        if model.built:
            # While fit() runs on jax, the variables have no values.
            self.before_step()

    def _tell_norms(self) -> None:
        assert self._tap is not None and self._recorder is not None
        try:
            self._recorder.tell_initial_norms(norms(self._tap.model))
        except Exception as error:
            complain(f"how large the weights are at first is not known: {error}")

    @property
    def _replaces(self) -> bool:
        return self._options.get("overlap") == "replace"

    def _shift_for(self, epoch: int) -> int:
        """By how much the epochs of this fit() are moved, so that they come after those that the run has."""
        last = self._last_epoch
        if epoch > last or self._replaces:
            return 0
        if self._sessions > 0:
            complain(
                f"run {self._run!r} has the epochs 0 to {last}; those of this fit() are recorded from {last + 1} on"
            )
            return last + 1 - epoch
        self._close(finished=True)
        raise GradlogError(
            f"run {self._run!r} in {os.fspath(self._path)!r} already has the epochs 0 to {last}, and this training "
            f"begins with epoch {epoch}",
            f"pass another run=…, or initial_epoch={last + 1} to continue, or overlap='replace' to record anew from "
            "here on",
            ErrorCode.OVERLAP,
        )

    def _leave(self) -> None:
        tap, self._tap = self._tap, None
        if tap is not None:
            tap.detach(self)


def _framework() -> str:
    backend = keras.backend.backend()
    return f"keras {keras.__version__} {backend} {sys.modules[backend].__version__}"
