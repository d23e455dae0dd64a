"""Compares the gradients in a recording with those that Keras recorded: every batch, every weight, read
from values_blob with sqlite3 and numpy alone. Prints how many gradients agree."""
import json
import sqlite3
import sys

import numpy

expected = json.load(open(sys.argv[1]))
rows = sqlite3.connect(sys.argv[2]).execute(
    "SELECT epoch, batch, weight, loss, shape, dtype, absent, values_blob FROM gradients ORDER BY gradient_id"
)
recorded = {row[:3]: row[3:] for row in rows}
count = 0
for batch in expected["batches"]:
    for weight, gradient in batch["gradients"].items():
        loss, shape, dtype, absent, blob = recorded.pop((batch["epoch"], batch["batch"], weight))
        assert (dtype, absent) == ("float32", 0)
        found = numpy.frombuffer(blob, "<f4").reshape(json.loads(shape))
        gradient = numpy.array(gradient, "f4")
        assert found.shape == gradient.shape, (weight, found.shape, gradient.shape)
        for a, b in ((found, gradient), (loss, batch["loss"])):
            excess = numpy.abs(numpy.subtract(a, b)) - (1e-6 + 1e-4 * numpy.abs(b))
            assert (excess <= 0).all(), (batch["epoch"], batch["batch"], weight, excess.max())
        count += 1
# What is left over must be absent: a frozen layer.
assert all(row[3] == 1 for row in recorded.values()), recorded.keys()
print(count)
