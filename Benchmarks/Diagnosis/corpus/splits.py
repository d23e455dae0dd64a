"""On which side a family of architectures stands: thresholds are tuned on some, accuracy is reported on the others."""

from __future__ import annotations

REPORTED = frozenset({
    "inception", "shuffle", "capsule", "text-cnn", "deep-sets", "perceiver", "mixture-density", "factorization",
    "keras-inception",
})  # fmt: skip
"""Families of which no threshold has seen a program. Once a family's runs have been looked at to improve a detector, it
belongs to the others, and new ones have to take its place.
"""


def split_of(family: str) -> str:
    """``report`` or ``tune``."""
    return "report" if family in REPORTED else "tune"
