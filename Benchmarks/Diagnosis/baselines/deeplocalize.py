"""DeepLocalize's checks of gradients and loss (Wardat et al., ICSE 2021), after every batch.

The class `DeepLocalize` in callback/callbacks.py of DeepDiagnosis/ICSE2022 at 500b017, which has the tool
beside its successor. Layers are looked at from the output back to the input, the first that is bad ends the
training. The tool looks at dense layers only; here at every kernel. Its checks of layer outputs, weights,
output gradients and accuracy need what is not recorded.
"""

from __future__ import annotations

import numpy

from .stream import Floats, Stream
from .verdict import HEALTHY, Verdict, sick

WINDOW = 5
UNCHANGED = f"the mean gradient did not change in {WINDOW} batches"


def unchanged(values: Floats) -> bool:
    """All of the values are equal, tested as the tool does: their mean is their maximum."""
    return bool(numpy.mean(values) == numpy.max(values))


def judge(stream: Stream) -> Verdict:
    """Sick at the first batch in which the loss is not finite, or did not change in five batches; or a
    kernel's mean gradient is not finite, is zero as it was in half of the batches so far, or did not change
    in five batches.
    """
    zero_batches = numpy.cumsum(stream.mean == 0, axis=0)
    for batch in range(stream.batches):
        count = batch + 1
        window = slice(count - WINDOW, count)
        is_checked = count % WINDOW == 0
        if stream.loss_known[batch] and not numpy.isfinite(stream.loss[batch]):
            return sick(stream, "nonfinite", batch, None, "the loss is not finite")
        if is_checked and stream.loss_known[window].all() and unchanged(stream.loss[window]):
            return sick(stream, "stagnation", batch, None, f"the loss did not change in {WINDOW} batches")
        for column in reversed(stream.kernels):
            if stream.nonfinite[batch, column]:
                return sick(stream, "nonfinite", batch, column, "NaN or infinity")
            if stream.mean[batch, column] == 0 and zero_batches[batch, column] >= count / 2:
                return sick(stream, "dead", batch, column, "the mean gradient is zero in half of the batches")
        if is_checked:
            for column in reversed(stream.kernels):
                if unchanged(stream.mean[window, column]):
                    return sick(stream, "stagnation", batch, column, UNCHANGED)
    return HEALTHY
