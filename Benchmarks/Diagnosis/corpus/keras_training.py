"""Trains a program in Keras, on the backend that is chosen, and records it with gradlog's callback."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradlog.keras
import keras
import numpy as np

from corpus.data import Dataset, dataset, with_label_noise
from corpus.program import Program, Run
from corpus.recorded import trace_of
from corpus.trace import Trace

INITIALIZERS = {None: "glorot_uniform", "kaiming": "he_normal", "orthogonal": "orthogonal", "normal": "random_normal"}


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


def build(program: Program, data: Dataset) -> keras.Model:
    """The compiled model."""
    shape = program.shape
    outputs = data.classes or (1 if data.targets.ndim == 1 else data.targets.shape[1])
    layers: list[Any] = [
        keras.Input(data.inputs.shape[2:] + (1,) if program.network == "cnn" else data.inputs.shape[1:])
    ]
    if program.network == "cnn":
        for count in shape["channels"]:
            layers += [keras.layers.Conv2D(count, 3, padding="same", activation=shape.get("activation", "relu"))]
            layers += [keras.layers.MaxPooling2D(2)] if len(layers) < 5 else []
        layers += [keras.layers.Flatten(), *dense(program, 1, 32)]
    else:
        layers += dense(program, shape["depth"], shape["width"])
    layers.append(keras.layers.Dense(outputs, activation="softmax" if program.loss == "softmax-twice" else None))
    model = keras.Sequential(layers)
    initialize(model, program)
    model.compile(optimizer=optimizer_of(program), loss=loss_of(program))
    return model


def dense(program: Program, depth: int, width: int) -> list[Any]:
    """Hidden layers, with normalization and dropout if the program has them."""
    shape, layers = program.shape, []
    initializer = INITIALIZERS[shape.get("initializer")]
    for _ in range(depth):
        layers.append(keras.layers.Dense(width, kernel_initializer=initializer))
        layers += [keras.layers.BatchNormalization()] if shape.get("norm") == "batch" else []
        layers += [keras.layers.LayerNormalization()] if shape.get("norm") == "layer" else []
        layers.append(keras.layers.Activation(shape.get("activation", "relu")))
        layers += [keras.layers.Dropout(shape["dropout"])] if shape.get("dropout") else []
    return layers


def initialize(model: keras.Model, program: Program) -> None:
    """Applies what the fault changes in the initial weights."""
    for layer in model.layers[:-1]:
        if program.hidden_bias is not None and getattr(layer, "bias", None) is not None:
            layer.bias.assign(np.full(layer.bias.shape, program.hidden_bias))
    for weight in model.trainable_variables:
        if program.zero_init:
            weight.assign(np.zeros(weight.shape))
        elif len(weight.shape) >= 2 and program.init_scale != 1:
            weight.assign(keras.ops.convert_to_numpy(weight) * program.init_scale)


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


def optimizer_of(program: Program) -> keras.optimizers.Optimizer:
    """The optimizer of the program."""
    match program.optimizer:
        case "sgd":
            return keras.optimizers.SGD(program.lr, momentum=program.momentum)
        case "rmsprop":
            return keras.optimizers.RMSprop(program.lr)
        case "adam":
            return keras.optimizers.Adam(program.lr)
    raise ValueError(f"Keras programs have no optimizer {program.optimizer!r}")


def loss_of(program: Program) -> keras.losses.Loss:
    """The loss, fed with logits."""
    match program.loss:
        case "binary":
            return keras.losses.BinaryCrossentropy(from_logits=True)
        case "squared-error":
            return keras.losses.MeanSquaredError()
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
