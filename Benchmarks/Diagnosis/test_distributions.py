"""Sets, views, densities, state spaces and other units do what they are defined to do, held against other ways to compute it.

python -m pytest Benchmarks/Diagnosis
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from corpus.construction import LOSSES, optimizer_of
from corpus.continuous_networks import Integrated, StateSpace
from corpus.data import dataset
from corpus.density_networks import mixture_density
from corpus.multibranch_networks import Capsules, Routing
from corpus.plan import PROGRAMS
from corpus.set_networks import deep_sets, perceiver
from corpus.unit_networks import Interactions, Largest, RadialBasis
from corpus.watching import Watch
from test_architectures import model_of


def named(name: str) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    return model_of(next(program for program in PROGRAMS if program.name == name))


@pytest.mark.parametrize("pool", ["mean", "max"])
def test_a_set_has_no_order(pool: str) -> None:
    torch.manual_seed(0)
    model, x = deep_sets(2, 3, pool=pool), torch.randn(4, 9, 2)
    assert torch.allclose(model(x), model(x[:, torch.randperm(9)]), atol=1e-6)
    assert not torch.allclose(model(x), model(x + 1))


def test_latents_read_all_places() -> None:
    torch.manual_seed(0)
    model, x = perceiver(3, 2, depth=1), torch.randn(1, 7, 3, requires_grad=True)
    model(x).sum().backward()
    assert bool((x.grad.abs().sum(-1) > 0).all())


def test_a_pixel_is_told_from_those_before_it_only() -> None:
    for name in ("autoregressive-digits", "autoregressive-digits-deep"):
        model, pixels, _ = named(name)
        changed = pixels.clone()
        changed[:, 20] = 1 - changed[:, 20]
        before, after = model(pixels)[..., 0], model(changed)[..., 0]
        assert torch.equal(before[:, :21], after[:, :21]) and not torch.equal(before[:, 21:], after[:, 21:])


def test_a_constant_answer_may_differ_from_pixel_to_pixel() -> None:
    program = next(program for program in PROGRAMS if program.name == "autoregressive-digits").changed(zero_init=True)
    model, _, _ = model_of(program)
    data = dataset("strokes")
    watch = Watch(model, program, data, torch.from_numpy(data.inputs).float(), torch.from_numpy(data.targets).float())
    watch.progress()  # All logits are 0: each pixel costs the logarithm of 2.
    white = np.clip(data.targets.mean(axis=0), 1e-12, 1 - 1e-12)
    constant = -(white * np.log(white) + (1 - white) * np.log(1 - white)).mean()
    assert watch.trace.progress[0] == pytest.approx(np.log(2) / constant, rel=1e-4)


def test_a_state_space_is_the_recurrence_that_it_stands_for() -> None:
    torch.manual_seed(0)
    layer, x = StateSpace(3, 2), torch.randn(1, 6, 3)
    pole = torch.exp(torch.complex(-layer.log_decay.exp(), layer.frequency))
    weight = torch.complex(layer.real, layer.imaginary)
    state, answers = torch.zeros(3, 2, dtype=torch.complex64), []
    for one in x[0]:
        state = pole * state + one[:, None]
        answers.append((weight * state).sum(1).real + layer.skip * one)
    assert torch.allclose(layer(x)[0], torch.stack(answers), atol=1e-5)


def test_what_follows_is_not_seen_by_a_state_space() -> None:
    model, tokens, _ = named("state-space-grammar")
    model.eval()
    changed = tokens.clone()
    changed[:, 10] = (changed[:, 10] + 1) % 10
    assert torch.allclose(model(tokens)[:, :10], model(changed)[:, :10], atol=1e-5)
    assert not torch.allclose(model(tokens)[:, 10:], model(changed)[:, 10:])


def test_small_steps_come_to_what_the_field_leads_to() -> None:
    decay = Integrated(1, 1, 2000, "tanh")
    decay.field = nn.Linear(2, 1)
    nn.init.zeros_(decay.field.bias)
    decay.field.weight.data = torch.tensor([[-1.0, 0.0]])
    assert float(decay(torch.ones(1, 1)).detach()) == pytest.approx(np.exp(-1), abs=1e-3)


def test_a_mixture_has_the_density_of_one() -> None:
    torch.manual_seed(0)
    outputs, targets = torch.randn(5, 6), torch.randn(5)
    scores, means, spreads = outputs.chunk(3, -1)
    parts = torch.distributions.Normal(means, nn.functional.softplus(spreads) + 1e-2)
    mixture = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(logits=scores), parts)
    constant = np.log(2 * np.pi) / 2
    found = LOSSES["mixture-likelihood"](outputs, targets)
    assert float(found) + constant == pytest.approx(float(-mixture.log_prob(targets).mean()), rel=1e-5)
    model = mixture_density(4, 1)
    x = torch.randn(5, 4)
    scores, means, _ = model(x).chunk(3, -1)
    assert torch.allclose(model.eval()(x)[:, 0], (scores.softmax(-1) * means).sum(-1), atol=1e-6)


def test_views_are_told_apart_by_their_place_in_the_batch() -> None:
    alike, targets = torch.eye(6) * 50, torch.tensor([3, 1, 4, 0, 5, 2])
    assert float(LOSSES["contrast"](alike, targets)) < 1e-6
    assert float(LOSSES["contrast"](alike.flip(0), targets)) > 10
    assert float(LOSSES["contrast"](torch.zeros(6, 6), targets)) == pytest.approx(np.log(6))
    data = dataset("views")
    assert data.classes == len(data.inputs) and bool((data.targets == np.arange(data.classes)).all())


@torch.no_grad()
def test_capsules_are_shorter_than_one_and_follow_those_that_agree() -> None:
    torch.manual_seed(0)
    capsules = Capsules(4)(torch.randn(2, 8, 3, 3) * 10)
    assert capsules.shape == (2, 18, 4) and float(capsules.norm(dim=-1).max()) < 1
    agreeing, votes = torch.ones(1, 18, 4) / 4, torch.randn(18, 3, 4, 5) * 0.3
    votes[:, 1] = votes[:1, 1]  # All say the same of the second capsule, and anything of the others.
    shares = []
    for rounds in (1, 3):
        layer = Routing(18, 4, 3, 5, rounds)
        layer.votes.copy_(votes)
        lengths = layer(agreeing).norm(dim=-1)[0]
        shares.append(float(lengths[1] / lengths.sum()))
        assert float(lengths.max()) < 1
    assert shares[1] > shares[0] > 1 / 3


@torch.no_grad()
def test_other_units_are_what_they_are_named_after() -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 6)
    layer = Interactions(6, 2)
    pairs = sum(
        layer.factors[i] * layer.factors[j] * (x[:, i] * x[:, j])[:, None] for i, j in itertools.combinations(range(6), 2)
    )
    assert torch.allclose(layer(x), torch.cat([x, pairs], 1), atol=1e-6)
    assert torch.equal(Largest(3)(x), torch.stack([x[:, :3].amax(1), x[:, 3:].amax(1)], 1))
    near = RadialBasis(6, 3)
    near.centres.data = x.clone()
    assert torch.allclose(near(x).diagonal(), torch.ones(3)) and float(near(x).max()) <= 1


def test_lion_steps_by_signs() -> None:
    program = replace(PROGRAMS[0], optimizer="lion", lr=0.1, weight_decay=0.0)
    model = nn.Linear(2, 1, bias=False)
    optimizer, before = optimizer_of(program, model), model.weight.detach().clone()
    for gradient in ([[3.0, -1e-4]], [[-1.0, -1e-4]]):
        model.weight.grad = torch.tensor(gradient)
        optimizer.step()
    # 0.9 of a momentum of 0.03 is less than 0.1 of the new gradient: the first weight comes back.
    assert torch.allclose(model.weight - before, torch.tensor([[0.0, 0.2]]), atol=1e-6)


def test_warm_places_move_faster_than_cold_ones_and_all_are_smoothed() -> None:
    data = dataset("heat")
    assert bool(np.isfinite(data.targets).all()) and np.abs(data.targets).max() < 10
    rough = [np.abs(np.diff(np.sign(np.diff(rows, axis=1)), axis=1)).sum() for rows in (data.inputs, data.targets)]
    assert rough[1] < rough[0]
