"""What a detector says of a run, in the same words for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain

import numpy
from numpy.typing import NDArray

from .stream import Flags, Stream


@dataclass(frozen=True)
class Verdict:
    """Healthy, or sick: with a class (an id of gradlog's rules), the first weight and the onset as far as the
    detector tells.
    """

    sick: bool
    rule: str | None = None
    position: int | None = None
    """Position of the first sick weight; None when the detector speaks of the whole network."""
    step: int | None = None
    """Optimizer step of the first symptom."""
    findings: tuple[str, ...] = ()
    """What it says, in sentences, for who reads the misses."""


Baseline = Callable[[Stream], Verdict]

HEALTHY = Verdict(False)


def sick(stream: Stream, rule: str, batch: int, column: int | None, sentence: str) -> Verdict:
    """That a rule was broken in a batch by a weight, or by the network when there is no column."""
    position = None if column is None else int(stream.position[column])
    step = int(stream.step[batch])
    name = "the network" if column is None else stream.weights[column]
    return Verdict(True, rule, position, step, (f"{rule} from step {step}: {name}: {sentence}",))


def first_hit(stream: Stream, hits: Flags, rule: str, sentence: str) -> Verdict:
    """Sick from the first batch on in which a weight hits (one column a weight): that weight, the one nearest
    the input when several do.
    """
    batches = numpy.flatnonzero(hits.any(axis=1))
    if len(batches) == 0:
        return HEALTHY
    return sick(stream, rule, int(batches[0]), int(numpy.argmax(hits[batches[0]])), sentence)


def first_batch(stream: Stream, hits: NDArray[numpy.bool_], rule: str, sentence: str) -> Verdict:
    """Sick from the first batch on that hits, of the network as a whole."""
    batches = numpy.flatnonzero(hits)
    return HEALTHY if len(batches) == 0 else sick(stream, rule, int(batches[0]), None, sentence)


def earliest(*verdicts: Verdict) -> Verdict:
    """The sick verdict with the earliest onset, the one named first when several have it; with the findings
    of all.
    """
    found = sorted((verdict for verdict in verdicts if verdict.sick), key=lambda verdict: verdict.step or 0)
    return (
        replace(found[0], findings=tuple(chain(*(verdict.findings for verdict in found))))
        if found
        else HEALTHY
    )
