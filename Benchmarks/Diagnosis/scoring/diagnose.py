"""What `gradlog diagnose` says of a run."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from baselines import Verdict

from .labels import Label

NAME = "gradlog"
HEALTHY_CODE, CRITICAL_CODE = 0, 2


def diagnose(command: Path, label: Label) -> Verdict:
    """The verdict on the run of a label. Raises ValueError when the command fails, or says nothing of that
    run.
    """
    arguments = [str(command), "diagnose", str(label.file), "--format", "json"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode not in (HEALTHY_CODE, CRITICAL_CODE):
        raise ValueError(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
    reports = [
        report for report in json.loads(done.stdout) if report["run"] == label.run and report["rank"] == 0
    ]
    if len(reports) != 1:
        raise ValueError(f"{' '.join(arguments)} has {len(reports)} reports on run {label.run!r}, not one")
    return verdict(reports[0])


def verdict(report: dict[str, Any]) -> Verdict:
    """The verdict of a report of `gradlog diagnose --format json`, whose first finding is the cause."""
    findings = report["findings"]
    sentences = tuple(_sentence(finding) for finding in findings)
    if report["verdict"] != "sick":
        return Verdict(False, findings=sentences)
    cause = findings[0]
    return Verdict(True, report["class"], cause["position"], cause["first_step"], sentences)


def _sentence(finding: dict[str, Any]) -> str:
    weight = "the network" if finding["weight"] is None else f"{finding['weight']} ({finding['position']})"
    rule = f"{finding['severity']} {finding['rule']}"
    return f"{rule} from step {finding['first_step']}: {weight}: {finding['evidence']}"
