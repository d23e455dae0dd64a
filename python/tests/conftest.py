"""Where a test records: in memory, exactly, and in a real file through the recorder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from memory_recorder import MemoryRecorder, Record


class Target:
    """Something to record into; ``file`` goes to ``record``, ``records`` tells what arrived."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.file: Any = MemoryRecorder() if path is None else str(path)

    def records(self) -> list[Record]:
        if self.path is None:
            return self.file.records
        from recorded_file import records_in

        return records_in(self.path)


@pytest.fixture(params=["memory", "file"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    if request.param == "memory":
        return Target(None)
    pytest.importorskip("recorded_file", reason="the recorder's library is not built")
    return Target(tmp_path / "runs.db")


@pytest.fixture
def memory() -> MemoryRecorder:
    return MemoryRecorder()
