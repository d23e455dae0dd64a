"""fit() in all its uses: epochs, repeated calls, validation, train_on_batch, custom steps."""

import autodiff
import gradlog.keras
import keras
import numpy
import pytest
from recordings import column, read
from training import BACKEND, Weights, data, mlp, part, record

LOSS = keras.losses.binary_crossentropy


def compiled(**options):
    model = mlp()
    model.compile("adam", LOSS, **options)
    return model


def places(path, run=None):
    return [(b.epoch, b.batch, b.step) for b in read(path, run)]


def test_the_run_says_who_trained_and_that_it_is_finished(path):
    record(path, compiled(), *data(), run="named", configuration={"note": 1})
    assert column(path, "SELECT name FROM runs") == ["named"]
    framework = column(path, "SELECT framework FROM runs")[0]
    assert framework.startswith(f"keras {keras.__version__} {BACKEND} ")
    assert column(path, "SELECT finished_at IS NOT NULL FROM runs") == [1]
    assert not path.with_name("runs.db-wal").exists()


def test_initial_epoch_and_validation(path):
    x, y = data()
    recorder = gradlog.keras.GradientRecorder(path)
    compiled().fit(
        x,
        y,
        batch_size=40,
        initial_epoch=3,
        epochs=5,
        validation_data=(x, y),
        verbose=0,
        callbacks=[recorder],
    )
    assert places(path) == [(3, 0, 0), (3, 1, 1), (4, 0, 2), (4, 1, 3)]


def test_a_recorder_only_in_the_second_fit_sees_it_and_not_the_third(path):
    x, y = data()
    model = compiled()
    model.fit(x, y, batch_size=40, verbose=0)
    model.fit(x, y, batch_size=40, verbose=0, callbacks=[gradlog.keras.GradientRecorder(path)])
    model.fit(x, y, batch_size=40, verbose=0)
    assert [(e, b) for e, b, _ in places(path)] == [(0, 0), (0, 1)]
    assert not [name for name in vars(model.optimizer) if name in ("apply", "_gradlog_tap")]
    assert "_gradlog_tap" not in vars(model)


