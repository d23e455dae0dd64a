"""Healthy programs of which a small choice differs, as another engineer would have made it."""

from __future__ import annotations

import random
from collections.abc import Callable

from corpus.architectures import WITH_DROPOUT
from corpus.data import dataset
from corpus.program import Event, Program

Choice = Callable[[Program], Program | None]


def _slower(p: Program) -> Program:
    return p.changed(lr=p.lr * 0.3)


def _faster(p: Program) -> Program:
    return p.changed(lr=p.lr * 2)


def _small_batches(p: Program) -> Program:
    return p.changed(batch_size=8, lr=p.lr * 0.5, batches=min(2 * p.batches, 600))


def _large_batches(p: Program) -> Program:
    return p.changed(batch_size=256)


def _cosine(p: Program) -> Program:
    return p.changed(schedule="cosine")


def _warm_up(p: Program) -> Program:
    return p.changed(schedule="warm-up", lr=p.lr * 1.5)


def _in_steps(p: Program) -> Program:
    return p.changed(schedule="steps")


def _clipped(p: Program) -> Program:
    return p.changed(clip=0.5)


def _decayed(p: Program) -> Program:
    return p.changed(weight_decay=1e-2 if p.optimizer in ("adamw", "adam") else 1e-3)


def _longer(p: Program) -> Program:
    return p.changed(batches=600)


def _only_begun(p: Program) -> Program:
    return p.changed(batches=60, expects="begun")


def _tuned(p: Program) -> Program | None:
    return None if p.pretraining else p.changed(pretraining=p.batches, lr=p.lr * 0.1, batches=120, expects="tuned")


def _frozen_base(p: Program) -> Program | None:
    """On purpose: only the later stages of a trained network are tuned."""
    tuned = _tuned(p)
    return tuned and tuned.changed(events=(Event("freeze", 0, stage=0),))


def _noisy(p: Program) -> Program | None:
    labels_places = dataset(p.dataset).labels_places
    return p.changed(label_noise=0.4, expects="noisy") if p.loss == "cross-entropy" and not labels_places else None


def _dropout(p: Program) -> Program | None:
    return p.changed(shape={"dropout": 0.3}) if p.network in WITH_DROPOUT else None


def _wider(p: Program) -> Program | None:
    width = p.shape.get("width")
    return p.changed(shape={"width": width * 2}) if isinstance(width, int) and width < 64 else None


def _orthogonal(p: Program) -> Program:
    return p.changed(shape={"initializer": "orthogonal"})


def _plain_sgd(p: Program) -> Program | None:
    return p.changed(optimizer="sgd", momentum=0.9, lr=0.02) if p.optimizer in ("adam", "adamw") else None


def _rmsprop(p: Program) -> Program | None:
    return p.changed(optimizer="rmsprop", lr=p.lr * 0.5) if p.optimizer in ("adam", "adamw") else None


def _half_precision(p: Program) -> Program | None:
    return (
        p.changed(precision="float16", optimizer="sgd", lr=0.05)
        if p.network == "mlp" and p.optimizer == "adam"
        else None
    )


CHOICES: dict[str, Choice] = {
    "slower": _slower, "faster": _faster, "small-batches": _small_batches, "large-batches": _large_batches,
    "cosine": _cosine, "warm-up": _warm_up, "steps": _in_steps, "clipped": _clipped, "decayed": _decayed,
    "longer": _longer, "only-begun": _only_begun, "tuned": _tuned, "noisy-labels": _noisy, "dropout": _dropout,
    "wider": _wider, "orthogonal": _orthogonal, "momentum": _plain_sgd, "rmsprop": _rmsprop,
    "half-precision": _half_precision, "frozen-base": _frozen_base,
}  # fmt: skip


ELSEWHERE = {
    "slower", "faster", "small-batches", "large-batches", "longer", "only-begun", "noisy-labels", "wider", "orthogonal",
    "momentum", "rmsprop",
}  # fmt: skip
"""What other frameworks than PyTorch can be made to do here."""


def variants(program: Program, count: int, rng: random.Random) -> dict[str, Program]:
    """As many healthy relatives of the program, by the name of what differs."""
    able = {name: choice for name, choice in CHOICES.items() if program.framework == "torch" or name in ELSEWHERE}
    if program.framework == "torch-game":
        able = {name: CHOICES[name] for name in ("slower", "wider", "large-batches")}
    possible = {name: changed for name, choice in able.items() if (changed := choice(program)) is not None}
    return {name: possible[name] for name in rng.sample(sorted(possible), min(count, len(possible)))}
