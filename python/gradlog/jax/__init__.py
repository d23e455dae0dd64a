"""Records the gradients of a JAX training.

Outside of ``jit``, which costs least: return the gradients from the compiled step and record them::

    with gradlog.Recorder("runs.db", "mlp") as recorder:
        for x, y in batches:
            loss, gradients, state = step(state, x, y)
            gradlog.jax.record_gradients(recorder, gradients, loss=loss)

Inside of ``jit`` and ``lax.scan``, as a part of the optimizer::

    with gradlog.jax.tap("runs.db", "mlp") as tap:
        optimizer = optax.chain(tap, optax.clip_by_global_norm(1.0), optax.adam(1e-3))
        …
"""

from __future__ import annotations

import os
from typing import Any

import jax

from gradlog import Recorder
from gradlog._progress import Progress, steps_in
from gradlog.jax.transformation import GradientTap, tap
from gradlog.jax.trees import on_host, plan

__all__ = ["GradientTap", "close", "record_gradients", "tap"]

_opened: dict[str, Recorder] = {}


def record_gradients(
    recorder: Recorder | str | os.PathLike[str],
    gradients: Any,
    *,
    epoch: int | None = None,
    batch: int | None = None,
    step: int | None = None,
    optimizer: str = "",
    loss: Any = None,
    learning_rate: Any = None,
    loss_scale: float | None = None,
    **options: Any,
) -> None:
    """Records a tree of gradients, as ``jax.grad`` returns it, under the paths of its leaves.

    Called outside of ``jit``, once for each optimizer step. Waits for the gradients to be computed and copies them.

    - ``recorder``: an open recorder; or a file, which stays open for the calls that follow until ``close`` or the
      end of the program.
    - ``epoch``, ``batch``, ``step``: where the training stands. Without ``batch`` each call is the next batch, from 0 in each
      new ``epoch``; without ``step`` each call is the next step.
    - ``loss_scale``: the factor of mixed precision, if the gradients are divided by it already.
    - ``options``: those of ``gradlog.Recorder`` and its ``run``, for the first call with a file. The stage is ``raw`` unless you say
      ``stage="applied"`` of gradients that are clipped or accumulated.

    Raises ``GradlogError`` inside ``jit``.
    """
    named, leaves = plan(gradients)
    arrays = on_host(leaves)
    opened = recorder if hasattr(recorder, "record") else _open(recorder, options)
    progress = Progress.of(opened)
    if batch is not None:
        progress.tell(progress.epoch if epoch is None else epoch, batch)
    elif epoch is not None and epoch != progress.epoch:
        progress.begin_epoch(epoch)
    if step is not None:
        progress.step = step
    place = progress.place(optimizer)
    opened.record(
        named.gather(arrays),
        epoch=place.epoch,
        batch=place.batch,
        step=place.step,
        optimizer=optimizer,
        call=place.call,
        loss=loss,
        learning_rate=learning_rate,
        loss_scale=loss_scale,
    )
    progress.end_batch(optimizer)
    progress.end_step()


def close(file: str | os.PathLike[str]) -> None:
    """Closes a file that ``record_gradients`` opened; one that it did not is left alone.

    Raises the first failure of the recording.
    """
    recorder = _opened.pop(os.path.abspath(file), None)
    if recorder is not None:
        recorder.close()


def _open(file: Any, options: dict[str, Any]) -> Recorder:
    path = os.path.abspath(file)
    if path not in _opened:
        steps = steps_in(path, options.get("run"), options.get("rank", 0))
        recorder = Recorder(path, **{"framework": f"JAX {jax.__version__}", **options})
        Progress.of(recorder, steps)
        _opened[path] = recorder
    return _opened[path]
