"""What a training program is, and how a fault changes it."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from corpus.splits import split_of


@dataclass(frozen=True)
class Event:
    """Something that happens to a training while it runs.

    ``kind``: ``learning-rate`` and ``scale-input`` multiply by ``value``, ``poison`` puts ``value`` (NaN or infinity) into
    one feature of the batch, ``unit-variance`` divides each feature of the batch by its deviation, ``kill`` silences the share ``value`` of the units of a stage, ``freeze`` takes a stage out of the
    training, ``scale-weights`` multiplies the weights of a stage. The last three happen once.
    """

    kind: str
    step: int
    value: float = 1.0
    stage: int = 0
    until: int | None = None
    period: int = 1

    def is_on(self, step: int) -> bool:
        """Whether it happens in this step."""
        ended = self.until is not None and step >= self.until
        return step >= self.step and not ended and (step - self.step) % self.period == 0


@dataclass(frozen=True)
class Program:
    """Architecture, data, loss and optimizer of a training: everything but the seed.

    ``expects``: what a healthy run of it does: ``learns``; ``noisy``, it can learn a little only; ``begun``, it is cut off early;
    ``tuned``, it begins from trained weights and stays good; ``game``, two sides play against each other. ``edges``: factors by which the learning rate is at the edge of what
    the training bears, found by trying.
    """

    name: str
    family: str
    dataset: str
    network: str
    shape: Mapping[str, Any] = field(default_factory=dict)
    loss: str = "cross-entropy"
    optimizer: str = "adam"
    lr: float = 1e-3
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: str = "constant"
    clip: float | None = None
    batch_size: int = 32
    batches: int = 200
    expects: str = "learns"
    label_noise: float = 0.0
    pretraining: int = 0
    framework: str = "torch"
    edges: tuple[float, ...] = ()
    precision: str = "float32"  # or float16, or mixed: float32 weights, float16 products

    # What faults change.
    init_scale: float = 1.0
    zero_init: bool = False
    hidden_bias: float | None = None
    output_bias: float = 0.0
    input_scale: float = 1.0
    target_scale: float = 1.0
    loss_factor: float = 1.0
    zero_grad_every: int = 1
    zero_grad_from: int = 0
    updates: str = "all"
    detached_after: int | None = None
    events: tuple[Event, ...] = ()

    @property
    def split(self) -> str:
        """``tune`` or ``report``."""
        return split_of(self.family)

    def changed(self, **changes: Any) -> Program:
        """The same with other values; ``shape`` is merged into the old one."""
        if "shape" in changes:
            changes["shape"] = {**self.shape, **changes["shape"]}
        return replace(self, **changes)


def programs_of(
    family: str, network: str, loss: str = "cross-entropy", framework: str = "torch"
) -> Callable[..., Program]:
    """Makes programs of one family."""
    def program(name: str, dataset: str, shape: dict[str, object], **rest: Any) -> Program:
        return Program(
            f"{family}-{name}", family, dataset, network, shape, **{"loss": loss, "framework": framework, **rest}
        )

    return program


def in_mid_run(program: Program, rng: random.Random) -> int:
    """A step between a tenth and the half of the training."""
    return rng.randint(program.batches // 10 + 1, program.batches // 2)


@dataclass(frozen=True)
class Fault:
    """A change of a healthy program, and how the truth about it is found (see ``truth``).

    ``mechanism``: what the change is meant to cause. ``onset``: the step from which the gradients are of the changed program.
    ``stage``: the stage that was changed, None when it is all of them.
    """

    name: str
    mechanism: str
    program: Program
    onset: int = 0
    stage: int | None = None


@dataclass(frozen=True)
class Run:
    """One training of the corpus. ``twin``: the name of the healthy run that a fault is held against."""

    name: str
    program: Program
    seed: int
    fault: Fault | None = None
    twin: str | None = None
    recorded: bool = True

    @property
    def backend(self) -> str:
        """What Keras has to run on in the process that trains it."""
        return "jax" if self.program.framework == "keras-jax" else "torch"

    @property
    def chance(self) -> int:
        """A number that follows from the name, for choices that have nothing to do with the training."""
        return zlib.crc32(self.name.encode())

    @property
    def records_loss(self) -> bool:
        """Four of five do, and those that nothing else could show to be wrong: weights that do not move, and an explosion
        whose gradients are clipped. Keras and our trainer always do.
        """
        if self.program.framework not in ("torch", "torch-game"):
            return True
        fault = self.fault
        hidden = fault is not None and (fault.mechanism == "stagnation" or self.program.clip is not None)
        return hidden or self.chance % 5 != 0

    @property
    def stage(self) -> str:
        """Which gradient is recorded: one of three runs records the raw one, unless only the other can show the fault."""
        if self.program.updates == "none":
            return "raw"
        if self.program.zero_grad_every != 1:
            return "applied"
        return "raw" if self.chance // 5 % 3 == 0 else "applied"
