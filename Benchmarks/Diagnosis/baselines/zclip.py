"""ZClip's test for a spike of the total gradient norm (Kumar et al., arXiv 2504.02507).

bluorion-com/ZClip at 1acb085, zclip/zclip.py: mode zscore with adaptive scaling, alpha 0.97, z_thresh 2.5, 25
steps of warm-up, eps 1e-6, skip_update_on_spike off. It is made to clip rather than to judge; a run with one
spike is taken to be flagged.
"""

from __future__ import annotations

import numpy

from .stream import Stream
from .verdict import HEALTHY, Verdict, sick

ALPHA, THRESHOLD, EPSILON, WARM_UP = 0.97, 2.5, 1e-6, 25


def judge(stream: Stream) -> Verdict:
    """Sick at the first norm that is more than 2.5 deviations above the running mean. After a NaN nothing is
    above anything.
    """
    norms = stream.total_norm
    with numpy.errstate(invalid="ignore", over="ignore"):
        mean = numpy.mean(norms[:WARM_UP])
        variance = numpy.mean((norms[:WARM_UP] - mean) ** 2)
        for batch in range(WARM_UP, stream.batches):
            z = (norms[batch] - mean) / (numpy.sqrt(variance) + EPSILON)
            if z > THRESHOLD:
                rule = "nonfinite" if numpy.isinf(norms[batch]) else "exploding"
                return sick(
                    stream,
                    rule,
                    batch,
                    None,
                    f"norm {norms[batch]:.3g} is {z:.3g} deviations above its running mean",
                )
            mean = ALPHA * mean + (1 - ALPHA) * norms[batch]
            variance = ALPHA * variance + (1 - ALPHA) * (norms[batch] - mean) ** 2
    return HEALTHY
