"""Gradients by the backend's own differentiation, without gradlog, a trainer or an optimizer."""

import keras
import numpy

BACKEND = keras.backend.backend()
TOLERANCE = 1e-6
ROUNDING = 3e-8  # Of terms of order 1 that nearly cancel.


def gradients(model, weights, x, y, loss):
    """d(loss)/d(weight) for each trainable weight of the model with these weights; None where there is none."""
    model.set_weights(weights)

    def value(predictions, penalties):
        total = keras.ops.mean(loss(keras.ops.convert_to_tensor(y), predictions))
        return total + sum(penalties) if penalties else total

    return _differentiators[BACKEND](model, x, value)


def _tensorflow(model, x, value):
    import tensorflow as tf

    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        total = value(model(x, training=True), model.losses)
    found = tape.gradient(total, variables)
    return [None if one is None else tf.convert_to_tensor(one).numpy() for one in found]


def _torch(model, x, value):
    import torch

    variables = [variable.value for variable in model.trainable_variables]
    found = torch.autograd.grad(value(model(x, training=True), model.losses), variables, allow_unused=True)
    return [None if one is None else one.numpy() for one in found]


def _jax(model, x, value):
    import jax

    fixed = [variable.value for variable in model.non_trainable_variables]

    def total(variables):
        predictions, _, penalties = model.stateless_call(
            variables, fixed, x, training=True, return_losses=True
        )
        return value(predictions, penalties)

    return [
        numpy.asarray(one) for one in jax.jit(jax.grad(total))([v.value for v in model.trainable_variables])
    ]


_differentiators = {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}


def assert_same(recorded, expected):
    """That gradients are equal, but for the last digits relative to the largest element of each."""
    assert len(recorded) == len(expected)
    for got, wanted in zip(recorded, expected):
        assert (got is None) == (wanted is None)
        if got is not None:
            got, wanted = numpy.asarray(got, "float64"), numpy.asarray(wanted, "float64")
            assert got.shape == wanted.shape
            largest = numpy.abs(wanted).max(initial=0)
            assert numpy.abs(got - wanted).max(initial=0) <= TOLERANCE * largest + ROUNDING
