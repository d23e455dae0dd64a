"""Looks at recordings and runs programs with nothing of gradlog's."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from typing import Any


def rows(path: str, sql: str) -> list[tuple[Any, ...]]:
    """Reads with SQLite alone."""
    database = sqlite3.connect(path)
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a program in a process of its own."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)
