"""What recording costs a training in each framework: the taps, beside what people use today."""

import json
import os
from pathlib import Path

from .machine import BENCHMARKS, GRADLOG, PROJECT, run, say
from .tables import markdown, number

# Who trains what, as the two scripts call it.
PERCEPTRONS = ["321", "1M", "1M, batches of 1,024", "25M"]
TRAININGS = {
    "PyTorch": [*PERCEPTRONS, "1M, convolutional", "25M, ResNet-50"],
    "JAX, optax": PERCEPTRONS[:3],
    "Keras on tensorflow": ["321", "1M"],
    "Keras on jax": ["321", "1M", "1M, convolutional"],
    "Keras on torch": ["321", "1M", "1M, convolutional"],
}
# The names of the variants in the two scripts.
GRADLOG_VARIANTS = {
    "values": ("gradlog", "values"),
    "values, rollback journal": ("gradlog, rollback journal", "rollback"),
    "statistics only": ("gradlog, statistics only", "statistics"),
}
# The least that keeping values can cost, by its name in both scripts.
LIMIT = "memcpy and write"
PEERS = ["torch.save of every .grad", "TensorBoard histograms", "W&B offline histograms"]
# Ratios of the time of a step; those of 321 parameters are held against 200 µs instead.
GOALS = {"values": 1.10, "statistics only": 1.03}
GOAL_OF_SMALL = 200


def command(name, task, rounds):
    """The arguments and the environment of a training."""
    if name.startswith("Keras"):
        arguments = ["keras_overhead.py", "--task", task, "--rounds", rounds, "--seconds", 60]
        return arguments, {"KERAS_BACKEND": name.split()[-1]}
    framework = {"PyTorch": "torch", "JAX, optax": "jax"}[name]
    return ["torch_overhead.py", "--framework", framework, "--task", task, "--rounds", rounds, "--json"], {}


def measure(folder, rounds):
    """{(training, task): {variant: what was measured}}."""
    python = Path(os.environ["GRADLOG_FRAMEWORKS"]) / "bin/python"
    common = os.environ | {
        "PYTHONPATH": str(PROJECT / "python"),
        "GRADLOG_LIBRARY": str(GRADLOG.parent / "libgradlog-c.so"),
        "GRADLOG_BENCH_DIR": str(folder),
    }
    found = {}
    for name, tasks in TRAININGS.items():
        for task in tasks:
            say(f"training {name}, {task} parameters")
            (script, *arguments), environment = command(name, task, rounds)
            output = run([python, BENCHMARKS / "taps" / script, *arguments], env=common | environment)
            rows = [json.loads(line) for line in (output or "").splitlines() if line.startswith("{")]
            found[name, task] = {row["variant"]: measurement(row) for row in rows}
    return found


def measurement(row):
    """What both scripts tell, in the same units."""
    step = 1e3 * row["batch"] if "batch" in row else row["step_ms"]
    return {**row, "step_ms": step}


def pages(found):
    """The markdown of the taps."""
    return [
        "### What recording adds to the time of a step",
        "",
        *markdown(*steps(found)),
        "",
        "### PyTorch: what else people use, as ratios of the time of a step",
        "",
        *markdown(*peers(found)),
        "",
        "### Where the goals hold",
        "",
        *markdown(*arithmetic(found)),
        "",
    ]


def bare(variants):
    return variants.get("nothing") or variants.get("without")


def of_gradlog(variants, name):
    return next((variants[key] for key in GRADLOG_VARIANTS[name] if key in variants), None)


def steps(found):
    header = ["training", "parameters", "without, ms", *(f"**gradlog**, {name}" for name in GRADLOG_VARIANTS)]
    header += [f"limit: {LIMIT}", "rounds", "goals"]
    rows = []
    for (name, task), variants in found.items():
        base = bare(variants)
        if base is None:
            continue
        cells = [cell(of_gradlog(variants, variant), base) for variant in GRADLOG_VARIANTS]
        cells += [cell(variants.get(LIMIT), base), str(base["rounds"]), ", ".join(verdicts(variants, task))]
        rows.append([name, task, number(base["step_ms"]), *cells])
    return header, rows


def cell(variant, base):
    """The ratio in the loop, that with closing, and the difference."""
    if variant is None:
        return "-"
    added = 1e3 * (variant["ratio"] - 1) * base["step_ms"]
    return f"{variant['ratio']:.2f}, closed {variant['closed_ratio']:.2f} ({added:+,.0f} µs)"


def verdicts(variants, task):
    """Whether values and statistics keep their goals: by the ratio with closing, which flatters nobody.

    A training that was faster with a recorder by more than the goal allows shows that the machine was not steady enough to tell.
    Where the limit misses a goal for values, no recorder that keeps them meets it.
    """
    for name, goal in GOALS.items():
        variant = of_gradlog(variants, name)
        limit = variants.get(LIMIT) if name == "values" else None
        if variant is None:
            yield "-"
        elif task == "321":
            added = 1e3 * (variant["ratio"] - 1) * bare(variants)["step_ms"]
            yield "yes" if added <= GOAL_OF_SMALL else "no"
        elif variant["closed_ratio"] < 2 - goal:
            yield "unclear"
        elif variant["closed_ratio"] <= goal:
            yield "yes"
        else:
            yield "out of reach" if limit is not None and limit["closed_ratio"] > goal else "no"


def peers(found):
    rows = []
    for (name, task), variants in found.items():
        if name == "PyTorch" and bare(variants):
            ratios = [variants.get(peer) for peer in ("gradlog", "gradlog, statistics only", *PEERS)]
            rows.append([task, *(f"{one['ratio']:.2f}" if one else "-" for one in ratios)])
    return ["parameters", "**gradlog**, values", "**gradlog**, statistics only", *PEERS], rows


def arithmetic(found):
    """Of the trainings of which that is known: operations for each parameter, and nanoseconds."""
    header = ["training", "parameters", "operations a parameter", "training, ns a parameter"]
    header += [f"{name}, ns a parameter" for name in [*GRADLOG_VARIANTS, f"limit: {LIMIT}"]]
    rows = []
    for (name, task), variants in found.items():
        base = bare(variants)
        if base is None or "intensity" not in base or task == "321":
            continue

        def each(seconds, count=base["parameters"]):
            return number(1e9 * seconds / count)

        added = [*(of_gradlog(variants, variant) for variant in GRADLOG_VARIANTS), variants.get(LIMIT)]
        cells = [each((one["closed_ratio"] - 1) * base["batch"]) if one else "-" for one in added]
        rows.append([name, task, f"{base['intensity']:,.0f}", each(base["batch"]), *cells])
    return header, rows
