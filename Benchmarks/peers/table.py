"""Copies the view `gradients` of a recording, without blobs, into Parquet: table.py RECORDING PARQUET [COLUMN ...]"""

import sqlite3
import sys

import pyarrow
from pyarrow import parquet

TYPES = {"INTEGER": pyarrow.int64(), "REAL": pyarrow.float64(), "TEXT": pyarrow.string()}
ROWS = 200_000


def declared_types(db):
    """A view's columns have a type where they are a table's; the others are shares and means."""
    rows = db.execute("SELECT name, type FROM pragma_table_info('gradients')")
    types = {name: kind for name, kind in rows if kind != "BLOB" and not name.endswith("_blob")}
    types["finite_count"] = "INTEGER"
    types.pop("encoding", None)
    return {name: TYPES[kind or "REAL"] for name, kind in types.items()}


def main():
    recording, target, *columns = sys.argv[1:]
    db = sqlite3.connect(recording)
    types = declared_types(db)
    schema = pyarrow.schema([(name, types[name]) for name in columns or types])
    cursor = db.execute(f"SELECT {', '.join(schema.names)} FROM gradients")
    with parquet.ParquetWriter(target, schema, compression="snappy") as writer:
        while rows := cursor.fetchmany(ROWS):
            arrays = [pyarrow.array(column, field.type) for column, field in zip(zip(*rows), schema)]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))


if __name__ == "__main__":
    main()
