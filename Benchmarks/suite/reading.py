"""The read side: the built-in questions and the export, as whole processes, over many rows of statistics."""

import csv
import math
import time

from .machine import BENCHMARKS, DUCKDB, GRADLOG, PROJECT, PYTHON, RECORDER, median, remove, run, say
from .tables import markdown, number, ratio

QUESTIONS = ["vanishing", "exploding", "nonfinite", "by-depth"]
# What the questions read. DuckDB stores columns apart: others would change nothing.
COLUMNS = """run rank epoch batch optimizer loss loss_is_nan weight position shape absent zero_count nan_count
posinf_count neginf_count finite_count norm rms sum_abs run_id batch_id weight_id gradient_id""".split()
OWN_TABLE = "DuckDB, own table"
# DuckDB's own limits are four fifths of the memory and all of the disk: too much beside anything else.
BOUNDED = [
    "-cmd",
    "SET memory_limit = '8GB'; SET max_temp_directory_size = '2GB'; "
    f"SET temp_directory = '{BENCHMARKS}/.work/duckdb'",
]
# Measured in the first repetition only, since each takes half a minute.
SLOW = {"pandas, Parquet": "export", "sqlite3 shell": "by-depth vanishing"}


class Files:
    """One recording, and the same rows where the others read them."""

    def __init__(self, folder, rows):
        self.rows = rows
        self.recording, self.parquet, self.duckdb = (folder / f"read.{kind}" for kind in ("db", "parquet", "duckdb"))

    def make(self, columns):
        self.remove()
        steps = [
            [RECORDER, "table", self.recording, "--rows", self.rows],
            [PYTHON, BENCHMARKS / "peers/table.py", self.recording, self.parquet, *columns],
            [DUCKDB, *BOUNDED, self.duckdb, "-c", f"CREATE TABLE gradients AS FROM '{self.parquet}'"],
        ]
        return all(run(step) is not None for step in steps)

    def remove(self):
        for path in (self.recording, self.parquet, self.duckdb):
            remove(path)


def timed(command, script=None):
    """Seconds that a command takes as a whole process, and what it printed."""
    options = {"input": script} if script is not None else {}
    start = time.perf_counter()
    # A diagnosis exits with 2 when the run is sick.
    output = run(command, fine=(0, 2), **options)
    return None if output is None else (time.perf_counter() - start, output)


def question_engines(files, question):
    """Name, command and script of everything that answers a question."""
    sqlite = PROJECT / f"queries/{question}.sql"
    duckdb = (BENCHMARKS / f"questions/{question}.sql").read_text()
    view = f"CREATE VIEW gradients AS FROM '{files.parquet}';\n"
    engines = []
    if GRADLOG.exists():
        engines.append(("**gradlog**", [GRADLOG, "query", question, "--db", files.recording, "--format", "csv"], None))
    engines.append((OWN_TABLE, [DUCKDB, *BOUNDED, "-csv", files.duckdb], duckdb))
    engines.append(("DuckDB, Parquet", [DUCKDB, *BOUNDED, "-csv"], view + duckdb))
    if sqlite.exists():
        engines.append(("sqlite3 shell", ["sqlite3", "-csv", "-header", files.recording], sqlite.read_text()))
    if question in ("nonfinite", "by-depth"):
        script = BENCHMARKS / "peers/frames.py"
        for engine in ("polars", "pandas"):
            command = [PYTHON, script, engine, question, files.parquet, "/dev/stdout"]
            engines.append((f"{engine}, Parquet", command, None))
    return engines


def export_engines(files, folder):
    """The same for the export of all statistics to CSV."""
    target = folder / "export.csv"
    columns = export_columns(files)
    frames = [PYTHON, BENCHMARKS / "peers/frames.py"]
    engines = [
        (OWN_TABLE, [DUCKDB, *BOUNDED, files.duckdb, "-c", f"COPY (SELECT {columns} FROM gradients) TO '{target}'"], None),
        (
            "sqlite3 shell",
            ["sqlite3", "-csv", "-header", files.recording],
            f".output {target}\nSELECT {columns} FROM gradients;\n",
        ),
        ("polars, Parquet", [*frames, "polars", "export", files.parquet, target], None),
        ("pandas, Parquet", [*frames, "pandas", "export", files.parquet, target], None),
    ]
    if GRADLOG.exists():
        command = [GRADLOG, "export", "--what", "statistics", "--db", files.recording, "--format", "csv"]
        engines.insert(0, ("**gradlog**", [*command, "--output", target], None))
    return engines


