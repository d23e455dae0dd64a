"""Prints the gradient of each weight at the end of each batch."""

import gradlog.keras
import keras
import numpy as np

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
model.compile(optimizer="adam", loss="binary_crossentropy")
model.fit(X, y, epochs=5, batch_size=32, verbose=0, callbacks=[gradlog.keras.GradientPrinter()])
