"""The numbers of a detector on labelled runs, with what is known of their uncertainty."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy
from baselines import Verdict

from .labels import Label

Z95 = 1.959963984540054
NEAR_POSITIONS, NEAR_STEPS = 1, 5
RESAMPLES = 2000


@dataclass(frozen=True)
class Outcome:
    """What is true of a run, and what a detector said."""

    label: Label
    verdict: Verdict

    @property
    def class_is_right(self) -> bool:
        return self.verdict.rule in self.label.classes

    @property
    def weight_is_right(self) -> bool:
        return _is_near(self.verdict.position, self.label.position, NEAR_POSITIONS)

    @property
    def onset_is_right(self) -> bool:
        return _is_near(self.verdict.step, self.label.onset_step, NEAR_STEPS)


def _is_near(said: int | None, true: int | None, distance: int) -> bool:
    return said is not None and true is not None and abs(said - true) <= distance


@dataclass(frozen=True)
class Share:
    """How many of how many."""

    count: int
    total: int

    @classmethod
    def of(cls, outcomes: Iterable[Outcome], holds: Callable[[Outcome], bool]) -> Share:
        held = [holds(outcome) for outcome in outcomes]
        return cls(sum(held), len(held))

    @property
    def value(self) -> float | None:
        return self.count / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's score interval, 95 %."""
        if not self.total:
            return None
        share, square = self.count / self.total, Z95**2 / self.total
        middle = (share + square / 2) / (1 + square)
        half = Z95 * math.sqrt(share * (1 - share) / self.total + square / (4 * self.total)) / (1 + square)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Score:
    """Everything that is reported of one detector. Shares of `flagged` are of the sick runs that it called
    sick, those of `sick` of all sick ones; both of the runs whose label tells the truth.
    """

    precision: Share
    recall: Share
    f1: float | None
    f1_interval: tuple[float, float] | None
    alarms: Share
    alarms_healthy: Share
    alarms_harmless: Share
    class_of_flagged: Share
    class_of_sick: Share
    weight_of_flagged: Share
    weight_of_sick: Share
    onset_of_flagged: Share
    onset_of_sick: Share


def score(outcomes: list[Outcome]) -> Score:
    """Scores a detector on these runs."""
    flagged = [outcome for outcome in outcomes if outcome.verdict.sick]
    sick = [outcome for outcome in outcomes if outcome.label.sick]
    found = [outcome for outcome in sick if outcome.verdict.sick]
    interval = f1_interval(outcomes)

    def alarms(*statuses: str) -> Share:
        return Share.of(
            (each for each in outcomes if each.label.status in statuses), lambda each: each.verdict.sick
        )

    def with_position(some: list[Outcome]) -> list[Outcome]:
        return [outcome for outcome in some if outcome.label.position is not None]

    def with_onset(some: list[Outcome]) -> list[Outcome]:
        return [outcome for outcome in some if outcome.label.onset_step is not None]

    return Score(
        precision=Share.of(flagged, lambda each: each.label.sick),
        recall=Share.of(sick, lambda each: each.verdict.sick),
        f1=f1(len(found), len(flagged), len(sick)),
        f1_interval=interval,
        alarms=alarms("healthy", "harmless"),
        alarms_healthy=alarms("healthy"),
        alarms_harmless=alarms("harmless"),
        class_of_flagged=Share.of(found, lambda each: each.class_is_right),
        class_of_sick=Share.of(sick, lambda each: each.class_is_right),
        weight_of_flagged=Share.of(with_position(found), lambda each: each.weight_is_right),
        weight_of_sick=Share.of(with_position(sick), lambda each: each.weight_is_right),
        onset_of_flagged=Share.of(with_onset(found), lambda each: each.onset_is_right),
        onset_of_sick=Share.of(with_onset(sick), lambda each: each.onset_is_right),
    )


def f1(found: int, flagged: int, sick: int) -> float | None:
    """2·TP ÷ (2·TP + FP + FN), the harmonic mean of precision and recall; None when nothing is sick and
    nothing was flagged.
    """
    return 2 * found / (flagged + sick) if flagged + sick else None


def f1_interval(outcomes: list[Outcome], seed: int = 0) -> tuple[float, float] | None:
    """95 % of the F1 that corpora of as many programs would give: whole programs are drawn with replacement,
    since runs of one program are alike. None for fewer than two programs.
    """
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        program = counts.setdefault(outcome.label.program, Counter())
        program["found"] += outcome.label.sick and outcome.verdict.sick
        program["flagged"] += outcome.verdict.sick
        program["sick"] += outcome.label.sick
    if len(counts) < 2:
        return None
    table = numpy.array(
        [[program["found"], program["flagged"], program["sick"]] for program in counts.values()]
    )
    draws = numpy.random.default_rng(seed).multinomial(
        len(counts), [1 / len(counts)] * len(counts), size=RESAMPLES
    )
    found, flagged, sick = (draws @ table).T
    drawn = flagged + sick > 0
    if not drawn.any():
        return None
    low, high = numpy.quantile(2 * found[drawn] / (flagged + sick)[drawn], [0.025, 0.975])
    return float(low), float(high)
