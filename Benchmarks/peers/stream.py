"""The streams that `recorder-benchmark stream` wrote, and what a process uses while it records one."""

import json
import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numpy


@dataclass
class Stream:
    name: str
    names: list[str]
    shapes: list[tuple[int, ...]]
    values: numpy.ndarray

    @classmethod
    def load(cls, folder: Path, name: str, batches: int) -> "Stream":
        """Reads the first batches into memory, so that no clock sees the disk they came from."""
        lines = [line.split() for line in (folder / f"{name}.weights").read_text().splitlines()]
        size = sum(int(count) for _, count, _ in lines)
        values = numpy.fromfile(folder / f"{name}.stream", "<f4", count=size * batches)
        shapes = [tuple(int(extent) for extent in shape.split(",")) for _, _, shape in lines]
        return cls(name, [name for name, _, _ in lines], shapes, values.reshape(batches, size))

    def batch(self, index: int) -> list[numpy.ndarray]:
        """The tensors of a batch, as views."""
        tensors, start = [], 0
        for shape in self.shapes:
            count = int(numpy.prod(shape))
            tensors.append(self.values[index, start : start + count].reshape(shape))
            start += count
        return tensors


def statistics(gradient: numpy.ndarray) -> tuple:
    """What a careful user of numpy would note of a gradient: eight numbers."""
    flat = gradient.ravel()
    finite = numpy.isfinite(flat)
    bad = flat.size - int(numpy.count_nonzero(finite))
    kept = flat if bad == 0 else flat[finite]
    if kept.size == 0:
        return (bad, 0, None, None, None, None, None, None)
    absolute = numpy.abs(kept)
    return (
        bad, kept.size - int(numpy.count_nonzero(kept)), float(numpy.linalg.norm(kept)), float(kept.mean()),
        float(kept.std()), float(kept.min()), float(kept.max()), float(absolute.mean()),
    )  # fmt: skip


def status(key: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) << 10
    raise KeyError(key)


def cpu_seconds() -> float:
    # Children too: W&B writes from a process of its own.
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def make_durable(folder: Path) -> int:
    """Waits until every file in a folder is on the disk, and returns their size."""
    size = 0
    for path in folder.rglob("*"):
        if not path.is_file() or path.is_symlink():
            continue
        descriptor = os.open(path, os.O_RDONLY)
        os.fdatasync(descriptor)
        size += os.fstat(descriptor).st_size
        os.close(descriptor)
    return size


def measure(recorder, stream: Stream, folder: Path) -> dict:
    """Records a stream and says what that took. `recorder` has `record(step, tensors)` and `close()`."""
    batches = [stream.batch(index) for index in range(len(stream.values))]
    times = []
    # The kernel forgets the highest memory use so far.
    Path("/proc/self/clear_refs").write_text("5")
    memory, cpu, start = status("VmRSS"), cpu_seconds(), time.perf_counter()
    for step, tensors in enumerate(batches):
        before = time.perf_counter_ns()
        recorder.record(step, tensors)
        times.append(time.perf_counter_ns() - before)
    recorder.close()
    disk = make_durable(folder)
    durable = time.perf_counter() - start
    times.sort()
    return {
        "stream": stream.name,
        "batches": len(batches),
        "median_microseconds": times[len(times) // 2] / 1e3,
        "p99_microseconds": times[(len(times) - 1) * 99 // 100] / 1e3,
        "durable_seconds": durable,
        "cpu_seconds": cpu_seconds() - cpu,
        "peak_bytes": max(0, status("VmHWM") - memory),
        "disk_bytes": disk,
    }


def say(measurement: dict) -> None:
    print(json.dumps(measurement, sort_keys=True))
