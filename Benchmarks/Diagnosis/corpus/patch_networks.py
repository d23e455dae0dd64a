"""Networks that cut a picture into patches: transformers with a token for the class, and mixers without attention."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from corpus.networks import ACTIVATIONS, Residual, Staged, Transposed
from corpus.sequences import Attention, Last


class Patches(nn.Module):
    """Batch x patches x width, from square patches of a picture. ``token``: one more place, for the class, and learned
    positions.
    """

    def __init__(self, inputs: int, size: int, patch: int, width: int, token: bool) -> None:
        super().__init__()
        self.content = nn.Conv2d(inputs, width, patch, stride=patch)
        places = (size // patch) ** 2
        self.token = nn.Parameter(torch.randn(1, width) * 0.02) if token else None
        self.position = nn.Parameter(torch.randn(places + 1, width) * 0.02) if token else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.content(x).flatten(2).transpose(1, 2)
        if self.token is None:
            return x
        return torch.cat([self.token.expand(len(x), 1, -1), x], 1) + self.position


class First(nn.Module):
    """The first place, that of the class."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0]


def dense(width: int, hidden: int, activation: str, dropout: float = 0.0) -> nn.Sequential:
    """Two dense layers."""
    parts = [nn.Linear(width, hidden), ACTIVATIONS[activation](), nn.Linear(hidden, width)]
    return nn.Sequential(*parts, *([nn.Dropout(dropout)] if dropout else []))


def vision_transformer(
    inputs: int, outputs: int, size: int, patch: int = 3, width: int = 24, depth: int = 2, heads: int = 3,
    activation: str = "gelu", norm: str | None = "pre", adds: bool = True, dropout: float = 0.0,
) -> Staged:  # fmt: skip
    """A vision transformer; ``norm``: before each part, after each part, or None."""
    def norms(kind: str) -> list[nn.Module]:
        return [nn.LayerNorm(width)] if norm == kind else []

    stages: list[nn.Module] = [Patches(inputs, size, patch, width, token=True)]
    for _ in range(depth):
        attention = nn.Sequential(*norms("pre"), Attention(width, heads, causal=False))
        mlp = nn.Sequential(*norms("pre"), dense(width, 2 * width, activation, dropout))
        stages.append(
            nn.Sequential(Residual(attention, adds), *norms("post"), Residual(mlp, adds), *norms("post"))
        )
    return Staged(stages, nn.Sequential(*norms("pre"), First(), nn.Linear(width, outputs)))


def mixer(
    inputs: int, outputs: int, size: int, patch: int = 3, width: int = 24, depth: int = 3, activation: str = "gelu",
    norm: str | None = "layer", adds: bool = True, dropout: float = 0.0,
) -> Staged:  # fmt: skip
    """An MLP-Mixer: dense layers over the patches and dense layers over the features, in turn."""
    def norms() -> list[nn.Module]:
        return [nn.LayerNorm(width)] if norm == "layer" else []

    places = (size // patch) ** 2
    stages: list[nn.Module] = [Patches(inputs, size, patch, width, token=False)]
    for _ in range(depth):
        across = nn.Sequential(*norms(), Transposed(), dense(places, 2 * places, activation, dropout), Transposed())
        within = nn.Sequential(*norms(), dense(width, 2 * width, activation, dropout))
        stages.append(nn.Sequential(Residual(across, adds), Residual(within, adds)))
    return Staged(stages, nn.Sequential(*norms(), Last(mean=True), nn.Linear(width, outputs)))


PATCH_NETWORKS: dict[str, Callable[..., Staged]] = {one.__name__: one for one in (vision_transformer, mixer)}
