#!/usr/bin/env python3
"""Generates the corpus of labelled training runs: trains them, records them with gradlog, and writes down the truth.

    generate.py --out corpus --jobs 2
    generate.py --out corpus --only 'mlp-*'

What has been trained is not trained again; labels are made anew each time.
"""

from __future__ import annotations

import argparse
import fnmatch
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from corpus.labels import label_all
from corpus.plan import plan
from corpus.program import Run
from corpus.summary import summary
from corpus.trace import Trace


def work(run: Run, folder: Path) -> str | None:
    """Trains one run unless it has been; what went wrong, or None."""
    done, file = folder / "traces" / f"{run.name}.npz", folder / "runs" / f"{run.name}.db"
    if done.exists():
        return None
    train = trainer_of(run.program.framework)
    file.unlink(missing_ok=True)
    try:
        trace = train(run, file if run.recorded else None)
    except Exception:
        return traceback.format_exc()
    trace.save(done)
    return None


def trainer_of(framework: str) -> Callable[[Run, Path | None], Trace]:
    """The function that trains; each framework is imported only where it is used."""
    if framework == "trainer":
        from corpus.own_training import train
    elif framework == "torch-game":
        from corpus.game_training import train
    elif framework == "torch":
        from corpus.training import train
    else:
        from corpus.keras_training import train
    return train


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the corpus; created if need be")
    parser.add_argument(
        "--only", action="append", help="train the runs whose names match this pattern only; repeatable"
    )
    parser.add_argument("--jobs", type=int, default=1, help="trainings at the same time")
    parser.add_argument(
        "--seed", type=int, default=0, help="what initial weights, order and the choice of faults follow from"
    )
    options = parser.parse_args()
    for name in ("traces", "runs"):
        (options.out / name).mkdir(parents=True, exist_ok=True)
    runs = plan(options.seed)
    patterns = options.only or ["*"]
    chosen = [run for run in runs if any(fnmatch.fnmatchcase(run.name, pattern) for pattern in patterns)]
    failures = 0
    for backend in ("torch", "jax"):
        os.environ |= {"KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1"}
        failures += train_all([run for run in chosen if run.backend == backend], options.out, options.jobs)
    finished = (run for run in runs if (options.out / "traces" / f"{run.name}.npz").exists())
    traces = {run.name: Trace.load(options.out / "traces" / f"{run.name}.npz") for run in finished}
    print("\n".join(summary(label_all(runs, traces, options.out))))
    return 1 if failures else 0


def train_all(runs: list[Run], folder: Path, jobs: int) -> int:
    """Trains the runs in processes of their own; how many failed."""
    if not runs:
        return 0
    failures, begun = 0, time.monotonic()
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(work, run, folder): run for run in runs}
        for count, future in enumerate(as_completed(waiting), 1):
            problem = future.result()
            if problem is not None:
                failures += 1
                print(f"{waiting[future].name} failed:\n{problem}", file=sys.stderr)
            if count % 50 == 0:
                print(f"{count} of {len(runs)} runs, {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return failures


if __name__ == "__main__":
    sys.exit(main())
