"""What only one backend has: torch.compile, replicas of TensorFlow."""

import os
import shutil
import subprocess
import sys
import textwrap

import autodiff
import keras
import pytest
from recordings import read
from training import BACKEND, data, mlp, part, record

LOSS = keras.losses.binary_crossentropy


@pytest.mark.skipif(BACKEND != "torch", reason="torch.compile is torch's")
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++")
def test_torch_compile(path):
    x, y = data(rows=64)
    model = mlp()
    model.compile("adam", LOSS, jit_compile=True)
    model.fit(x, y, verbose=0)
    batches, weights = record(path, model, x, y)
    model.fit(x, y, verbose=0)
    assert len(batches) == 8
    for batch, before in zip(batches, weights, strict=True):
        at = part(x, batch.batch), part(y, batch.batch)
        autodiff.assert_same(batch.arrays, autodiff.gradients(mlp(), before, *at, LOSS))


REPLICAS = """
import sys
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
import gradlog.keras
from training import data, mlp

x, y = data(rows=64)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = mlp()
    model.compile(keras.optimizers.SGD(1.0), "binary_crossentropy")
try:
    model.fit(x, y, batch_size=64, verbose=0, callbacks=[gradlog.keras.GradientRecorder(sys.argv[1])])
except gradlog.GradlogError as error:
    print(error)
"""


@pytest.mark.skipif(BACKEND != "tensorflow", reason="MirroredStrategy is TensorFlow's")
def test_replicas_are_refused(path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-c", textwrap.dedent(REPLICAS), str(path)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert "cannot be seen with several replicas in one process; train with one" in result.stdout
    assert result.returncode == 0 and not path.exists(), result.stderr[-3000:]
