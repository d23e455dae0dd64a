"""Programs of convolutions beside each other: for pictures, and for texts."""

from __future__ import annotations

from corpus.program import programs_of

_inception, _shuffle = programs_of("inception", "inception"), programs_of("shuffle", "shuffle")
_capsule, _text_cnn = programs_of("capsule", "capsule"), programs_of("text-cnn", "text_cnn")
_keras_torch = programs_of("keras-inception", "inception", framework="keras-torch")
_keras_jax = programs_of("keras-inception", "inception", framework="keras-jax")

MULTIBRANCH_PROGRAMS = (
    _inception("images", "images", {}, lr=4e-3, batches=120),
    _inception("digits", "digit_images", {"norm": None, "activation": "leaky"}, optimizer="nadam", lr=4e-3, batches=200),
    _inception("digits-sgd", "digit_images", {"depth": 1, "norm": None, "activation": "tanh"}, optimizer="sgd", momentum=0.9,
               lr=0.3, batch_size=128, batches=200, edges=(6, 7)),
    _shuffle("images", "images", {}, lr=4e-3, batches=130),
    _shuffle("digits-scaled", "digit_images", {"groups": 2}, optimizer="adamw", lr=4e-3, precision="mixed",
             loss_factor=256.0, batches=150),
    _shuffle("digits-lion", "digit_images", {"norm": "layer", "activation": "gelu", "depth": 3}, optimizer="lion", lr=2e-3,
             schedule="cosine", batches=250),
    _capsule("digits", "digit_images", {}, lr=4e-3, batches=150),
    _capsule("images", "images", {"kinds": 2, "activation": "tanh"}, optimizer="rmsprop", lr=2e-3, batches=150),
    _capsule("digits-sgd", "digit_images", {"activation": "tanh", "width": 8}, optimizer="sgd", lr=5.0, batch_size=200,
             batches=120, edges=(2.3, 2.6, 2.8)),
    _text_cnn("topics", "texts", {}, lr=5e-3, batches=180),
    _text_cnn("topics-dropout", "texts", {"dropout": 0.3, "depth": 1, "words": (1, 3)}, optimizer="adamw", lr=4e-3, clip=1.0,
              batches=200),
    _text_cnn("topics-adagrad", "texts", {"activation": "tanh", "channels": 12}, optimizer="adagrad", lr=0.05, batch_size=64,
              batches=200),
    _text_cnn("topics-sgd", "texts", {"activation": "tanh"}, optimizer="sgd", momentum=0.9, lr=0.1, batch_size=400,
              batches=120, edges=(20, 25, 32)),
    _keras_torch("torch-images", "images", {"depth": 1, "width": 4}, lr=4e-3, batches=120),
    _keras_jax("jax-digits", "digit_images", {"depth": 2, "width": 4}, optimizer="nadam", lr=3e-3, batches=150),
    _keras_jax("jax-digits-plain", "digit_images", {"depth": 1, "width": 5, "norm": None, "activation": "tanh"},
               optimizer="sgd", momentum=0.9, lr=0.1, batch_size=256, batches=150),
)  # fmt: skip
