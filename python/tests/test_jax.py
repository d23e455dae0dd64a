"""gradlog.jax: every recorded gradient equals jax.grad's on the same weights and batch, and a numpy replay lands."""

from __future__ import annotations

import numpy
import pytest

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")

import jax.numpy as jnp
from torch_models import mlp_backpropagation, replay_adam

import gradlog
import gradlog.jax


def weights():
    """Ten layers and more, so that names sort as numbers."""
    keys = jax.random.split(jax.random.key(3), 11)
    return {
        f"Dense_{i}": {"bias": jnp.zeros(4), "kernel": jax.random.normal(key, (4, 4)) / 2}
        for i, key in enumerate(keys)
    }


def loss_of(parameters, x, y):
    for index in range(len(parameters)):
        layer = parameters[f"Dense_{index}"]
        x = jnp.tanh(x @ layer["kernel"] + layer["bias"])
    return jnp.mean((x - y) ** 2)


def batches(count=6):
    generator = numpy.random.default_rng(7)
    return [
        (generator.normal(size=(5, 4)).astype("f4"), generator.normal(size=(5, 4)).astype("f4"))
        for _ in range(count)
    ]


def flat(tree):
    return {
        f"Dense_{i}/{part}": numpy.asarray(tree[f"Dense_{i}"][part], "f8")
        for i in range(11)
        for part in ("bias", "kernel")
    }


def equal(found, expected, tolerance=0.0):
    assert list(found) == list(expected)
    for name, gradient in expected.items():
        assert numpy.abs(found[name] - gradient).max() <= tolerance * numpy.abs(gradient).max(), name


def train(optimizer, data, after=lambda gradients, loss: None, **extra):
    parameters = weights()
    state, expected = optimizer.init(parameters), []

    @jax.jit
    def step(parameters, state, x, y):
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, y)
        more = {"value": loss} if extra else {}
        updates, state = optimizer.update(gradients, state, parameters, **more)
        return optax.apply_updates(parameters, updates), state, loss, gradients

    for x, y in data:
        expected.append(flat(jax.grad(loss_of)(parameters, x, y)))
        parameters, state, loss, gradients = step(parameters, state, x, y)
        after(gradients, loss)
    return parameters, expected


def test_gradients_returned_from_the_step(target):
    losses = []

    def record(gradients, loss):
        losses.append(float(loss))
        gradlog.jax.record_gradients(recorder, gradients, loss=loss, learning_rate=1e-2)

    recorder = gradlog.Recorder(target.file, "jax") if target.path else target.file
    trained, expected = train(optax.adam(1e-2), batches(), record)
    recorder.close()
    records = target.records()
    assert [record.place for record in records] == [(0, i, i, 0) for i in range(6)]
    assert [record.loss for record in records] == losses
    for record, gradients in zip(records, expected):
        equal(record.gradients, gradients, tolerance=1e-5)
    assert not numpy.allclose(records[0].gradients["Dense_0/kernel"], expected[1]["Dense_0/kernel"])
    replayed = replay_adam(flat(weights()), [record.gradients for record in records], 1e-2)
    assert max(numpy.abs(replayed[name] - weight).max() for name, weight in flat(trained).items()) < 5e-6


