"""What a training is told while it runs."""

from __future__ import annotations

import threading

import numpy
import pytest
from outside import rows

import gradlog


def sick(path: str, **options: object) -> gradlog.Recorder:
    recorder = gradlog.Recorder(path, "r", **options)  # type: ignore[arg-type]
    for batch in range(4):
        value = numpy.nan if batch in (1, 3) else 1.0
        recorder.record({"good": numpy.ones(2), "sick": numpy.full(2, value)}, epoch=5, batch=batch)
    recorder.flush()
    return recorder


def test_findings_are_called_out_on_another_thread(path: str) -> None:
    heard = []
    threads = []

    def listen(finding: gradlog.Finding) -> None:
        heard.append(finding)
        threads.append(threading.current_thread())

    with sick(path, on_finding=listen) as recorder:
        assert heard == recorder.findings
        assert recorder.stopped is None
    assert len(heard) == 1
    assert heard[0][:8] == ("nonfinite", "critical", "sick", 5, 1, 1, 2.0, 0.0)
    assert heard[0].baseline is None
    assert heard[0].evidence == "the gradient of 'sick' has 2 NaN elements"
    assert str(heard[0]).startswith(
        "critical nonfinite since epoch 5, batch 1: the gradient of 'sick' has 2 NaN elements; look for NaN in the data"
    )
    assert threads[0] is not threading.current_thread()
    assert recorder.findings == heard  # also after closing


def test_each_of_two_optimizers_has_findings_of_its_own(path: str) -> None:
    with gradlog.Recorder(path, "gan") as recorder:
        for batch in range(12):
            for optimizer, end in [("critic", 4), ("generator", 9)]:
                loss = numpy.nan if batch >= end else 1.0
                weights = {f"{optimizer}/w": numpy.full(2, 1.0 + batch % 3)}
                recorder.record(weights, epoch=0, batch=batch, optimizer=optimizer, loss=loss)
        recorder.flush()
        heard = [finding for finding in recorder.findings if finding.rule == "nonfinite"]
    assert [(one.optimizer, one.weight, one.batch) for one in heard] == [
        ("critic", None, 4),
        ("generator", None, 9),
    ]
    assert str(heard[1]).startswith("critical nonfinite of optimizer 'generator' since epoch 0, batch 9")
    networks = "SELECT optimizer, batch_count FROM findings WHERE weight_id IS NULL AND rule = 'nonfinite'"
    assert sorted(rows(path, networks)) == [("critic", 8), ("generator", 3)]
    with gradlog.open(path) as recording:
        told = [row for row in recording.findings(as_="tuples") if row.rule == "nonfinite"]
        assert [(row.weight, row.optimizer) for row in told] == [(None, "critic"), (None, "generator")]
        assert recording.runs(as_="tuples")[0].worst_finding == "nonfinite at the network with critic"


def test_one_optimizer_has_no_name(path: str) -> None:
    with sick(path) as recorder:
        assert [finding.optimizer for finding in recorder.findings] == [""]
    assert rows(path, "SELECT optimizer FROM findings") == [("",)]


@pytest.mark.parametrize(("stop_on", "stops"), [("nonfinite", True), ("warning", True), ("exploding", False)])
def test_the_condition_that_is_asked_for_stops(path: str, stop_on: str, stops: bool) -> None:
    with sick(path, stop_on=stop_on) as recorder:
        assert (recorder.stopped is not None) == stops
        assert not stops or recorder.stopped == recorder.findings[0]


def test_the_batch_is_judged_before_record_returns(path: str) -> None:
    with gradlog.Recorder(path, "r", stop_on="nonfinite", commit_interval=60.0) as recorder:
        for batch in range(4):
            value = numpy.nan if batch == 3 else 1.0
            recorder.record({"w": numpy.full(2, value)}, epoch=0, batch=batch)
            assert (recorder.stopped is not None) == (batch == 3)
        assert recorder.stopped == recorder.findings[0]
        assert recorder.stopped.batch == 3


def test_findings_are_said_on_stderr_when_asked_for(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    sick(path).close()
    assert capfd.readouterr().err == ""
    sick(path + "2", log_findings=True).close()
    assert capfd.readouterr().err == (
        "gradlog: run \"r\": critical nonfinite in 'sick' since epoch 5, batch 1: "
        "the gradient of 'sick' has 2 NaN elements\n"
    )


def test_an_unknown_condition_is_refused(path: str) -> None:
    with pytest.raises(gradlog.GradlogError, match="pass one of absent, accumulating, critical, dead"):
        gradlog.Recorder(path, "r", stop_on="nan")


@pytest.mark.parametrize("call", ["flush", "close"])
def test_a_listener_may_not_wait_for_itself(path: str, call: str, capsys: pytest.CaptureFixture[str]) -> None:
    recorder = gradlog.Recorder(path, "r", on_finding=lambda _: getattr(recorder, call)())
    recorder.record({"sick": numpy.full(2, numpy.nan)}, epoch=0, batch=0)
    recorder.close()
    assert f"on_finding called {call}(), which waits" in capsys.readouterr().err


def test_a_listener_that_fails_harms_nothing(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    def listen(finding: gradlog.Finding) -> None:
        raise KeyError(finding.weight)

    sick(path, on_finding=listen).close()
    assert "gradlog: on_finding failed: KeyError('sick')" in capsys.readouterr().err
