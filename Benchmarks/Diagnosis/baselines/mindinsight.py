"""MindInsight's recommended watchpoints on gradients.

mindspore-ai/mindinsight at 0ee0a58, mindinsight/debugger/conditionmgr/recommender.py:
`_recommend_gradient_vanishing` (abs_mean_lt 1e-9), `_recommend_tensor_overflow`, `_recommend_tensor_all_zero`
(zero_percentage_ge 100). GRADIENT_TOO_LARGE has no recommended value, and the watchpoints of weights and
activations need what is not recorded.
"""

from __future__ import annotations

from .stream import Stream
from .verdict import Verdict, earliest, first_hit

VANISHING_THRESHOLD = 1e-9


def judge(stream: Stream) -> Verdict:
    """Sick at the first gradient with NaN or infinity, of zeros only, or with a mean |g| below 1e-9. What is
    all zero also vanishes: the narrower condition names it.
    """
    vanishes = stream.mean_abs < VANISHING_THRESHOLD
    return earliest(
        first_hit(stream, stream.nonfinite, "nonfinite", "NaN or infinity"),
        first_hit(stream, stream.zero_share >= 1, "dead", "every element is zero"),
        first_hit(stream, vanishes, "vanishing", f"mean |g| below {VANISHING_THRESHOLD}"),
    )
