"""Records the gradients of a Hugging Face training.

    trainer = Trainer(…, callbacks=[gradlog.transformers.GradientRecorder("runs.db", run="gpt2")])

A loop of one's own with Accelerate is recorded by ``gradlog.torch.record(model, optimizer, "runs.db")``, with what
``accelerator.prepare`` returned.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
import transformers

import gradlog.torch
from gradlog import GradlogError, Recorder
from gradlog.torch.recording import GradientRecording
from gradlog.torch.steps import scale_of

__all__ = ["GradientRecorder"]


class GradientRecorder(transformers.TrainerCallback):
    """A callback that records every gradient of ``trainer.train()``; in several processes each one writes its own file.

    The arguments are those of ``gradlog.torch.record``. In stage ``applied`` there is one record for each optimizer step, of the
    gradient *after* clipping: the Trainer clips to ``max_grad_norm=1.0`` unless told otherwise. ``raw`` is one record for each
    batch, before clipping. Step is ``state.global_step``; batch counts the batches of the epoch, so that with accumulation a step
    is recorded under its last batch. The loss is the one that the Trainer differentiates (it divides by the number of items of all
    accumulated batches, and so differs from ``model(**batch).loss``), summed over the step in stage ``applied``; none is recorded
    when the Trainer computes it outside of the model (``compute_loss_func``, label smoothing) or compiles the model. When
    ``stop_on`` is met, the step is not taken and ``control.should_training_stop`` is set.
    """

    def __init__(
        self,
        file: str | os.PathLike[str] | Recorder,
        run: str | None = None,
        *,
        stage: str = "applied",
        **options: Any,
    ) -> None:
        """``stage``: ``applied``, what the optimizer consumes, or ``raw``, what each backward pass computes."""
        self._file, self._run, self._options = file, run, {**options, "stage": stage}
        self._recording: GradientRecording | None = None
        self._scaler: Any = None
        self._loss_hook: Any = None
        self._epoch, self._batch = 0, 0

    @property
    def recording(self) -> GradientRecording | None:
        """The recording of the training that is running; None otherwise."""
        return self._recording

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **kwargs: Any
    ) -> None:
        self.close()
        if optimizer is None:
            raise GradlogError(
                f"the Trainer of transformers {transformers.__version__} gives no optimizer to its callbacks",
                "update transformers",
            )
        options = {
            "framework": f"Transformers {transformers.__version__}, PyTorch {torch.__version__}",
            **self._options,
        }
        self._scaler = getattr(optimizer, "scaler", None)
        self._recording = gradlog.torch.record(
            model, optimizer, self._file, self._run, scaler=self._scaler, **options
        )
        if not args.torch_compile:
            self._loss_hook = model.register_forward_hook(_LossWatch(self._differentiated))
        self._resume(args, state, kwargs.get("train_dataloader"))

    def _resume(self, args: Any, state: Any, loader: Any) -> None:
        """Where the Trainer takes a training up: the epoch before the first ``on_epoch_begin``, the batch in it."""
        self._epoch, self._batch = int(state.epoch or 0) - 1, 0
        if state.global_step > 0 and hasattr(loader, "__len__"):
            accumulated = args.gradient_accumulation_steps
            epoch, step = divmod(state.global_step, math.ceil(len(loader) / accumulated))
            self._epoch, self._batch = epoch - 1, 0 if args.ignore_data_skip else step * accumulated

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._epoch += 1
        self._announce(state)

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._recording is not None:
            self._recording.loss = None

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._batch += 1
        self._announce(state)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._batch += 1
        self._announce(state)
        if self._recording is not None and self._recording.stopped is not None:
            control.should_training_stop = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._batch = 0

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        recording = self._release()
        if recording is not None:
            recording.end()

    def close(self) -> None:
        """Ends a recording that is still under way, as when ``trainer.train()`` raised."""
        recording = self._release()
        if recording is not None:
            recording.close_quietly()

    def _release(self) -> GradientRecording | None:
        if self._loss_hook is not None:
            self._loss_hook.remove()
        recording, self._recording, self._loss_hook = self._recording, None, None
        return recording

    def _announce(self, state: Any) -> None:
        if self._recording is not None:
            self._recording.at(self._epoch, self._batch, state.global_step)

    def _differentiated(self, loss: torch.Tensor) -> None:
        if self._recording is not None:
            self._recording.add_loss(loss / (scale_of(self._scaler) or 1.0))


class _LossWatch:
    """A forward hook that tells of the loss that the Trainer makes of the model's.

    The gradient that reaches the model's loss is the factor between the two, whatever it is divided by. Nothing is told of a
    loss that is not differentiated, as in an evaluation. Copies and pickles of the model take an inert hook along.
    """

    def __init__(self, tell: Callable[[torch.Tensor], None] | None) -> None:
        self._tell = tell

    def __call__(self, module: torch.nn.Module, arguments: Any, output: Any) -> None:
        if self._tell is None:
            return
        loss = (
            output.get("loss")
            if isinstance(output, Mapping)
            else output[0]
            if isinstance(output, tuple)
            else None
        )
        if isinstance(loss, torch.Tensor) and loss.requires_grad and loss.numel() == 1:
            differentiated: Any = loss
            differentiated.register_hook(partial(self._reached, loss.detach()))

    def _reached(self, loss: torch.Tensor, factor: torch.Tensor) -> None:
        if self._tell is not None:
            self._tell(loss * factor)

    def __deepcopy__(self, memo: Any) -> _LossWatch:
        return _LossWatch(None)

    def __reduce__(self) -> tuple[type[_LossWatch], tuple[None]]:
        return _LossWatch, (None,)
