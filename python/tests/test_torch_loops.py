"""The shapes that a PyTorch training takes: closures, several optimizers, loss scaling, compilation, checkpointing."""

from __future__ import annotations

import copy
import warnings

import numpy
import pytest

torch = pytest.importorskip("torch")

from test_torch_gradients import equal, train
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch_models import autograd_gradients, batches_for, build, loss_of, weights_of

import gradlog.torch


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_every_evaluation_of_a_closure_is_a_call(stage, target):
    model, expected, losses = build("mlp"), [], []
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=4)
    with gradlog.torch.record(model, optimizer, target.file, stage=stage):
        for x, y in batches_for("mlp", 3):

            def closure():
                optimizer.zero_grad()
                expected.append(autograd_gradients(model, x, y))
                loss = loss_of(model, x, y)
                losses.append(float(loss))
                loss.backward()
                return loss

            optimizer.step(closure)
    records = target.records()
    assert len(records) == len(expected) > 6
    assert [record.step for record in records] == [record.batch for record in records]
    assert {record.step for record in records} == {0, 1, 2}
    for step in range(3):
        calls = [record.call for record in records if record.step == step]
        assert calls == list(range(len(calls)))
    for record, gradients in zip(records, expected):
        equal(record.gradients, gradients)
    if stage == "applied":
        assert [record.loss for record in records] == losses


def test_adversarial_training_keeps_two_optimizers_apart(target):
    torch.manual_seed(0)
    generator, critic = (
        nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)),
        nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1)),
    )
    optimizers = {
        "generator": torch.optim.Adam(generator.parameters(), lr=1e-3),
        "critic": torch.optim.Adam(critic.parameters(), lr=2e-3),
    }
    bce, expected, losses = nn.BCEWithLogitsLoss(), [], []
    with gradlog.torch.record(
        {"generator": generator, "critic": critic}, optimizers, target.file
    ) as recorder:
        for real in recorder.batches(torch.randn(5, 4, 2)):
            fake = generator(torch.randn(4, 3))
            loss = bce(critic(real), torch.ones(4, 1)) + bce(critic(fake.detach()), torch.zeros(4, 1))
            expected.append(torch.autograd.grad(loss, list(critic.parameters()), retain_graph=True))
            optimizers["critic"].zero_grad()
            recorder.loss = loss
            losses.append(float(loss))
            loss.backward()
            optimizers["critic"].step()
            loss = bce(critic(fake), torch.ones(4, 1))
            expected.append(torch.autograd.grad(loss, list(generator.parameters()), retain_graph=True))
            optimizers["generator"].zero_grad()
            recorder.loss = loss
            losses.append(float(loss))
            loss.backward()
            optimizers["generator"].step()
    records = target.records()
    assert [record.place for record in records] == [(0, i // 2, i, 0) for i in range(10)]
    assert [record.optimizer for record in records] == ["critic", "generator"] * 5
    assert [record.learning_rate for record in records] == [2e-3, 1e-3] * 5
    assert [record.loss for record in records] == losses
    for record, gradients in zip(records, expected):
        assert list(record.gradients)[0] == f"{record.optimizer}.0.weight"
        for found, gradient in zip(record.gradients.values(), gradients):
            assert numpy.array_equal(found, gradient.double().numpy())


def test_without_told_batches_each_optimizer_counts_its_own(memory):
    one, other = nn.Linear(2, 1), nn.Linear(2, 1)
    optimizers = [torch.optim.SGD(one.parameters(), lr=0.1), torch.optim.SGD(other.parameters(), lr=0.1)]
    with gradlog.torch.record([one, other], optimizers, memory) as recorder:
        for epoch in recorder.epochs(2):
            for index in range(4):
                chosen = [0, 1] if index == 3 else [0]
                for which in chosen:
                    (one, other)[which](torch.ones(1, 2)).sum().backward()
                    optimizers[which].step()
    assert [(r.optimizer, *r.place) for r in memory.records] == [
        ("SGD_0", 0, 0, 0, 0), ("SGD_0", 0, 1, 1, 0), ("SGD_0", 0, 2, 2, 0), ("SGD_0", 0, 3, 3, 0), ("SGD_1", 0, 0, 4, 0),
        ("SGD_0", 1, 0, 5, 0), ("SGD_0", 1, 1, 6, 0), ("SGD_0", 1, 2, 7, 0), ("SGD_0", 1, 3, 8, 0), ("SGD_1", 1, 0, 9, 0),
    ]  # fmt: skip


@pytest.mark.parametrize("stage", ["applied", "raw"])
@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("unscales", [False, True])
def test_loss_scale_is_divided_out_and_kept_and_skipped_steps_leave_no_record(stage, fused, unscales, target):
    model, batches, expected = build("mlp"), batches_for("mlp", 6), []
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)
    scales = []
    with gradlog.torch.record(
        model, optimizer, target.file, stage=stage, scaler=scaler if stage == "raw" else None
    ) as recorder:
        for index, (x, y) in enumerate(recorder.batches(batches)):
            optimizer.zero_grad()
            x = x * float("inf") if index == 2 else x
            expected.append(autograd_gradients(model, x, y))
            scales.append(scaler.get_scale())
            recorder.loss = loss = loss_of(model, x, y)
            scaler.scale(loss).backward()
            if unscales:
                scaler.unscale_(optimizer)
            scaler.step(optimizer)
            scaler.update()
    assert scales == [1024.0, 1024.0, 2048.0, 1024.0, 1024.0, 2048.0]
    seen = [0, 1, 3, 4, 5] if stage == "applied" else [0, 1, 2, 3, 4, 5]
    records = target.records()
    assert [record.batch for record in records] == seen
    steps = {"applied": [0, 1, 2, 3, 4], "raw": [0, 1, 2, 2, 3, 4]}[stage]
    assert [record.step for record in records] == steps
    for record, batch in zip(records, seen):
        assert record.loss_scale == scales[batch]
        if batch == 2:
            assert all(not numpy.isfinite(gradient).all() for gradient in list(record.gradients.values())[:1])
        else:
            equal(record.gradients, expected[batch], tolerance=1e-6)


def test_half_precision_is_unscaled_without_underflow(memory):
    model = nn.Linear(2, 1, bias=False).half()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)
    with gradlog.torch.record(model, optimizer, memory, stage="raw", scaler=scaler):
        scaler.scale((model.weight.float() * 2.0**-25).sum()).backward()
    assert memory.records[0].gradients["weight"].tolist() == [[2.0**-25, 2.0**-25]]


