"""Python's own sqlite3 module, as written in an hour and as written by someone who knows SQLite."""

import sqlite3

from stream import statistics

COLUMNS = "bad_count, zero_count, norm, mean, std, min, max, mean_abs"


class Naive:
    """Default settings, one table, one transaction for each batch."""

    keeps = "values, 8 statistics"

    def __init__(self, folder, stream):
        self.path = folder / "naive.sqlite"
        self.names = stream.names
        self.db = sqlite3.connect(self.path)
        self.db.execute(f"CREATE TABLE gradients (step INTEGER, weight TEXT, gradient BLOB, {COLUMNS})")

    def record(self, step, tensors):
        for name, tensor in zip(self.names, tensors):
            row = (step, name, tensor.tobytes(), *statistics(tensor))
            self.db.execute("INSERT INTO gradients VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        self.db.commit()

    def close(self):
        self.db.close()

    def count(self):
        return sqlite3.connect(self.path).execute("SELECT count(gradient) FROM gradients").fetchone()[0]


class Tuned:
    """Large pages, a rollback journal, values apart from statistics, a transaction for 64 MB."""

    keeps = "values, 8 statistics"

    def __init__(self, folder, stream):
        self.path = folder / "tuned.sqlite"
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.executescript(
            f"""PRAGMA page_size = 65536; PRAGMA cache_size = -2000; PRAGMA synchronous = NORMAL;
            PRAGMA journal_mode = TRUNCATE; PRAGMA locking_mode = EXCLUSIVE;
            CREATE TABLE statistics (id INTEGER PRIMARY KEY, step, weight, {COLUMNS});
            CREATE TABLE tensors (id INTEGER PRIMARY KEY, gradient BLOB);
            BEGIN"""
        )
        self.id = 0
        self.bytes = 0

    def record(self, step, tensors):
        first = self.id + 1
        self.id += len(tensors)
        ids = range(first, self.id + 1)
        self.db.executemany(
            "INSERT INTO statistics VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((id, step, id - first, *statistics(tensor)) for id, tensor in zip(ids, tensors)),
        )
        self.db.executemany("INSERT INTO tensors VALUES (?, ?)", zip(ids, tensors))
        self.bytes += sum(tensor.nbytes for tensor in tensors)
        if self.bytes > 64 << 20:
            self.db.execute("COMMIT")
            self.db.execute("BEGIN")
            self.bytes = 0

    def close(self):
        self.db.execute("COMMIT")
        self.db.close()

    def count(self):
        return sqlite3.connect(self.path).execute("SELECT count(gradient) FROM tensors").fetchone()[0]
