"""Networks of several branches: of pairs, of users and works, a wide one beside a deep one, a code that is drawn, graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from corpus.networks import ACTIVATIONS, Staged, mlp


class Difference(nn.Module):
    """How far the two of a pair are apart in each feature."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x[:, 0] - x[:, 1]).abs()


def siamese(
    inputs: int, outputs: int, depth: int = 2, width: int = 32, activation: str = "relu", dropout: float = 0.0
) -> Staged:  # fmt: skip
    """One perceptron for both of a pair, and their difference."""
    model = mlp(inputs, outputs, depth, width, activation, dropout=dropout)
    model.head = nn.Sequential(Difference(), model.head)
    return model


class Towers(nn.Module):
    """A dense layer for users and another one for works."""

    def __init__(self, width: int, activation: str) -> None:
        super().__init__()
        self.sides = nn.ModuleList(nn.Sequential(nn.Linear(width, width), ACTIVATIONS[activation]()) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([side(x[:, index]) for index, side in enumerate(self.sides)], 1)


class Match(nn.Module):
    """Both sides and their product."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x[:, 0] * x[:, 1], x[:, 0], x[:, 1]], 1)


def two_tower(
    inputs: int, outputs: int, vocabulary: int, depth: int = 1, width: int = 12, activation: str = "relu",
    sparse: bool = False,
) -> Staged:  # fmt: skip
    """Embeddings of a user and a work, a tower of dense layers over each, and how well they match; a factorization of the
    table when ``depth`` is 0.
    """
    stages: list[nn.Module] = [nn.Embedding(vocabulary, width, sparse=sparse)]
    stages += [Towers(width, activation) for _ in range(depth)]
    return Staged(stages, nn.Sequential(Match(), nn.Linear(3 * width, outputs)))


class Carrying(nn.Module):
    """Hands the first ``count`` features on and transforms the others."""

    def __init__(self, count: int, inner: nn.Module) -> None:
        super().__init__()
        self.count, self.inner = count, inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x[..., : self.count], self.inner(x[..., self.count :])], -1)


class Repeated(nn.Module):
    """The input twice: to be handed on, and to be transformed."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.inner(x)], -1)


def wide_and_deep(
    inputs: int, outputs: int, depth: int = 2, width: int = 32, activation: str = "relu", dropout: float = 0.0
) -> Staged:  # fmt: skip
    """A perceptron whose last layer sees the input as well."""
    stages: list[nn.Module] = []
    for index in range(depth):
        parts = [nn.Linear(width if index else inputs, width), ACTIVATIONS[activation]()]
        inner = nn.Sequential(*parts, *([nn.Dropout(dropout)] if dropout else []))
        stages.append(Carrying(inputs, inner) if index else Repeated(inner))
    return Staged(stages, nn.Linear(inputs + width, outputs))


class Drawn(nn.Module):
    """Mean and logarithm of the variance of a code, and the code drawn from them; when not training, always the same one."""

    def __init__(self, inputs: int, code: int) -> None:
        super().__init__()
        self.moments = nn.Linear(inputs, 2 * code)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        moments = self.moments(x)
        mean, log_variance = moments.chunk(2, -1)
        generator = None if self.training else torch.Generator().manual_seed(0)
        noise = torch.randn(mean.shape, generator=generator).to(mean)
        return torch.cat([moments, mean + noise * (log_variance / 2).exp()], -1)


class Reconstruction(nn.Module):
    """The last layer; behind its outputs, when training, what the loss has to know of the code."""

    def __init__(self, code: int, width: int, outputs: int) -> None:
        super().__init__()
        self.code, self.linear = code, nn.Linear(width, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs = self.linear(x[..., 2 * self.code :])
        return torch.cat([outputs, x[..., : 2 * self.code]], -1) if self.training else outputs


def vae(
    inputs: int, outputs: int, widths: Sequence[int] = (48, 24), code: int = 6, activation: str = "relu"
) -> Staged:  # fmt: skip
    """A variational autoencoder of dense layers."""
    stages: list[nn.Module] = []
    for before, after in zip((inputs, *widths), widths, strict=False):
        stages.append(nn.Sequential(nn.Linear(before, after), ACTIVATIONS[activation]()))
    stages.append(Drawn(widths[-1], code))
    for before, after in zip((code, *reversed(widths)), reversed(widths), strict=False):
        stages.append(Carrying(2 * code, nn.Sequential(nn.Linear(before, after), ACTIVATIONS[activation]())))
    return Staged(stages, Reconstruction(code, widths[0], outputs))


BRANCHED_NETWORKS: dict[str, Callable[..., Staged]] = {
    one.__name__: one for one in (siamese, two_tower, wide_and_deep, vae)
}
