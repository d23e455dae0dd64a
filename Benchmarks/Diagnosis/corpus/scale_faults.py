"""Faults of scale: what makes gradients vanish, explode or bounce."""

from __future__ import annotations

import random

from corpus.architectures import DEEPER, DENSE, NO_ACTIVATION, NORMED, WITH_WAY_AROUND
from corpus.construction import stages
from corpus.data import dataset
from corpus.program import Event, Fault, Program, in_mid_run


def deep_sigmoid(p: Program, rng: random.Random) -> Fault | None:
    if p.network not in (*DENSE, *DEEPER, "cnn") or p.shape.get("norm") or p.network in NO_ACTIVATION:
        return None
    shape: dict[str, object] = {"activation": "sigmoid"}
    if p.network in DEEPER:
        shape["depth"] = rng.choice([4, 6, 9])
    return Fault(f"sigmoid-{shape.get('depth', 'swapped')}", "vanishing", p.changed(shape=shape))


def many_layers(p: Program, rng: random.Random) -> Fault | None:
    deeper: dict[str, object] = {"initializer": rng.choice([None, "normal"])}
    if p.network in DEEPER and p.network != "residual_mlp" and not p.shape.get("norm"):
        deeper["depth"] = rng.choice([10, 14, 20])
    elif p.network == "cnn":
        deeper["channels"] = (*p.shape["channels"], *[6] * rng.choice([6, 9]))
    elif p.network in ("autoencoder", "vae"):
        deeper["widths"] = (*[40] * rng.choice([4, 6]), 8)
    else:
        return None
    return Fault("too-many-layers", "vanishing", p.changed(shape=deeper))


def buried(p: Program, rng: random.Random) -> Fault | None:
    """So deep that hardly anything reaches the first layers."""
    depth, activation = rng.choice([10, 14]), rng.choice(["sigmoid", "tanh", "gelu"])
    if p.network not in DEEPER or p.network == "residual_mlp" or p.shape.get("norm"):
        return None
    shape: dict[str, object] = {"depth": depth, "initializer": "normal"}
    if p.network not in NO_ACTIVATION:
        shape["activation"] = activation
    return Fault("buried", "vanishing", p.changed(shape=shape))


def tiny_weights(p: Program, rng: random.Random) -> Fault | None:
    scale = rng.choice([1e-3, 1e-4])
    return Fault(f"weights-x{scale:g}", "vanishing", p.changed(init_scale=scale))


def small_weights(p: Program, rng: random.Random) -> Fault | None:
    scale = rng.choice([0.3, 0.1, 0.03, 0.01])
    return Fault(f"weights-x{scale:g}", "vanishing", p.changed(init_scale=scale))


def no_way_around(p: Program, rng: random.Random) -> Fault | None:
    if p.network not in WITH_WAY_AROUND:
        return None
    attends = p.network in ("transformer", "vision_transformer", "perceiver")
    depth = rng.choice([3, 5]) if attends else rng.choice([p.shape.get("depth", 2), 8, 12])
    shape = {"adds": False, "norm": None, "depth": depth}
    return Fault("no-residual", "vanishing", p.changed(shape=shape))


def no_norm(p: Program, rng: random.Random) -> Fault | None:
    if p.family != "normed-mlp" and p.network not in NORMED:
        return None
    shape = {"norm": None, "depth": rng.choice([8, 14, 20]), "activation": rng.choice(["relu", "sigmoid", "tanh"])}
    if p.network in NORMED:
        shape["depth"] = p.shape.get("depth", 4) * 2
    if p.network == "unet":
        del shape["depth"]
    return Fault("no-norm", "vanishing", p.changed(shape=shape))


def large_rate(p: Program, rng: random.Random) -> Fault | None:
    factor = rng.choice([30, 100, 300, 1000])
    return Fault(f"rate-x{factor}", "explosion", p.changed(lr=p.lr * factor))


def large_weights(p: Program, rng: random.Random) -> Fault | None:
    scale = rng.choice([4, 8, 16])
    return Fault(f"weights-x{scale}", "explosion", p.changed(init_scale=float(scale)))


def unscaled_input(p: Program, rng: random.Random) -> Fault | None:
    if dataset(p.dataset).is_tokens:
        return None
    scale = rng.choice([16, 100, 1000])
    return Fault(f"input-x{scale}", "explosion", p.changed(input_scale=float(scale)))


def unscaled_target(p: Program, rng: random.Random) -> Fault | None:
    if dataset(p.dataset).classes != 0:
        return None
    scale = rng.choice([30, 150, 1000])
    return Fault(f"target-x{scale}", "explosion", p.changed(target_scale=float(scale)))


def rate_jump(p: Program, rng: random.Random) -> Fault | None:
    step, factor = in_mid_run(p, rng), rng.choice([30, 100, 1000])
    return Fault(f"rate-jump-x{factor}", "explosion", p.changed(events=(Event("learning-rate", step, factor),)), step)


def corrupt_batches(p: Program, rng: random.Random) -> Fault | None:
    if dataset(p.dataset).is_tokens:
        return None
    step, period = in_mid_run(p, rng), rng.choice([5, 12, 25])
    event = Event("scale-input", step, rng.choice([100.0, 1000.0, 10000.0]), period=period)
    return Fault("corrupt-batch-recurs", "explosion", p.changed(events=(event,)), step)


def weights_blown(p: Program, rng: random.Random) -> Fault | None:
    step, stage = in_mid_run(p, rng), rng.randrange(stages(p))
    event = Event("scale-weights", step, rng.choice([10.0, 30.0, 100.0]), stage)
    return Fault("weights-blown-up", "explosion", p.changed(events=(event,)), step, stage)


def harsh_rate(p: Program, rng: random.Random) -> Fault | None:
    factor = rng.choice([1000, 3000, 10000])
    return Fault(f"rate-x{factor}", "explosion", p.changed(lr=p.lr * factor))


def harsh_weights(p: Program, rng: random.Random) -> Fault | None:
    scale = rng.choice([24, 40, 80])
    return Fault(f"weights-x{scale}", "explosion", p.changed(init_scale=float(scale)))


def harsh_jump(p: Program, rng: random.Random) -> Fault | None:
    step, factor = in_mid_run(p, rng), rng.choice([3000, 10000])
    return Fault(f"rate-jump-x{factor}", "explosion", p.changed(events=(Event("learning-rate", step, factor),)), step)


def no_clipping(p: Program, rng: random.Random) -> Fault | None:
    if p.clip is None:
        return None
    return Fault("no-clipping", "explosion", p.changed(clip=None, lr=p.lr * rng.choice([10, 30]), init_scale=2.0))


def edge_rate(p: Program, rng: random.Random) -> Fault | None:
    factor = rng.choice([4, 6, 10, 20])
    return Fault(f"rate-x{factor}", "explosion", p.changed(lr=p.lr * factor))


def full_batch_edge(p: Program, rng: random.Random) -> Fault | None:
    if p.optimizer not in ("sgd", "nesterov") or dataset(p.dataset).is_tokens:
        return None
    factor = rng.choice([3, 5, 8, 12, 20, 30])
    return Fault(f"full-batch-rate-x{factor}", "explosion", p.changed(lr=p.lr * factor, batch_size=2000))
