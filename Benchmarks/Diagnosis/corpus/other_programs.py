"""Programs for Keras, for our own trainer, and of two optimizers."""

from __future__ import annotations

from typing import Any

from corpus.program import Program


def _keras(backend: str, name: str, dataset: str, network: str, shape: dict[str, object], **rest: Any) -> Program:
    family = f"keras-{network}"
    return Program(
        f"keras-{backend}-{name}", family, dataset, network, shape, framework=f"keras-{backend}", **rest
    )


def _own(name: str, dataset: str, shape: dict[str, object], **rest: Any) -> Program:
    return Program(f"trainer-{name}", "trainer", dataset, "mlp", shape, framework="trainer", **rest)


def _game(name: str, shape: dict[str, object], **rest: Any) -> Program:
    return Program(f"game-{name}", "game", "ring", "game", shape, framework="torch-game", expects="game", **rest)


OTHER_PROGRAMS = (
    _game("tanh", {"depth": 2, "width": 32, "activation": "tanh"}, lr=2e-3, batch_size=64, batches=300),
    _game("gelu", {"depth": 2, "width": 32, "activation": "gelu"}, lr=2e-3, batch_size=64, batches=400),
    _game("elu", {"depth": 3, "width": 24, "activation": "elu"}, lr=2e-3, batch_size=32, batches=300),
    _keras("torch", "digits", "digits", "mlp", {"depth": 3, "width": 40}, lr=2e-3, batches=200),
    _keras("torch", "cancer", "breast_cancer", "mlp", {"depth": 4, "width": 20, "activation": "tanh"}, loss="binary",
           optimizer="sgd", momentum=0.9, lr=0.02, batches=150),
    _keras("torch", "images", "images", "cnn", {"channels": (6, 10)}, lr=2e-3, batches=150),
    _keras("torch", "friedman", "friedman", "mlp", {"depth": 5, "width": 32, "norm": "layer", "activation": "silu"},
           loss="squared-error", lr=2e-3, batches=250),
    _keras("jax", "digits", "digits", "mlp", {"depth": 4, "width": 32, "norm": "batch"}, optimizer="rmsprop", lr=1e-3,
           batches=200),
    _keras("jax", "diabetes", "diabetes", "mlp", {"depth": 2, "width": 16}, loss="squared-error", optimizer="sgd",
           lr=0.02, batch_size=442, batches=150),
    _keras("torch", "digits-full-batch", "digits", "mlp", {"depth": 2, "width": 24, "activation": "tanh"}, optimizer="sgd",
           lr=0.5, batch_size=1797, batches=120, edges=(4, 4.5, 5, 6)),
    _own("digits", "digits", {"depth": 2, "width": 48}, lr=2e-3, batches=250),
    _own("digits-deep", "digits", {"depth": 6, "width": 24, "activation": "elu"}, optimizer="adamw", lr=1e-3,
         batch_size=64, batches=300),
    _own("cancer", "breast_cancer", {"depth": 3, "width": 16, "activation": "tanh"}, loss="binary", optimizer="rmsprop",
         lr=1e-3, batches=200),
    _own("friedman", "friedman", {"depth": 3, "width": 32, "activation": "gelu"}, loss="squared-error", lr=2e-3,
         batch_size=64, batches=300),
    _own("diabetes", "diabetes", {"depth": 2, "width": 24}, loss="squared-error", optimizer="sgd", lr=0.02,
         batch_size=442, batches=200),
    _own("digits-full-batch", "digits", {"depth": 2, "width": 24, "activation": "tanh"}, optimizer="sgd", lr=0.5,
         batch_size=1797, batches=150, edges=(4, 4.5, 5, 6)),
    _own("spirals", "spirals", {"depth": 4, "width": 32, "activation": "leaky"}, lr=3e-3, batches=400),
)  # fmt: skip
