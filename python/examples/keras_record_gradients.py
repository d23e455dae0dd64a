"""Records the gradient of each weight in each batch into gradients.db, or the file that is named."""

import sys

import gradlog
import gradlog.keras
import keras
import numpy as np

path = sys.argv[1] if len(sys.argv) > 1 else "gradients.db"
X = np.random.rand(1000, 10)
y = np.random.randint(0, 2, (1000, 1))

model = keras.Sequential(
    [
        keras.Input((10,)),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
recorder = gradlog.keras.GradientRecorder(path)
model.fit(X, y, epochs=5, batch_size=32, verbose=0, callbacks=[recorder])
print(f"recorded run {recorder.run!r} in {path}; ask it: gradlog query vanishing --db {path}")
