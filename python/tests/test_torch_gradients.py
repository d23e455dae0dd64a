"""Every gradient that gradlog.torch records equals one computed without it."""

from __future__ import annotations

import copy

import numpy
import pytest

torch = pytest.importorskip("torch")

from memory_recorder import MemoryRecorder
from torch import nn
from torch_models import (
    Lstm,
    autograd_gradients,
    batches_for,
    build,
    loss_of,
    mlp_backpropagation,
    replay_adam,
    weights_of,
)

import gradlog.torch

EVERY_MODEL = ["mlp", "cnn", "lstm", "transformer"]


def equal(found, expected, tolerance=0.0):
    assert list(found) == list(expected)
    for name, gradient in expected.items():
        if gradient is None:
            assert found[name] is None, name
        elif tolerance == 0:
            assert numpy.array_equal(found[name], gradient, equal_nan=True), name
        else:
            assert numpy.abs(found[name] - gradient).max() <= tolerance * numpy.abs(gradient).max(), name


def train(model, optimizer, batches, recorder=None, expected=None):
    for x, y in batches if recorder is None else recorder.batches(batches):
        optimizer.zero_grad()
        if expected is not None:
            expected.append(autograd_gradients(model, x, y))
        loss = loss_of(model, x, y)
        if recorder is not None:
            recorder.loss = loss
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("stage", ["applied", "raw"])
@pytest.mark.parametrize("name", EVERY_MODEL)
def test_plain_loop_records_what_autograd_computes(name, stage, target):
    model, batches, expected = build(name), batches_for(name), []
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    with gradlog.torch.record(model, optimizer, target.file, stage=stage) as recorder:
        train(model, optimizer, batches, recorder, expected)
    records = target.records()
    assert [record.place for record in records] == [(0, batch, batch, 0) for batch in range(len(batches))]
    assert {record.learning_rate for record in records} == {1e-2}
    assert {record.loss_scale for record in records} == {None}
    for record, gradients in zip(records, expected):
        equal(record.gradients, gradients)
    wrong = expected[1:] + expected[:1]
    assert not any(
        numpy.array_equal(r.gradients[n], g[n]) for r, g in zip(records, wrong) for n in list(g)[:1]
    )


@pytest.mark.parametrize("stage", ["applied", "raw"])
@pytest.mark.parametrize("name", EVERY_MODEL)
def test_training_is_bit_identical_with_the_recorder(name, stage, memory):
    model, batches = build(name), batches_for(name)
    twin = copy.deepcopy(model)
    train(twin, torch.optim.AdamW(twin.parameters(), lr=1e-2), batches)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    with gradlog.torch.record(model, optimizer, memory, stage=stage) as recorder:
        train(model, optimizer, batches, recorder)
    for one, other in zip(model.state_dict().values(), twin.state_dict().values()):
        assert torch.equal(one, other)