def test_one_recorder_in_several_fits_continues_the_run(path, capfd):
    x, y = data()
    model, recorder = compiled(), gradlog.keras.GradientRecorder(path, run="long")
    model.fit(x, y, batch_size=40, epochs=2, verbose=0, callbacks=[recorder])
    model.fit(x, y, batch_size=40, epochs=3, initial_epoch=2, verbose=0, callbacks=[recorder])
    assert capfd.readouterr().err.count("gradlog:") == 0
    model.compile("adam", LOSS)
    model.fit(x, y, batch_size=40, epochs=1, verbose=0, callbacks=[recorder])
    assert places(path) == [(n // 2, n % 2, n) for n in range(8)]
    assert "recorded from 3 on" in capfd.readouterr().err
    assert recorder.failure is None


def test_a_run_is_resumed_in_another_process_by_its_name(path):
    x, y = data()
    model = compiled()
    for start in (0, 2):
        recorder = gradlog.keras.GradientRecorder(path, run="resumed")
        model.fit(x, y, batch_size=40, initial_epoch=start, epochs=start + 2, verbose=0, callbacks=[recorder])
    assert places(path) == [(n // 2, n % 2, n) for n in range(8)]


def test_every_nth_batch(path):
    x, y = data(rows=112)
    record(path, compiled(), x, y, every=3)
    assert [(e, b) for e, b, _ in places(path)] == [(e, b) for e in (0, 1) for b in (0, 3, 6)]


def test_statistics_only(path):
    recorder = gradlog.keras.GradientRecorder(path, capture="none")
    compiled().fit(*data(), batch_size=16, verbose=0, callbacks=[recorder])
    assert column(path, "SELECT count(*) FROM gradient_values") == [0]
    assert column(path, "SELECT count(*) FROM gradient_statistics") == [5 * 6]


def test_train_on_batch(path):
    x, y = data()
    model = compiled()
    weights = []
    with gradlog.keras.GradientRecorder(path).recording(model) as recorder:
        for epoch in range(2):
            recorder.on_epoch_begin(epoch)
            for number in range(5):
                weights.append(model.get_weights())
                model.train_on_batch(part(x, number), part(y, number))
            model.test_on_batch(x, y)
            model.evaluate(x, y, verbose=0)
    model.train_on_batch(x, y)
    batches = read(path)
    assert places(path) == [(n // 5, n % 5, n) for n in range(10)]
    for batch, before in zip(batches, weights, strict=True):
        at = part(x, batch.batch), part(y, batch.batch)
        autodiff.assert_same(batch.arrays, autodiff.gradients(mlp(), before, *at, LOSS))


@pytest.mark.skipif(BACKEND == "torch", reason="Keras has no steps_per_execution on torch")
def test_steps_per_execution_records_each_step(path):
    x, y = data(rows=112)
    records = []
    for steps in (1, 3):
        keras.utils.set_random_seed(5)
        model = compiled(steps_per_execution=steps)
        file = path.with_name(f"{steps}.db")
        recorder = gradlog.keras.GradientRecorder(file)
        model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0, callbacks=[recorder])
        records.append(read(file))
    one, three = records
    assert [(b.epoch, b.batch, b.step) for b in three] == [(n // 7, n % 7, n) for n in range(14)]
    for a, b in zip(one, three, strict=True):
        assert a.loss == b.loss and all((g == h).all() for g, h in zip(a.arrays, b.arrays, strict=True))


class Custom(keras.Model):
    """A training step as Keras's guides write it."""

    def __init__(self):
        super().__init__()
        self.net = mlp()
        self.built = True

    def call(self, x):
        return self.net(x)

    def train_step(self, *arguments):
        return _custom_steps[BACKEND](self, *arguments)


def _tensorflow_step(model, batch):
    import tensorflow as tf

    x, y = batch
    with tf.GradientTape() as tape:
        loss = 3 * tf.reduce_mean(LOSS(y, model(x)))
    model.optimizer.apply(tape.gradient(loss, model.trainable_weights), model.trainable_weights)
    return {"loss": loss}


def _torch_step(model, batch):
    import torch

    x, y = batch
    model.zero_grad()
    loss = 3 * LOSS(y, model(x)).mean()
    loss.backward()
    with torch.no_grad():
        weights = model.trainable_weights
        model.optimizer.apply([w.value.grad for w in weights], weights)
    return {"loss": loss}


def _jax_step(model, state, batch):
    import jax

    x, y = batch
    trainable, fixed, optimizer, metrics = state

    def total(trainable):
        return 3 * keras.ops.mean(LOSS(y, model.stateless_call(trainable, fixed, x)[0]))

    loss, gradients = jax.value_and_grad(total)(trainable)
    trainable, optimizer = model.optimizer.stateless_apply(optimizer, gradients, trainable)
    return {"loss": loss}, (trainable, fixed, optimizer, metrics)


_custom_steps = {"tensorflow": _tensorflow_step, "torch": _torch_step, "jax": _jax_step}


def test_a_custom_train_step(path):
    x, y = data()
    model = Custom()
    model.compile("adam")
    batches, weights = record(path, model, x, y)

    def thrice(y, predictions):
        return 3 * LOSS(y, predictions)

    for batch, before in zip(batches, weights, strict=True):
        at = part(x, batch.batch), part(y, batch.batch)
        autodiff.assert_same(batch.arrays, autodiff.gradients(mlp(), before, *at, thrice))
        if BACKEND != "torch":
            assert batch.loss > 1.5


def test_checkpoints_can_be_saved_while_recording(path, tmp_path):
    x, y = data()
    model = compiled()
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "model.keras")
    model.fit(x, y, verbose=0, callbacks=[gradlog.keras.GradientRecorder(path), checkpoint])
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
        assert (a == b).all()
    assert len(loaded.optimizer.variables) == len(model.optimizer.variables)


@pytest.mark.parametrize("stage", ["raw", "applied"])
def test_a_nonfinite_gradient_ends_the_training(path, capfd, stage):
    x, y = data(rows=1600)
    x[800:] = numpy.nan
    weights = Weights()
    recorder = gradlog.keras.GradientRecorder(path, stage=stage, stop_on="nonfinite")
    model = mlp()
    model.compile("adam", "mse")
    model.fit(x, y, batch_size=8, epochs=50, shuffle=False, verbose=0, callbacks=[weights, recorder])
    assert recorder.stopped.rule == "nonfinite" and recorder.stopped.batch == 100
    assert len(weights.before) == 101
    assert len(read(path)) == 101
    assert capfd.readouterr().err.count("is stopped: critical nonfinite since") == 1
    unharmed = all(
        (now == before).all() for now, before in zip(model.get_weights(), weights.before[-1], strict=True)
    )
    # A compiled step has done its update before anyone sees its gradients.
    assert unharmed == (BACKEND == "torch")


@pytest.mark.skipif(BACKEND == "torch", reason="Keras has no steps_per_execution on torch")
def test_a_nonfinite_gradient_ends_an_execution_of_several_steps(path):
    x, y = data(rows=160)
    x[40:] = numpy.nan
    recorder = gradlog.keras.GradientRecorder(path, stop_on="nonfinite")
    model = mlp()
    model.compile("adam", "mse", steps_per_execution=4)
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0, callbacks=[recorder])
    assert [batch.batch for batch in read(path)] == list(range(6))