@pytest.mark.parametrize("stage", ["applied", "raw"])
@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_activation_checkpointing(stage, reentrant, whole, memory):
    model, batches, expected = build("mlp"), batches_for("mlp", 4), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with gradlog.torch.record(model, optimizer, memory, stage=stage) as recorder:
        for x, y in recorder.batches(batches):
            optimizer.zero_grad()
            expected.append(autograd_gradients(model, x, y))
            x = x.requires_grad_()
            if whole:
                output = checkpoint(model, x, use_reentrant=reentrant)
            else:
                output = model[4](checkpoint(model[:4], x, use_reentrant=reentrant))
            nn.functional.mse_loss(output, y).backward()
            optimizer.step()
    assert [record.place for record in memory.records] == [(0, i, i, 0) for i in range(4)]
    for record, gradients in zip(memory.records, expected):
        equal(record.gradients, gradients)


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_the_training_may_use_autograd_itself(stage, memory):
    """A gradient penalty: torch.autograd.grad over the same weights, and a graph of the gradient, are not recorded."""
    model, (x, y) = build("mlp"), batches_for("mlp")[0]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def penalised(module):
        loss = loss_of(module, x, y)
        gradients = torch.autograd.grad(loss, list(module.parameters()), create_graph=True)
        return loss + sum(gradient.square().sum() for gradient in gradients)

    twin = copy.deepcopy(model)
    expected = torch.autograd.grad(penalised(twin), list(twin.parameters()), allow_unused=True)
    with gradlog.torch.record(model, optimizer, memory, stage=stage):
        penalised(model).backward()
        optimizer.step()
    assert len(memory.records) == 1
    for found, gradient in zip(memory.records[0].gradients.values(), expected):
        assert numpy.allclose(found, gradient.double().numpy(), rtol=1e-6, atol=1e-9)


def test_a_backward_that_was_cut_short_does_not_blind_the_raw_recorder(memory):
    model, (x, y) = build("mlp"), batches_for("mlp")[0]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    class Failing(torch.autograd.Function):
        @staticmethod
        def forward(context, value):
            return value.clone()

        @staticmethod
        def backward(context, gradient):
            raise MemoryError("out of memory")

    with gradlog.torch.record(model, optimizer, memory, stage="raw"):
        with pytest.raises(MemoryError):
            nn.functional.mse_loss(model[4](Failing.apply(model[:4](x))), y).backward()
        optimizer.zero_grad()
        expected = autograd_gradients(model, x, y)
        loss_of(model, x, y).backward()
        optimizer.step()
    assert len(memory.records) == 1
    equal(memory.records[0].gradients, expected)


