"""Models, data, and a training that is recorded and remembered."""

import gradlog.keras
import keras
import numpy
from keras import layers
from recordings import read

BACKEND = keras.backend.backend()

# Every way to compile a model that the backend has. torch.compile takes half a minute: it has a test of its own.
MODES = {
    "tensorflow": [{}, {"jit_compile": True}, {"run_eagerly": True}, {"jit_compile": False}],
    "jax": [{}, {"jit_compile": False}, {"run_eagerly": True}],
    "torch": [{}, {"run_eagerly": True}],
}[BACKEND]


def mlp():
    return keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(16, activation="relu"),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def data(rows=80, inputs=10, seed=0):
    random = numpy.random.RandomState(seed)
    return random.rand(rows, inputs).astype("float32"), random.randint(0, 2, (rows, 1)).astype("float32")


class Weights(keras.callbacks.Callback):
    """Remembers the weights before each batch."""

    def __init__(self):
        super().__init__()
        self.before = []

    def on_train_batch_begin(self, batch, logs=None):
        self.before.append(self.model.get_weights())


def record(path, model, x, y, *, batch_size=16, epochs=2, **options):
    """Trains in order with a recorder; returns the batches of the file, and the weights before each."""
    weights = Weights()
    recorder = gradlog.keras.GradientRecorder(path, **options)
    model.fit(
        x, y, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0, callbacks=[weights, recorder]
    )
    return read(path, recorder.run), weights.before


def part(array, batch, size=16):
    return array[batch * size : (batch + 1) * size]
