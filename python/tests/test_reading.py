"""What a recording answers."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy
import pytest
from outside import rows

import gradlog
from gradlog._files import FORMAT


@pytest.fixture
def recording(path: str) -> gradlog.Recording:
    with gradlog.Recorder(path, "mlp") as recorder:
        for batch in range(6):
            gradients = {
                "dense/kernel": numpy.full((2, 3), batch, "f4"),
                "dense/bias": None,
                "half": numpy.full(2, 0.1, "f2"),
            }
            recorder.record(gradients, epoch=batch // 3, batch=batch % 3, loss=1 / (batch + 1))
    with gradlog.Recorder(path, "other", encoding="float16") as recorder:
        recorder.record({"w": numpy.array([0.1, 1e9, numpy.nan], "f4")}, epoch=0, batch=0)
    return gradlog.open(path)


def test_every_question_answers(recording: gradlog.Recording) -> None:
    names = [row.name for row in recording.questions(as_="tuples")]
    assert "vanishing" in names and len(names) >= 12
    for name in names:
        assert isinstance(recording.query(name, as_="tuples"), list)
    assert recording.query("runs", as_="tuples") == recording.runs(as_="tuples")
    found = recording.query("nonfinite", as_="tuples", run="other")
    assert [row.weight for row in found] == ["w"]
    assert recording.query("nonfinite", as_="tuples", run="mlp") == []


def test_statistics(recording: gradlog.Recording) -> None:
    everything = recording.statistics(as_="tuples")
    assert len(everything) == 19
    assert everything[0].weight == "dense/kernel" and everything[1].absent == 1
    some = recording.statistics("mlp", "dense/*", epoch=(1, None), columns=["batch", "max"], as_="tuples")
    assert some == [(0, 3.0), (0, None), (1, 4.0), (1, None), (2, 5.0), (2, None)]
    assert len(recording.statistics(epoch=1, limit=2, as_="tuples")) == 2


def test_numbers_of_numpy_are_numbers(recording: gradlog.Recording) -> None:
    one, none = numpy.int64(1), numpy.int64(0)  # as pandas has them in its columns
    for epoch, expected in [(one, {1}), (none, {0}), ((one, None), {1}), ([none, one], {0, 1})]:
        found = recording.statistics("mlp", epoch=epoch, columns=["epoch"], as_="tuples")
        assert {row.epoch for row in found} == expected
    assert (recording.gradient("mlp", "dense/kernel", one, numpy.int32(2)) == 5).all()
    asked = recording.query("largest", as_="tuples", run="mlp", limit=one)
    assert asked == recording.query("largest", as_="tuples", run="mlp", limit=1) and len(asked) == 1
    with pytest.raises(gradlog.GradlogError, match="too large"):
        recording.sql("SELECT :number", {"number": 2**70})


def test_gradients_are_decoded(recording: gradlog.Recording) -> None:
    kernel = recording.gradient("mlp", "dense/kernel", 1, 2)
    assert kernel.dtype == numpy.float32 and (kernel == numpy.full((2, 3), 5)).all()
    assert (recording.gradient("mlp", "dense/kernel") == kernel).all()
    assert recording.gradient("mlp", "dense/bias") is None
    assert recording.gradient("mlp", "half").dtype == numpy.float16
    rounded = recording.gradient("other")
    assert rounded.dtype == numpy.float32
    assert rounded[0] == numpy.float16(0.1) and rounded[1] == numpy.inf and numpy.isnan(rounded[2])


def test_findings(recording: gradlog.Recording) -> None:
    found = [finding[:5] for finding in recording.findings(as_="tuples")]
    assert ("other", 0, "w", "nonfinite", "critical") in found
    assert {severity for *_, severity in found} <= {"critical", "warning"}
    # The first gradients were zero, and the next ones are not.
    grown = [finding[:5] for finding in recording.findings("mlp", as_="tuples")]
    assert grown == [("mlp", 0, "half", "exploding", "warning")]


FIXTURES = Path(__file__).parents[2] / "Tests/GradlogAnalysisTests/Fixtures"


FINDINGS = {
    2: [("deep", "dense_1/kernel", "", None)],
    3: [
        ("gan", None, "critic", "the loss is NaN or infinite, though the gradients are finite"),
        ("tuned", "head/kernel", "", "'head/kernel' is held fixed"),
        ("gan", "generator/bias", "generator", "'generator/bias' received no gradient, until epoch 0, batch 19"),
    ],
}


@pytest.mark.parametrize("version", FINDINGS)
def test_findings_of_older_files(path: str, version: int) -> None:
    database = sqlite3.connect(path)
    database.executescript((FIXTURES / f"format-{version}.sql").read_text())
    database.close()
    with gradlog.open(path) as old:
        found = [row for row in old.findings(as_="tuples") if row.severity != "info"]
        assert [(row.run, row.weight, row.optimizer, row.evidence) for row in found] == FINDINGS[version]
        worst = {row.run: row.worst_finding for row in old.runs(as_="tuples")}
        assert worst["gan" if version == 3 else "deep"] == {
            2: "vanishing at dense_1/kernel",
            3: "nonfinite at the network with critic",
        }[version]


def test_the_file_can_be_read_while_it_is_recorded(path: str) -> None:
    with gradlog.Recorder(path, "r") as recorder:
        recorder.record({"w": numpy.ones(2)}, epoch=0, batch=0)
        recorder.flush()
        with gradlog.open(path) as recording:
            assert recording.runs(as_="tuples")[0].state == "unfinished"
        recorder.record({"w": numpy.ones(2)}, epoch=0, batch=1)
    assert rows(path, "SELECT count(*) FROM gradients") == [(2,)]


def test_data_frames_of_whatever_is_installed(recording: gradlog.Recording) -> None:
    for form in ("pandas", "polars", "pyarrow"):
        pytest.importorskip(form)
        frame = recording.statistics(as_=form)
        assert frame.shape == (19, 49)
        assert list(frame["weight"][:2]) == ["dense/kernel", "dense/bias"] or form == "pyarrow"


def refusal(call: Any) -> gradlog.GradlogError:
    with pytest.raises(gradlog.GradlogError) as caught:
        call()
    return caught.value


def test_mistakes_name_what_there_is(recording: gradlog.Recording) -> None:
    assert refusal(lambda: recording.query("vanishin")).remedy == "did you mean 'vanishing'?"
    assert refusal(lambda: recording.query("vanishing", treshold=1)).remedy == "did you mean 'threshold'?"
    assert "'mlp'" in refusal(lambda: recording.query("vanishing", run="x")).remedy
    assert "'nrm'" in refusal(lambda: recording.statistics(columns=["nrm"])).problem
    assert "2 runs" in refusal(recording.gradient).problem
    assert "epoch 7" in refusal(lambda: recording.gradient("mlp", "half", 7)).problem
    assert refusal(lambda: recording.sql("DELETE FROM runs")).code == gradlog.ErrorCode.MISUSE
    assert "near" in refusal(lambda: recording.sql("SELEC 1")).problem
    with pytest.raises(ValueError, match="as_="):
        recording.runs(as_="excel")
    recording.close()
    assert "closed" in refusal(recording.runs).problem


def test_wrong_files_are_refused_with_a_sentence(path: str, tmp_path: Path) -> None:
    with gradlog.Recorder(path, "r"):
        pass
    assert "there is no file" in refusal(lambda: gradlog.open(tmp_path / "none.db")).problem
    assert "is a folder" in refusal(lambda: gradlog.open(tmp_path)).problem
    (tmp_path / "empty.db").touch()
    assert "is empty" in refusal(lambda: gradlog.open(tmp_path / "empty.db")).problem
    (tmp_path / "text.db").write_text("no database " * 100)
    assert "not an SQLite database" in refusal(lambda: gradlog.open(tmp_path / "text.db")).problem
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (x)")
    assert "did not write" in refusal(lambda: gradlog.open(tmp_path / "other.db")).problem
    assert rows(path, "PRAGMA user_version") == [(FORMAT,)]
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {FORMAT + 1}")
    assert refusal(lambda: gradlog.open(path)).code == gradlog.ErrorCode.NEWER_FILE
    database.executescript("PRAGMA user_version = 1; DROP VIEW gradients")
    assert "view gradients" in refusal(lambda: gradlog.open(path)).problem


@pytest.mark.parametrize("damage", ["values_blob = x'00'", "encoding = 'zip'", "encoding = 'rows'"])
def test_damaged_values_are_told(recording: gradlog.Recording, path: str, damage: str) -> None:
    database = sqlite3.connect(path)
    database.execute(f"UPDATE gradient_values SET {damage}")
    database.commit()
    assert "is damaged (values of 'half'" in refusal(lambda: recording.gradient("mlp", "half")).problem
