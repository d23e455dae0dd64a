"""Trains a program in PyTorch, with its fault, records it with gradlog and watches it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradlog
import gradlog.torch
import torch
from torch import nn

from corpus.construction import LOSSES, before_relu, build, optimizer_of
from corpus.data import dataset, with_label_noise
from corpus.examples import Dataset
from corpus.networks import Staged
from corpus.program import Event, Run
from corpus.trace import Trace
from corpus.watching import Watch

LOOKS = (0.7, 0.85, 1.0)
"""Shares of the training after which progress is measured."""


def train(run: Run, file: Path | None) -> Trace:
    """Trains the run; ``file``: where to record it, None to leave that out."""
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    program = run.program
    data = with_label_noise(dataset(program.dataset), program.label_noise, run.seed)
    kind = torch.float16 if program.precision == "float16" else torch.float32
    model = build(program, data)
    inputs = torch.from_numpy(data.inputs) if data.is_tokens else torch.from_numpy(data.inputs).to(kind)
    if program.input_scale != 1:
        inputs = inputs * program.input_scale
    targets = torch.from_numpy(data.targets) if data.classes > 1 else torch.from_numpy(data.targets).float()
    loop = Loop(run, model.to(kind), data, inputs, targets)
    if program.pretraining:
        loop.pretrain(program.pretraining)
    with recording(run, model, loop.optimizer, file) as recorder:
        loop.run(recorder)
    return loop.watch.trace


@contextlib.contextmanager
def recording(run: Run, model: nn.Module, optimizer: torch.optim.Optimizer, file: Path | None) -> Iterator[Any]:
    """What the loop tells of each batch, and which records it: a tap, or the recorder itself when the optimizer has none of
    the model's weights.
    """
    if file is None:
        yield None
        return
    options: dict[str, Any] = {"capture": "none", "journal": "rollback", "configuration": {"program": run.program.name}}
    if run.program.updates == "another model":
        with gradlog.Recorder(
            file, run.name, stage="applied", framework=f"PyTorch {torch.__version__}", **options
        ) as one:
            yield one
    else:
        with gradlog.torch.record(model, optimizer, file, run.name, stage=run.stage, **options) as tap:
            yield tap


class Loop:
    """The training loop of a program."""

    def __init__(self, run: Run, model: Staged, data: Dataset, inputs: torch.Tensor, targets: torch.Tensor) -> None:
        self._run, self._program, self._model = run, run.program, model
        self._inputs = inputs
        scaled = targets * self._program.target_scale if self._program.target_scale != 1 else targets
        self._targets = scaled.to(inputs.dtype) if data.classes < 2 and not data.is_tokens else scaled
        self._loss = LOSSES[self._program.loss]
        self.optimizer = self._make_optimizer(data)
        self.watch = Watch(model, self._program, data, inputs, targets)
        self._order = torch.Generator().manual_seed(run.seed + 1)
        self._watches_dead = run.fault is not None and run.fault.mechanism in ("explosion", "dead")

    def _make_optimizer(self, data: Dataset) -> torch.optim.Optimizer:
        other = build(self._program, data) if self._program.updates == "another model" else self._model
        return optimizer_of(self._program, other)

    def _batches(self) -> Iterator[tuple[int, int, torch.Tensor]]:
        """Epoch, batch in the epoch, and the examples, without end."""
        count, size = len(self._inputs), min(self._program.batch_size, len(self._inputs))
        epoch = 0
        while True:
            order = torch.randperm(count, generator=self._order)
            for batch in range(count // size):
                yield epoch, batch, order[batch * size : (batch + 1) * size]
            epoch += 1

    def pretrain(self, batches: int) -> None:
        """Trains without recording, with a larger step: what follows is a fine-tuning."""
        optimizer = optimizer_of(self._program.changed(lr=self._program.lr * 10), self._model)
        for step, (_, _, chosen) in enumerate(self._batches()):
            if step == batches:
                break
            optimizer.zero_grad()
            self._loss(self._model(self._inputs[chosen]), self._targets[chosen]).backward()
            optimizer.step()
        self._model.zero_grad()

    def run(self, recorder: Any) -> None:
        """Trains; ``recorder``: what ``recording`` gave."""
        program, batches = self._program, self._program.batches
        looks = {math.ceil(batches * share) for share in LOOKS}
        self.watch.progress()
        for step, (epoch, batch, chosen) in enumerate(self._batches()):
            if step == batches:
                break
            self._happenings(step)
            self.optimizer.param_groups[0]["lr"] = self._lr(step)
            zeroes = program.zero_grad_every == 1 or (program.zero_grad_every and step % program.zero_grad_every == 0)
            if step < program.zero_grad_from or zeroes:
                self._model.zero_grad()
            with torch.autocast("cpu", torch.float16, enabled=program.precision == "mixed"):
                outputs = self._model(self._fed(step, chosen))
                loss = self._loss(outputs, self._targets[chosen]) * program.loss_factor
            self._tell(recorder, epoch, batch, step, loss)
            loss.backward()
            if self._run.stage == "raw":
                self.watch.step(float(loss.detach()))
            if program.clip is not None:
                nn.utils.clip_grad_norm_(self._model.parameters(), program.clip)
            if self._run.stage == "applied":
                self.watch.step(float(loss.detach()))
            self._apply(recorder, epoch, batch, step, loss)
            if self._watches_dead:
                self.watch.dead_units()
            if step + 1 in looks:
                self.watch.progress()

    def _tell(self, recorder: Any, epoch: int, batch: int, step: int, loss: torch.Tensor) -> None:
        if isinstance(recorder, gradlog.torch.GradientRecording):
            recorder.at(epoch, batch, step)
            if self._run.records_loss:
                recorder.loss = loss

    def _apply(self, recorder: Any, epoch: int, batch: int, step: int, loss: torch.Tensor) -> None:
        if isinstance(recorder, gradlog.Recorder):
            gradients = {name: parameter.grad for name, parameter in self._model.named_parameters()}
            told = float(loss.detach()) if self._run.records_loss else None
            recorder.record(gradients, epoch=epoch, batch=batch, step=step, loss=told, learning_rate=self._program.lr)
        if self._program.updates != "none":
            self.optimizer.step()

    def _lr(self, step: int) -> float:
        program = self._program
        factor = math.prod(e.value for e in program.events if e.kind == "learning-rate" and e.is_on(step))
        match program.schedule:
            case "warm-up":
                factor *= min(1.0, (step + 1) / (0.2 * program.batches))
            case "cosine":
                factor *= 0.5 * (1 + math.cos(math.pi * step / program.batches))
            case "steps":
                factor *= 0.3 ** (3 * step // program.batches)
            case "collapse":
                factor *= 0.7**step
        return program.lr * factor

    def _fed(self, step: int, chosen: torch.Tensor) -> torch.Tensor:
        x = self._inputs[chosen]
        for event in self._program.events:
            if not event.is_on(step):
                continue
            if event.kind == "scale-input":
                x = x * event.value
            elif event.kind == "poison":
                x = x.clone()
                x[0].view(-1)[x[0].numel() // 2] = event.value
            elif event.kind == "unit-variance":
                x = (x - x.mean(dim=0)) / x.std(dim=0)
        return x

    @torch.no_grad()
    def _happenings(self, step: int) -> None:
        for event in self._program.events:
            if step != event.step:
                continue
            if event.kind == "freeze":
                for parameter in self._model.stages[event.stage].parameters():
                    parameter.requires_grad_(False)
                    parameter.grad = None
            elif event.kind == "kill":
                kill(self._model, event)
            elif event.kind == "scale-weights":
                for parameter in self._model.stages[event.stage].parameters():
                    parameter.mul_(event.value)


def kill(model: Staged, event: Event) -> None:
    """Silences the first units of what feeds the ReLU of this number: no input makes them positive any more."""
    feed = before_relu(model)[event.stage]
    count = max(1, round(event.value * len(feed.bias)))
    feed.weight[:count] = 0
    feed.bias[:count] = -1
