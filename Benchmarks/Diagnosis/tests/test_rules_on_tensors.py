"""The rules that look at a gradient at a time, on series whose answer is known."""

from __future__ import annotations

import numpy
from baselines import deepdiagnosis, deeplocalize, mindinsight, sagemaker
from streams import NOTHING, stream, told, with_values

BELOW_SAGEMAKER, BELOW_MINDINSIGHT = 9.9e-8, 9.9e-10


def test_a_mean_magnitude_at_the_threshold_does_not_vanish_and_one_below_does() -> None:
    at = stream(3, mean_abs=with_values({(1, 2): 1e-7}, 3))
    below = stream(3, mean_abs=with_values({(1, 2): BELOW_SAGEMAKER, (2, 0): BELOW_SAGEMAKER}, 3))
    further = stream(3, mean_abs=with_values({(1, 2): BELOW_MINDINSIGHT}, 3))
    assert told(sagemaker.vanishing_gradient(at)) == NOTHING
    assert told(sagemaker.vanishing_gradient(below)) == ("vanishing", 2, 1)
    assert told(mindinsight.judge(below)) == NOTHING
    assert told(mindinsight.judge(further)) == ("vanishing", 2, 1)


def test_of_several_weights_in_a_batch_the_one_nearest_the_input_is_told() -> None:
    two = stream(2, mean_abs=with_values({(1, 3): 0, (1, 1): 0}, 2))
    assert told(sagemaker.vanishing_gradient(two)) == ("vanishing", 1, 1)


def test_exploding_tensor_sees_no_magnitude() -> None:
    huge = with_values({(0, 0): 1e300}, 2)
    assert told(sagemaker.exploding_tensor(stream(2, norm=huge, mean_abs=huge))) == NOTHING
    nonfinite = with_values({(1, 3): 1}, 2, 0).astype(bool)
    assert told(sagemaker.exploding_tensor(stream(2, nonfinite=nonfinite))) == ("nonfinite", 3, 1)


def test_all_zero_is_named_rather_than_vanishing_and_the_earliest_rule_counts() -> None:
    zero = stream(3, zero_share=with_values({(1, 0): 1}, 3, 0), mean_abs=with_values({(1, 0): 0}, 3))
    assert told(sagemaker.tensors(zero)) == told(mindinsight.judge(zero)) == ("dead", 0, 1)
    assert told(sagemaker.all_zero(stream(1, zero_share=with_values({(0, 0): 0.999}, 1, 0)))) == NOTHING
    late = stream(
        3, nonfinite=with_values({(2, 0): 1}, 3, 0).astype(bool), mean_abs=with_values({(1, 1): 0}, 3)
    )
    assert told(sagemaker.tensors(late)) == ("vanishing", 1, 1)
    assert len(sagemaker.tensors(late).findings) == 2


def test_initialization_is_judged_by_the_first_ten_steps() -> None:
    assert told(
        sagemaker.poor_weight_initialization(stream(12, spread=with_values({(9, 1): 0.0009}, 12)))
    ) == ("vanishing", 1, 9)
    late = stream(12, spread=with_values({(10, 1): 0.0}, 12))
    assert told(sagemaker.poor_weight_initialization(late)) == NOTHING
    assert late.spread[10, 1] == 0, "the stream is shared"


def test_a_loss_is_compared_with_that_of_ten_steps_before_every_ten_steps() -> None:
    falls = numpy.linspace(2, 1, 31)
    assert told(sagemaker.loss_not_decreasing(stream(31, loss=falls))) == NOTHING
    between = falls.copy()
    between[15] = 100
    assert told(sagemaker.loss_not_decreasing(stream(31, loss=between))) == NOTHING
    for value in (falls[10], numpy.nan, numpy.inf):
        same = falls.copy()
        same[20] = value
        assert told(sagemaker.loss_not_decreasing(stream(31, loss=same))) == ("stagnation", None, 20)
    unknown = stream(31, loss=numpy.full(31, numpy.nan), loss_known=numpy.zeros(31, dtype=bool))
    assert told(sagemaker.loss_not_decreasing(unknown)) == NOTHING


