"""Counts of a corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any


def summary(labels: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Tables by split: of statuses by family, of classes by family."""
    for split in ("tune", "report"):
        here = [one for one in labels if one["split"] == split]
        status = Counter(one["status"] for one in here)
        yield f"\n{split}: {len(here)} runs, " + ", ".join(f"{count} {name}" for name, count in sorted(status.items()))
        classes = sorted({one["classes"][0] for one in here if one["classes"]})
        yield f"{'family':14s} " + " ".join(f"{name[:11]:>11s}" for name in ("healthy", "harmless", *classes))
        for family in sorted({one["family"] for one in here}):
            row = Counter(
                one["classes"][0] if one["classes"] else one["status"] for one in here if one["family"] == family
            )
            yield f"{family:14s} " + " ".join(f"{row[name]:11d}" for name in ("healthy", "harmless", *classes))
        total = Counter(one["classes"][0] if one["classes"] else one["status"] for one in here)
        yield f"{'all':14s} " + " ".join(f"{total[name]:11d}" for name in ("healthy", "harmless", *classes))
