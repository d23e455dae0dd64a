"""Trains a program in Keras, on the backend that is chosen, and records it with gradlog's callback."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import gradlog.keras
import keras
import numpy as np

from corpus.data import dataset, with_label_noise
from corpus.keras_construction import build
from corpus.program import Program, Run
from corpus.recorded import trace_of
from corpus.trace import Trace


def train(run: Run, file: Path | None) -> Trace:
    """Trains the run; ``file``: where to record it, None for a place that is given up afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = file or Path(folder) / "runs.db"
        return _train(run, path)


def _train(run: Run, file: Path) -> Trace:
    keras.utils.set_random_seed(run.seed)
    program = run.program
    data = with_label_noise(dataset(program.dataset), program.label_noise, run.seed)
    model = build(program, data)
    recorder = gradlog.keras.GradientRecorder(file, run.name, capture="none", journal="rollback", stage=run.stage)
    inputs = (data.inputs * program.input_scale).astype("float32")
    if inputs.ndim == 4:
        inputs = inputs.transpose(0, 2, 3, 1)
    targets = data.targets * program.target_scale if data.classes == 0 else data.targets
    losses: list[float] = []
    with recorder.recording(model):
        for step, (epoch, begins, chosen) in enumerate(batches(len(inputs), program.batch_size, run.seed)):
            if step == program.batches:
                break
            if begins:
                recorder.on_epoch_begin(epoch)
            x = happenings(model, program, step, inputs[chosen])
            losses.append(float(model.train_on_batch(x, targets[chosen])))
            model.reset_metrics()
    return trace_of(file, program, losses)


def batches(count: int, size: int, seed: int) -> Iterator[tuple[int, bool, np.ndarray]]:
    """Epoch, whether it begins, and the examples, without end."""
    rng = np.random.default_rng(seed)
    size, epoch = min(size, count), 0
    while True:
        order = rng.permutation(count)
        for index in range(count // size):
            yield epoch, index == 0, order[index * size : (index + 1) * size]
        epoch += 1


def happenings(model: keras.Model, program: Program, step: int, x: np.ndarray) -> np.ndarray:
    """Applies the events of this step; the batch that is to be trained on."""
    rate = program.lr
    for event in program.events:
        if not event.is_on(step):
            continue
        match event.kind:
            case "learning-rate":
                rate *= event.value
            case "scale-input":
                x = x * event.value
            case "poison":
                x = x.copy()
                x[0].flat[x[0].size // 2] = event.value
            case "unit-variance":
                with np.errstate(all="ignore"):
                    x = (x - x.mean(axis=0)) / x.std(axis=0)
    if any(event.kind == "learning-rate" for event in program.events):
        model.optimizer.learning_rate = rate
    return x
