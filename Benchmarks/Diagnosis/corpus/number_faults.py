"""Faults of numbers: what is not finite, and what float16 cannot hold."""

from __future__ import annotations

import math
import random

from corpus.architectures import DENSE
from corpus.construction import stages
from corpus.data import dataset
from corpus.program import Event, Fault, Program, in_mid_run

FLOAT16_LIMIT = 60_000
"""A learning rate beyond it is no float16 number."""
OWN_OUTPUTS = ("binary", "huber", "evidence-bound", "contrast", "mixture-likelihood")
"""Losses whose outputs are other ones than the root's penalty knows."""
IN_FLOAT16 = (
    *DENSE, "cnn", "residual_cnn", "conv_1d", "transformer", "text_bag", "depthwise", "densenet", "unet",
    "vision_transformer", "mixer", "tcn", "graph", "two_tower", "inception", "shuffle", "text_cnn", "perceiver",
    "contrastive", "neural_ode",
)  # fmt: skip
"""Networks whose products can be had in float16 on this processor."""


def poisoned(p: Program, rng: random.Random) -> Fault | None:
    if dataset(p.dataset).is_tokens:
        return None
    step, value = in_mid_run(p, rng), rng.choice([math.nan, math.inf, -math.inf])
    return Fault(
        f"data-{value}",
        "nonfinite",
        p.changed(events=(Event("poison", step, value, period=rng.choice([1, 20])),)),
        step,
    )


def broken_weights(p: Program, rng: random.Random) -> Fault | None:
    step, stage = in_mid_run(p, rng), rng.randrange(stages(p))
    event = Event("scale-weights", step, rng.choice([math.nan, math.inf]), stage)
    return Fault("weights-not-finite", "nonfinite", p.changed(events=(event,)), step)


def log_of_zero(p: Program, rng: random.Random) -> Fault | None:
    loss = {"cross-entropy": "unguarded-log", "binary": "unguarded-binary-log"}.get(p.loss)
    if loss is None:
        return None
    change = rng.choice([{"output_bias": 110.0}, {"lr": p.lr * 10}, {"init_scale": 6.0}])
    return Fault("log-of-zero", "nonfinite", p.changed(loss=loss, **change))


def root_of_zero(p: Program, rng: random.Random) -> Fault | None:
    return None if p.loss in OWN_OUTPUTS else Fault("root-of-zero", "nonfinite", p.changed(loss="root"))


def zero_deviation(p: Program, rng: random.Random) -> Fault | None:
    if dataset(p.dataset).is_tokens:
        return None
    return Fault("divided-by-deviation", "nonfinite", p.changed(events=(Event("unit-variance", 0),)))


def half_overflow(p: Program, rng: random.Random) -> Fault | None:
    if p.network not in DENSE:
        return None
    scale = rng.choice([3000.0, 20000.0])
    return Fault("float16-overflow", "nonfinite", p.changed(precision="float16", input_scale=scale))


def tiny_loss(p: Program, rng: random.Random) -> Fault | None:
    if p.network not in IN_FLOAT16:
        return None
    factor, linear = rng.choice([1e-3, 1e-4, 1e-5, 1e-6]), p.optimizer in ("sgd", "nesterov")
    lr = p.lr / factor if linear else p.lr
    precision = "float16" if linear and p.network in DENSE and lr < FLOAT16_LIMIT else "mixed"
    changed = p.changed(precision=precision, loss_factor=factor, lr=lr)
    return Fault(f"{precision}-loss-x{factor:g}", "underflow", changed)
