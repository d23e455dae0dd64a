"""The networks of the tasks in PyTorch."""

import torch
from tasks import CLASSES
from torch import nn


def network(task):
    """The network of a task."""
    if task.network == "perceptron":
        return perceptron(task.layers)
    return convolutional() if task.network == "convolutional" else ResNet50()


def perceptron(layers):
    modules = []
    for inputs, outputs in zip(layers, layers[1:]):
        modules += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def convolutional():
    """The network that the Keras examples trained on CIFAR-10 for years, without dropout: 1,250,858 parameters."""
    return nn.Sequential(
        *(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64 * 6 * 6, 512), nn.ReLU(), nn.Linear(512, CLASSES)),
    )


class ResNet50(nn.Module):
    """ResNet-50 (He and others, 2015) with the stride in the 3x3 convolution, as torchvision has it."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(*normalized(3, 64, 7, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1))
        blocks, width = [], 64
        for index, count in enumerate((3, 4, 6, 3)):
            inner = 64 << index
            for place in range(count):
                blocks.append(Bottleneck(width, inner, stride=2 if index > 0 and place == 0 else 1))
                width = 4 * inner
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(width, 1000)

    def forward(self, images):
        return self.head(self.blocks(self.stem(images)).mean((2, 3)))


class Bottleneck(nn.Module):
    def __init__(self, width, inner, stride):
        super().__init__()
        self.path = nn.Sequential(
            *(*normalized(width, inner, 1), nn.ReLU()),
            *(*normalized(inner, inner, 3, stride=stride), nn.ReLU()),
            *normalized(inner, 4 * inner, 1),
        )
        changes = stride > 1 or width != 4 * inner
        self.skip = nn.Sequential(*normalized(width, 4 * inner, 1, stride=stride)) if changes else nn.Identity()

    def forward(self, x):
        return torch.relu(self.path(x) + self.skip(x))


def normalized(inputs, outputs, size, stride=1):
    convolution = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
    return convolution, nn.BatchNorm2d(outputs)
