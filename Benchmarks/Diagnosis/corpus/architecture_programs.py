"""Programs of further architectures: residual, normed and recurrent ones, transformers, autoencoders."""

from __future__ import annotations

from typing import Any

from corpus.program import Program


def _residual(name: str, dataset: str, shape: dict[str, object], **rest: Any) -> Program:
    return Program(f"residual-{name}", "residual-mlp", dataset, "residual_mlp", shape, **rest)


def _resnet(name: str, dataset: str, shape: dict[str, object], **rest: Any) -> Program:
    return Program(f"resnet-{name}", "residual-cnn", dataset, "residual_cnn", shape, **rest)


def _normed(name: str, dataset: str, shape: dict[str, object], **rest: Any) -> Program:
    return Program(f"normed-{name}", "normed-mlp", dataset, "mlp", shape, **rest)


def _recurrent(kind: str, name: str, dataset: str, shape: dict[str, object], **rest: Any) -> Program:
    shape = {"kind": kind, **shape}
    return Program(f"{kind}-{name}", kind, dataset, "recurrent", shape, **rest)


def _attention(name: str, dataset: str, shape: dict[str, object], **rest: Any) -> Program:
    family = "decoder" if shape.get("causal") else "transformer"
    return Program(f"{family}-{name}", family, dataset, "transformer", shape, **rest)


def _autoencoder(name: str, shape: dict[str, object], **rest: Any) -> Program:
    return Program(
        f"autoencoder-{name}", "autoencoder", "pixels", "autoencoder", shape, "squared-error", **rest
    )


def _conv_1d(name: str, shape: dict[str, object], **rest: Any) -> Program:
    return Program(f"conv1d-{name}", "conv1d", "waves", "conv_1d", shape, **rest)


