"""Gradients at the moment in which an optimizer is about to use them (stage "applied"), and the count of its steps."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any, NamedTuple, Protocol

import torch

from gradlog import GradlogError
from gradlog.torch.gradients import Recordable, recordable
from gradlog.torch.parameters import Weights

NOTHING_TO_APPLY = (
    "optimizer.step() was called while the .grad of every weight was None",
    "call loss.backward() before it, and zero_grad() after it or before backward(), not in between",
)
SCALER_MISSING = (
    (
        "the loss is scaled by a GradScaler of which the recorder of raw gradients does not know, so that what it "
        "records is multiplied by the loss scale"
    ),
    "delete the run and give record(…, scaler=scaler)",
)


class Recipient(Protocol):
    """What a tap hands its gradients to."""

    @property
    def keeps(self) -> bool: ...
    def begin_step(self) -> None: ...
    def emit(
        self,
        optimizer: str,
        gradients: dict[str, Recordable],
        *,
        loss: Any,
        learning_rate: Any,
        loss_scale: float | None,
    ) -> None: ...
    def evaluating(self) -> AbstractContextManager[None]: ...
    def may_step(self, in_closure: bool = False) -> bool: ...
    def end_step(self, optimizer: str, *, skipped: bool) -> None: ...
    def fail(self, error: Exception) -> None: ...
    def mistake(self, problem: str, remedy: str) -> None: ...
    def raise_mistake(self) -> None: ...


class StepTap:
    """Hooks around one optimizer's ``step()``.

    The hook before the step reads ``.grad``: clipped, accumulated, unscaled and reduced as the update rule will have it. With a
    closure there is nothing to read yet, so the closure is wrapped and read after. Nothing that goes wrong here keeps the
    optimizer from its step: a user's mistake is raised when the step is done, anything else is the recipient's to tell.

    When the training is to stop, the gradients are taken out of the optimizer's sight for the time of its step, which then changes
    neither weights nor its own state, as with weights that were not used.
    """

    def __init__(
        self,
        recipient: Recipient,
        optimizer: torch.optim.Optimizer,
        label: str,
        weights: Weights,
        *,
        reads: bool,
        scaler: Any,
    ) -> None:
        """``reads``: whether gradients are read here (stage "applied") or steps only counted (stage "raw")."""
        self._recipient, self._label, self._weights = recipient, label, weights
        self._reads, self._scaler, self._seen = reads, scaler, False
        self._withheld: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._hooks = [
            optimizer.register_step_pre_hook(self._before),
            optimizer.register_step_post_hook(self._after),
        ]

    def remove(self) -> None:
        """Takes the hooks off the optimizer."""
        for hook in self._hooks:
            hook.remove()

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _before(
        self, optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        try:
            caller = _caller(optimizer)
            if caller.is_inner:
                return None
            self._give_back()  # of a step that raised
            scaler = self._scaler or caller.scaler
            if not self._reads and scaler is not None and self._scaler is None:
                self._recipient.mistake(*SCALER_MISSING)
            self._recipient.begin_step()
            closure = kwargs.get("closure") or (args[1] if len(args) > 1 and callable(args[1]) else None)
            if closure is None:
                if self._reads:
                    self._read(optimizer, scaler, None)
                if not self._recipient.may_step():
                    self._withhold(optimizer)
                return None
            wrapped = self._watching(closure, optimizer, scaler)
            if "closure" in kwargs:
                return args, {**kwargs, "closure": wrapped}
            return (args[0], wrapped, *args[2:]), kwargs
        except Exception as error:
            self._recipient.fail(error)
            return None

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _after(self, optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            if _caller(optimizer).is_inner:
                return
            self._recipient.end_step(self._label, skipped=bool(self._withheld) or _will_skip(optimizer))
        except Exception as error:
            self._recipient.fail(error)
        self._give_back()
        self._recipient.raise_mistake()

    def _withhold(self, optimizer: torch.optim.Optimizer) -> None:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._withheld.append((parameter, parameter.grad))
                    parameter.grad = None

    def _give_back(self) -> None:
        for parameter, gradient in self._withheld:
            if parameter.grad is None:
                parameter.grad = gradient
        self._withheld.clear()

    def _watching(
        self, closure: Callable[..., Any], optimizer: torch.optim.Optimizer, scaler: Any
    ) -> Callable[..., Any]:
        def evaluate(*args: Any, **kwargs: Any) -> Any:
            with self._recipient.evaluating():
                loss = closure(*args, **kwargs)
            if self._reads:
                try:
                    self._read(optimizer, scaler, closure_loss=loss, in_closure=True)
                except Exception as error:
                    self._recipient.fail(error)
            if not self._recipient.may_step(in_closure=True):
                self._withhold(optimizer)
            return loss

        return evaluate

    @torch.no_grad()
    def _read(
        self, optimizer: torch.optim.Optimizer, scaler: Any, closure_loss: Any, in_closure: bool = False
    ) -> None:
        weights = self._weights.current()
        if all(parameter.grad is None for _, parameter in weights):
            if in_closure and closure_loss is None:  # the closure gave up on this batch
                return
            if not self._seen:
                self._recipient.mistake(*NOTHING_TO_APPLY)
                return
        self._seen = True
        if _will_skip(optimizer):
            return
        # A fused optimizer gets the scale from the GradScaler and divides inside its kernel: .grad is still scaled here.
        pending = getattr(optimizer, "grad_scale", None)
        divisor = None if pending is None else float(pending)
        gradients: dict[str, Recordable] = {}
        for name, parameter in weights:
            # Gathers sharded ones: in every process.
            gradient = recordable(parameter.grad, parameter, divisor)
            gradients[name] = gradient if self._recipient.keeps else None
        self._recipient.emit(
            self._label,
            gradients,
            loss=closure_loss,
            learning_rate=learning_rate(optimizer),
            loss_scale=divisor or scale_of(scaler),
        )


def learning_rate(optimizer: torch.optim.Optimizer) -> Any:
    """The learning rate of the optimizer's first group of weights; None when it has none."""
    return optimizer.param_groups[0].get("lr")