def export_columns(files):
    """Those of gradlog's own export, so that all write the same."""
    if GRADLOG.exists():
        command = [GRADLOG, "export", "--what", "statistics", "--db", files.recording, "--format", "csv"]
        header = (run([*command, "--limit", 1]) or "").splitlines()
        if header:
            return header[0]
    sql = "SELECT group_concat(name) FROM pragma_table_info('gradients') WHERE name NOT LIKE '%\\_blob' ESCAPE '\\'"
    return (run(["sqlite3", files.recording, sql]) or "*").strip()


def answer(text):
    """An answer as rows that compare equal across engines, which print and sum in their own ways."""
    rows = list(csv.reader(text.splitlines()))
    # Some print the names of the columns even when there is no row, some do not.
    return sorted(tuple(rounded(value) for value in row) for row in rows[1:])


def rounded(value):
    try:
        found = float(value)
    except ValueError:
        return value
    return f"{found:.9g}" if math.isfinite(found) else value


def measure(folder, repetitions, sizes):
    """Times and answers: {(rows, task): {engine: [seconds]}}, and tasks whose answers differ."""
    times, disagreements = {}, []
    for size in sizes:
        say(f"making files of {size:,} gradients")
        files = Files(folder, size)
        exports = size == min(sizes)
        if not files.make([] if exports else COLUMNS):
            continue
        tasks = {question: question_engines(files, question) for question in QUESTIONS}
        if GRADLOG.exists():
            tasks["diagnose"] = [("**gradlog**", [GRADLOG, "diagnose", files.recording, "--format", "csv"], None)]
        if exports:
            tasks["export"] = export_engines(files, folder)
        for repetition in range(repetitions):
            say(f"asking {size:,} gradients, {repetition + 1} of {repetitions}")
            for task, engines in tasks.items():
                answers = {}
                for engine, command, script in engines:
                    if repetition > 0 and task in SLOW.get(engine, "").split():
                        continue
                    (folder / "export.csv").unlink(missing_ok=True)
                    found = timed(command, script)
                    times.setdefault((size, task), {}).setdefault(engine, []).append(found and found[0])
                    if found and task in QUESTIONS:
                        answers[engine] = answer(found[1])
                if any(other != answers.get(OWN_TABLE) for other in answers.values()):
                    differing = [engine for engine in answers if answers[engine] != answers.get(OWN_TABLE)]
                    disagreements.append(f"{task}, {size:,} rows: {', '.join(differing)}")
        files.remove()
    (folder / "export.csv").unlink(missing_ok=True)
    return times, sorted(set(disagreements))


def pages(times, disagreements):
    """The markdown of the read side."""
    engines = ["**gradlog**", OWN_TABLE, "DuckDB, Parquet", "sqlite3 shell", "polars, Parquet", "pandas, Parquet"]
    rows = []
    for (size, task), found in times.items():
        own = median(found.get(OWN_TABLE, []))
        medians = [median(found.get(engine, [])) for engine in engines]
        cells = [number(value) for value in medians]
        rows.append([f"{size:,}", task, *cells, number(ratio(medians[0], own)), number(ratio(medians[0], medians[3]))])
    header = ["rows", "question", *engines, "gradlog ÷ DuckDB", "gradlog ÷ sqlite3"]
    lines = ["### Questions and export, seconds as a whole process", "", *markdown(header, rows), ""]
    if not GRADLOG.exists():
        lines += ["The command `gradlog` was not built and is missing here.", ""]
    if disagreements:
        return [*lines, f"Answers differ from DuckDB's: {'; '.join(disagreements)}.", ""]
    return [*lines, "All engines gave the same answers, compared to nine digits.", ""]
