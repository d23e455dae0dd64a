"""The scorer's numbers against those computed by hand."""

from __future__ import annotations

import pytest
from baselines import Verdict
from scoring.measures import Share, f1, f1_interval, score
from streams import outcome

SILENT = Verdict(False)


def said(rule: str = "vanishing", position: int | None = 2, step: int | None = 10) -> Verdict:
    return Verdict(True, rule, position, step, ("because",))


def test_wilsons_interval() -> None:
    # Wilson 1927; values of the formula worked out apart: 8 of 10, 0 of 10, 95 of 100.
    assert Share(8, 10).interval == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert Share(0, 10).interval == pytest.approx((0, 0.2775), abs=1e-4)
    assert Share(10, 10).interval == pytest.approx((0.7225, 1), abs=1e-4)
    assert Share(95, 100).interval == pytest.approx((0.8882, 0.9785), abs=1e-4)
    assert Share(0, 0).value is None and Share(0, 0).interval is None


def test_a_detector_is_scored_by_hand() -> None:
    outcomes = [
        outcome("sick", said()),
        outcome("sick", said("exploding", 3, 15), classes=["vanishing", "exploding"]),
        outcome("sick", said("dead", 4, 16)),
        outcome("sick", SILENT),
        outcome("sick", said(position=None, step=4), position=None, onset=None),
        outcome("healthy", SILENT),
        outcome("healthy", SILENT),
        outcome("healthy", said()),
        outcome("harmless", said()),
        outcome("harmless", SILENT),
    ]
    found = score(outcomes)
    assert (found.precision, found.recall) == (Share(4, 6), Share(4, 5))
    assert found.f1 == pytest.approx(8 / 11)
    assert (found.alarms, found.alarms_healthy, found.alarms_harmless) == (
        Share(2, 5),
        Share(1, 3),
        Share(1, 2),
    )
    assert (found.class_of_flagged, found.class_of_sick) == (Share(3, 4), Share(3, 5))
    assert (found.weight_of_flagged, found.weight_of_sick) == (Share(2, 3), Share(2, 4))
    assert (found.onset_of_flagged, found.onset_of_sick) == (Share(2, 3), Share(2, 4))


def test_near_is_one_position_and_five_steps() -> None:
    for position, step, right in [
        (1, 5, True),
        (3, 15, True),
        (0, 4, False),
        (4, 16, False),
        (None, None, False),
    ]:
        one = outcome("sick", said(position=position, step=step))
        assert (one.weight_is_right, one.onset_is_right) == (right, right)


def test_f1_of_nothing_is_nothing() -> None:
    assert f1(0, 0, 0) is None
    assert f1(0, 1, 0) == 0
    assert score([outcome("healthy", SILENT)]).f1 is None


def test_programs_are_drawn_as_a_whole() -> None:
    right = [outcome("sick", said(), program="a")] * 50
    wrong = [outcome("sick", SILENT, program="b")] * 50
    # Both programs: 2·50 ÷ (50 + 100) = 2/3; one of them twice, a quarter of the draws each: 1 or 0.
    assert score(right + wrong).f1 == pytest.approx(2 / 3)
    assert f1_interval(right + wrong) == (0, 1)
    # Runs that were drawn one by one would hardly leave [0.55, 0.78].
    alone = [outcome("sick", each.verdict, program=str(index)) for index, each in enumerate(right + wrong)]
    low, high = f1_interval(alone)
    assert 0.5 < low < 0.6 and 0.72 < high < 0.8


def test_alike_programs_leave_no_doubt_and_one_program_no_interval() -> None:
    alike = [outcome("sick", verdict, program=program) for program in "abc" for verdict in (said(), SILENT)]
    assert f1_interval(alike) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert f1_interval(alike[:2]) is None
    assert f1_interval([outcome("healthy", SILENT, program=program) for program in "ab"]) is None
