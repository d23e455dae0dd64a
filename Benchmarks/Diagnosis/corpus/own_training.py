"""Trains a program with `gradlog train`, the trainer that the project brings along."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from corpus.data import dataset, with_label_noise
from corpus.examples import Dataset
from corpus.program import Program, Run
from corpus.recorded import trace_of
from corpus.trace import Trace

ACTIVATIONS = {"leaky": "leaky_relu"}
INITIALIZERS = {None: "glorot_uniform", "kaiming": "he_normal", "orthogonal": "orthogonal", "normal": "random_normal"}


def command() -> str:
    """The command ``gradlog``: $GRADLOG_COMMAND, or the one on the path."""
    found = os.environ.get("GRADLOG_COMMAND") or shutil.which("gradlog")
    if found is None:
        raise FileNotFoundError("there is no command gradlog; build it and name it in GRADLOG_COMMAND")
    return found


def train(run: Run, file: Path | None) -> Trace:
    """Trains the run; ``file``: where to record it, None for a place that is given up afterwards."""
    program = run.program
    data = with_label_noise(dataset(program.dataset), program.label_noise, run.seed)
    with tempfile.TemporaryDirectory() as folder:
        model, path = Path(folder) / "model.json", file or Path(folder) / "runs.db"
        model.write_text(json.dumps(description(program, data, run.seed)))
        arguments = [
            "--model",
            str(model),
            "--db",
            str(path),
            "--run",
            run.name,
            "--capture",
            "none",
            "--stage",
            run.stage,
        ]
        subprocess.run(
            [command(), "train", *arguments, "--journal", "rollback", "--quiet"], check=True, capture_output=True
        )
        return trace_of(path, program)


def description(program: Program, data: Dataset, seed: int) -> dict[str, Any]:
    """The program as the trainer reads it."""
    size = min(program.batch_size, len(data.inputs))
    targets = data.targets * program.target_scale if data.classes == 0 else data.targets
    loss = {"binary": "binary_crossentropy", "squared-error": "mean_squared_error"}
    return {
        "layers": layers(program, data),
        "loss": loss.get(program.loss, "sparse_categorical_crossentropy"),
        "optimizer": optimizer(program),
        "batch_size": size,
        "epochs": max(1, math.ceil(program.batches * size / len(data.inputs))),
        "seed": seed,
        "x": (data.inputs * program.input_scale).tolist(),
        "y": targets.tolist(),
    }


def layers(program: Program, data: Dataset) -> list[dict[str, Any]]:
    """Hidden layers and the output."""
    depth, width = program.shape["depth"], program.shape["width"]
    widths = [*[width] * depth, data.classes or 1]
    rows = [data.inputs.shape[1], *widths]
    found = []
    for index, (before, units) in enumerate(zip(rows, widths, strict=False)):
        layer: dict[str, Any] = {"units": units, "kernel_initializer": kernel_initializer(program, before)}
        if index < depth:
            name = program.shape.get("activation", "relu")
            layer["activation"] = ACTIVATIONS.get(name, name)
            if program.hidden_bias is not None:
                layer["bias_initializer"] = {"name": "constant", "value": program.hidden_bias}
        elif data.classes:
            layer["activation"] = "sigmoid" if data.classes == 1 else "softmax"
        found.append(layer)
    return found


def kernel_initializer(program: Program, inputs: int) -> Any:
    """The initializer; a changed scale is one of normal numbers."""
    if program.zero_init:
        return "zeros"
    if program.init_scale != 1:
        return {"name": "random_normal", "stddev": program.init_scale / math.sqrt(inputs)}
    return INITIALIZERS[program.shape.get("initializer")]


def optimizer(program: Program) -> dict[str, Any]:
    """The optimizer; momentum is SGD's."""
    found: dict[str, Any] = {"name": program.optimizer, "learning_rate": program.lr}
    if program.optimizer == "sgd" and program.momentum:
        found["momentum"] = program.momentum
    if program.weight_decay:
        found["weight_decay"] = program.weight_decay
    return found
