"""On which side a family of architectures stands: thresholds are tuned on some, accuracy is reported on the others."""

from __future__ import annotations

REPORTED = frozenset({
    "mixer", "depthwise", "densenet", "unet", "tcn", "seq2seq", "vit", "highway", "siamese", "vae", "graph", "two-tower",
    "wide-deep", "experts", "siren", "keras-recurrent", "keras-transformer",
})  # fmt: skip
"""Families of which no threshold has seen a program. Once a family's runs have been looked at to improve a detector, it
belongs to the others, and new ones have to take its place.
"""


def split_of(family: str) -> str:
    """``report`` or ``tune``."""
    return "report" if family in REPORTED else "tune"
