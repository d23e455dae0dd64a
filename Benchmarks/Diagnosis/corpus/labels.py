"""From traces to labels: which runs are healthy, which faults made a training worse, and what the truth about them is."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus.program import Run
from corpus.trace import Trace
from corpus.truth import MECHANISMS

NOT_COMPARED = {
    "slower", "only-begun", "tuned", "noisy-labels", "dropout", "decayed", "clipped", "half-precision", "frozen-base",
}  # fmt: skip
"""Healthy variants that may end worse than their program, since that is what they are for."""


class Unlabelled(Exception):
    """A run that is no part of the corpus; says why."""


def verdict(metric: float, twins: Sequence[float]) -> str:
    """``sick``, ``harmless`` or ``borderline``, by the metrics of a run and of the twins with several seeds.

    The share of what there was to learn that was lost, beyond the noise of the seeds.
    """
    usual, noise = statistics.mean(twins), statistics.stdev(twins)
    gain = max(1 - usual, 0.05)
    lost = metric - usual
    if not math.isfinite(metric) or lost >= max(0.2 * gain, 3 * noise):
        return "sick"
    return "harmless" if lost <= max(0.05 * gain, noise) else "borderline"


def check_healthy(run: Run, trace: Trace, twins: Sequence[Trace]) -> None:
    """Raises ``Unlabelled`` when a run that is called healthy did not do what its program is expected to."""
    start, metric = trace.progress[0], trace.metric
    if max(trace.nonfinite) >= 0 or not math.isfinite(metric):
        raise Unlabelled("healthy, but not finite")
    good = {
        "learns": metric < 0.85,
        "noisy": metric < 0.98,
        "game": metric < 0.3 * start,
        "begun": metric < 0.99 * start,
        "tuned": metric < 1.1 * start + 0.02,
    }[run.program.expects]
    if not good:
        raise Unlabelled(f"healthy, but {run.program.expects} {start:.3g} -> {metric:.3g}")
    variant = run.name.rsplit(".", 1)[1]
    if variant not in NOT_COMPARED and verdict(metric, [twin.metric for twin in twins]) == "sick":
        raise Unlabelled(f"healthy, but worse than its program: {metric:.3g}")


def label(run: Run, trace: Trace, twins: Sequence[Trace]) -> dict[str, Any]:
    """The label of a run; ``twins``: the healthy program with several seeds, that of the run first."""
    program, fault = run.program, run.fault
    found: dict[str, Any] = {
        "run": run.name, "file": f"{program.split}/{run.name}.db", "program": program.name, "family": program.family,
        "dataset": program.dataset, "framework": program.framework, "optimizer": program.optimizer, "split": program.split,
        "fault": None if fault is None else fault.name, "status": "healthy", "classes": [], "position": None,
        "onset_step": None, "twin": run.twin, "metric": finite(trace.metric), "twin_metric": None,
        "loss_recorded": run.records_loss, "batches": len(trace.loss),
    }  # fmt: skip
    if fault is None:
        check_healthy(run, trace, twins)
        return found
    metrics = [twin.metric for twin in twins]
    found["twin_metric"] = statistics.mean(metrics)
    found["status"] = verdict(trace.metric, metrics)
    if found["status"] == "borderline":
        raise Unlabelled(f"borderline: {trace.metric:.3g} against {found['twin_metric']:.3g}")
    if found["status"] == "harmless" and verdict(trace.progress[-1], [twin.progress[-1] for twin in twins]) == "sick":
        raise Unlabelled(f"borderline: harmless until it ends with {trace.progress[-1]:.3g}")
    if found["status"] == "sick":
        truth = MECHANISMS[fault.mechanism](fault, trace, twins)
        if truth is None:
            raise Unlabelled(f"sick, but the gradients do not show {fault.mechanism}")
        if truth.classes[0] == "stagnation" and fault.mechanism != "standstill" and not run.records_loss:
            raise Unlabelled("sick, but only the loss could show it, which was not recorded")
        found |= {"classes": list(truth.classes), "position": truth.position, "onset_step": truth.onset}
    return found


def finite(value: float) -> float | None:
    """The value as JSON can say it."""
    return value if math.isfinite(value) else None


def label_all(runs: Iterable[Run], traces: Mapping[str, Trace], folder: Path) -> list[dict[str, Any]]:
    """Writes ``labels.json`` and ``unlabelled.json``, and links the labelled recordings into a folder for each split."""
    runs = [run for run in runs if run.name in traces]
    of_program: dict[str, list[Trace]] = {}
    for run in runs:
        if run.fault is None and ".healthy-" in run.name:
            of_program.setdefault(run.program.name, []).append(traces[run.name])
    labels, unlabelled = [], {}
    healthy = {run.name for run in runs if run.fault is None}
    for run in sorted(runs, key=lambda run: run.fault is not None):
        twins = of_program.get(run.program.name, [])
        try:
            if len(twins) < 3:
                raise Unlabelled("its healthy twins have not been trained")
            if run.fault is not None and run.twin not in healthy:
                raise Unlabelled("its twin is not healthy")
            found = label(run, traces[run.name], twins)
        except Unlabelled as reason:
            unlabelled[run.name] = str(reason)
            healthy.discard(run.name)
            continue
        if run.recorded:
            labels.append(found)
    for one in labels:
        link(folder / "runs" / f"{one['run']}.db", folder / one["file"])
    for split in ("tune", "report"):
        listed = {Path(one["file"]).name for one in labels if one["split"] == split}
        for file in (folder / split).glob("*.db"):
            if file.name not in listed:
                file.unlink()
    write(folder / "labels.json", labels)
    write(folder / "unlabelled.json", unlabelled)
    return labels


def link(file: Path, place: Path) -> None:
    """Has the file in another place, too."""
    place.parent.mkdir(exist_ok=True)
    if place.exists() and not place.samefile(file):
        place.unlink()
    if not place.exists():
        place.hardlink_to(file)


def write(file: Path, value: Any) -> None:
    """Writes JSON; a reader sees the old file or the whole new one."""
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(value, indent=1) + "\n")
    partial.rename(file)
