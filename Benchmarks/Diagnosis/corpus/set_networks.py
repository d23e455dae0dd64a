"""Networks of sets and of views: what does not depend on an order, latents that attend, pairs that are to be recognized."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from corpus.networks import ACTIVATIONS, Residual, Staged
from corpus.sequences import Attention, Last, Positions


class Pooled(nn.Module):
    """Mean, or largest value, of each feature over the members of a set."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=1) if self.kind == "mean" else x.amax(dim=1)


def deep_sets(
    inputs: int, outputs: int, depth: int = 2, width: int = 24, pool: str = "mean", activation: str = "relu",
    dropout: float = 0.0,
) -> Staged:  # fmt: skip
    """Dense layers over each member of a set, their pool, and one dense layer over it (Zaheer et al., 2017)."""
    stages: list[nn.Module] = []
    for index in range(depth):
        parts = [nn.Linear(width if index else inputs, width), ACTIVATIONS[activation]()]
        stages.append(nn.Sequential(*parts, *([Pooled(pool)] if index == depth - 1 else [])))
    parts = [nn.Linear(width, width), ACTIVATIONS[activation]()]
    stages.append(nn.Sequential(*parts, *([nn.Dropout(dropout)] if dropout else [])))
    return Staged(stages, nn.Linear(width, outputs))


class Latents(nn.Module):
    """A few learned vectors that attend to all places of what is read."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(count, width) * 0.5)
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        latents = self.latents.expand(len(x), -1, -1).to(x)
        key, value = self.key_value(x).chunk(2, -1)
        found = nn.functional.scaled_dot_product_attention(self.query(latents), key, value)
        return latents + self.output(found)


def perceiver(
    inputs: int, outputs: int, vocabulary: int = 0, width: int = 16, depth: int = 2, latents: int = 6, heads: int = 2,
    activation: str = "gelu", norm: str | None = "pre", adds: bool = True, dropout: float = 0.0,
) -> Staged:  # fmt: skip
    """Latents that attend to the input once and then to each other (Jaegle et al., 2021)."""
    def norms() -> list[nn.Module]:
        return [nn.LayerNorm(width)] if norm else []

    stages: list[nn.Module] = [
        nn.Sequential(Positions(inputs, vocabulary, width), *norms()), Latents(latents, width)
    ]  # fmt: skip
    for _ in range(depth):
        dense: list[nn.Module] = [nn.Linear(width, 2 * width), ACTIVATIONS[activation](), nn.Linear(2 * width, width)]
        dense += [nn.Dropout(dropout)] if dropout else []
        among = Residual(nn.Sequential(*norms(), Attention(width, heads, causal=False)), adds)
        stages.append(nn.Sequential(among, Residual(nn.Sequential(*norms(), *dense), adds)))
    return Staged(stages, nn.Sequential(*norms(), Last(mean=True), nn.Linear(width, outputs)))


class Similarity(nn.Module):
    """How alike the codes of the first views and those of the second ones are: one row for each first view."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        codes = nn.functional.normalize(x, dim=-1)
        return codes[:, 0] @ codes[:, 1].T / self.temperature


def contrastive(
    inputs: int, outputs: int, depth: int = 2, width: int = 32, code: int = 12, temperature: float = 0.2,
    activation: str = "relu", norm: str | None = None, dropout: float = 0.0,
) -> Staged:  # fmt: skip
    """A perceptron that is to tell, among the second views of a batch, the one that belongs to a first view; ``outputs``,
    the number of all views, does not matter.
    """
    stages = []
    for index in range(depth):
        norms = [nn.LayerNorm(width)] if norm == "layer" else []
        parts = [nn.Linear(width if index else inputs, width), *norms, ACTIVATIONS[activation]()]
        stages.append(nn.Sequential(*parts, *([nn.Dropout(dropout)] if dropout else [])))
    return Staged(stages, nn.Sequential(nn.Linear(width, code), Similarity(temperature)))


SET_NETWORKS: dict[str, Callable[..., Staged]] = {one.__name__: one for one in (deep_sets, perceiver, contrastive)}
