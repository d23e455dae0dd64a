"""Turns scores into Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from suite.tables import markdown

from .diagnose import NAME
from .labels import Label
from .measures import Outcome, Score, Share, score

Outcomes = dict[str, list[Outcome]]
"""Of each detector, by its name."""


def pages(outcomes: Outcomes, split: str) -> list[str]:
    """The section of a split: what it holds, who finds sick runs, and what is said of them."""
    of_split = {tool: [each for each in said if each.label.split == split] for tool, said in outcomes.items()}
    labels = [outcome.label for outcome in next(iter(of_split.values()))]
    if not labels:
        return []
    scores = {tool: score(said) for tool, said in of_split.items()}
    lines = [f"### Split `{split}`", "", summary(labels), ""]
    lines += detection(scores) + [""] + diagnosis(scores) + [""]
    lines += ["Recall, by the class of the fault:", "", *by_class(of_split), ""]
    if NAME in of_split:
        lines += [
            f"What {NAME} calls the sick runs, by the class of the fault:",
            "",
            *confusion(of_split[NAME]),
            "",
        ]
    lines += [
        "False alarms on healthy and harmless runs, by family of architectures:",
        "",
        *by_family(of_split),
        "",
    ]
    return lines


def summary(labels: list[Label]) -> str:
    count = {
        status: sum(label.status == status for label in labels) for status in ("healthy", "harmless", "sick")
    }
    programs, families = len({label.program for label in labels}), len({label.family for label in labels})
    return (
        f"{len(labels)} runs of {programs} programs in {families} families: {count['healthy']} healthy, "
        f"{count['harmless']} with a harmless fault, {count['sick']} sick."
    )


def omissions(reasons: Counter[str]) -> list[str]:
    """How many runs the corpus leaves out, and why."""
    if not reasons:
        return []
    counts = "; ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    return [f"{reasons.total()} more runs were trained and left out of both splits: {counts}.", ""]


def detection(scores: dict[str, Score]) -> list[str]:
    header = ["", "precision", "recall", "F1", "false alarms", "… on healthy runs", "… on harmless faults"]
    rows = [
        [
            tool,
            share(each.precision),
            share(each.recall),
            number(each.f1, each.f1_interval),
            share(each.alarms),
            share(each.alarms_healthy),
            share(each.alarms_harmless),
        ]
        for tool, each in scores.items()
    ]
    return markdown(header, rows)


def diagnosis(scores: dict[str, Score]) -> list[str]:
    header = [
        "of the sick runs",
        "right class, of flagged",
        "of all",
        "right weight, of flagged",
        "of all",
        "right onset, of flagged",
        "of all",
    ]
    rows = [
        [
            tool,
            share(each.class_of_flagged),
            share(each.class_of_sick),
            share(each.weight_of_flagged),
            share(each.weight_of_sick),
            share(each.onset_of_flagged),
            share(each.onset_of_sick),
        ]
        for tool, each in scores.items()
    ]
    return markdown(header, rows)


def by_class(outcomes: Outcomes) -> list[str]:
    return _by(outcomes, lambda label: label.classes[0] if label.sick else None)


def confusion(said: list[Outcome]) -> list[str]:
    """A row for each class of fault, a column for each class that was said."""
    pairs = Counter(
        (each.label.classes[0], each.verdict.rule or "nothing") for each in said if each.label.sick
    )
    true, found = (sorted({pair[side] for pair in pairs}) for side in (0, 1))
    return markdown(["", *found], [[name, *(str(pairs[name, rule]) for rule in found)] for name in true])


def by_family(outcomes: Outcomes) -> list[str]:
    return _by(outcomes, lambda label: None if label.sick else label.family)


def _by(outcomes: Outcomes, group: Callable[[Label], str | None]) -> list[str]:
    """How many runs of each group each tool flagged; runs whose group is None are left out."""
    groups = sorted(
        {name for each in next(iter(outcomes.values())) if (name := group(each.label)) is not None}
    )

    def cell(said: list[Outcome], name: str) -> str:
        flags = Share.of((each for each in said if group(each.label) == name), lambda each: each.verdict.sick)
        return f"{flags.count}/{flags.total}"

    return markdown(
        ["", *groups], [[tool, *(cell(said, name) for name in groups)] for tool, said in outcomes.items()]
    )


def share(value: Share) -> str:
    return number(value.value, value.interval)


def number(value: float | None, interval: tuple[float, float] | None) -> str:
    """Two digits, and the interval in brackets."""
    if value is None:
        return "-"
    return f"{value:.2f}" if interval is None else f"{value:.2f} [{interval[0]:.2f}, {interval[1]:.2f}]"
