"""Reading a recording: plain SQLite, read-only."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy

from gradlog import _files, _questions, _values
from gradlog._tables import Row, table
from gradlog.errors import ErrorCode, GradlogError

EpochRange = int | tuple[int | None, int | None]


class Recording:
    """A file that gradlog recorded, open for reading. It may be read while it is being recorded.

    Tables come as ``as_`` says: ``"pandas"``, ``"polars"``, ``"pyarrow"`` or ``"tuples"`` (a list of named
    tuples); without it, as the first of these that is installed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """:raises GradlogError: when the file is missing, not gradlog's, newer than this or damaged."""
        self.path = os.fspath(path)
        self._database = _files.open_for_reading(self.path)

    def runs(self, *, as_: str | None = None) -> Any:
        """One row for each run: the question ``runs``."""
        return self.query("runs", as_=as_)

    def questions(self, *, as_: str | None = None) -> Any:
        """Name, title and parameters of each question that ``query`` knows."""
        rows: list[Row] = [
            (question.name, question.title, " ".join(question.parameters))
            for question in _questions.questions().values()
        ]
        return table(["name", "title", "parameters"], rows, as_)

    def query(self, name: str, *, as_: str | None = None, **parameters: Any) -> Any:
        """Asks a question: ``query("vanishing", run="mlp", threshold=1e-8)``."""
        question = _questions.named(name)
        for parameter in parameters:
            if parameter not in question.parameters:
                raise GradlogError(
                    f"the question '{name}' has no parameter '{parameter}'",
                    _questions.nearest(parameter, question.parameters, "parameters"),
                )
        if parameters.get("run") is not None:
            self._require_run(parameters["run"])
        bound = {parameter: parameters.get(parameter) for parameter in question.parameters}
        return self.sql(question.sql, bound, as_=as_)

    def sql(self, sql: str, parameters: Mapping[str, Any] | None = None, *, as_: str | None = None) -> Any:
        """The rows of one SQL statement, which cannot write."""
        columns, rows = self._rows(sql, parameters or {})
        return table(columns, rows, as_)

    def statistics(
        self,
        run: str | None = None,
        weight: str | None = None,
        *,
        epoch: EpochRange | None = None,
        columns: Sequence[str] | None = None,
        limit: int | None = None,
        as_: str | None = None,
    ) -> Any:
        """One row for each gradient: the view ``gradients`` without its blobs, absent ones included.

        :param run: its name; every run when None.
        :param weight: a glob pattern of names: ``"dense_*/kernel"``.
        :param epoch: one epoch, or the first and the last, of which either may be None.
        :param columns: only these columns; docs/FileFormat.md describes them.
        :param limit: at most so many rows.
        """
        known = [
            row[1]
            for row in self._rows("PRAGMA table_info(gradients)", {})[1]
            if not row[1].endswith(("_blob", "_id"))
        ]
        chosen = list(columns) if columns is not None else known
        for column in chosen:
            if column not in known:
                raise GradlogError(
                    f"there is no column '{column}'", _questions.nearest(column, known, "columns")
                )
        if run is not None:
            self._require_run(run)
        first, last = epoch if isinstance(epoch, (tuple, list)) else (epoch, epoch)
        names = ", ".join(f'"{column}"' for column in chosen)
        return self.sql(
            f"""
            SELECT {names} FROM gradients
            WHERE (:run IS NULL OR run = :run) AND (:weight IS NULL OR weight GLOB :weight)
              AND (:first IS NULL OR epoch >= :first) AND (:last IS NULL OR epoch <= :last)
            LIMIT coalesce(:limit, -1)
            """,
            {"run": run, "weight": weight, "first": first, "last": last, "limit": limit},
            as_=as_,
        )

    def findings(self, run: str | None = None, *, as_: str | None = None) -> Any:
        """What the rules said while recording: one row for each run, weight (None: the whole network), rule and
        optimizer."""
        if run is not None:
            self._require_run(run)
        version = self._rows("PRAGMA user_version", {})[1][0][0]
        # What files of older formats do not have. The optimizer's detectors began the finding in its first batch.
        baseline, evidence = ("baseline", "evidence") if version >= 3 else ("NULL", "NULL")
        optimizer = "findings.optimizer" if version >= 4 else "first.optimizer"
        return self.sql(
            f"""
            SELECT runs.name AS run, runs.rank, weights.name AS weight, rule, severity,
              first.epoch AS first_epoch, first.batch AS first_batch, last.epoch AS last_epoch,
              last.batch AS last_batch, batch_count, value, {baseline} AS baseline, threshold, {evidence} AS evidence,
              advice, {optimizer} AS optimizer
            FROM findings
            JOIN runs USING (run_id)
            LEFT JOIN weights USING (weight_id)
            JOIN batches AS first ON first.batch_id = first_batch_id
            JOIN batches AS last ON last.batch_id = last_batch_id
            WHERE :run IS NULL OR runs.name = :run
            ORDER BY severity = 'info', severity, first_batch_id, finding_id
            """,
            {"run": run},
            as_=as_,
        )

    def gradient(
        self,
        run: str | None = None,
        weight: str | None = None,
        epoch: int | None = None,
        batch: int | None = None,
        *,
        rank: int | None = None,
        optimizer: str | None = None,
        call: int | None = None,
        sparse: bool = False,
    ) -> Any:
        """One gradient as a numpy array; None when the weight had none in this batch.

        ``run`` and ``weight`` may be left out when there is only one; of everything else that is left out
        the last is meant, of ``rank`` the first. The array has the type of the gradient, also when its
        values were rounded for the file; bfloat16, which numpy lacks, becomes float32.

        :param sparse: a row-sparse gradient comes as ``RowSparse`` and not with its zeros.
        :raises GradlogError: when there is no such gradient, or its values were not captured.
        """
        run = self._only(run, "run", "SELECT DISTINCT name FROM runs", {})
        weight = self._only(
            weight,
            "weight",
            "SELECT DISTINCT weights.name FROM weights JOIN runs USING (run_id) WHERE runs.name = :run",
            {"run": run},
        )
        # The batch first, then the weight among its gradients: the view would look at every gradient.
        rows = self._rows(
            """
            SELECT batches.epoch, batches.batch, statistics.absent, weights.dtype, weights.shape,
              kept.encoding, kept.values_blob
            FROM runs
            JOIN batches USING (run_id)
            JOIN gradient_statistics AS statistics ON gradient_id
              BETWEEN first_gradient_id AND first_gradient_id + gradient_count - 1
            JOIN weights ON weights.weight_id = +statistics.weight_id
            LEFT JOIN gradient_values AS kept USING (gradient_id)
            WHERE runs.name = :run AND weights.name = :weight AND (:rank IS NULL OR rank = :rank)
              AND (:epoch IS NULL OR epoch = :epoch) AND (:batch IS NULL OR batch = :batch)
              AND (:optimizer IS NULL OR optimizer = :optimizer) AND (:call IS NULL OR call = :call)
            ORDER BY rank, epoch DESC, batch DESC, call DESC, gradient_id DESC LIMIT 1
            """,
            {
                "run": run,
                "weight": weight,
                "rank": rank,
                "epoch": epoch,
                "batch": batch,
                "optimizer": optimizer,
                "call": call,
            },
        )[1]
        if not rows:
            place = {"rank": rank, "epoch": epoch, "batch": batch, "optimizer": optimizer, "call": call}
            where = ", ".join(f"{name} {value}" for name, value in place.items() if value is not None)
            raise GradlogError(
                f"run '{run}' has no gradient of '{weight}'{' at ' + where if where else ''}",
                "statistics(columns=['epoch', 'batch', 'weight']) says what there is",
                ErrorCode.NOT_FOUND,
            )
        return self._decoded(rows[0], weight, sparse)

    def _decoded(self, row: Row, weight: str, sparse: bool) -> Any:
        epoch, batch, absent, dtype, shape, encoding, blob = row
        if absent:
            return None
        if blob is None:
            raise GradlogError(
                f"the values of '{weight}' in epoch {epoch}, batch {batch} were not captured",
                "choose another batch, or ask for its statistics",
                ErrorCode.NOT_FOUND,
            )
        try:
            extents = tuple(json.loads(shape))
            if sparse and encoding == "rows":
                return _values.rows(blob, dtype, extents)
            return _values.dense(blob, dtype, extents, encoding)
        except (ValueError, KeyError, TypeError) as error:
            raise _files.damaged(self.path, f"values of '{weight}': {error}") from error

    def _only(self, name: str | None, noun: str, sql: str, parameters: Mapping[str, Any]) -> str:
        names = [row[0] for row in self._rows(sql, parameters)[1]]
        if name is None:
            if len(names) == 1:
                return str(names[0])
            raise GradlogError(
                f"'{self.path}' holds {len(names)} {noun}s",
                f"pass {noun}=: {_questions.nearest('', names, noun + 's')}" if names else "record one first",
                ErrorCode.INVALID_ARGUMENT if names else ErrorCode.NOT_FOUND,
            )
        if name not in names:
            raise GradlogError(
                f"there is no {noun} '{name}' in '{self.path}'",
                _questions.nearest(name, names, noun + "s"),
                ErrorCode.NOT_FOUND,
            )
        return name

    def _require_run(self, run: str) -> None:
        self._only(run, "run", "SELECT DISTINCT name FROM runs", {})

    def _rows(self, sql: str, parameters: Mapping[str, Any]) -> tuple[list[str], list[Row]]:
        try:
            cursor = self._database.execute(sql, _bound(parameters))
            return [column[0] for column in cursor.description or ()], cursor.fetchall()
        # Python 3.10 warns of a second statement where later ones have an error.
        except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
            raise _files.storage_error(error, self.path) from error

    def close(self) -> None:
        """Closes the file. Nothing can be read afterwards."""
        self._database.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<gradlog.Recording {self.path!r}>"


def _bound(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers of numpy's, as pandas has them in its columns, as Python's own: SQLite would take them for blobs."""
    return {
        name: value.item() if isinstance(value, numpy.generic) else value for name, value in parameters.items()
    }


def open(path: str | os.PathLike[str]) -> Recording:
    """Opens a recording to read it."""
    return Recording(path)
