"""Clipping, accumulation, loss scaling, schedules and several optimizers."""

import autodiff
import gradlog.keras
import keras
import numpy
import pytest
from keras import layers
from recordings import column, read
from training import BACKEND, Weights, data, mlp, part, record

LOSS = keras.losses.binary_crossentropy


def record_both(path, model, x, y, **fit):
    """Trains with one recorder for each stage; returns their batches and the weights before each batch."""
    weights = Weights()
    recorders = [gradlog.keras.GradientRecorder(path, run=stage, stage=stage) for stage in ("raw", "applied")]
    fit = {"batch_size": 16, "shuffle": False, "verbose": 0, **fit}
    model.fit(x, y, callbacks=[weights, *recorders], **fit)
    return read(path, "raw"), read(path, "applied"), [*weights.before, model.get_weights()]


def moves(before, after):
    return [a.astype("float64") - b for a, b in zip(before, after)]


@pytest.mark.parametrize("clipping", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_raw_is_before_clipping_and_applied_after(path, clipping):
    x, y = data()
    model = mlp()
    model.compile(keras.optimizers.SGD(1.0, **{clipping: 1e-3}), LOSS)
    raw, applied, weights = record_both(path, model, x, y)
    assert column(path, "SELECT stage FROM runs ORDER BY run_id") == ["raw", "applied"]
    for number, (r, a) in enumerate(zip(raw, applied, strict=True)):
        autodiff.assert_same(
            r.arrays, autodiff.gradients(mlp(), weights[number], part(x, number), part(y, number), LOSS)
        )
        assert max(numpy.abs(g).max() for g in r.arrays) > 1e-2
        for gradient, moved in zip(a.arrays, moves(weights[number], weights[number + 1]), strict=True):
            assert numpy.abs(gradient).max() <= 1.001e-3
            assert numpy.abs(gradient - moved).max() < 6e-8
        assert (r.epoch, r.batch, r.step, r.loss) == (a.epoch, a.batch, a.step, a.loss)


@pytest.mark.parametrize("eagerly", [False, True])
def test_accumulation_has_raw_batches_and_applied_steps(path, eagerly):
    x, y = data(rows=128)
    model = mlp()
    optimizer = keras.optimizers.SGD(1.0, gradient_accumulation_steps=4, clipvalue=0.05)
    model.compile(optimizer, LOSS, run_eagerly=eagerly)
    raw, applied, weights = record_both(path, model, x, y)
    assert [(b.batch, b.step) for b in raw] == [(n, n // 4) for n in range(8)]
    assert [(b.batch, b.step) for b in applied] == [(3, 0), (7, 1)]
    for number, batch in enumerate(raw):
        autodiff.assert_same(
            batch.arrays, autodiff.gradients(mlp(), weights[number], part(x, number), part(y, number), LOSS)
        )
    for step, batch in enumerate(applied):
        of_step = [b.arrays for b in raw[4 * step : 4 * step + 4]]
        mean = [numpy.clip(numpy.mean(parts, axis=0), -0.05, 0.05) for parts in zip(*of_step, strict=True)]
        autodiff.assert_same(batch.arrays, mean)
        for gradient, moved in zip(batch.arrays, moves(weights[4 * step + 3], weights[4 * step + 4])):
            assert numpy.abs(gradient - moved).max() < 6e-8


def test_the_loss_scale_is_divided_out_and_recorded(path):
    x, y = data(rows=96)
    model = mlp()
    optimizer = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(1.0, clipnorm=0.01), initial_scale=2.0**10, dynamic_growth_steps=2
    )
    model.compile(optimizer, LOSS)
    raw, applied, weights = record_both(path, model, x, y)
    assert [b.loss_scale for b in raw] == [1024, 1024, 2048, 2048, 4096, 4096]
    assert [b.step for b in raw] == [b.step for b in applied] == list(range(6))
    assert raw[0].learning_rate == 1.0
    for number, (r, a) in enumerate(zip(raw, applied, strict=True)):
        expected = autodiff.gradients(mlp(), weights[number], part(x, number), part(y, number), LOSS)
        autodiff.assert_same(r.arrays, expected)
        for gradient, moved in zip(a.arrays, moves(weights[number], weights[number + 1])):
            assert numpy.abs(gradient - moved).max() < 6e-8


def test_a_constant_loss_scale_is_divided_out(path):
    x, y = data()
    model = mlp()
    model.compile(keras.optimizers.SGD(0.1, loss_scale_factor=256.0), LOSS)
    batches, weights = record(path, model, x, y, epochs=1)
    for number, batch in enumerate(batches):
        assert batch.loss_scale == 256
        expected = autodiff.gradients(mlp(), weights[number], part(x, number), part(y, number), LOSS)
        autodiff.assert_same(batch.arrays, expected)


def test_a_batch_that_overflows_is_recorded_raw_and_not_applied(path):
    x, y = data(rows=64)
    x[0:16] *= 1e3
    model = keras.Sequential([keras.Input((10,)), layers.Dense(1)])
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=2.0**110)
    model.compile(optimizer, keras.losses.mean_squared_error)
    raw, applied, _ = record_both(path, model, x, y)
    assert len(raw) == 4
    overflowed = [b.batch for b in raw if not all(numpy.isfinite(g).all() for g in b.arrays)]
    assert overflowed == [0]
    assert [b.step for b in raw] == [0, 0, 1, 2] and raw[1].loss_scale == 2.0**109
    assert [b.batch for b in applied] == [b.batch for b in raw if b.batch not in overflowed]


def test_mixed_precision_records_what_moved_the_weights(path):
    keras.config.set_dtype_policy("mixed_float16")
    x, y = data()
    model = mlp()
    model.compile(keras.optimizers.SGD(1.0), LOSS)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    raw, applied, weights = record_both(path, model, x, y)
    for batch in raw:
        assert batch.loss_scale == 2.0**15 and batch.arrays[0].dtype == "float32"
    for number, (r, a) in enumerate(zip(raw, applied, strict=True)):
        for gradient, same, moved in zip(r.arrays, a.arrays, moves(weights[number], weights[number + 1])):
            assert (gradient == same).all()
            assert numpy.abs(gradient - moved).max() < 6e-8


def test_bfloat16_weights_have_bfloat16_gradients(path):
    keras.config.set_dtype_policy("bfloat16")
    x, y = data()
    model = mlp()
    model.compile(keras.optimizers.SGD(0.1), LOSS)
    batches, _ = record(path, model, x, y, epochs=1)
    assert {g.dtype.name for b in batches for g in b.arrays} == {"bfloat16"}
    assert all(numpy.abs(g.astype("float32")).max() > 0 for b in batches for g in b.arrays[-1:])


def test_the_learning_rate_is_that_of_the_step(path):
    x, y = data()
    model = mlp()
    model.compile(keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)), LOSS)
    batches, _ = record(path, model, x, y)
    assert [b.learning_rate for b in batches] == [0.5 ** (n + 1) for n in range(10)]


