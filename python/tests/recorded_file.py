"""What a file holds, read with nothing but sqlite3 and numpy, by docs/FileFormat.md. Skips without the recorder's library."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy
import pytest
from memory_recorder import Record

import gradlog

try:
    gradlog._library.load()
except Exception as error:
    pytest.skip(f"the recorder's library is not built: {error}", allow_module_level=True)

ELEMENTS = {"float16": "<f2", "bfloat16": "<u2", "float32": "<f4", "float64": "<f8"}


def elements(blob: bytes, dtype: str) -> numpy.ndarray:
    values = numpy.frombuffer(blob, ELEMENTS[dtype])
    if dtype == "bfloat16":
        values = (values.astype("<u4") << 16).view("<f4")
    return values.astype(numpy.float64)


def gradient(row: sqlite3.Row) -> numpy.ndarray | None:
    if row["absent"]:
        return None
    shape, blob = tuple(json.loads(row["shape"])), row["values_blob"]
    if row["encoding"] == "dense":
        return elements(blob, row["dtype"]).reshape(shape)
    assert row["encoding"] == "rows"
    width = numpy.dtype(ELEMENTS[row["dtype"]]).itemsize * math.prod(shape[1:])
    count = len(blob) // (8 + width)
    dense = numpy.zeros(shape)
    dense[numpy.frombuffer(blob, "<i8", count)] = elements(blob[8 * count :], row["dtype"]).reshape(
        count, *shape[1:]
    )
    return dense


def records_in(path: Path) -> list[Record]:
    """Every record in order of arrival."""
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        rows = database.execute(
            "SELECT * FROM gradients JOIN batches USING (batch_id) ORDER BY gradient_id"
        ).fetchall()
    records: dict[int, Record] = {}
    for row in rows:
        loss = math.nan if row["loss_is_nan"] else row["loss"]
        record = records.setdefault(
            row["batch_id"],
            Record(
                {}, row["epoch"], row["batch"], row["step"], row["optimizer"], row["call"], loss, row["learning_rate"],
                row["loss_scale"],
            ),
        )  # fmt: skip
        record.gradients[row["weight"]] = gradient(row)
    return list(records.values())


def runs_in(path: Path) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return database.execute("SELECT * FROM runs ORDER BY run_id").fetchall()
