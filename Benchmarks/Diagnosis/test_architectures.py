"""Networks do what their names promise, and every program of the plan can be trained and broken.

python -m pytest Benchmarks/Diagnosis
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from corpus.architectures import ARCHITECTURES, WITH_DROPOUT, WITH_WAY_AROUND
from corpus.construction import LOSSES, before_relu, build
from corpus.data import dataset
from corpus.networks import Staged
from corpus.plan import PROGRAMS
from corpus.program import Program
from corpus.splits import REPORTED

NETWORKS = [program for program in PROGRAMS if program.framework in ("torch", "keras-torch", "keras-jax")]


def model_of(program: Program) -> tuple[Staged, torch.Tensor, torch.Tensor]:
    """The model of a program, four inputs and their targets."""
    torch.manual_seed(1)
    data = dataset(program.dataset)
    inputs, targets = torch.from_numpy(data.inputs[:4]), torch.from_numpy(data.targets[:4])
    return (
        build(program, data), inputs if data.is_tokens else inputs.float(), targets if data.classes > 1 else targets.float()
    )  # fmt: skip


def one_of(network: str) -> Program:
    return next(program for program in NETWORKS if program.network == network)


@pytest.mark.parametrize("program", NETWORKS, ids=lambda program: program.name)
def test_a_healthy_loss_reaches_every_weight(program: Program) -> None:
    model, inputs, targets = model_of(program)
    LOSSES[program.loss](model(inputs), targets).backward()
    zero = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.to_dense().any()]
    assert all("experts" in name for name in zero), "only an expert that was not chosen learns nothing"
    assert sum(weight.numel() for weight in model.parameters()) < 100_000


@pytest.mark.parametrize("network", sorted(ARCHITECTURES))
def test_nothing_reaches_what_lies_before_a_detached_stage(network: str) -> None:
    program = one_of(network)
    model, inputs, targets = model_of(program)
    model.detached_after = len(model.stages) - 1
    LOSSES[program.loss](model(inputs), targets).backward()
    assert all(weight.grad is None for weight in model.stages.parameters())
    assert all(weight.grad is not None for weight in model.head.parameters())


@pytest.mark.parametrize("program", NETWORKS, ids=lambda program: program.name)
def test_each_relu_is_fed_by_something_with_as_many_units(program: Program) -> None:
    model, inputs, _ = model_of(program)
    shapes: list[torch.Size] = []
    for module in model.modules():
        if isinstance(module, torch.nn.ReLU):
            module.register_forward_hook(lambda _m, _i, output: shapes.append(output.shape))
    model(inputs)
    feeds = before_relu(model)
    assert len(feeds) == len(shapes)
    assert all(len(feed.bias) in shape for feed, shape in zip(feeds, shapes, strict=True))


@pytest.mark.parametrize("network", WITH_WAY_AROUND)
def test_ways_around_and_normalization_can_be_left_out(network: str) -> None:
    program = one_of(network)
    model, inputs, _ = model_of(program.changed(shape={"adds": False, "norm": None}))
    assert bool(torch.isfinite(model(inputs)).all())
    assert not any("Norm" in type(module).__name__ for module in model.modules())


@pytest.mark.parametrize("network", WITH_DROPOUT)
def test_dropout_is_there_when_it_is_asked_for(network: str) -> None:
    model, inputs, _ = model_of(one_of(network).changed(shape={"dropout": 0.5}))
    assert not torch.equal(model(inputs), model(inputs))
    assert torch.equal(model.eval()(inputs), model(inputs))


def test_what_follows_is_not_seen_by_what_writes_in_order() -> None:
    for network, place in (("tcn", 10), ("seq2seq", 9)):
        model, inputs, _ = model_of(one_of(network))
        changed = inputs.clone()
        changed[:, place] = (changed[:, place] + 1) % 10
        before = model(inputs), model(changed)
        written = place if network == "tcn" else place - 7
        assert torch.allclose(before[0][:, :written], before[1][:, :written])
        assert not torch.allclose(before[0][:, written:], before[1][:, written:])


def test_a_pair_has_no_order_and_a_graph_none_of_its_nodes() -> None:
    model, pairs, _ = model_of(one_of("siamese"))
    assert torch.allclose(model(pairs), model(pairs.flip(1)))
    model, graphs, _ = model_of(one_of("graph"))
    order = torch.tensor([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])
    renamed = torch.cat([graphs[:, order][:, :, order], graphs[:, order][:, :, 10:]], 2)
    assert torch.allclose(model(graphs), model(renamed), atol=1e-6)


def test_edges_go_both_ways_and_each_row_is_a_mean() -> None:
    adjacency = dataset("graphs").inputs[:, :, :10]
    np.testing.assert_allclose(adjacency.sum(axis=2), 1)
    assert bool(((adjacency > 0) == (adjacency > 0).transpose(0, 2, 1)).all())


def test_only_the_chosen_experts_answer() -> None:
    model, inputs, _ = model_of(one_of("experts").changed(shape={"top": 1, "count": 4}))
    layer = model.stages[1].inner[-1]
    x = model.stages[1].inner[:-1](model.stages[0](inputs))
    chosen = layer.gate(x).argmax(-1)
    expected = torch.stack([layer.experts[int(index)](one) for index, one in zip(chosen, x, strict=True)])
    assert torch.allclose(layer(x), expected * layer.gate(x).softmax(-1).amax(-1, keepdim=True), atol=1e-6)


def test_a_code_costs_nothing_when_it_tells_nothing() -> None:
    targets = torch.rand(5, 64)
    told = LOSSES["evidence-bound"](torch.cat([targets, torch.zeros(5, 12)], 1), targets)
    assert float(told) == 0
    assert float(LOSSES["evidence-bound"](torch.cat([targets, torch.ones(5, 12)], 1), targets)) > 0
    model, inputs, _ = model_of(one_of("vae"))
    assert model(inputs).shape == (4, 64 + 12) and model.eval()(inputs).shape == (4, 64)


def test_every_reported_family_has_programs() -> None:
    families = {program.family for program in PROGRAMS}
    assert families > REPORTED
    assert {program.split for program in PROGRAMS if program.family in REPORTED} == {"report"}
    assert {program.split for program in PROGRAMS if program.family not in REPORTED} == {"tune"}
