"""What stands for a gradient that is absent on purpose."""

from __future__ import annotations

import enum
from typing import Final


class Frozen(enum.Enum):
    """The type of ``FROZEN``, for annotations."""

    FROZEN = "frozen"

    def __repr__(self) -> str:
        return "gradlog.FROZEN"


FROZEN: Final = Frozen.FROZEN
"""Given in place of a gradient: there is none, because the training holds the weight fixed."""
