"""Each mistake and each failure is one sentence, and the training is never harmed."""

import os
import subprocess
import sys
import textwrap

import gradlog
import gradlog.keras
import keras
import numpy
import pytest
from keras import layers
from recordings import column, read
from training import BACKEND, data, mlp

LOSS = keras.losses.binary_crossentropy


def compiled(**options):
    model = mlp()
    model.compile("adam", LOSS, **options)
    return model


def recorder(path, **options):
    return gradlog.keras.GradientRecorder(path, **options)


class Raises(keras.callbacks.Callback):
    """Fails in the middle of an epoch."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            raise KeyError("the user's own")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"stage": "clipped"}, "there is no stage 'clipped'; pass stage='raw'"),
        ({"every": 0}, "every=0 is no number of batches; pass 1 or more"),
        ({"every": 2.5}, "every=2.5 is no number of batches"),
    ],
)
def test_wrong_arguments(path, arguments, sentence):
    with pytest.raises(gradlog.GradlogError) as raised:
        recorder(path, **arguments)
    assert sentence in str(raised.value)


def test_no_optimizer(path):
    with (
        pytest.raises(gradlog.GradlogError, match="has no optimizer; call model.compile"),
        recorder(path).recording(mlp()),
    ):
        pass
    assert not path.exists()


def test_no_step_while_it_records(path):
    model = compiled()
    with pytest.raises(gradlog.GradlogError, match="nothing was recorded.*train inside of it"):
        with recorder(path).recording(model):
            model.predict(data()[0], verbose=0)
    assert column(path, "SELECT name FROM runs") == []


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow differentiates a loss for each example")
def test_a_loss_for_each_example_is_no_reason_to_end_a_training(path):
    class Model(keras.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return keras.ops.square(y - y_pred)[:, 0]

    model = Model([keras.Input((10,)), layers.Dense(1)])
    model.compile("adam")
    model.fit(*data(), batch_size=16, verbose=0, callbacks=[recorder(path)])
    assert [batch.loss for batch in read(path)] == [None] * 5


def test_something_that_is_no_optimizer(path):
    with pytest.raises(gradlog.GradlogError, match="'adam' is not a Keras optimizer"):
        compiled().fit(*data(), verbose=0, callbacks=[recorder(path, optimizers=["adam"])])
    assert not path.exists()


def test_no_trainable_weights(path):
    model = compiled()
    model.trainable = False
    model.compile("adam", LOSS)
    with pytest.raises(gradlog.GradlogError, match="has no trainable weights"):
        model.fit(*data(), verbose=0, callbacks=[recorder(path)])
    assert not path.exists()


class Elsewhere(keras.Model):
    """A step whose optimizer the model does not have."""

    hidden = [keras.optimizers.SGD(0.1)]

    def __init__(self):
        super().__init__()
        self.net = mlp()
        self.built = True

    def call(self, x):
        return self.net(x)

    def train_step(self, *arguments):
        if BACKEND == "jax":
            return {"loss": keras.ops.zeros(())}, arguments[0]
        self.hidden[0].apply([w * 0 for w in self.trainable_weights], self.trainable_weights)
        return {"loss": keras.ops.zeros(())}


def test_an_optimizer_that_is_not_seen_ends_fit_after_one_batch(path):
    model = Elsewhere()
    model.compile("adam")
    before = model.get_weights()
    steps = []

    class Steps(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            steps.append(batch)

    if BACKEND == "torch":
        import torch

        context = torch.no_grad()
    else:
        import contextlib

        context = contextlib.nullcontext()
    with pytest.raises(gradlog.GradlogError, match="no gradient was seen in the first step"), context:
        model.fit(*data(), batch_size=16, verbose=0, callbacks=[Steps(), recorder(path)])
    assert steps == [0]
    for a, b in zip(model.get_weights(), before, strict=True):
        assert (a == b).all()
    assert "_gradlog_tap" not in vars(model)


def test_one_optimizer_of_two_models(path):
    first, second = compiled(), mlp()
    second.compile(first.optimizer, LOSS)
    with recorder(path).recording(first):
        first.train_on_batch(*data())
        with pytest.raises(gradlog.GradlogError, match="already recorded with another model"):
            second.fit(*data(), verbose=0, callbacks=[recorder(path.with_name("b.db"))])


def test_two_recorders_of_one_run(path):
    model = compiled()
    with pytest.raises(gradlog.GradlogError, match="is being recorded by another recorder"):
        model.fit(*data(), verbose=0, callbacks=[recorder(path, run="a"), recorder(path, run="a")])
    model.fit(*data(), verbose=0)


def test_two_recorders_of_two_runs_both_record(path):
    compiled().fit(*data(), verbose=0, callbacks=[recorder(path, run="a"), recorder(path, run="b", every=2)])
    a, b = read(path, "a"), read(path, "b")
    assert [batch.batch for batch in a] == [0, 1, 2] and [batch.batch for batch in b] == [0, 2]
    assert all((g == h).all() for g, h in zip(a[2].arrays, b[1].arrays, strict=True))


def test_a_file_that_is_not_a_recording(path):
    path.write_text("something else")
    model = compiled()
    with pytest.raises(gradlog.GradlogError, match="runs.db"):
        model.fit(*data(), verbose=0, callbacks=[recorder(path)])
    assert path.read_text() == "something else"
    model.fit(*data(), verbose=0)


def test_a_folder_that_does_not_exist(path):
    with pytest.raises(gradlog.GradlogError):
        compiled().fit(*data(), verbose=0, callbacks=[recorder(path.parent / "none" / "runs.db")])


def test_an_exception_in_fit_is_the_users_and_the_file_is_whole(path):
    model, record = compiled(), recorder(path, run="broken")
    with pytest.raises(KeyError, match="the user's own"):
        model.fit(*data(), batch_size=16, verbose=0, callbacks=[record, Raises()])
    model.fit(*data(), batch_size=16, epochs=2, verbose=0)
    assert [(b.epoch, b.batch) for b in read(path)] == [(0, 0), (0, 1), (0, 2)]
    assert column(path, "SELECT finished_at IS NULL FROM runs") == [1]
    assert "_gradlog_tap" not in vars(model) and "apply" not in vars(model.optimizer)


def test_after_an_exception_another_recorder_takes_over(path):
    model, record = compiled(), recorder(path, run="broken")
    with pytest.raises(KeyError):
        model.fit(*data(), batch_size=16, verbose=0, callbacks=[record, Raises()])
    model.fit(*data(), batch_size=16, verbose=0, callbacks=[recorder(path, run="next")])
    assert len(read(path, "broken")) == 3 and len(read(path, "next")) == 5


def test_after_an_exception_the_same_recorder_goes_on(path, capfd):
    model, record = compiled(), recorder(path, run="broken")
    with pytest.raises(KeyError):
        model.fit(*data(), batch_size=16, verbose=0, callbacks=[record, Raises()])
    model.fit(*data(), batch_size=16, verbose=0, callbacks=[record])
    batches = [(b.epoch, b.batch, b.step) for b in read(path)]
    assert batches == [(0, 0, 0), (0, 1, 1), (0, 2, 2), *((1, n, 3 + n) for n in range(5))]
    assert "recorded from 1 on" in capfd.readouterr().err


def test_a_run_that_the_file_has(path):
    compiled().fit(*data(), epochs=2, verbose=0, callbacks=[recorder(path, run="lenet")])
    model = compiled()
    before = model.get_weights()
    with pytest.raises(gradlog.GradlogError) as raised:
        model.fit(*data(), epochs=2, verbose=0, callbacks=[recorder(path, run="lenet")])
    assert "already has the epochs 0 to 1, and this training begins with epoch 0" in str(raised.value)
    assert all((a == b).all() for a, b in zip(model.get_weights(), before, strict=True))
    model.fit(*data(), verbose=0, callbacks=[recorder(path, run="lenet", overlap="replace")])
    assert [b.epoch for b in read(path)] == [0, 0, 0]


def test_other_shapes_on_resume_are_said_and_harm_nothing(path, capfd):
    compiled().fit(*data(), verbose=0, callbacks=[recorder(path, run="grown")])
    model = keras.Sequential([keras.Input((10,)), layers.Dense(5), layers.Dense(8), layers.Dense(1)])
    model.compile("adam", "mse")
    record = recorder(path, run="grown")
    model.fit(*data(), initial_epoch=1, epochs=2, verbose=0, callbacks=[record])
    assert "record a changed model under another run name" in str(record.failure)
    assert capfd.readouterr().err.count("the recording of run 'grown' is incomplete") == 1
    assert len(read(path)) == 3


def test_a_file_that_is_deleted_while_it_is_recorded(path, capfd):
    class Deletes(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                path.unlink(missing_ok=True)

    record = recorder(path, commit_interval=0.0)
    history = compiled().fit(*data(), batch_size=16, epochs=2, verbose=0, callbacks=[record, Deletes()])
    assert len(history.history["loss"]) == 2
    assert record.failure is not None
    assert "is incomplete" in capfd.readouterr().err


PROGRAM = """
import resource, sys
import keras, numpy
import gradlog.keras
model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(512), keras.layers.Dense(1)])
model.compile("sgd", "mse")
x = numpy.random.rand(1600, 64).astype("float32")
model.fit(x[:32], x[:32, :1], verbose=0)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 21, 1 << 21))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
record = gradlog.keras.GradientRecorder(sys.argv[1])
history = model.fit(x, x[:, :1], epochs=2, verbose=0, callbacks=[record])
print("trained", len(history.history["loss"]), record.failure is not None)
"""


def run(program, *arguments):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def test_a_full_disk_is_said_and_the_training_goes_on(path):
    result = run(PROGRAM, path)
    assert result.stdout == "trained 2 True\n", result.stderr
    assert result.stderr.count("is incomplete") == 1


@pytest.mark.skipif(BACKEND != "torch", reason="jax and TensorFlow do not survive fork()")
def test_a_forked_child_does_not_touch_the_file(path):
    program = """
    import os, sys
    import keras, numpy
    import gradlog.keras
    x = numpy.random.rand(64, 4).astype("float32")

    class Forks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 0:
                child = os.fork()
                if child == 0:
                    sys.exit(0)
                os.waitpid(child, 0)

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], batch_size=16, verbose=0, callbacks=[gradlog.keras.GradientRecorder(sys.argv[1]), Forks()])
    print("trained")
    """
    result = run(program, path)
    assert result.stdout == "trained\n", result.stderr
    assert len(read(path)) == 4


def test_a_recorder_that_is_never_trained_with_leaves_no_file(path):
    model = compiled()
    recorder(path)
    model.predict(data()[0], verbose=0)
    assert not path.exists()


def test_the_printer_and_the_recorder_in_one_fit(path, capsys):
    x, y = data(rows=2)
    compiled().fit(x, y, verbose=0, callbacks=[gradlog.keras.GradientPrinter(), recorder(path)])
    printed = capsys.readouterr().out
    expected = "".join(
        f"weight name: {name}, gradient: {numpy.array(gradient)}\n"
        for name, gradient in read(path)[0].gradients.items()
    )
    assert printed == expected
