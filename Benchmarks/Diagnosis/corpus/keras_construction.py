"""Builds the Keras model of a program, with what its fault changes in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from corpus.examples import Dataset
from corpus.program import Program

INITIALIZERS = {None: "glorot_uniform", "kaiming": "he_normal", "orthogonal": "orthogonal", "normal": "random_normal"}
CELLS = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


def build(program: Program, data: Dataset) -> keras.Model:
    """The compiled model."""
    outputs = data.classes or (1 if data.targets.ndim == 1 else data.targets.shape[1])
    begin = keras.Input(data.inputs.shape[2:] + (1,) if data.inputs.ndim == 4 else data.inputs.shape[1:])
    hidden = HIDDEN[program.network](program, data, begin)
    last = keras.layers.Dense(outputs, activation="softmax" if program.loss == "softmax-twice" else None)
    model = keras.Model(begin, last(hidden))
    initialize(model, program)
    model.compile(optimizer=optimizer_of(program), loss=loss_of(program))
    return model


def mlp(program: Program, data: Dataset, x: Any) -> Any:
    return applied(dense(program, program.shape["depth"], program.shape["width"]), x)


def cnn(program: Program, data: Dataset, x: Any) -> Any:
    """Convolutions, pooling after the first two, and a dense layer."""
    for index, count in enumerate(program.shape["channels"]):
        x = keras.layers.Conv2D(count, 3, padding="same", activation=program.shape.get("activation", "relu"))(x)
        x = keras.layers.MaxPooling2D(2)(x) if index < 2 else x
    return applied([keras.layers.Flatten(), *dense(program, 1, 32)], x)


def recurrent(program: Program, data: Dataset, x: Any) -> Any:
    """Recurrent layers, of which the last hands on its last output."""
    shape, depth = program.shape, program.shape.get("depth", 1)
    if data.is_tokens:
        x = keras.layers.Embedding(int(data.inputs.max()) + 1, shape["width"])(x)
    for index in range(depth):
        x = CELLS[shape["kind"]](shape["width"], return_sequences=index < depth - 1 or shape.get("mean", False))(x)
    return keras.layers.GlobalAveragePooling1D()(x) if shape.get("mean") else x


class Positions(keras.layers.Layer):
    """Adds a learned vector for each place."""

    def build(self, shape: tuple[int, ...]) -> None:
        self.position = self.add_weight(shape=shape[1:], initializer="random_normal", name="position")

    def call(self, x: Any) -> Any:
        return x + self.position


def transformer(program: Program, data: Dataset, x: Any) -> Any:
    """An encoder with normalization before each part, and the mean over time at its end."""
    width, heads = program.shape["width"], 2
    content = keras.layers.Embedding(int(data.inputs.max()) + 1, width) if data.is_tokens else keras.layers.Dense(width)
    x = Positions()(content(x))
    for _ in range(program.shape["depth"]):
        normed = keras.layers.LayerNormalization()(x)
        x = x + keras.layers.MultiHeadAttention(heads, width // heads)(normed, normed)
        inner = [
            keras.layers.LayerNormalization(),
            keras.layers.Dense(2 * width, activation=program.shape.get("activation", "gelu")),
            keras.layers.Dense(width),
        ]
        x = x + applied(inner, x)
    return applied([keras.layers.LayerNormalization(), keras.layers.GlobalAveragePooling1D()], x)


def autoencoder(program: Program, data: Dataset, x: Any) -> Any:
    """Dense layers to a narrow code and back."""
    widths = program.shape["widths"]
    for width in (*widths, *reversed(widths[:-1])):
        x = applied(dense(program, 1, width), x)
    return x


def inception(program: Program, data: Dataset, x: Any) -> Any:
    """Blocks of convolutions of several sizes and a pooling, side by side."""
    width, activation = program.shape["width"], program.shape.get("activation", "relu")

    def convolution(x: Any, count: int, size: int, strides: int = 1) -> Any:
        x = keras.layers.Conv2D(count, size, strides=strides, padding="same")(x)
        x = keras.layers.BatchNormalization()(x) if program.shape.get("norm", "batch") == "batch" else x
        return keras.layers.Activation(activation)(x)

    x = convolution(x, 4 * width, 3, strides=2)
    for _ in range(program.shape["depth"]):
        pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same")(x)
        middle, large = convolution(x, width, 1), convolution(x, width, 1)
        branches = [
            convolution(x, width, 1), convolution(middle, width, 3), convolution(large, width, 5),
            convolution(pooled, width, 1),
        ]  # fmt: skip
        x = keras.layers.Concatenate()(branches)
    return keras.layers.GlobalAveragePooling2D()(x)


HIDDEN: dict[str, Callable[[Program, Dataset, Any], Any]] = {
    one.__name__: one for one in (mlp, cnn, recurrent, transformer, autoencoder, inception)
}
"""What comes before the last layer."""


def applied(layers: list[Any], x: Any) -> Any:
    """The layers one after the other."""
    for layer in layers:
        x = layer(x)
    return x


def dense(program: Program, depth: int, width: int) -> list[Any]:
    """Hidden layers, with normalization and dropout if the program has them."""
    shape, layers = program.shape, []
    initializer = INITIALIZERS[shape.get("initializer")]
    for _ in range(depth):
        layers.append(keras.layers.Dense(width, kernel_initializer=initializer))
        layers += [keras.layers.BatchNormalization()] if shape.get("norm") == "batch" else []
        layers += [keras.layers.LayerNormalization()] if shape.get("norm") == "layer" else []
        layers.append(keras.layers.Activation(shape.get("activation", "relu")))
        layers += [keras.layers.Dropout(shape["dropout"])] if shape.get("dropout") else []
    return layers


def initialize(model: keras.Model, program: Program) -> None:
    """Applies what the fault changes in the initial weights."""
    for layer in model.layers[:-1]:
        if program.hidden_bias is not None and getattr(layer, "bias", None) is not None:
            layer.bias.assign(np.full(layer.bias.shape, program.hidden_bias))
    for weight in model.trainable_variables:
        if program.zero_init:
            weight.assign(np.zeros(weight.shape))
        elif len(weight.shape) >= 2 and program.init_scale != 1:
            weight.assign(keras.ops.convert_to_numpy(weight) * program.init_scale)


def optimizer_of(program: Program) -> keras.optimizers.Optimizer:
    """The optimizer of the program."""
    match program.optimizer:
        case "sgd":
            return keras.optimizers.SGD(program.lr, momentum=program.momentum)
        case "rmsprop":
            return keras.optimizers.RMSprop(program.lr)
        case "adam":
            return keras.optimizers.Adam(program.lr)
        case "nadam":
            return keras.optimizers.Nadam(program.lr)
        case "adagrad":
            return keras.optimizers.Adagrad(program.lr)
    raise ValueError(f"Keras programs have no optimizer {program.optimizer!r}")


def loss_of(program: Program) -> keras.losses.Loss:
    """The loss, fed with logits."""
    match program.loss:
        case "binary":
            return keras.losses.BinaryCrossentropy(from_logits=True)
        case "squared-error":
            return keras.losses.MeanSquaredError()
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
