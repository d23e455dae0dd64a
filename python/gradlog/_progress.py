"""Which epoch, batch, step and call a gradient belongs to."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from gradlog._files import open_for_reading
from gradlog.errors import ErrorCode, GradlogError


class Place(NamedTuple):
    """Where a training stood when a gradient was recorded; all zero-based."""

    epoch: int
    batch: int
    step: int | None
    call: int


_of_recorder: WeakKeyDictionary[Any, Progress] = WeakKeyDictionary()


class Progress:
    """Numbers the records of a training.

    A framework, or the user of ``batches()``, tells the batch. Where nobody does, every record of an optimizer is the
    next batch of that optimizer: batches count on until an epoch is announced. A step counts the updates of all
    optimizers of the run, and a call the records of one optimizer within one batch.
    """

    def __init__(self, resumed_after: tuple[int, int] | None = None, steps: int | None = None) -> None:
        """``resumed_after``: epoch and batch of the last record that the file holds of the run, ``steps``: the steps
        that it holds. Where they are not known of a run that is taken up again, the recorder counts the steps.
        """
        self.epoch, last_batch = resumed_after or (0, -1)
        self._first_batch = last_batch + 1
        self.step = 0 if resumed_after is None else steps
        self._told: int | None = None
        self._counted: dict[str, int] = {}
        self._calls: dict[str, tuple[int, int, int]] = {}
        self._open: set[str] = set()

    @classmethod
    def of(cls, recorder: Any, steps: int | None = None) -> Progress:
        """The progress of a recorder, one for all taps that share it. ``steps``: see above, where it is known."""
        known = _of_recorder.get(recorder)
        if known is None:
            known = _of_recorder[recorder] = cls(recorder.resumed_after, steps)
        return known

    def begin_epoch(self, epoch: int) -> None:
        """The records that follow belong to this epoch; its batches start at 0."""
        self.epoch, self._told, self._first_batch = epoch, None, 0
        self._counted.clear()
        self._open.clear()

    def tell(self, epoch: int, batch: int, step: int | None = None) -> None:
        """The records that follow belong to this batch, whatever was counted."""
        self.epoch, self._told = epoch, batch
        if step is not None:
            self.step = step

    def place(self, optimizer: str) -> Place:
        """The place of the next record of this optimizer; each one asked for is a call."""
        batch = self._told if self._told is not None else self._counted.get(optimizer, self._first_batch)
        epoch, last_batch, call = self._calls.get(optimizer, (-1, -1, -1))
        call = call + 1 if (epoch, last_batch) == (self.epoch, batch) else 0
        self._calls[optimizer] = (self.epoch, batch, call)
        self._open.add(optimizer)
        return Place(self.epoch, batch, self.step, call)

    def end_batch(self, optimizer: str) -> None:
        """The next record of this optimizer belongs to its next batch, if there was one and unless the batch is told."""
        if optimizer in self._open:
            self._open.discard(optimizer)
            self._counted[optimizer] = self._counted.get(optimizer, self._first_batch) + 1

    def end_step(self) -> None:
        """An optimizer has updated its weights."""
        if self.step is not None:
            self.step += 1


def check_stage(recorder: Any, stage: str) -> None:
    """Refuses to call gradients in an open recorder what they are not."""
    recorded = getattr(recorder, "stage", stage)
    if recorded != stage:
        raise GradlogError(
            f"the recorder was opened for {recorded} gradients, and these are {stage}",
            f"open it with stage='{stage}', or record with stage='{recorded}'",
            ErrorCode.MISUSE,
        )


def steps_in(path: str, run: str | None, rank: int) -> int:
    """Steps of the run in the file, before it is opened for recording; 0 when there is neither file nor run."""
    if run is None or not os.path.exists(path) or os.path.getsize(path) == 0:
        return 0
    try:
        with contextlib.closing(open_for_reading(path)) as database:
            query = "SELECT max(step) FROM batches JOIN runs USING (run_id) WHERE name = ? AND rank = ?"
            last = database.execute(query, (run, rank)).fetchone()[0]
    except (GradlogError, sqlite3.Error):
        return 0  # Opening it for recording says what is wrong.
    return 0 if last is None else last + 1
