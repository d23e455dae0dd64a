"""The elements of a ``values_blob``, by docs/FileFormat.md."""

from __future__ import annotations

import math
from typing import Any

import numpy

from gradlog.rows import RowSparse

_ELEMENTS = {"float16": "<f2", "bfloat16": "<u2", "float32": "<f4", "float64": "<f8"}


def dense(blob: bytes, dtype: str, shape: tuple[int, ...], encoding: str) -> Any:
    """The whole gradient in its own type; numpy has no bfloat16, which becomes float32.

    :raises ValueError: when the blob is not one of such a gradient.
    """
    if encoding == "rows":
        sparse = rows(blob, dtype, shape)
        gradient = numpy.zeros(shape, sparse.rows.dtype)
        gradient[sparse.indices] = sparse.rows
        return gradient
    stored = dtype if encoding == "dense" else encoding
    gradient = _elements(blob, stored).reshape(shape)
    return gradient.astype("<f8") if dtype == "float64" else _at_least_single(gradient, dtype)


def _at_least_single(gradient: Any, dtype: str) -> Any:
    return gradient if dtype == "float16" else gradient.astype("<f4", copy=False)


def rows(blob: bytes, dtype: str, shape: tuple[int, ...]) -> RowSparse:
    """The rows that a blob of the encoding ``rows`` has."""
    width = numpy.dtype(_ELEMENTS[dtype]).itemsize * math.prod(shape[1:])
    count, rest = divmod(len(blob), 8 + width)
    if rest or not shape:
        raise ValueError(f"{len(blob)} bytes are not rows of shape {shape}")
    indices = numpy.frombuffer(blob, "<i8", count).copy()
    if count and not (0 <= indices[0] and indices[-1] < shape[0] and (numpy.diff(indices) > 0).all()):
        raise ValueError(f"its rows are not those of shape {shape}")
    elements = _elements(blob[8 * count :], dtype)
    return RowSparse(indices, elements.reshape(count, *shape[1:]), shape)


def _elements(blob: bytes, dtype: str) -> Any:
    elements = numpy.frombuffer(blob, _ELEMENTS[dtype])
    if dtype == "bfloat16":
        return (elements.astype("<u4") << 16).view("<f4")
    # frombuffer lends memory that cannot be written.
    return elements.copy()
