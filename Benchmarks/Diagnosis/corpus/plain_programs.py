"""Programs of plain perceptrons, plain convolutions, LSTMs, embeddings of texts."""

from __future__ import annotations

from typing import Any

from corpus.program import Program


def _mlp(name: str, dataset: str, depth: int, width: int, activation: str = "relu", **rest: Any) -> Program:
    shape = {"depth": depth, "width": width, "activation": activation, **rest.pop("shape", {})}
    return Program(f"mlp-{name}", "mlp", dataset, "mlp", shape, **rest)


def _cnn(name: str, dataset: str, shape: dict[str, object], **rest: Any) -> Program:
    return Program(f"cnn-{name}", "cnn", dataset, "cnn", shape, **rest)


def _lstm(name: str, dataset: str, shape: dict[str, object], **rest: Any) -> Program:
    shape = {"kind": "lstm", **shape}
    return Program(f"lstm-{name}", "lstm", dataset, "recurrent", shape, **rest)


def _text(name: str, dataset: str, shape: dict[str, object], **rest: Any) -> Program:
    return Program(f"text-{name}", "text", dataset, "text_bag", shape, **rest)


PLAIN_PROGRAMS = (
    _mlp("digits", "digits", 2, 48, lr=2e-3, batches=220),
    _mlp("digits-deep", "digits", 6, 32, lr=1e-3, batches=300, shape={"initializer": "kaiming"}),
    _mlp("digits-sgd", "digits", 3, 40, optimizer="sgd", lr=0.1, batches=300, batch_size=64,
         edges=(6, 7, 8, 9)),
    _mlp("digits-leaky-sgd", "digits", 3, 32, "leaky", optimizer="sgd", lr=0.2, batches=200, batch_size=256, edges=(5, 8, 11)),
    _mlp("digits-gelu-sgd", "digits", 2, 32, "gelu", optimizer="sgd", lr=0.3, batches=200, batch_size=256, edges=(5, 8, 11)),
    _mlp("digits-full-batch", "digits", 2, 24, "tanh", optimizer="sgd", lr=0.5, batches=150, batch_size=1797,
         edges=(3.8, 4, 4.3, 4.6)),
    _mlp("digits-overfit", "digits", 3, 64, optimizer="adam", lr=3e-3, batches=600, batch_size=64),
    _mlp("digits-dropout", "digits", 3, 64, lr=2e-3, batches=300, shape={"dropout": 0.4}),
    _mlp("digits-noisy-labels", "digits", 2, 32, lr=1e-3, label_noise=0.5, expects="noisy", batches=250),
    _mlp("digits-tuned", "digits", 3, 48, lr=2e-4, pretraining=300, expects="tuned", batches=150),
    _mlp("digits-selu", "digits", 8, 32, "selu", lr=1e-3, batches=250, shape={"initializer": "lecun"}),
    _mlp("digits-silu", "digits", 5, 40, "silu", optimizer="adamw", lr=2e-3, schedule="cosine", batches=250),
    _mlp("digits-sigmoid", "digits", 2, 48, "sigmoid", lr=5e-3, batches=300),
    _mlp("cancer-binary", "breast_cancer", 3, 24, loss="binary", lr=2e-3, batch_size=16, batches=200),
    _mlp("cancer-elu", "breast_cancer", 5, 24, "elu", loss="binary", optimizer="rmsprop", lr=5e-4, batches=200),
    _mlp("diabetes-tanh", "diabetes", 3, 24, "tanh", loss="squared-error", optimizer="nesterov", lr=0.01, batches=200),
    _mlp("diabetes-full-batch", "diabetes", 2, 16, loss="squared-error", optimizer="sgd", momentum=0.9, lr=0.02,
         batch_size=442, batches=150),
    _mlp("friedman-gelu", "friedman", 4, 32, "gelu", loss="squared-error", lr=2e-3, batch_size=64, batches=250),
    _mlp("friedman-leaky", "friedman", 6, 24, "leaky", loss="huber", lr=2e-3, batches=250, schedule="warm-up"),
    _mlp("friedman-sgd", "friedman", 3, 24, "tanh", loss="squared-error", optimizer="sgd", lr=0.1, batch_size=256, batches=250),
    _mlp("heavy-tails", "heavy_tails", 2, 32, loss="squared-error", lr=2e-3, batch_size=8, batches=400),
    _mlp("blobs-wide", "blobs", 2, 128, optimizer="sgd", momentum=0.9, lr=0.02, batches=150),
    _mlp("blobs-narrow-tanh", "blobs", 7, 10, "tanh", lr=3e-3, batches=300, shape={"initializer": "xavier"}),
    _mlp("spirals", "spirals", 5, 32, lr=3e-3, batch_size=64, batches=500),
    _mlp("imbalanced", "imbalanced", 2, 24, loss="binary", lr=2e-3, batch_size=64, batches=250),
    _mlp("words", "bag_of_words", 2, 32, optimizer="adagrad", lr=0.03, batches=200),
    _cnn("digits", "digit_images", {"channels": (8, 16)}, lr=2e-3, batches=200),
    _cnn("digits-norm", "digit_images", {"channels": (8, 12), "norm": "batch"}, optimizer="sgd", momentum=0.9, lr=0.05,
         batches=150),
    _cnn("images", "images", {"channels": (6, 10), "pool": "avg"}, lr=2e-3, batches=200),
    _cnn("images-deep", "images", {"channels": (8, 8, 8, 8), "initializer": "kaiming"}, lr=2e-3, batches=220),
    _cnn("images-tanh", "images", {"channels": (6, 8, 8), "activation": "tanh"}, lr=2e-3, batches=200),
    _cnn("images-sgd", "images", {"channels": (8, 16)}, optimizer="nesterov", lr=0.03, batch_size=64, batches=250),
    _cnn("images-full-batch", "images", {"channels": (4, 8), "activation": "tanh"}, optimizer="sgd", momentum=0.9, lr=0.05,
         batch_size=1000, batches=100),
    _lstm("waves", "waves", {"width": 20}, lr=5e-3, batches=200),
    _lstm("waves-sgd", "waves", {"width": 16}, optimizer="sgd", momentum=0.9, lr=0.3, batch_size=256, batches=250,
          edges=(25, 30, 40)),
    _lstm("adding", "adding", {"width": 20}, loss="squared-error", lr=5e-3, clip=1.0, batches=400),
    _lstm("recall", "recall", {"width": 24}, lr=5e-3, batches=600),
    _lstm("digits-two-layers", "digit_rows", {"width": 24, "depth": 2}, lr=5e-3, batches=250),
    _text("bag", "texts", {}, lr=5e-3, batches=200),
    _text("bag-sparse", "texts", {"sparse": True, "activation": "tanh"}, optimizer="sgd", lr=1.0, batches=400),
    _text("bag-deep", "texts", {"depth": 3, "width": 24}, lr=3e-3, batches=250),
    _text("bag-adagrad", "texts", {"sparse": True}, optimizer="adagrad", lr=0.05, batches=250),
)  # fmt: skip
