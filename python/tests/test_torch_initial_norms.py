"""The tap tells how large the weights are before the first step, and the file keeps it."""

from __future__ import annotations

import math
import sqlite3

import numpy
import pytest

torch = pytest.importorskip("torch")

from memory_recorder import MemoryRecorder
from torch import nn
from torch_models import batches_for, build, loss_of

import gradlog.torch


def norms_of(model):
    return {
        name: float(numpy.linalg.norm(parameter.detach().double().numpy()))
        for name, parameter in model.named_parameters()
    }


def stored(path):
    with sqlite3.connect(path) as database:
        return dict(database.execute("SELECT name, initial_norm FROM weights"))


def close_to(found, expected):
    assert set(found) == set(expected)
    assert any(norm > 0.1 for norm in expected.values())
    for name, norm in expected.items():
        assert found[name] == pytest.approx(norm, rel=1e-6), name


@pytest.mark.parametrize("stage", ["applied", "raw"])
@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm", "transformer"])
def test_norms_are_those_before_the_first_step(name, stage, path):
    model = build(name)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    expected = norms_of(model)
    with gradlog.torch.record(model, optimizer, path, stage=stage) as recorder:
        for x, y in recorder.batches(batches_for(name)):
            optimizer.zero_grad()
            loss_of(model, x, y).backward()
            optimizer.step()
    close_to(stored(path), expected)
    assert norms_of(model) != expected


def test_what_was_loaded_after_record_counts(memory):
    model = build("mlp")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with gradlog.torch.record(model, optimizer, memory):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(3)
        expected = norms_of(model)
        loss_of(model, *batches_for("mlp")[0]).backward()
        optimizer.step()
    close_to(memory.initial_norms, expected)


def test_a_closure_is_evaluated_before_the_step(memory):
    model = build("mlp")
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=3)
    expected = norms_of(model)
    x, y = batches_for("mlp")[0]

    def closure():
        optimizer.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        return loss

    with gradlog.torch.record(model, optimizer, memory):
        optimizer.step(closure)
    close_to(memory.initial_norms, expected)


def test_each_optimizer_tells_of_its_own_weights(memory):
    one, other = nn.Linear(4, 3), nn.Linear(3, 2)
    optimizers = {
        "one": torch.optim.SGD(one.parameters(), lr=1.0),
        "other": torch.optim.SGD(other.parameters(), lr=1.0),
    }
    expected = {f"one.{n}": v for n, v in norms_of(one).items()}
    with gradlog.torch.record({"one": one, "other": other}, optimizers, memory):
        for label in ("one", "other"):
            other(one(torch.ones(5, 4))).sum().backward()
            if label == "other":
                expected |= {f"other.{n}": v for n, v in norms_of(other).items()}
            optimizers[label].step()
    close_to(memory.initial_norms, expected)


def test_half_precision_and_weights_that_are_no_numbers(path):
    model = nn.Sequential(nn.Linear(300, 300).half(), nn.Linear(2, 2).double(), nn.Linear(2, 2), nn.Linear(1, 1))
    with torch.no_grad():
        model[0].weight.fill_(200)  # its square does not fit into float16
        model[1].weight.fill_(1e100)  # nor this one's into float32
        model[2].weight.fill_(math.nan)
        model[3].weight.fill_(math.inf)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with gradlog.torch.record(model, optimizer, path):
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
    found = stored(path)
    assert found["0.weight"] == pytest.approx(60_000)
    assert found["1.weight"] == pytest.approx(2e100)
    assert found["2.weight"] is None and found["3.weight"] is None


class Mute(MemoryRecorder):
    def tell_initial_norms(self, norms):
        raise RuntimeError("no")


def test_a_failure_costs_no_batch(capfd):
    model = build("mlp")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recorder = Mute()
    with gradlog.torch.record(model, optimizer, recorder):
        for x, y in batches_for("mlp"):
            loss_of(model, x, y).backward()
            optimizer.step()
    assert len(recorder.records) == len(batches_for("mlp"))
    assert capfd.readouterr().err.count("how large the weights are at first is not known: no") == 1
