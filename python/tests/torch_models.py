"""Models and training loops on which the torch taps are tested, and the gradients that they must find."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy
import torch
from torch import nn


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 1))


class Cnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 8, 3, stride=2), nn.ReLU()
        )
        self.head = nn.Linear(8 * 2 * 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x).flatten(1))


class Lstm(nn.Module):
    def __init__(self, sparse: bool = False) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 6, sparse=sparse)
        self.lstm = nn.LSTM(6, 7, num_layers=2, batch_first=True)
        self.head = nn.Linear(7, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(self.embedding(x))[0][:, -1])


class TiedTransformer(nn.Module):
    """One block whose output projection is the embedding: one weight, used twice, recorded once."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 8)
        self.block = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, dropout=0.0, batch_first=True)
        self.output = nn.Linear(8, 20, bias=False)
        self.output.weight = self.embedding.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output(self.block(self.embedding(x))).mean(1)


def batches_for(name: str, count: int = 6) -> list[tuple[torch.Tensor, torch.Tensor]]:
    shapes = {"mlp": (10,), "cnn": (1, 8, 8)}
    generator = torch.Generator().manual_seed(7)
    made = []
    for _ in range(count):
        if name in shapes:
            x = torch.randn(5, *shapes[name], generator=generator)
        else:
            x = torch.randint(0, 20, (5, 4), generator=generator)
        classes = {"mlp": 1, "cnn": 3, "lstm": 2, "transformer": 20}[name]
        y = (
            torch.randn(5, 1, generator=generator)
            if name == "mlp"
            else torch.randint(0, classes, (5,), generator=generator)
        )
        made.append((x, y))
    return made


def build(name: str) -> nn.Module:
    torch.manual_seed(3)
    return {"mlp": mlp, "cnn": Cnn, "lstm": Lstm, "transformer": TiedTransformer}[name]()


def loss_of(model: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    output = model(x)
    return (
        nn.functional.mse_loss(output, y) if y.is_floating_point() else nn.functional.cross_entropy(output, y)
    )


def autograd_gradients(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> dict[str, numpy.ndarray]:
    """By ``torch.autograd.grad`` on a deep copy: no ``.grad``, no hook, no optimizer is involved."""
    twin = copy.deepcopy(model)
    named = dict(twin.named_parameters())
    loss = loss_of(twin, x, y)
    gradients = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    return {
        name: None
        if gradient is None
        else (gradient.to_dense() if gradient.is_sparse else gradient).double().numpy()
        for name, gradient in zip(named, gradients)
    }


def weights_of(model: nn.Module) -> dict[str, numpy.ndarray]:
    return {name: parameter.detach().double().numpy().copy() for name, parameter in model.named_parameters()}


def replay_adam(
    start: dict[str, numpy.ndarray],
    gradients: list[dict[str, numpy.ndarray]],
    rate: float,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
) -> dict[str, numpy.ndarray]:
    """Adam in float64, fed with nothing but recorded gradients (Kingma and Ba, algorithm 1)."""
    weights = {name: weight.copy() for name, weight in start.items()}
    first = {name: numpy.zeros_like(weight) for name, weight in start.items()}
    second = {name: numpy.zeros_like(weight) for name, weight in start.items()}
    for count, batch in enumerate(gradients, 1):
        for name, gradient in batch.items():
            first[name] = betas[0] * first[name] + (1 - betas[0]) * gradient
            second[name] = betas[1] * second[name] + (1 - betas[1]) * gradient**2
            mean, square = first[name] / (1 - betas[0] ** count), second[name] / (1 - betas[1] ** count)
            weights[name] -= rate * mean / (numpy.sqrt(square) + epsilon)
    return weights


def mlp_backpropagation(
    weights: dict[str, numpy.ndarray], x: numpy.ndarray, y: numpy.ndarray
) -> dict[str, numpy.ndarray]:
    """The gradients of ``mlp()`` under the mean squared error, derived by hand, in float64."""
    w1, b1, w2, b2, w3, b3 = weights.values()
    z1 = x @ w1.T + b1
    a1 = numpy.maximum(z1, 0)
    z2 = a1 @ w2.T + b2
    a2 = numpy.maximum(z2, 0)
    d3 = 2 * (a2 @ w3.T + b3 - y) / y.size
    d2 = (d3 @ w3) * (z2 > 0)
    d1 = (d2 @ w2) * (z1 > 0)
    found = [d1.T @ x, d1.sum(0), d2.T @ a1, d2.sum(0), d3.T @ a2, d3.sum(0)]
    return dict(zip(weights, found))
