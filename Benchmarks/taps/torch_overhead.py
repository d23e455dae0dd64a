#!/usr/bin/env python3
"""What recording costs a training: the same loop with nothing, with gradlog and with what people use today.

    torch_overhead.py --framework torch --task 1M

The variants take turns in one process, round after round, each with a training of its own; reported are medians over the
rounds, and ratios to the loop without a recorder in the same round. `ms a batch` is the time of the loop alone, `closing` what
is left to write when it ends, `ratio, closed` that of loop and closing, `CPU` the processor time of the whole process, writer
included, closing too.
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
from tasks import TASKS


def processor_time():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(variant, training, batches, folder):
    """One round of one variant: seconds a batch in the loop, to close, and of the processor."""
    training.warm_up()
    os.sync()
    before = processor_time()
    record, close = variant(training, folder)
    opened = time.perf_counter()
    for batch in range(batches):
        training.step(record, batch)
    looped = time.perf_counter()
    close()
    closed = time.perf_counter()
    return {
        "batch": (looped - opened) / batches,
        "closing": closed - looped,
        "closed": (closed - opened) / batches,
        "processor": (processor_time() - before) / batches,
    }


def compare(framework, task, rounds, seconds, chosen):
    loops = variants.FRAMEWORKS[framework]()
    named = {name: variant for name, variant in loops.variants.items() if not chosen or name in chosen}
    found = {name: [] for name in ["nothing", *named]}
    end = time.monotonic() + seconds
    for turn in range(rounds):
        order = list(found)
        order = order[turn % len(order) :] + order[: turn % len(order)]
        for name in order:
            folder = Path(tempfile.mkdtemp(prefix="gradlog-overhead-", dir=os.environ.get("GRADLOG_BENCH_DIR")))
            variant = loops.nothing if name == "nothing" else named[name]
            count = task.few if getattr(variant, "is_slow", False) else task.batches
            found[name].append(measure(variant, loops.training(task), count, folder))
            shutil.rmtree(folder)
        if time.monotonic() > end:
            break
    return summary(found)


def summary(found):
    rows = []
    for name, rounds in found.items():
        middle = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        for ratio, time_of in (("ratio", "batch"), ("closed_ratio", "closed")):
            pairs = zip(rounds, found["nothing"], strict=True)
            middle[ratio] = statistics.median(one[time_of] / base["batch"] for one, base in pairs)
        rows.append({"variant": name, "rounds": len(rounds), **middle})
    return rows


def describe(framework, task):
    """The size of the network, and how much is computed for each of its parameters."""
    training = variants.FRAMEWORKS[framework]().training(task)
    return {"parameters": training.count(), "intensity": training.intensity()}


def table(rows):
    base = rows[0]
    yield "| variant | ms a batch | ratio | difference, µs | closing, ms | ratio, closed | CPU, ms a batch |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        difference = (row["batch"] - base["batch"]) * 1e6
        yield (
            f"| {row['variant']} | {row['batch'] * 1e3:.3f} | {row['ratio']:.2f} | {difference:+.0f} | "
            f"{row['closing'] * 1e3:.0f} | {row['closed_ratio']:.2f} | {row['processor'] * 1e3:.3f} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--framework", choices=variants.FRAMEWORKS, default="torch")
    parser.add_argument("--task", choices=TASKS, default="1M")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=60, help="no further round begins after this time")
    parser.add_argument("--only", action="append", help="a variant; may be given several times")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each variant")
    options = parser.parse_args()
    about = describe(options.framework, TASKS[options.task])
    rows = compare(options.framework, TASKS[options.task], options.rounds, options.seconds, options.only)
    lines = [json.dumps(about | row) for row in rows] if options.json else table(rows)
    print(f"{options.framework}, {options.task} parameters, {rows[0]['rounds']} rounds", file=sys.stderr)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
