"""The callback that prints."""

from __future__ import annotations

import sys
from typing import Any, TextIO

import keras
import numpy

from gradlog import FROZEN, RowSparse

from .event import GradientEvent, checked_stage
from .tap import Tap


class GradientPrinter(keras.callbacks.Callback):
    """Prints the gradient of every weight of every batch of ``fit()``, in numpy's form.

        model.fit(x, y, callbacks=[gradlog.keras.GradientPrinter()])

    One line, or several for an array of several, for each weight: ``weight name: dense/kernel, gradient: [[…]]``. Arrays
    of more than 1000 elements are abbreviated, and ``None`` stands for an absent gradient.

    Args:
        stage: ``raw``, before accumulation and clipping, or ``applied``, what the update rule consumes.
        file: where to; the standard output when it is left out.

    Raises:
        GradlogError: from fit(), when gradients cannot be seen.
    """

    def __init__(self, *, stage: str = "raw", file: TextIO | None = None) -> None:
        super().__init__()
        self.stage = checked_stage(stage)
        self._file = file
        self._tap: Tap | None = None
        self.stopped = None

    # Keras calls these.

    def on_train_begin(self, logs: Any = None) -> None:
        self.abandoned()
        self._tap = Tap.attach(self._model, self, None, self.params)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._tap is not None:
            self._tap.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self._tap is not None:
            self._tap.expect_step(batch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._tap is not None:
            self._tap.raise_failure()

    def on_train_end(self, logs: Any = None) -> None:
        self.abandoned()

    # The tap calls these.

    def before_step(self) -> None:
        """Only gradients are printed."""

    def wants(self, epoch: int, batch: int) -> bool:
        """Every batch is printed."""
        return True

    def receive(self, event: GradientEvent) -> None:
        """Prints the gradients of one application of an optimizer."""
        file = self._file or sys.stdout
        for name, gradient in event.gradients.items():
            print(f"weight name: {name}, gradient: {_text(gradient)}", file=file)

    def after_step(self) -> None:
        """Nothing is left to do."""

    def abandoned(self) -> None:
        """Stops listening."""
        tap, self._tap = self._tap, None
        if tap is not None:
            tap.detach(self)


def _text(gradient: Any) -> str:
    if gradient is None or gradient is FROZEN:
        return "None"
    if isinstance(gradient, RowSparse):
        dense = numpy.zeros(gradient.shape, gradient.rows.dtype)
        numpy.add.at(dense, gradient.indices, gradient.rows)
        return str(dense)
    return str(keras.ops.convert_to_numpy(gradient))
