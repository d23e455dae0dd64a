"""What the tests of the package share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from memory_recorder import MemoryRecorder, Record


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where a recording goes."""
    return str(tmp_path / "runs.db")


class Target:
    """Something for a tap to record into; ``file`` goes to it, ``records`` tells what arrived."""

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
    """In memory, exactly as a tap handed it over, and in a real file."""
    return Target(None if request.param == "memory" else tmp_path / "runs.db")


@pytest.fixture
def memory() -> MemoryRecorder:
    """A recorder of which a test sees every record."""
    return MemoryRecorder()
