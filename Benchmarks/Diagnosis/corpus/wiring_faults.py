"""Faults of wiring: units and layers that are cut off, weights that are not updated, gradients that are not zeroed."""

from __future__ import annotations

import random

from corpus.construction import relus, stages
from corpus.data import dataset
from corpus.program import Event, Fault, Program, in_mid_run


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
    return None if loss is None or dataset(p.dataset).labels_places else Fault(loss, "stagnation", p.changed(loss=loss))


def saturated(p: Program, rng: random.Random) -> Fault | None:
    if p.loss not in ("cross-entropy", "binary") or dataset(p.dataset).labels_places:
        return None
    return Fault("saturated-output", "standstill", p.changed(loss="saturated"))


def collapsing_rate(p: Program, rng: random.Random) -> Fault | None:
    return Fault("rate-collapses", "stagnation", p.changed(schedule="collapse"))


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
