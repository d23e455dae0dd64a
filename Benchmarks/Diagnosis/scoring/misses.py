"""The runs that a detector is wrong about, for who improves it."""

from __future__ import annotations

from .measures import Outcome


def misses(tool: str, outcomes: list[Outcome]) -> list[str]:
    """Every miss, false alarm and wrong diagnosis, with what the detector found, as Markdown."""
    lines = []
    for title, wrong in _kinds(outcomes).items():
        lines += [f"## {tool}: {title} ({len(wrong)})", ""]
        for outcome in wrong:
            lines += [_describe(outcome), *(f"  - {finding}" for finding in outcome.verdict.findings)]
        lines.append("")
    return lines


def _kinds(outcomes: list[Outcome]) -> dict[str, list[Outcome]]:
    found = [each for each in outcomes if each.label.sick and each.verdict.sick]
    return {
        "sick runs missed": [each for each in outcomes if each.label.sick and not each.verdict.sick],
        "false alarms": [each for each in outcomes if each.verdict.sick and not each.label.sick],
        "wrong class": [each for each in found if not each.class_is_right],
        "wrong weight": [
            each for each in found if each.label.position is not None and not each.weight_is_right
        ],
        "wrong onset": [
            each for each in found if each.label.onset_step is not None and not each.onset_is_right
        ],
    }


def _describe(outcome: Outcome) -> str:
    label, verdict = outcome.label, outcome.verdict
    true = label.status
    if label.sick:
        true += f" with {'/'.join(label.classes)} at weight {label.position} from step {label.onset_step}"
    said = (
        f"{verdict.rule} at weight {verdict.position} from step {verdict.step}" if verdict.sick else "healthy"
    )
    what = f"{label.split}, {label.family}, {label.program}, fault {label.fault}"
    return f"- `{label.run}` ({what}): {true}; said: {said}"
