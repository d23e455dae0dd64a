"""Runs the tests in keras_tap on each backend that is installed: Keras takes one per process."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_keras_on(backend: str) -> None:
    for module in ("keras", backend):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed, so gradlog.keras was not tested on {backend}")
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "GRADLOG_TEST_KERAS": backend,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", str(HERE / "keras_tap")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    print(result.stdout.splitlines()[-1])
