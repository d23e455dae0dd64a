"""Networks of other units than weighted sums with an activation: the largest of several, distances, products of pairs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from corpus.branched_networks import Carrying
from corpus.networks import ACTIVATIONS, Staged


class Largest(nn.Module):
    """The largest of each ``pieces`` features."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(-1, (-1, self.pieces)).amax(-1)


def maxout(
    inputs: int, outputs: int, depth: int = 2, width: int = 24, pieces: int = 3, norm: str | None = None, dropout: float = 0.0
) -> Staged:  # fmt: skip
    """Dense layers of which each unit is the largest of a few sums (Goodfellow et al., 2013)."""
    stages = []
    for index in range(depth):
        norms = [nn.LayerNorm(width * pieces)] if norm == "layer" else []
        parts = [nn.Linear(width if index else inputs, width * pieces), *norms, Largest(pieces)]
        stages.append(nn.Sequential(*parts, *([nn.Dropout(dropout)] if dropout else [])))
    return Staged(stages, nn.Linear(width, outputs))


class RadialBasis(nn.Module):
    """How near the input is to each of some learned centres."""

    def __init__(self, inputs: int, count: int) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.randn(count, inputs))
        self.log_precision = nn.Parameter(torch.full((count,), -1.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        square = (x[..., None, :] - self.centres).square().sum(-1)
        return (-self.log_precision.exp() * square).exp()


def radial_basis(
    inputs: int, outputs: int, width: int = 4, count: int = 40, depth: int = 0, activation: str = "tanh"
) -> Staged:  # fmt: skip
    """A learned projection, radial basis functions, and ``depth`` dense layers over them."""
    stages: list[nn.Module] = [nn.Linear(inputs, width), RadialBasis(width, count)]
    stages += [nn.Sequential(nn.Linear(count, count), ACTIVATIONS[activation]()) for _ in range(depth)]
    return Staged(stages, nn.Linear(count, outputs))


class Interactions(nn.Module):
    """The input, and after it the sum of the products of all pairs of its features' factors."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.factors = nn.Parameter(torch.randn(inputs, width) * 0.2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pairs = ((x @ self.factors).square() - x.square() @ self.factors.square()) / 2
        return torch.cat([x, pairs], -1)


def factorization(
    inputs: int, outputs: int, depth: int = 1, width: int = 12, activation: str = "relu", norm: str | None = None,
    dropout: float = 0.0,
) -> Staged:  # fmt: skip
    """A factorization machine (Rendle, 2010) with ``depth`` dense layers over the interactions (He and Chua, 2017)."""
    stages: list[nn.Module] = [Interactions(inputs, width)]
    for _ in range(depth):
        norms = [nn.LayerNorm(width)] if norm == "layer" else []
        parts = [nn.Linear(width, width), *norms, ACTIVATIONS[activation]()]
        stages.append(Carrying(inputs, nn.Sequential(*parts, *([nn.Dropout(dropout)] if dropout else []))))
    return Staged(stages, nn.Linear(inputs + width, outputs))


UNIT_NETWORKS: dict[str, Callable[..., Staged]] = {one.__name__: one for one in (maxout, radial_basis, factorization)}
