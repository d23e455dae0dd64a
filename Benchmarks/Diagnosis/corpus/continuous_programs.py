"""Programs of state spaces, integrated fields and operators between functions."""

from __future__ import annotations

from corpus.program import programs_of

_state_space, _ode = programs_of("state-space", "state_space"), programs_of("neural-ode", "neural_ode")
_operator = programs_of("fourier-operator", "fourier_operator", "squared-error")

CONTINUOUS_PROGRAMS = (
    _state_space("waves", "waves", {}, lr=4e-3, batches=150),
    _state_space("adding", "adding", {"mean": False, "activation": "relu"}, loss="squared-error", lr=5e-3, clip=1.0,
                 batches=300),
    _state_space("grammar", "grammar", {"everywhere": True, "activation": "silu", "dropout": 0.1}, optimizer="adamw",
                 lr=5e-3, schedule="cosine", batch_size=16, batches=180),
    _state_space("digits-sgd", "digit_rows", {"activation": "tanh", "depth": 1}, optimizer="sgd", lr=0.2, batch_size=400,
                 batches=200, edges=(6.5, 7.5, 8.5)),
    _ode("spirals", "spirals", {}, lr=8e-3, batch_size=64, batches=300),
    _ode("digits", "digits", {"activation": "gelu", "depth": 2, "steps": 4}, optimizer="nadam", lr=3e-3, batches=150),
    _ode("blobs-sgd", "blobs", {"steps": 6}, optimizer="sgd", lr=0.3, batch_size=256, batches=200, edges=(3.5,)),
    _operator("heat", "heat", {}, lr=5e-3, batches=200),
    _operator("heat-sgd", "heat", {"activation": "tanh"}, optimizer="sgd", momentum=0.9, lr=0.1, batch_size=128,
              batches=200, edges=(2.5, 3)),
)  # fmt: skip
