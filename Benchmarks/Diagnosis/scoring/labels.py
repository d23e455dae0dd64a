"""The truth about the runs of a corpus."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATUSES = ("healthy", "harmless", "sick")
SPLITS = ("report", "tune")
LEFT_OUT = {
    "borderline": "neither clearly worse than the twins nor as good",
    "sick, but": "worse than the twins, by a fault that their gradients do not show",
    "healthy, but": "without a fault, yet not trained as the program should",
    "its": "with twins that are not healthy",
}
"""What the beginnings of the reasons in unlabelled.json say."""


@dataclass(frozen=True)
class Label:
    """What a run of the corpus is; the fields that scoring needs of those in labels.json."""

    run: str
    file: Path
    program: str
    """What was trained; runs of one program are alike, so that intervals resample programs."""
    family: str
    """Of architectures."""
    split: str
    """`tune`: thresholds may have been chosen by it; `report`: never looked at before."""
    fault: str
    status: str
    """`healthy`: no fault; `harmless`: a fault that made training no worse; `sick`: one that did."""
    classes: tuple[str, ...]
    """Ids of the rules that name the cause rightly, the best first; empty unless sick."""
    position: int | None
    """Of the first sick weight; None when it is not one weight's."""
    onset_step: int | None
    """First step with a symptom; None when there is no such moment."""

    @property
    def sick(self) -> bool:
        return self.status == "sick"


def read_labels(folder: Path) -> list[Label]:
    """The labels of `folder`/labels.json. Raises ValueError for a label that cannot be scored."""
    labels = [_label(entry, folder) for entry in json.loads((folder / "labels.json").read_text())]
    if len({label.file for label in labels}) != len(labels):
        raise ValueError(f"{folder / 'labels.json'} has a file twice")
    return labels


def left_out(folder: Path) -> Counter[str]:
    """How many trained runs have no label, by the reason in unlabelled.json; nothing without that file."""
    file = folder / "unlabelled.json"
    reasons = json.loads(file.read_text()).values() if file.is_file() else []
    return Counter(
        next((meaning for beginning, meaning in LEFT_OUT.items() if reason.startswith(beginning)), reason)
        for reason in reasons
    )


def _label(entry: dict[str, Any], folder: Path) -> Label:
    label = Label(
        run=entry["run"],
        file=folder / entry["file"],
        program=entry["program"],
        family=entry["family"],
        split=entry["split"],
        fault=entry["fault"] or "none",
        status=entry["status"],
        classes=tuple(entry["classes"]),
        position=entry["position"],
        onset_step=entry["onset_step"],
    )
    if label.status not in STATUSES or label.split not in SPLITS:
        raise ValueError(
            f"{label.run}: status {label.status!r} is not one of {STATUSES}, "
            f"or split {label.split!r} not one of {SPLITS}"
        )
    if label.sick != bool(label.classes):
        raise ValueError(
            f"{label.run}: a run has classes if it is sick, and only then; "
            f"it is {label.status} with {list(label.classes)}"
        )
    if not label.file.is_file():
        raise ValueError(f"{label.run}: {label.file} is not there")
    return label
