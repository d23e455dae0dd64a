"""What the tap tells its listeners about one application of an optimizer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from gradlog import GradlogError

Stage = Literal["raw", "applied"]


def checked_stage(stage: str) -> Stage:
    """The stage, if it is one.

    Raises:
        GradlogError: when it is neither ``raw`` nor ``applied``.
    """
    if stage not in ("raw", "applied"):
        raise GradlogError(
            f"there is no stage {stage!r}",
            "pass stage='raw', the gradient before accumulation and clipping, or stage='applied', what the update "
            "rule consumes",
        )
    return stage


@dataclasses.dataclass(frozen=True)
class GradientEvent:
    """The gradients of one application of an optimizer."""

    stage: Stage
    epoch: int
    """Zero-based, as fit() counts."""
    batch: int
    """Zero-based, restarts in each epoch."""
    optimizer: str
    """Which of several optimizers; empty when there is one."""
    call: int
    """Which application of that optimizer within the batch."""
    gradients: Mapping[str, Any]
    """By the weights' names, from the input towards the loss: an array, a ``RowSparse``, None for an absent
    gradient, or ``FROZEN`` for one that is absent because the weight is not trained. Arrays may share memory with the training: a listener copies what it keeps before it returns."""
    step: int
    """Optimizer steps before this one, as the optimizer counts."""
    loss: float | None = None
    learning_rate: float | None = None
    loss_scale: float | None = None


class Listener(Protocol):
    """Who is told of gradients."""

    stage: Stage

    @property
    def stopped(self) -> Any:
        """Why the training is to end; None as long as it is not."""

    def before_step(self) -> None:
        """Called before each training step; the first one may still have to build the model."""

    def wants(self, epoch: int, batch: int) -> bool:
        """Whether the gradients of this batch are to be fetched."""

    def receive(self, event: GradientEvent) -> None:
        """Takes the gradients of one application."""

    def after_step(self) -> None:
        """Called after each training step."""

    def abandoned(self) -> None:
        """Called when the fit() that had this listener was interrupted and the model is trained on without it."""
