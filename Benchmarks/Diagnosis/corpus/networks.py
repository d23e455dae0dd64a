"""Networks as a row of stages and a head, so that a fault can name the stage that it changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky": lambda: nn.LeakyReLU(0.01),
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "selu": nn.SELU,
    "silu": nn.SiLU,
}


class Staged(nn.Module):
    """Stages one after the other, then the head. ``detached_after``: the stage whose output loses its history. Stages may
    hand on several tensors.
    """

    def __init__(self, stages: Sequence[nn.Module], head: nn.Module) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.head = head
        self.detached_after: int | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index == self.detached_after:
                x = detached(x)
        return self.head(x)


def detached(x: Any) -> Any:
    """The same without its history."""
    return tuple(map(detached, x)) if isinstance(x, tuple) else x.detach()


class Residual(nn.Module):
    """x + f(x), or f(x) alone."""

    def __init__(self, inner: nn.Module, adds: bool = True) -> None:
        super().__init__()
        self.inner, self.adds = inner, adds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inner(x) if self.adds else self.inner(x)


def norm_1d(kind: str | None, width: int) -> list[nn.Module]:
    """The normalization of a vector, as a list of none or one."""
    choices: dict[str | None, list[nn.Module]] = {
        None: [],
        "batch": [nn.BatchNorm1d(width)],
        "layer": [nn.LayerNorm(width)],
    }
    return choices[kind]


def norm_2d(kind: str | None, channels: int) -> list[nn.Module]:
    """The normalization of an image, likewise; ``layer`` is over all channels and pixels."""
    choices: dict[str | None, list[nn.Module]] = {
        None: [],
        "batch": [nn.BatchNorm2d(channels)],
        "layer": [nn.GroupNorm(1, channels)],
    }
    return choices[kind]


def mlp(
    inputs: int, outputs: int, depth: int = 2, width: int = 32, activation: str = "relu", norm: str | None = None,
    dropout: float = 0.0,
) -> Staged:  # fmt: skip
    """Dense layers of one width."""
    stages = []
    for index in range(depth):
        parts = [nn.Linear(inputs if index == 0 else width, width), *norm_1d(norm, width), ACTIVATIONS[activation]()]
        stages.append(nn.Sequential(*parts, *([nn.Dropout(dropout)] if dropout else [])))
    return Staged(stages, nn.Linear(width, outputs))


def residual_mlp(
    inputs: int, outputs: int, depth: int = 6, width: int = 32, activation: str = "relu", norm: str | None = "layer",
    adds: bool = True, dropout: float = 0.0,
) -> Staged:  # fmt: skip
    """A dense layer, then blocks of two dense layers with a way around."""
    stages: list[nn.Module] = [nn.Linear(inputs, width)]
    for _ in range(depth):
        inner = [*norm_1d(norm, width), nn.Linear(width, width), ACTIVATIONS[activation]()]
        inner += [nn.Dropout(dropout)] if dropout else []
        stages.append(Residual(nn.Sequential(*inner, nn.Linear(width, width)), adds))
    return Staged(stages, nn.Sequential(*norm_1d(norm, width), nn.Linear(width, outputs)))


def cnn(
    inputs: int, outputs: int, size: int, channels: Sequence[int] = (8, 16), activation: str = "relu",
    norm: str | None = None, pool: str = "max", hidden: int = 32, dropout: float = 0.0,
) -> Staged:  # fmt: skip
    """Convolutions, pooling after each of the first two, and a dense layer."""
    stages: list[nn.Module] = []
    for index, count in enumerate(channels):
        parts = [nn.Conv2d(inputs, count, 3, padding=1), *norm_2d(norm, count), ACTIVATIONS[activation]()]
        if index < 2 and pool != "none":
            parts.append(nn.MaxPool2d(2) if pool == "max" else nn.AvgPool2d(2))
            size //= 2
        stages.append(nn.Sequential(*parts))
        inputs = count
    flat = nn.Sequential(nn.Flatten(), nn.Linear(inputs * size * size, hidden), ACTIVATIONS[activation]())
    stages.append(nn.Sequential(flat, nn.Dropout(dropout)) if dropout else flat)
    return Staged(stages, nn.Linear(hidden, outputs))


def residual_cnn(
    inputs: int, outputs: int, size: int, depth: int = 3, channels: int = 8, activation: str = "relu",
    norm: str | None = "batch", adds: bool = True,
) -> Staged:  # fmt: skip
    """A small ResNet with an average over the picture at its end."""
    stages: list[nn.Module] = [nn.Sequential(nn.Conv2d(inputs, channels, 3, padding=1), *norm_2d(norm, channels))]
    for _ in range(depth):
        first = [nn.Conv2d(channels, channels, 3, padding=1), *norm_2d(norm, channels), ACTIVATIONS[activation]()]
        second = [nn.Conv2d(channels, channels, 3, padding=1), *norm_2d(norm, channels)]
        stages.append(nn.Sequential(Residual(nn.Sequential(*first, *second), adds), ACTIVATIONS[activation]()))
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(channels * 4, outputs))
    return Staged(stages, pooled)


def conv_1d(
    inputs: int, outputs: int, channels: Sequence[int] = (12, 12, 12), activation: str = "relu"
) -> Staged:  # fmt: skip
    """Convolutions over time of growing dilation, then the mean over time."""
    stages: list[nn.Module] = []
    for index, count in enumerate(channels):
        conv = nn.Conv1d(inputs, count, 3, padding=2**index, dilation=2**index)
        stages.append(nn.Sequential(*([Transposed()] if index == 0 else []), conv, ACTIVATIONS[activation]()))
        inputs = count
    return Staged(stages, nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(inputs, outputs)))


class Transposed(nn.Module):
    """Batch x time x features to batch x features x time."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.transpose(1, 2)


def autoencoder(
    inputs: int, outputs: int, widths: Sequence[int] = (48, 24, 8), activation: str = "relu", norm: str | None = None
) -> Staged:  # fmt: skip
    """Dense layers to a narrow code and back."""
    stages, rows = [], [inputs, *widths, *reversed(widths[:-1])]
    for before, after in zip(rows, rows[1:], strict=False):
        stages.append(nn.Sequential(nn.Linear(before, after), *norm_1d(norm, after), ACTIVATIONS[activation]()))
    return Staged(stages, nn.Linear(rows[-1], outputs))


NETWORKS: dict[str, Callable[..., Staged]] = {
    one.__name__: one for one in (mlp, residual_mlp, cnn, residual_cnn, conv_1d, autoencoder)
}
