"""Rows as pandas, polars, pyarrow or plain Python."""

from __future__ import annotations

import importlib.util
import keyword
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

FORMS = ("pandas", "polars", "pyarrow", "tuples")

Row = tuple[Any, ...]


def chosen(form: str | None) -> str:
    """The form that is asked for, else the first whose library is installed."""
    if form is None:
        return next((name for name in FORMS[:3] if importlib.util.find_spec(name)), "tuples")
    if form not in FORMS:
        raise ValueError(f"there is no form {form!r}; pass as_={', '.join(map(repr, FORMS))}")
    return form


def table(columns: Sequence[str], rows: list[Row], form: str | None) -> Any:
    """Rows in a form; see ``chosen``."""
    names = _distinct(columns)
    form = chosen(form)
    if form == "tuples":
        row_type = namedtuple("Row", [_attribute(name) for name in names])  # type: ignore[misc]
        return [row_type._make(row) for row in rows]
    values = {name: [row[index] for row in rows] for index, name in enumerate(names)}
    if form == "pandas":
        import pandas

        return pandas.DataFrame(values, columns=names)
    if form == "polars":
        import polars

        # SQLite's columns have no type: a later row may have a real where the first had an integer.
        return polars.DataFrame(values, strict=False)
    import pyarrow

    return pyarrow.table({name: pyarrow.array(column) for name, column in values.items()})


def _distinct(columns: Sequence[str]) -> list[str]:
    names: list[str] = []
    for column in columns:
        name, number = column, 2
        while name in names:
            name, number = f"{column}_{number}", number + 1
        names.append(name)
    return names


def _attribute(name: str) -> str:
    """A column's name as an attribute of a named tuple."""
    word = "".join(character if character.isalnum() else "_" for character in name).lstrip("_") or "column"
    return f"column_{word}" if word[0].isdigit() or keyword.iskeyword(word) else word
