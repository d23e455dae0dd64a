"""The rules that compare with the past or between layers, on series whose answer is known."""

from __future__ import annotations

import numpy
import pytest
from baselines import Stream, autotrainer, msprobe, olmo, zclip
from streams import NOTHING, stream, told, with_values

FLAT = numpy.full(20, 2.0)


def ten_epochs(**columns: object) -> Stream:
    """20 batches in 10 epochs: AutoTrainer looks at batches 1, 7, 13, 19."""
    return stream(20, epochs=10, **columns)


def norms(first: float, last: float, batch: int = 7) -> numpy.ndarray:
    return with_values({(batch, 0): first, (batch, 2): last}, 20)


@pytest.mark.parametrize(
    ("first", "last", "rule"),
    [
        (9e-5, 1.0, "vanishing"),
        (9e-5, 0.05, None),  # Small, yet not beside the last kernel.
        (2e-4, 1.0, None),  # Small beside the last kernel, yet not by itself.
        (71.0, 1.0, "exploding"),
        (70.0, 1.0, None),
        (1.0, 0.0, "exploding"),
        (0.0, 0.0, None),
    ],
)
def test_autotrainer_compares_the_first_kernel_with_the_last(
    first: float, last: float, rule: str | None
) -> None:
    expected = NOTHING if rule is None else (rule, 0, 7)
    assert told(autotrainer.ungated(ten_epochs(norm=norms(first, last)))) == expected


def test_autotrainer_does_not_look_between_its_checks_nor_at_biases() -> None:
    assert told(autotrainer.ungated(ten_epochs(norm=norms(1000, 1, batch=8)))) == NOTHING
    assert told(autotrainer.ungated(ten_epochs(norm=with_values({(7, 1): 1e9, (7, 3): 1e-9}, 20)))) == NOTHING


def test_autotrainer_counts_zeros_by_elements() -> None:
    counts = with_values({(batch, 0): 70.0 for batch in range(20)}, 20, 10.0)  # 70 of 100 elements.
    assert told(
        autotrainer.ungated(ten_epochs(element_count=counts, zero_share=with_values({(7, 0): 1}, 20, 0)))
    ) == ("dead", None, 7)
    less = with_values({(7, 1): 1, (7, 2): 1, (7, 3): 1}, 20, 0)
    assert told(autotrainer.ungated(ten_epochs(element_count=counts, zero_share=less))) == NOTHING


def test_autotrainer_keeps_silent_while_the_loss_is_good() -> None:
    sick = norms(71, 1, batch=1)
    good = ten_epochs(norm=sick, loss=numpy.geomspace(2, 0.2, 20))
    assert told(autotrainer.ungated(good)) == ("exploding", 0, 1)
    assert told(autotrainer.gated(good)) == NOTHING
    # Judged at the check in epoch 3: good later on is too late, since training has been stopped.
    slow = ten_epochs(norm=sick, loss=numpy.linspace(2, 0.5, 20))
    assert told(autotrainer.gated(slow)) == ("exploding", 0, 1)
    # What was seen in the first check is told in the second, when it is known that the loss does not fall.
    assert told(autotrainer.gated(ten_epochs(norm=sick, loss=FLAT))) == ("exploding", 0, 1)
    assert told(autotrainer.gated(ten_epochs(loss=FLAT))) == NOTHING


def test_autotrainer_tells_the_first_time_of_the_worst_symptom() -> None:
    again = with_values({(1, 0): 71, (7, 0): 99}, 20)
    assert told(autotrainer.gated(ten_epochs(norm=again, loss=FLAT))) == ("exploding", 0, 1)
    all_zero = with_values({(7, weight): 1 for weight in range(4)}, 20, 0)
    both = ten_epochs(norm=with_values({(7, 0): 71}, 20), zero_share=all_zero)
    assert told(autotrainer.ungated(both)) == ("dead", None, 7)


