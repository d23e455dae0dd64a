"""The alarms of Ascend msprobe's monitor.

Ascend/msprobe at 8ff00da: `AnomalyTurbulence` and `AnomalyNan` in
python/msprobe/core/monitor/anomaly_processor.py, the running mean in `_update_tag2scalars` of
pytorch/monitor/data_writers.py (weight 0.99, of the magnitude, before the current value enters), thresholds
of docs/en/monitor_instruct.md (0.5 and 1e10: there are no others).
"""

from __future__ import annotations

import numpy

from .stream import Flags, Floats, Stream
from .verdict import Verdict, earliest, first_hit

BETA = 0.99
DEVIATION = 0.5
LARGEST = 1e10
SENTENCE = f"{DEVIATION:.0%} above its running mean"


def anomaly_nan(stream: Stream) -> Verdict:
    """AnomalyNan: NaN, or a magnitude above 1e10 (of the norm, which no mean or extreme of the same gradient
    exceeds).
    """
    hits = stream.present & (numpy.isnan(stream.norm) | (stream.norm > LARGEST)) & (stream.element_count > 0)
    return earliest(
        first_hit(stream, hits & stream.nonfinite, "nonfinite", "NaN or infinity"),
        first_hit(stream, hits & ~stream.nonfinite, "exploding", f"norm above {LARGEST:g}"),
    )


def turbulence(stream: Stream) -> Verdict:
    """AnomalyTurbulence with AnomalyNan before it, as in the manual: the norm or the mean of a gradient is
    half as large again as its running mean.
    """
    hits = _deviates(stream.norm, stream.present) | _deviates(stream.mean, stream.present)
    return earliest(anomaly_nan(stream), first_hit(stream, hits, "exploding", SENTENCE))


def turbulence_of_norms(stream: Stream) -> Verdict:
    """The same of the norm alone, since the mean of a gradient may be near zero."""
    hits = _deviates(stream.norm, stream.present)
    return earliest(anomaly_nan(stream), first_hit(stream, hits, "exploding", SENTENCE))


def _deviates(values: Floats, present: Flags) -> Flags:
    """Where a magnitude is above the running mean of those before; the first is its own mean."""
    hits = numpy.zeros(values.shape, dtype=bool)
    average = numpy.zeros(values.shape[1])
    is_started = numpy.zeros(values.shape[1], dtype=bool)
    with numpy.errstate(invalid="ignore", over="ignore"):
        for batch, magnitude in enumerate(numpy.abs(values)):
            is_here = present[batch]
            average = numpy.where(is_here & ~is_started, magnitude, average)
            is_started |= is_here
            hits[batch] = is_here & (magnitude > average * (1 + DEVIATION))
            average = numpy.where(is_here, BETA * average + (1 - BETA) * magnitude, average)
    return hits
