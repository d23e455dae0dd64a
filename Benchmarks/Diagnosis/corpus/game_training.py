"""Trains a generator against a discriminator, two optimizers in turn: healthy runs whose losses do not fall."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradlog.torch
import torch
from torch import nn

from corpus.networks import mlp
from corpus.program import Run
from corpus.trace import Trace

LOOKS = (0.7, 0.85, 1.0)
NOISE = 6
"""Numbers that the generator is given."""


def ring(count: int) -> torch.Tensor:
    """Points around a circle, which the generator learns to draw."""
    angle = torch.rand(count) * 2 * math.pi
    return torch.stack([angle.cos(), angle.sin()], 1) + torch.randn(count, 2) * 0.05


def distance(generator: nn.Module) -> float:
    """Energy distance of the generator's points from the circle's."""
    with torch.no_grad():
        one, other = generator(torch.randn(400, NOISE)), ring(400)
        between = torch.cdist(one, other).mean()
        return float(2 * between - torch.cdist(one, one).mean() - torch.cdist(other, other).mean())


def train(run: Run, file: Path | None) -> Trace:
    """Trains the run; ``file``: where to record it, None to leave that out."""
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    program, trace = run.program, Trace()
    models = {
        "generator": mlp(NOISE, 2, **program.shape),
        "discriminator": mlp(2, 1, **{**program.shape, "activation": "leaky"}),
    }
    optimizers = {
        name: torch.optim.Adam(model.parameters(), program.lr, betas=(0.5, 0.999)) for name, model in models.items()
    }
    with recording(run, models, optimizers, file) as recorder:
        trace.progress.append(distance(models["generator"]))
        for step in range(program.batches):
            for name in ("discriminator", "generator"):
                optimizers[name].zero_grad()
                loss = play(name, models, program.batch_size)
                if recorder is not None:
                    recorder.at(0, step)
                    if run.records_loss:
                        recorder.loss = loss
                loss.backward()
                optimizers[name].step()
            trace.loss.append(float(loss.detach()))
            finite = all(bool(torch.isfinite(p).all()) for model in models.values() for p in model.parameters())
            trace.nonfinite.append(-1 if finite else 0)
            if step + 1 in {math.ceil(program.batches * share) for share in LOOKS}:
                trace.progress.append(distance(models["generator"]))
    return trace


def play(name: str, models: Mapping[str, nn.Module], count: int) -> torch.Tensor:
    """The loss of one side."""
    generator, discriminator = models["generator"], models["discriminator"]
    drawn = generator(torch.randn(count, NOISE))
    if name == "generator":
        return nn.functional.softplus(-discriminator(drawn)).mean()
    true, false = discriminator(ring(count)), discriminator(drawn.detach())
    return nn.functional.softplus(-true).mean() + nn.functional.softplus(false).mean()


def recording(run: Run, models: Any, optimizers: Any, file: Path | None) -> contextlib.AbstractContextManager[Any]:
    """The recording of both optimizers, or nothing."""
    if file is None:
        return contextlib.nullcontext()
    return gradlog.torch.record(models, optimizers, file, run.name, capture="none", journal="rollback")
