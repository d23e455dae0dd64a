"""Looks at the true tensors of a PyTorch training and writes down what labels are made of."""

from __future__ import annotations

import math

import torch
from torch import nn

from corpus.construction import before_relu, clean_loss
from corpus.examples import Dataset
from corpus.networks import Staged
from corpus.program import Program
from corpus.trace import Trace

LOOKED_AT = 512
"""Examples on which progress and dead units are measured."""


class Watch:
    """Fills the trace of one training."""

    def __init__(
        self, model: Staged, program: Program, data: Dataset, inputs: torch.Tensor, targets: torch.Tensor
    ) -> None:
        """``inputs``: as the program is fed with them. ``targets``: the true ones, not scaled."""
        self.trace = Trace()
        self._model, self._program, self._data = model, program, data
        self._inputs, self._targets = inputs[:LOOKED_AT], targets[:LOOKED_AT]
        self._parameters = list(model.named_parameters())
        self.trace.names = [name for name, _ in self._parameters]
        self.trace.ranks = [parameter.ndim for _, parameter in self._parameters]
        self._before: torch.Tensor | None = None
        self._constant = self._constant_loss(targets)

    def _constant_loss(self, targets: torch.Tensor) -> float:
        """The loss of the best constant answer."""
        if self._data.classes == 0:
            return float(nn.functional.mse_loss(targets, targets.mean(dim=0).expand_as(targets)))
        if self._data.classes == 1:
            share = targets.mean(dim=0)
            return float(-(share.xlogy(share) + (1 - share).xlogy(1 - share)).mean())
        share = torch.bincount(targets.flatten(), minlength=self._data.classes).float() / targets.numel()
        return float(-(share * share.clamp_min(1e-12).log()).sum())

    @torch.no_grad()
    def step(self, loss: float) -> None:
        """Looks at the gradients that are there now."""
        trace = self.trace
        trace.loss.append(loss)
        gradients = [None if p.grad is None else dense(p.grad) for _, p in self._parameters]
        finite = [g is None or bool(torch.isfinite(g).all()) for g in gradients]
        trace.absent.append(next((i for i, g in enumerate(gradients) if g is None), -1))
        trace.nonfinite.append(next((i for i, ok in enumerate(finite) if not ok), -1))
        flat = torch.cat(
            [
                torch.zeros(p.numel()) if g is None else g.flatten()
                for g, (_, p) in zip(gradients, self._parameters, strict=True)
            ]
        )
        trace.norm.append(float(flat.norm()) if all(finite) else math.inf)
        trace.zeros.append([1.0 if g is None else float((g == 0).float().mean()) for g in gradients])
        trace.rms.append([0.0 if g is None else float(g.square().mean().sqrt()) for g in gradients])
        trace.cosine.append(math.nan if self._before is None else cosine(flat, self._before))
        self._before = flat

    @torch.no_grad()
    def progress(self) -> None:
        """Measures the loss on the training data by the healthy program's loss."""
        self._model.eval()
        outputs = self._model(self._inputs).float() / self._program.target_scale
        self._model.train()
        self.trace.progress.append(float(clean_loss(self._data)(outputs, self._targets)) / self._constant)

    @torch.no_grad()
    def dead_units(self) -> None:
        """Looks for units that are zero on all of the training data."""
        activities: list[torch.Tensor] = []
        hooks = [
            module.register_forward_hook(lambda _m, _i, output: activities.append(output))
            for module in self._model.modules()
            if isinstance(module, nn.ReLU)
        ]
        self._model.eval()
        self._model(self._inputs)
        self._model.train()
        for hook in hooks:
            hook.remove()
        feeds = before_relu(self._model)
        units = [per_unit(activity, feed) for activity, feed in zip(activities, feeds, strict=True)]
        shares = [float((one == 0).float().mean()) for one in units]
        worst = max(shares, default=0.0)
        self.trace.dead.append(worst)
        self.trace.dead_position.append(self._position_before_relu(shares.index(worst)) if worst > 0 else -1)

    def _position_before_relu(self, index: int) -> int:
        wanted = before_relu(self._model)[index].weight
        position = next(i for i, (_, p) in enumerate(self._parameters) if p is wanted)
        while position > 0 and self._parameters[position][1].ndim < 2:
            position -= 1
        return position


def dense(gradient: torch.Tensor) -> torch.Tensor:
    """The gradient in float32 with its zeros."""
    return (gradient.to_dense() if gradient.is_sparse else gradient).detach().float()


def cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    """Of the angle between two gradients; NaN when one of them is zero."""
    if not float(one.norm() * other.norm()) > 0:
        return math.nan
    return float(nn.functional.cosine_similarity(one, other, dim=0))


def per_unit(activity: torch.Tensor, feed: nn.Module) -> torch.Tensor:
    """The largest activity of each unit: of each feature after a dense layer, of each channel else."""
    axis = activity.ndim - 1 if isinstance(feed, (nn.Linear, nn.LayerNorm)) else 1
    return activity.abs().amax(dim=[i for i in range(activity.ndim) if i != axis])
