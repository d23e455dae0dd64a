"""Programs that learn a distribution, or rebuild what they are given."""

from __future__ import annotations

from corpus.program import programs_of

_mixture = programs_of("mixture-density", "mixture_density", "mixture-likelihood")
_autoregressive = programs_of("autoregressive", "autoregressive", "binary")
_denoiser = programs_of("denoiser", "denoiser", "squared-error")
_keras_torch = programs_of("keras-autoencoder", "autoencoder", "squared-error", "keras-torch")
_keras_jax = programs_of("keras-autoencoder", "autoencoder", "squared-error", "keras-jax")

DENSITY_PROGRAMS = (
    _mixture("friedman", "friedman", {}, lr=3e-3, batches=250),
    _mixture("friedman-deep", "friedman", {"activation": "silu", "depth": 3, "components": 2}, optimizer="adamw",
             lr=3e-3, clip=2.0, batch_size=64, batches=250),
    _mixture("diabetes", "diabetes", {"activation": "tanh", "components": 2, "width": 16}, optimizer="rmsprop", lr=2e-3,
             batches=200),
    _autoregressive("digits", "strokes", {"width": 128}, lr=1e-2, batch_size=64, batches=400),
    _autoregressive("digits-deep", "strokes", {"depth": 2, "width": 128, "activation": "elu"}, optimizer="adamw", lr=1e-2,
                    schedule="cosine", batches=350),
    _autoregressive("digits-relu", "strokes", {"depth": 2, "width": 128}, optimizer="rmsprop", lr=5e-3, clip=1.0,
                    batch_size=64, batches=400),
    _autoregressive("digits-sgd", "strokes", {"activation": "tanh"}, optimizer="sgd", lr=20.0, batch_size=600, batches=300,
                    edges=(3, 4, 5, 6)),
    _denoiser("moons", "noised", {"activation": "relu"}, lr=3e-3, batch_size=64, batches=250),
    _denoiser("moons-nadam", "noised", {"depth": 3, "width": 24}, optimizer="nadam", lr=3e-3, schedule="warm-up",
              batch_size=128, batches=250),
    _denoiser("moons-sgd", "noised", {"activation": "tanh", "norm": None}, optimizer="nesterov", lr=0.05, batch_size=256,
              batches=300, edges=(2.5,)),
    _keras_torch("torch-relu", "pixels", {"widths": (40, 16)}, lr=5e-3, batch_size=64, batches=250),
    _keras_jax("jax-tanh", "pixels", {"widths": (32, 12), "activation": "tanh"}, optimizer="rmsprop", lr=3e-3, batches=250),
)  # fmt: skip
