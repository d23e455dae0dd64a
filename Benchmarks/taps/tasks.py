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


# Rounds of one to three seconds, so that there are many of them and neighbours find the machine alike; what the recorder still
# keeps in memory when a round is over, up to 256 MiB, is counted with the closing.
TASKS = {
    "321": Task("perceptron", 32, 1500, 300, layers=(10, 16, 8, 1)),
    "1M": Task("perceptron", 32, 150, 15, layers=(512, 768, 768, 10)),
    "1M, batches of 1,024": Task("perceptron", 1024, 40, 10, layers=(512, 768, 768, 10)),
    "1M, convolutional": Task("convolutional", 64, 30, 8, image=32),
    "25M": Task("perceptron", 32, 12, 2, layers=(2048, 3072, 6016, 10)),
    "25M, ResNet-50": Task("residual", 8, 4, 1, image=224),
}
CLASSES = 10
