"""The whole way: labels and recordings in, tables out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from scoring import diagnose, tables
from scoring.labels import Label, left_out, read_labels
from scoring.misses import misses
from streams import outcome
from suite.page import replace
from test_stream import recording

ALL, NONE = "1.00 [0.21, 1.00]", "0.00 [0.00, 0.79]"
SCORE = Path(__file__).resolve().parent.parent / "score.py"
FINDING = {
    "rule": "vanishing",
    "severity": "critical",
    "weight": "w",
    "position": 3,
    "first_step": 8,
    "evidence": "Nothing arrives.",
    "cause": True,
}


def entry(run: str, **fields: object) -> dict[str, object]:
    healthy = {
        "program": "p",
        "family": "mlp",
        "split": "report",
        "fault": None,
        "status": "healthy",
        "classes": [],
    }
    return {"run": run, "file": f"{run}.db", "position": None, "onset_step": None, **healthy, **fields}


def corpus(folder: Path, entries: list[dict[str, object]]) -> Path:
    for one in entries:
        recording(folder / str(one["file"]), [{"run": one["run"], "weight": "w", "position": 0}])
    (folder / "labels.json").write_text(json.dumps(entries))
    return folder


def command(folder: Path, reports: list[dict[str, object]], code: int = 0) -> Path:
    """A stand-in for gradlog that prints these reports."""
    path = folder / "gradlog"
    path.write_text(
        f"#!/usr/bin/env python3\nprint({json.dumps(json.dumps(reports))})\nraise SystemExit({code})\n"
    )
    path.chmod(0o755)
    return path


def sick_report(run: str = "sick") -> dict[str, object]:
    later = FINDING | {
        "rule": "dead",
        "severity": "warning",
        "cause": False,
        "weight": None,
        "position": None,
    }
    return {"run": run, "rank": 0, "verdict": "sick", "class": "vanishing", "findings": [FINDING, later]}


def test_the_first_finding_of_a_sick_report_is_the_verdict() -> None:
    said = diagnose.verdict(sick_report())
    assert (said.sick, said.rule, said.position, said.step) == (True, "vanishing", 3, 8)
    assert said.findings[0] == "critical vanishing from step 8: w (3): Nothing arrives."
    warned = diagnose.verdict(sick_report() | {"verdict": "warning", "class": None})
    assert (warned.sick, warned.rule, len(warned.findings)) == (False, None, 2)


def test_a_command_that_fails_or_is_silent_is_an_error(tmp_path: Path) -> None:
    label = read_labels(corpus(tmp_path, [entry("sick", status="sick", classes=["vanishing"])]))[0]
    assert diagnose.diagnose(command(tmp_path, [sick_report()], code=2), label).sick
    with pytest.raises(ValueError, match="ended with 1"):
        diagnose.diagnose(command(tmp_path, [sick_report()], code=1), label)
    with pytest.raises(ValueError, match="0 reports on run 'sick'"):
        diagnose.diagnose(command(tmp_path, [sick_report("other")], code=2), label)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"status": "ill"}, "status 'ill'"),
        ({"split": "test"}, "split 'test'"),
        ({"status": "sick"}, "has classes if it is sick"),
        ({"classes": ["dead"]}, "has classes if it is sick"),
        ({"file": "elsewhere.db"}, "is not there"),
    ],
)
def test_a_label_that_cannot_be_scored_is_an_error(
    tmp_path: Path, fields: dict[str, object], complaint: str
) -> None:
    corpus(tmp_path, [entry("run")])
    (tmp_path / "labels.json").write_text(json.dumps([entry("run", **fields)]))
    with pytest.raises(ValueError, match=complaint):
        read_labels(tmp_path)


def test_tables_have_a_row_for_each_tool_and_leave_the_other_split_out() -> None:
    sick, silent = diagnose.verdict(sick_report()), diagnose.verdict({"verdict": "healthy", "findings": []})
    said = {
        "gradlog": [
            outcome("sick", sick),
            outcome("healthy", silent, family="cnn"),
            outcome("healthy", sick, split="tune"),
        ],
        "other": [
            outcome("sick", silent),
            outcome("healthy", sick, family="cnn"),
            outcome("healthy", sick, split="tune"),
        ],
    }
    text = "\n".join(tables.pages(said, "report"))
    assert "2 runs of 1 programs in 2 families: 1 healthy, 0 with a harmless fault, 1 sick." in text
    assert f"| gradlog | {ALL} | {ALL} | 1.00 | {NONE} | {NONE} | - |" in text
    assert f"| other | {NONE} | {NONE} | 0.00 | {ALL} | {ALL} | - |" in text
    assert "|  | cnn |\n| --- | ---: |\n| gradlog | 0/1 |\n| other | 1/1 |" in text
    assert "|  | vanishing |\n| --- | ---: |\n| vanishing | 1 |" in text
    assert tables.pages({"gradlog": said["gradlog"][:2]}, "tune") == []


def test_misses_tell_what_is_true_what_was_said_and_why() -> None:
    sick = diagnose.verdict(sick_report())
    text = "\n".join(
        misses("gradlog", [outcome("healthy", sick), outcome("sick", sick, classes=["dead"], onset=2)])
    )
    assert "## gradlog: false alarms (1)" in text and "## gradlog: wrong class (1)" in text
    assert "## gradlog: wrong weight (0)" in text and "## gradlog: wrong onset (1)" in text
    assert "sick with dead at weight 2 from step 2; said: vanishing at weight 3 from step 8" in text
    assert text.count("Nothing arrives.") == 6


def test_score_writes_the_section_of_a_page(tmp_path: Path) -> None:
    corpus(
        tmp_path,
        [entry("well"), entry("sick", status="sick", classes=["vanishing"], position=3, onset_step=8)],
    )
    reports = [sick_report(), {"run": "well", "rank": 0, "verdict": "healthy", "class": None, "findings": []}]
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured: diagnosis -->\nold\n<!-- end -->\nafter\n")
    arguments = [str(tmp_path), "--gradlog", str(command(tmp_path, reports, code=2)), "--write", str(page)]
    subprocess.run([sys.executable, str(SCORE), *arguments], check=True, capture_output=True)
    text = page.read_text()
    assert text.startswith("before\n<!-- measured: diagnosis -->\n\n### Split `report`")
    assert text.endswith("<!-- end -->\nafter\n") and "old" not in text
    assert "| gradlog | 1.00 [0.21, 1.00] |" in text and "| OLMo | - | 0.00 [0.00, 0.79] |" in text


def test_score_says_what_is_wrong_in_a_sentence(tmp_path: Path) -> None:
    corpus(tmp_path, [entry("well", status="ill")])
    done = subprocess.run([sys.executable, str(SCORE), str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("score.py: well: status 'ill'")


def test_a_page_without_its_markers_is_an_error() -> None:
    assert (
        replace("<!-- measured: a -->\nx\n<!-- end -->", "a", ["new", "lines"])
        == "<!-- measured: a -->\n\nnew\nlines\n\n<!-- end -->"
    )
    with pytest.raises(SystemExit, match="measured: b"):
        replace("<!-- measured: a -->\nx\n<!-- end -->", "b", ["new"])


def test_runs_that_are_left_out_are_counted_by_reason(tmp_path: Path) -> None:
    assert tables.omissions(left_out(tmp_path)) == []
    reasons = [
        "borderline: 0.1 against 0.2",
        "sick, but the gradients do not show dead",
        "borderline: 1 against 2",
    ]
    (tmp_path / "unlabelled.json").write_text(json.dumps(dict(zip("abc", reasons))))
    said = tables.omissions(left_out(tmp_path))[0]
    assert said.startswith("3 more runs were trained and left out of both splits: 2 neither clearly worse")
    assert said.endswith("; 1 worse than the twins, by a fault that their gradients do not show.")


def test_a_label_is_read_as_it_is_written(tmp_path: Path) -> None:
    fields = {
        "status": "sick",
        "classes": ["dead", "vanishing"],
        "position": 4,
        "onset_step": 7,
        "fault": "high rate",
        "split": "tune",
    }
    label = read_labels(corpus(tmp_path, [entry("r", **fields)]))[0]
    assert label == Label(
        "r", tmp_path / "r.db", "p", "mlp", "tune", "high rate", "sick", ("dead", "vanishing"), 4, 7
    )