class Gan(keras.Model):
    """Two networks, each with an optimizer of its own; the generator is stepped twice."""

    def __init__(self):
        super().__init__()
        self.generator = keras.Sequential([keras.Input((4,)), layers.Dense(10)])
        self.critic = mlp()
        self.built = True

    def compile(self, critic_optimizer, generator_optimizer, **options):
        super().compile(**options)
        self.critic_optimizer = critic_optimizer
        self.generator_optimizer = generator_optimizer

    def critic_loss(self, x, noise):
        return keras.ops.mean(self.critic(self.generator(noise))) - keras.ops.mean(self.critic(x))

    def generator_loss(self, noise):
        return -keras.ops.mean(self.critic(self.generator(noise)))

    def train_step(self, *arguments):
        return _gan_steps[BACKEND](self, *arguments)


def _tensorflow_step(gan, batch):
    import tensorflow as tf

    x, noise = batch
    for optimizer, network, loss in _moves(gan, x, noise):
        with tf.GradientTape() as tape:
            value = loss()
        optimizer.apply(tape.gradient(value, network.trainable_weights), network.trainable_weights)
    return {"generator_loss": value}


def _torch_step(gan, batch):
    import torch

    x, noise = batch
    for optimizer, network, loss in _moves(gan, x, noise):
        gan.zero_grad()
        value = loss()
        value.backward()
        with torch.no_grad():
            optimizer.apply([v.value.grad for v in network.trainable_weights], network.trainable_weights)
    return {"generator_loss": value}


