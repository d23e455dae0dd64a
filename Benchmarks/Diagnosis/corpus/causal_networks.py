"""Networks that write or read in order: causal convolutions over time, and an encoder with a decoder that attends to it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from corpus.networks import ACTIVATIONS, Residual, Staged, Transposed
from corpus.sequences import CELLS, Last


def causal(inputs: int, outputs: int, dilation: int) -> nn.Sequential:
    """A convolution over time that sees nothing of what follows."""
    return nn.Sequential(nn.ConstantPad1d((2 * dilation, 0), 0.0), nn.Conv1d(inputs, outputs, 3, dilation=dilation))


def tcn(
    inputs: int, outputs: int, vocabulary: int = 0, width: int = 16, depth: int = 3, activation: str = "relu",
    norm: str | None = None, adds: bool = True, everywhere: bool = False,
) -> Staged:  # fmt: skip
    """Blocks of two causal convolutions of growing dilation with a way around. ``everywhere``: an answer at each place, not
    at the last only.
    """
    content = nn.Embedding(vocabulary, width) if vocabulary else nn.Linear(inputs, width)
    stages: list[nn.Module] = [nn.Sequential(content, Transposed())]
    for index in range(depth):
        parts: list[nn.Module] = []
        for _ in range(2):
            norms = [nn.BatchNorm1d(width)] if norm == "batch" else []
            parts += [causal(width, width, 2 ** (index % 4)), *norms, ACTIVATIONS[activation]()]
        stages.append(Residual(nn.Sequential(*parts), adds))
    end = [Transposed(), *([] if everywhere else [Last()])]
    return Staged(stages, nn.Sequential(*end, nn.Linear(width, outputs)))


class Encoder(nn.Module):
    """Reads the first half of the places, and leaves the others as they are."""

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.cell = CELLS[kind](width, width, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        source, written = x.chunk(2, dim=1)
        return torch.cat([self.cell(source)[0], written], 1)


class Decoder(nn.Module):
    """Goes over the second half, beginning from where the encoder ended."""

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.cell = CELLS[kind](width, width, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        encoded, written = x.chunk(2, dim=1)
        begin = encoded[:, -1].contiguous()[None]
        state = (begin, torch.zeros_like(begin)) if isinstance(self.cell, nn.LSTM) else begin
        return torch.cat([encoded, self.cell(written, state)[0]], 1)


class Attending(nn.Module):
    """What the decoder says at each place, with what it finds in the encoder's places."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.mix = nn.Linear(width, width), nn.Linear(2 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        encoded, decoded = x.chunk(2, dim=1)
        found = (self.query(decoded) @ encoded.transpose(1, 2)).softmax(-1) @ encoded
        return self.mix(torch.cat([found, decoded], 2)).tanh()


def seq2seq(inputs: int, outputs: int, vocabulary: int, kind: str = "gru", width: int = 32) -> Staged:
    """An encoder and a decoder with attention. The tokens are those to be read, then those that have been written."""
    stages = [nn.Embedding(vocabulary, width), Encoder(kind, width), Decoder(kind, width), Attending(width)]
    return Staged(stages, nn.Linear(width, outputs))


CAUSAL_NETWORKS: dict[str, Callable[..., Staged]] = {one.__name__: one for one in (tcn, seq2seq)}
