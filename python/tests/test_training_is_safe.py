"""Whatever happens to the recorder, the training goes on, and what was lost is told."""

from __future__ import annotations

import gc
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy
import pytest
from outside import python, rows

import gradlog

ONES = numpy.ones(4, "f4")


def test_closing_twice_and_recording_afterwards(path: str) -> None:
    recorder = gradlog.Recorder(path, "r")
    recorder.record({"w": ONES}, epoch=0, batch=0)
    recorder.close()
    recorder.close()
    assert recorder.closed
    with pytest.raises(gradlog.GradlogError) as caught:
        recorder.record({"w": ONES}, epoch=0, batch=1)
    assert caught.value.code == gradlog.ErrorCode.MISUSE
    assert "after the recorder was closed" in caught.value.problem
    assert rows(path, "SELECT count(*) FROM gradients") == [(1,)]


def test_an_exception_leaves_an_interrupted_run(path: str) -> None:
    with pytest.raises(ZeroDivisionError):
        with gradlog.Recorder(path, "r") as recorder:
            recorder.record({"w": ONES}, epoch=0, batch=0)
            raise ZeroDivisionError
    assert rows(path, "SELECT finished_at IS NULL, (SELECT count(*) FROM gradients) FROM runs") == [(1, 1)]


@pytest.mark.parametrize(("ending", "finished"), [("", 1), ("1 / 0", 0), ("del recorder", 1)])
def test_a_recorder_left_open_is_closed_at_exit(path: str, ending: str, finished: int) -> None:
    outcome = python(
        f"""
import gradlog, numpy, sys
recorder = gradlog.Recorder(sys.argv[1], "r")
for batch in range(1000):
    recorder.record({{"w": numpy.ones(3)}}, epoch=0, batch=batch)
{ending}
""",
        path,
    )
    assert outcome.returncode == (0 if finished else 1)
    assert "gradlog" not in outcome.stderr.replace("gradlog.Recorder", "")
    assert rows(path, "SELECT finished_at IS NOT NULL, (SELECT count(*) FROM gradients) FROM runs") == [
        (finished, 1000)
    ]
    assert not Path(path + "-wal").exists()


def test_a_dropped_recorder_is_closed(path: str) -> None:
    recorder = gradlog.Recorder(path, "r", on_finding=print)
    recorder.record({"w": ONES}, epoch=0, batch=0)
    del recorder
    gc.collect()
    assert rows(path, "SELECT finished_at IS NOT NULL FROM runs") == [(1,)]


def test_a_forked_child_is_refused(path: str) -> None:
    outcome = python(
        """
import gradlog, numpy, os, sys
recorder = gradlog.Recorder(sys.argv[1], "r", stop_on="nonfinite")
recorder.record({"w": numpy.ones(3)}, epoch=0, batch=0)
child = os.fork()
if child == 0:
    try:
        recorder.record({"w": numpy.ones(3)}, epoch=0, batch=1)
    except gradlog.GradlogError as error:
        print(error)
    print(recorder.stopped, recorder.findings, recorder.losses.failure)
    sys.exit()  # runs what is registered for the exit
os.waitpid(child, 0)
recorder.record({"w": numpy.ones(3)}, epoch=0, batch=1)
recorder.close()
""",
        path,
    )
    sentence = "the recorder was opened in another process, before fork(); open a recorder in the process that trains"
    assert outcome.returncode == 0
    assert outcome.stdout.splitlines() == [sentence, f"None [] {sentence}"]
    assert rows(path, "SELECT batch FROM gradients") == [(0,), (1,)]


