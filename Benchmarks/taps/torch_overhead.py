#!/usr/bin/env python3
"""What recording costs a training: the same loop with nothing, with gradlog and with what people use today.

    torch_overhead.py --framework torch --size 1M

The variants take turns in one process, round after round, each with a training of its own; reported are medians over the
rounds, and ratios to the loop without a recorder in the same round. `ms a batch` is the time of the loop alone, `closing` what
is left to write when it ends, `CPU` the processor time of the whole process, writer included, closing too.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import variants

# Parameters of a perceptron: its layers, batches of a round, batches of a round of the slow variants.
SIZES = {
    "321": ((10, 16, 8, 1), 1500, 300),
    "1M": ((512, 768, 768, 10), 150, 15),
    "25M": ((2048, 3072, 6016, 10), 12, 2),
}


def processor_time():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(variant, training, batches, folder):
    """One round of one variant: seconds a batch in the loop, to close, and of the processor."""
    training.warm_up()
    os.sync()
    before = processor_time()
    begun = time.perf_counter()
    record, close = variant(training, folder)
    opened = time.perf_counter()
    for batch in range(batches):
        training.step(record, batch)
    looped = time.perf_counter()
    close()
    closed = time.perf_counter()
    return {
        "opening": opened - begun,
        "batch": (looped - opened) / batches,
        "closing": closed - looped,
        "processor": (processor_time() - before) / batches,
    }


def compare(framework, size, examples, rounds, chosen):
    layers, batches, few = SIZES[size]
    loops = variants.FRAMEWORKS[framework]()
    named = {name: variant for name, variant in loops.variants.items() if not chosen or name in chosen}
    found = {name: [] for name in ["nothing", *named]}
    for turn in range(rounds):
        order = list(found)
        order = order[turn % len(order) :] + order[: turn % len(order)]
        for name in order:
            folder = Path(tempfile.mkdtemp(prefix="gradlog-overhead-", dir=os.environ.get("GRADLOG_BENCH_DIR")))
            variant = loops.nothing if name == "nothing" else named[name]
            count = few if getattr(variant, "is_slow", False) and size != "321" else batches
            found[name].append(measure(variant, loops.training(layers, examples), count, folder))
            shutil.rmtree(folder)
    return summary(found, framework, size)


def summary(found, framework, size):
    rows = []
    for name, rounds in found.items():
        ratios = [one["batch"] / base["batch"] for one, base in zip(rounds, found["nothing"], strict=True)]
        middle = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        rows.append(
            {"framework": framework, "size": size, "variant": name, "ratio": statistics.median(ratios), **middle}
        )
    return rows


def table(rows):
    base = rows[0]
    yield "| variant | ms a batch | ratio | difference, µs | closing, ms | CPU, ms a batch |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        difference = (row["batch"] - base["batch"]) * 1e6
        yield (
            f"| {row['variant']} | {row['batch'] * 1e3:.3f} | {row['ratio']:.2f} | {difference:+.0f} | "
            f"{row['closing'] * 1e3:.0f} | {row['processor'] * 1e3:.3f} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--framework", choices=variants.FRAMEWORKS, default="torch")
    parser.add_argument("--size", choices=SIZES, default="1M")
    parser.add_argument(
        "--examples", type=int, default=32, help="in a batch: more of them, more work for each gradient"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", help="a variant; may be given several times")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each variant")
    options = parser.parse_args()
    rows = compare(options.framework, options.size, options.examples, options.rounds, options.only)
    lines = map(json.dumps, rows) if options.json else table(rows)
    print(
        f"{options.framework}, {options.size} parameters, batches of {options.examples}, {options.rounds} rounds",
        file=sys.stderr,
    )
    print("\n".join(lines))


if __name__ == "__main__":
    main()
