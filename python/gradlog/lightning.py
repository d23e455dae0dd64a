"""Records the gradients of a Lightning training.

trainer = Trainer(callbacks=[gradlog.lightning.GradientRecorder("runs.db", run="resnet")])
"""

from __future__ import annotations

import os
from typing import Any

import torch

try:
    import lightning.pytorch as lightning
except ImportError:
    import pytorch_lightning as lightning  # type: ignore[no-redef]

import gradlog.torch
from gradlog import Recorder
from gradlog.torch.recording import GradientRecording
from gradlog.torch.steps import scale_of

__all__ = ["GradientRecorder"]

_VERSION = lightning.__version__  # type: ignore[attr-defined]


class GradientRecorder(lightning.Callback):
    """A callback that records every gradient of ``trainer.fit``, with automatic and manual optimization, any number of optimizers,
    accumulation, clipping and mixed precision; in several processes each one writes its own file.

    The arguments are those of ``gradlog.torch.record``. Epoch, batch and step are ``current_epoch``, ``batch_idx`` and
    ``global_step``. The loss is the one that Lightning differentiates, divided by ``accumulate_grad_batches``: in stage ``applied``
    the sum of the batches that made the step, their mean. When ``stop_on`` is met, the step is not
    taken and ``trainer.should_stop`` is set.
    """

    def __init__(
        self,
        file: str | os.PathLike[str] | Recorder,
        run: str | None = None,
        *,
        stage: str = "applied",
        **options: Any,
    ) -> None:
        """``stage``: ``applied``, after Lightning's accumulation and clipping, or ``raw``, what each backward pass computes."""
        super().__init__()
        self._file, self._run, self._options = file, run, {**options, "stage": stage}
        self._recording: GradientRecording | None = None
        self._scaler: torch.amp.GradScaler | None = None

    @property
    def recording(self) -> GradientRecording | None:
        """The recording of the fit that is running; None otherwise."""
        return self._recording

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self.close()
        self._scaler = getattr(trainer.precision_plugin, "scaler", None)
        options = {
            "framework": f"Lightning {_VERSION}, PyTorch {torch.__version__}",
            **self._options,
        }
        optimizers = trainer.optimizers[0] if len(trainer.optimizers) == 1 else trainer.optimizers
        self._recording = gradlog.torch.record(
            trainer.model or pl_module,
            optimizers,
            self._file,
            self._run,
            scaler=self._scaler,
            rank=trainer.global_rank,
            world_size=trainer.world_size,
            **options,
        )

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if self._recording is not None:
            self._recording.at(trainer.current_epoch, batch_idx, trainer.global_step)

    def on_before_zero_grad(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        if self._recording is not None:
            self._recording.loss = None

    def on_before_backward(self, trainer: Any, pl_module: Any, loss: torch.Tensor) -> None:
        if self._recording is not None:
            # Lightning has multiplied it by the loss scale already.
            self._recording.add_loss(loss.detach() / (scale_of(self._scaler) or 1.0))

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._recording is not None and self._recording.stopped is not None:
            trainer.should_stop = True

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.end()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self.close()

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        self.close()

    def close(self) -> None:
        """Ends a recording that is still under way."""
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.close_quietly()
