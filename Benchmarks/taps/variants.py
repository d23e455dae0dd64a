"""Trainings, and what is done with the gradients of each batch: nothing, gradlog, and what people use today.

A variant is given a training and a folder, and returns what is called after each backward pass (before the optimizer's step)
and what ends it.
"""

import os

from raw_file import RawFile
from tasks import CLASSES


def slow(variant):
    """Marks a variant that takes seconds for a batch of a large model."""
    variant.is_slow = True
    return variant


def nothing(training, folder):
    return None, lambda: None


def copied_and_written(training, folder):
    file = RawFile(folder / "gradients")
    return lambda batch: file.append(gradient for _, gradient in training.gradients()), file.close


def histograms_of_tensorboard(training, folder):
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(folder))

    def record(batch):
        for name, gradient in training.gradients():
            writer.add_histogram(name, gradient, batch)

    return record, writer.close


def histograms_of_wandb(training, folder):
    os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_CONSOLE": "off"}
    for kind in ("CACHE", "CONFIG", "DATA"):
        os.environ[f"WANDB_{kind}_DIR"] = str(folder)
    import wandb

    run = wandb.init(dir=str(folder), project="benchmark", settings=wandb.Settings(x_disable_stats=True))

    def record(batch):
        run.log({name: wandb.Histogram(gradient) for name, gradient in training.gradients()}, step=batch)

    return record, run.finish


class Torch:
    """A network with Adam, as most people write the loop."""

    def __init__(self):
        self.nothing = nothing
        self.variants = {
            "gradlog": self.gradlog(),
            "gradlog, rollback journal": self.gradlog(journal="rollback"),
            "gradlog, statistics only": self.gradlog(capture="none"),
            "memcpy and write": copied_and_written,
            "torch.save of every .grad": self.saved,
            "TensorBoard histograms": slow(histograms_of_tensorboard),
            "W&B offline histograms": slow(histograms_of_wandb),
        }

    def training(self, task):
        return TorchTraining(task)

    @staticmethod
    def gradlog(**options):
        def variant(training, folder):
            import gradlog.torch

            recording = gradlog.torch.record(training.model, training.optimizer, folder / "runs.db", **options)
            return None, recording.close

        return variant

    @staticmethod
    def saved(training, folder):
        import torch

        def record(batch):
            torch.save({name: p.grad for name, p in training.model.named_parameters()}, folder / f"{batch}.pt")

        return record, lambda: None


class TorchTraining:
    def __init__(self, task):
        import torch
        from torch_networks import network

        torch.manual_seed(0)
        # Steps that take seconds need no more.
        self.warming = 1 if task.network == "residual" else 3
        self.model = network(task)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        if task.network == "perceptron":
            self.x, self.y = torch.randn(task.examples, task.layers[0]), torch.randn(task.examples, task.layers[-1])
            self.loss = torch.nn.functional.mse_loss
        else:
            self.x = torch.randn(task.examples, 3, task.image, task.image)
            self.y = torch.randint(CLASSES, (task.examples,))
            self.loss = torch.nn.functional.cross_entropy

    def warm_up(self):
        for batch in range(self.warming):
            self.step(None, batch)

    def step(self, record, batch):
        self.optimizer.zero_grad()
        self.loss(self.model(self.x), self.y).backward()
        if record is not None:
            record(batch)
        self.optimizer.step()

    def count(self):
        """How many parameters there are."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def intensity(self):
        """Floating-point operations of a step for each parameter: products and sums of forward and backward pass."""
        from torch.utils.flop_counter import FlopCounterMode

        with FlopCounterMode(display=False) as counter:
            self.loss(self.model(self.x), self.y).backward()
        return counter.get_total_flops() / self.count()

    def gradients(self):
        return [(name, parameter.grad.numpy()) for name, parameter in self.model.named_parameters()]


class Jax:
    """Adam of optax on a perceptron; gradlog outside of the compiled step and inside."""

    def __init__(self):
        self.nothing = nothing
        self.variants = {
            "gradlog": self.outside(),
            "gradlog, rollback journal": self.outside(journal="rollback"),
            "gradlog, statistics only": self.outside(capture="none"),
            "memcpy and write": copied_and_written,
            "gradlog, tap in optax": self.inside(),
            "TensorBoard histograms": slow(histograms_of_tensorboard),
            "W&B offline histograms": slow(histograms_of_wandb),
        }

    def training(self, task):
        return JaxTraining(task.layers, task.examples)

    @staticmethod
    def outside(**options):
        def variant(training, folder):
            import gradlog
            import gradlog.jax

            recorder = gradlog.Recorder(folder / "runs.db", **options)
            return lambda batch: gradlog.jax.record_gradients(recorder, training.found), recorder.close

        return variant

    @staticmethod
    def inside(**options):
        def variant(training, folder):
            import gradlog.jax

            tap = gradlog.jax.tap(folder / "runs.db", **options)
            training.compile(tap)
            training.warm_up()
            return None, tap.close

        return variant


class JaxTraining:
    def __init__(self, layers, batch):
        import jax

        self.layers, self.batch = layers, batch
        keys = jax.random.split(jax.random.key(0), len(layers) + 1)
        self.parameters = {
            f"dense_{i}": {
                "kernel": jax.random.normal(keys[i], (inputs, outputs)) / inputs**0.5,
                "bias": jax.numpy.zeros(outputs),
            }
            for i, (inputs, outputs) in enumerate(zip(layers, layers[1:]))
        }
        self.x = jax.random.normal(keys[-2], (batch, layers[0]))
        self.y = jax.random.normal(keys[-1], (batch, layers[-1]))
        self.compile()

    def compile(self, *before):
        import jax
        import optax

        optimizer = optax.chain(*before, optax.adam(1e-3))

        def loss(parameters, x, y):
            for index in range(len(parameters)):
                layer = parameters[f"dense_{index}"]
                x = x @ layer["kernel"] + layer["bias"]
                x = jax.nn.relu(x) if index < len(parameters) - 1 else x
            return ((x - y) ** 2).mean()

        @jax.jit
        def step(parameters, state, x, y):
            gradients = jax.grad(loss)(parameters, x, y)
            updates, state = optimizer.update(gradients, state, parameters)
            return optax.apply_updates(parameters, updates), state, gradients

        self.update, self.state = step, optimizer.init(self.parameters)

    def warm_up(self):
        for batch in range(3):
            self.step(None, batch)

    def count(self):
        """How many parameters there are."""
        import jax

        return sum(array.size for array in jax.tree.leaves(self.parameters))

    def intensity(self):
        """As of TorchTraining: three products of matrices for each layer, two for the first."""
        pairs = list(zip(self.layers, self.layers[1:]))
        products = 3 * sum(inputs * outputs for inputs, outputs in pairs) - pairs[0][0] * pairs[0][1]
        return 2 * self.batch * products / self.count()

    def step(self, record, batch):
        import jax

        self.parameters, self.state, self.found = self.update(self.parameters, self.state, self.x, self.y)
        jax.block_until_ready(self.parameters)
        if record is not None:
            record(batch)

    def gradients(self):
        import numpy

        return [
            (f"{layer}/{part}", numpy.asarray(gradient))
            for layer, parts in self.found.items()
            for part, gradient in parts.items()
        ]


FRAMEWORKS = {"torch": Torch, "jax": Jax}
