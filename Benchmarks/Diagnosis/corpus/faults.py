"""What can go wrong with a program. Each function makes one fault of a healthy program, mild or severe as the dice fall, or
None where the program has nothing that could break so.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from corpus.construction import before_relu, build
from corpus.data import dataset
from corpus.program import Event, Fault, Program

Maker = Callable[[Program, random.Random], Fault | None]

DENSE = ("mlp", "autoencoder", "residual_mlp")


def stages(p: Program) -> int:
    """How many stages the network has."""
    return len(build(p, dataset(p.dataset)).stages)


def in_mid_run(p: Program, rng: random.Random) -> int:
    """A step between a tenth and the half of the training."""
    return rng.randint(p.batches // 10 + 1, p.batches // 2)


# Vanishing


def deep_sigmoid(p: Program, rng: random.Random) -> Fault | None:
    if p.network not in DENSE + ("cnn",) or p.shape.get("norm"):
        return None
    shape: dict[str, object] = {"activation": "sigmoid"}
    if p.network in ("mlp", "residual_mlp"):
        shape["depth"] = rng.choice([4, 6, 9])
    return Fault(f"sigmoid-{shape.get('depth', 'swapped')}", "vanishing", p.changed(shape=shape))


def many_layers(p: Program, rng: random.Random) -> Fault | None:
    deeper: dict[str, object] = {"initializer": rng.choice([None, "normal"])}
    if p.network == "mlp" and not p.shape.get("norm"):
        deeper["depth"] = rng.choice([10, 14, 20])
    elif p.network == "cnn":
        deeper["channels"] = (*p.shape["channels"], *[6] * rng.choice([6, 9]))
    elif p.network == "autoencoder":
        deeper["widths"] = (*[40] * rng.choice([4, 6]), 8)
    else:
        return None
    return Fault("too-many-layers", "vanishing", p.changed(shape=deeper))


def small_weights(p: Program, rng: random.Random) -> Fault | None:
    scale = rng.choice([0.3, 0.1, 0.03, 0.01])
    return Fault(f"weights-x{scale:g}", "vanishing", p.changed(init_scale=scale))


def no_way_around(p: Program, rng: random.Random) -> Fault | None:
    if p.network not in ("residual_mlp", "residual_cnn", "transformer"):
        return None
    depth = rng.choice([p.shape.get("depth", 2), 8, 12]) if p.network != "transformer" else rng.choice([3, 5])
    shape = {"adds": False, "norm": None, "depth": depth}
    return Fault("no-residual", "vanishing", p.changed(shape=shape))


def no_norm(p: Program, rng: random.Random) -> Fault | None:
    if p.family != "normed-mlp":
        return None
    shape = {"norm": None, "depth": rng.choice([8, 14, 20]), "activation": rng.choice(["relu", "sigmoid", "tanh"])}
    return Fault("no-norm", "vanishing", p.changed(shape=shape))


# Exploding


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


# Not finite


def poisoned(p: Program, rng: random.Random) -> Fault | None:
    if dataset(p.dataset).is_tokens:
        return None
    step, value = in_mid_run(p, rng), rng.choice([math.nan, math.inf, -math.inf])
    return Fault(f"data-{value}", "nonfinite", p.changed(events=(Event("poison", step, value, period=rng.choice([1, 20])),)), step)


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
    return None if p.loss in ("binary", "huber") else Fault("root-of-zero", "nonfinite", p.changed(loss="root"))


def zero_deviation(p: Program, rng: random.Random) -> Fault | None:
    if dataset(p.dataset).is_tokens:
        return None
    return Fault("divided-by-deviation", "nonfinite", p.changed(events=(Event("unit-variance", 0),)))


def half_overflow(p: Program, rng: random.Random) -> Fault | None:
    if p.network not in DENSE:
        return None
    scale = rng.choice([3000.0, 20000.0])
    return Fault("float16-overflow", "nonfinite", p.changed(precision="float16", input_scale=scale))


# Dead units


def negative_bias(p: Program, rng: random.Random) -> Fault | None:
    if relus(p) == 0:
        return None
    bias = rng.choice([-1.0, -3.0, -10.0])
    return Fault(f"bias{bias:g}", "dead", p.changed(hidden_bias=bias))


def killed(p: Program, rng: random.Random) -> Fault | None:
    count = relus(p)
    if count == 0:
        return None
    step, stage, share = in_mid_run(p, rng) // 3 + 1, rng.randrange(count), rng.choice([0.5, 0.8, 0.9, 1.0, 1.0])
    return Fault(f"killed-{share:g}", "dead", p.changed(events=(Event("kill", step, share, stage),)), step, stage)


def killed_everywhere(p: Program, rng: random.Random) -> Fault | None:
    count = relus(p)
    if count == 0:
        return None
    step, share = in_mid_run(p, rng) // 3 + 1, rng.choice([0.9, 1.0])
    events = tuple(Event("kill", step, share, stage) for stage in range(count))
    return Fault(f"killed-everywhere-{share:g}", "dead", p.changed(events=events), step, 0)


def bad_step(p: Program, rng: random.Random) -> Fault | None:
    if relus(p) == 0:
        return None
    step = in_mid_run(p, rng)
    event = Event("learning-rate", step, rng.choice([100.0, 1000.0, 5000.0]), until=step + 1)
    return Fault("one-bad-step", "dead", p.changed(events=(event,)), step)


def relus(p: Program) -> int:
    """How many ReLUs the network has."""
    return len(before_relu(build(p, dataset(p.dataset))))


# Stagnation


def small_rate(p: Program, rng: random.Random) -> Fault | None:
    factor = rng.choice([1e-2, 1e-3, 1e-4, 1e-6])
    return Fault(f"rate-x{factor:g}", "stagnation", p.changed(lr=p.lr * factor))


def no_update(p: Program, rng: random.Random) -> Fault | None:
    return Fault("step-forgotten", "stagnation", p.changed(updates="none"))


def other_update(p: Program, rng: random.Random) -> Fault | None:
    return Fault("optimizer-of-another-model", "stagnation", p.changed(updates="another model"))


def all_zero(p: Program, rng: random.Random) -> Fault | None:
    return Fault("weights-zero", "standstill", p.changed(zero_init=True))


def twice(p: Program, rng: random.Random) -> Fault | None:
    loss = {"cross-entropy": "softmax-twice", "binary": "sigmoid-twice"}.get(p.loss)
    return None if loss is None or p.dataset == "grammar" else Fault(loss, "stagnation", p.changed(loss=loss))


def saturated(p: Program, rng: random.Random) -> Fault | None:
    if p.loss not in ("cross-entropy", "binary") or p.dataset == "grammar":
        return None
    return Fault("saturated-output", "standstill", p.changed(loss="saturated"))


def collapsing_rate(p: Program, rng: random.Random) -> Fault | None:
    return Fault("rate-collapses", "stagnation", p.changed(schedule="collapse"))


# The others


def edge_rate(p: Program, rng: random.Random) -> Fault | None:
    factor = rng.choice([4, 6, 10, 20])
    return Fault(f"rate-x{factor}", "explosion", p.changed(lr=p.lr * factor))


def full_batch_edge(p: Program, rng: random.Random) -> Fault | None:
    if p.optimizer not in ("sgd", "nesterov") or dataset(p.dataset).is_tokens:
        return None
    factor = rng.choice([3, 5, 8, 12, 20, 30])
    return Fault(f"full-batch-rate-x{factor}", "explosion", p.changed(lr=p.lr * factor, batch_size=2000))


def tiny_loss(p: Program, rng: random.Random) -> Fault | None:
    if p.network not in DENSE + ("cnn", "residual_cnn", "conv_1d", "transformer", "text_bag"):
        return None
    factor, linear = rng.choice([1e-3, 1e-4, 1e-5, 1e-6]), p.optimizer in ("sgd", "nesterov")
    precision = "float16" if linear and p.network in DENSE else "mixed"
    changed = p.changed(precision=precision, loss_factor=factor, lr=p.lr / factor if linear else p.lr)
    return Fault(f"{precision}-loss-x{factor:g}", "underflow", changed)


def frozen(p: Program, rng: random.Random) -> Fault | None:
    stage = rng.randrange(stages(p))
    return Fault("frozen", "absent", p.changed(events=(Event("freeze", 0, stage=stage),)), 0, stage)


def frozen_later(p: Program, rng: random.Random) -> Fault | None:
    step, stage = rng.randint(3, max(4, p.batches // 10)), rng.randrange(stages(p))
    return Fault("frozen-later", "absent", p.changed(events=(Event("freeze", step, stage=stage),)), step, stage)


def detached(p: Program, rng: random.Random) -> Fault | None:
    stage = rng.randrange(stages(p))
    return Fault("detached", "absent", p.changed(detached_after=stage), 0, 0)


def detached_late(p: Program, rng: random.Random) -> Fault | None:
    return Fault("detached-late", "absent", p.changed(detached_after=stages(p) - 1), 0, 0)


def frozen_mostly(p: Program, rng: random.Random) -> Fault | None:
    step, count = rng.randint(2, max(3, p.batches // 20)), stages(p)
    events = tuple(Event("freeze", step, stage=stage) for stage in range(count))
    return Fault("frozen-but-the-head", "absent", p.changed(events=events), step, 0)


def never_zeroed(p: Program, rng: random.Random) -> Fault | None:
    return Fault("never-zeroed", "accumulation", p.changed(zero_grad_every=0), 1)


def no_longer_zeroed(p: Program, rng: random.Random) -> Fault | None:
    step = in_mid_run(p, rng) // 2 + 1
    return Fault("no-longer-zeroed", "accumulation", p.changed(zero_grad_every=0, zero_grad_from=step), step)


def rarely_zeroed(p: Program, rng: random.Random) -> Fault | None:
    every = rng.choice([2, 5, 20])
    return Fault(f"zeroed-every-{every}", "accumulation", p.changed(zero_grad_every=every), 1)


MAKERS: dict[str, tuple[Maker, ...]] = {
    "vanishing": (deep_sigmoid, many_layers, small_weights, no_way_around, no_norm),
    "exploding": (large_rate, large_weights, unscaled_input, unscaled_target, rate_jump, corrupt_batches, weights_blown,
                  no_clipping),
    "nonfinite": (poisoned, broken_weights, log_of_zero, root_of_zero, zero_deviation, half_overflow),
    "dead": (negative_bias, killed, killed, bad_step),
    "stagnation": (small_rate, small_rate, no_update, other_update, all_zero, twice, saturated, collapsing_rate),
    "oscillation": (edge_rate, edge_rate, full_batch_edge),
    "oscillation of full batches": (full_batch_edge,),
    "oscillation once more": (full_batch_edge,),
    "underflow": (tiny_loss,),
    "absent": (frozen, frozen_later, detached, detached),
    "accumulating": (never_zeroed, no_longer_zeroed, rarely_zeroed),
    "exploding for sure": (harsh_rate, harsh_weights, harsh_jump, unscaled_target, weights_blown),
    "absent for sure": (detached_late, frozen_mostly),
    "dead for sure": (killed_everywhere, killed_everywhere, negative_bias),
}  # fmt: skip
"""By the class that they are meant to fall into."""

TRAINER_MAKERS = {
    deep_sigmoid, many_layers, small_weights, large_rate, large_weights, unscaled_input, unscaled_target, negative_bias,
    small_rate, all_zero, edge_rate, full_batch_edge, harsh_rate, harsh_weights,
}  # fmt: skip
KERAS_MAKERS = TRAINER_MAKERS | {rate_jump, harsh_jump, corrupt_batches, poisoned, zero_deviation, twice}
ALLOWED: dict[str, set[Maker]] = {"trainer": TRAINER_MAKERS, "keras-torch": KERAS_MAKERS, "keras-jax": KERAS_MAKERS}
"""What other frameworks than PyTorch can be made to do here."""


SHARES = {"dead": 1.0, "vanishing": 0.8, "stagnation": 0.8, "underflow": 0.8, "exploding": 0.8, "nonfinite": 0.75}
"""How many of the programs get a fault of the class; two of three of the classes that are not here."""


def faults(program: Program, rng: random.Random) -> list[Fault]:
    """Faults of the program: of each class one, with the class's probability."""
    chosen = []
    allowed = ALLOWED.get(program.framework)
    for name, makers in MAKERS.items():
        able = [maker for maker in makers if allowed is None or maker in allowed]
        made = [fault for maker in able if (fault := maker(program, rng)) is not None]
        if made and rng.random() < SHARES.get(name, 2 / 3):
            chosen.append(rng.choice(made))
    for edge in program.edges:
        chosen.append(Fault(f"edge-rate-x{edge:g}", "explosion", program.changed(lr=program.lr * edge)))
    return list({fault.name: fault for fault in chosen}.values())
