"""Networks that come from differential equations: state spaces, an integrated field, operators between functions."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from corpus.networks import ACTIVATIONS, Residual, Staged
from corpus.sequences import Last


class StateSpace(nn.Module):
    """A linear system of a few damped oscillations for each feature, as a convolution over all that came before (S4D, Gu et
    al., 2022).
    """

    def __init__(self, width: int, states: int) -> None:
        super().__init__()
        self.log_decay = nn.Parameter(torch.empty(width, states).uniform_(-3.5, -0.5))
        self.frequency = nn.Parameter(torch.rand(width, states) * math.pi / 2)
        self.real, self.imaginary = (nn.Parameter(torch.randn(width, states) / states) for _ in range(2))
        self.skip = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time = x.shape[1]
        steps = torch.arange(time).to(x)
        damped = (-self.log_decay.exp()[..., None] * steps).exp()
        angle = self.frequency[..., None] * steps
        waves = self.real[..., None] * angle.cos() - self.imaginary[..., None] * angle.sin()
        kernel = (damped * waves).sum(1).flip(-1)[:, None]
        padded = nn.functional.pad(x.transpose(1, 2), (time - 1, 0))
        return nn.functional.conv1d(padded, kernel, groups=x.shape[2]).transpose(1, 2) + self.skip * x


def state_space(
    inputs: int, outputs: int, vocabulary: int = 0, width: int = 16, depth: int = 2, states: int = 4, mean: bool = True,
    everywhere: bool = False, activation: str = "gelu", norm: str | None = "layer", adds: bool = True, dropout: float = 0.0,
) -> Staged:  # fmt: skip
    """Blocks of a state space and two dense layers with a way around."""
    stages: list[nn.Module] = [nn.Embedding(vocabulary, width) if vocabulary else nn.Linear(inputs, width)]
    for _ in range(depth):
        inner: list[nn.Module] = [nn.LayerNorm(width)] if norm == "layer" else []
        inner += [StateSpace(width, states), nn.Linear(width, width), ACTIVATIONS[activation](), nn.Linear(width, width)]
        stages.append(Residual(nn.Sequential(*inner, *([nn.Dropout(dropout)] if dropout else [])), adds))
    end = [] if everywhere else [Last(mean)]
    return Staged(stages, nn.Sequential(*end, nn.Linear(width, outputs)))


class Integrated(nn.Module):
    """Goes along a learned field in ``steps`` steps of Euler's method, with the same weights in each (Chen et al., 2018)."""

    def __init__(self, width: int, hidden: int, steps: int, activation: str) -> None:
        super().__init__()
        self.field = nn.Sequential(nn.Linear(width + 1, hidden), ACTIVATIONS[activation](), nn.Linear(hidden, width))
        self.steps = steps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for step in range(self.steps):
            time = torch.full_like(x[..., :1], step / self.steps)
            x = x + self.field(torch.cat([x, time], -1)) / self.steps
        return x


def neural_ode(
    inputs: int, outputs: int, depth: int = 1, width: int = 16, hidden: int = 32, steps: int = 8, activation: str = "tanh"
) -> Staged:  # fmt: skip
    """A dense layer and ``depth`` integrated fields; what is called repeatedly has no ReLU."""
    stages: list[nn.Module] = [nn.Linear(inputs, width)]
    stages += [Integrated(width, hidden, steps, activation) for _ in range(depth)]
    return Staged(stages, nn.Linear(width, outputs))


class Lifted(nn.Module):
    """Each place of a function with its coordinate, in ``width`` features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        places = torch.linspace(-1, 1, x.shape[1]).to(x).expand_as(x)
        return self.linear(torch.stack([x, places], -1))


class Spectral(nn.Module):
    """A linear map of the lowest ``modes`` frequencies, besides a dense layer at each place."""

    def __init__(self, width: int, modes: int, activation: str) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(modes, width, width, 2) / width)
        self.local, self.activation = nn.Linear(width, width), ACTIVATIONS[activation]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        waves = torch.fft.rfft(x, dim=1)
        kept = torch.einsum("bmi,mij->bmj", waves[:, : len(self.weight)], torch.view_as_complex(self.weight))
        return self.activation(torch.fft.irfft(kept, n=x.shape[1], dim=1) + self.local(x))


def fourier_operator(
    inputs: int, outputs: int, depth: int = 2, width: int = 12, modes: int = 6, activation: str = "gelu"
) -> Staged:  # fmt: skip
    """From a function to a function, both given at the same places (Li et al., 2021)."""
    stages: list[nn.Module] = [Lifted(width)]
    stages += [Spectral(width, modes, activation) for _ in range(depth)]
    return Staged(stages, nn.Linear(width, 1))


CONTINUOUS_NETWORKS: dict[str, Callable[..., Staged]] = {
    one.__name__: one for one in (state_space, neural_ode, fourier_operator)
}
