"""Reads a recording with nothing but sqlite3 and numpy, by docs/FileFormat.md alone, recomputes every
statistic from the blobs in another way, and compares. Prints the number of gradients that agree."""
import json
import sqlite3
import sys

import numpy

UNDERFLOW = {"float16": 2.0**-25, "bfloat16": 2.0**-134, "float8_e4m3": 2.0**-10, "float8_e5m2": 2.0**-17}


def elements(blob, dtype, shape, encoding):
    shape = json.loads(shape)
    if encoding == "rows":
        width = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}[dtype] * int(numpy.prod(shape[1:]))
        count = len(blob) // (8 + width)
        assert len(blob) == count * (8 + width)
        gradient = numpy.zeros(shape)
        rows = elements(blob[8 * count :], dtype, json.dumps([count] + shape[1:]), "dense")
        gradient[numpy.frombuffer(blob, "<i8", count)] = rows
        return gradient
    assert encoding == "dense"
    if dtype == "bfloat16":
        flat = (numpy.frombuffer(blob, "<u2").astype("<u4") << 16).view("<f4")
    else:
        flat = numpy.frombuffer(blob, {"float16": "<f2", "float32": "<f4", "float64": "<f8"}[dtype])
    return flat.reshape(shape).astype("f8")


def exponent_histogram(blob):
    numbers, value, shift = [], 0, 0
    for byte in blob:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(value)
            value, shift = 0, 0
    return {numbers[0] - 1100 + i: count for i, count in enumerate(numbers[1:])} if numbers else {}


def close(found, expected, scale):
    return found == expected or abs(found - expected) <= 1e-9 * scale + 1e-320


def sample(gradient):
    elements = gradient.reshape(-1)
    if elements.size <= 1024:
        return elements.astype(float)
    starts = [run * (elements.size - 16) // 63 for run in range(64)]
    return numpy.concatenate([elements[start : start + 16] for start in starts]).astype(float)


def direction(row, values):
    """The sample with a largest element of 1; None when the gradient has no direction."""
    elements = sample(values)
    if row["encoding"] == "rows" or not numpy.isfinite(elements).all() or not elements.any():
        return None
    return elements / numpy.abs(elements).max()


def check_slices(row, values):
    if values.ndim == 0:
        assert row["zero_rows"] is row["zero_columns"] is None
    elif values.size == 0:
        assert row["zero_rows"] == row["zero_columns"] == 0
    else:
        zero = values == 0
        assert row["zero_rows"] == zero.reshape(zero.shape[0], -1).all(axis=1).sum()
        assert row["zero_columns"] == zero.reshape(-1, zero.shape[-1]).all(axis=0).sum()


previous = {}
cosines = 0


def check_cosine(row, values):
    global cosines
    now = direction(row, values)
    before = previous.get(row["weight_id"])
    previous[row["weight_id"]] = now
    if now is None or before is None:
        assert row["cosine"] is None
        return
    cosines += 1
    expected = now @ before / numpy.linalg.norm(now) / numpy.linalg.norm(before)
    assert abs(row["cosine"] - expected) < 1e-6, (row["cosine"], expected)


def check(row):
    values = elements(row["values_blob"], row["dtype"], row["shape"], row["encoding"])
    check_slices(row, values)
    check_cosine(row, values)
    assert values.size == row["element_count"]
    finite = values[numpy.isfinite(values)].ravel()
    magnitudes = numpy.abs(finite)
    nonzero = magnitudes[magnitudes > 0]
    assert row["nan_count"] == numpy.isnan(values).sum()
    assert row["posinf_count"] == numpy.isposinf(values).sum()
    assert row["neginf_count"] == numpy.isneginf(values).sum()
    assert row["zero_count"] == (finite == 0).sum()
    assert row["finite_count"] == finite.size
    histogram = dict(zip(*numpy.unique(numpy.frexp(nonzero)[1] - 1, return_counts=True)))
    assert {e: c for e, c in exponent_histogram(row["exponents_blob"]).items() if c} == histogram
    for name, bound in UNDERFLOW.items():
        share = row[name + "_underflow"]
        assert (share is None) == (nonzero.size == 0)
        assert share is None or close(share, (nonzero < bound).mean(), 1)
    if finite.size == 0:
        assert row["norm"] is row["mean"] is row["std"] is row["min"] is row["abs_median"] is None
        return
    largest = magnitudes.max()
    unit = largest if largest >= 2.0**-1022 else 2.0**-1074
    scaled = finite / unit
    assert close(row["norm"], numpy.linalg.norm(scaled) * unit, largest * finite.size)
    assert close(row["rms"], numpy.sqrt((scaled**2).mean()) * unit, largest)
    assert close(row["std"], scaled.std() * unit, largest)
    assert row["min"] == finite.min() and row["max"] == finite.max() and row["max_abs"] == largest
    if largest < 1e300:
        assert close(row["sum"], finite.sum(), magnitudes.sum())
        assert close(row["mean_abs"], magnitudes.mean(), largest)
    for quantile, name in zip((1, 5, 25, 50, 75, 95, 99), "p1 p5 p25 median p75 p95 p99".split()):
        exact = numpy.quantile(magnitudes, quantile / 100, method="inverted_cdf")
        found = row["abs_" + name]
        assert found == exact or exact / 2 < found < exact * 2, (name, found, exact)


numpy.seterr(over="ignore")
connection = sqlite3.connect(sys.argv[1])
connection.row_factory = sqlite3.Row
assert connection.execute("PRAGMA application_id").fetchone()[0] == 0x67726164
assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
assert not connection.execute("PRAGMA foreign_key_check").fetchall()
count = 0
for gradient in connection.execute("SELECT * FROM gradients ORDER BY gradient_id"):
    try:
        check(gradient)
    except AssertionError as error:
        raise SystemExit(f"{gradient['weight']}: {error!r} at line {error.__traceback__.tb_next.tb_lineno}")
    count += 1
assert cosines > count / 8
print(count)
