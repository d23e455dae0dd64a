"""Gradients of which only some rows are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class RowSparse:
    """A gradient that is zero except in some rows, as embeddings have it.

    ``indices`` says which row of the weight each of ``rows`` belongs to; rows with one index are summed
    in their order. ``shape`` is that of the whole gradient, so ``rows`` has the shape
    ``(len(indices), *shape[1:])``. Both take what ``Recorder.record`` takes.
    """

    __slots__ = ("indices", "rows", "shape")

    def __init__(self, indices: Any, rows: Any, shape: Sequence[int]) -> None:
        self.indices = indices
        self.rows = rows
        self.shape = tuple(int(extent) for extent in shape)
        if not self.shape:
            raise ValueError("a scalar has no rows: pass a shape of one dimension or more")

    def __repr__(self) -> str:
        return f"RowSparse({len(self.indices)} of {self.shape[0]} rows, shape={self.shape})"
