"""What the package says on stderr."""

from __future__ import annotations

import contextlib
import sys


def complain(sentence: str) -> None:
    """Says something in one line. A stderr that is closed, broken or missing is no reason to end a training."""
    if sys.stderr is None:
        return  # print() would take stdout instead
    with contextlib.suppress(OSError, ValueError):
        print(f"gradlog: {sentence}", file=sys.stderr, flush=True)
