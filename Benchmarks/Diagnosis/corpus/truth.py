"""What is wrong with a sick run, and where and since when: from the injection and the true tensors, never from a detector."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from corpus.program import Fault
from corpus.trace import Trace

GROWN = 10
"""Times the twins' largest value: from there on a training has exploded."""
DEAD = 0.5
"""Share of a layer's units that are dead."""


@dataclass(frozen=True)
class Truth:
    """``classes``: the acceptable rules, the primary one first. ``position``, ``onset``: None where there is no such thing."""

    classes: tuple[str, ...]
    position: int | None = None
    onset: int | None = None


def first(conditions: Sequence[bool] | np.ndarray) -> int | None:
    """Index of the first that holds."""
    found = np.flatnonzero(np.asarray(conditions, dtype=bool))
    return int(found[0]) if len(found) else None


def array(values: Sequence[float]) -> np.ndarray:
    """As an array in which what is not a number counts as infinite."""
    return np.nan_to_num(np.array(values, dtype=float), nan=math.inf, posinf=math.inf)


def grown(trace: Trace, twins: Sequence[Trace]) -> int | None:
    """The first step at which loss or gradient leaves the range of the twins by far."""
    norm = max(float(array(twin.norm).max()) for twin in twins)
    loss = max(float(array(twin.loss).max()) for twin in twins)
    return first((array(trace.norm) > GROWN * norm) | (array(trace.loss) > GROWN * loss))


def broken(trace: Trace) -> int | None:
    """The first step with a gradient that is not finite."""
    return first(np.array(trace.nonfinite) >= 0)


def died(trace: Trace) -> int | None:
    """The first step from which on most units of a layer stay dead to the end."""
    alive = np.flatnonzero(np.array(trace.dead) < DEAD)
    since = int(alive[-1]) + 1 if len(alive) else 0
    return since if since < len(trace.dead) else None


def oscillates(fault: Fault, trace: Trace, twins: Sequence[Trace]) -> bool:
    """Whether most steps of the second half turn back on the one before; where not the step but the weights were made too
    large, they must do so more than the twins' do, since many a healthy training bounces a little.
    """
    events = fault.program.events
    of_weights = fault.program.init_scale != 1 or any(event.kind == "scale-weights" for event in events)
    usual = [late_cosine(twin) - 0.1 for twin in twins] if of_weights else []
    return late_cosine(trace) < min([-0.1, *usual])


