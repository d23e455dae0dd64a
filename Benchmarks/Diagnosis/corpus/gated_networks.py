"""Dense networks that are more than a row: gates, experts, waves."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from corpus.networks import ACTIVATIONS, Residual, Staged, norm_1d


class Highway(nn.Module):
    """A dense layer, and a gate that says how much of it takes the place of its input."""

    def __init__(self, width: int, activation: str) -> None:
        super().__init__()
        self.change = nn.Sequential(nn.Linear(width, width), ACTIVATIONS[activation]())
        self.gate = nn.Linear(width, width)
        nn.init.constant_(self.gate.bias, -1.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        share = self.gate(x).sigmoid()
        return share * self.change(x) + (1 - share) * x


def highway(
    inputs: int, outputs: int, depth: int = 6, width: int = 32, activation: str = "relu", norm: str | None = None,
    adds: bool = True, dropout: float = 0.0,
) -> Staged:  # fmt: skip
    """A highway network, or without its ways around (``adds``) a perceptron of the same depth."""
    stages: list[nn.Module] = [nn.Linear(inputs, width)]
    for _ in range(depth):
        layer = (
            Highway(width, activation) if adds else nn.Sequential(nn.Linear(width, width), ACTIVATIONS[activation]())
        )
        stages.append(
            nn.Sequential(layer, *norm_1d(norm, width), *([nn.Dropout(dropout)] if dropout else []))
        )
    return Staged(stages, nn.Linear(width, outputs))


class Experts(nn.Module):
    """Several small perceptrons, of which a gate chooses ``top`` for each example and weighs their answers by how much
    it prefers them to all, as in Switch transformers: so it learns even when it chooses one.
    """

    def __init__(self, width: int, count: int, top: int, activation: str) -> None:
        super().__init__()
        self.gate, self.top = nn.Linear(width, count), top
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), ACTIVATIONS[activation](), nn.Linear(width, width))
            for _ in range(count)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = self.gate(x)
        least = scores.topk(self.top, dim=-1).values[..., -1:]
        shares = scores.softmax(-1) * (scores >= least)
        answers = torch.stack([expert(x) for expert in self.experts], -1)
        return (answers * shares[..., None, :]).sum(-1)


def experts(
    inputs: int, outputs: int, depth: int = 2, width: int = 24, count: int = 4, top: int = 2, activation: str = "relu",
    norm: str | None = "layer", adds: bool = True,
) -> Staged:  # fmt: skip
    """Layers of a mixture of experts with ways around."""
    stages: list[nn.Module] = [nn.Linear(inputs, width)]
    for _ in range(depth):
        inner = nn.Sequential(*norm_1d(norm, width), Experts(width, count, top, activation))
        stages.append(Residual(inner, adds))
    return Staged(stages, nn.Linear(width, outputs))


class Sine(nn.Module):
    """The sine of so many times the input."""

    def __init__(self, frequency: float) -> None:
        super().__init__()
        self.frequency = frequency

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.frequency * x).sin()


def siren(inputs: int, outputs: int, depth: int = 3, width: int = 32, frequency: float = 8.0) -> Staged:
    """Dense layers with sines, whose initial weights keep the deviation of what goes through (Sitzmann et al., 2020)."""
    stages = []
    for index in range(depth):
        linear = nn.Linear(width if index else inputs, width)
        bound = math.sqrt(6 / width) / frequency if index else 1 / inputs
        nn.init.uniform_(linear.weight, -bound, bound)
        stages.append(nn.Sequential(linear, Sine(frequency)))
    return Staged(stages, nn.Linear(width, outputs))


GATED_NETWORKS: dict[str, Callable[..., Staged]] = {one.__name__: one for one in (highway, experts, siren)}
