"""Streams and outcomes made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy
from baselines import Stream, Verdict
from scoring.labels import Label
from scoring.measures import Outcome


def stream(
    batches: int = 1, dimensions: Sequence[int] = (2, 1, 2, 1), *, epochs: int = 1, **columns: object
) -> Stream:
    """A healthy run of weights with these numbers of dimensions at positions 0, 1, …; every statistic can be
    given instead.
    """
    shape = (batches, len(dimensions))
    fields: dict[str, object] = {
        "loss": numpy.linspace(2, 1, batches),
        "norm": numpy.ones(shape),
        # Not the same twice, as in any training.
        "mean": 0.1 + 0.001 * numpy.arange(batches * len(dimensions)).reshape(shape),
        "mean_abs": numpy.full(shape, 0.5),
        "zero_share": numpy.zeros(shape),
        "element_count": numpy.full(shape, 10.0),
        "nonfinite": numpy.zeros(shape, dtype=bool),
        "spread": numpy.ones(shape),
        **columns,
    }
    return Stream(
        run="run",
        step=100 + numpy.arange(batches),
        epoch=numpy.arange(batches) * epochs // batches,
        loss_known=fields.pop("loss_known", numpy.ones(batches, dtype=bool)),
        weights=[f"w{index}" for index in range(len(dimensions))],
        position=numpy.arange(len(dimensions)),
        dimensions=numpy.array(dimensions),
        present=fields.pop("present", numpy.ones(shape, dtype=bool)),
        **fields,
    )


def with_values(
    values: dict[tuple[int, int], float], batches: int, otherwise: float = 1.0, weights: int = 4
) -> numpy.ndarray:
    """A statistic that is `otherwise` but in these (batch, weight)."""
    array = numpy.full((batches, weights), otherwise)
    for where, value in values.items():
        array[where] = value
    return array


def told(verdict: Verdict) -> tuple[str | None, int | None, int | None]:
    """Class, position and batch; the first step of a stream by hand is 100."""
    assert verdict.sick == bool(verdict.findings)
    return verdict.rule, verdict.position, None if verdict.step is None else verdict.step - 100


NOTHING = (None, None, None)


def outcome(
    status: str,
    said: Verdict,
    classes: Sequence[str] = ("vanishing",),
    position: int | None = 2,
    onset: int | None = 10,
    program: str = "a",
    family: str = "mlp",
    split: str = "report",
) -> Outcome:
    is_sick = status == "sick"
    label = Label(
        run="run",
        file=Path("run.db"),
        program=program,
        family=family,
        split=split,
        fault="none" if status == "healthy" else "fault",
        status=status,
        classes=tuple(classes) if is_sick else (),
        position=position if is_sick else None,
        onset_step=onset if is_sick else None,
    )
    return Outcome(label, said)
