"""Networks of convolutions beside each other: of several sizes, in groups that are shuffled, into capsules, over words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from corpus.networks import ACTIVATIONS, Residual, Staged, Transposed, norm_2d
from corpus.vision_networks import convolution


class Branches(nn.Module):
    """What several modules make of the same input, beside each other."""

    def __init__(self, branches: Sequence[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


def inception(
    inputs: int, outputs: int, size: int, depth: int = 2, width: int = 4, activation: str = "relu",
    norm: str | None = "batch",
) -> Staged:  # fmt: skip
    """Blocks of convolutions of 1, 3 and 5 pixels and a pooling, side by side (Szegedy et al., 2015)."""
    def one(before: int, pixels: int = 1) -> nn.Sequential:
        return convolution(before, width, norm, activation, size=pixels)

    stages: list[nn.Module] = [convolution(inputs, 4 * width, norm, activation, stride=2)]
    for _ in range(depth):
        branches = [
            one(4 * width),
            nn.Sequential(one(4 * width), one(width, 3)),
            nn.Sequential(one(4 * width), one(width, 5)),
            nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), one(4 * width)),
        ]
        stages.append(Branches(branches))
    return Staged(stages, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, outputs)))


def shuffle(
    inputs: int, outputs: int, size: int, depth: int = 2, width: int = 16, groups: int = 4, activation: str = "relu",
    norm: str | None = "batch", adds: bool = True,
) -> Staged:  # fmt: skip
    """Units of convolutions in groups, whose channels are shuffled between them, with a way around (Zhang et al., 2018)."""
    stages: list[nn.Module] = [convolution(inputs, width, norm, activation, stride=2)]
    for _ in range(depth):
        parts = [
            convolution(width, width, norm, activation, size=1, groups=groups),
            nn.ChannelShuffle(groups),
            nn.Conv2d(width, width, 3, padding=1, groups=groups),
            *norm_2d(norm, width),
        ]
        stages.append(nn.Sequential(Residual(nn.Sequential(*parts), adds), ACTIVATIONS[activation]()))
    return Staged(stages, nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * width, outputs)))


def squashed(x: torch.Tensor) -> torch.Tensor:
    """The same directions, with lengths below one."""
    square = x.square().sum(-1, keepdim=True)
    return x * square.sqrt().clamp_min(1e-4) / (1 + square)


class Capsules(nn.Module):
    """Squashed vectors of ``length`` numbers, several at each place of a picture."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return squashed(x.flatten(2).transpose(1, 2).reshape(len(x), -1, self.length))


class Routing(nn.Module):
    """Each capsule votes for those that follow; what agrees with the others counts more (Sabour et al., 2017)."""

    def __init__(self, count: int, length: int, later_count: int, later_length: int, rounds: int) -> None:
        super().__init__()
        self.votes = nn.Parameter(torch.randn(count, later_count, length, later_length) * 0.3)
        self.rounds = rounds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        votes = torch.einsum("bil,ijlm->bijm", x, self.votes)
        agreement = torch.zeros_like(votes[..., 0])
        for _ in range(self.rounds):
            found = squashed((agreement.softmax(2)[..., None] * votes).sum(1))
            agreement = agreement + (votes * found[:, None]).sum(-1)
        return found


def capsule(
    inputs: int, outputs: int, size: int, width: int = 12, kinds: int = 3, length: int = 4, later: int = 6, rounds: int = 2,
    activation: str = "relu",
) -> Staged:  # fmt: skip
    """A convolution, capsules at each place, and one capsule for each class that they are routed to."""
    places = ((size + 1) // 2) ** 2
    stages = [
        convolution(inputs, width, None, activation),
        nn.Sequential(nn.Conv2d(width, kinds * length, 3, stride=2, padding=1), Capsules(length)),
        Routing(places * kinds, length, outputs, later, rounds),
    ]
    return Staged(stages, nn.Sequential(nn.Flatten(), nn.Linear(outputs * later, outputs)))


def text_cnn(
    inputs: int, outputs: int, vocabulary: int, width: int = 16, channels: int = 8, words: Sequence[int] = (2, 3, 4),
    depth: int = 0, activation: str = "relu", dropout: float = 0.0,
) -> Staged:  # fmt: skip
    """Convolutions over two, three and four words, the largest answer of each (Kim, 2014), and ``depth`` dense layers."""
    branches = [
        nn.Sequential(nn.Conv1d(width, channels, count), ACTIVATIONS[activation](), nn.AdaptiveMaxPool1d(1))
        for count in words
    ]
    found = channels * len(words)
    stages = [nn.Sequential(nn.Embedding(vocabulary, width), Transposed()), nn.Sequential(Branches(branches), nn.Flatten())]
    for _ in range(depth):
        stages.append(nn.Sequential(nn.Linear(found, found), ACTIVATIONS[activation]()))
    last = nn.Linear(found, outputs)
    return Staged(stages, nn.Sequential(nn.Dropout(dropout), last) if dropout else last)


MULTIBRANCH_NETWORKS: dict[str, Callable[..., Staged]] = {
    one.__name__: one for one in (inception, shuffle, capsule, text_cnn)
}