def test_tap_inside_jit(target):
    with gradlog.jax.tap(target.file, "jax", steps_per_epoch=4) as tap:
        trained, expected = train(
            optax.chain(tap, optax.clip_by_global_norm(0.01), optax.adam(1e-2)), batches(), value=True
        )
    plain, _ = train(optax.chain(optax.clip_by_global_norm(0.01), optax.adam(1e-2)), batches())
    records = target.records()
    assert [record.place for record in records] == [(i // 4, i % 4, i, 0) for i in range(6)]
    assert all(record.loss > 0 for record in records)
    for record, gradients in zip(records, expected):
        equal(record.gradients, gradients, tolerance=1e-5)
    for name, weight in flat(plain).items():
        assert numpy.array_equal(flat(trained)[name], weight), name


def test_tap_behind_clipping_sees_what_is_applied(memory):
    with gradlog.jax.tap(memory, stage="applied") as tap:
        trained, expected = train(
            optax.chain(optax.clip_by_global_norm(0.01), tap, optax.adam(1e-2)), batches()
        )
    for record, gradients in zip(memory.records, expected):
        norm = numpy.sqrt(sum((gradient**2).sum() for gradient in gradients.values()))
        assert norm > 0.01
        equal(
            record.gradients,
            {name: gradient * 0.01 / norm for name, gradient in gradients.items()},
            tolerance=1e-4,
        )
    replayed = replay_adam(flat(weights()), [record.gradients for record in memory.records], 1e-2)
    assert max(numpy.abs(replayed[name] - weight).max() for name, weight in flat(trained).items()) < 1e-5


def test_tap_inside_scan(memory):
    data = batches()
    with gradlog.jax.tap(memory) as tap:
        optimizer = optax.chain(tap, optax.sgd(0.1))
        parameters = weights()

        @jax.jit
        def run(parameters, state, xs, ys):
            def step(carry, batch):
                gradients = jax.grad(loss_of)(carry[0], *batch)
                updates, state = optimizer.update(gradients, carry[1], carry[0])
                return (optax.apply_updates(carry[0], updates), state), gradients

            return jax.lax.scan(step, (parameters, state), (xs, ys))

        _, returned = run(parameters, optimizer.init(parameters), *(jnp.stack(part) for part in zip(*data)))
    assert [record.place for record in memory.records] == [(0, i, i, 0) for i in range(6)]
    for index, record in enumerate(memory.records):
        equal(record.gradients, flat(jax.tree.map(lambda leaf: leaf[index], returned)))


def test_hand_written_backpropagation_agrees(memory):
    generator = numpy.random.default_rng(1)
    shapes = {"w1": (16, 10), "b1": (16,), "w2": (8, 16), "b2": (8,), "w3": (1, 8), "b3": (1,)}
    parameters = {name: generator.normal(size=shape).astype("f4") / 2 for name, shape in shapes.items()}
    x, y = generator.normal(size=(5, 10)).astype("f4"), generator.normal(size=(5, 1)).astype("f4")

    def loss(p):
        a1 = jax.nn.relu(x @ p["w1"].T + p["b1"])
        return jnp.mean((jax.nn.relu(a1 @ p["w2"].T + p["b2"]) @ p["w3"].T + p["b3"] - y) ** 2)

    gradlog.jax.record_gradients(memory, jax.jit(jax.grad(loss))(parameters))
    expected = mlp_backpropagation(
        {n: w.astype("f8") for n, w in parameters.items()}, x.astype("f8"), y.astype("f8")
    )
    assert list(memory.records[0].gradients) == ["b1", "b2", "b3", "w1", "w2", "w3"]
    for name, gradient in expected.items():
        assert (
            numpy.abs(memory.records[0].gradients[name] - gradient).max() <= 1e-5 * numpy.abs(gradient).max()
        )


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_every_type_arrives_bit_for_bit(dtype, target):
    values = jnp.array([float("nan"), float("inf"), -float("inf"), -0.0, 0.1, 3.0], dtype)
    recorder = gradlog.Recorder(target.file, "jax") if target.path else target.file
    gradlog.jax.record_gradients(recorder, {"inner": [values, values[4]], "frozen": None})
    with gradlog.jax.tap(recorder) as tap:
        jax.jit(tap.update)({"inner": [values, values[4]]}, tap.init(None))
    recorder.close()
    expected = numpy.asarray(values.astype("f4"), "f8")
    first, second = target.records()
    assert list(first.gradients) == ["frozen", "inner/0", "inner/1"] and first.gradients["frozen"] is None
    for record in (first, second):
        assert numpy.array_equal(record.gradients["inner/0"], expected, equal_nan=True)
        assert numpy.signbit(record.gradients["inner/0"][3])
        assert record.gradients["inner/1"] == expected[4]


def test_integer_weights_have_no_gradient(memory):
    def loss(p):
        return (p["weight"] ** 2).sum() * p["count"]

    gradients = jax.grad(loss, allow_int=True)({"weight": jnp.ones(2), "count": 3})
    gradlog.jax.record_gradients(memory, gradients)
    assert memory.records[0].gradients["count"] is None
    assert memory.records[0].gradients["weight"].tolist() == [6.0, 6.0]


def test_places_are_counted_or_told(memory):
    gradients = {"w": numpy.ones(2, "f4")}
    for told in ({}, {}, {"epoch": 1}, {"epoch": 1}, {"epoch": 2, "batch": 7, "step": 40}, {"batch": 8}):
        gradlog.jax.record_gradients(memory, gradients, **told)
    assert [record.place for record in memory.records] == [
        (0, 0, 0, 0), (0, 1, 1, 0), (1, 0, 2, 0), (1, 1, 3, 0), (2, 7, 40, 0), (2, 8, 41, 0),
    ]  # fmt: skip


def test_a_file_stays_open_for_the_calls_that_follow(tmp_path):
    recorded_file = pytest.importorskip("recorded_file", reason="the recorder's library is not built")
    for _ in range(2):
        for _ in range(3):
            gradlog.jax.record_gradients(tmp_path / "runs.db", {"w": jnp.ones(2)}, run="mine")
        gradlog.jax.close(tmp_path / "runs.db")
    places = [record.place for record in recorded_file.records_in(tmp_path / "runs.db")]
    assert places == [(0, i, i, 0) for i in range(6)]


def test_inside_jit_it_says_what_to_do(memory):
    @jax.jit
    def step(gradients):
        gradlog.jax.record_gradients(memory, gradients)
        return gradients

    with pytest.raises(
        gradlog.GradlogError, match="called inside jit.*record them outside, or put gradlog.jax.tap"
    ):
        step({"w": jnp.ones(2)})
    assert memory.records == []


def test_a_tap_that_is_never_used_is_told(memory):
    with pytest.raises(gradlog.GradlogError, match="nothing was recorded"):
        with gradlog.jax.tap(memory):
            train(optax.sgd(0.1), batches(1))


def test_nothing_recorded_leaves_no_run(tmp_path):
    pytest.importorskip("recorded_file", reason="the recorder's library is not built")
    with pytest.raises(gradlog.GradlogError, match="nothing was recorded"):
        with gradlog.jax.tap(tmp_path / "runs.db"):
            pass
    assert gradlog.open(tmp_path / "runs.db").runs(as_="tuples") == []


def test_inside_multi_steps_it_is_told_and_outside_it_records_every_part(memory, capsys):
    tap = gradlog.jax.tap(memory)
    train(optax.MultiSteps(optax.chain(tap, optax.sgd(0.1)), every_k_schedule=2), batches(4))
    with pytest.raises(gradlog.GradlogError, match="outside of optax.MultiSteps"):
        tap.close()
    assert "outside of optax.MultiSteps" in capsys.readouterr().err
    memory.records.clear()
    with gradlog.jax.tap(memory) as tap:
        multi = optax.MultiSteps(optax.sgd(0.1), every_k_schedule=2)
        steps = optax.GradientTransformation(multi.init, multi.update)
        _, expected = train(optax.chain(tap, steps), batches(4))
    assert [record.step for record in memory.records] == [0, 1, 2, 3]
    for record, gradients in zip(memory.records, expected):
        equal(record.gradients, gradients, tolerance=1e-5)


def test_a_failing_recorder_does_not_reach_the_training(memory, capsys):
    memory.fails_at = 1
    tap = gradlog.jax.tap(memory)
    trained, _ = train(optax.chain(tap, optax.adam(1e-2)), batches())
    with pytest.raises(
        gradlog.GradlogError, match="1 batches were lost, the first because: the disk is full"
    ):
        tap.close()
    assert "the disk is full" in capsys.readouterr().err
    plain, _ = train(optax.adam(1e-2), batches())
    for name, weight in flat(plain).items():
        assert numpy.array_equal(flat(trained)[name], weight)
    assert len(memory.records) == 5


def test_an_exception_of_the_training_comes_out_as_itself(memory):
    with pytest.raises(ZeroDivisionError):
        with gradlog.jax.tap(memory):
            raise ZeroDivisionError


def test_epochs_are_announced(memory):
    parameters = weights()
    with gradlog.jax.tap(memory) as tap:
        optimizer = optax.chain(tap, optax.sgd(0.1))
        state, step = optimizer.init(parameters), jax.jit(optimizer.update)
        for epoch in range(2):
            tap.epoch(epoch)
            for x, y in batches(3):
                _, state = step(jax.grad(loss_of)(parameters, x, y), state)
    assert [record.place for record in memory.records] == [(i // 3, i % 3, i, 0) for i in range(6)]
