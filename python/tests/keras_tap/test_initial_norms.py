"""How large the weights of a Keras model are before the first step."""

from __future__ import annotations

import sqlite3

import keras
import numpy
import pytest

import gradlog.keras

X, Y = numpy.random.default_rng(0).normal(size=(2, 24, 6)).astype("float32")


def model(built=True):
    keras.utils.set_random_seed(4)
    head = [keras.Input((6,))] if built else []
    made = keras.Sequential([*head, keras.layers.Dense(5, activation="relu"), keras.layers.Dense(6)])
    made.compile(keras.optimizers.SGD(1.0), "mse")
    return made


def stored(path):
    with sqlite3.connect(path) as database:
        return dict(database.execute("SELECT name, initial_norm FROM weights"))


def expected():
    made = model()
    return {
        name: float(numpy.linalg.norm(keras.ops.convert_to_numpy(weight)))
        for name, weight in zip(gradlog.keras.weight_names(made), made.trainable_weights)
    }


def close_to(found):
    for name, norm in expected().items():
        assert found[name] == pytest.approx(norm, rel=1e-6), name


@pytest.mark.parametrize("stage", ["raw", "applied"])
def test_fit(tmp_path, stage):
    path = tmp_path / "runs.db"
    made = model()
    made.fit(X, Y, epochs=2, verbose=0, callbacks=[gradlog.keras.GradientRecorder(path, stage=stage)])
    close_to(stored(path))


def test_train_on_batch(tmp_path):
    path = tmp_path / "runs.db"
    made = model()
    with gradlog.keras.GradientRecorder(path).recording(made):
        for _ in range(2):
            made.train_on_batch(X, Y)
    close_to(stored(path))


@pytest.mark.parametrize("way", ["fit", "train_on_batch"])
def test_a_model_that_is_built_by_its_first_batch(tmp_path, way):
    path, made = tmp_path / "runs.db", model(built=False)
    recorder = gradlog.keras.GradientRecorder(path)
    if way == "fit":
        made.fit(X, Y, epochs=2, verbose=0, callbacks=[recorder])
    else:
        with recorder.recording(made):
            for _ in range(2):
                made.train_on_batch(X, Y)
    if keras.backend.backend() == "tensorflow":
        # The first step builds it and changes it at once.
        assert set(stored(path).values()) == {None}
    else:
        close_to(stored(path))
