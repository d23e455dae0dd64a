"""What recording costs a training in each framework: the taps, beside what people use today."""

import json
import os
from pathlib import Path

from .machine import BENCHMARKS, GRADLOG, PROJECT, run, say
from .tables import markdown, number

# Parameters, as the two scripts call them.
SIZES = {"321": 321, "1M": 985_345, "25M": 24_667_913}
COLUMNS = {
    "gradlog": "values",
    "gradlog, statistics only": "statistics",
    "torch.save of every .grad": None,
    "TensorBoard histograms": None,
    "W&B offline histograms": None,
}


def commands(size, rounds):
    """Name, arguments and environment of each training."""
    for framework in ("torch", "jax"):
        arguments = ["torch_overhead.py", "--framework", framework, "--size", size, "--rounds", rounds, "--json"]
        yield {"torch": "PyTorch", "jax": "JAX, optax"}[framework], arguments, {}
    for backend in ("tensorflow", "jax", "torch"):
        arguments = ["keras_overhead.py", "--parameters", SIZES[size], "--rounds", rounds, "--seconds", 25]
        yield f"Keras on {backend}", arguments, {"KERAS_BACKEND": backend}


def measure(folder, rounds):
    """{(training, size): {variant: (milliseconds of a step, ratio to the training without)}}."""
    python = Path(os.environ["GRADLOG_FRAMEWORKS"]) / "bin/python"
    common = os.environ | {
        "PYTHONPATH": str(PROJECT / "python"),
        "GRADLOG_LIBRARY": str(GRADLOG.parent / "libgradlog-c.so"),
        "GRADLOG_BENCH_DIR": str(folder),
    }
    found = {}
    for size in SIZES:
        for name, (script, *arguments), environment in commands(size, rounds):
            say(f"training {name}, {size} parameters")
            output = run([python, BENCHMARKS / "taps" / script, *arguments], env=common | environment)
            rows = [json.loads(line) for line in (output or "").splitlines() if line.startswith("{")]
            found[name, size] = {
                row["variant"]: (1e3 * row["batch"] if "batch" in row else row["step_ms"], row["ratio"]) for row in rows
            }
    return found


def pages(found):
    """The markdown of the taps."""
    rows = []
    for (name, size), variants in found.items():
        base, _ = variants.get("nothing") or variants.get("without") or (None, None)
        cells = [cell(variants.get(variant) or variants.get(alias), base) for variant, alias in COLUMNS.items()]
        rows.append([name, size, number(base), *cells])
    header = ["training", "parameters", "without, ms a batch", "**gradlog**, values", "**gradlog**, statistics only"]
    header += list(COLUMNS)[2:]
    return ["### Ratio of a training's time to that without a recorder, and what a batch takes longer", "", *markdown(header, rows), ""]


def cell(variant, base):
    if variant is None or base is None:
        return "-"
    milliseconds, ratio = variant
    return f"{ratio:.2f} ({1e3 * (milliseconds - base):+,.0f} µs)"
