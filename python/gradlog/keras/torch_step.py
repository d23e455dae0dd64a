"""The training step on torch: eager, so that gradients are handed over where they reach the optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .event import Stage
from .optimizers import Watched
from .tap import Tap


def tapped_step(tap: Tap) -> Callable[..., Any]:
    """Builds a ``train_function`` that tells the tap of the gradients."""
    model = tap.model
    losses: list[Any] = []
    compute_loss = model.compute_loss

    @torch.compiler.disable
    def keep_loss(loss: Any) -> None:
        losses[:] = [loss]

    def computed_loss(*arguments: Any, **named: Any) -> Any:
        loss = compute_loss(*arguments, **named)
        keep_loss(loss)
        return loss

    @torch.compiler.disable
    def observer(stage: Stage, watched: Watched, gradients: list[Any], variables: list[Any]) -> None:
        site = tap.sites.describe(stage, watched, variables)
        numbers = watched.numbers()
        scale = numbers.get("loss_scale") if stage == "raw" else None

        def arrays() -> dict[int, Any]:
            return {
                place: (gradient if scale is None else gradient / scale).detach()
                for place, gradient in enumerate(gradients)
                if gradient is not None
            }

        tap.emit(
            site, arrays, loss=losses[0].detach() if losses and losses[0] is not None else None, **numbers
        )

    tap.patches.set(model, "compute_loss", computed_loss)
    tap.observe(observer)
    if model.jit_compile:
        # Else torch.compile runs what it compiled without the tap, and afterwards what it compiled with it.
        torch.compiler.reset()
        tap.patches.then(torch.compiler.reset)
    model.make_train_function(force=True)
    step = model.train_function

    def train_function(data: Any) -> Any:
        losses.clear()
        tap.begin_step()
        return step(data)

    return train_function
