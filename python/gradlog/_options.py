"""The options of a recorder as ``gradlog_options``."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Sequence
from typing import Any

from gradlog._library import COptions, FindingCallback

Capture = str | int | tuple[str, int, int]


def c_options(
    *,
    rank: int,
    world_size: int,
    stage: str,
    framework: str | None,
    configuration: str,
    capture: Capture,
    include: Sequence[str],
    exclude: Sequence[str],
    encoding: str,
    file_budget: int | None,
    overlap: str,
    overflow: str,
    memory_limit: int,
    commit_interval: float,
    journal: str,
    callback: Any,
    stop_on: str | None,
    log_findings: bool,
) -> tuple[COptions, object]:
    """The structure, and what must live as long as it."""
    if world_size < 1:
        raise ValueError(f"there are no {world_size} processes; pass a world_size of 1 or more")
    if file_budget is not None and file_budget < 1:
        raise ValueError(f"a file cannot have {file_budget} bytes; pass more, or capture='none'")
    if memory_limit < 1:
        raise ValueError(f"{memory_limit} bytes hold no batch; pass a memory_limit of a few batches")
    options = COptions(size=ctypes.sizeof(COptions))
    options.rank = operator.index(rank)
    options.world_size = operator.index(world_size)
    options.stage = stage.encode()
    options.framework = None if framework is None else framework.encode()
    options.configuration = configuration.encode()
    options.capture, options.capture_first, options.capture_second = _schedule(capture)
    included, excluded = _strings(include, "include"), _strings(exclude, "exclude")
    options.include, options.include_count = included, len(included)
    options.exclude, options.exclude_count = excluded, len(excluded)
    options.encoding = encoding.encode()
    options.file_budget = operator.index(file_budget or 0)
    options.overlap = overlap.encode()
    options.overflow = overflow.encode()
    options.memory_limit = operator.index(memory_limit)
    # 0 means the default in C.
    options.commit_interval = commit_interval if commit_interval != 0 else -1.0
    options.journal = journal.encode()
    options.on_finding = callback if callback is not None else FindingCallback()
    options.stop_on = None if stop_on is None else stop_on.encode()
    options.log_findings = bool(log_findings)
    return options, (included, excluded)


def _schedule(capture: Capture) -> tuple[int, int, int]:
    match capture:
        case "every":
            return 0, 0, 0
        case bool():
            pass
        case int():
            return 1, capture, 0
        case "none":
            return 4, 0, 0
        case ("epochs", int(first), int(last)):
            return 2, first, last
        case ("around", int(before), int(after)):
            return 3, before, after
    raise ValueError(
        f"{capture!r} does not say when values are kept; pass 'every', 'none', a number of steps, "
        "('epochs', first, last) or ('around', before, after)"
    )


def _strings(patterns: Sequence[str], what: str) -> Any:
    if isinstance(patterns, str):
        raise TypeError(f"{what} is a single string; pass a list of patterns: [{patterns!r}]")
    return (ctypes.c_char_p * len(patterns))(*[pattern.encode() for pattern in patterns])