def late_cosine(trace: Trace) -> float:
    """The median in the second half; 0 where there is none."""
    late = np.array(trace.cosine[len(trace.cosine) // 2 :])
    return float(np.nanmedian(late)) if np.isfinite(late).any() else 0.0


def where_grown(trace: Trace, twins: Sequence[Trace], step: int) -> int | None:
    """The first weight beyond the twins' range; None when most of them are, or when the layers are other ones."""
    if trace.names != twins[0].names:
        return None
    largest = np.max([np.nanmax(array_of(twin.rms), axis=0) for twin in twins], axis=0)
    beyond = array_of(trace.rms)[step] > GROWN * largest
    return None if beyond.mean() > 0.6 else first(beyond)


def array_of(rows: Sequence[Sequence[float]]) -> np.ndarray:
    return np.nan_to_num(np.array(rows, dtype=float), nan=math.inf, posinf=math.inf)


def explosion(fault: Fault, trace: Trace, twins: Sequence[Trace]) -> Truth | None:
    """Of a step or a number that is too large: it may explode, kill units, oscillate or saturate."""
    growth, break_, death, bounces = grown(trace, twins), broken(trace), died(trace), oscillates(fault, trace, twins)
    if growth is not None and (break_ is None or growth < break_):
        others = [("nonfinite", break_ is not None), ("dead", death is not None), ("oscillation", bounces)]
        place = None if fault.stage is None else where_grown(trace, twins, growth)
        return Truth(("exploding", *[name for name, is_true in others if is_true][:1]), place, growth)
    if break_ is not None:
        return Truth(("nonfinite",), trace.nonfinite[break_], break_)
    if death is not None and (trace.dead[-1] > 0.95 or not bounces):
        return Truth(("dead", "oscillation") if bounces else ("dead",), trace.dead_position[death], death)
    if bounces:
        return Truth(("oscillation", "dead") if death is not None else ("oscillation",))
    usual = np.median(array(twins[0].norm))
    if np.median(trace.norm[len(trace.norm) // 2 :]) < 1e-3 * usual:
        shrunk = np.array(trace.norm) >= 1e-2 * usual
        return Truth(("vanishing", "stagnation"), None, int(np.flatnonzero(shrunk)[-1]) + 1 if shrunk.any() else 0)
    return Truth(("stagnation", "oscillation")) if stands(trace) else None


def vanishing(fault: Fault, trace: Trace, twins: Sequence[Trace]) -> Truth | None:
    """Gradients that begin small near the input compared with the output, by far more than the twin's do, or small altogether
    compared with the twin's.
    """
    kernels, rms = early_kernels(trace)
    _, theirs = early_kernels(twins[0])
    largest, smallest = rms.max(), rms.min()
    if smallest <= min(1e-2, 0.1 * theirs.min() / theirs.max()) * largest:
        place = kernels[int(np.flatnonzero(rms <= max(10 * smallest, 1e-300))[0])]
        return Truth(("vanishing", "dead") if smallest == 0 else ("vanishing",), place, 0)
    if np.exp(np.mean(np.log(rms))) <= 1e-2 * np.exp(np.mean(np.log(np.maximum(theirs, 1e-30)))):
        return Truth(("vanishing",), None, 0)
    return Truth(("stagnation", "vanishing"), None, 0) if stands(trace) else None


def early_kernels(trace: Trace) -> tuple[list[int], np.ndarray]:
    """Positions of the kernels, and the median of the rms of each in the first steps."""
    early = max(5, len(trace.rms) // 20)
    kernels = [i for i, rank in enumerate(trace.ranks) if rank >= 2]
    return kernels, np.median(array_of(trace.rms)[:early], axis=0)[kernels]


def nonfinite(fault: Fault, trace: Trace, twins: Sequence[Trace]) -> Truth | None:
    break_, growth = broken(trace), grown(trace, twins)
    if break_ is None and any(event.kind == "unit-variance" for event in fault.program.events):
        return None  # The loss was looked at with inputs that had not been divided: it says nothing of the training.
    if break_ is None or (growth is not None and growth < break_ - 1):
        return explosion(fault, trace, twins)
    return Truth(("nonfinite",), trace.nonfinite[break_], break_)


def dead(fault: Fault, trace: Trace, twins: Sequence[Trace]) -> Truth | None:
    """Of killed units; a bad step may have exploded first."""
    death, growth = died(trace), grown(trace, twins)
    if death is None or (growth is not None and growth <= death + 1):
        return explosion(fault, trace, twins)
    classes = ("dead", "vanishing") if trace.dead[death] == 1 else ("dead",)
    return Truth(classes, trace.dead_position[death], max(death, fault.onset))


def stagnation(fault: Fault, trace: Trace, twins: Sequence[Trace]) -> Truth | None:
    """Weights that hardly move: the training must in fact stand, not be slow only."""
    if not stands(trace):
        return None
    return Truth(("stagnation",), None, None if fault.program.schedule == "collapse" else 0)


def stands(trace: Trace) -> bool:
    """Whether hardly anything was learned."""
    return 0.85 * min(trace.progress[0], 1.0) < trace.metric < 1.5 * max(trace.progress[0], 1.0)


def standstill(fault: Fault, trace: Trace, twins: Sequence[Trace]) -> Truth | None:
    """Gradients that are zero, or next to zero, everywhere but near the loss."""
    zeros = np.median(np.array(trace.zeros)[:20], axis=0)
    theirs = np.median(np.array(twins[0].zeros)[:20], axis=0)
    if zeros[0] > 0.99:
        classes = ("stagnation", "dead", "vanishing") if stands(trace) else ("vanishing", "dead")
        return Truth(classes, first((zeros > 0.99) & (theirs < 0.9)), 0)
    if np.median(trace.norm) < 1e-2 * np.median(twins[0].norm):
        return Truth(("stagnation", "vanishing"), None, 0)
    return stagnation(fault, trace, twins)


def underflow(fault: Fault, trace: Trace, twins: Sequence[Trace]) -> Truth | None:
    """Gradients that are zero where the twin's, of more digits, are not."""
    count = min(len(trace.zeros), len(twins[0].zeros))
    kept, theirs = 1 - np.array(trace.zeros)[:count], 1 - np.array(twins[0].zeros)[:count]
    lost = np.less(kept, 0.5 * theirs)
    step = first(lost.any(axis=1))
    if step is None or broken(trace) is not None:
        return None
    return Truth(("underflow",), first(lost[step]), step)


def absent(fault: Fault, trace: Trace, twins: Sequence[Trace]) -> Truth | None:
    step = first(np.array(trace.absent) >= 0)
    return None if step is None else Truth(("absent",), trace.absent[step], step)


def accumulation(fault: Fault, trace: Trace, twins: Sequence[Trace]) -> Truth | None:
    growth, break_ = grown(trace, twins), broken(trace)
    others = [name for name, since in (("exploding", growth), ("nonfinite", break_)) if since is not None]
    return Truth(("accumulating", *others), None, fault.onset)


MECHANISMS: dict[str, Callable[[Fault, Trace, Sequence[Trace]], Truth | None]] = {
    one.__name__: one
    for one in (vanishing, explosion, nonfinite, dead, stagnation, standstill, underflow, absent, accumulation)
}
