"""What recording costs a Keras training: the time of a step with gradlog.keras against the same without.

    KERAS_BACKEND=jax python keras_overhead.py --parameters 1000000

Each variant is a fit() of its own; they take turns, so that a machine that slows down slows all of them. The time of a step
is that from the sixth batch's beginning to the end of the epoch, divided by the steps, taken by a callback that every
variant has. It also has an empty on_train_batch_end, so that what Keras itself pays for callbacks is in the baseline: on jax it
then waits for each step, where without any callback it would run ahead. The first steps, which compile, do not count. Each ratio is between neighbours in time; its median
over the rounds is printed, as one JSON object for each variant.
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

BATCH_SIZE = 32
WARM_UP = 5
# Layers and steps of a fit() by the number of parameters.
SIZES = {
    321: ([10, 16, 8, 1], 600),
    985_345: ([512, 768, 768, 1], 80),
    24_667_913: ([1024, 4096, 4096, 900, 1], 14),
}
VARIANTS = {
    "without": None,
    "statistics": {"capture": "none"},
    "values": {},
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


def step_time(widths, steps, options, jit):
    """Seconds of a step, and what the recorder lost."""
    keras.utils.set_random_seed(0)
    layers = [keras.Input((widths[0],))]
    layers += [keras.layers.Dense(width, activation="relu") for width in widths[1:-1]]
    layers += [keras.layers.Dense(widths[-1], activation="sigmoid")]
    model = keras.Sequential(layers)
    model.compile("adam", "binary_crossentropy", jit_compile=jit)
    x = numpy.random.rand(BATCH_SIZE * steps, widths[0]).astype("float32")
    y = numpy.random.randint(0, 2, (len(x), widths[-1])).astype("float32")
    taken = StepTime()
    with tempfile.TemporaryDirectory(dir=os.environ.get("GRADLOG_BENCH_DIR")) as folder:
        callbacks = [taken]
        if options is not None:
            callbacks.append(gradlog.keras.GradientRecorder(pathlib.Path(folder) / "runs.db", **options))
        model.fit(x, y, batch_size=BATCH_SIZE, verbose=0, shuffle=False, callbacks=callbacks)
        if options is not None and callbacks[-1].failure is not None:
            raise callbacks[-1].failure
    return taken.seconds, model.count_params()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parameters", type=int, default=321, choices=SIZES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=50, help="no further round begins after this time")
    parser.add_argument("--jit", action="store_true", help="compile with jit_compile=True")
    arguments = parser.parse_args()
    widths, steps = SIZES[arguments.parameters]
    jit = True if arguments.jit else "auto" if keras.backend.backend() != "torch" else False
    end = time.monotonic() + arguments.seconds
    taken = {name: [] for name in VARIANTS}
    for _ in range(arguments.rounds):
        for name, options in VARIANTS.items():
            seconds, parameters = step_time(widths, steps, options, jit)
            taken[name].append(seconds)
        if time.monotonic() > end:
            break
    assert parameters == arguments.parameters, parameters
    for name, times in taken.items():
        ratios = [with_it / without for with_it, without in zip(times, taken["without"])]
        added = [with_it - without for with_it, without in zip(times, taken["without"])]
        print(
            json.dumps(
                {
                    "tap": f"keras {keras.backend.backend()}" + (" jit" if arguments.jit else ""),
                    "parameters": parameters,
                    "variant": name,
                    "rounds": len(times),
                    "step_ms": round(1e3 * statistics.median(times), 4),
                    "ratio": round(statistics.median(ratios), 3),
                    "added_us": round(1e6 * statistics.median(added), 1),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
