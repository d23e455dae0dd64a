"""Amazon SageMaker Debugger's built-in rules for gradients and losses.

The rules' code is closed. Formulas and defaults are those of "List of Debugger Built-in Rules",
awsdocs/amazon-sagemaker-developer-guide doc_source/debugger-built-in-rules.md at 1c4d5ff;
awslabs/sagemaker-debugger-rulesconfig ruleConfigs.json at 01285dc sets no parameter of them. That file also
saves tensors in every 500th step only. Here every recorded batch is looked at: more than a user of the
defaults gets. DeadRelu and SaturatedActivation need activations, WeightUpdateRatio and UnchangedTensor
weights.
"""

from __future__ import annotations

import numpy

from .stream import Stream
from .verdict import HEALTHY, Verdict, earliest, first_hit, sick

VANISHING_THRESHOLD = 1e-7
INITIALIZATION_STEPS = 10
INITIALIZATION_SPREAD = 0.001
LOSS_STEPS = 10


def vanishing_gradient(stream: Stream) -> Verdict:
    """VanishingGradient: mean(|g|) < 1e-7."""
    hits = stream.mean_abs < VANISHING_THRESHOLD
    return first_hit(stream, hits, "vanishing", f"mean |g| below {VANISHING_THRESHOLD}")


def exploding_tensor(stream: Stream) -> Verdict:
    """ExplodingTensor: any NaN or infinity; there is no test of a magnitude."""
    return first_hit(stream, stream.nonfinite, "nonfinite", "NaN or infinity")


def all_zero(stream: Stream) -> Verdict:
    """AllZero: 100 % of the elements are zero."""
    return first_hit(stream, stream.zero_share >= 1, "dead", "every element is zero")


def tensors(stream: Stream) -> Verdict:
    """The three rules above together. What is all zero also vanishes: the narrower rule names it."""
    return earliest(exploding_tensor(stream), all_zero(stream), vanishing_gradient(stream))


def poor_weight_initialization(stream: Stream) -> Verdict:
    """PoorWeightInitialization, its part on gradients: in one of the first 10 steps a gradient's 95th and 5th
    percentile are less than 0.001 apart. `Stream.spread` tells how the percentiles are had from those of |g|.
    The variance of activations is not recorded.
    """
    hits = stream.spread < INITIALIZATION_SPREAD
    hits[INITIALIZATION_STEPS:] = False
    return first_hit(stream, hits, "vanishing", f"P95 − P5 below {INITIALIZATION_SPREAD}")


def loss_not_decreasing(stream: Stream) -> Verdict:
    """LossNotDecreasing: every 10 steps, the loss is not below that of 10 steps before. `diff_percent` has no
    default, so any decrease will do. The rule names no cause; stagnation is the class nearest to it.
    """
    known = numpy.flatnonzero(stream.loss_known)[::LOSS_STEPS]
    for before, now in zip(known, known[1:]):
        if not stream.loss[now] < stream.loss[before]:
            sentence = (
                f"loss {stream.loss[now]:.4g} after {stream.loss[before]:.4g} {LOSS_STEPS} steps before"
            )
            return sick(stream, "stagnation", int(now), None, sentence)
    return HEALTHY
