"""Records and prints the gradients of Keras 3 models, on TensorFlow, jax and torch.

import gradlog.keras

model.fit(x, y, callbacks=[gradlog.keras.GradientRecorder("runs.db", run="lenet")])
"""

from __future__ import annotations

import keras as _keras

from gradlog import GradlogError as _GradlogError

_OLDEST = (3, 10)

if tuple(int(part) for part in _keras.__version__.split(".")[:2]) < _OLDEST:
    raise _GradlogError(
        f"gradlog.keras needs Keras 3.10 or later and found {_keras.__version__}",
        "pip install --upgrade keras",
    )

from .printer import GradientPrinter
from .recorder import GradientRecorder
from .weights import weight_names

__all__ = ["GradientPrinter", "GradientRecorder", "weight_names"]
