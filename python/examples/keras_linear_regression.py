"""Fits y = x1 + x2 batch by batch; records each gradient, and prints those of the last epoch from the file."""

import sqlite3
import sys

import gradlog.keras
import keras
import numpy as np

path = sys.argv[1] if len(sys.argv) > 1 else "gradients.db"
X = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], dtype=float)
y = np.array([3, 7, 11, 15], dtype=float)

model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile(optimizer="adam", loss="mse")
recorder = gradlog.keras.GradientRecorder(path)
model.fit(X, y, epochs=10, batch_size=1, verbose=0, callbacks=[recorder])

with sqlite3.connect(path) as database:
    for batch, weight, shape, blob in database.execute(
        "SELECT batch, weight, shape, values_blob FROM gradients WHERE run = ? AND epoch = 9", (recorder.run,)
    ):
        print(
            f"batch {batch}, weight name: {weight}, gradient: {np.frombuffer(blob, '<f4')} of shape {shape}"
        )
