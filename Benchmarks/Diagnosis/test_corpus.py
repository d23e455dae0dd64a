"""The rules that make labels, held against traces of which the answer is plain, and trainings that must repeat.

python -m pytest Benchmarks/Diagnosis
"""

from __future__ import annotations

import math
from pathlib import Path

import gradlog
import numpy as np
import pytest

from corpus import truth
from corpus.labels import Unlabelled, label, verdict
from corpus.plan import plan
from corpus.program import Event, Fault, Program, Run
from corpus.trace import Trace
from corpus.training import train

PROGRAM = Program("mlp-test", "mlp", "digits", "mlp", {"depth": 2, "width": 16}, batches=30, lr=2e-3)


def trace(**changes: list) -> Trace:
    """Ten steps of two weights in which nothing is wrong."""
    usual = Trace(
        ["a", "b"], [2, 1], [1.0] * 10, [1.0] * 10, [-1] * 10, [-1] * 10, [0.5] * 10, [[0.1, 0.0]] * 10,
        [[0.1, 0.1]] * 10, [0.0] * 10, [-1] * 10, [1.0, 0.3, 0.2, 0.1],
    )  # fmt: skip
    for name, value in changes.items():
        setattr(usual, name, value)
    return usual


def fault(mechanism: str, program: Program = PROGRAM, onset: int = 0) -> Fault:
    return Fault("test", mechanism, program, onset)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [(0.1, "harmless"), (0.13, "harmless"), (0.2, "borderline"), (0.3, "sick"), (math.inf, "sick"), (0.0, "harmless")],
)
def test_a_fault_is_sick_when_a_fifth_of_what_could_be_learned_is_lost(metric: float, expected: str) -> None:
    assert verdict(metric, [0.1, 0.11, 0.09]) == expected


def test_a_run_that_goes_wrong_at_its_end_is_not_called_harmless() -> None:
    step = fault("explosion")
    run = Run("mlp-test.fault-test", step.program, 3, step, "mlp-test.healthy-0")
    usual = [trace(progress=[1.0, one, one, one]) for one in (0.4, 0.41, 0.39)]
    assert label(run, trace(progress=[1.0, 0.4, 0.4, 0.4]), usual)["status"] == "harmless"
    with pytest.raises(Unlabelled, match="ends with 1.1"):
        label(run, trace(progress=[1.0, 0.05, 0.05, 1.1]), usual)


def test_noise_of_the_seeds_is_no_sickness() -> None:
    assert verdict(0.6, [0.1, 0.5, 0.3]) != "sick"


def test_growth_that_ends_in_nan_is_an_explosion() -> None:
    sick = trace(norm=[1, 1, 5, 50, math.inf] + [math.inf] * 5, nonfinite=[-1, -1, -1, -1, 1] + [0] * 5)
    found = truth.explosion(fault("explosion"), sick, [trace()])
    assert found == truth.Truth(("exploding", "nonfinite"), None, 3)


def test_nan_out_of_the_blue_is_nonfinite_at_the_first_weight_that_has_it() -> None:
    sick = trace(norm=[1.0] * 4 + [math.inf] * 6, nonfinite=[-1] * 4 + [1] + [0] * 5)
    assert truth.nonfinite(fault("nonfinite"), sick, [trace()]) == truth.Truth(("nonfinite",), 1, 4)


def test_units_are_dead_from_when_they_stay_dead() -> None:
    sick = trace(dead=[0, 0.6, 0.2, 0.7, 0.7, 0.7, 0.8, 0.8, 0.8, 0.8], dead_position=[-1, 0, 0] + [1] * 7)
    assert truth.dead(fault("dead"), sick, [trace()]) == truth.Truth(("dead",), 1, 3)


def test_underflow_is_what_the_twin_does_not_have() -> None:
    assert truth.underflow(fault("underflow"), trace(zeros=[[0.1, 0.0]] * 2 + [[0.1, 0.7]] * 8), [trace()]) == (
        truth.Truth(("underflow",), 1, 2)
    )
    sparse = [[0.9, 0.9]] * 10
    assert truth.underflow(fault("underflow"), trace(zeros=sparse), [trace(zeros=sparse)]) is None