ARCHITECTURE_PROGRAMS = (
    _residual("digits", "digits", {"depth": 5, "width": 32}, lr=1e-3, batches=200),
    _residual("digits-batch-norm", "digits", {"depth": 4, "width": 24, "norm": "batch"}, optimizer="sgd", momentum=0.9,
              lr=0.02, batches=200),
    _residual("friedman", "friedman", {"depth": 8, "width": 24, "activation": "gelu"}, loss="squared-error", lr=1e-3,
              schedule="cosine", batches=250),
    _residual("cancer", "breast_cancer", {"depth": 3, "width": 20, "activation": "silu"}, loss="binary",
              optimizer="adamw", lr=2e-3, batch_size=16, batches=150),
    _residual("tuned", "digits", {"depth": 4, "width": 32}, lr=1e-4, pretraining=250, expects="tuned", batches=150),
    _residual("friedman-sgd", "friedman", {"depth": 4, "width": 24, "norm": None}, loss="squared-error", optimizer="sgd",
              lr=0.02, batch_size=256, batches=200),
    _resnet("digits", "digit_images", {"depth": 3, "channels": 10}, optimizer="sgd", momentum=0.9, lr=0.05, batches=150),
    _resnet("images", "images", {"depth": 2, "channels": 8}, lr=3e-3, batches=150),
    _resnet("images-layer-norm", "images", {"depth": 2, "channels": 8, "norm": "layer", "activation": "gelu"},
            optimizer="adamw", lr=3e-3, schedule="warm-up", batches=150),
    _resnet("noisy-labels", "digit_images", {"depth": 2, "channels": 8}, label_noise=0.5, expects="noisy", lr=2e-3,
            batches=150),
    _normed("digits-batch", "digits", {"depth": 10, "width": 32, "norm": "batch"}, lr=2e-3, batches=250),
    _normed("digits-layer", "digits", {"depth": 8, "width": 32, "norm": "layer", "activation": "tanh"}, lr=1e-3,
            batches=250),
    _normed("spirals", "spirals", {"depth": 6, "width": 32, "norm": "batch"}, optimizer="nesterov", lr=0.02,
            batch_size=128, batches=300),
    _normed("cancer-full-batch", "breast_cancer", {"depth": 4, "width": 16, "norm": "layer"}, loss="binary",
            optimizer="sgd", lr=0.1, batch_size=569, batches=150),
    _normed("imbalanced", "imbalanced", {"depth": 4, "width": 24, "norm": "batch"}, loss="binary", lr=2e-3,
            batch_size=128, batches=200),
    _normed("digits-sgd", "digits", {"depth": 4, "width": 32, "norm": "layer"}, optimizer="sgd", lr=0.1, batch_size=256,
            batches=200, edges=(8, 9, 10, 12)),
    _normed("digits-gelu-sgd", "digits", {"depth": 3, "width": 32, "norm": "layer", "activation": "gelu"}, optimizer="sgd",
            lr=0.1, batch_size=256, batches=200, edges=(10, 15, 20)),
    _normed("digits-tanh-sgd", "digits", {"depth": 3, "width": 24, "norm": "layer", "activation": "tanh"}, optimizer="sgd",
            lr=0.2, batch_size=1797, batches=120, edges=(5, 10, 15)),
    _recurrent("rnn", "waves", "waves", {"width": 24}, lr=3e-3, clip=1.0, batches=400),
    _recurrent("rnn", "digits", "digit_rows", {"width": 32}, optimizer="rmsprop", lr=1e-3, batches=250),
    _recurrent("rnn", "texts", "texts", {"width": 16, "mean": True}, lr=3e-3, batches=200),
    _recurrent("gru", "waves-sgd", "waves", {"width": 16}, optimizer="sgd", momentum=0.9, lr=0.3, batch_size=256, batches=250,
               edges=(6, 8, 10)),
    _recurrent("gru", "adding", "adding", {"width": 20}, loss="squared-error", lr=8e-3, batches=350),
    _recurrent("gru", "digits", "digit_rows", {"width": 24}, lr=5e-3, schedule="cosine", batches=200),
    _recurrent("gru", "texts", "texts", {"width": 16, "mean": True}, optimizer="adam", lr=5e-3, batches=150),
    _attention("digits", "digit_rows", {}, lr=2e-3, batches=200),
    _attention("texts", "texts", {"width": 16}, optimizer="adamw", lr=2e-3, schedule="warm-up", clip=1.0, batches=200),
    _attention("recall", "recall", {"norm": "post", "width": 16}, lr=3e-3, batches=300),
    _attention("relu", "digit_rows", {"activation": "relu", "depth": 3}, lr=2e-3, schedule="warm-up", batches=250),
    _attention("grammar", "grammar", {"causal": True}, optimizer="adamw", lr=3e-3, schedule="cosine", batch_size=16,
               batches=200),
    _attention("begun", "grammar", {"causal": True, "depth": 3}, lr=1e-3, expects="begun", batch_size=8, batches=60),
    _autoencoder("relu", {"widths": (48, 24, 12)}, lr=5e-3, batch_size=64, batches=400),
    _autoencoder("tanh", {"activation": "tanh", "widths": (48, 16)}, lr=3e-3, batches=250),
    _autoencoder("sgd", {"activation": "tanh", "widths": (32, 16)}, optimizer="sgd", momentum=0.9, lr=1.0, batch_size=256,
                 batches=250),
    _autoencoder("gelu-norm", {"activation": "gelu", "norm": "layer"}, lr=3e-3, batches=250),
    _autoencoder("leaky-deep", {"activation": "leaky", "widths": (48, 32, 24, 16)}, lr=4e-3, batches=400),
    _conv_1d("relu", {}, lr=5e-3, batches=250),
    _conv_1d("leaky", {"activation": "leaky", "channels": (10, 10, 10, 10)}, lr=3e-3, batches=250),
    _conv_1d("tanh-sgd", {"activation": "tanh"}, optimizer="sgd", momentum=0.9, lr=0.1, batch_size=256, batches=300),
)  # fmt: skip
