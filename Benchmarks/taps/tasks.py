"""What is trained, and for how long: networks that compute little for each parameter, and such as people train."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Task:
    """A network, the examples of a batch, and the batches of a round."""

    network: str
    """``perceptron``, ``convolutional`` or ``residual``."""
    examples: int
    batches: int
    few: int
    """Batches of a round of what takes long for each."""
    layers: tuple[int, ...] = ()
    """Of a perceptron: the numbers of inputs and outputs."""
    image: int = 0
    """Of the others: pixels of an image's side."""


# A round of gradients is larger than what the recorder keeps in memory, 256 MiB, except where steps take seconds: else what
# is measured would be how fast it takes, and not how fast it writes.
TASKS = {
    "321": Task("perceptron", 32, 1500, 300, layers=(10, 16, 8, 1)),
    "1M": Task("perceptron", 32, 150, 15, layers=(512, 768, 768, 10)),
    "1M, batches of 1,024": Task("perceptron", 1024, 80, 10, layers=(512, 768, 768, 10)),
    "1M, convolutional": Task("convolutional", 64, 60, 8, image=32),
    "25M": Task("perceptron", 32, 12, 2, layers=(2048, 3072, 6016, 10)),
    "25M, ResNet-50": Task("residual", 8, 4, 1, image=224),
}
CLASSES = 10