def scale_of(scaler: Any) -> float | None:
    """The factor by which the scaler multiplies the loss; None without an enabled scaler."""
    return float(scaler.get_scale()) if scaler is not None and scaler.is_enabled() else None


def check_scaler(scaler: Any) -> None:
    """Refuses what is no GradScaler."""
    if scaler is not None and not (hasattr(scaler, "get_scale") and hasattr(scaler, "is_enabled")):
        raise GradlogError(f"scaler must be a torch.amp.GradScaler, not a {type(scaler).__name__}")


def _will_skip(optimizer: torch.optim.Optimizer) -> bool:
    """Whether a fused optimizer found infinite gradients and will leave the weights alone."""
    found = getattr(optimizer, "found_inf", None)
    return found is not None and float(found) > 0


class _Caller(NamedTuple):
    is_inner: bool
    scaler: Any


_STEP_OF_SCALER = torch.amp.GradScaler.step.__code__


def _caller(optimizer: torch.optim.Optimizer) -> _Caller:
    """Who calls ``step()``: the same optimizer's ``step()`` (a subclass that calls ``super().step()``; torch runs the hooks for
    both), and a GradScaler. Read from the stack, since a flag would stay set when a step raises.
    """
    hooked, scaler = 0, None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code.co_name == "wrapper" and code.co_filename.endswith("optimizer.py"):
            hooked += frame.f_locals.get("self") is optimizer
        elif code is _STEP_OF_SCALER and frame.f_locals.get("optimizer") is optimizer:
            candidate = frame.f_locals["self"]
            scaler = candidate if candidate.is_enabled() else None
        frame = frame.f_back
    return _Caller(hooked > 1, scaler)
