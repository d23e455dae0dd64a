"""What goes in comes out, whatever it looked like in memory."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy
import pytest
from outside import rows

import gradlog

HOSTILE = [numpy.nan, -numpy.nan, numpy.inf, -numpy.inf, 0.0, -0.0, 5e-324, 1e-45, 6e-8, 65504.0, 1.0]


def record(path: str, gradients: dict[str, Any]) -> None:
    with gradlog.Recorder(path, "r") as recorder:
        recorder.record(gradients, epoch=0, batch=0)


def stored(path: str) -> dict[str, tuple[str, str, bytes]]:
    found = rows(path, "SELECT weight, dtype, shape, values_blob FROM gradients ORDER BY position")
    return {row[0]: row[1:] for row in found}


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f2", ">f4", ">f8"])
def test_every_bit_is_kept(path: str, dtype: str) -> None:
    with numpy.errstate(over="ignore"):
        values = numpy.array(HOSTILE).astype(dtype)
    record(path, {"w": values})
    kind, shape, blob = stored(path)["w"]
    assert kind == f"float{8 * values.itemsize}"
    assert shape == "[11]"
    assert blob == values.astype(values.dtype.newbyteorder("<")).tobytes()


BASE = numpy.arange(120, dtype="f4").reshape(2, 3, 4, 5)

LAYOUTS = {
    "contiguous": BASE,
    "fortran": numpy.asfortranarray(BASE),
    "transposed": BASE.transpose(3, 1, 0, 2),
    "stepped": BASE[:, ::2, 1:, ::-1],
    "reversed": BASE[::-1, ::-1, ::-1, ::-1],
    "broadcast": numpy.broadcast_to(BASE[0, 0, 0], (7, 5)),
    "scalar": numpy.array(3, "f4"),
    "number": numpy.float32(3),
    "empty": numpy.zeros((3, 0, 2), "f4"),
    "one": BASE[:1, :1, :1, :1],
    "unaligned": numpy.frombuffer(b"x" + BASE.tobytes(), "u1")[1:].view("f4"),
    "readonly": numpy.frombuffer(BASE.tobytes(), "f4"),
}


def test_every_layout_is_row_major_in_the_file(path: str) -> None:
    record(path, LAYOUTS)
    found = stored(path)
    assert list(found) == list(LAYOUTS)
    for name, array in LAYOUTS.items():
        assert found[name] == ("float32", str(list(numpy.shape(array))).replace(" ", ""), array.tobytes()), (
            name
        )


def test_a_weight_may_change_its_layout(path: str) -> None:
    with gradlog.Recorder(path, "r") as recorder:
        for batch, array in enumerate([BASE, numpy.asfortranarray(BASE), None, BASE[::-1], BASE]):
            recorder.record({"w": array}, epoch=0, batch=batch)
    blobs = [row[0] for row in rows(path, "SELECT values_blob FROM gradients")]
    assert blobs == [BASE.tobytes(), BASE.tobytes(), None, BASE[::-1].tobytes(), BASE.tobytes()]


def test_names_are_any_text_and_none_is_absence(path: str) -> None:
    names = ["größe/β", "重み", "a b", "🏃", "", "x" * 300]
    record(path, {name: None if name == "a b" else BASE for name in names})
    assert list(stored(path)) == names
    assert rows(path, "SELECT weight FROM gradients WHERE absent") == [("a b",)]
    assert rows(path, "SELECT name FROM weights WHERE frozen") == []


def test_when_a_weight_was_frozen_can_be_read(path: str) -> None:
    frozen, absent, trained = gradlog.FROZEN, None, BASE
    told: dict[str, list[Any]] = {
        "always": [frozen] * 6,
        "never": [trained, absent, trained, absent, trained, trained],
        "first": [frozen, frozen, trained, trained, trained, absent],
        "between": [trained, frozen, frozen, trained, frozen, absent],
    }
    with gradlog.Recorder(path, "r") as recorder:
        for batch in range(6):
            recorder.record({name: story[batch] for name, story in told.items()}, epoch=0, batch=batch)
    # As docs/FileFormat.md says: what the last row up to a batch says; not frozen before the first one.
    state = """
        SELECT name, batch, coalesce((
          SELECT freezings.frozen FROM freezings WHERE freezings.weight_id = weights.weight_id
            AND first_batch_id <= batch_id ORDER BY first_batch_id DESC LIMIT 1), 0)
        FROM weights JOIN batches USING (run_id)
    """
    expected = {(name, batch): story[batch] is frozen for name, story in told.items() for batch in range(6)}
    assert {(name, batch): bool(said) for name, batch, said in rows(path, state)} == expected
    count = "SELECT name, count(*) FROM freezings JOIN weights USING (weight_id) GROUP BY name ORDER BY name"
    assert rows(path, count) == [("always", 1), ("between", 4), ("first", 2)]


def test_a_frozen_weight_is_told_from_an_absent_one(path: str) -> None:
    def frozen() -> list[tuple[object, ...]]:
        return rows(path, "SELECT name, frozen FROM weights ORDER BY position")

    with gradlog.Recorder(path, "r") as recorder:
        recorder.record({"a": gradlog.FROZEN, "b": None, "c": BASE}, epoch=0, batch=0)
        recorder.flush()
        assert frozen() == [("a", 1), ("b", 0), ("c", 0)]
        recorder.record({"a": BASE, "b": gradlog.FROZEN, "c": gradlog.FROZEN}, epoch=0, batch=1)
        recorder.flush()
        assert frozen() == [("a", 0), ("b", 1), ("c", 1)]
        recorder.record({"a": None, "b": None, "c": BASE}, epoch=0, batch=2)
    assert frozen() == [("a", 0), ("b", 0), ("c", 0)]
    absent = "SELECT weight FROM gradients WHERE absent ORDER BY batch, position"
    assert [row[0] for row in rows(path, absent)] == ["a", "b", "b", "c", "a", "b"]
    assert repr(gradlog.FROZEN) == "gradlog.FROZEN"
    assert copy.deepcopy(gradlog.FROZEN) is pickle.loads(pickle.dumps(gradlog.FROZEN)) is gradlog.FROZEN


class Lent:
    """An array of another library, which only speaks DLPack."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


