"""Small tensors that leave a compiled step together."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy

_KEY = "packed"
_LARGEST = 4096
"""Elements of the largest tensor that is packed: copying more would cost more than an output does."""
_CARRIER, _CARRIED = "float32", ("int32", "int64")
"""Integers, such as the step count, travel as the bits of floats: gradients are mostly of this type."""


class Packing:
    """Joins small tensors to one for each type, and takes them apart again.

    What a compiled step returns costs by the tensor: on TensorFlow some 20 µs for each, however small, and each becomes a
    numpy array by itself. The values are copied, bit for bit.
    """

    def __init__(self) -> None:
        self._layouts: list[_Layout] = []

    def pack(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """The tensors by name, those that are small in others that hold several."""
        groups: dict[str, dict[str, Any]] = collections.defaultdict(dict)
        packed: dict[str, Any] = {}
        for name, tensor in tensors.items():
            group = groups[_type_in_pack(tensor)] if _is_small(tensor) else packed
            group[name] = tensor
        for group in groups.values():
            packed.update(group if len(group) == 1 else self._joined(group))
        return packed

    def _joined(self, group: Mapping[str, Any]) -> dict[str, Any]:
        layout = _Layout(tuple((name, _dtype(tensor), tuple(tensor.shape)) for name, tensor in group.items()))
        if layout not in self._layouts:
            self._layouts.append(layout)
        flat = [_flat(tensor) for tensor in group.values()]
        return {f"{_KEY} {self._layouts.index(layout)}": keras.ops.concatenate(flat)}

    def unpack(self, returned: Mapping[str, Any], convert: Callable[[Any], Any]) -> dict[str, Any]:
        """The tensors by name as ``pack`` got them; those that travelled together as numpy arrays, which ``convert`` makes."""
        tensors: dict[str, Any] = {}
        for name, tensor in returned.items():
            if name.startswith(_KEY):
                tensors.update(self._layouts[int(name.removeprefix(_KEY))].apart(convert(tensor)))
            else:
                tensors[name] = tensor
        return tensors


@dataclasses.dataclass(frozen=True)
class _Layout:
    """Names, types and shapes of the tensors that follow each other in one."""

    parts: tuple[tuple[str, str, tuple[int, ...]], ...]

    def apart(self, array: Any) -> dict[str, Any]:
        """Views of the array, by name."""
        views, begin = {}, 0
        for name, dtype, shape in self.parts:
            if dtype in _CARRIED:
                end = begin + math.prod(shape) * numpy.dtype(dtype).itemsize // array.itemsize
                views[name] = array[begin:end].view(dtype).reshape(shape)
            else:
                end = begin + math.prod(shape)
                views[name] = array[begin:end].reshape(shape)
            begin = end
        return views


def _dtype(tensor: Any) -> str:
    return keras.backend.standardize_dtype(tensor.dtype)


def _type_in_pack(tensor: Any) -> str:
    dtype = _dtype(tensor)
    # Older versions of Keras have no view().
    return _CARRIER if dtype in _CARRIED and hasattr(keras.ops, "view") else dtype


def _flat(tensor: Any) -> Any:
    flat = keras.ops.reshape(tensor, (-1,))
    is_carried = _dtype(tensor) != _type_in_pack(tensor)
    return keras.ops.view(flat, _CARRIER) if is_carried else flat


def _is_small(tensor: Any) -> bool:
    shape = tuple(tensor.shape)
    return None not in shape and math.prod(shape) <= _LARGEST
