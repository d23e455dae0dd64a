"""Networks for pictures: depthwise convolutions, layers that see all before them, and one that labels each pixel."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from corpus.networks import ACTIVATIONS, Residual, Staged, norm_2d


def convolution(inputs: int, outputs: int, norm: str | None, activation: str, size: int = 3, **rest: int) -> nn.Sequential:
    """A convolution that keeps the size of the picture, its normalization and its activation."""
    conv = nn.Conv2d(inputs, outputs, size, padding=size // 2, **rest)
    return nn.Sequential(conv, *norm_2d(norm, outputs), ACTIVATIONS[activation]())


class Excitation(nn.Module):
    """Multiplies each channel by a factor that follows from the means of all channels (squeeze and excitation)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.factors = nn.Sequential(
            nn.Linear(channels, channels // 4), nn.SiLU(), nn.Linear(channels // 4, channels), nn.Sigmoid()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factors(x.mean(dim=(2, 3)))[:, :, None, None]


def depthwise(
    inputs: int, outputs: int, size: int, depth: int = 3, width: int = 12, activation: str = "relu",
    norm: str | None = "batch", excites: bool = False, adds: bool = True,
) -> Staged:  # fmt: skip
    """Inverted residuals as in MobileNet: wider by a 1x1 convolution, each channel by itself, and narrower again."""
    stages: list[nn.Module] = [convolution(inputs, width, norm, activation, stride=2)]
    for _ in range(depth):
        parts = [
            convolution(width, 3 * width, norm, activation, size=1),
            convolution(3 * width, 3 * width, norm, activation, groups=3 * width),
            *([Excitation(3 * width)] if excites else []),
            nn.Conv2d(3 * width, width, 1),
            *norm_2d(norm, width),
        ]
        stages.append(Residual(nn.Sequential(*parts), adds))
    return Staged(stages, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, outputs)))


class Beside(nn.Module):
    """What went in, and beside it what was made of it."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.inner(x)], 1)


def densenet(
    inputs: int, outputs: int, size: int, depth: int = 4, growth: int = 8, activation: str = "relu",
    norm: str | None = "batch",
) -> Staged:  # fmt: skip
    """Two blocks in which each convolution sees all before it, and between them one that narrows and an average."""
    channels = 2 * growth
    stages: list[nn.Module] = [convolution(inputs, channels, norm, activation)]
    for block in range(2):
        for _ in range(depth):
            stages.append(Beside(convolution(channels, growth, norm, activation)))
            channels += growth
        if block == 0:
            narrow = convolution(channels, channels // 2, norm, activation, size=1)
            stages.append(nn.Sequential(narrow, nn.AvgPool2d(2)))
            channels //= 2
    return Staged(stages, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, outputs)))


Kept = tuple[torch.Tensor, ...]
"""Pictures of growing coarseness."""


class Down(nn.Module):
    """Adds a coarser picture to those that are kept."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, kept: torch.Tensor | Kept) -> Kept:
        if isinstance(kept, torch.Tensor):
            return (self.inner(kept),)
        return (*kept, self.inner(nn.functional.max_pool2d(kept[-1], 2)))


class Up(nn.Module):
    """Makes one of the two coarsest pictures, as fine as the finer one."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, kept: Kept) -> Kept:
        *rest, fine, coarse = kept
        return (*rest, self.inner(torch.cat([fine, nn.functional.interpolate(coarse, scale_factor=2)], 1)))


class Pixels(nn.Module):
    """The one picture that is left, channels last."""

    def forward(self, kept: Kept) -> torch.Tensor:
        return kept[0].permute(0, 2, 3, 1)


def unet(
    inputs: int, outputs: int, size: int, width: int = 8, activation: str = "relu", norm: str | None = "batch"
) -> Staged:  # fmt: skip
    """A U-Net of three sizes that answers for each pixel."""
    def block(before: int, after: int) -> nn.Sequential:
        return nn.Sequential(
            convolution(before, after, norm, activation), convolution(after, after, norm, activation)
        )

    stages = [
        Down(block(inputs, width)), Down(block(width, 2 * width)), Down(block(2 * width, 4 * width)),
        Up(block(6 * width, 2 * width)), Up(block(3 * width, width)),
    ]  # fmt: skip
    return Staged(stages, nn.Sequential(Pixels(), nn.Linear(width, outputs)))


VISION_NETWORKS: dict[str, Callable[..., Staged]] = {one.__name__: one for one in (depthwise, densenet, unet)}
