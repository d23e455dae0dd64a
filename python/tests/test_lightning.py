"""gradlog.lightning in real trainers."""

from __future__ import annotations

import copy
import logging
import warnings

import numpy
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

import lightning.pytorch as lightning
from test_torch_gradients import equal
from torch import nn
from torch_models import autograd_gradients, batches_for, build, loss_of, replay_adam, weights_of

import gradlog
from gradlog.lightning import GradientRecorder

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")


class Regression(lightning.LightningModule):
    """Notes the gradient of each batch by autograd, on a copy, before Lightning differentiates it."""

    def __init__(self, parts=1):
        super().__init__()
        self.model, self.parts, self.expected, self.losses = build("mlp"), parts, [], []

    def training_step(self, batch, index):
        gradients = autograd_gradients(self.model, *batch)
        self.expected.append({f"model.{name}": gradient / self.parts for name, gradient in gradients.items()})
        loss = loss_of(self.model, *batch)
        self.losses.append(float(loss.detach()) / self.parts)
        return loss

    def validation_step(self, batch, index):
        return loss_of(self.model, *batch)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-2)


def loader(count=6):
    return torch.utils.data.DataLoader(batches_for("mlp", count), batch_size=None)


def trainer(callback, epochs=2, **options):
    quiet = dict(
        logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False
    )
    callbacks = [callback] if callback is not None else []
    return lightning.Trainer(
        max_epochs=epochs, accelerator="cpu", callbacks=callbacks, **{**quiet, **options}
    )