def test_a_subclass_that_calls_the_step_of_its_base_is_one_step(memory):
    class Noisy(torch.optim.Adam):
        def step(self, closure=None):
            return super().step(closure)

    torch.optim.Adam([torch.zeros(1)])  # torch hooks the step of a class when the first one is made
    model = build("mlp")
    optimizer = Noisy(model.parameters(), lr=1e-2)
    with gradlog.torch.record(model, optimizer, memory):
        train(model, optimizer, batches_for("mlp", 3))
    assert [record.place for record in memory.records] == [(0, i, i, 0) for i in range(3)]


def test_learning_rate_is_the_one_of_the_step(memory):
    model = build("mlp")
    optimizer = torch.optim.SGD(model.parameters(), lr=torch.tensor(1.0))
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    with gradlog.torch.record(model, optimizer, memory):
        for batch in batches_for("mlp", 3):
            train(model, optimizer, [batch])
            schedule.step()
    assert [record.learning_rate for record in memory.records] == [1.0, 0.5, 0.25]


@pytest.mark.parametrize("stage", ["applied", "raw"])
@pytest.mark.parametrize("what", ["model", "step", "both"])
def test_compiled(what, stage, memory):
    torch._dynamo.reset()
    model, batches, expected = build("mlp"), batches_for("mlp", 4), []
    twin = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    compiled = torch.compile(model, backend="aot_eager") if what != "step" else model
    with gradlog.torch.record(compiled, optimizer, memory, stage=stage):

        def step(x, y):
            optimizer.zero_grad()
            loss_of(compiled, x, y).backward()
            optimizer.step()

        run = torch.compile(step, backend="aot_eager") if what == "both" else step
        update = torch.compile(optimizer.step, backend="aot_eager") if what == "step" else None
        for x, y in batches:
            expected.append(autograd_gradients(model, x, y))
            if update is None:
                run(x, y)
            else:
                optimizer.zero_grad()
                loss_of(model, x, y).backward()
                update()
    assert len(memory.records) == 4
    for record, gradients in zip(memory.records, expected):
        equal(record.gradients, gradients, tolerance=1e-6)
    train(twin, torch.optim.SGD(twin.parameters(), lr=0.1), batches)
    for name, weight in weights_of(twin).items():
        assert numpy.allclose(weights_of(model)[name], weight, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_weights_added_to_the_optimizer_later_are_recorded(stage, memory):
    model = build("mlp")
    for parameter in model[:4].parameters():
        parameter.requires_grad_(False)
    optimizer = torch.optim.SGD(model[4].parameters(), lr=0.1)
    with gradlog.torch.record(model, optimizer, memory, stage=stage):
        train(model, optimizer, batches_for("mlp", 1))
        for parameter in model[:4].parameters():
            parameter.requires_grad_(True)
        optimizer.add_param_group({"params": model[:4].parameters()})
        if stage == "raw":
            train(
                model, optimizer, batches_for("mlp", 1)
            )  # the step of this batch is what tells of the new weights
        train(model, optimizer, batches_for("mlp", 1))
    assert list(memory.records[0].gradients) == ["4.weight", "4.bias"]
    assert list(memory.records[-1].gradients) == list(weights_of(model))
    assert all(gradient is not None for gradient in memory.records[-1].gradients.values())


def test_names_are_those_of_the_bare_model():
    from gradlog.torch.parameters import without_wrappers

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.module = nn.Linear(2, 2)

    assert without_wrappers(Own(), "module.weight") == "module.weight"
    parallel = nn.DataParallel(Own())
    assert without_wrappers(parallel, "module.module.weight") == "module.weight"
    assert without_wrappers(torch.compile(parallel), "_orig_mod.module.module.weight") == "module.weight"


def test_places_of_the_user(memory):
    model, optimizer = nn.Linear(2, 1), None
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()

    with gradlog.torch.record(model, optimizer, memory) as recorder:
        step()
        step()
        recorder.next_epoch()
        step()
        recorder.epoch(5)
        step()
        recorder.at(epoch=7, batch=9, step=100)
        step()
        step()
        for _ in range(2):
            for _ in recorder.batches(range(2)):
                step()
    assert [record.place for record in memory.records] == [
        (0, 0, 0, 0), (0, 1, 1, 0), (1, 0, 2, 0), (5, 0, 3, 0), (7, 9, 100, 0), (7, 9, 101, 1),
        (7, 0, 102, 0), (7, 1, 103, 0), (8, 0, 104, 0), (8, 1, 105, 0),
    ]  # fmt: skip


def test_warnings_are_not_raised_by_recording(memory):
    model = build("mlp")
    optimizer = torch.optim.Adam(model.parameters())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with gradlog.torch.record(model, optimizer, memory) as recorder:
            train(model, optimizer, batches_for("mlp", 2), recorder)
    assert len(memory.records) == 2
