"""Reading a recording: against a table by hand, and against a real file's own values."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import numpy
import pytest
from baselines import read
from baselines.stream import COLUMNS, QUANTILES, STATISTICS
from streams import stream

PRESENT = {
    "run": "r",
    "rank": 0,
    "epoch": 0,
    "batch": 0,
    "call": 0,
    "step": 0,
    "loss": 0.5,
    "loss_is_nan": 0,
    "absent": 0,
    "shape": "[2,2]",
    "element_count": 4,
    "zero_count": 1,
    "nan_count": 0,
    "posinf_count": 0,
    "neginf_count": 0,
    "norm": 3.0,
    "mean": -0.5,
    "mean_abs": 1.0,
    "abs_p75": 1.0,
    "abs_p95": 2.0,
}


def recording(path: Path, rows: list[dict[str, object]]) -> Path:
    """A file with what the reader takes from the view, as a table."""
    names = ["gradient_id", "run", "rank", *COLUMNS, *STATISTICS, *QUANTILES]
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"CREATE TABLE gradients ({', '.join(names)})")
        for index, row in enumerate(rows):
            values = {**PRESENT, "gradient_id": index, **row}
            database.execute(
                f"INSERT INTO gradients VALUES ({', '.join('?' * len(names))})",
                [values.get(name) for name in names],
            )
        database.commit()
    return path


def test_batches_are_rows_and_weights_columns_from_the_input_on(tmp_path: Path) -> None:
    absent = dict.fromkeys([*STATISTICS, *QUANTILES, "shape"]) | {"absent": 1}
    rows = [
        {"weight": "out", "position": 7},
        {"weight": "in", "position": 2, "norm": 9.0},
        {
            "weight": "out",
            "position": 7,
            "batch": 1,
            "step": 1,
            "loss": None,
            "loss_is_nan": 1,
            "shape": "[2]",
        },
        {"weight": "in", "position": 2, "batch": 1, "step": 1, "loss": None, "loss_is_nan": 1, **absent},
        {"weight": "in", "position": 2, "batch": 2, "step": 2, "loss": None},
        {"weight": "in", "position": 2, "run": "other"},
        {"weight": "in", "position": 2, "rank": 1},
    ]
    found = read(recording(tmp_path / "r.db", rows), "r")
    assert found.weights == ["in", "out"] and list(found.position) == [2, 7] and list(found.step) == [0, 1, 2]
    assert found.norm[0].tolist() == [9, 3] and found.zero_share[0].tolist() == [0.25, 0.25]
    assert found.present.tolist() == [[True, True], [False, True], [True, False]]
    assert list(found.kernels) == [0], "the last shape that was seen counts"
    assert list(found.loss_known) == [True, True, False] and numpy.isnan(found.loss[1:]).all()
    assert found.spread[0, 0] == 2 * 1.75
    with pytest.raises(ValueError, match="no gradients of a run named 'missing'"):
        read(tmp_path / "r.db", "missing")


def test_a_step_of_several_optimizers_is_one_batch(tmp_path: Path) -> None:
    rows = [
        {"weight": name, "position": index, "batch": batch}
        for batch in range(2)
        for index, name in enumerate("ab")
    ]
    found = read(recording(tmp_path / "r.db", rows), "r")
    assert found.present.shape == (2, 2) and found.present.all()


def test_what_is_not_finite_shows_in_every_statistic(tmp_path: Path) -> None:
    counts = [
        {"nan_count": 1, "posinf_count": 1},
        {"posinf_count": 1},
        {"neginf_count": 2},
        {"posinf_count": 1, "neginf_count": 1},
    ]
    rows = [{"weight": str(index), "position": index, **count} for index, count in enumerate(counts)]
    found = read(recording(tmp_path / "r.db", rows), "r")
    nan, inf = numpy.nan, numpy.inf
    numpy.testing.assert_array_equal(found.norm[0], [nan, inf, inf, inf])
    numpy.testing.assert_array_equal(found.mean_abs[0], [nan, inf, inf, inf])
    numpy.testing.assert_array_equal(found.mean[0], [nan, inf, -inf, nan])
    assert found.nonfinite.all()


def test_epochs_are_those_of_the_run_when_there_are_ten() -> None:
    assert [len(span) for span in stream(25, epochs=12).spans()] == [3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]
    assert [len(span) for span in stream(25, epochs=2).spans()] == [2, 3] * 5
    assert stream(3).spans() == [range(0, 1), range(1, 2), range(2, 3)]


@pytest.mark.skipif("GRADLOG_TEST_COMMAND" not in os.environ, reason="GRADLOG_TEST_COMMAND names no command")
def test_a_real_recording_is_what_numpy_computes_of_its_values(tmp_path: Path) -> None:
    path = tmp_path / "real.db"
    training = "train --example binary-classifier --epochs 3 --quiet --run real --db".split() + [str(path)]
    subprocess.run([os.environ["GRADLOG_TEST_COMMAND"], *training], check=True, capture_output=True)
    found = read(path, "real")
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(
            "SELECT weight, shape, values_blob FROM gradients ORDER BY gradient_id"
        ).fetchall()
    assert len(rows) == found.present.size and found.present.all()
    for index, (weight, shape, blob) in enumerate(rows):
        where = index // len(found.weights), found.weights.index(weight)
        gradient = numpy.frombuffer(blob, "<f4").astype(float)
        assert found.dimensions[where[1]] == len(json.loads(shape))
        assert found.norm[where] == pytest.approx(numpy.linalg.norm(gradient))
        assert found.mean_abs[where] == pytest.approx(numpy.abs(gradient).mean())
        assert found.mean[where] == pytest.approx(gradient.mean(), abs=1e-12)
        assert found.zero_share[where] == (gradient == 0).mean()
