"""Compares two runs with sqlite3 and numpy alone, and holds what `gradlog diff --all --format ndjson` wrote
against that: arguments are the two files, the rows and the sentences. Prints how many batches agree."""
import json
import sqlite3
import sys

import numpy

first_file, second_file, rows_file, sentences_file = sys.argv[1:]


def gradients(path):
    """By batch and then, in the order of positions, by weight: step, loss, gradient."""
    rows = sqlite3.connect(path).execute(
        "SELECT epoch, batch, step, loss, weight, shape, dtype, encoding, values_blob FROM gradients ORDER BY step, position")
    batches = {}
    for epoch, batch, step, loss, weight, shape, dtype, encoding, blob in rows:
        assert encoding == "dense"
        array = numpy.frombuffer(blob, {"float32": "<f4", "float64": "<f8"}[dtype]).reshape(json.loads(shape))
        batches.setdefault((epoch, batch), (step, loss, {}))[2][weight] = array
    return batches


first, second = gradients(first_file), gradients(second_file)
rows = [json.loads(line) for line in open(rows_file)]
assert [(row["epoch"], row["batch"]) for row in rows] == [key for key in first if key in second]

found = None
for row in rows:
    step, loss, a = first[row["epoch"], row["batch"]]
    _, other_loss, b = second[row["epoch"], row["batch"]]
    assert (row["step"], row["loss_a"], row["loss_b"], row["compared_by"]) == (step, loss, other_loss, "values"), row
    differing = [name for name in a if a[name].tobytes() != b[name].tobytes()]
    assert row["weights"] == len(a) and row["differing_weights"] == len(differing), row
    assert row["first_weight"] == (differing[0] if differing else None), row
    if not differing:
        assert (row["worst_weight"], row["max_abs_difference"], row["relative_difference"], row["cosine"]) == (None, 0, 0, 1), row
        continue
    wide = {name: (a[name].astype("f8"), b[name].astype("f8")) for name in differing}
    relative = {name: numpy.linalg.norm(x - y) / numpy.linalg.norm(x) for name, (x, y) in wide.items()}
    worst = max(relative, key=relative.get)
    x, y = wide[worst]
    assert row["worst_weight"] == worst, (row, relative)
    expected = (abs(x - y).max(), relative[worst], numpy.vdot(x, y) / numpy.linalg.norm(x) / numpy.linalg.norm(y))
    numbers = (row["max_abs_difference"], row["relative_difference"], row["cosine"])
    numpy.testing.assert_allclose(numbers, expected, rtol=1e-12)
    if found is None:
        x, y = a[differing[0]], b[differing[0]]
        index = numpy.argwhere(x.view("u4") != y.view("u4"))[0]
        found = (
            f"first difference: epoch {row['epoch']}, batch {row['batch']}, step {step}, weight {differing[0]}, "
            f"element [{','.join(map(str, index))}]: ", x[tuple(index)], y[tuple(index)])

verdict = open(sentences_file).readline()
place, x, y = found
assert verdict.startswith(place), (verdict, place)
assert [x.dtype.type(number) for number in verdict[len(place):].split(" against ")] == [x, y], (verdict, x, y)
print(len(rows))
