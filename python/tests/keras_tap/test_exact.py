"""Recorded gradients are those of the backend's own differentiation, of numpy's, and of the training."""

import autodiff
import gradlog.keras
import keras
import numpy
import pytest
from keras import layers
from recordings import read
from training import MODES, data, mlp, part, record

LOSS = keras.losses.binary_crossentropy


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_every_gradient_is_that_of_autodiff(path, mode):
    x, y = data(rows=76)
    model = mlp()
    model.compile("adam", LOSS, **mode)
    batches, weights = record(path, model, x, y)
    assert [(b.epoch, b.batch, b.step) for b in batches] == [
        (e, b, e * 5 + b) for e in (0, 1) for b in range(5)
    ]
    twin = mlp()
    for batch, before in zip(batches, weights, strict=True):
        at = part(x, batch.batch), part(y, batch.batch)
        expected = autodiff.gradients(twin, before, *at, LOSS)
        autodiff.assert_same(batch.arrays, expected)
        twin.set_weights(before)
        loss = float(keras.ops.mean(LOSS(at[1], twin(at[0]))))
        assert batch.loss == pytest.approx(loss, rel=1e-5)
        assert batch.learning_rate == pytest.approx(1e-3)
        assert batch.optimizer == "" and batch.call == 0 and batch.loss_scale is None


def test_a_gradient_of_another_batch_is_another(path):
    x, y = data()
    model = mlp()
    model.compile("adam", LOSS)
    batches, weights = record(path, model, x, y, epochs=1)
    wrong = autodiff.gradients(mlp(), weights[1], part(x, 1), part(y, 1), LOSS)
    assert max(numpy.abs(a - b).max() for a, b in zip(batches[0].arrays, wrong)) > 1e-2


def test_every_gradient_is_that_of_numpy(path):
    x, y = data()
    model = mlp()
    model.compile("sgd", LOSS)
    batches, weights = record(path, model, x, y)
    for batch, before in zip(batches, weights, strict=True):
        expected = back_propagation(before, part(x, batch.batch), part(y, batch.batch))
        for got, wanted in zip(batch.arrays, expected, strict=True):
            # Absolute: a bias gradient is a sum whose terms nearly cancel.
            assert numpy.abs(got - wanted).max() < 1e-7


def back_propagation(weights, x, y):
    """Gradients of the mean binary cross-entropy of relu, relu and sigmoid layers, in float64."""
    w1, b1, w2, b2, w3, b3 = (w.astype("float64") for w in weights)
    x, y = x.astype("float64"), y.astype("float64")
    h1 = numpy.maximum(x @ w1 + b1, 0)
    h2 = numpy.maximum(h1 @ w2 + b2, 0)
    d3 = (1 / (1 + numpy.exp(-(h2 @ w3 + b3))) - y) / len(x)
    d2 = (d3 @ w3.T) * (h2 > 0)
    d1 = (d2 @ w2.T) * (h1 > 0)
    return [x.T @ d1, d1.sum(0), h1.T @ d2, d2.sum(0), h2.T @ d3, d3.sum(0)]


@pytest.mark.parametrize("steps", [1, 3])
def test_adam_fed_from_the_file_lands_on_the_trained_weights(path, steps):
    if steps > 1 and autodiff.BACKEND == "torch":
        pytest.skip("Keras has no steps_per_execution on torch")
    x, y = data(rows=300)
    model = mlp()
    model.compile("adam", LOSS, steps_per_execution=steps)
    start = model.get_weights()
    recorder = gradlog.keras.GradientRecorder(path, run="adam")
    model.fit(x, y, epochs=3, verbose=0, validation_split=0.2, callbacks=[recorder])
    batches = read(path)
    assert len(batches) == 3 * 8
    end = adam(start, [batch.arrays for batch in batches])
    for replayed, trained, first in zip(end, model.get_weights(), start):
        assert numpy.abs(replayed - trained).max() < 2e-6
        assert numpy.abs(first - trained).max() > 1e-3


def adam(weights, gradients, rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-7):
    weights = [w.astype("float64") for w in weights]
    mean = [0 * w for w in weights]
    square = [0 * w for w in weights]
    for step, batch in enumerate(gradients, 1):
        for i, gradient in enumerate(g.astype("float64") for g in batch):
            mean[i] = beta1 * mean[i] + (1 - beta1) * gradient
            square[i] = beta2 * square[i] + (1 - beta2) * gradient**2
            scale = rate * numpy.sqrt(1 - beta2**step) / (1 - beta1**step)
            weights[i] = weights[i] - scale * mean[i] / (numpy.sqrt(square[i]) + epsilon)
    return weights


def test_with_dropout_and_normalization_gradients_are_what_moved_the_weights(path):
    x, y = data(rows=100)
    model = keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(8),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.SGD(1.0), LOSS)
    trained = []

    class After(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            trained.append([keras.ops.convert_to_numpy(v).copy() for v in self.model.trainable_variables])

        def on_train_end(self, logs=None):
            self.on_train_batch_begin(0)

    recorder = gradlog.keras.GradientRecorder(path)
    model.fit(x, y, epochs=2, batch_size=16, verbose=0, callbacks=[recorder, After()])
    for batch, before, after in zip(read(path), trained, trained[1:]):
        for gradient, w, moved in zip(batch.arrays, before, after, strict=True):
            assert numpy.abs((w - moved) - gradient).max() < 3e-7


@pytest.mark.parametrize(
    "mode", MODES + ([{"steps_per_execution": 3}] if autodiff.BACKEND != "torch" else []), ids=str
)
@pytest.mark.parametrize("stage", ["raw", "applied"])
def test_the_training_is_the_same_with_and_without(path, mode, stage):
    x, y = data(rows=300)  # With the last batch and the last execution shorter than the others.
    trained = []
    for callbacks in ([], [gradlog.keras.GradientRecorder(path, stage=stage)]):
        keras.utils.set_random_seed(3)
        model = mlp()
        model.compile("adam", LOSS, metrics=["accuracy"], **mode)
        history = model.fit(x, y, epochs=2, verbose=0, validation_split=0.1, callbacks=callbacks)
        trained.append((model.get_weights(), history.history))
    for plain, recorded in zip(trained[0][0], trained[1][0]):
        assert (plain == recorded).all()
    assert trained[0][1] == trained[1][1]
