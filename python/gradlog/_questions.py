"""The questions of ``queries/*.sql``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from gradlog.errors import ErrorCode, GradlogError


class Question(NamedTuple):
    """One question to a recording."""

    name: str
    title: str
    parameters: tuple[str, ...]
    sql: str


def _folder() -> Path:
    """In the installed package, or in the checkout that it is used from."""
    inside = Path(__file__).parent / "queries"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "queries"


def questions() -> dict[str, Question]:
    """Every question by its name."""
    found: dict[str, Question] = {}
    for path in sorted(_folder().glob("*.sql")):
        sql = path.read_text(encoding="utf-8")
        title = re.search(r"^-- title: (.*)$", sql, re.MULTILINE)
        parameters = tuple(re.findall(r"^-- parameter :(\w+) ", sql, re.MULTILINE))
        found[path.stem] = Question(path.stem, title[1] if title else "", parameters, sql)
    return found


def named(name: str) -> Question:
    """The question of a name."""
    known = questions()
    if name not in known:
        raise GradlogError(
            f"there is no question '{name}'", nearest(name, known, "questions"), ErrorCode.NOT_FOUND
        )
    return known[name]


def nearest(name: str, names: Iterable[str], noun: str) -> str:
    """What to write instead of a name that does not exist."""
    known = sorted(set(names))
    close = difflib.get_close_matches(name, known, 1)
    if close:
        return f"did you mean '{close[0]}'?"
    if not known:
        return f"there are no {noun}"
    listed = ", ".join(f"'{name}'" for name in known[:12])
    return f"there are {listed}{' and more' if len(known) > 12 else ''}"
