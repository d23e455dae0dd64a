"""OLMo-core's test for a step that should be skipped.

allenai/OLMo-core at 067267c, src/olmo_core/optim/skip_step_optimizer.py, `get_step_factor`: loss or total
gradient norm are 6 standard deviations from the mean of up to 128 steps before, looked at from the 64th loss
on. It is made to skip rather than to judge; a run with one skipped step is taken to be flagged.
"""

from __future__ import annotations

import numpy

from .stream import Floats, Stream
from .verdict import HEALTHY, Verdict, sick

WINDOW, SIGMAS = 128, 6
WARM_UP = max(20, WINDOW // 2)


def judge(stream: Stream) -> Verdict:
    """Sick at the first step that would be skipped. A score that is NaN is not within bounds either."""
    series = [stream.total_norm] + ([stream.loss] if stream.loss_known.all() else [])
    for batch in range(WARM_UP - 1, stream.batches):
        scores = [_score(values, batch) for values in series]
        if not all(score <= SIGMAS for score in scores):
            rule = "exploding" if all(numpy.isfinite(values[batch]) for values in series) else "nonfinite"
            return sick(stream, rule, batch, None, f"{numpy.max(scores):.3g} deviations from the mean before")
    return HEALTHY


def _score(values: Floats, batch: int) -> float:
    before = values[max(0, batch - WINDOW) : batch]
    with numpy.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return float(numpy.abs(values[batch] - numpy.mean(before)) / numpy.std(before, ddof=1))
