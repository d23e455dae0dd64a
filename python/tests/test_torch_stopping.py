"""``stop_on`` in real recordings of torch: the step with the bad gradient changes nothing, and nothing comes after it."""

from __future__ import annotations

import copy
import sys

import pytest

torch = pytest.importorskip("torch")

import recorded_file
from torch_models import batches_for, build, loss_of

import gradlog.torch

BAD = 4

OPTIMIZERS = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9, weight_decay=0.1),
    "adam": lambda weights: torch.optim.Adam(weights, lr=0.01, weight_decay=0.1),
    "adamw-fused": lambda weights: torch.optim.AdamW(weights, lr=0.01, fused=True),
    "adagrad-loop": lambda weights: torch.optim.Adagrad(weights, lr=0.01, foreach=False),
    "lbfgs": lambda weights: torch.optim.LBFGS(weights, lr=0.1, max_iter=3),
}


def poisoned(count=8):
    """Batches of which one makes every gradient NaN."""
    for index, (x, y) in enumerate(batches_for("mlp", count)):
        yield (x * float("nan") if index == BAD else x), y


def state_of(model, optimizer):
    return copy.deepcopy((model.state_dict(), optimizer.state_dict()["state"]))


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other))
    return one == other


def step(model, optimizer, x, y, closure):
    def evaluate():
        optimizer.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        return loss

    if closure:
        optimizer.step(evaluate)
    else:
        evaluate()
        optimizer.step()


@pytest.mark.parametrize("stage", ["applied", "raw"])
@pytest.mark.parametrize("closure", [False, True])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_the_bad_step_is_not_taken(kind, closure, stage, tmp_path, capsys):
    if kind == "lbfgs" and not closure:
        pytest.skip("LBFGS needs a closure")
    model = build("mlp")
    optimizer = OPTIMIZERS[kind](model.parameters())
    states = []
    with gradlog.torch.record(
        model, optimizer, tmp_path / "runs.db", "nan", stage=stage, stop_on="nonfinite"
    ) as recorder:
        for x, y in recorder.batches(poisoned()):
            states.append(state_of(model, optimizer))
            step(model, optimizer, x, y, closure)
            if len(states) == BAD + 1:
                # The gradient is still there to be looked at.
                assert all(weight.grad.isnan().any() for weight in model.parameters())
    assert recorder.stopped.rule == "nonfinite" and recorder.stopped.batch == BAD
    assert len(states) == BAD + 1
    weights, kept = state_of(model, optimizer)
    assert same(weights, states[BAD][0])
    if kind != "lbfgs":  # which counts its evaluations
        assert same(kept, states[BAD][1])
    assert not same(states[BAD][0], states[BAD - 1][0])
    batches = [record.batch for record in recorded_file.records_in(tmp_path / "runs.db")]
    assert sorted(set(batches)) == list(range(BAD + 1))
    assert batches.count(BAD) == 1
    assert capsys.readouterr().err.count("the training of run 'nan' is stopped: critical nonfinite") == 1


def test_nothing_changes_in_a_loop_that_does_not_ask(tmp_path):
    model = build("mlp")
    optimizer = OPTIMIZERS["adam"](model.parameters())
    with gradlog.torch.record(model, optimizer, tmp_path / "runs.db", "r", stop_on="critical"):
        for index, (x, y) in enumerate(poisoned()):
            if index == BAD:
                before = state_of(model, optimizer)
            step(model, optimizer, x, y, closure=False)
    assert same(state_of(model, optimizer), before)
    assert len(recorded_file.records_in(tmp_path / "runs.db")) == BAD + 1
    # The recording is over, and so is what it does to steps.
    step(model, optimizer, *batches_for("mlp", 1)[0], closure=False)
    assert not same(state_of(model, optimizer), before)


def test_the_exception_comes_out_of_the_step_that_was_not_taken(tmp_path):
    model = build("mlp")
    optimizer = OPTIMIZERS["sgd"](model.parameters())
    with pytest.raises(gradlog.torch.TrainingStopped, match="nonfinite since epoch 0, batch 4"):
        with gradlog.torch.record(
            model, optimizer, tmp_path / "runs.db", "r", stop_on="nonfinite", raise_on_stop=True
        ) as recorder:
            for x, y in recorder.batches(poisoned()):
                before = state_of(model, optimizer)
                step(model, optimizer, x, y, closure=False)
    assert same(state_of(model, optimizer), before)


def test_no_optimizer_steps_after_the_one_that_stops(tmp_path):
    model, other = build("mlp"), build("mlp")
    optimizers = {
        "first": OPTIMIZERS["sgd"](model.parameters()),
        "second": OPTIMIZERS["sgd"](other.parameters()),
    }
    with gradlog.torch.record(
        {"model": model, "other": other}, optimizers, tmp_path / "runs.db", "r", stop_on="nonfinite"
    ) as recorder:
        clean = batches_for("mlp", 8)
        for index, (x, y) in enumerate(recorder.batches(poisoned())):
            before = state_of(model, optimizers["first"]), state_of(other, optimizers["second"])
            step(model, optimizers["first"], x, y, closure=False)
            step(other, optimizers["second"], *clean[index], closure=False)
    assert index == BAD
    assert same((state_of(model, optimizers["first"]), state_of(other, optimizers["second"])), before)
    records = recorded_file.records_in(tmp_path / "runs.db")
    assert [(record.batch, record.optimizer) for record in records[-2:]] == [(3, "second"), (4, "first")]


def test_what_does_not_meet_the_condition_changes_nothing(tmp_path):
    model, twin = build("mlp"), build("mlp")
    optimizer, plain = OPTIMIZERS["adam"](model.parameters()), OPTIMIZERS["adam"](twin.parameters())
    with gradlog.torch.record(model, optimizer, tmp_path / "runs.db", "r", stop_on="nonfinite") as recorder:
        for x, y in recorder.batches(batches_for("mlp", 8)):
            step(model, optimizer, x, y, closure=False)
            step(twin, plain, x, y, closure=False)
    assert recorder.stopped is None
    assert same(state_of(model, optimizer), state_of(twin, plain))


def test_a_stderr_that_nobody_reads_does_not_end_the_training(path, monkeypatch):
    class Broken:
        def write(self, _text):
            raise BrokenPipeError

        flush = write

    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = copy.deepcopy(model.state_dict())
    with gradlog.torch.record(model, optimizer, path, stop_on="nonfinite") as recorder:
        monkeypatch.setattr(sys, "stderr", Broken())
        (model(torch.ones(1, 2)).sum() * float("nan")).backward()
        optimizer.step()
        assert recorder.stopped is not None
    assert same(before, model.state_dict())
