#!/usr/bin/env python3
"""Runs the benchmarks, and writes what they measured into docs/Performance.md.

Between the lines <!-- measured: NAME --> and <!-- end --> of that page everything is replaced; the rest is
written by hand and stays.
"""

import argparse
import sys
from pathlib import Path

from suite import machine, reading, recording, tables, training
from suite.machine import BENCHMARKS, PROJECT, say
from suite.page import replace

PAGE = PROJECT / "docs/Performance.md"
PARTS = ["S", "M", "L", "read", "taps", "trainer"]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="once, with fewer batches and rows")
    parser.add_argument("--only", default=",".join(PARTS), help="some of S,M,L,read,taps,trainer (default: all)")
    parser.add_argument("--skip-peers", action="store_true", help="the limits and gradlog alone")
    parser.add_argument("--repetitions", type=int, help="how often each case runs (default: 3)")
    parser.add_argument("--folder", type=Path, default=BENCHMARKS / ".work", help="where the files go, 6 GB")
    parser.add_argument("--stdout", action="store_true", help="print the tables, as everything partial is")
    options = parser.parse_args()
    parts = options.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--only knows {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    repetitions = options.repetitions or (1 if options.quick else 3)
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    machine.CEILING.parent.mkdir(parents=True, exist_ok=True)

    measured = {}
    streams = [part for part in PARTS if part in parts and part in recording.BATCHES]
    if streams:
        recording.prepare(folder, streams)
        found = recording.measure(streams, folder, repetitions, options.quick, not options.skip_peers)
        measured["recording"] = tables.pages(found, options.quick, not options.skip_peers)
        for stream in streams:
            (folder / f"{stream}.stream").unlink()
    if "read" in parts:
        sizes = [100_000] if options.quick else [1_000_000, 5_000_000]
        measured["reading"] = reading.pages(*reading.measure(folder, repetitions, sizes))
    if "taps" in parts:
        measured["taps"] = training.pages(training.measure(folder, 2 if options.quick else 9))
    if "trainer" in parts:
        measured["trainer"] = [(machine.run([machine.TRAINER]) or "It failed.").strip()]
    about = machine.describe(repetitions, folder)

    # One page, one machine, one hour: what is measured in part is printed.
    is_partial = options.quick or options.skip_peers or set(parts) != set(PARTS)
    if is_partial or options.stdout:
        print(about)
        print("\n".join(line for lines in measured.values() for line in lines))
        return
    page = replace(PAGE.read_text(), "machine", [about])
    for name, lines in measured.items():
        page = replace(page, name, lines)
    PAGE.write_text(page)
    say(f"written to {PAGE.relative_to(PROJECT)}")


if __name__ == "__main__":
    sys.exit(main())