def test_the_weight_nearest_the_input_vanishes() -> None:
    sick = trace(names=["a", "b", "c"], ranks=[2, 1, 2], rms=[[1e-6, 1e-6, 1e-2]] * 10)
    assert truth.vanishing(fault("vanishing"), sick, [trace()]) == truth.Truth(("vanishing",), 0, 0)


def test_what_is_small_in_the_twin_as_well_has_not_vanished() -> None:
    small = trace(names=["a", "b", "c"], ranks=[2, 1, 2], rms=[[1e-5, 1e-5, 1e-2]] * 10)
    tiny = trace(names=["a", "b", "c"], ranks=[2, 1, 2], rms=[[1e-7, 1e-7, 1e-2]] * 10)
    assert truth.vanishing(fault("vanishing"), small, [small]) is None
    assert truth.vanishing(fault("vanishing"), tiny, [small]) == truth.Truth(("vanishing",), 0, 0)


def test_a_loss_that_falls_past_zero_gradients_does_not_stand() -> None:
    cut_off = [[1.0, 0.1]] * 10
    falls = trace(zeros=cut_off)
    stands = trace(zeros=cut_off, progress=[1.0, 1.0, 1.0, 1.0])
    assert truth.standstill(fault("standstill"), falls, [trace()]) == truth.Truth(("vanishing", "dead"), 0, 0)
    assert truth.standstill(fault("standstill"), stands, [trace()]) == (
        truth.Truth(("stagnation", "dead", "vanishing"), 0, 0)
    )


def test_large_weights_oscillate_only_beyond_what_the_twins_do() -> None:
    bouncing, calm = trace(cosine=[-0.4] * 10), trace(cosine=[0.3] * 10)
    weights, step = fault("explosion", PROGRAM.changed(init_scale=8.0)), fault("explosion")
    assert truth.oscillates(weights, bouncing, [calm]) and not truth.oscillates(weights, bouncing, [bouncing])
    assert truth.oscillates(step, bouncing, [bouncing]) and not truth.oscillates(step, calm, [bouncing])


def test_a_division_that_broke_nothing_is_not_judged() -> None:
    divided = fault("nonfinite", PROGRAM.changed(events=(Event("unit-variance", 0),)))
    assert truth.nonfinite(divided, trace(cosine=[-0.4] * 10), [trace()]) is None


def test_a_training_repeats_and_its_recording_agrees_with_its_trace(tmp_path: Path) -> None:
    run = Run("mlp-test.healthy-0", PROGRAM, 3)
    one, other = train(run, tmp_path / "runs.db"), train(run, None)
    assert one.loss == other.loss and one.rms == other.rms
    rows = gradlog.open(tmp_path / "runs.db").sql("SELECT rms FROM gradients ORDER BY step, position", as_="tuples")
    np.testing.assert_allclose([row[0] for row in rows], np.array(one.rms).ravel(), rtol=1e-4)


def test_killed_units_are_dead_in_the_step_of_the_injection() -> None:
    killed = fault("dead", PROGRAM.changed(events=(Event("kill", 7, 1.0, 1),)), 7)
    sick = train(Run("mlp-test.fault-killed", killed.program, 3, killed), None)
    found = truth.dead(killed, sick, [train(Run("mlp-test.healthy-0", PROGRAM, 3), None)])
    assert found == truth.Truth(("dead", "vanishing"), 2, 7)


def test_the_plan_repeats_and_no_family_is_on_both_sides() -> None:
    runs = plan(0)
    assert runs == plan(0)
    assert len({run.name for run in runs}) == len(runs)
    assert len({(run.seed, repr(run.program)) for run in runs}) == len(runs)
    sides = {(run.program.family, run.program.split) for run in runs}
    assert len({family for family, _ in sides}) == len(sides)
    assert {run.fault.mechanism for run in runs if run.fault} == set(truth.MECHANISMS)
