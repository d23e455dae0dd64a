"""From a gradient as autograd left it to one that the recorder takes."""

from __future__ import annotations

import torch

from gradlog import FROZEN, RowSparse
from gradlog.absence import Frozen

Recordable = torch.Tensor | RowSparse | Frozen | None


def is_sharded(tensor: torch.Tensor) -> bool:
    """Whether the tensor is a DTensor, as FSDP2 and tensor parallelism make them."""
    return hasattr(tensor, "full_tensor")


@torch.no_grad()
def norm(parameter: torch.Tensor) -> float:
    """Euclidean norm of the values. Of a sharded parameter every process has to ask."""
    wide = torch.float64 if parameter.dtype == torch.float64 else torch.float32
    found = torch.linalg.vector_norm(parameter.detach(), dtype=wide)
    return float(found.full_tensor() if is_sharded(found) else found)  # type: ignore[attr-defined]


def recordable(
    gradient: torch.Tensor | None, parameter: torch.Tensor, scale: float | None = None
) -> Recordable:
    """The gradient of a parameter, dense or row-sparse, without the loss scale; not a copy unless it had to be made
    anew. Without one, ``FROZEN`` if the parameter is not to have any, else None.

    A sharded gradient is gathered, in which every process has to take part. Half precision is divided by the scale in
    float32, since the quotient would underflow in its own type.
    """
    if gradient is None:
        return None if parameter.requires_grad else FROZEN
    gradient = gradient.detach()
    if is_sharded(gradient):
        gradient = gradient.full_tensor()  # type: ignore[attr-defined]
    if gradient.layout == torch.sparse_coo and gradient.sparse_dim() == 1:
        gradient = gradient.coalesce()
        rows = _unscaled(gradient.values(), scale)
        return RowSparse(gradient.indices()[0], rows, tuple(gradient.shape))
    if gradient.layout != torch.strided:
        gradient = gradient.to_dense()
    return _unscaled(gradient, scale)


def _unscaled(gradient: torch.Tensor, scale: float | None) -> torch.Tensor:
    if scale is None or scale == 1.0:
        return gradient
    wide = gradient.double() if gradient.dtype == torch.float64 else gradient.float()
    return wide / scale
