"""The tap in an optax optimizer tells how large the parameters are before the first step."""

from __future__ import annotations

import math
import sqlite3

import pytest

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")

import gradlog.jax


def stored(path):
    with sqlite3.connect(path) as database:
        return dict(database.execute("SELECT name, initial_norm FROM weights"))


def test_optax_tells_what_init_was_given(path):
    parameters = {"dense": {"kernel": jax.numpy.full((3, 4), 0.5), "bias": jax.numpy.zeros(4, "bfloat16")}}
    with gradlog.jax.tap(path) as tap:
        optimizer = optax.chain(tap, optax.sgd(0.1))
        state = optimizer.init(parameters)
        gradients = jax.tree_util.tree_map(jax.numpy.ones_like, parameters)
        optimizer.update(gradients, state, parameters)
    assert stored(path) == {"dense/kernel": pytest.approx(math.sqrt(3)), "dense/bias": 0.0}


def test_optax_in_jit_trains_all_the_same(path):
    parameters = {"kernel": jax.numpy.ones((3, 4))}
    with gradlog.jax.tap(path) as tap:
        optimizer = optax.chain(tap, optax.sgd(0.1))
        state = jax.jit(optimizer.init)(parameters)
        optimizer.update(parameters, state, parameters)
    assert stored(path) == {"kernel": None}