def _moves(gan, x, noise):
    yield gan.critic_optimizer, gan.critic, lambda: gan.critic_loss(x, noise)
    for _ in range(2):
        yield gan.generator_optimizer, gan.generator, lambda: gan.generator_loss(noise)


def _jax_step(gan, state, batch):
    import jax

    x, noise = batch
    trainable, fixed, _, metrics = state
    values = {id(v): value for v, value in zip(gan.trainable_variables, trainable)}
    # Keras hands over the variables of `optimizer` only, so those of others are kept as they are.
    for optimizer, network, loss in _moves(gan, x, noise):
        own = [values[id(v)] for v in network.trainable_variables]

        def value_of(own):
            mapping = [(v, values[id(v)]) for v in gan.trainable_variables]
            mapping += list(zip(network.trainable_variables, own))
            with keras.StatelessScope(state_mapping=mapping):
                return loss()

        value, gradients = jax.value_and_grad(value_of)(own)
        own, _ = optimizer.stateless_apply([v.value for v in optimizer.variables], gradients, own)
        values.update({id(v): new for v, new in zip(network.trainable_variables, own)})
    state = [values[id(v)] for v in gan.trainable_variables], fixed, state[2], metrics
    return {"generator_loss": value}, state


_gan_steps = {"tensorflow": _tensorflow_step, "torch": _torch_step, "jax": _jax_step}


@pytest.mark.parametrize("eagerly", [False, True])
def test_several_optimizers_are_told_apart(path, eagerly):
    x, _ = data(rows=64)
    noise = numpy.random.RandomState(1).rand(64, 4).astype("float32")
    gan = Gan()
    gan.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(0.5), run_eagerly=eagerly)
    for optimizer, network in ((gan.critic_optimizer, gan.critic), (gan.generator_optimizer, gan.generator)):
        optimizer.build(network.trainable_variables)
    before = [w.get_weights() for w in (gan.critic, gan.generator)]
    recorder = gradlog.keras.GradientRecorder(path)
    gan.fit(x, noise, batch_size=64, epochs=1, verbose=0, callbacks=[recorder])
    critic, first, second = read(path)
    assert [(b.optimizer, b.call) for b in (critic, first, second)] == [
        ("critic_optimizer", 0),
        ("generator_optimizer", 0),
        ("generator_optimizer", 1),
    ]
    assert len(critic.gradients) == 6 and len(first.gradients) == 2 and critic.learning_rate == 1.0
    for gradient, moved in zip(critic.arrays, moves(before[0], gan.critic.get_weights()), strict=True):
        assert numpy.abs(gradient - moved).max() < 6e-8
    for one, two, moved in zip(first.arrays, second.arrays, moves(before[1], gan.generator.get_weights())):
        assert numpy.abs((one + two) * 0.5 - moved).max() < 6e-8
    assert max(numpy.abs(g).max() for g in first.arrays) > 1e-4


def test_optimizers_can_be_chosen_and_named(path):
    x, _ = data(rows=32)
    noise = numpy.random.RandomState(1).rand(32, 4).astype("float32")
    gan = Gan()
    gan.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(0.5))
    for optimizer, network in ((gan.critic_optimizer, gan.critic), (gan.generator_optimizer, gan.generator)):
        optimizer.build(network.trainable_variables)
    recorder = gradlog.keras.GradientRecorder(path, optimizers={"G": gan.generator_optimizer})
    gan.fit(x, noise, batch_size=32, epochs=1, verbose=0, callbacks=[recorder])
    assert [(b.optimizer, b.call) for b in read(path)] == [("G", 0), ("G", 1)]
