"""The programs of README.md run as they stand there."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from outside import rows

README = Path(__file__).parents[2] / "README.md"

KERAS = """
import keras, numpy
x, y = numpy.random.rand(100, 10), numpy.random.randint(0, 2, (100, 1))
model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(4), keras.layers.Dense(1, activation="sigmoid")])
model.compile(optimizer="adam", loss="binary_crossentropy")
"""
TORCH = """
import torch
model = torch.nn.Sequential(torch.nn.Linear(10, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
optimizer = torch.optim.Adam(model.parameters())
criterion = torch.nn.MSELoss()
loader = [(torch.rand(25, 10), torch.rand(25, 1)) for _ in range(4)]
"""


def run(module: str, preparation: str, folder: Path, **environment: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    (program,) = (block for block in blocks if f"import gradlog.{module}\n" in block)
    command = [sys.executable, "-W", "ignore", "-c", preparation + program]
    subprocess.run(command, cwd=folder, env=os.environ | environment, check=True, timeout=300)


def expect_every_gradient(path: Path, run: str, stage: str) -> None:
    found = rows(
        str(path),
        f"SELECT stage, count(*), count(values_blob), count(loss) FROM gradients WHERE run = '{run}'",
    )
    assert found == [(stage, 5 * 4 * 4, 5 * 4 * 4, 5 * 4 * 4)]


def test_the_keras_program(tmp_path: Path) -> None:
    # Not imported here: Keras takes its backend from the environment.
    if not (find_spec("keras") and find_spec("jax")):
        pytest.skip("Keras or JAX is not installed")
    run("keras", KERAS, tmp_path, KERAS_BACKEND="jax")
    expect_every_gradient(tmp_path / "runs.db", "mlp", "raw")


def test_the_torch_program(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    run("torch", TORCH, tmp_path)
    expect_every_gradient(tmp_path / "runs.db", "loop", "applied")
