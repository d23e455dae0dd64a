"""AutoTrainer's gradient rules (Zhang et al., ICSE 2021).

shiningrain/AUTOTRAINER at 04f4033: `gradient_issue` and `IssueMonitor.determine` in
AutoTrainer/utils/monitor.py, thresholds in `default_param` of utils.py, `checktype='epoch_3'` and
`determine_threshold=1` in `model_train`. The tool computes the gradient of the training set's first batch, at
the ends of epochs 0, 3, 6, …; here the last batch of such an epoch is taken, see `Stream.spans`.

Vanishing, exploding and dying gradients are reported only when accuracy is bad too: none of the epochs
reached 0.7 (`Theta`), or none gained 0.01 (`delta`), looked at from 30 % of the epochs on. Accuracy is not
recorded. In its place stands the epoch's mean loss as a share of the first batch's loss: bad when it is never
below 0.7, or never falls by 0.01 from one epoch to the next. A bad sign once seen stays: both the features
and the gate are kept from check to check, as the tool does. A run without loss has no gate that could open.
"""

from __future__ import annotations

import numpy

from .stream import Floats, Stream
from .verdict import HEALTHY, Verdict, sick

RATIO_LOW, NORM_LOW, RATIO_HIGH, ZERO_SHARE = 1e-3, 1e-4, 70, 0.7
SATISFIED_SHARE, SLOW_GAIN = 0.7, 0.01
CHECK_EVERY, JUDGED_FROM = 3, 0.3


def gated(stream: Stream) -> Verdict:
    """The published rules, reported when the loss is bad as well."""
    return _judge(stream, needs_bad_loss=True)


def ungated(stream: Stream) -> Verdict:
    """The rules on gradients alone."""
    return _judge(stream, needs_bad_loss=False)


def _judge(stream: Stream, needs_bad_loss: bool) -> Verdict:
    spans = stream.spans()
    losses = numpy.array([numpy.mean(stream.loss[span.start : span.stop]) for span in spans])
    knows_loss = bool(stream.loss_known.all())
    seen: dict[str, Verdict] = {}
    is_bad = not needs_bad_loss
    for index in range(0, len(spans), CHECK_EVERY):
        batch = spans[index][-1]
        seen = _features(stream, batch) | seen
        if knows_loss and not numpy.isfinite(losses[: index + 1]).all():
            seen.setdefault("nonfinite", sick(stream, "nonfinite", batch, None, "the loss is not finite"))
        if "nonfinite" in seen:
            return seen["nonfinite"]
        if knows_loss and index + 1 >= JUDGED_FROM * len(spans):
            is_bad = is_bad or _is_bad(losses[: index + 1], float(stream.loss[0]))
        for rule in ("dead", "exploding", "vanishing"):
            if is_bad and rule in seen:
                return seen[rule]
    return HEALTHY


def _features(stream: Stream, batch: int) -> dict[str, Verdict]:
    """What is wrong with the gradients of a batch, by class; the weight is the first kernel, whose norm is
    compared.
    """
    found = numpy.flatnonzero(stream.nonfinite[batch])
    if len(found):
        return {"nonfinite": sick(stream, "nonfinite", batch, int(found[0]), "NaN or infinity")}
    hits: dict[str, tuple[int | None, str]] = {}
    kernels = [int(column) for column in stream.kernels if stream.present[batch, column]]
    if kernels:
        first, last = stream.norm[batch, kernels[0]], stream.norm[batch, kernels[-1]]
        with numpy.errstate(divide="ignore", invalid="ignore"):
            ratio = numpy.divide(first, last)
        sentence = f"norm {first:.3g}, {ratio:.3g} times the last kernel's"
        if ratio < RATIO_LOW and first < NORM_LOW:
            hits["vanishing"] = kernels[0], sentence
        if ratio > RATIO_HIGH:
            hits["exploding"] = kernels[0], sentence
    counts = stream.element_count[batch]
    zeros = numpy.nansum(stream.zero_share[batch] * counts) / max(numpy.nansum(counts), 1)
    if zeros >= ZERO_SHARE:
        hits["dead"] = None, f"{zeros:.0%} of all elements are zero"
    return {rule: sick(stream, rule, batch, *hit) for rule, hit in hits.items()}


def _is_bad(losses: Floats, at_first: float) -> bool:
    """Whether the mean losses of the epochs so far stand for a bad accuracy."""
    gains = -numpy.diff(losses)
    is_slow = len(gains) > 0 and gains.max() < SLOW_GAIN * at_first
    return bool(losses.min() >= SATISFIED_SHARE * at_first or is_slow)
