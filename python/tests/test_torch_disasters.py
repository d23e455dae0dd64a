"""What befalls the file and the process while a PyTorch training is recorded: the training ends as it would have, and one sentence
says what was lost. With the real recorder only.
"""

from __future__ import annotations

import copy
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
recorded_file = pytest.importorskip("recorded_file", reason="the recorder's library is not built")

from test_torch_gradients import train
from torch import nn
from torch_models import batches_for, build, loss_of

import gradlog.torch


def trained_without(batches):
    model = build("mlp")
    train(model, torch.optim.SGD(model.parameters(), lr=0.1), batches)
    return list(model.parameters())


def pair():
    model = build("mlp")
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def same(model, parameters):
    return all(torch.equal(one, other) for one, other in zip(model.parameters(), parameters))


def test_the_file_is_deleted_while_recording(tmp_path):
    model, optimizer = pair()
    batches = batches_for("mlp", 200)
    recorder = gradlog.torch.record(model, optimizer, tmp_path / "runs.db", "deleted")
    train(model, optimizer, batches[:100])
    recorder.recorder.flush()
    for path in tmp_path.iterdir():
        path.unlink()
    train(model, optimizer, batches[100:])
    with pytest.raises(gradlog.GradlogError, match="deleted|moved|gone|removed"):
        recorder.close()
    assert same(model, trained_without(batches))


DISK_FULL = """
import resource, signal, sys
import torch, gradlog, gradlog.torch
from torch_models import batches_for, build
from test_torch_gradients import train
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
model, batches = build("cnn"), batches_for("cnn", 600)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
recorder = gradlog.torch.record(model, optimizer, sys.argv[1], "full")
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
train(model, optimizer, batches)
try:
    recorder.close()
except gradlog.GradlogError as error:
    print("REFUSED", error)
twin = build("cnn")
train(twin, torch.optim.SGD(twin.parameters(), lr=0.1), batches)
print("SAME", all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters())))
"""


def test_the_disk_is_full(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(tmp_path / "runs.db")],
        capture_output=True, text=True, cwd=Path(__file__).parent, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "REFUSED" in done.stdout
    assert "SAME True" in done.stdout
    assert 0 < done.stderr.count("gradlog:") <= 2, done.stderr


def _train_in_child(model, optimizer, batches, results):
    train(model, optimizer, batches)
    results.put([parameter.detach().clone().numpy() for parameter in model.parameters()])


@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_process_trains_on_without_the_recorder(tmp_path):
    model, optimizer = pair()
    batches = batches_for("mlp", 4)
    torch.set_num_threads(1)
    with gradlog.torch.record(model, optimizer, tmp_path / "runs.db", "parent") as recorder:
        context = multiprocessing.get_context("fork")
        results = context.SimpleQueue()
        child = context.Process(target=_train_in_child, args=(model, optimizer, batches, results))
        child.start()
        weights = results.get()
        child.join(60)
        assert child.exitcode == 0
        for one, other in zip(weights, trained_without(batches)):
            assert (one == other.detach().numpy()).all()
        train(model, optimizer, batches, recorder)
    assert len(recorded_file.records_in(tmp_path / "runs.db")) == 4


@pytest.mark.filterwarnings("ignore:This process")
def test_workers_of_a_data_loader(tmp_path):
    model, optimizer = pair()
    loader = torch.utils.data.DataLoader(batches_for("mlp", 6), batch_size=None, num_workers=2)
    with gradlog.torch.record(model, optimizer, tmp_path / "runs.db", "workers") as recorder:
        for _ in recorder.epochs(2):
            train(model, optimizer, loader, recorder)
    places = [record.place for record in recorded_file.records_in(tmp_path / "runs.db")]
    assert places == [(i // 6, i % 6, i, 0) for i in range(12)]
    assert recorded_file.runs_in(tmp_path / "runs.db")[0]["finished_at"] is not None


def test_an_exception_in_the_training_leaves_an_interrupted_run(tmp_path):
    model, optimizer = pair()
    with pytest.raises(ZeroDivisionError):
        with gradlog.torch.record(model, optimizer, tmp_path / "runs.db", "cut") as recorder:
            train(model, optimizer, batches_for("mlp", 3), recorder)
            raise ZeroDivisionError
    assert len(recorded_file.records_in(tmp_path / "runs.db")) == 3
    run = recorded_file.runs_in(tmp_path / "runs.db")[0]
    assert (
        run["finished_at"] is None and run["stage"] == "applied" and run["framework"].startswith("PyTorch 2")
    )


def test_what_the_file_cannot_be_is_told_before_the_training(tmp_path):
    model, optimizer = pair()
    (tmp_path / "text.db").write_text("no database " * 1000)
    with pytest.raises(gradlog.GradlogError):
        gradlog.torch.record(model, optimizer, tmp_path / "text.db")
    with pytest.raises(gradlog.GradlogError):
        gradlog.torch.record(model, optimizer, tmp_path / "no" / "folder" / "runs.db")
    assert not optimizer._optimizer_step_pre_hooks


def test_a_renamed_weight_and_another_shape_on_resume(tmp_path):
    for width, name in ((8, "first"), (8, "renamed"), (4, "first")):
        model = nn.Sequential()
        model.add_module(name, nn.Linear(10, width))
        model.add_module("last", nn.Linear(width, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        recorder = gradlog.torch.record(model, optimizer, tmp_path / "runs.db", "resumed")
        before = copy.deepcopy(list(model.parameters()))
        train(model, optimizer, batches_for("mlp", 2))
        assert not same(model, before)
        if width == 4:
            with pytest.raises(gradlog.GradlogError, match="but the run has it as float32"):
                recorder.close()
        else:
            recorder.close()
    records = recorded_file.records_in(tmp_path / "runs.db")
    assert [record.batch for record in records] == [0, 1, 2, 3]
    assert list(records[2].gradients) == ["renamed.weight", "renamed.bias", "last.weight", "last.bias"]


def test_an_open_recorder_of_the_other_stage_is_refused(tmp_path):
    model, optimizer = pair()
    with gradlog.Recorder(tmp_path / "runs.db", "other") as recorder:
        with pytest.raises(
            gradlog.GradlogError,
            match="opened for raw gradients, and these are applied; open it with stage='applied'",
        ):
            gradlog.torch.record(model, optimizer, recorder)
        with gradlog.torch.record(model, optimizer, recorder, stage="raw"):
            train(model, optimizer, batches_for("mlp", 2))
    assert len(recorded_file.records_in(tmp_path / "runs.db")) == 2