def test_every_batch_of_a_fit_is_recorded_and_none_of_its_validation(target):
    module = Regression()
    start = weights_of(module)
    trainer(GradientRecorder(target.file)).fit(module, loader(), loader(2))
    records = target.records()
    assert [record.place for record in records] == [(i // 6, i % 6, i, 0) for i in range(12)]
    assert [record.loss for record in records] == pytest.approx(module.losses, rel=1e-6)
    assert {record.learning_rate for record in records} == {1e-2}
    for record, gradients in zip(records, module.expected):
        equal(record.gradients, gradients)
    replayed, trained = replay_adam(start, [record.gradients for record in records], 1e-2), weights_of(module)
    assert max(numpy.abs(replayed[name] - trained[name]).max() for name in trained) < 5e-6


def test_the_fit_is_bit_identical_with_the_recorder(memory):
    module = Regression()
    twin = copy.deepcopy(module)
    trainer(None).fit(twin, loader())
    trainer(GradientRecorder(memory)).fit(module, loader())
    for one, other in zip(module.parameters(), twin.parameters()):
        assert torch.equal(one, other)


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_accumulation_and_clipping(stage, memory):
    module = Regression(parts=3)
    trainer(GradientRecorder(memory, stage=stage), 1, accumulate_grad_batches=3, gradient_clip_val=0.05).fit(
        module, loader(7)
    )
    places = [record.place for record in memory.records]
    losses = [record.loss for record in memory.records]
    if stage == "raw":
        assert places == [(0, batch, batch // 3, 0) for batch in range(7)]
        assert losses == pytest.approx(module.losses, rel=1e-6)
        for record, gradients in zip(memory.records, module.expected):
            equal(record.gradients, gradients, tolerance=1e-6)
        return
    assert places == [(0, 2, 0, 0), (0, 5, 1, 0), (0, 6, 2, 0)]
    groups = [slice(0, 3), slice(3, 6), slice(6, 7)]
    assert losses == pytest.approx([sum(module.losses[group]) for group in groups], rel=1e-6)
    for record, group in zip(memory.records, groups):
        total = {name: sum(one[name] for one in module.expected[group]) for name in module.expected[0]}
        norm = numpy.sqrt(sum((gradient**2).sum() for gradient in total.values()))
        assert norm > 0.05
        equal(
            record.gradients, {name: g * (0.05 / (norm + 1e-6)) for name, g in total.items()}, tolerance=1e-5
        )


def test_manual_optimization_with_two_optimizers(memory):
    class Pair(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False
            self.one, self.other, self.expected, self.losses = build("mlp"), build("mlp"), [], []

        def training_step(self, batch, index):
            for prefix, model, optimizer in zip(("one", "other"), (self.one, self.other), self.optimizers()):
                self.expected.append(
                    {f"{prefix}.{n}": g for n, g in autograd_gradients(model, *batch).items()}
                )
                optimizer.zero_grad()
                loss = loss_of(model, *batch)
                self.losses.append(float(loss.detach()))
                self.manual_backward(loss)
                optimizer.step()

        def configure_optimizers(self):
            return [torch.optim.Adam(self.one.parameters()), torch.optim.SGD(self.other.parameters(), lr=0.1)]

    module = Pair()
    trainer(GradientRecorder(memory), 2).fit(module, loader(3))
    assert [record.place for record in memory.records] == [(i // 6, i % 6 // 2, i, 0) for i in range(12)]
    assert [record.optimizer for record in memory.records] == ["Adam_0", "SGD_1"] * 6
    assert [record.loss for record in memory.records] == pytest.approx(module.losses)
    for record, gradients in zip(memory.records, module.expected):
        equal(record.gradients, gradients)


def test_lbfgs_in_lightning(memory):
    class Closure(Regression):
        def configure_optimizers(self):
            return torch.optim.LBFGS(self.parameters(), lr=0.1, max_iter=3)

    module = Closure()
    trainer(GradientRecorder(memory), 1).fit(module, loader(2))
    assert len(memory.records) == len(module.expected) > 2
    assert {record.batch for record in memory.records} == {0, 1}
    assert [record.loss for record in memory.records] == pytest.approx(module.losses)
    for record, gradients in zip(memory.records, module.expected):
        equal(record.gradients, gradients)


@pytest.mark.parametrize("stage", ["applied", "raw"])
@pytest.mark.parametrize("fused", [False, True])
def test_mixed_precision_keeps_the_scale(stage, fused, memory):
    from lightning.pytorch.plugins.precision import MixedPrecision

    class Scaled(Regression):
        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=1e-3, fused=fused)

    class Float32(MixedPrecision):
        """Loss scaling as on a GPU, without the rounding of autocast, so that the gradients can be compared exactly."""

        def autocast_context_manager(self):
            return torch.autocast("cpu", enabled=False)

    scaler = torch.amp.GradScaler("cpu", init_scale=512.0, growth_interval=100)
    module = Scaled()
    plugin = Float32("16-mixed", "cpu", scaler)
    trainer(GradientRecorder(memory, stage=stage), 1, plugins=[plugin]).fit(module, loader(4))
    assert [record.place for record in memory.records] == [(0, i, i, 0) for i in range(4)]
    assert {record.loss_scale for record in memory.records} == {512.0}
    assert [record.loss for record in memory.records] == pytest.approx(module.losses)
    for record, gradients in zip(memory.records, module.expected):
        equal(record.gradients, gradients, tolerance=1e-6)


def test_a_finding_stops_the_trainer(memory):
    memory.stop_after = 4
    module = Regression()
    fitted = trainer(GradientRecorder(memory), 5, min_epochs=0)
    fitted.fit(module, loader())
    assert fitted.should_stop
    assert len(memory.records) == 4


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_the_bad_step_is_not_taken(stage, tmp_path):
    recorded_file = pytest.importorskip("recorded_file")

    class Poisoned(Regression):
        def training_step(self, batch, index):
            self.before = weights_of(self)
            x, y = batch
            return super().training_step((x * float("nan") if index == 3 else x, y), index)

    module = Poisoned()
    recorder = GradientRecorder(tmp_path / "runs.db", "r", stage=stage, stop_on="nonfinite")
    fitted = trainer(recorder, 5)
    fitted.fit(module, loader())
    assert fitted.should_stop
    for name, weight in weights_of(module).items():
        assert numpy.array_equal(weight, module.before[name]), name
    assert [record.batch for record in recorded_file.records_in(tmp_path / "runs.db")] == [0, 1, 2, 3]


def test_an_exception_in_the_fit_comes_out_as_itself_and_removes_the_hooks(memory):
    class Failing(Regression):
        fails = True

        def training_step(self, batch, index):
            if index == 2 and self.fails:
                raise ZeroDivisionError("in the training")
            return super().training_step(batch, index)

    callback, module = GradientRecorder(memory), Failing()
    with pytest.raises(ZeroDivisionError, match="in the training"):
        trainer(callback, 1).fit(module, loader())
    assert callback.recording is None
    assert len(memory.records) == 2
    module.fails = False
    trainer(callback, 1).fit(module, loader())
    assert len(memory.records) == 8


def test_a_fit_that_trains_nothing_is_told(memory):
    class Idle(Regression):
        def training_step(self, batch, index):
            return None

    with pytest.raises(gradlog.GradlogError, match="no optimizer.step|nothing was recorded"):
        trainer(GradientRecorder(memory), 1).fit(Idle(), loader(2))


def test_failures_of_the_recorder_do_not_reach_the_fit(memory, capsys):
    memory.fails_at = 1
    module = Regression()
    twin = copy.deepcopy(module)
    trainer(None, 1).fit(twin, loader())
    trainer(GradientRecorder(memory), 1).fit(module, loader())
    assert "the disk is full" in capsys.readouterr().err
    assert len(memory.records) == 5
    for one, other in zip(module.parameters(), twin.parameters()):
        assert torch.equal(one, other)


def test_batch_norm_and_embedding_train_under_lightning(memory):
    class Tokens(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.embedding, self.norm, self.head = nn.Embedding(20, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)
            self.expected = []

        def forward(self, x):
            return self.head(self.norm(self.embedding(x).mean(1)))

        def training_step(self, batch, index):
            loss = loss_of(self, *batch)
            named = dict(self.named_parameters())
            gradients = torch.autograd.grad(loss, list(named.values()), retain_graph=True)
            self.expected.append({n: g.double().numpy() for n, g in zip(named, gradients)})
            return loss

        def configure_optimizers(self):
            optimizer = torch.optim.AdamW(self.parameters(), lr=1e-2)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)]

    module = Tokens()
    batches = torch.utils.data.DataLoader(batches_for("lstm", 3), batch_size=None)
    trainer(GradientRecorder(memory), 2).fit(module, batches)
    assert [record.learning_rate for record in memory.records] == [1e-2] * 3 + [5e-3] * 3
    for record, gradients in zip(memory.records, module.expected):
        equal(record.gradients, gradients)
