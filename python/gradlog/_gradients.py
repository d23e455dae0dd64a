"""Arrays of any framework as ``gradlog_gradient``, without copying what lies in this machine's memory."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy

from gradlog._library import ABSENT_DTYPE, DTYPES, FROZEN_DTYPE, CGradient
from gradlog.absence import FROZEN
from gradlog.rows import RowSparse

_codes: dict[object, tuple[int, int]] = {}
"""What each dtype object of numpy and torch is in gradlog.h, and the bytes of an element."""


class Slot:
    """The ``gradlog_gradient`` of one weight, used again in each batch: as a rule only the address of the
    data changes."""

    __slots__ = ("dtype", "gradient", "kept", "shape", "strides", "weight")

    def __init__(self, gradient: CGradient, weight: str) -> None:
        self.gradient = gradient
        self.weight = weight
        gradient.weight = weight.encode()
        self.kept: Any = None
        self._forget()

    def _forget(self) -> None:
        self.dtype: object = None
        self.shape: Any = None
        self.strides: Any = None

    def set(self, value: Any) -> Any:
        """Points to a gradient. Returns what must live until the library has copied it."""
        if type(value) is numpy.ndarray:
            return self._set_numpy(value)
        if value is None or value is FROZEN:
            self.gradient.dtype = ABSENT_DTYPE if value is None else FROZEN_DTYPE
            self.gradient.indices = None
            self._forget()
            return None
        if isinstance(value, RowSparse):
            return self._set_rows(value)
        if _is_torch(value):
            return self._set_torch(value)
        return self._set_numpy(_as_numpy(value, self.weight))

    def _set_numpy(self, array: Any) -> Any:
        if array.dtype is not self.dtype or array.shape != self.shape or array.strides != self.strides:
            array = _in_machine_order(array)
            code, _ = _code(array.dtype, self.weight)
            self._describe(code, array.shape, array.strides)
            self.dtype, self.shape, self.strides = array.dtype, array.shape, array.strides
        self.gradient.data = array.ctypes.data
        return array

    def _set_torch(self, tensor: Any) -> Any:
        if tensor.device.type != "cpu":
            tensor = tensor.detach().cpu()
        if tensor.is_sparse:
            return self._set_rows(_torch_rows(tensor, self.weight))
        if tensor.is_neg():
            tensor = tensor.resolve_neg()
        stride = tensor.stride()
        if tensor.dtype is not self.dtype or tensor.shape != self.shape or stride != self.strides:
            code, width = _code(tensor.dtype, self.weight)
            shape = tuple(tensor.shape)
            self._describe(code, shape, [step * width for step in stride])
            self.dtype, self.shape, self.strides = tensor.dtype, shape, stride
        self.gradient.data = tensor.data_ptr()
        return tensor

    def _set_rows(self, value: RowSparse) -> Any:
        indices = numpy.ascontiguousarray(_as_numpy(value.indices, self.weight))
        if indices.dtype.kind not in "iu" or indices.ndim != 1:
            raise TypeError(
                f'gradient of "{self.weight}": indices of {indices.dtype} with {indices.ndim} dimensions '
                "are no rows; pass integers in one dimension"
            )
        indices = indices.astype(numpy.int64, copy=False)
        rows, code = _row_values(value.rows, self.weight)
        if rows.shape != (len(indices), *value.shape[1:]):
            raise ValueError(
                f'gradient of "{self.weight}": rows of shape {rows.shape} for {len(indices)} indices do '
                f"not make a gradient of shape {value.shape}; pass {(len(indices), *value.shape[1:])}"
            )
        self._forget()
        self._describe(code, value.shape, None)
        # NULL would mean a gradient that is not sparse.
        self.gradient.indices = indices.ctypes.data if len(indices) else ctypes.addressof(self.gradient)
        self.gradient.index_count = len(indices)
        self.gradient.data = rows.ctypes.data
        return indices, rows

    def _describe(self, code: int, shape: Sequence[int], strides: Sequence[int] | None) -> None:
        array = ctypes.c_int64 * len(shape)
        self.kept = array(*shape), None if strides is None else array(*strides)
        gradient = self.gradient
        gradient.dtype = code
        gradient.rank = len(shape)
        gradient.shape, gradient.strides = self.kept
        gradient.indices = None


def _code(dtype: Any, weight: str) -> tuple[int, int]:
    known = _codes.get(dtype)
    if known is not None:
        return known
    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise TypeError(
            f'gradient of "{weight}": {name} is not a type that gradients have; pass {", ".join(DTYPES)}'
        )
    _codes[dtype] = DTYPES[name], dtype.itemsize
    return _codes[dtype]


def _in_machine_order(array: Any) -> Any:
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _is_torch(value: Any) -> bool:
    # A subclass (Parameter, DTensor) may live in another module.
    return any(base.__name__ == "Tensor" and base.__module__ == "torch" for base in type(value).__mro__)


def _as_numpy(value: Any, weight: str) -> Any:
    """A view of an array of any framework if possible, else a copy."""
    if isinstance(value, numpy.ndarray):
        return numpy.asarray(value)
    if _is_torch(value):
        return value.detach().cpu().numpy()
    if hasattr(value, "__dlpack__"):
        try:
            return numpy.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError, ValueError):
            # A type that numpy's DLPack lacks (bfloat16), or memory of another device.
            pass
    if hasattr(value, "__array__"):
        return numpy.asarray(value)
    raise TypeError(
        f'gradient of "{weight}": {type(value).__name__} is not an array; pass a numpy array, a torch '
        "tensor, something with __dlpack__ or __array__, a gradlog.RowSparse, None or gradlog.FROZEN"
    )


def _row_values(rows: Any, weight: str) -> tuple[Any, int]:
    """The rows as a contiguous array, and their type; numpy has no bfloat16, so its bits are enough."""
    if _is_torch(rows) and str(rows.dtype) == "torch.bfloat16":
        import torch

        bits = rows.detach().cpu().contiguous().view(torch.int16).numpy()
        return bits, DTYPES["bfloat16"]
    array = numpy.ascontiguousarray(_in_machine_order(_as_numpy(rows, weight)))
    # ascontiguousarray makes a scalar one-dimensional.
    return array, _code(array.dtype, weight)[0]


def _torch_rows(tensor: Any, weight: str) -> Any:
    """A sparse torch tensor as rows. Duplicates are summed as torch sums them."""
    if tensor.sparse_dim() != 1:
        raise TypeError(
            f'gradient of "{weight}": a sparse tensor with {tensor.sparse_dim()} sparse dimensions has no '
            "rows; pass tensor.to_dense()"
        )
    tensor = tensor.detach().coalesce()
    return RowSparse(tensor.indices()[0], tensor.values(), tensor.shape)
