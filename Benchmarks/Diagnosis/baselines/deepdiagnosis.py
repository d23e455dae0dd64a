"""DeepDiagnosis's checks of gradients and loss (Wardat et al., ICSE 2022), after every epoch.

The class `mapFaluireToFix` in callback/callbacks.py of DeepDiagnosis/ICSE2022 at 500b017. The tool computes
the gradient of the training set's first batch when an epoch has ended; here the last batch of the epoch is
taken, see `Stream.spans`. Layers are looked at from the output back to the input, the first that is bad ends
the training. The tool looks at dense layers only; here at every kernel. Its checks of layer outputs (dead
nodes, saturation, range), of weights and of accuracy need what is not recorded.
"""

from __future__ import annotations

import numpy

from .deeplocalize import WINDOW, unchanged
from .stream import Stream
from .verdict import HEALTHY, Verdict, sick

VANISHING_THRESHOLD = 1e-7
UNCHANGED = f"the mean gradient did not change in {WINDOW} epochs"


def judge(stream: Stream) -> Verdict:
    """Sick at the end of the first epoch in which the loss is not finite, or did not change in five epochs;
    or a kernel's mean gradient is not finite, zero, or did not change in five epochs, or its mean |g| is
    below 1e-7.
    """
    spans = stream.spans()
    ends = numpy.array([span[-1] for span in spans])
    losses = numpy.array([numpy.mean(stream.loss[span.start : span.stop]) for span in spans])
    for index, batch in enumerate(ends):
        count = index + 1
        window = slice(count - WINDOW, count)
        is_known = stream.loss_known[: batch + 1].all()
        if is_known and not numpy.isfinite(losses[index]):
            return sick(stream, "nonfinite", batch, None, "the loss is not finite")
        if count % WINDOW == 0 and is_known and unchanged(losses[window]):
            return sick(stream, "stagnation", batch, None, f"the loss did not change in {WINDOW} epochs")
        for column in reversed(stream.kernels):
            if stream.nonfinite[batch, column]:
                return sick(stream, "nonfinite", batch, column, "NaN or infinity")
            if stream.mean[batch, column] == 0:
                return sick(stream, "dead", batch, column, "the mean gradient is zero")
            if stream.mean_abs[batch, column] < VANISHING_THRESHOLD:
                return sick(stream, "vanishing", batch, column, f"mean |g| below {VANISHING_THRESHOLD}")
        if count % WINDOW == 0:
            for column in reversed(stream.kernels):
                if unchanged(stream.mean[ends[window], column]):
                    return sick(stream, "stagnation", batch, column, UNCHANGED)
    return HEALTHY
