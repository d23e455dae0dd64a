"""One process of a scenario of test_torch_distributed.py: trains, records, and leaves what it recorded in a pickle."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import torch
from memory_recorder import MemoryRecorder
from torch import distributed
from torch_models import batches_for, build, loss_of

import gradlog
import gradlog.torch


def wrapped(scenario: str, model: torch.nn.Module) -> torch.nn.Module:
    if scenario.startswith("fsdp2"):
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh("cpu", (2,))
        fully_shard(model[0], mesh=mesh)
        return fully_shard(model, mesh=mesh)
    if scenario == "fsdp1":
        from torch.distributed.fsdp import FullyShardedDataParallel

        return FullyShardedDataParallel(model, device_id=torch.device("cpu"), use_orig_params=True)
    return torch.nn.parallel.DistributedDataParallel(model)


def main(scenario: str, folder: Path) -> dict:
    rank = int(os.environ["RANK"])
    distributed.init_process_group("gloo")
    model = wrapped(scenario, build("mlp"))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    memory = MemoryRecorder(stop_after=3 if scenario == "ddp-stop" and rank == 0 else None)
    # As record() does it with a path: FSDP2 is recorded by rank 0 alone.
    gradlog.torch.Recorder = lambda path, *arguments, **options: memory
    if scenario == "ddp-file":
        gradlog.torch.Recorder = gradlog.Recorder
    stage = "raw" if scenario.endswith("raw") else "applied"
    options = {"stop_on": "nonfinite"} if scenario == "ddp-stop" else {}
    try:
        recording = gradlog.torch.record(
            model, optimizer, folder / "runs.db", "training", stage=stage, **options
        )
    except gradlog.GradlogError as error:
        return {"refused": str(error)}
    with recording as recorder:
        for x, y in recorder.batches(batches_for("mlp", 8)[rank::2]):
            optimizer.zero_grad()
            loss_of(model, x, y).backward()
            optimizer.step()
    records = memory.records
    return {
        "places": [record.place for record in records],
        "gradients": [record.gradients for record in records],
        "norms": memory.initial_norms,
        "stopped": recorder.stopped,
        "recorded": recorder.recorder is not None,
    }


if __name__ == "__main__":
    told = main(sys.argv[1], Path(sys.argv[2]))
    Path(sys.argv[2], f"rank{os.environ['RANK']}.pickle").write_bytes(pickle.dumps(told))
    distributed.barrier()
    # Gloo's threads now and then abort a process that takes itself down in good order.
    os._exit(0)
