"""Reads a recording with nothing of gradlog's, as its file format says."""

import dataclasses
import json
import sqlite3

import ml_dtypes
import numpy

_TYPES = {"float16": "<f2", "float32": "<f4", "float64": "<f8", "bfloat16": ml_dtypes.bfloat16}


@dataclasses.dataclass
class Batch:
    epoch: int
    batch: int
    step: int
    optimizer: str
    call: int
    loss: float | None
    learning_rate: float | None
    loss_scale: float | None
    gradients: dict

    @property
    def arrays(self):
        return [gradient for gradient in self.gradients.values() if gradient is not None]


def read(path, run=None):
    """The batches of a run, of the only one by default."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    runs = [row[0] for row in database.execute("SELECT name FROM runs ORDER BY run_id")]
    assert run in runs or len(runs) == 1, runs
    batches = []
    for batch_id, *fields in database.execute(
        "SELECT batch_id, epoch, batch, step, optimizer, call, loss, learning_rate, loss_scale FROM batches "
        "JOIN runs USING (run_id) WHERE name = ? ORDER BY batch_id",
        (run or runs[0],),
    ):
        gradients = {}
        for weight, absent, dtype, shape, blob, encoding in database.execute(
            "SELECT weight, absent, dtype, shape, values_blob, encoding FROM gradients WHERE batch_id = ? "
            "ORDER BY position",
            (batch_id,),
        ):
            gradients[weight] = None if absent else _array(dtype, shape, blob, encoding)
        batches.append(Batch(*fields, gradients))
    database.close()
    return batches


def _array(dtype, shape, blob, encoding):
    shape = json.loads(shape)
    if encoding != "rows":
        return numpy.frombuffer(blob, _TYPES[dtype]).reshape(shape)
    dense = numpy.zeros(shape, _TYPES[dtype])
    count = len(blob) // (8 + dense.nbytes // shape[0])
    indices = numpy.frombuffer(blob, "<i8", count)
    dense[indices] = numpy.frombuffer(blob, _TYPES[dtype], offset=8 * count).reshape(count, *shape[1:])
    return dense


def column(path, sql):
    """The first column of a query."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    values = [row[0] for row in database.execute(sql)]
    database.close()
    return values
