#!/usr/bin/env python3
"""Scores `gradlog diagnose` and the published rules on a corpus of labelled runs, and prints the tables of
docs/Diagnosis.md.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from baselines import BASELINES, Verdict, read  # noqa: E402
from scoring import diagnose, tables  # noqa: E402
from scoring.labels import SPLITS, Label, left_out, read_labels  # noqa: E402
from scoring.measures import Outcome  # noqa: E402
from scoring.misses import misses  # noqa: E402
from suite.machine import GRADLOG, say  # noqa: E402
from suite.page import replace  # noqa: E402


def judge(label: Label) -> dict[str, Verdict]:
    """What every baseline says of a run, whose file is read once."""
    stream = read(label.file, label.run)
    return {tool: baseline(stream) for tool, baseline in BASELINES.items()}


def outcomes(labels: list[Label], gradlog: Path | None) -> tables.Outcomes:
    """The outcomes of each detector, gradlog first."""
    said: tables.Outcomes = {}
    if gradlog:
        say(f"{len(labels)} runs: {gradlog} diagnose")
        with ThreadPoolExecutor() as threads:
            verdicts = threads.map(lambda label: diagnose.diagnose(gradlog, label), labels)
            said[diagnose.NAME] = [Outcome(label, verdict) for label, verdict in zip(labels, verdicts)]
    say(f"{len(labels)} runs: {len(BASELINES)} baselines")
    with ProcessPoolExecutor() as processes:
        for label, by_tool in zip(labels, processes.map(judge, labels, chunksize=4)):
            for tool, verdict in by_tool.items():
                said.setdefault(tool, []).append(Outcome(label, verdict))
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of the corpus: labels.json and the files that it names")
    parser.add_argument("--gradlog", type=Path, default=GRADLOG, help="the command (default: release build)")
    parser.add_argument("--baselines-only", action="store_true", help="leave gradlog out")
    parser.add_argument("--split", choices=SPLITS, help="one part of the corpus (default: both)")
    parser.add_argument("--tool", help=f"whose misses (default: {diagnose.NAME}; --baselines-only: all)")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--misses", action="store_true", help="list the runs that --tool is wrong about")
    output.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into docs/Diagnosis.md")
    options = parser.parse_args()
    splits = [options.split] if options.split else SPLITS
    known = [*([] if options.baselines_only else [diagnose.NAME]), *BASELINES]
    if options.tool and options.tool not in known:
        parser.error(f"--tool knows {', '.join(known)}")

    labels = [label for label in read_labels(options.folder) if label.split in splits]
    said = outcomes(labels, None if options.baselines_only else options.gradlog)
    if options.misses:
        tools = [options.tool] if options.tool else known if options.baselines_only else [diagnose.NAME]
        lines = [line for tool in tools for line in misses(tool, said[tool])]
    else:
        lines = [line for split in splits for line in tables.pages(said, split)]
        lines += tables.omissions(left_out(options.folder))
    if options.write:
        options.write.write_text(replace(options.write.read_text(), "diagnosis", lines))
        say(f"written to {options.write}")
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        raise SystemExit(f"score.py: {error}") from error