def test_numpy_adam_fed_from_the_recording_lands_on_the_trained_weights(target):
    model, batches = build("mlp"), batches_for("mlp", 40)
    start = weights_of(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    with gradlog.torch.record(model, optimizer, target.file) as recorder:
        for _ in recorder.epochs(3):
            train(model, optimizer, batches, recorder)
    gradients = [record.gradients for record in target.records()]
    assert len(gradients) == 120
    replayed = replay_adam(start, gradients, 1e-2)
    trained = weights_of(model)
    distance = max(numpy.abs(replayed[name] - trained[name]).max() for name in trained)
    assert distance < 5e-6
    assert max(numpy.abs(start[name] - trained[name]).max() for name in trained) > 0.01
    shuffled = replay_adam(start, gradients[60:] + gradients[:60], 1e-2)
    assert max(numpy.abs(shuffled[name] - trained[name]).max() for name in trained) > 100 * distance


def test_hand_written_backpropagation_agrees(memory):
    model, batches, expected = build("mlp"), batches_for("mlp"), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with gradlog.torch.record(model, optimizer, memory):
        for x, y in batches:
            expected.append(mlp_backpropagation(weights_of(model), x.double().numpy(), y.double().numpy()))
            train(model, optimizer, [(x, y)])
    for record, gradients in zip(memory.records, expected):
        equal(record.gradients, gradients, tolerance=1e-6)


def test_clipping_is_in_the_applied_and_not_in_the_raw_gradient(memory):
    for stage in ("applied", "raw"):
        memory.records.clear()
        model, (x, y) = build("mlp"), batches_for("mlp")[0]
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        expected = autograd_gradients(model, x, y)
        with gradlog.torch.record(model, optimizer, memory, stage=stage):
            loss_of(model, x, y).backward()
            norm = float(nn.utils.clip_grad_norm_(model.parameters(), 0.1))
            optimizer.step()
        assert norm > 0.2
        if stage == "raw":
            equal(memory.records[0].gradients, expected)
        else:
            equal(
                memory.records[0].gradients,
                {n: g * (0.1 / (norm + 1e-6)) for n, g in expected.items()},
                tolerance=1e-6,
            )
            assert not numpy.allclose(memory.records[0].gradients["0.weight"], expected["0.weight"])


def test_accumulation_records_each_part_raw_and_the_sum_applied():
    batches, parts = batches_for("mlp", 8), 4
    for stage in ("applied", "raw"):
        memory = MemoryRecorder()
        model, expected = build("mlp"), []
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        with gradlog.torch.record(model, optimizer, memory, stage=stage) as recorder:
            for index, (x, y) in enumerate(recorder.batches(batches)):
                gradients = autograd_gradients(model, x, y)
                expected.append({name: gradient / parts for name, gradient in gradients.items()})
                (loss_of(model, x, y) / parts).backward()
                if index % parts == parts - 1:
                    optimizer.step()
                    optimizer.zero_grad()
        places = [record.place for record in memory.records]
        if stage == "raw":
            assert places == [(0, batch, batch // parts, 0) for batch in range(8)]
            for record, gradients in zip(memory.records, expected):
                equal(record.gradients, gradients, tolerance=1e-7)
        else:
            assert places == [(0, 3, 0, 0), (0, 7, 1, 0)]
            for record, start in zip(memory.records, (0, 4)):
                total = {
                    name: sum(one[name] for one in expected[start : start + parts]) for name in expected[0]
                }
                equal(record.gradients, total, tolerance=1e-6)


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_sparse_embedding_arrives_by_rows(stage, target):
    torch.manual_seed(0)
    model, batches, expected = Lstm(sparse=True), batches_for("lstm"), []
    dense = [parameter for name, parameter in model.named_parameters() if name != "embedding.weight"]
    optimizers = {
        "sparse": torch.optim.SparseAdam([model.embedding.weight], lr=1e-2),
        "dense": torch.optim.Adam(dense, lr=1e-2),
    }
    with gradlog.torch.record(model, optimizers, target.file, stage=stage) as recorder:
        for x, y in recorder.batches(batches):
            expected.append(autograd_gradients(model, x, y))
            for optimizer in optimizers.values():
                optimizer.zero_grad()
            loss_of(model, x, y).backward()
            for optimizer in optimizers.values():
                optimizer.step()
    records = target.records()
    assert [record.optimizer for record in records] == ["sparse", "dense"] * 6
    for index, gradients in enumerate(expected):
        merged = {**records[2 * index].gradients, **records[2 * index + 1].gradients}
        equal(merged, gradients, tolerance=1e-6)  # rows that occur twice are added in another order
    if target.path is None:
        assert all(0 < rows < 20 for rows in target.file.sparse_rows)


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_frozen_and_unused_weights_are_absent(stage, memory):
    model = build("mlp")
    model[2].weight.requires_grad_(False)
    model.add_module("unused", nn.Linear(2, 2))
    x, y = batches_for("mlp")[0]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with gradlog.torch.record(model, optimizer, memory, stage=stage):
        loss_of(nn.Sequential(*list(model)[:5]), x, y).backward()
        optimizer.step()
    absent = [name for name, gradient in memory.records[0].gradients.items() if gradient is None]
    assert absent == ["2.weight", "unused.weight", "unused.bias"]
    assert memory.frozen == [["2.weight"]]


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_weights_are_frozen_and_unfrozen_in_mid_training(stage, memory):
    model = build("mlp")
    first = model[0]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = batches_for("mlp")[0]
    with gradlog.torch.record(model, optimizer, memory, stage=stage):
        for trains in (False, True, False):
            first.requires_grad_(trains)
            optimizer.zero_grad()
            loss_of(model, x, y).backward()
            optimizer.step()
    frozen = ["0.weight", "0.bias"]
    assert memory.frozen == [frozen, [], frozen]
    assert [record.gradients["0.weight"] is None for record in memory.records] == [True, False, True]


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_a_detached_layer_is_not_frozen(stage, memory):
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with gradlog.torch.record(model, optimizer, memory, stage=stage):
        model[1](model[0](torch.ones(2, 4)).detach()).sum().backward()
        optimizer.step()
    assert [name for name, gradient in memory.records[0].gradients.items() if gradient is None] == [
        "0.weight",
        "0.bias",
    ]
    assert memory.frozen == [[]]


def test_a_gradient_that_was_left_is_applied_to_a_frozen_weight_too(memory):
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with gradlog.torch.record(model, optimizer, memory):
        for _ in range(2):
            model(torch.ones(2, 4)).sum().backward()
            optimizer.step()
            model.weight.requires_grad_(False)
    assert numpy.array_equal(memory.records[1].gradients["weight"], numpy.full((1, 4), 2.0))
    assert memory.frozen == [[], []]


@pytest.mark.parametrize("stage", ["applied", "raw"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_every_type_arrives_bit_for_bit(stage, dtype, target):
    model = nn.Linear(4, 3).to(getattr(torch, dtype))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    values = torch.tensor(
        [[float("nan"), float("inf"), -float("inf"), -0.0], [1e-7, 0.1, 3.0, -2.5], [0, 1, 2, 3.0]]
    )
    values = values.to(model.weight.dtype)
    with gradlog.torch.record(model, optimizer, target.file, stage=stage):
        (model.weight * values).sum().backward()
        optimizer.step()
    found = target.records()[0].gradients
    assert found["bias"] is None
    expected = values.double().numpy()
    assert numpy.array_equal(found["weight"], expected, equal_nan=True)
    assert numpy.array_equal(numpy.signbit(found["weight"])[0, 1:], numpy.signbit(expected)[0, 1:])


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_gradients_that_are_not_contiguous_keep_their_order(stage, target):
    torch.manual_seed(1)
    model = nn.Conv2d(3, 5, 3).to(memory_format=torch.channels_last)
    x = torch.randn(2, 3, 6, 6).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    expected = torch.autograd.grad(model(x).square().sum(), list(model.parameters()))
    with gradlog.torch.record(model, optimizer, target.file, stage=stage):
        model(x).square().sum().backward()
        assert not model.weight.grad.is_contiguous()
        optimizer.step()
    found = target.records()[0].gradients
    assert numpy.array_equal(found["weight"], expected[0].double().numpy())
    assert numpy.array_equal(found["bias"], expected[1].double().numpy())
