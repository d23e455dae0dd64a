"""Arrays of JAX and TensorFlow, where these are installed."""

from __future__ import annotations

import os

import numpy
import pytest
from conftest import rows

import gradlog

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
VALUES = numpy.arange(6, dtype="f4").reshape(2, 3) - 2.5


def test_jax(path: str) -> None:
    jnp = pytest.importorskip("jax.numpy")
    gradients = {str(dtype): jnp.asarray(VALUES, dtype) for dtype in ("float32", "float16", "bfloat16")}
    gradients["transposed"] = jnp.asarray(VALUES).T
    gradients["rows"] = gradlog.RowSparse(jnp.array([2, 0]), jnp.asarray(VALUES, "bfloat16"), (4, 3))
    with gradlog.Recorder(path, "r") as recorder:
        recorder.record(gradients, epoch=0, batch=0, loss=jnp.float32(0.5))
        with pytest.raises(TypeError, match="int32"):
            recorder.record({"float32": jnp.arange(3)}, epoch=0, batch=1)
    check(path)
    whole = gradlog.open(path).gradient("r", "rows")
    assert (whole == numpy.stack([VALUES[1], VALUES[0] * 0, VALUES[0], VALUES[0] * 0])).all()


def test_tensorflow(path: str) -> None:
    tf = pytest.importorskip("tensorflow")
    kinds = ("float32", "float16", "bfloat16")
    gradients = {kind: tf.cast(tf.constant(VALUES), kind) for kind in kinds}
    gradients["transposed"] = tf.transpose(tf.constant(VALUES))
    gradients["variable"] = tf.Variable(VALUES)
    with gradlog.Recorder(path, "r") as recorder:
        recorder.record(gradients, epoch=0, batch=0, loss=tf.constant(0.5))
    check(path)
    assert (gradlog.open(path).gradient("r", "variable") == VALUES).all()


def check(path: str) -> None:
    recording = gradlog.open(path)
    for kind in ("float32", "float16", "bfloat16"):
        assert (recording.gradient("r", kind) == VALUES).all(), kind
    assert (recording.gradient("r", "transposed") == VALUES.T).all()
    found = rows(path, "SELECT weight, dtype FROM gradients WHERE weight LIKE '%float%'")
    assert all(weight == dtype for weight, dtype in found)
