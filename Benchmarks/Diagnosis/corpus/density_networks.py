"""Networks that answer with a distribution: mixtures, one pixel after the other, the noise in what has been made noisy."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from corpus.networks import ACTIVATIONS, Staged, mlp


class Mixture(nn.Module):
    """Shares, means and spreads of a mixture of normal distributions; when not training, the mean of the whole."""

    def __init__(self, width: int, components: int) -> None:
        super().__init__()
        self.linear, self.components = nn.Linear(width, 3 * components), components

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.linear(x)
        if self.training:
            return found
        scores, means, _ = found.chunk(3, -1)
        return (scores.softmax(-1) * means).sum(-1, keepdim=True)


def mixture_density(
    inputs: int, outputs: int, depth: int = 2, width: int = 32, components: int = 3, activation: str = "relu",
    norm: str | None = None, dropout: float = 0.0,
) -> Staged:  # fmt: skip
    """A perceptron that tells the distribution of one number (Bishop, 1994)."""
    model = mlp(inputs, outputs, depth, width, activation, norm, dropout)
    model.head = Mixture(width, components)
    return model


class MaskedLinear(nn.Linear):
    """A dense layer in which only what the mask allows is connected."""

    def __init__(self, mask: torch.Tensor) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask.float())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(x, self.weight * self.mask, self.bias)


class Places(nn.Module):
    """One output for each place."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[..., None]


def autoregressive(
    inputs: int, outputs: int, depth: int = 1, width: int = 64, activation: str = "relu", dropout: float = 0.0
) -> Staged:  # fmt: skip
    """Masked dense layers, in which each pixel is told from those before it only (MADE, Germain et al., 2015)."""
    order, stages = torch.arange(inputs), []
    hidden = torch.arange(width) % (inputs - 1)
    before = order
    for _ in range(depth):
        parts = [MaskedLinear(hidden[:, None] >= before), ACTIVATIONS[activation]()]
        stages.append(nn.Sequential(*parts, *([nn.Dropout(dropout)] if dropout else [])))
        before = hidden
    return Staged(stages, nn.Sequential(MaskedLinear(order[:, None] > before), Places()))


TIMES = 8
"""Numbers that tell the time."""


class Timed(nn.Module):
    """Sines and cosines of the time, which is the last input, and after them a dense layer over the other inputs."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs - 1, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        angles = x[..., -1:] * math.pi * 2.0 ** torch.arange(TIMES // 2).to(x) / 2
        return torch.cat([angles.sin(), angles.cos(), self.linear(x[..., :-1])], -1)


class Modulated(nn.Module):
    """Two dense layers with a way around, whose features the time scales and shifts; the time is handed on."""

    def __init__(self, width: int, activation: str, norm: str | None, adds: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width) if norm == "layer" else nn.Identity()
        self.scale_shift = nn.Linear(TIMES, 2 * width)
        self.dense = nn.Sequential(nn.Linear(width, width), ACTIVATIONS[activation](), nn.Linear(width, width))
        self.adds = adds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time, features = x[..., :TIMES], x[..., TIMES:]
        scale, shift = self.scale_shift(time).chunk(2, -1)
        found = self.dense(self.norm(features) * (1 + scale) + shift)
        return torch.cat([time, features + found if self.adds else found], -1)


def denoiser(
    inputs: int, outputs: int, depth: int = 2, width: int = 32, activation: str = "silu", norm: str | None = "layer",
    adds: bool = True,
) -> Staged:  # fmt: skip
    """What noise was added to a point, by how noisy it was made: the network of a diffusion (Ho et al., 2020)."""
    stages: list[nn.Module] = [Timed(inputs, width)]
    stages += [Modulated(width, activation, norm, adds) for _ in range(depth)]
    return Staged(stages, nn.Linear(TIMES + width, outputs))


DENSITY_NETWORKS: dict[str, Callable[..., Staged]] = {
    one.__name__: one for one in (mixture_density, autoregressive, denoiser)
}
