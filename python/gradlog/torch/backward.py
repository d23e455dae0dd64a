"""Gradients of each ``backward()``, before they are added up, clipped or reduced (stage "raw")."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import torch

from gradlog.torch.gradients import Recordable, recordable
from gradlog.torch.parameters import Weights
from gradlog.torch.steps import Recipient, learning_rate, scale_of

_FUNCTION_BACKWARD = torch.autograd.function.BackwardCFunction.apply.__code__


class BackwardTap:
    """Hooks on the weights of all optimizers of a training.

    A tensor hook sees the gradient of one backward pass, summed over all uses of the weight; the hook after accumulation says that
    it was ``backward()`` and not ``torch.autograd.grad()``; the engine's callback says that the pass is over.
    (``register_multi_grad_hook`` would be one call, but makes the user's own ``torch.autograd.grad(loss, parameters)`` raise.)
    """

    def __init__(
        self,
        recipient: Recipient,
        optimizers: dict[str, torch.optim.Optimizer],
        weights: dict[str, Weights],
        scaler: Any,
    ) -> None:
        self._recipient, self._optimizers, self._weights, self._scaler = (
            recipient,
            optimizers,
            weights,
            scaler,
        )
        self._hooks: dict[torch.Tensor, list[Any]] = {}
        self._pass: int | None = None
        self._arrived: dict[torch.Tensor, torch.Tensor] = {}
        self._accumulated: dict[torch.Tensor, torch.Tensor] = {}
        self.watch_new_weights()

    def watch_new_weights(self) -> None:
        """Hooks the weights that were added to an optimizer or unfrozen since."""
        for weights in self._weights.values():
            for _, parameter in weights.current():
                if parameter.requires_grad and parameter not in self._hooks:
                    self._hooks[parameter] = self._hook(parameter)

    def remove(self) -> None:
        """Takes the hooks off the weights."""
        for hooks in self._hooks.values():
            for hook in hooks:
                hook.remove()
        self._hooks.clear()

    def _hook(self, parameter: torch.Tensor) -> list[Any]:
        @torch.compiler.disable  # type: ignore[untyped-decorator]
        def arrived(gradient: torch.Tensor) -> None:
            self._arrived[parameter] = gradient.detach()

        @torch.compiler.disable  # type: ignore[untyped-decorator]
        def accumulated(_: torch.Tensor) -> None:
            try:
                self._accept(parameter)
            except Exception as error:
                self._recipient.fail(error)

        tensor: Any = parameter
        return [tensor.register_hook(arrived), tensor.register_post_accumulate_grad_hook(accumulated)]

    def _accept(self, parameter: torch.Tensor) -> None:
        self._begin_pass()
        gradient = self._arrived.pop(parameter)
        earlier = self._accumulated.get(parameter)  # of a checkpointed segment that uses the weight too
        self._accumulated[parameter] = gradient if earlier is None else earlier + gradient

    def _begin_pass(self) -> None:
        """Has ``flush`` called at the end of the pass that is running; drops what an aborted pass left.

        A reentrant checkpoint runs a pass inside a pass: its gradients belong to the outer one.
        """
        running = torch._C._current_graph_task_id()
        if running == self._pass or _is_inside_a_pass():
            return
        if self._pass is not None:
            self._accumulated.clear()
        self._pass = running
        torch.autograd.Variable._execution_engine.queue_callback(self._end_pass)

    def _end_pass(self) -> None:
        self._pass = None
        try:
            self.flush()
        except Exception as error:
            self._recipient.fail(error)

    @torch.no_grad()
    def flush(self) -> None:
        """Records what the pass brought, for each optimizer of which it touched a weight."""
        gradients, self._accumulated = self._accumulated, {}
        self._arrived.clear()
        if not gradients:
            return
        scale = scale_of(self._scaler)
        for label, weights in self._weights.items():
            named = weights.current()
            if any(parameter in gradients for _, parameter in named):
                found: dict[str, Recordable] = {
                    name: recordable(gradients.get(parameter), parameter, scale) for name, parameter in named
                }
                self._recipient.emit(
                    label,
                    found,
                    loss=None,
                    learning_rate=learning_rate(self._optimizers[label]),
                    loss_scale=scale,
                )


def _is_inside_a_pass() -> bool:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code is _FUNCTION_BACKWARD:
            return True
        frame = frame.f_back
    return False
