"""Networks for sequences: recurrent ones, bags of embeddings, transformers."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from corpus.networks import ACTIVATIONS, Residual, Staged

CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Recurrent(nn.Module):
    """A recurrent layer of which only the outputs are kept."""

    def __init__(self, kind: str, inputs: int, width: int) -> None:
        super().__init__()
        self.cell = CELLS[kind](inputs, width, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cell(x)[0]


class Last(nn.Module):
    """The last of the outputs over time, or their mean."""

    def __init__(self, mean: bool = False) -> None:
        super().__init__()
        self.mean = mean

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=1) if self.mean else x[:, -1]


def recurrent(
    inputs: int, outputs: int, kind: str = "lstm", width: int = 24, depth: int = 1, vocabulary: int = 0,
    mean: bool = False,
) -> Staged:  # fmt: skip
    """Recurrent layers over numbers or tokens."""
    stages: list[nn.Module] = []
    if vocabulary:
        stages.append(nn.Embedding(vocabulary, width))
        inputs = width
    for _ in range(depth):
        stages.append(Recurrent(kind, inputs, width))
        inputs = width
    return Staged(stages, nn.Sequential(Last(mean), nn.Linear(width, outputs)))


def text_bag(
    inputs: int, outputs: int, vocabulary: int, width: int = 16, hidden: int = 32, depth: int = 1, sparse: bool = False,
    activation: str = "relu",
) -> Staged:  # fmt: skip
    """The mean of the embeddings of a text, and dense layers. ``sparse``: gradients of the rows that occur only."""
    stages: list[nn.Module] = [nn.EmbeddingBag(vocabulary, width, mode="mean", sparse=sparse)]
    for index in range(depth):
        stages.append(nn.Sequential(nn.Linear(hidden if index else width, hidden), ACTIVATIONS[activation]()))
    return Staged(stages, nn.Linear(hidden, outputs))


class Attention(nn.Module):
    """Self-attention of several heads; ``causal``: nothing is seen of what follows."""

    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.heads, self.causal = heads, causal

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, time, width = x.shape
        parts = self.query_key_value(x).view(batch, time, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        return self.output(mixed.transpose(1, 2).reshape(batch, time, width))


class Positions(nn.Module):
    """Embeddings of tokens, or a map of numbers, with learned positions."""

    def __init__(self, inputs: int, vocabulary: int, width: int) -> None:
        super().__init__()
        self.content = nn.Embedding(vocabulary, width) if vocabulary else nn.Linear(inputs, width)
        self.position = nn.Parameter(torch.randn(64, width) / math.sqrt(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.content(x) + self.position[: x.shape[1]].to(self.position.dtype)


def transformer(
    inputs: int, outputs: int, vocabulary: int = 0, width: int = 24, depth: int = 2, heads: int = 2, causal: bool = False,
    activation: str = "gelu", norm: str | None = "pre", adds: bool = True, dropout: float = 0.0,
) -> Staged:  # fmt: skip
    """An encoder with the mean over time at its end, or, when ``causal``, a decoder that predicts at every place.

    ``norm``: before each part, after each block, or None.
    """
    stages: list[nn.Module] = [Positions(inputs, vocabulary, width)]
    before = (lambda: [nn.LayerNorm(width)]) if norm == "pre" else (lambda: [])
    for _ in range(depth):
        attention = nn.Sequential(*before(), Attention(width, heads, causal))
        dense: list[nn.Module] = [nn.Linear(width, 2 * width), ACTIVATIONS[activation](), nn.Linear(2 * width, width)]
        dense += [nn.Dropout(dropout)] if dropout else []
        block = [Residual(attention, adds), Residual(nn.Sequential(*before(), *dense), adds)]
        stages.append(nn.Sequential(*block, *([nn.LayerNorm(width)] if norm == "post" else [])))
    end: list[nn.Module] = [] if causal else [Last(mean=True)]
    return Staged(stages, nn.Sequential(*before(), *end, nn.Linear(width, outputs)))


SEQUENCE_NETWORKS: dict[str, Callable[..., Staged]] = {one.__name__: one for one in (recurrent, text_bag, transformer)}
