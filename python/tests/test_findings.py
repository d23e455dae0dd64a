"""What a training is told while it runs."""

from __future__ import annotations

import threading

import numpy
import pytest

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
