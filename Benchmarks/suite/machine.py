"""Where things are, what they run on, and how a case is run."""

import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import time
from datetime import date
from importlib import metadata
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
PROJECT = BENCHMARKS.parent
RECORDER = BENCHMARKS / ".build/release/recorder-benchmark"
TRAINER = BENCHMARKS / ".build/release/trainer-benchmark"
GRADLOG = PROJECT / ".build/release/gradlog"
CEILING = BENCHMARKS / ".work/ceiling"
# The environment that report.py runs in has the peers and the DuckDB command.
PYTHON = Path(sys.executable)
DUCKDB = PYTHON.parent / "duckdb"

# Longer than any case takes, so that one that hangs does not hold up the others.
TIMEOUT = 180


def say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def run(command, fine=(0,), **options):
    """Runs a command and returns what it printed; None, with the reason said, unless its exit code is fine."""
    command = [str(part) for part in command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, **options)
    except subprocess.TimeoutExpired:
        say(f"  given up after {TIMEOUT} s: {' '.join(command)}")
        return None
    if done.returncode not in fine:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        say(f"  failed: {' '.join(command)}: {reason[0]}")
        return None
    return done.stdout


def measured(command, megabytes):
    """Runs a case that prints one line of JSON and needs so much memory; None when it failed."""
    # What the case before has left to write would be written at the cost of this one, and so would be
    # memory that a virtual machine has to ask its host for.
    os.sync()
    run([CEILING, "warm", megabytes])
    output = run(command)
    return json.loads(output.splitlines()[-1]) if output else None


def remove(path):
    for suffix in ["", "-wal", "-shm", "-journal", ".wal"]:
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def median(values):
    """The median of those that are there; None when there are none."""
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def describe(repetitions, folder):
    """What the numbers were measured on, in a sentence or two."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    swift = (run(["swift", "--version"]) or "Swift").splitlines()[0]
    file_system = (run(["findmnt", "-n", "-o", "FSTYPE", "-T", folder]) or "").strip()
    peers = "h5py safetensors zarr duckdb duckdb-cli pyarrow pandas polars tensorboardX wandb"
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in peers.split())
    load = os.getloadavg()[0]
    times = "One run of each case, three of the short ones" if repetitions == 1 else f"Medians of {repetitions} interleaved runs"
    return (
        f"Measured {date.today()} on {os.cpu_count()} cores of {model}, {memory:.0f} GiB, kernel "
        f"{platform.release()}, files on {file_system}; load average {load:.1f} at the end. {swift}; SQLite "
        f"{sqlite3.sqlite_version}, which gradlog, the C program and Python all link; Python "
        f"{platform.python_version()}; {versions}. {times}, each in a process of "
        "its own."
    )
