"""gradlog.torch in two processes: DDP, FSDP2, and what it refuses. Each test starts its processes itself."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

torch = pytest.importorskip("torch")
if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
    pytest.skip("torch has no gloo", allow_module_level=True)

from test_torch_gradients import equal
from torch_models import autograd_gradients, batches_for, build

WORKER = Path(__file__).with_name("distributed_worker.py")


def run(tmp_path: Path, scenario: str) -> list[dict]:
    """What the two processes of a scenario tell."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
        "OMP_NUM_THREADS": "1",
    }
    environment["GLOO_SOCKET_IFNAME"] = "lo"
    command = [sys.executable, str(WORKER), scenario, str(tmp_path)]
    processes = [
        subprocess.Popen(
            command,
            env={**environment, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        outputs = [process.communicate(timeout=120)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, output in zip(processes, outputs):
        assert process.returncode == 0, output
    return [pickle.loads((tmp_path / f"rank{rank}.pickle").read_bytes()) for rank in range(2)]


def test_under_ddp_each_rank_records_the_averaged_gradient(tmp_path):
    ranks = run(tmp_path, "ddp-applied")
    batches = batches_for("mlp", 8)
    model = build("mlp")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for index in range(4):
        halves = [autograd_gradients(model, *batches[2 * index + rank]) for rank in range(2)]
        mean = {name: (halves[0][name] + halves[1][name]) / 2 for name in halves[0]}
        for rank in range(2):
            assert ranks[rank]["places"][index] == (0, index, index, 0)
            equal(ranks[rank]["gradients"][index], mean, tolerance=2e-6)
        for name, parameter in model.named_parameters():
            parameter.grad = torch.from_numpy(mean[name]).float()
        optimizer.step()


def test_under_ddp_the_raw_gradient_is_the_rank_s_own(tmp_path):
    ranks = run(tmp_path, "ddp-raw")
    batches, model = batches_for("mlp", 8), build("mlp")
    for rank in range(2):
        equal(ranks[rank]["gradients"][0], autograd_gradients(model, *batches[rank]))
    assert not numpy.array_equal(ranks[0]["gradients"][0]["0.weight"], ranks[1]["gradients"][0]["0.weight"])


def test_all_ranks_stop_in_the_same_step(tmp_path):
    ranks = run(tmp_path, "ddp-stop")
    assert [len(rank["places"]) for rank in ranks] == [3, 3], "rank 1 had no finding of its own"
    assert [rank["stopped"] for rank in ranks] == ["a finding", "a finding"]


def test_sharded_weights_are_gathered_and_written_by_rank_0(tmp_path):
    ranks = run(tmp_path, "fsdp2")
    assert ranks[1]["recorded"] is False
    plain = run(tmp_path, "ddp-applied")
    assert ranks[0]["places"] == plain[0]["places"]
    for one, other in zip(ranks[0]["gradients"], plain[0]["gradients"]):
        equal(one, other, tolerance=2e-6)
    for name, parameter in build("mlp").named_parameters():
        for rank in (ranks[0], *plain):
            assert rank["norms"][name] == pytest.approx(float(parameter.detach().norm()), rel=1e-6)


@pytest.mark.parametrize(
    "scenario, sentence",
    [("fsdp1", "use torch.distributed.fsdp.fully_shard"), ("fsdp2-raw", "use stage='applied'")],
)
def test_what_cannot_be_recorded_is_refused(scenario, sentence, tmp_path):
    for rank in run(tmp_path, scenario):
        assert sentence in rank["refused"]


def test_each_rank_writes_its_own_file(tmp_path):
    pytest.importorskip("recorded_file", reason="the recorder's library is not built")
    from recorded_file import records_in, runs_in

    run(tmp_path, "ddp-file")
    names = sorted(path.name for path in tmp_path.glob("*.db"))
    assert names == ["runs-rank0.db", "runs-rank1.db"]
    for rank, name in enumerate(names):
        assert len(records_in(tmp_path / name)) == 4
        assert [(row["rank"], row["world_size"]) for row in runs_in(tmp_path / name)] == [(rank, 2)]
