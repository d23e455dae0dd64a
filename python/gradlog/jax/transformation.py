"""Recording as a part of an optax optimizer, inside of ``jit`` and ``lax.scan``."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy
import numpy
from jax.experimental import io_callback

from gradlog import ErrorCode, GradlogError, Recorder
from gradlog._complaint import complain
from gradlog._progress import Progress, check_stage, steps_in
from gradlog.jax.trees import Plan, plan

try:
    from optax import GradientTransformationExtraArgs as _Transformation
except ImportError:
    _Transformation = object


class TapState(NamedTuple):
    """What the tap keeps in the optimizer's state."""

    count: jax.Array  # type: ignore[assignment]  # hides tuple.count(), as optax's own states do
    """Updates so far."""


def tap(
    file: Recorder | str | os.PathLike[str],
    run: str | None = None,
    *,
    stage: str = "raw",
    steps_per_epoch: int | None = None,
    optimizer: str = "",
    ordered: bool = True,
    **options: Any,
) -> GradientTap:
    """A transformation that records the gradients that pass it and changes nothing.

    What it records depends on where it stands in ``optax.chain``: in front, the gradient of the loss, stage ``raw``; behind
    ``optax.clip``, the clipped one, of which you say ``stage="applied"``. It must not stand inside ``optax.MultiSteps``, which
    calls it with partial means: put it outside to record each micro-batch.

    - ``file``: the SQLite file, or an open ``gradlog.Recorder``, which stays its owner's to close.
    - ``steps_per_epoch``: how many updates make an epoch; without it say ``tap.epoch(n)`` where one begins.
    - ``optimizer``: which of several, when taps share an open recorder.
    - ``ordered``: whether jax keeps the callbacks in order, which it can do on a single device only.
    - ``options``: those of ``gradlog.Recorder``.

    The loss is recorded when it is given as optax has it: ``optimizer.update(gradients, state, parameters, value=loss)``.
    Close the tap, best with a ``with`` block: computations that jax has not finished are waited for.
    """
    if _Transformation is object:
        raise GradlogError(
            "gradlog.jax.tap is a part of an optax optimizer", "install optax", ErrorCode.MISUSE
        )
    check_stage(file, stage)
    owned = not hasattr(file, "record")
    recorder: Any = file
    steps: int | None = None
    if owned:
        path = os.fspath(recorder)
        steps = steps_in(path, run, options.get("rank", 0))
        recorder = Recorder(path, run, stage=stage, **{"framework": f"JAX {jax.__version__}", **options})
    host = _Host(recorder, owned, Progress.of(recorder, steps), steps_per_epoch, optimizer, ordered)
    return GradientTap(host)


class GradientTap(_Transformation):  # type: ignore[misc]
    """An optax transformation that records; a context manager, or closed with ``close()``."""

    _host: _Host

    def __new__(cls, host: _Host) -> GradientTap:
        """As ``tap`` makes it."""
        made: GradientTap = super().__new__(cls, host.init, host.update)
        made._host = host
        return made

    @property
    def recorder(self) -> Any:
        """The ``gradlog.Recorder``: its findings and losses."""
        return self._host.recorder

    @property
    def stopped(self) -> Any:
        """The finding that met ``stop_on``, or None; for the loop around the compiled step to ask, which has taken the step by
        then: keep the parameters from before it.
        """
        return self._host.recorder.stopped

    def epoch(self, epoch: int) -> None:
        """Announces that the epoch of this number, from 0, begins, when jax has finished what it was given before."""
        jax.effects_barrier()  # type: ignore[no-untyped-call]
        self._host.progress.begin_epoch(epoch)

    def close(self, *, finished: bool = True) -> None:
        """Waits for jax, then closes the recorder, if it was opened for this tap; a second call does nothing.

        ``finished``: whether the training ended as it should; otherwise the run reads as interrupted. Raises the first
        failure of the recording and, if it finished, ``GradlogError`` when no update was seen.
        """
        self._host.close(finished)

    def __enter__(self) -> GradientTap:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if kind is None:
            self.close()
            return
        try:
            self.close(finished=False)
        except Exception as failure:
            complain(str(failure))


