"""The trace of a training whose tensors are out of reach, from the statistics that were recorded of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import gradlog
import numpy as np

from corpus.construction import relus
from corpus.data import dataset
from corpus.examples import Dataset
from corpus.program import Program
from corpus.trace import Trace

LOOKS = (0.7, 0.85, 1.0)
WINDOW = 20
"""Batches in which a unit must be without any gradient to be dead."""

QUESTION = """
SELECT batch_id, position, weight, shape, loss, loss_is_nan, zero_count, element_count, nan_count + posinf_count + neginf_count,
  norm, rms, cosine
FROM gradients ORDER BY batch_id, position
"""


def trace_of(file: Path, program: Program, losses: Sequence[float] | None = None) -> Trace:
    """Reads the trace from the recording.

    :param losses: the loss of each batch; None when it is in the file.
    """
    constant = constant_loss(dataset(program.dataset)) * program.target_scale**2
    trace = Trace()
    rows = gradlog.open(file).sql(QUESTION, as_="tuples")
    batches: dict[int, list[tuple]] = {}
    for row in rows:
        batches.setdefault(row[0], []).append(row)
    first = next(iter(batches.values()))
    trace.names = [row[2] for row in first]
    trace.ranks = [row[3].count(",") + 1 if row[3] != "[]" else 0 for row in first]
    for gradients in batches.values():
        bad = [row[8] > 0 for row in gradients]
        norms = [row[9] or 0.0 for row in gradients]
        trace.loss.append(math.nan if gradients[0][5] or gradients[0][4] is None else gradients[0][4])
        trace.nonfinite.append(bad.index(True) if any(bad) else -1)
        trace.absent.append(-1)
        trace.norm.append(math.inf if any(bad) else math.hypot(*norms))
        trace.zeros.append([row[6] / row[7] for row in gradients])
        trace.rms.append([row[10] or 0.0 for row in gradients])
    if losses is not None:
        trace.loss = list(losses)
    trace.cosine = _cosines(list(batches.values()))
    _progress(trace, constant)
    _dead(trace, relus(program) > 0)
    return trace


def _cosines(batches: Sequence[Sequence[tuple]]) -> list[float]:
    """Of all weights together, from those of the single ones."""
    found = [math.nan]
    for before, now in zip(batches, batches[1:], strict=False):
        norms = [(one[9] or 0.0, other[9] or 0.0) for one, other in zip(before, now, strict=True)]
        whole = math.hypot(*[one for one, _ in norms]) * math.hypot(*[other for _, other in norms])
        product = sum((row[11] or 0.0) * one * other for row, (one, other) in zip(now, norms, strict=True))
        found.append(product / whole if whole > 0 else math.nan)
    return found


def _progress(trace: Trace, constant: float) -> None:
    loss = np.array(trace.loss) / constant
    trace.progress.append(float(loss[0]))
    for share in LOOKS:
        end = math.ceil(len(loss) * share)
        trace.progress.append(float(loss[max(0, end - 15) : end].mean()))


def _dead(trace: Trace, rectified: bool) -> None:
    """Units of hidden layers whose bias had a gradient of exactly 0 in every batch of a window; other activations than ReLU
    saturate, but are not said to die.
    """
    if not rectified:
        trace.dead, trace.dead_position = [0.0] * len(trace.loss), [-1] * len(trace.loss)
        return
    hidden = [i for i, rank in enumerate(trace.ranks) if rank == 1][:-1]
    shares = np.array(trace.zeros)[:, hidden] if hidden else np.zeros((len(trace.loss), 1))
    for step in range(len(shares)):
        silent = shares[step : step + WINDOW].min(axis=0)
        worst = int(silent.argmax())
        trace.dead.append(float(silent[worst]))
        trace.dead_position.append(hidden[worst] - 1 if silent[worst] > 0 else -1)


def constant_loss(data: Dataset) -> float:
    """The loss of the best constant answer."""
    if data.classes == 0:
        return float(np.var(data.targets, axis=0).mean())
    share = np.bincount(data.targets.astype(int)) / len(data.targets)
    return float(-(share * np.log(share)).sum())
