"""Gradients as additional outputs of a compiled training step."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy

from .packing import Packing
from .sites import Site
from .tap import Tap

_LOSS = "loss"
_KEEP = "keep"


class StepOutputs:
    """Collects tensors while a step is traced, and finds them again among what the compiled step returned.

    The tensors travel in a flat dictionary. Its keys belong to the structure of the outputs and so come back with each
    call, whichever of several traces it runs: from them follows what the tensors are.
    """

    def __init__(self) -> None:
        self._tensors: dict[str, Any] = {}
        self._sites: list[Site] = []
        self._packing = Packing()

    def begin(self) -> None:
        """Forgets the tensors of the trace before."""
        self._tensors = {}

    def tensors(self, packed: bool) -> dict[str, Any]:
        """What the step is to return besides its own outputs; packed when it is compiled, so that they are few."""
        return self._packing.pack(self._tensors) if packed else dict(self._tensors)

    def unpacked(self, returned: Mapping[str, Any], convert: Callable[[Any], Any]) -> dict[str, Any]:
        """Finds them again; what was packed is a numpy array afterwards, which ``convert`` makes of a tensor."""
        return self._packing.unpack(returned, convert)

    def set_loss(self, loss: Any) -> None:
        """Adds the loss of the batch."""
        self._tensors[_LOSS] = loss

    def add(
        self, site: Site, gradients: Mapping[int, Any], numbers: Mapping[str, Any], keep: Any = None
    ) -> None:
        """Adds the gradients that reach an optimizer.

        Args:
            gradients: by place; pairs of indices and rows for those that come as rows.
            numbers: scalars by the names that a ``GradientEvent`` has for them.
            keep: a boolean tensor that says whether the optimizer really uses the gradients in this batch.
        """
        if site not in self._sites:
            self._sites.append(site)
        key = self._sites.index(site)
        for place, gradient in gradients.items():
            if isinstance(gradient, tuple):
                self._tensors[f"{key} indices {place}"], self._tensors[f"{key} rows {place}"] = gradient
            else:
                self._tensors[f"{key} gradient {place}"] = gradient
        for name, number in numbers.items():
            self._tensors[f"{key} {name}"] = number
        if keep is not None:
            self._tensors[f"{key} {_KEEP}"] = keep

    @staticmethod
    def loss(returned: Mapping[str, Any], logs: Any) -> Any:
        """The loss of the batch; what ``train_step`` calls so when Keras did not keep one; None without either."""
        if _LOSS in returned:
            return returned[_LOSS]
        return logs.get(_LOSS) if isinstance(logs, dict) else None

    def emit(self, tap: Tap, returned: Mapping[str, Any], logs: Any, convert: Callable[[Any], Any]) -> None:
        """Tells the tap of the gradients among what ``unpacked`` gave; ``convert`` makes numpy arrays of tensors."""
        for site, outputs in self._sites_of(returned):
            if tap.wants(site.stage) and outputs.is_kept:
                arrays = functools.partial(outputs.arrays, convert)
                tap.emit(site, arrays, loss=self.loss(returned, logs), **outputs.numbers)

    def _sites_of(self, returned: Mapping[str, Any]) -> Iterator[tuple[Site, _SiteOutputs]]:
        """The sites that the step passed through, in order, each with its tensors."""
        found: dict[int, _SiteOutputs] = {}
        for path, tensor in returned.items():
            if path != _LOSS:
                key, name, place = _parsed(path)
                found.setdefault(key, _SiteOutputs()).add(name, place, tensor)
        for key in sorted(found):
            yield self._sites[key], found[key]


@functools.cache
def _parsed(path: str) -> tuple[int, str, int | None]:
    """The site, the name and the place that the key of a tensor stands for."""
    key, name, *place = path.split(" ")
    return int(key), name, int(place[0]) if place else None


class _SiteOutputs:
    """The tensors of one site."""

    def __init__(self) -> None:
        self._gradients: dict[int, Any] = {}
        self._rows: dict[int, dict[str, Any]] = {}
        self._numbers: dict[str, Any] = {}

    def add(self, name: str, place: int | None, tensor: Any) -> None:
        """Takes one tensor."""
        if place is None:
            self._numbers[name] = tensor
        elif name == "gradient":
            self._gradients[place] = tensor
        else:
            self._rows.setdefault(place, {})[name] = tensor

    @property
    def is_kept(self) -> bool:
        """Whether the optimizer used the gradients."""
        return bool(self._numbers.get(_KEEP, True))

    @property
    def numbers(self) -> dict[str, Any]:
        """The scalars."""
        return {name: number for name, number in self._numbers.items() if name != _KEEP}

    def arrays(self, convert: Callable[[Any], Any]) -> dict[int, Any]:
        """The gradients by place."""

        def array(tensor: Any) -> Any:
            return tensor if isinstance(tensor, numpy.ndarray) else convert(tensor)

        dense = {place: array(tensor) for place, tensor in self._gradients.items()}
        rows = {place: (array(pair["indices"]), array(pair["rows"])) for place, pair in self._rows.items()}
        return {**dense, **rows}