def _is_here(array: Any) -> bool:
    """Whether there are numbers yet, and this process has them all."""
    return not isinstance(array, jax.core.Tracer) and getattr(array, "is_fully_addressable", True)


def _norm(array: Any) -> float:
    return float(numpy.linalg.norm(numpy.asarray(array, numpy.float64)))


class _Host:
    """Takes what the compiled step calls back with. Never raises there, which would end the training."""

    def __init__(
        self,
        recorder: Any,
        owned: bool,
        progress: Progress,
        steps_per_epoch: int | None,
        optimizer: str,
        ordered: bool,
    ) -> None:
        self.recorder, self.progress = recorder, progress
        self._owned, self._optimizer, self._ordered = owned, optimizer, ordered
        self._steps_per_epoch = steps_per_epoch
        self._first_step: int | None = None
        self._last_count = -1
        self._seen = self._lost = 0
        self._failure: Exception | None = None
        self._closed = False

    def init(self, parameters: Any) -> TapState:
        """Optax's init function. It may be traced, or have a part of the parameters only: then how large they are at first
        is not told.
        """
        try:
            named, leaves = plan(parameters)
            if all(_is_here(leaf) for leaf in leaves):
                self.recorder.tell_initial_norms(
                    {name: _norm(value) for name, value in named.gather(leaves).items() if value is not None}
                )
        except Exception as error:
            complain(f"how large the parameters are at first is not known: {error}")
        return TapState(jax.numpy.zeros([], jax.numpy.int32))

    def update(
        self, updates: Any, state: TapState, params: Any = None, *, value: Any = None, **extra: Any
    ) -> tuple[Any, TapState]:
        """Optax's update function: runs when the step is traced."""
        named, leaves = plan(updates)
        receive = partial(self._receive, named, value is not None)
        loss = () if value is None else (value,)
        io_callback(receive, None, state.count, *loss, *leaves, ordered=self._ordered)
        return updates, TapState(state.count + 1)

    def _receive(self, named: Plan, has_loss: bool, count: Any, *arrays: Any) -> None:
        try:
            # Only numpy here: jax's own operations deadlock inside of a callback.
            found = [numpy.asarray(array) for array in arrays]
            loss = float(found.pop(0)) if has_loss else None
            self._record(named.gather(found), int(count), loss)
        except Exception as error:
            self._lost += 1
            if self._failure is None:
                self._failure = error
                complain(f"a batch could not be recorded: {error}")

    def _record(self, gradients: dict[str, Any], count: int, loss: float | None) -> None:
        if self._ordered and count <= self._last_count:
            raise GradlogError(
                f"the optimizer's update {count} reached the tap after update {self._last_count}",
                "put the tap outside of optax.MultiSteps, and use one tap for one training",
                ErrorCode.MISUSE,
            )
        if self._first_step is None:
            # A state that was restored counts on by itself; one that begins anew follows what the file holds.
            self._first_step = (self.progress.step or 0) if count == 0 else 0
        self._last_count = count
        self._seen += 1
        step = self._first_step + count
        if self._steps_per_epoch is not None:
            self.progress.tell(*divmod(step, self._steps_per_epoch))
        place = self.progress.place(self._optimizer)
        self.progress.end_batch(self._optimizer)
        self.recorder.record(
            gradients,
            epoch=place.epoch,
            batch=place.batch,
            step=step,
            optimizer=self._optimizer,
            call=place.call,
            loss=loss,
        )

    def close(self, finished: bool) -> None:
        """See ``GradientTap.close``."""
        if self._closed:
            return
        self._closed = True
        jax.effects_barrier()  # type: ignore[no-untyped-call]
        if self._owned:
            # Where nothing was recorded, a new run is not kept, and one of the file stays as it was.
            self.recorder.close(finished=finished if self._seen else self.recorder.resumed_after is not None)
        if self._failure is not None:
            problem = f"{self._lost} batches were lost, the first because: {self._failure}"
            raise GradlogError(problem) from self._failure
        if finished and self._seen == 0:
            raise GradlogError(
                "nothing was recorded: no update of an optimizer with this tap was run",
                "put the tap into the optax.chain that the training uses",
                ErrorCode.MISUSE,
            )
