"""A recorder with the interface of ``gradlog.Recorder`` that keeps exact copies in memory, for tests of what the taps hand over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy

import gradlog


@dataclass
class Record:
    """One record; gradients as float64 arrays (exact for every type narrower), row-sparse ones made dense."""

    gradients: dict[str, numpy.ndarray | None]
    epoch: int
    batch: int
    step: int | None
    optimizer: str
    call: int
    loss: float | None
    learning_rate: float | None
    loss_scale: float | None

    @property
    def place(self) -> tuple[int, int, int | None, int]:
        return self.epoch, self.batch, self.step, self.call


class MemoryRecorder:
    """Keeps what it is given. ``stop_after``: number of records after which ``stopped`` has a finding."""

    def __init__(
        self, stop_after: int | None = None, fails_at: int | None = None, resumed_after: Any = None
    ) -> None:
        self.records: list[Record] = []
        self.stop_after, self.fails_at, self.resumed_after = stop_after, fails_at, resumed_after
        self.sparse_rows: list[int] = []
        self.frozen: list[list[str]] = []
        self.initial_norms: dict[str, float] = {}
        self.closed = False

    @property
    def stopped(self) -> str | None:
        return "a finding" if self.stop_after is not None and len(self.records) >= self.stop_after else None

    def tell_initial_norms(self, norms: dict[str, float]) -> None:
        for name, norm in norms.items():
            self.initial_norms.setdefault(name, norm)

    def record(
        self,
        gradients: Any,
        *,
        epoch: int,
        batch: int,
        step: int | None = None,
        optimizer: str = "",
        call: int = 0,
        loss: float | None = None,
        learning_rate: float | None = None,
        loss_scale: float | None = None,
    ) -> None:
        if self.fails_at == len(self.records):
            self.fails_at = None
            raise gradlog.GradlogError("the disk is full")
        self.frozen.append([name for name, gradient in gradients.items() if gradient is gradlog.FROZEN])
        copies = {name: self._copy(gradient) for name, gradient in gradients.items()}
        self.records.append(
            Record(copies, epoch, batch, step, optimizer, call, loss, learning_rate, loss_scale)
        )

    def _copy(self, gradient: Any) -> numpy.ndarray | None:
        if gradient is None or gradient is gradlog.FROZEN:
            return None
        if isinstance(gradient, gradlog.RowSparse):
            dense = numpy.zeros(tuple(gradient.shape))
            indices = numpy.asarray(gradient.indices)
            assert len(set(indices.tolist())) == len(indices), "a row is given twice"
            dense[indices] = self._copy(gradient.rows)
            self.sparse_rows.append(len(indices))
            return dense
        if type(gradient).__module__.startswith("torch"):
            return gradient.double().numpy().copy()
        return numpy.array(gradient).astype(numpy.float64)

    def close(self, *, finished: bool = True) -> None:
        self.closed = True
