"""What recording costs a Keras training: the time of a step with gradlog.keras against the same without.

    KERAS_BACKEND=jax python keras_overhead.py --task 1M

Each variant is a fit() of its own; they take turns, so that a machine that slows down slows all of them. The time of a step
is that from the sixth batch's beginning to the end of the epoch, divided by the steps, taken by a callback that every
variant has. It also has an empty on_train_batch_end, so that what Keras itself pays for callbacks is in the baseline: on jax it
then waits for each step, where without any callback it would run ahead. The first steps, which compile, do not count. The
ratios are between neighbours in time; their medians over the rounds are printed, as one JSON object for each variant. In
closed_ratio the time counts that it takes to write the rest when the training is over.
"""

import argparse
import json
import os
import pathlib
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import gradlog.keras
import keras
import numpy
from raw_file import RawFile
from tasks import CLASSES, TASKS

WARM_UP = 5


class CopiedAndWritten(gradlog.keras.GradientPrinter):
    """The tap with the least behind it that keeps values."""

    def __init__(self, path):
        super().__init__()
        self.raw = RawFile(path)
        self.failure = None

    def receive(self, event):
        self.raw.append(event.gradients.values())

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        self.raw.close()


def recording(**options):
    return lambda folder: gradlog.keras.GradientRecorder(folder / "runs.db", **options)


# Callbacks that are given a folder; None for the training without.
VARIANTS = {
    "without": None,
    "statistics": recording(capture="none"),
    "rollback": recording(journal="rollback"),
    "values": recording(),
    "memcpy and write": lambda folder: CopiedAndWritten(folder / "gradients"),
}


class StepTime(keras.callbacks.Callback):
    """Takes the time of the steps of an epoch."""

    def __init__(self):
        super().__init__()
        self.steps = 0
        self.seconds = None

    def on_train_batch_begin(self, batch, logs=None):
        self.steps = batch + 1 - WARM_UP
        if batch == WARM_UP:
            self.began = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        pass

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = (time.perf_counter() - self.began) / self.steps


def network(task):
    """The network of a task, as torch_networks.py has it too."""
    layers = keras.layers
    if task.network == "perceptron":
        hidden = [layers.Dense(width, activation="relu") for width in task.layers[1:-1]]
        return keras.Sequential([keras.Input(task.layers[:1]), *hidden, layers.Dense(task.layers[-1])])
    model = [keras.Input((task.image, task.image, 3))]
    for filters in (32, 64):
        model.append(layers.Conv2D(filters, 3, activation="relu", padding="same"))
        model.append(layers.Conv2D(filters, 3, activation="relu"))
        model.append(layers.MaxPooling2D())
    return keras.Sequential([*model, layers.Flatten(), layers.Dense(512, activation="relu"), layers.Dense(CLASSES)])


def step_time(task, variant, jit):
    """Seconds of a step, of a step when the file is closed too, and the parameters."""
    keras.utils.set_random_seed(0)
    model = network(task)
    steps = task.batches + WARM_UP
    count = task.examples * steps
    if task.network == "perceptron":
        model.compile("adam", "mse", jit_compile=jit)
        y = numpy.random.rand(count, task.layers[-1]).astype("float32")
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, jit_compile=jit)
        y = numpy.random.randint(0, CLASSES, count)
    x = numpy.random.rand(count, *model.input_shape[1:]).astype("float32")
    taken = StepTime()
    os.sync()
    with tempfile.TemporaryDirectory(dir=os.environ.get("GRADLOG_BENCH_DIR")) as folder:
        callbacks = [taken]
        if variant is not None:
            callbacks.append(variant(pathlib.Path(folder)))
        model.fit(x, y, batch_size=task.examples, verbose=0, shuffle=False, callbacks=callbacks)
        closed = (time.perf_counter() - taken.began) / taken.steps
        if variant is not None and callbacks[-1].failure is not None:
            raise callbacks[-1].failure
    return taken.seconds, closed, model.count_params()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=[name for name, task in TASKS.items() if task.network != "residual"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=50, help="no further round begins after this time")
    parser.add_argument("--jit", action="store_true", help="compile with jit_compile=True")
    arguments = parser.parse_args()
    task = TASKS[arguments.task]
    jit = True if arguments.jit else "auto" if keras.backend.backend() != "torch" else False
    end = time.monotonic() + arguments.seconds
    taken = {name: [] for name in VARIANTS}
    for _ in range(arguments.rounds):
        for name, variant in VARIANTS.items():
            taken[name].append(step_time(task, variant, jit))
        if time.monotonic() > end:
            break
    for name, rounds in taken.items():
        pairs = list(zip(rounds, taken["without"], strict=True))
        row = {
            "tap": f"keras {keras.backend.backend()}" + (" jit" if arguments.jit else ""),
            "parameters": rounds[0][2],
            "variant": name,
            "rounds": len(rounds),
            "step_ms": 1e3 * statistics.median(step for step, _, _ in rounds),
            "ratio": statistics.median(one[0] / base[0] for one, base in pairs),
            "closed_ratio": statistics.median(one[1] / base[0] for one, base in pairs),
            "added_us": 1e6 * statistics.median(one[0] - base[0] for one, base in pairs),
        }
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
