"""What users get wrong with gradlog.torch: one sentence each, at once, and the training is never harmed."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import pytest

torch = pytest.importorskip("torch")

from memory_recorder import MemoryRecorder
from test_torch_gradients import train
from torch import nn
from torch_models import batches_for, build, loss_of

import gradlog.torch


def pair():
    model = build("mlp")
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def refused(sentence):
    return pytest.raises(gradlog.GradlogError, match=sentence)


def test_parameters_in_place_of_the_model(memory):
    model, optimizer = pair()
    with refused("must be a torch.nn.Module.*not a generator"):
        gradlog.torch.record(model.parameters(), optimizer, memory)


def test_the_optimizer_of_another_model(memory):
    with refused("holds none of the model's parameters"):
        gradlog.torch.record(build("mlp"), pair()[1], memory)


def test_what_is_no_optimizer(memory):
    model, optimizer = pair()
    with refused("is a StepLR, which is no torch.optim.Optimizer"):
        gradlog.torch.record(model, torch.optim.lr_scheduler.StepLR(optimizer, 1), memory)
    with refused("no optimizer was given"):
        gradlog.torch.record(model, [], memory)


def test_an_unknown_stage_and_scaler(memory):
    model, optimizer = pair()
    with refused("stage must be 'applied' or 'raw', not 'step'"):
        gradlog.torch.record(model, optimizer, memory, stage="step")
    with refused("must be a torch.amp.GradScaler, not a float"):
        gradlog.torch.record(model, optimizer, memory, scaler=2.0)


def test_two_recordings_of_one_optimizer(memory):
    model, optimizer = pair()
    with gradlog.torch.record(model, optimizer, memory) as recorder:
        with refused("optimizer SGD is being recorded already; close"):
            gradlog.torch.record(model, optimizer, memory)
        train(model, optimizer, batches_for("mlp", 1), recorder)
    with gradlog.torch.record(model, optimizer, memory) as recorder:
        train(model, optimizer, batches_for("mlp", 1), recorder)
    assert len(memory.records) == 2


def test_complex_weights(memory):
    model = nn.Linear(2, 2, dtype=torch.complex64)
    with refused("the weight 'weight' is torch.complex64"):
        gradlog.torch.record(model, torch.optim.SGD(model.parameters()), memory)


def test_deepspeed_is_refused(memory):
    class Engine:
        pass

    Engine.__module__ = "deepspeed.runtime.zero"
    with refused("DeepSpeed keeps the gradients in buffers of its own"):
        gradlog.torch.record(build("mlp"), Engine(), memory)


def test_a_step_without_gradients_is_told_after_the_step(memory):
    model, optimizer = pair()
    x, y = batches_for("mlp", 1)[0]
    recorder = gradlog.torch.record(model, optimizer, memory)
    loss_of(model, x, y).backward()
    optimizer.zero_grad()
    with refused("the .grad of every weight was None; call loss.backward"):
        optimizer.step()
    with refused("nothing was recorded"):
        recorder.close()


def test_later_steps_without_gradients_are_absent_rows(memory):
    model, optimizer = pair()
    with gradlog.torch.record(model, optimizer, memory) as recorder:
        train(model, optimizer, batches_for("mlp", 1), recorder)
        optimizer.zero_grad()
        optimizer.step()
    assert set(memory.records[1].gradients.values()) == {None}


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_inference_only(stage, memory):
    model, optimizer = pair()
    with refused("nothing was recorded: no (optimizer.step|backward)"):
        with gradlog.torch.record(model, optimizer, memory, stage=stage):
            with torch.no_grad():
                model(torch.randn(3, 10))


def test_raw_without_the_scaler(memory):
    model, optimizer = pair()
    scaler = torch.amp.GradScaler("cpu")
    x, y = batches_for("mlp", 1)[0]
    before = copy.deepcopy(list(model.parameters()))
    with gradlog.torch.record(model, optimizer, memory, stage="raw"):
        scaler.scale(loss_of(model, x, y)).backward()
        with refused(r"record\(…, scaler=scaler\)"):
            scaler.step(optimizer)
    assert not torch.equal(before[0], model[0].weight), "the step was skipped"


def test_an_exception_of_the_training_comes_out_as_itself(memory):
    model, optimizer = pair()
    with pytest.raises(ZeroDivisionError):
        with gradlog.torch.record(model, optimizer, memory):
            raise ZeroDivisionError
    assert not optimizer._optimizer_step_pre_hooks and not optimizer._optimizer_step_post_hooks
    train(model, optimizer, batches_for("mlp", 1))
    assert memory.records == []


@pytest.mark.parametrize("stage", ["applied", "raw"])
@pytest.mark.parametrize("closure", [False, True])
def test_a_failing_recorder_skips_no_step_and_is_told_at_the_end(stage, closure, memory, capsys):
    memory.fails_at = 1
    model, optimizer = pair()
    twin = copy.deepcopy(model)
    train(twin, torch.optim.SGD(twin.parameters(), lr=0.1), batches_for("mlp", 4))
    recorder = gradlog.torch.record(model, optimizer, memory, stage=stage)
    for x, y in batches_for("mlp", 4):

        def evaluate():
            optimizer.zero_grad()
            loss = loss_of(model, x, y)
            loss.backward()
            return loss

        if closure:
            optimizer.step(evaluate)
        else:
            evaluate()
            optimizer.step()
    with refused("1 records were lost, the first because: the disk is full"):
        recorder.close()
    assert capsys.readouterr().err.count("the disk is full") == 1
    assert [record.batch for record in memory.records] == [0, 2, 3]
    for one, other in zip(model.parameters(), twin.parameters()):
        assert torch.equal(one, other)


def test_stopping(memory):
    memory.stop_after = 3
    model, optimizer = pair()
    with gradlog.torch.record(model, optimizer, memory) as recorder:
        for _ in recorder.epochs(5):
            train(model, optimizer, batches_for("mlp", 2), recorder)
        assert recorder.stopped == "a finding"
    assert len(memory.records) == 3


def test_stopping_by_an_exception_instead_of_the_update(memory):
    memory.stop_after = 1
    model, optimizer = pair()
    before = copy.deepcopy(model[0].weight)
    with pytest.raises(gradlog.torch.TrainingStopped, match="a finding"):
        with gradlog.torch.record(model, optimizer, memory, raise_on_stop=True) as recorder:
            train(model, optimizer, batches_for("mlp", 2), recorder)
    assert torch.equal(before, model[0].weight)
    assert len(memory.records) == 1


@pytest.mark.parametrize("stage", ["applied", "raw"])
def test_closing_takes_every_hook_off(stage, memory):
    model, optimizer = pair()
    with gradlog.torch.record(model, optimizer, memory, stage=stage) as recorder:
        train(model, optimizer, batches_for("mlp", 1), recorder)
    train(model, optimizer, batches_for("mlp", 2))
    recorder.close()
    assert len(memory.records) == 1
    assert not any(parameter._backward_hooks for parameter in model.parameters())
    gone = weakref.ref(optimizer)
    del optimizer, recorder, model
    gc.collect()
    assert gone() is None


def test_an_open_recorder_is_left_open_and_the_rest_of_torch_works_under_it(memory):
    model, optimizer = pair()
    with gradlog.torch.record(model, optimizer, memory, stage="raw") as recorder:
        train(model, optimizer, batches_for("mlp", 1), recorder)
        twin = pickle.loads(pickle.dumps(model))
        copy.deepcopy(optimizer), pickle.dumps(optimizer.state_dict())
        train(twin, torch.optim.SGD(twin.parameters(), lr=0.1), batches_for("mlp", 1))
    assert len(memory.records) == 1
    assert not memory.closed


def test_a_run_that_is_taken_up_again_counts_on(memory):
    model, optimizer = pair()
    resumed = MemoryRecorder(resumed_after=(2, 5))
    with gradlog.torch.record(model, optimizer, resumed) as recorder:
        train(model, optimizer, batches_for("mlp", 1))
        train(model, optimizer, batches_for("mlp", 1))
        recorder.epoch(3)
        train(model, optimizer, batches_for("mlp", 1))
    assert [record.place for record in resumed.records] == [(2, 6, None, 0), (2, 7, None, 0), (3, 0, None, 0)]


def test_a_program_that_is_started_again_is_told_at_its_first_step(memory):
    model, optimizer = pair()
    started_again = MemoryRecorder(resumed_after=(2, 5))
    with refused("already has epoch 0, batch 0; pass another run=…, or overlap='replace'"):
        with gradlog.torch.record(model, optimizer, started_again) as recorder:
            for _ in recorder.epochs(5):
                train(model, optimizer, batches_for("mlp", 1), recorder)
    assert started_again.records == []


def test_a_program_that_is_started_again_leaves_the_run_as_it_was_or_replaces_it(tmp_path):
    recorded_file = pytest.importorskip("recorded_file", reason="the recorder's library is not built")
    path = tmp_path / "runs.db"

    def program(**options):
        model, optimizer = pair()
        with gradlog.torch.record(model, optimizer, path, "mine", **options) as recorder:
            for _ in recorder.epochs(2):
                train(model, optimizer, batches_for("mlp", 2), recorder)

    program()
    first = recorded_file.records_in(path)
    with refused("already has epoch 0, batch 0"):
        program()
    assert [record.place for record in recorded_file.records_in(path)] == [record.place for record in first]
    assert gradlog.open(path).runs(as_="tuples")[0].state == "finished"
    program(overlap="replace")
    assert [record.place for record in recorded_file.records_in(path)] == [record.place for record in first]


def test_nothing_recorded_leaves_no_run(tmp_path):
    pytest.importorskip("recorded_file", reason="the recorder's library is not built")
    model, optimizer = pair()
    with refused("nothing was recorded"):
        with gradlog.torch.record(model, optimizer, tmp_path / "runs.db", "mine"):
            pass
    assert gradlog.open(tmp_path / "runs.db").runs(as_="tuples") == []


def test_a_loss_that_is_set_too_late_is_not_given_to_the_next_batch(memory):
    model, optimizer = pair()
    with gradlog.torch.record(model, optimizer, memory) as recorder:
        for x, y in recorder.batches(batches_for("mlp", 2)):
            loss = loss_of(model, x, y)
            loss.backward()
            optimizer.step()
            recorder.loss = loss
    assert [record.loss for record in memory.records] == [None, None]


def test_a_run_in_a_file_is_taken_up_with_its_steps(tmp_path):
    recorded_file = pytest.importorskip("recorded_file", reason="the recorder's library is not built")
    model, optimizer = pair()
    for _ in range(2):
        with gradlog.torch.record(model, optimizer, tmp_path / "runs.db", "mine") as recorder:
            train(model, optimizer, batches_for("mlp", 1))
            train(model, optimizer, batches_for("mlp", 1))
            recorder.next_epoch()
            train(model, optimizer, batches_for("mlp", 1))
    places = [record.place for record in recorded_file.records_in(tmp_path / "runs.db")]
    assert places == [(0, 0, 0, 0), (0, 1, 1, 0), (1, 0, 2, 0), (1, 1, 3, 0), (1, 2, 4, 0), (2, 0, 5, 0)]
