"""Column stores: rows of step, weight, values and statistics, collected in memory and written in groups."""

from sqlite import COLUMNS
from stream import statistics

# As many bytes as gradlog has in a transaction.
GROUP = 64 << 20

NAMES = ["step", "weight", "gradient", *COLUMNS.split(", ")]


class Grouped:
    keeps = "values, 8 statistics"

    def __init__(self, stream):
        import pyarrow

        self.arrow = pyarrow
        types = [pyarrow.int64(), pyarrow.string(), pyarrow.large_binary(), pyarrow.int64(), pyarrow.int64()]
        types += [pyarrow.float64()] * 6
        self.schema = pyarrow.schema(list(zip(NAMES, types)))
        self.names = stream.names
        self.rows = []
        self.bytes = 0

    def record(self, step, tensors):
        for name, tensor in zip(self.names, tensors):
            # A copy, as a training uses its buffers again.
            self.rows.append((step, name, tensor.tobytes(), *statistics(tensor)))
            self.bytes += tensor.nbytes
        if self.bytes >= GROUP:
            self.flush()

    def flush(self):
        if not self.rows:
            return
        arrays = [self.arrow.array(column, field.type) for column, field in zip(zip(*self.rows), self.schema)]
        self.write(self.arrow.Table.from_arrays(arrays, schema=self.schema))
        self.rows.clear()
        self.bytes = 0


class Parquet(Grouped):
    """One file, a row group for 64 MB, no compression: gradients are noise."""

    def __init__(self, folder, stream):
        from pyarrow import parquet

        super().__init__(stream)
        self.path = folder / "gradients.parquet"
        self.writer = parquet.ParquetWriter(
            self.path, self.schema, compression="none", use_dictionary=["weight"], write_statistics=False
        )
        self.write = self.writer.write_table

    def close(self):
        self.flush()
        self.writer.close()

    def count(self):
        from pyarrow import parquet

        return parquet.read_metadata(self.path).num_rows


class DuckDB(Grouped):
    """A table of its own, filled from Arrow, in a transaction for 64 MB."""

    def __init__(self, folder, stream):
        import duckdb

        super().__init__(stream)
        self.path = str(folder / "gradients.duckdb")
        self.db = duckdb.connect(self.path, config={"memory_limit": "8GB", "max_temp_directory_size": "2GB"})
        self.db.execute(
            "CREATE TABLE gradients (step BIGINT, weight VARCHAR, gradient BLOB, bad_count BIGINT,"
            " zero_count BIGINT, norm DOUBLE, mean DOUBLE, std DOUBLE, min DOUBLE, max DOUBLE, mean_abs DOUBLE)"
        )

    def write(self, table):
        self.db.register("rows", table)
        self.db.execute("INSERT INTO gradients SELECT * FROM rows")
        self.db.unregister("rows")

    def close(self):
        self.flush()
        self.db.close()

    def count(self):
        import duckdb

        return duckdb.connect(self.path, read_only=True).execute("SELECT count(*) FROM gradients").fetchone()[0]
