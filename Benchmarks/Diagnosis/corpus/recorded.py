"""The trace of a training whose tensors are out of reach, from the statistics that were recorded of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import gradlog
import numpy as np

from corpus.data import Dataset
from corpus.trace import Trace

LOOKS = (0.7, 0.85, 1.0)
WINDOW = 20
"""Batches in which a unit must be without any gradient to be dead."""

QUESTION = """
SELECT batch_id, position, weight, shape, loss, loss_is_nan, zero_count, element_count, nan_count + posinf_count + neginf_count,
  norm, rms
FROM gradients ORDER BY batch_id, position
"""


def trace_of(file: Path, constant: float, losses: Sequence[float] | None = None) -> Trace:
    """Reads the trace from the recording.

    :param constant: the loss of a constant answer, in the units of the recorded loss.
    :param losses: the loss of each batch; None when it is in the file.
    """
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
    trace.cosine = [math.nan] * len(trace.loss)
    _progress(trace, constant)
    _dead(trace)
    return trace


def _progress(trace: Trace, constant: float) -> None:
    loss = np.array(trace.loss) / constant
    trace.progress.append(float(loss[0]))
    for share in LOOKS:
        end = math.ceil(len(loss) * share)
        trace.progress.append(float(loss[max(0, end - 15) : end].mean()))


def _dead(trace: Trace) -> None:
    """Units of hidden layers whose bias had a gradient of exactly 0 in every batch of a window."""
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
