"""What a recorder says about a training while it runs."""

from __future__ import annotations


import math
from typing import NamedTuple

from gradlog._library import CFinding


class Finding(NamedTuple):
    """What a rule began to say, about one weight or the whole network of an optimizer."""

    rule: str
    """``nonfinite``, ``exploding``, ``vanishing``, ``dead``, ``stagnation``, ``oscillation``, ``underflow``, ``absent`` or
    ``accumulating``"""
    severity: str
    """``warning`` or ``critical``"""
    weight: str | None
    """None when it is about the whole network."""
    epoch: int
    """Where the trouble began, like ``batch`` and ``step``."""
    batch: int
    step: int
    value: float
    """What the rule judges; docs/FileFormat.md tells the units of the rules."""
    threshold: float
    """The bound that the value broke, in the same unit."""
    baseline: float | None
    """What the value was before or should be, in the same unit; None when that is not known."""
    evidence: str
    """What was seen, as one sentence."""
    advice: str
    """What to try, as one sentence."""
    optimizer: str
    """Which of several has the batches that show it; empty when there is one."""

    def __str__(self) -> str:
        of_optimizer = f" of optimizer '{self.optimizer}'" if self.optimizer else ""
        return (
            f"{self.severity} {self.rule}{of_optimizer} since epoch {self.epoch}, batch {self.batch}: "
            f"{self.evidence}; {self.advice}"
        )


class Losses(NamedTuple):
    """What could not be recorded."""

    batches: int
    """Batches of which nothing is in the file."""
    values: int
    """Gradients whose statistics are in the file and whose values are not, though they should be."""
    failure: str | None
    """The first failure; None when there was none."""


def read(finding: CFinding) -> Finding:
    """A finding of the library, copied."""
    return Finding(
        finding.rule.decode(),
        finding.severity.decode(),
        finding.weight.decode() or None,
        finding.epoch,
        finding.batch,
        finding.step,
        finding.value,
        finding.threshold,
        None if math.isnan(finding.baseline) else finding.baseline,
        finding.evidence.decode(),
        finding.advice.decode(),
        finding.optimizer.decode(),
    )
