"""gradlog.transformers in real Trainers, and loops with Accelerate."""

from __future__ import annotations

import copy
import pickle

import numpy
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from test_torch_gradients import equal
from torch_models import autograd_gradients, batches_for, build, loss_of
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments

import gradlog
import gradlog.torch
from gradlog.transformers import GradientRecorder


def gpt2():
    torch.manual_seed(11)
    config = GPT2Config(
        vocab_size=32, n_positions=12, n_embd=16, n_layer=2, n_head=2, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return GPT2LMHeadModel(config)


def sentences(count=14):
    generator = torch.Generator().manual_seed(5)
    tokens = torch.randint(0, 32, (count, 8), generator=generator)
    return [{"input_ids": row, "labels": row} for row in tokens]


class Observing(Trainer):
    """Notes, by autograd on a copy, the gradient of each batch that the Trainer is about to differentiate, and its loss."""

    def training_step(self, model, inputs, num_items_in_batch=None):
        twin = copy.deepcopy(self.accelerator.unwrap_model(model)).train()
        loss = self.compute_loss(twin, {**inputs}, num_items_in_batch=num_items_in_batch)
        named = dict(twin.named_parameters())
        gradients = torch.autograd.grad(loss, list(named.values()))
        if not hasattr(self, "expected"):
            self.expected, self.losses = [], []
        self.expected.append({name: gradient.double().numpy() for name, gradient in zip(named, gradients)})
        self.losses.append(float(super().training_step(model, inputs, num_items_in_batch)))
        return torch.tensor(self.losses[-1])


def trainer(tmp_path, *callbacks, kind=Observing, model=None, evaluated=None, **options):
    settings = dict(
        output_dir=str(tmp_path / "out"), per_device_train_batch_size=2, num_train_epochs=2, report_to=[], save_strategy="no",
        use_cpu=True, disable_tqdm=True, learning_rate=1e-3, logging_steps=1, max_grad_norm=0.0, seed=1,
    )  # fmt: skip
    arguments = TrainingArguments(**{**settings, **options})
    return kind(
        model=model or gpt2(),
        args=arguments,
        train_dataset=sentences(),
        eval_dataset=evaluated,
        callbacks=list(callbacks),
    )


def test_every_batch_of_gpt2_is_recorded(tmp_path, target):
    training = trainer(tmp_path, GradientRecorder(target.file))
    training.train()
    records = target.records()
    assert [record.place for record in records] == [(i // 7, i % 7, i, 0) for i in range(14)]
    logged = [entry["loss"] for entry in training.state.log_history if "loss" in entry]
    assert [record.loss for record in records] == pytest.approx(logged, rel=1e-5)
    rates = [entry["learning_rate"] for entry in training.state.log_history if "loss" in entry]
    assert [record.learning_rate for record in records] == pytest.approx(rates)
    assert "lm_head.weight" not in records[0].gradients  # tied to the embedding
    for record, gradients in zip(records, training.expected):
        equal(record.gradients, gradients)


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_accumulation_and_the_default_clipping(stage, tmp_path, memory):
    training = trainer(
        tmp_path, GradientRecorder(memory, stage=stage), gradient_accumulation_steps=3, max_grad_norm=0.1
    )
    training.train()
    groups = [slice(0, 3), slice(3, 6), slice(6, 7), slice(7, 10), slice(10, 13), slice(13, 14)]
    if stage == "raw":
        steps = [0, 0, 0, 1, 1, 1, 2, 3, 3, 3, 4, 4, 4, 5]
        assert [record.place for record in memory.records] == [
            (i // 7, i % 7, steps[i], 0) for i in range(14)
        ]
        assert [record.loss for record in memory.records] == pytest.approx(training.losses, rel=1e-6)
        for record, gradients in zip(memory.records, training.expected):
            equal(record.gradients, gradients, tolerance=1e-6)
        return
    assert [record.place for record in memory.records] == [
        (0, 2, 0, 0), (0, 5, 1, 0), (0, 6, 2, 0), (1, 2, 3, 0), (1, 5, 4, 0), (1, 6, 5, 0),
    ]  # fmt: skip
    assert [record.loss for record in memory.records] == pytest.approx(
        [sum(training.losses[g]) for g in groups], rel=1e-6
    )
    for record, group in zip(memory.records, groups):
        total = {name: sum(one[name] for one in training.expected[group]) for name in training.expected[0]}
        norm = numpy.sqrt(sum((gradient**2).sum() for gradient in total.values()))
        assert norm > 0.1
        equal(
            record.gradients, {name: g * (0.1 / (norm + 1e-6)) for name, g in total.items()}, tolerance=1e-5
        )


def test_training_is_bit_identical_with_the_recorder(tmp_path, memory):
    plain, recorded = gpt2(), gpt2()
    trainer(tmp_path, kind=Trainer, model=plain, max_grad_norm=1.0).train()
    trainer(tmp_path, GradientRecorder(memory), kind=Trainer, model=recorded, max_grad_norm=1.0).train()
    for one, other in zip(plain.parameters(), recorded.parameters()):
        assert torch.equal(one, other)
    assert len(memory.records) == 14


def test_resuming_from_a_checkpoint_in_the_middle_of_an_epoch(tmp_path, memory):
    class StopAt(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            control.should_training_stop = state.global_step == 3
            control.should_save = state.global_step == 3

    options = dict(gradient_accumulation_steps=2, kind=Trainer)
    trainer(tmp_path, GradientRecorder(memory), StopAt(), **options).train()
    assert [record.place for record in memory.records] == [(0, 1, 0, 0), (0, 3, 1, 0), (0, 5, 2, 0)]
    memory.records.clear()
    trainer(tmp_path, GradientRecorder(memory), **options).train(
        resume_from_checkpoint=str(tmp_path / "out" / "checkpoint-3")
    )
    assert [record.place for record in memory.records] == [
        (0, 6, 3, 0),
        (1, 1, 4, 0),
        (1, 3, 5, 0),
        (1, 5, 6, 0),
        (1, 6, 7, 0),
    ]


def test_a_finding_stops_the_trainer(tmp_path, memory):
    memory.stop_after = 5
    training = trainer(tmp_path, GradientRecorder(memory), kind=Trainer)
    training.train()
    assert training.state.global_step == 5
    assert len(memory.records) == 5


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_the_bad_step_is_not_taken(stage, tmp_path):
    recorded_file = pytest.importorskip("recorded_file")
    before = []

    class Poisoned(Trainer):
        def compute_loss(self, model, inputs, **options):
            before.append({name: weight.detach().clone() for name, weight in model.named_parameters()})
            loss = super().compute_loss(model, inputs, **options)
            return loss * float("nan") if len(before) == 4 else loss

    recorder = GradientRecorder(tmp_path / "runs.db", "r", stage=stage, stop_on="nonfinite")
    training = trainer(tmp_path, recorder, kind=Poisoned)
    training.train()
    assert training.state.global_step == 4
    for name, weight in training.model.named_parameters():
        assert torch.equal(weight, before[3][name]), name
    assert not torch.equal(before[2]["transformer.wte.weight"], before[3]["transformer.wte.weight"])
    assert [record.batch for record in recorded_file.records_in(tmp_path / "runs.db")] == [0, 1, 2, 3]


def test_evaluation_is_not_recorded_and_not_taken_for_a_loss(tmp_path, memory):
    training = trainer(
        tmp_path, GradientRecorder(memory), evaluated=sentences(4), eval_strategy="steps", eval_steps=2
    )
    training.train()
    assert [record.loss for record in memory.records] == pytest.approx(training.losses, rel=1e-6)
    assert len(memory.records) == 14


def test_an_exception_in_the_training_leaves_no_hook_for_the_next(tmp_path, memory):
    class Failing(Observing):
        def training_step(self, model, inputs, num_items_in_batch=None):
            if self.state.global_step == 2 and not hasattr(self, "failed"):
                self.failed = True
                raise ZeroDivisionError("in the training")
            return super().training_step(model, inputs, num_items_in_batch)

    training = trainer(tmp_path, GradientRecorder(memory), kind=Failing)
    with pytest.raises(ZeroDivisionError, match="in the training"):
        training.train()
    training.train()
    assert len(memory.records) == 2 + 14


def test_the_model_can_be_copied_and_pickled_while_it_is_recorded(tmp_path, memory):
    class Averaging(TrainerCallback):
        def on_step_end(self, args, state, control, model=None, **kwargs):
            self.copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]

    averaging = Averaging()
    training = trainer(tmp_path, GradientRecorder(memory), averaging, kind=Trainer, max_steps=2)
    training.train()
    for twin in averaging.copies:
        twin(**{name: value[None] for name, value in sentences(1)[0].items()}).loss.backward()
        for one, other in zip(twin.parameters(), training.model.parameters()):
            assert torch.equal(one, other)
    assert len(memory.records) == 2


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_a_loop_with_accelerate(stage, target):
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    bare, batches, expected = build("mlp"), batches_for("mlp", 6), []
    model, optimizer = accelerator.prepare(bare, torch.optim.Adam(bare.parameters(), lr=1e-2))
    with gradlog.torch.record(model, optimizer, target.file, stage=stage) as recorder:
        for x, y in recorder.batches(batches):
            with accelerator.accumulate(model):
                expected.append(
                    {name: gradient / 2 for name, gradient in autograd_gradients(bare, x, y).items()}
                )
                accelerator.backward(loss_of(model, x, y))
                optimizer.step()
                optimizer.zero_grad()
    records = target.records()
    if stage == "raw":
        assert [record.place for record in records] == [(0, i, i // 2, 0) for i in range(6)]
        for record, gradients in zip(records, expected):
            equal(record.gradients, gradients, tolerance=1e-6)
    else:
        assert [record.place for record in records] == [(0, 1, 0, 0), (0, 3, 1, 0), (0, 5, 2, 0)]
        for index, record in enumerate(records):
            pair = expected[2 * index : 2 * index + 2]
            equal(record.gradients, {name: pair[0][name] + pair[1][name] for name in pair[0]}, tolerance=1e-6)


def test_a_training_without_steps_is_told(tmp_path, memory):
    class Unhooked(Trainer):
        """As DeepSpeed and LOMO do it: the weights are updated elsewhere."""

        def create_optimizer(self, *arguments, **options):
            optimizer = super().create_optimizer(*arguments, **options)
            optimizer.step = lambda *a, **k: None
            return optimizer

    with pytest.raises(gradlog.GradlogError, match="nothing was recorded"):
        trainer(tmp_path, GradientRecorder(memory), kind=Unhooked, num_train_epochs=1).train()
