"""Builds the model, the loss and the optimizer of a program, with what its fault changes in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from corpus.architectures import ARCHITECTURES, arguments
from corpus.data import dataset
from corpus.examples import Dataset
from corpus.networks import Staged
from corpus.program import Program

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
INITIALIZERS = {
    "kaiming": lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"),
    "xavier": nn.init.xavier_uniform_,
    "orthogonal": nn.init.orthogonal_,
    "lecun": lambda w: nn.init.kaiming_normal_(w, nonlinearity="linear"),
    "normal": lambda w: nn.init.normal_(w, std=0.05),
}


def output_count(data: Dataset) -> int:
    """How many numbers the network gives for one example, or for one place of a sequence."""
    if data.classes:
        return data.classes
    return 1 if data.targets.ndim == 1 else data.targets.shape[1]


def build(program: Program, data: Dataset) -> Staged:
    """The model, drawn from torch's generator."""
    shape = dict(program.shape)
    initializer = shape.pop("initializer", None)
    given = {"inputs": 0} if data.is_tokens else arguments(data.inputs.shape[1:], program.network)
    if data.is_tokens:
        shape["vocabulary"] = int(data.inputs.max()) + 1
    model = ARCHITECTURES[program.network](**given, outputs=output_count(data), **shape)
    with torch.no_grad():
        _initialize(model, program, initializer)
    model.detached_after = program.detached_after
    return model


def _initialize(model: Staged, program: Program, initializer: str | None) -> None:
    for parameter in model.parameters():
        if parameter.ndim >= 2 and initializer is not None:
            INITIALIZERS[initializer](parameter)
        if parameter.ndim >= 2:
            parameter.mul_(0 if program.zero_init else program.init_scale)
        elif program.zero_init:
            parameter.zero_()
    if program.hidden_bias is not None:
        for linear in before_relu(model):
            linear.bias.fill_(program.hidden_bias)
    last = [module for module in model.head.modules() if isinstance(module, nn.Linear)][-1]
    if program.output_bias:
        last.bias[0] += program.output_bias


def stages(program: Program) -> int:
    """How many stages the network has."""
    return len(build(program, dataset(program.dataset)).stages)


def relus(program: Program) -> int:
    """How many ReLUs the network has."""
    return len(before_relu(build(program, dataset(program.dataset))))


def before_relu(module: nn.Module) -> list[Any]:
    """What feeds a ReLU: the dense or convolutional layer or the normalization right before it, in the order of the network."""
    found, before = [], None
    for part in module.modules():
        if isinstance(part, nn.ReLU) and before is not None:
            found.append(before)
        if getattr(part, "bias", None) is not None and isinstance(part.bias, torch.Tensor):
            before = part
    return found


def optimizer_of(program: Program, model: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of the model's weights."""
    weights, lr, decay = list(model.parameters()), program.lr, program.weight_decay
    match program.optimizer:
        case "sgd":
            return torch.optim.SGD(weights, lr, momentum=program.momentum, weight_decay=decay)
        case "nesterov":
            return torch.optim.SGD(weights, lr, momentum=0.9, nesterov=True, weight_decay=decay)
        case "rmsprop":
            return torch.optim.RMSprop(weights, lr, weight_decay=decay)
        case "adagrad":
            return torch.optim.Adagrad(weights, lr, weight_decay=decay)
        case "adamw":
            return torch.optim.AdamW(weights, lr, weight_decay=decay or 0.01)
        case "adam":
            return torch.optim.Adam(weights, lr, weight_decay=decay)
        case "nadam":
            return torch.optim.NAdam(weights, lr, weight_decay=decay)
        case "lion":
            return Lion(weights, lr, decay)
    raise ValueError(f"there is no optimizer {program.optimizer!r}")


class Lion(torch.optim.Optimizer):
    """Steps of the same size for every weight, in the direction of the sign of a momentum (Chen et al., 2023)."""

    def __init__(self, weights: list[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(weights, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                gradient = weight.grad.to_dense()
                momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.sub_((0.9 * momentum + 0.1 * gradient).sign(), alpha=group["lr"])
                momentum.lerp_(gradient, 0.01)


def cross_entropy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Of classes, for one label an example or one at each place of a sequence."""
    return nn.functional.cross_entropy(outputs.flatten(0, -2), targets.flatten())


def squared_error(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean squared error; a single output has no axis of its own."""
    return nn.functional.mse_loss(outputs.view_as(targets), targets)


def binary(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of one logit."""
    return nn.functional.binary_cross_entropy_with_logits(outputs.squeeze(-1), targets)


def _huber(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return nn.functional.huber_loss(outputs.view_as(targets), targets)


def _evidence_bound(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Squared error, and the divergence of the codes, whose moments stand behind the outputs, from normal numbers."""
    reconstruction, moments = outputs[:, : targets.shape[1]], outputs[:, targets.shape[1] :]
    mean, log_variance = moments.chunk(2, -1)
    divergence = (mean.square() + log_variance.exp() - 1 - log_variance).mean() / 2
    return squared_error(reconstruction, targets) + 0.004 * divergence


def _contrast(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Each first view belongs to the second one of the same place in the batch (InfoNCE)."""
    return cross_entropy(outputs, torch.arange(len(outputs)))


def _mixture_likelihood(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Negative logarithm of the density of a mixture; falls below zero where it is sure."""
    scores, means, spreads = outputs.chunk(3, -1)
    deviation = nn.functional.softplus(spreads) + 1e-2
    distance = (targets[:, None] - means) / deviation
    return -(scores.log_softmax(-1) - distance.square() / 2 - deviation.log()).logsumexp(-1).mean()


def _softmax_twice(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return cross_entropy(outputs.softmax(-1), targets)


def _sigmoid_twice(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return binary(outputs.sigmoid(), targets)


def _unguarded_log(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    chosen = outputs.softmax(-1).flatten(0, -2).gather(1, targets.flatten()[:, None])
    return -chosen.log().mean()


def _unguarded_binary_log(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    probability = outputs.squeeze(-1).sigmoid()
    return -(targets * probability.log() + (1 - targets) * (1 - probability).log()).mean()


def _root(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Root of a penalty of too large outputs, which has no derivative where there are none."""
    clean = squared_error(outputs, targets) if outputs.shape[-1] == 1 or outputs.shape == targets.shape else (
        cross_entropy(outputs, targets)
    )  # fmt: skip
    return clean + 0.01 * (outputs.square() * (outputs > 6)).sum().sqrt()


def _saturated(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Squared error of a sigmoid that is fed with huge numbers."""
    wanted = nn.functional.one_hot(targets, outputs.shape[-1]).to(outputs) if outputs.shape[-1] > 1 else targets
    return squared_error((outputs * 40 + 25).sigmoid(), wanted)


LOSSES: dict[str, Loss] = {
    "cross-entropy": cross_entropy,
    "squared-error": squared_error,
    "binary": binary,
    "huber": _huber,
    "evidence-bound": _evidence_bound,
    "contrast": _contrast,
    "mixture-likelihood": _mixture_likelihood,
    "softmax-twice": _softmax_twice,
    "sigmoid-twice": _sigmoid_twice,
    "unguarded-log": _unguarded_log,
    "unguarded-binary-log": _unguarded_binary_log,
    "root": _root,
    "saturated": _saturated,
}


def clean_loss(data: Dataset) -> Loss:
    """What every run on this data set is judged by."""
    return {0: squared_error, 1: binary}.get(data.classes, cross_entropy)
