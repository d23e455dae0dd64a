"""Small tensors that leave a compiled step together."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import keras

_KEY = "packed"
_LARGEST = 4096
"""Elements of the largest tensor that is packed: copying more would cost more than an output does."""


class Packing:
    """Joins small tensors of one type to one, and takes them apart again.

    What a compiled step returns costs by the tensor: on TensorFlow 30 µs for each, however small, and each becomes a numpy
    array by itself. The values are copied, bit for bit.
    """

    def __init__(self) -> None:
        self._layouts: list[_Layout] = []

    def pack(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """The tensors by name, those that are small in others that hold several."""
        groups: dict[str, dict[str, Any]] = collections.defaultdict(dict)
        packed: dict[str, Any] = {}
        for name, tensor in tensors.items():
            group = groups[keras.backend.standardize_dtype(tensor.dtype)] if _is_small(tensor) else packed
            group[name] = tensor
        for group in groups.values():
            packed.update(group if len(group) == 1 else self._joined(group))
        return packed

    def _joined(self, group: Mapping[str, Any]) -> dict[str, Any]:
        layout = _Layout(tuple((name, tuple(tensor.shape)) for name, tensor in group.items()))
        if layout not in self._layouts:
            self._layouts.append(layout)
        flat = [keras.ops.reshape(tensor, (-1,)) for tensor in group.values()]
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
    """Names and shapes of the tensors that follow each other in one."""

    parts: tuple[tuple[str, tuple[int, ...]], ...]

    def apart(self, array: Any) -> dict[str, Any]:
        """Views of the array, by name."""
        views, begin = {}, 0
        for name, shape in self.parts:
            end = begin + math.prod(shape)
            views[name] = array[begin:end].reshape(shape)
            begin = end
        return views


def _is_small(tensor: Any) -> bool:
    shape = tuple(tensor.shape)
    return None not in shape and math.prod(shape) <= _LARGEST
