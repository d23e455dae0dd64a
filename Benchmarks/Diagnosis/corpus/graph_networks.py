"""Networks of graphs, which are given as a row of the normalized adjacency matrix and the features of each node."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from corpus.networks import ACTIVATIONS, Staged


class Neighbours(nn.Module):
    """A dense layer over each node's features and the mean of its neighbours' features; the adjacency is handed on."""

    def __init__(self, nodes: int, inputs: int, width: int, activation: str, norm: str | None, adds: bool) -> None:
        super().__init__()
        norms = [nn.LayerNorm(width)] if norm == "layer" else []
        self.dense = nn.Sequential(nn.Linear(2 * inputs, width), *norms, ACTIVATIONS[activation]())
        self.nodes, self.adds = nodes, adds and inputs == width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        adjacency, features = x[..., : self.nodes], x[..., self.nodes :]
        found = self.dense(torch.cat([features, adjacency @ features], -1))
        return torch.cat([adjacency, features + found if self.adds else found], -1)


class Whole(nn.Module):
    """Mean and largest value of each feature over the nodes."""

    def __init__(self, nodes: int) -> None:
        super().__init__()
        self.nodes = nodes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = x[..., self.nodes :]
        return torch.cat([features.mean(dim=1), features.amax(dim=1)], -1)


def graph(
    inputs: int, outputs: int, nodes: int, depth: int = 3, width: int = 16, activation: str = "relu",
    norm: str | None = None, adds: bool = False,
) -> Staged:  # fmt: skip
    """Graph convolutions, and a dense layer over the whole graph."""
    stages = []
    for index in range(depth):
        stages.append(Neighbours(nodes, width if index else inputs - nodes, width, activation, norm, adds))
    return Staged(stages, nn.Sequential(Whole(nodes), nn.Linear(2 * width, outputs)))


GRAPH_NETWORKS: dict[str, Callable[..., Staged]] = {"graph": graph}