def test_threads_record_at_once(path: str) -> None:
    def train(epoch: int) -> None:
        for batch in range(200):
            gradients = {"a": numpy.full(5, epoch, "f4"), "b": None if batch % 2 else ONES}
            recorder.record(gradients, epoch=epoch, batch=batch)

    with gradlog.Recorder(path, "r") as recorder:
        threads = [threading.Thread(target=train, args=(epoch,)) for epoch in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert rows(path, "SELECT count(*), count(DISTINCT epoch * 1000 + batch) FROM batches") == [(1200, 1200)]
    assert rows(path, "SELECT count(*) FROM gradients WHERE weight = 'a' AND max != epoch") == [(0,)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "gradlog-test", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_counted(small_disk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = str(small_disk / "runs.db")
    recorder = gradlog.Recorder(path, "r")
    for batch in range(40):
        recorder.record({"w": numpy.full(1 << 16, batch, "f4")}, epoch=0, batch=batch)
    with pytest.raises(gradlog.GradlogError, match="disk is full"):
        recorder.flush()
    lost = recorder.losses.batches
    assert 0 < lost <= 40
    with pytest.raises(gradlog.GradlogError) as caught:
        recorder.close()
    assert caught.value.code == gradlog.ErrorCode.STORAGE
    assert capfd.readouterr().err.count("training goes on") == 1
    assert rows(path, "SELECT count(*) FROM batches") == [(40 - lost,)]


def test_what_cannot_be_opened_says_why(path: str, tmp_path: Path) -> None:
    def refusal(*arguments: Any, **options: Any) -> gradlog.GradlogError:
        with pytest.raises(gradlog.GradlogError) as caught:
            gradlog.Recorder(*arguments, **options)
        return caught.value

    assert "no folder" in refusal(str(tmp_path / "none" / "runs.db"), "r").problem
    (tmp_path / "text").write_text("hello, I am a text and no database" * 9)
    assert refusal(tmp_path / "text", "r").code == gradlog.ErrorCode.NOT_A_GRADLOG_FILE
    assert refusal(path, "").problem == "a run needs a name"
    assert "applied, raw" in refusal(path, "r", stage="final").remedy
    assert "rank 2" in refusal(path, "r", rank=2, world_size=2).problem
    assert "epoch" in refusal(path, "r", capture=("epochs", 3, 1)).problem
    assert "has a [ without a ]" in refusal(path, "r", include=["a[b"]).problem
    with gradlog.Recorder(path, "r"):
        assert refusal(path, "r").code == gradlog.ErrorCode.OVERLAP


def test_programming_mistakes_in_options(path: str) -> None:
    for capture in ("sometimes", ("epochs", 1), True, 2.5):
        with pytest.raises(ValueError, match="does not say when"):
            gradlog.Recorder(path, "r", capture=capture)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="single string"):
        gradlog.Recorder(path, "r", include="dense")
    with pytest.raises(ValueError, match="memory_limit"):
        gradlog.Recorder(path, "r", memory_limit=0)
    assert not os.path.exists(path)


def test_runs_without_a_name_are_numbered(path: str) -> None:
    names = []
    for _ in range(3):
        with gradlog.Recorder(path) as recorder:
            names.append(recorder.run)
    with gradlog.Recorder(path, rank=1, world_size=2) as recorder:
        names.append(recorder.run)
    assert names == ["run", "run-2", "run-3", "run"]


def test_a_run_goes_on_where_it_ended(path: str) -> None:
    with gradlog.Recorder(path, "r") as recorder:
        assert recorder.resumed_after is None
        for batch in range(3):
            recorder.record({"w": ONES}, epoch=0, batch=batch)
    with gradlog.Recorder(path, "r", overlap="replace") as recorder:
        assert recorder.resumed_after == (0, 2)
        recorder.record({"w": ONES * 2}, epoch=0, batch=1)
    assert rows(path, "SELECT batch, step, max FROM gradients") == [(0, 0, 1), (1, 1, 2)]
    recorder = gradlog.Recorder(path, "r")
    recorder.record({"w": ONES}, epoch=0, batch=0)
    with pytest.raises(gradlog.GradlogError, match="already holds epoch 0 batch 0"):
        recorder.close()


def test_a_weight_that_was_renamed_between_two_sessions_is_told(
    path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for batch, names in enumerate([["a", "b"], ["a", "b"], ["first", "b"], ["a"], ["a", "b", "new"]]):
        with gradlog.Recorder(path, "r") as recorder:
            for call in range(2):
                recorder.record(dict.fromkeys(names, ONES), epoch=0, batch=batch, call=call)
        told = capfd.readouterr().err
        renamed = 'the run had no weight "first" before, and this batch has no "a"; if a weight was renamed, '
        if "first" in names:
            assert told.startswith("gradlog: " + renamed) and told.count("\n") == 1
        elif "new" in names:
            assert 'the run had no weight "new" before, and this batch has no "first"' in told
        else:
            assert told == ""
    assert rows(path, "SELECT count(*) FROM batches") == [(10,)]


@pytest.mark.parametrize(
    ("capture", "kept"),
    [
        ("every", [0, 1, 2, 3]),
        ("none", []),
        (2, [0, 2]),
        (("epochs", 1, 1), [2, 3]),
        (("around", 1, 0), [2, 3]),
    ],
)
def test_capture_plans(path: str, capture: Any, kept: list[int]) -> None:
    with gradlog.Recorder(path, "r", capture=capture, exclude=["b*"], encoding="bfloat16") as recorder:
        for step in range(4):
            value = numpy.nan if step == 3 else step
            gradients = {"a": numpy.full(3, value, "f4"), "bias": ONES}
            recorder.record(gradients, epoch=step // 2, batch=step % 2)
    assert rows(path, "SELECT weight, step FROM gradients WHERE encoding IS NOT NULL") == [
        ("a", step) for step in kept
    ]
    assert rows(path, "SELECT count(*) FROM gradients") == [(8,)]


@pytest.mark.parametrize("stderr", ["closed", "broken pipe", "full pipe"])
def test_findings_that_nobody_can_read_harm_nothing(path: str, stderr: str) -> None:
    """A sleeping reader of stderr must not hold up the training, nor a gone one end it."""
    outcome = python(
        """
import gradlog, numpy, os, signal, sys, time
path, stderr = sys.argv[1:]
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
reader, writer = os.pipe()
if stderr == "closed":
    os.close(2)
else:
    os.dup2(writer, 2)
if stderr == "broken pipe":
    os.close(reader)
if stderr == "full pipe":
    os.set_blocking(2, False)
    try:
        while True:
            os.write(2, bytes(512))
    except BlockingIOError:
        os.set_blocking(2, True)
for stop_on in (None, "nonfinite"):
    began = time.monotonic()
    with gradlog.Recorder(path, str(stop_on), log_findings=True, stop_on=stop_on) as recorder:
        for batch in range(20):
            recorder.record({"w": numpy.full(3, numpy.nan)}, epoch=0, batch=batch)
        recorder.flush()
        print(len(recorder.findings), recorder.stopped is not None, time.monotonic() - began < 5)
""",
        path,
        stderr,
    )
    assert outcome.returncode == 0
    assert outcome.stdout.splitlines() == ["1 False True", "1 True True"]
    assert rows(path, "SELECT count(*) FROM batches") == [(40,)]
