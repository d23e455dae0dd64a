"""Recording: a thin layer over ``gradlog.h``."""

from __future__ import annotations

import contextlib
import ctypes
import json
import operator
import os
import sqlite3
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from ctypes import addressof, byref, c_int64, c_void_p
from types import TracebackType
from typing import Any

from gradlog import _library
from gradlog._complaint import complain
from gradlog._files import open_for_reading
from gradlog._gradients import Slot
from gradlog._library import CBatchContext, CGradient
from gradlog._options import Capture, c_options
from gradlog.errors import ErrorCode, GradlogError
from gradlog.findings import Finding, Losses, read

_LAYOUTS_KEPT = 16

_listening = threading.local()
"""``now`` on a thread that is calling on_finding: the writer, which cannot wait for itself."""


class Recorder:
    """Records the gradients of a training run into one SQLite file.

    ::

        with gradlog.Recorder("runs.db", "mlp") as recorder:
            recorder.record({"dense/kernel": gradient}, epoch=0, batch=0, loss=0.7)

    Recording never stops a training: a full disk or a locked file is said once on stderr, counted in
    ``losses`` and in the file, and raised by ``close()``. What can only be a mistake in the program, an
    integer tensor for instance, raises ``TypeError`` or ``ValueError`` at once.

    Several threads may record. A recorder belongs to the process that opened it: after a fork, the child
    gets a ``GradlogError``. A recorder that is left open is closed when Python exits.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        run: str | None = None,
        *,
        rank: int = 0,
        world_size: int = 1,
        stage: str = "raw",
        framework: str | None = None,
        configuration: Mapping[str, Any] | None = None,
        capture: Capture = "every",
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        encoding: str = "dense",
        file_budget: int | None = None,
        overlap: str = "refuse",
        overflow: str = "wait",
        memory_limit: int = 256 << 20,
        commit_interval: float = 0.25,
        journal: str = "wal",
        on_finding: Callable[[Finding], object] | None = None,
        stop_on: str | None = None,
        log_findings: bool = False,
    ) -> None:
        """Opens the file, creating it if need be, and begins the run, or takes it up again: steps and detection go on from
        what the file holds of it.

        :param run: its name; None for ``run``, or ``run-2`` and so on when the file has that.
        :param rank: index of this process among ``world_size``.
        :param stage: ``raw``, the gradient of the batch, or ``applied``, what the optimizer consumes.
        :param framework: who trains, ``keras 3.15.1 tensorflow`` for instance.
        :param configuration: what describes the run; anything that ``json`` can write.
        :param capture: when values are kept besides statistics: ``"every"`` batch, ``"none"``, a number n
            for steps that are multiples of n, ``("epochs", first, last)``, or
            ``("around", before, after)``: so many batches before and after a finding.
        :param include: glob patterns of the weights whose values are kept; all when empty.
        :param exclude: glob patterns of weights whose values are not kept.
        :param encoding: how values are written: ``dense`` (exact), ``float16`` or ``bfloat16``.
        :param file_budget: bytes of the file from which on no values are kept.
        :param overlap: what happens to batches that the run holds: ``refuse`` or ``replace``.
        :param overflow: what happens when ``memory_limit`` bytes wait to be written: ``wait`` or ``drop``.
        :param commit_interval: seconds after which a batch is in the file at the latest.
        :param journal: ``wal``, or ``rollback`` for a recording that nobody watches.
        :param on_finding: called, on another thread, for each weight, rule and optimizer that begins to hit, and
            again when that becomes critical.
        :param stop_on: what sets ``stopped``: a rule, ``critical``, or ``warning`` for any rule. With it ``record()``
            returns when the batch is judged, and takes as long as that does.
        :param log_findings: says findings on stderr when they begin or become critical, in one line for what a rule
            says of a batch.
        :raises GradlogError: when the file cannot be used, or the run is being recorded already.
        """
        self._handle: int | None = None
        self._library = _library.load()
        self.path = os.fspath(path)
        self.run = run if run is not None else _new_name(self.path, rank)
        self.stage = stage
        self.overlap = overlap
        self._callback = _callback(on_finding)
        self._stops = stop_on is not None
        options, _kept = c_options(
            rank=rank,
            world_size=world_size,
            stage=stage,
            framework=framework,
            configuration=json.dumps(dict(configuration or {}), ensure_ascii=False),
            capture=capture,
            include=include,
            exclude=exclude,
            encoding=encoding,
            file_budget=file_budget,
            overlap=overlap,
            overflow=overflow,
            memory_limit=memory_limit,
            commit_interval=commit_interval,
            journal=journal,
            callback=self._callback,
            stop_on=stop_on,
            log_findings=log_findings,
        )
        handle = c_void_p()
        code = self._library.gradlog_open(
            os.fsencode(self.path), self.run.encode(), byref(options), byref(handle)
        )
        if code:
            raise _library.failure(self._library, code)
        assert handle.value is not None
        self._handle = handle.value
        _library.recorded_here.add(handle.value, self.path)
        self._threads = threading.local()
        self._closed = False
        self._finalizer = weakref.finalize(self, _finish, self._library, handle.value, self._callback)

    def tell_initial_norms(self, norms: Mapping[str, float]) -> None:
        """Tells how large the values are with which weights begin, so that the rules can say when the initialization is to
        blame. The taps do so by themselves.

        To be called before the first batch that has the weights; later, and for weights that the run in the file has, it
        does nothing, unless the run is replaced from its first batch on.

        :param norms: the Euclidean norm of each weight's values by its name, ``numpy.linalg.norm(values)``. What is negative
            or no finite number counts as not told.
        """
        for name, norm in norms.items():
            code = self._library.gradlog_tell_initial_norm(self._handle, name.encode(), float(norm))
            if code:
                self._complain(code)

    def record(
        self,
        gradients: Mapping[str, Any],
        *,
        epoch: int,
        batch: int,
        step: int | None = None,
        optimizer: str = "",
        call: int = 0,
        loss: Any = None,
        learning_rate: Any = None,
        loss_scale: Any = None,
    ) -> None:
        """Records one batch. The gradients are copied before this returns.

        :param gradients: the gradient of each weight by its name, from the input towards the loss: numpy
            arrays of any layout, torch tensors, anything with ``__dlpack__`` or ``__array__``, a
            ``RowSparse``, None for a weight without a gradient, or ``gradlog.FROZEN`` for one that has none
            because the training holds it fixed.
        :param epoch: zero-based.
        :param batch: zero-based, restarts in each epoch.
        :param step: zero-based count of optimizer steps; None counts on from the last recorded batch.
        :param optimizer: which of several.
        :param call: which application of that optimizer within the batch.
        :param loss: a number or a scalar tensor; NaN is kept.
        :param loss_scale: the factor of mixed precision, already divided out of the gradients.
        :raises TypeError, ValueError: for what is not a gradient or not a place in a training.
        :raises GradlogError: after ``close()``, or in a forked process.
        """
        layout = self._layout(gradients)
        kept = [slot.set(value) for slot, value in zip(layout.slots, gradients.values())]
        context = layout.context
        context.epoch = operator.index(epoch)
        context.batch = operator.index(batch)
        context.call = operator.index(call)
        has = 0
        if step is not None:
            context.step = operator.index(step)
            has |= _library.HAS_STEP
        if loss is not None:
            context.loss = _number(loss)
            has |= _library.HAS_LOSS
        if learning_rate is not None:
            context.learning_rate = _number(learning_rate)
            has |= _library.HAS_LEARNING_RATE
        if loss_scale is not None:
            context.loss_scale = _number(loss_scale)
            has |= _library.HAS_LOSS_SCALE
        context.has = has
        context.optimizer = optimizer.encode() if optimizer else None
        code = self._library.gradlog_record(
            self._handle, layout.context_address, layout.address, layout.count
        )
        del kept
        if code:
            self._complain(code)

    def _layout(self, gradients: Mapping[str, Any]) -> _Layout:
        names = tuple(gradients)
        try:
            layouts: dict[tuple[str, ...], _Layout] = self._threads.layouts
        except AttributeError:
            layouts = self._threads.layouts = {}
        layout = layouts.get(names)
        if layout is None:
            if len(layouts) >= _LAYOUTS_KEPT:
                layouts.clear()
            layout = layouts[names] = _Layout(names)
        return layout

    def _complain(self, code: int) -> None:
        """Raises what only a change of the program can mend. The rest is counted."""
        failure = _library.failure(self._library, code)
        if code in (ErrorCode.INVALID_ARGUMENT, ErrorCode.INVALID_TENSOR):
            raise ValueError(str(failure))
        if code == ErrorCode.MISUSE:
            raise failure

    @property
    def stopped(self) -> Finding | None:
        """The finding that met ``stop_on``: the training should end, best before the step that uses what was recorded
        last. None while there is none.
        """
        if not self._stops:
            return None
        pointer = self._library.gradlog_stopped(self._handle)
        return read(pointer.contents) if pointer else None

    @property
    def findings(self) -> list[Finding]:
        """The findings of this recorder so far: what began before the run was resumed is in them when a batch shows
        it again. Batches that were not judged yet are not in them; see ``flush()``."""
        count = self._library.gradlog_finding_count(self._handle)
        pointers = (self._library.gradlog_finding_at(self._handle, index) for index in range(count))
        return [read(pointer.contents) for pointer in pointers]

    @property
    def losses(self) -> Losses:
        """What could not be recorded so far."""
        batches, values = c_int64(), c_int64()
        code = self._library.gradlog_losses(self._handle, byref(batches), byref(values))
        failure = str(_library.failure(self._library, code)) if code else None
        return Losses(batches.value, values.value, failure)

    @property
    def resumed_after(self) -> tuple[int, int] | None:
        """Epoch and batch of the last batch that the file held of this run; None for a new run."""
        epoch, batch = c_int64(), c_int64()
        if not self._library.gradlog_resumed_after(self._handle, byref(epoch), byref(batch)):
            return None
        return epoch.value, batch.value

    @property
    def closed(self) -> bool:
        """Whether the recorder was closed."""
        return self._closed

    def flush(self) -> None:
        """Waits until everything recorded before is in the file.

        :raises GradlogError: the first failure since the recorder was opened.
        """
        _refuse_listener("flush")
        code = self._library.gradlog_flush(self._handle)
        if code:
            raise _library.failure(self._library, code)

    def close(self, *, finished: bool = True) -> None:
        """Writes what is left and closes the file. Closing again does nothing.

        :param finished: whether the training ended as it should; otherwise the run reads as interrupted.
        :raises GradlogError: the first failure since the recorder was opened, with how much was lost. The
            file is closed all the same.
        """
        _refuse_listener("close")
        close = self._library.gradlog_close if finished else self._library.gradlog_close_interrupted
        code = close(self._handle)
        if code != ErrorCode.MISUSE:
            self._closed = True
            _library.recorded_here.remove(self._handle or 0)
        if code:
            raise _library.failure(self._library, code)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
            return
        try:
            self.close(finished=False)
        except GradlogError:
            pass  # Said on stderr when it happened; what went wrong in the training matters more.

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<gradlog.Recorder of run {self.run!r} in {self.path!r}, {state}>"


class _Layout:
    """The C structures of one set of weights, used again in each batch."""

    def __init__(self, names: tuple[str, ...]) -> None:
        if not names:
            raise ValueError("there are no gradients; pass one for each weight, or None for its absence")
        for name in names:
            if not isinstance(name, str) or "\0" in name:
                raise TypeError(f"{name!r} is not the name of a weight; pass a string")
        self.count = len(names)
        self.gradients = (CGradient * self.count)()
        self.address = addressof(self.gradients)
        self.slots = [Slot(self.gradients[index], name) for index, name in enumerate(names)]
        self.context = CBatchContext(size=ctypes.sizeof(CBatchContext))
        self.context_address = addressof(self.context)


def _number(value: Any) -> float:
    """A number, or a tensor that holds one."""
    if type(value) is float:
        return value
    # torch warns of a loss that still belongs to a graph.
    return float(value.detach() if hasattr(value, "detach") else value)


def _callback(on_finding: Callable[[Finding], object] | None) -> Any:
    if on_finding is None:
        return None

    def call(finding: Any, _user_data: Any) -> None:
        _listening.now = True
        try:
            on_finding(read(finding.contents))
        except Exception as error:
            complain(f"on_finding failed: {error!r}")
        finally:
            _listening.now = False

    return _library.FindingCallback(call)


def _refuse_listener(call: str) -> None:
    if getattr(_listening, "now", False):
        raise GradlogError(
            f"on_finding called {call}(), which waits for on_finding to return",
            "let the training thread do it, when recorder.stopped is set",
            ErrorCode.MISUSE,
        )


def _finish(library: ctypes.CDLL, handle: int, _callback: Any) -> None:
    """Closes a recorder that is no longer used, or that is open when Python exits."""
    failed = getattr(sys, "last_value", None) is not None
    close = library.gradlog_close_interrupted if failed else library.gradlog_close
    close(handle)
    _library.recorded_here.remove(handle)
    library.gradlog_release(handle)


def _new_name(path: str, rank: int) -> str:
    """A name that no run of this rank has in the file."""
    taken: set[str] = set()
    if os.path.isfile(path) and os.path.getsize(path):
        try:
            with contextlib.closing(open_for_reading(path)) as database:
                taken = {row[0] for row in database.execute("SELECT name FROM runs WHERE rank = ?", (rank,))}
        except sqlite3.Error:
            pass  # Opening it to record says more.
        except GradlogError as error:
            if error.code == ErrorCode.MISUSE:
                raise GradlogError(error.problem, "give the run a name", error.code) from error
    name, number = "run", 2
    while name in taken:
        name, number = f"run-{number}", number + 1
    return name
