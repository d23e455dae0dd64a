"""What a program tells a recorder by hand of how large its weights are at first."""

from __future__ import annotations

import math
import sqlite3

import numpy

import gradlog


def test_by_hand(path):
    with gradlog.Recorder(path, "hand") as recorder:
        recorder.tell_initial_norms({"größe": numpy.float32(2.5), "b": -1.0, "c": math.nan, "unused": 1})
        for batch in range(2):
            recorder.record({name: numpy.ones(3) for name in ("größe", "b", "c", "d")}, epoch=0, batch=batch)
            recorder.tell_initial_norms({"d": 4.0, "größe": 9.0})
    with sqlite3.connect(path) as database:
        stored = dict(database.execute("SELECT name, initial_norm FROM weights"))
    assert stored == {"größe": 2.5, "b": None, "c": None, "d": None}
