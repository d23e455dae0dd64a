"""Training in several processes: which one this is, which file it writes, and stopping all of them in the same step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import distributed


def this_process() -> tuple[int, int]:
    """Rank and world size, from torch.distributed or, before it is initialised, from what torchrun sets."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    rank, world_size = os.environ.get("RANK", ""), os.environ.get("WORLD_SIZE", "")
    if rank.isdigit() and world_size.isdigit() and int(rank) < int(world_size):
        return int(rank), int(world_size)
    return 0, 1


def file_of_rank(path: str | os.PathLike[str], rank: int, world_size: int) -> str:
    """The file of one process: ``runs.db`` alone, else ``runs-rank0.db``, ``runs-rank1.db``, and so on."""
    if world_size == 1:
        return os.fspath(path)
    whole = Path(path)
    return str(whole.with_name(f"{whole.stem}-rank{rank}{whole.suffix}"))


def first_of_any(found: Any | None, device: torch.device) -> Any | None:
    """What this process found, else what the first other process found, else None; the same answer in all.

    Every process has to call it: it is one reduction of one number, and a gathering only when something was found.
    """
    if not (distributed.is_available() and distributed.is_initialized()) or distributed.get_world_size() == 1:
        return found
    flag = torch.tensor([0 if found is None else 1], device=device)
    distributed.all_reduce(flag, op=distributed.ReduceOp.MAX)
    if not flag.item():
        return None
    every: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(every, found)
    return next(one for one in every if one is not None)