def test_autotrainer_does_not_forget_that_the_loss_was_bad() -> None:
    # The loss is high when it is first judged, in epoch 3, and low in epoch 9, when the gradient is sick.
    recovers = numpy.concatenate([numpy.full(10, 2.0), numpy.geomspace(1, 0.1, 10)])
    assert told(autotrainer.gated(ten_epochs(norm=norms(71, 1, batch=19), loss=recovers))) == (
        "exploding",
        0,
        19,
    )
    falls = numpy.geomspace(2, 0.1, 20)
    assert told(autotrainer.gated(ten_epochs(norm=norms(71, 1, batch=19), loss=falls))) == NOTHING


def test_autotrainer_calls_a_loss_bad_that_stays_above_a_share_or_does_not_fall() -> None:
    sick = norms(71, 1, batch=1)
    # Falls by 15 % in all: slowly enough in each epoch, and never below 0.7 of the first.
    assert autotrainer.gated(ten_epochs(norm=sick, loss=numpy.linspace(2, 1.7, 20))).sick
    # At 0.5 from the second batch on: below 0.7, yet no epoch gains upon the one before.
    assert autotrainer.gated(ten_epochs(norm=sick, loss=numpy.array([2.0, 0.0] + [1.0] * 18))).sick


def test_autotrainer_needs_no_gate_for_what_is_not_finite() -> None:
    falls = numpy.linspace(2, 0.5, 20)
    nonfinite = with_values({(13, 1): 1}, 20, 0).astype(bool)
    assert told(autotrainer.gated(ten_epochs(loss=falls, nonfinite=nonfinite))) == ("nonfinite", 1, 13)
    falls[10] = numpy.nan
    assert told(autotrainer.gated(ten_epochs(loss=falls))) == ("nonfinite", None, 13)


def test_a_loss_of_zero_is_finite() -> None:
    assert told(autotrainer.gated(ten_epochs(loss=numpy.zeros(20)))) == NOTHING


def test_without_a_loss_autotrainers_gate_stays_shut() -> None:
    unknown = {"loss": numpy.full(20, numpy.nan), "loss_known": numpy.zeros(20, dtype=bool)}
    assert told(autotrainer.gated(ten_epochs(norm=norms(71, 1), **unknown))) == NOTHING
    assert told(autotrainer.ungated(ten_epochs(norm=norms(71, 1), **unknown))) == ("exploding", 0, 7)


def test_turbulence_is_half_as_much_again_as_the_mean_before() -> None:
    for norm, expected in [(1.5, NOTHING), (1.51, ("exploding", 1, 2))]:
        judged = stream(3, norm=with_values({(2, 1): norm}, 3), mean=numpy.full((3, 4), 0.25))
        assert told(msprobe.turbulence(judged)) == expected
    both = stream(2, norm=with_values({(1, 3): 2e10}, 2), mean=with_values({(1, 1): 2.0}, 2))
    assert told(msprobe.turbulence(both)) == ("exploding", 3, 1), "AnomalyNan comes first"
    # The first value is its own mean; 1.4 moves the mean by a hundredth of 0.4, to 1.004.
    for norm, expected in [(1.5059, NOTHING), (1.5061, ("exploding", 0, 2))]:
        judged = one_weight([1.0, 1.4, norm], mean=numpy.ones((3, 1)))
        assert told(msprobe.turbulence_of_norms(judged)) == expected


def test_turbulence_waits_while_there_is_no_gradient() -> None:
    present = numpy.array([[False], [True], [False], [True]])
    nan = numpy.nan
    judged = one_weight([nan, 1.0, nan, 1.51], mean=numpy.ones((4, 1)), present=present)
    assert told(msprobe.turbulence_of_norms(judged)) == ("exploding", 0, 3)


def test_turbulence_takes_the_magnitude_of_a_mean() -> None:
    mean = numpy.array([[-1.0], [-1.4], [-1.6]])
    judged = stream(3, (2,), norm=numpy.ones((3, 1)), mean=mean)
    assert told(msprobe.turbulence(judged)) == ("exploding", 0, 2)
    assert told(msprobe.turbulence_of_norms(judged)) == NOTHING


