"""Programs of sets, of latents that attend to what is read, and of views that belong together."""

from __future__ import annotations

from corpus.program import programs_of

_deep_sets, _perceiver = programs_of("deep-sets", "deep_sets"), programs_of("perceiver", "perceiver")
_contrastive = programs_of("contrastive", "contrastive", "contrast")

SET_PROGRAMS = (
    _deep_sets("clouds", "clouds", {"width": 32, "depth": 3, "initializer": "kaiming"}, lr=5e-3, batches=350),
    _deep_sets("spread", "samples", {"pool": "max", "activation": "leaky", "depth": 3}, loss="huber", optimizer="nadam",
               lr=3e-3, batches=250),
    _deep_sets("full-batch", "clouds", {"activation": "tanh", "depth": 2}, optimizer="sgd", lr=2.0,
               batch_size=600, batches=250, edges=(1.6, 2, 2.5, 3)),
    _perceiver("digits", "digit_rows", {}, lr=4e-3, batches=200),
    _perceiver("texts", "texts", {"depth": 1}, optimizer="adamw", lr=3e-3, schedule="warm-up", clip=1.0, batches=200),
    _perceiver("recall", "recall", {"activation": "relu", "depth": 1, "latents": 4}, optimizer="rmsprop", lr=3e-3,
               batches=250),
    _perceiver("digits-sgd", "digit_rows", {"activation": "silu", "depth": 1}, optimizer="sgd", lr=0.3, batch_size=400,
               batches=200, edges=(5.5, 6, 6.5, 7)),
    _contrastive("views", "views", {}, lr=3e-3, batch_size=64, batches=250),
    _contrastive("views-lion", "views", {"activation": "gelu", "norm": "layer", "depth": 3}, optimizer="lion", lr=5e-4,
                 batch_size=128, batches=200),
    _contrastive("views-sgd", "views", {"activation": "tanh", "depth": 1}, optimizer="sgd", momentum=0.9, lr=0.3,
                 batch_size=512, batches=150, edges=(14, 18, 28, 40)),
    _contrastive("full-batch", "views", {"activation": "gelu", "norm": "layer", "depth": 2}, optimizer="sgd", lr=1.0,
                 batch_size=512, batches=150, edges=(2.2, 2.6, 3, 8)),
)  # fmt: skip
