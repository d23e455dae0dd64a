"""Programs of many tasks: for pictures, sequences, tables, pairs and graphs."""

from __future__ import annotations

from typing import Any

from corpus.program import Program, programs_of

_mixer, _vit = programs_of("mixer", "mixer"), programs_of("vit", "vision_transformer")
_depthwise, _densenet = programs_of("depthwise", "depthwise"), programs_of("densenet", "densenet")
_unet = programs_of("unet", "unet")
_tcn, _seq2seq = programs_of("tcn", "tcn"), programs_of("seq2seq", "seq2seq")
_highway, _experts = programs_of("highway", "highway"), programs_of("experts", "experts")
_siren, _vae = programs_of("siren", "siren", "squared-error"), programs_of("vae", "vae", "evidence-bound")
_siamese, _graph = programs_of("siamese", "siamese", "binary"), programs_of("graph", "graph")
_towers = programs_of("two-tower", "two_tower", "squared-error")
_wide_deep = programs_of("wide-deep", "wide_and_deep", "binary")


def _keras(network: str, backend: str, name: str, dataset: str, shape: dict[str, object], **rest: Any) -> Program:
    return programs_of(f"keras-{network}", network, framework=f"keras-{backend}")(f"{backend}-{name}", dataset, shape, **rest)


TASK_PROGRAMS = (
    _mixer("images", "images", {}, lr=2e-3, batches=150),
    _mixer("digits", "digit_images", {"patch": 2, "width": 20, "depth": 2, "activation": "relu"}, optimizer="adamw", lr=3e-3,
           schedule="warm-up", batches=150),
    _vit("images", "images", {}, lr=2e-3, batches=180),
    _vit("digits-post", "digit_images", {"patch": 2, "norm": "post", "activation": "relu"}, lr=4e-3, schedule="warm-up",
         batches=250),
    _vit("digits-deep", "digit_images", {"patch": 4, "depth": 4, "width": 18}, optimizer="adamw", lr=2e-3, clip=1.0,
         schedule="cosine", batches=200),
    _depthwise("images", "images", {}, lr=3e-3, batches=150),
    _depthwise("digits-excites", "digit_images", {"depth": 2, "excites": True, "activation": "silu"}, optimizer="rmsprop",
               lr=1e-3, batches=150),
    _depthwise("digits-sgd", "digit_images", {"depth": 2, "norm": "layer"}, optimizer="nesterov", lr=0.03, batch_size=64,
               schedule="cosine", batches=200),
    _densenet("images", "images", {"depth": 3, "growth": 6}, lr=3e-3, batches=120),
    _densenet("digits-sgd", "digit_images", {"depth": 3, "growth": 6}, optimizer="sgd", momentum=0.9, lr=0.03,
              schedule="cosine", batches=150),
    _unet("scenes", "scenes", {}, lr=3e-3, batch_size=16, batches=120),
    _unet("masks", "masks", {"norm": "layer", "activation": "silu", "width": 6}, loss="binary", optimizer="sgd",
          momentum=0.9, lr=0.1, batch_size=16, batches=150),
    _tcn("grammar", "grammar", {"everywhere": True}, lr=4e-3, batches=150),
    _tcn("adding", "adding", {"activation": "gelu", "width": 20}, loss="squared-error", lr=5e-3, batches=300),
    _tcn("waves-sgd", "waves", {"norm": "batch", "depth": 2}, optimizer="sgd", momentum=0.9, lr=0.03, batch_size=256,
         batches=120, edges=(10, 20, 40)),
    _seq2seq("gru", "reversal", {}, lr=8e-3, clip=1.0, batches=300),
    _seq2seq("lstm", "reversal", {"kind": "lstm"}, lr=1e-2, schedule="cosine", batches=300),
    _highway("digits", "digits", {"depth": 8}, lr=2e-3, batches=200),
    _highway("friedman-sgd", "friedman", {"depth": 4, "width": 24, "activation": "tanh"}, loss="squared-error",
             optimizer="sgd", lr=0.05, batch_size=256, batches=250, edges=(5, 10, 13, 16, 20)),
    _highway("spirals", "spirals", {"depth": 5, "activation": "elu"}, lr=4e-3, batch_size=64, batches=300),
    _experts("digits", "digits", {}, lr=2e-3, batches=200),
    _experts("friedman", "friedman", {"top": 1, "activation": "gelu", "depth": 1}, loss="huber", optimizer="adamw", lr=3e-3,
             batches=250),
    _siren("picture", "picture", {}, lr=1e-3, batch_size=128, batches=400),
    _siren("picture-deep", "picture", {"depth": 5, "width": 24, "frequency": 6.0}, lr=1e-3, schedule="cosine",
           batch_size=256, batches=400),
    _siamese("digits", "pairs", {"initializer": "kaiming"}, lr=2e-3, batches=500),
    _siamese("digits-sgd", "pairs", {"activation": "tanh"}, optimizer="sgd", momentum=0.9, lr=0.1, batch_size=128,
             batches=300, edges=(10, 20)),
    _siamese("full-batch", "pairs", {"activation": "tanh"}, optimizer="sgd", lr=1.0, batch_size=2000, batches=150,
             edges=(3, 5, 6, 12)),
    _vae("digits", "pixels", {"activation": "gelu"}, lr=4e-3, batch_size=64, batches=400),
    _vae("digits-tanh", "pixels", {"activation": "tanh", "widths": (40,)}, optimizer="adamw", lr=4e-3, batches=250),
    _graph("relu", "graphs", {}, lr=6e-3, batches=300),
    _graph("residual", "graphs", {"adds": True, "norm": "layer", "activation": "elu", "depth": 4}, optimizer="rmsprop",
           lr=2e-3, batches=200),
    _graph("full-batch", "graphs", {"activation": "tanh"}, optimizer="sgd", lr=0.1, batch_size=1000, batches=200,
           edges=(12, 20, 40)),
    _towers("ratings", "ratings", {}, lr=1e-2, batch_size=64, batches=300),
    _towers("factors", "ratings", {"depth": 0, "sparse": True}, optimizer="adagrad", lr=0.2, batch_size=64, batches=300),
    _wide_deep("households", "households", {}, lr=3e-3, batches=250),
    _wide_deep("households-sgd", "households", {"depth": 3, "activation": "gelu"}, optimizer="sgd", momentum=0.9, lr=0.3,
               batch_size=256, batches=300, edges=(4, 8, 16)),
    _keras("recurrent", "torch", "waves-gru", "waves", {"kind": "gru", "width": 16}, lr=8e-3, batches=150),
    _keras("recurrent", "jax", "digits-lstm", "digit_rows", {"kind": "lstm", "width": 24}, lr=5e-3, batches=250),
    _keras("recurrent", "jax", "texts-rnn", "texts", {"kind": "rnn", "width": 16, "mean": True}, optimizer="rmsprop",
           lr=3e-3, batches=200),
    _keras("transformer", "torch", "digits", "digit_rows", {"width": 16, "depth": 2}, lr=3e-3, batches=150),
    _keras("transformer", "jax", "texts", "texts", {"width": 16, "depth": 1}, lr=3e-3, batches=200),
)  # fmt: skip