def test_anomaly_nan_has_a_bound() -> None:
    assert told(msprobe.anomaly_nan(stream(2, norm=with_values({(1, 3): 1e10}, 2)))) == NOTHING
    assert told(msprobe.anomaly_nan(stream(2, norm=with_values({(1, 3): 1.1e10}, 2)))) == ("exploding", 3, 1)
    nonfinite = with_values({(0, 2): 1}, 2, 0).astype(bool)
    nan = with_values({(0, 2): numpy.nan, (1, 3): 1.1e10}, 2)
    assert told(msprobe.anomaly_nan(stream(2, norm=nan, nonfinite=nonfinite))) == ("nonfinite", 2, 0)


def one_weight(values: list[float], **columns: object) -> Stream:
    return stream(len(values), (2,), norm=numpy.array(values)[:, None], **columns)


def test_zclip_flags_what_is_two_and_a_half_deviations_above_its_warm_up() -> None:
    # Mean 2, variance 24/25: the bound is 2 + 2.5 · 0.9798 = 4.449.
    warm_up = [1.0, 3.0] * 12 + [2.0]
    assert told(zclip.judge(one_weight([*warm_up, 4.44]))) == NOTHING
    assert told(zclip.judge(one_weight([*warm_up, 4.46]))) == ("exploding", None, 25)
    assert told(zclip.judge(one_weight([*warm_up[:-1], 100.0]))) == NOTHING, "the warm-up judges nothing"
    assert told(zclip.judge(one_weight([*warm_up, numpy.nan, 1e9]))) == NOTHING
    assert told(zclip.judge(one_weight([*warm_up, numpy.inf]))) == ("nonfinite", None, 25)
    # After 4.4 the mean is 0.97 · 2 + 0.03 · 4.4 = 2.072, the variance 0.97 · 0.96 + 0.03 · (4.4 − 2.072)²
    # = 1.0938: the bound is 2.072 + 2.5 · 1.0458 = 4.687.
    assert told(zclip.judge(one_weight([*warm_up, 4.4, 4.68]))) == NOTHING
    assert told(zclip.judge(one_weight([*warm_up, 4.4, 4.69]))) == ("exploding", None, 26)


def test_the_norm_of_a_network_is_that_of_all_its_gradients() -> None:
    present = numpy.array([[True, True, True, False]])
    assert stream(1, norm=numpy.array([[2.0, 3.0, 6.0, numpy.nan]]), present=present).total_norm == [7]


def test_olmo_skips_what_is_six_deviations_away() -> None:
    # 63 values of mean 2 and, with 62 degrees of freedom, deviation 1; the 64th is the first to be judged.
    before = [1.0, 3.0] * 31 + [2.0]
    steady = {"loss": numpy.array(before + [2.0])}
    assert told(olmo.judge(one_weight([*before, 8.0], **steady))) == NOTHING
    assert told(olmo.judge(one_weight([*before, 8.01], **steady))) == ("exploding", None, 63)
    assert told(olmo.judge(one_weight([*before[:-1], 100.0], loss=numpy.array(before)))) == NOTHING, (
        "too early"
    )
    falls = {"loss": numpy.array(before + [-4.01])}
    assert told(olmo.judge(one_weight([*before, 2.0], **falls))) == ("exploding", None, 63)
    assert told(olmo.judge(one_weight([*before, numpy.nan], **steady))) == ("nonfinite", None, 63)


def test_olmo_forgets_what_is_older_than_128_steps() -> None:
    early = [1e6] + [1.0, 3.0] * 64
    loss = numpy.tile([2.0, 1.0], 65)
    assert told(olmo.judge(one_weight([*early[:-1], 20.0], loss=loss[:129]))) == NOTHING
    assert told(olmo.judge(one_weight([*early, 20.0], loss=loss))) == ("exploding", None, 129)
