"""Prints the gradients of a recording as the article did: with Python's print and numpy."""
import json
import sqlite3
import sys

import numpy

for weight, shape, blob in sqlite3.connect(sys.argv[1]).execute(
    "SELECT weight, shape, values_blob FROM gradients ORDER BY gradient_id"
):
    gradient = numpy.frombuffer(blob, "<f4").reshape(json.loads(shape))
    print(f"weight name: {weight}, gradient: {gradient}")
