"""The programs in python/examples do what they say."""

import os
import pathlib
import subprocess
import sys

from recordings import read

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


def run(name, *arguments):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_print_gradients():
    printed = run("keras_print_gradients.py")
    assert printed.count("weight name: ") == 5 * 32 * 6
    assert "weight name: sequential/dense/kernel, gradient: [[" in printed


def test_record_gradients(path):
    assert "recorded run 'run'" in run("keras_record_gradients.py", path)
    batches = read(path)
    assert len(batches) == 5 * 32 and all(len(b.arrays) == 6 for b in batches)


def test_linear_regression(path):
    printed = run("keras_linear_regression.py", path)
    assert len(read(path)) == 40
    assert printed.count("batch ") == 8 and "batch 3, weight name: sequential/dense/bias" in printed