def test_deeplocalize_looks_at_kernels_from_the_output_back() -> None:
    nonfinite = with_values({(3, 0): 1, (3, 2): 1, (1, 3): 1}, 6, 0).astype(bool)
    assert told(deeplocalize.judge(stream(6, nonfinite=nonfinite))) == ("nonfinite", 2, 3)
    assert (
        told(deeplocalize.judge(stream(6, nonfinite=with_values({(1, 3): 1}, 6, 0).astype(bool)))) == NOTHING
    )


def test_deeplocalize_wants_a_mean_of_zero_in_half_of_the_batches() -> None:
    mean = 0.1 + 0.001 * numpy.arange(24).reshape(6, 4)
    mean[[2, 4], 0] = 0  # Two of five.
    assert told(deeplocalize.judge(stream(6, mean=mean))) == NOTHING
    mean[5, 0] = 0  # Three of six.
    assert told(deeplocalize.judge(stream(6, mean=mean))) == ("dead", 0, 5)


def test_deeplocalize_sees_what_did_not_change_in_five_batches_every_five() -> None:
    mean = 0.1 + 0.001 * numpy.arange(40).reshape(10, 4)
    mean[1:9, 2] = 0.25  # Batches 0 to 4 and 5 to 9 each have another.
    assert told(deeplocalize.judge(stream(10, mean=mean))) == NOTHING
    mean[9, 2] = 0.25
    assert told(deeplocalize.judge(stream(10, mean=mean))) == ("stagnation", 2, 9)
    loss = numpy.linspace(2, 1, 10)
    loss[5:] = 0.5
    assert told(deeplocalize.judge(stream(10, loss=loss))) == ("stagnation", None, 9)
    loss[7] = numpy.nan
    assert told(deeplocalize.judge(stream(10, loss=loss))) == ("nonfinite", None, 7)


def test_deepdiagnosis_looks_at_the_last_batch_of_an_epoch() -> None:
    # 20 batches in 10 epochs: those with an odd index end one.
    assert told(deepdiagnosis.judge(stream(20, epochs=10, mean_abs=with_values({(4, 2): 0}, 20)))) == NOTHING
    hit = with_values({(5, 2): BELOW_SAGEMAKER, (5, 1): 0}, 20)
    assert told(deepdiagnosis.judge(stream(20, epochs=10, mean_abs=hit))) == ("vanishing", 2, 5)
    mean = 0.1 + 0.001 * numpy.arange(80).reshape(20, 4)
    mean[7, [0, 2]] = 0
    assert told(deepdiagnosis.judge(stream(20, epochs=10, mean=mean))) == ("dead", 2, 7)


def test_deepdiagnosis_sees_what_did_not_change_in_five_epochs() -> None:
    mean = 0.1 + 0.001 * numpy.arange(80).reshape(20, 4)
    mean[:10, 0] = 0.25  # Five epochs of two batches.
    assert told(deepdiagnosis.judge(stream(20, epochs=10, mean=mean))) == ("stagnation", 0, 9)
    mean[9, 0] = 0.26
    assert told(deepdiagnosis.judge(stream(20, epochs=10, mean=mean))) == NOTHING
    mean[[1, 3, 5, 7, 9], 2] = 0.25  # What is between the ends of epochs does not matter.
    assert told(deepdiagnosis.judge(stream(20, epochs=10, mean=mean))) == ("stagnation", 2, 9)


def test_deepdiagnosis_takes_the_loss_of_the_whole_epoch() -> None:
    loss = numpy.linspace(2, 1, 20)
    loss[6] = numpy.inf
    assert told(deepdiagnosis.judge(stream(20, epochs=10, loss=loss))) == ("nonfinite", None, 7)
    same = numpy.tile([1.0, 0.5], 10)
    assert told(deepdiagnosis.judge(stream(20, epochs=10, loss=same))) == ("stagnation", None, 9)
