"""Trees of gradients as named arrays on the host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy

from gradlog.errors import ErrorCode, GradlogError

_plans: dict[Any, Plan] = {}


class Plan(NamedTuple):
    """The names of a tree's gradients, in the order in which they are recorded, and which leaf each is."""

    names: tuple[str, ...]
    leaves: tuple[int | None, ...]

    def gather(self, arrays: Sequence[Any]) -> dict[str, Any]:
        """The arrays, given in the order of the leaves, by their names."""
        return {
            name: None if leaf is None else arrays[leaf]
            for name, leaf in zip(self.names, self.leaves, strict=True)
        }


def plan(tree: Any) -> tuple[Plan, list[Any]]:
    """How to name a tree, and its leaves.

    A gradient is named by its path, ``decoder/layers/0/kernel``. Jax sorts the keys of dictionaries, so that
    ``Dense_10`` precedes ``Dense_2``: here numbers are sorted as numbers. Lists and the fields of classes keep
    their order. ``None`` in the tree is the name of a weight without a gradient.
    """
    leaves, structure = jax.tree_util.tree_flatten(tree)
    known = _plans.get(structure)
    if known is None:
        known = _plans[structure] = _make_plan(tree)
    return known, leaves


def _make_plan(tree: Any) -> Plan:
    paths = jax.tree_util.tree_flatten_with_path(tree, is_leaf=lambda node: node is None)[0]
    found, leaf = [], 0
    for index, (path, value) in enumerate(paths):
        found.append((_order(path, index), _name(path), None if value is None else leaf))
        leaf += value is not None
    found.sort(key=lambda entry: entry[0])
    return Plan(tuple(name for _, name, _ in found), tuple(leaf for _, _, leaf in found))


def _name(path: tuple[Any, ...]) -> str:
    return "/".join(str(_key(entry)) for entry in path) or "weight"


def _key(entry: Any) -> Any:
    for attribute in ("key", "idx", "name"):
        if hasattr(entry, attribute):
            return getattr(entry, attribute)
    return entry


def _order(path: tuple[Any, ...], index: int) -> list[Any]:
    """Siblings are all dictionary keys or all not; the leaf's own index keeps the order of the latter."""
    order: list[Any] = []
    for entry in path:
        if not isinstance(entry, jax.tree_util.DictKey):
            return [*order, (1, index)]
        order.append((0, _natural(str(entry.key))))
    return order


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part]


def on_host(leaves: Sequence[Any]) -> list[Any]:
    """The arrays as numpy has them, without a copy where they are in this machine's memory already.

    :raises GradlogError: inside ``jit`` and other transformations, where there are no numbers yet, and for arrays of
        which other processes hold a part.
    """
    for leaf in leaves:
        if isinstance(leaf, jax.core.Tracer):
            raise GradlogError(
                "record_gradients() was called inside jit, grad, scan or vmap, where gradients have no values yet",
                "return them from the function and record them outside, or put gradlog.jax.tap() into the optax chain",
                ErrorCode.MISUSE,
            )
        if isinstance(leaf, jax.Array) and not leaf.is_fully_addressable:
            raise GradlogError(
                f"a gradient of shape {leaf.shape} is spread over several processes",
                "gather it first with jax.experimental.multihost_utils.process_allgather, or record local shards",
                ErrorCode.MISUSE,
            )
    return [_real(array) for array in jax.device_get(list(leaves))]


def _real(array: Any) -> Any:
    """None for ``float0``, jax's gradient of an integer."""
    array = numpy.asarray(array)
    return None if array.dtype == jax.dtypes.float0 else array
