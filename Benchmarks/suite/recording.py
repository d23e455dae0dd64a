"""The write side: the same streams through the limits, gradlog and the peers."""

from dataclasses import dataclass, field

from .machine import BENCHMARKS, CEILING, PYTHON, RECORDER, measured, median, remove, run, say

BATCHES = {"S": 10_000, "M": 200, "L": 10}
QUICK = {"S": 1_000, "M": 20, "L": 3}
COMPUTE = {"M": 5, "L": 150}

# How much of S, M and L a peer gets: the slow ones are measured on the first batches and scaled.
PEERS = {
    "Python sqlite3, naive": (1_000, 200, 10),
    "Python sqlite3, tuned": (5_000, 200, 10),
    "TensorBoard histograms": (300, 100, 5),
    "W&B offline histograms": (3_000, 200, 10),
    "h5py": (2_000, 200, 10),
    "h5py, buffered": (10_000, 200, 10),
    "safetensors": (2_000, 200, 10),
    "zarr": (10_000, 200, 10),
    "DuckDB": (5_000, 40, 5),
    "Parquet": (5_000, 200, 10),
}


@dataclass
class Case:
    """Something that records a stream."""

    name: str
    keeps: str
    command: list
    outputs: list
    # The stream, the file, and as much again for the page cache and the case itself.
    megabytes: int
    runs: list = field(default_factory=list)

    def measure(self):
        for output in self.outputs:
            remove(output)
        self.runs.append(measured(self.command, self.megabytes))
        for output in self.outputs:
            remove(output)

    def value(self, key, whole=None):
        """The median of a measured number, scaled to `whole` batches where that is given."""
        found = median([run and run.get(key) for run in self.runs])
        return found if found is None or whole is None else found * self.scale(whole)

    def scale(self, whole):
        done = [run for run in self.runs if run]
        return whole / done[0]["batches"] if done else 1

    def spread(self, key, whole):
        values = [run[key] * self.scale(whole) for run in self.runs if run]
        return (min(values), max(values)) if values else None


def prepare(folder, streams):
    """Compiles the C program, writes the streams and takes the schema from a recording."""
    source = BENCHMARKS / "C/ceiling.c"
    if run(["cc", "-O2", "-Wall", "-Wextra", "-o", CEILING, source, "-lsqlite3"]) is None:
        raise SystemExit("the C program does not compile")
    for stream in streams:
        say(f"writing the stream {stream}")
        if run([RECORDER, "stream", stream, "--streams", folder]) is None:
            raise SystemExit("a stream cannot be written")
    path = folder / "schema.db"
    remove(path)
    if run([RECORDER, "table", path, "--rows", 1]) is None:
        raise SystemExit("the recorder does not record")
    sql = "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    (folder / "schema.sql").write_text(run(["sqlite3", path, sql]) or "")
    remove(path)


def cases(stream, folder, quick, with_peers):
    """What is measured on a stream, limits first."""
    batches = (QUICK if quick else BATCHES)[stream]
    source = folder / stream
    file = folder / "case.db"

    def swift(name, keeps, command, *options):
        options = [stream, "--streams", folder, "--batches", batches, *options]
        return Case(name, keeps, [RECORDER, command, *options], [file], megabytes(stream, batches))

    def ceiling(name, keeps, mode, *options):
        return Case(name, keeps, [CEILING, mode, source, batches, *options], [file], megabytes(stream, batches))

    def database(journal, statistics):
        name = {"wal": "C SQLite, WAL", "truncate": "C SQLite, rollback journal"}[journal]
        keeps = {"null": "values", "constant": "values, constants as statistics"}[statistics]
        return ceiling(name, keeps, "sqlite", file, folder / "schema.sql", journal, statistics)

    rollback = ["--file", file, "--journal", "rollback"]
    found = [
        ceiling("memcpy, C", "nothing", "copy"),
        swift("memcpy, Swift", "nothing", "copy"),
        ceiling("`write` and `fdatasync`, C", "values", "write", file),
        *(database(journal, kind) for journal in ("truncate", "wal") for kind in ("null", "constant")),
        swift("**gradlog**", "values, 23 statistics", "record", "--file", file),
        swift("**gradlog**, rollback journal", "values, 23 statistics", "record", *rollback),
        swift("**gradlog**, in place", "values, 23 statistics", "record", "--file", file, "--in-place"),
        swift("**gradlog**, statistics only", "23 statistics", "record", "--file", file, "--capture", "none"),
    ]
    if stream in COMPUTE:
        compute = COMPUTE[stream]
        name = f"**gradlog**, {compute} ms of computation a batch"
        found.append(swift(name, "values, 23 statistics", "record", "--file", file, "--compute", compute))
    for name, scaled in PEERS.items() if with_peers else ():
        count = min(batches, scaled["SML".index(stream)], 5 if quick and stream != "S" else batches)
        found.append(peer(name, stream, count, folder))
    return found


def peer(name, stream, batches, folder):
    script = BENCHMARKS / "peers/peer.py"
    options = ["--batches", batches, "--streams", folder, "--folder", folder / "peer"]
    command = [PYTHON, script, name, stream, *options]
    return Case(name, "", command, [], megabytes(stream, batches))


def megabytes(stream, batches):
    return 3 * batches * {"S": 1_284, "M": 4_799_528, "L": 102_228_128}[stream] // 1_000_000 + 100


def measure(streams, folder, repetitions, quick, with_peers):
    """All cases of all streams, interleaved, so that a slow minute is shared by all."""
    found = {stream: cases(stream, folder, quick, with_peers) for stream in streams}
    for repetition in range(repetitions):
        for stream in streams:
            say(f"recording {stream}, {repetition + 1} of {repetitions}")
            for case in found[stream]:
                case.measure()
                # Small and cheap: more of them settle the median.
                if stream == "S" and case.outputs and not quick:
                    case.measure()
                    case.measure()
    return found