class Converted:
    """An array of another library, which only speaks numpy."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return BASE


def test_arrays_of_other_libraries(path: str) -> None:
    record(path, {"lent": Lent(BASE.copy()), "converted": Converted()})
    assert [blob for _, _, blob in stored(path).values()] == [BASE.tobytes()] * 2


@pytest.mark.parametrize(
    "value",
    [
        numpy.arange(3),
        numpy.zeros(3, bool),
        numpy.zeros(3, complex),
        numpy.array(["a"]),
        numpy.array([None]),
        numpy.zeros(3, numpy.longdouble),
        [1.0, 2.0],
        1.0,
        "text",
    ],
)
def test_what_is_no_gradient_raises_at_once(path: str, value: Any) -> None:
    with gradlog.Recorder(path, "r") as recorder:
        with pytest.raises(TypeError, match='^gradient of "w": '):
            recorder.record({"w": value}, epoch=0, batch=0)
        recorder.record({"w": BASE}, epoch=0, batch=0)
        assert recorder.losses == gradlog.Losses(0, 0, None)
    assert len(rows(path, "SELECT * FROM gradients")) == 1


def test_what_is_no_batch_raises_at_once(path: str) -> None:
    recorder = gradlog.Recorder(path, "r")
    with pytest.raises(ValueError, match="epoch -1"):
        recorder.record({"w": BASE}, epoch=-1, batch=0)
    with pytest.raises(TypeError):
        recorder.record({"w": BASE}, epoch=0.5, batch=0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no gradients"):
        recorder.record({}, epoch=0, batch=0)
    with pytest.raises(TypeError, match="name of a weight"):
        recorder.record({1: BASE}, epoch=0, batch=0)  # type: ignore[dict-item]
    with pytest.raises(gradlog.GradlogError, match="not in the file: 1 batch"):
        recorder.close()


def test_rows_are_kept_as_rows(path: str) -> None:
    indices = numpy.array([6, 2, 6, 0], "i4")
    values = numpy.arange(12, dtype="f4").reshape(4, 3)[:, ::-1]
    whole = numpy.zeros((8, 3), "f4")
    numpy.add.at(whole, indices, values)
    record(path, {"table": gradlog.RowSparse(indices, values, (8, 3)), "whole": whole})
    columns = "zero_count, finite_count, norm, sum, abs_median, exponents_blob"
    sparse, dense = rows(path, f"SELECT {columns} FROM gradients")
    assert sparse[:2] == dense[:2]
    assert sparse[2:5] == pytest.approx(dense[2:5], rel=1e-12)
    assert sparse[5] == dense[5]
    recording = gradlog.open(path)
    assert (recording.gradient("r", "table") == whole).all()
    found = recording.gradient("r", "table", sparse=True)
    assert found.indices.tolist() == [0, 2, 6]
    assert (found.rows == whole[[0, 2, 6]]).all()


@pytest.mark.parametrize(
    ("error", "indices", "shape"),
    [
        (ValueError, [9], (8, 3)),
        (ValueError, [-1], (8, 3)),
        (ValueError, [1, 2], (8, 3)),
        (ValueError, [1], (8, 4)),
        (TypeError, [1.0], (8, 3)),
        (TypeError, [[1]], (8, 3)),
    ],
)
def test_rows_that_do_not_fit_raise(path: str, error: type[Exception], indices: Any, shape: Any) -> None:
    recorder = gradlog.Recorder(path, "r")
    sparse = gradlog.RowSparse(numpy.array(indices), numpy.zeros((1, 3), "f4"), shape)
    with pytest.raises(error, match='"w"'):
        recorder.record({"w": sparse}, epoch=0, batch=0)


def test_what_is_known_of_a_batch(path: str) -> None:
    with gradlog.Recorder(
        path, "r", stage="applied", framework="none", configuration={"ä": [1]}, rank=1, world_size=2
    ) as recorder:
        recorder.record(
            {"w": BASE},
            epoch=numpy.int64(3),
            batch=4,
            step=9,
            optimizer="adam",
            call=2,
            loss=numpy.float32(0.5),
            learning_rate=0.1,
            loss_scale=1024,
        )
        recorder.record({"w": BASE}, epoch=3, batch=5, loss=float("nan"))
    found = rows(
        path,
        "SELECT epoch, batch, step, optimizer, call, loss, loss_is_nan, learning_rate, loss_scale FROM batches",
    )
    assert found == [(3, 4, 9, "adam", 2, 0.5, 0, 0.1, 1024), (3, 5, 10, "", 0, None, 1, None, None)]
    assert rows(
        path, "SELECT rank, world_size, stage, framework, json_extract(configuration, '$.ä') FROM runs"
    ) == [(1, 2, "applied", "none", "[1]")]
