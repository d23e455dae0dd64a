"""Records the gradients of a PyTorch training.

    with gradlog.torch.record(model, optimizer, "runs.db") as recorder:
        for epoch in recorder.epochs(5):
            for x, y in recorder.batches(loader):
                optimizer.zero_grad()
                recorder.loss = loss = criterion(model(x), y)
                loss.backward()
                optimizer.step()

``epochs`` and ``batches`` number the records and end early when ``stop_on`` was met; a loop without them is recorded as well, its
batches counted on in epoch 0 until ``recorder.epoch(n)`` says otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from gradlog import ErrorCode, GradlogError, Recorder
from gradlog._progress import Progress, check_stage, steps_in
from gradlog.torch.gradients import is_sharded
from gradlog.torch.parameters import Model, Names, Weights, named_optimizers, unwrapped
from gradlog.torch.processes import file_of_rank, this_process
from gradlog.torch.recording import GradientRecording, TrainingStopped, is_recorded
from gradlog.torch.steps import check_scaler

__all__ = ["GradientRecording", "TrainingStopped", "record"]


def record(
    model: Model,
    optimizer: torch.optim.Optimizer | Mapping[str, torch.optim.Optimizer] | Sequence[torch.optim.Optimizer],
    file: str | os.PathLike[str] | Recorder,
    run: str | None = None,
    *,
    stage: str = "applied",
    scaler: torch.amp.GradScaler | None = None,
    raise_on_stop: bool = False,
    rank: int | None = None,
    world_size: int | None = None,
    configuration: Mapping[str, Any] | None = None,
    **options: Any,
) -> GradientRecording:
    """Records the gradients of every step of ``optimizer`` from now on, until ``close()`` or the end of the ``with`` block.

    - ``model``: the module whose names the weights get; a mapping or list of modules when there are several.
    - ``optimizer``: the optimizer, or several: a mapping names them, a list is named by class and index.
    - ``file``: the SQLite file, or an open ``gradlog.Recorder``, which stays its owner's to close. In a training of several
      processes each one writes its own file, ``runs-rank0.db`` and so on; under DDP the ranks' applied gradients are equal, so
      that recording on rank 0 alone is enough. Weights sharded by ``fully_shard`` (FSDP2) are gathered and written by rank 0,
      for which every process has to call ``record``.
    - ``run``: name of the run; the recorder makes one up if None. The first step raises when the file has the batches of this
      run already, as after a program was started again: pass ``overlap="replace"`` to record them anew.
    - ``stage``: ``applied``: what the update rule consumes (unscaled, accumulated, clipped, reduced), one record for each step;
      ``raw``: what each ``backward()`` computes, the loss scale divided out, one record for each pass and optimizer.
    - ``scaler``: the GradScaler; needed for ``raw``, found by itself for ``applied``.
    - ``raise_on_stop``: raise ``TrainingStopped`` out of the step whose gradients met ``stop_on``. With ``stop_on`` that step
      changes neither weights nor the optimizer's state, and no later one does; of ``LBFGS`` that holds for the first evaluation of
      its closure, since further ones come after a part of the step.
    - ``rank``, ``world_size``: taken from torch.distributed. With ``stop_on`` the processes agree in each step on whether to stop,
      so either all of them record, or the one that does is told ``world_size=1``.
    - ``options``: those of ``gradlog.Recorder``.

    A weight without a gradient is recorded as frozen when it has ``requires_grad=False`` then, else as absent.

    Steps that a GradScaler skips leave no record in stage ``applied``. Raises ``GradlogError`` when something is wrong with what
    was passed, out of the first step when there was nothing to record, and at ``close()`` when no step was seen.
    """
    if stage not in ("applied", "raw"):
        raise GradlogError(f"stage must be 'applied' or 'raw', not {stage!r}")
    check_scaler(scaler)
    names = Names(model)
    wrappers = named_optimizers(optimizer)
    scaler = scaler or next(
        (one.scaler for one in wrappers.values() if getattr(one, "scaler", None) is not None), None
    )
    optimizers = {label: unwrapped(one) for label, one in wrappers.items()}
    weights = {label: Weights(names, one, label) for label, one in optimizers.items()}
    sharded = any(is_sharded(parameter) for one in weights.values() for _, parameter in one.current())
    if sharded and stage == "raw":
        raise GradlogError(
            "the raw gradients of weights sharded by fully_shard never reach the weights",
            "use stage='applied'",
        )
    check_stage(file, stage)
    _refuse_second_recording(optimizers)

    known_rank, known_size = this_process()
    rank, world_size = known_rank if rank is None else rank, known_size if world_size is None else world_size
    owned = not hasattr(file, "record")
    recorder: Any = file
    step: int | None = None
    if owned:
        here = (0, 1) if sharded else (rank, world_size)
        path = file_of_rank(recorder, *here)
        recorder = None
        if rank == here[0]:
            # What is replaced may begin anywhere: then the recorder counts.
            step = None if options.get("overlap") == "replace" else steps_in(path, run, rank)
            recorder = _open(path, run, *here, stage, optimizers, configuration, options)
    progress = Progress() if recorder is None else Progress.of(recorder, step)
    return GradientRecording(
        recorder,
        progress,
        optimizers,
        weights,
        stage=stage,
        scaler=scaler,
        owned=owned,
        raise_on_stop=raise_on_stop,
        agrees=world_size > 1 and (raise_on_stop or options.get("stop_on") is not None),
    )


def _open(
    file: Any,
    run: str | None,
    rank: int,
    world_size: int,
    stage: str,
    optimizers: Mapping[str, Any],
    configuration: Mapping[str, Any] | None,
    options: Mapping[str, Any],
) -> Recorder:
    described = {label or "optimizer": type(one).__name__ for label, one in optimizers.items()}
    return Recorder(
        os.fspath(file),
        run,
        rank=rank,
        world_size=world_size,
        stage=stage,
        **{"framework": f"PyTorch {torch.__version__}", **options},
        configuration={"optimizers": described, **(configuration or {})},
    )


def _refuse_second_recording(optimizers: Mapping[str, torch.optim.Optimizer]) -> None:
    for label, optimizer in optimizers.items():
        if is_recorded(optimizer):
            raise GradlogError(
                f"the optimizer {label or type(optimizer).__name__} is being recorded already",
                "close() that recording first",
                ErrorCode.MISUSE,
            )
