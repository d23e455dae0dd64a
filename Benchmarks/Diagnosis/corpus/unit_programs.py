"""Programs of other units: the largest of several sums, distances to centres, products of pairs."""

from __future__ import annotations

from corpus.program import programs_of

_maxout, _radial = programs_of("maxout", "maxout"), programs_of("radial-basis", "radial_basis")
_factorization = programs_of("factorization", "factorization", "binary")

UNIT_PROGRAMS = (
    _maxout("digits", "digits", {"dropout": 0.2}, lr=2e-3, batches=200),
    _maxout("cancer", "breast_cancer", {"depth": 3, "width": 12, "pieces": 2}, loss="binary", optimizer="nadam", lr=2e-3,
            batch_size=16, batches=150),
    _maxout("friedman-sgd", "friedman", {"depth": 1, "width": 16}, loss="squared-error", optimizer="sgd", lr=0.05,
            batch_size=256, batches=200, edges=(4, 8, 10)),
    _radial("spirals", "spirals", {}, lr=2e-2, batch_size=64, batches=300),
    _radial("friedman", "friedman", {"depth": 1, "width": 6}, loss="squared-error", optimizer="adamw", lr=8e-3,
            schedule="cosine", batches=250),
    _radial("blobs-sgd", "blobs", {"count": 30}, optimizer="sgd", momentum=0.9, lr=0.1, batch_size=256, batches=250),
    _radial("spirals-deep", "spirals", {"depth": 2, "count": 24, "activation": "relu"}, lr=8e-3, batch_size=64, batches=300),
    _radial("spirals-sgd", "spirals", {"count": 24, "depth": 1}, optimizer="nesterov", lr=0.2, batch_size=400, batches=300,
            edges=(5, 6, 7)),
    _factorization("households", "households", {}, lr=5e-3, batch_size=64, batches=250),
    _factorization("friedman", "friedman", {"depth": 2, "width": 16}, loss="squared-error", optimizer="adamw", lr=5e-3,
                   batches=250),
    _factorization("households-plain", "households", {"depth": 0, "width": 8}, optimizer="adagrad", lr=0.1, batch_size=64,
                   batches=250),
    _factorization("cancer-sgd", "breast_cancer", {"depth": 1, "activation": "tanh"}, optimizer="sgd", lr=0.5,
                   batch_size=569, batches=150, edges=(80, 110, 150)),
)  # fmt: skip
