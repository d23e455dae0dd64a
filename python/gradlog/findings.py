"""What a recorder says about a training while it runs."""

from __future__ import annotations

from typing import NamedTuple

from gradlog._library import CFinding


class Finding(NamedTuple):
    """What a rule began to say about one weight."""

    rule: str
    """``nonfinite``, ``exploding``, ``all-zero`` or ``vanishing``"""
    severity: str
    """``warning`` or ``critical``"""
    weight: str
    epoch: int
    batch: int
    step: int
    value: float
    """What the rule judges: non-finite elements, norm, share of zeros, mean magnitude."""
    threshold: float
    advice: str
    """What to try."""

    def __str__(self) -> str:
        return (
            f'{self.rule} gradient of "{self.weight}" in epoch {self.epoch}, batch {self.batch}: '
            f"{self.value:g}; {self.advice}"
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
        finding.weight.decode(),
        finding.epoch,
        finding.batch,
        finding.step,
        finding.value,
        finding.threshold,
        finding.advice.decode(),
    )
