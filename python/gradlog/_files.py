"""Opens recordings to read them, and says in a sentence why it will not."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

from gradlog import _library
from gradlog.errors import ErrorCode, GradlogError

APPLICATION_ID = 0x67726164
FORMAT = 4


def open_for_reading(path: str) -> sqlite3.Connection:
    """A connection that cannot write.

    Opens the file with nothing but SQLite: closing any other descriptor of it would drop the locks of a
    recorder in this process.
    """
    _refuse_unless_readable(path)
    refuse_if_recorded_with_another_sqlite(path)
    uri = Path(os.path.abspath(path)).as_uri()
    try:
        return _checked(f"{uri}?mode=ro", path)
    except sqlite3.Error as error:
        # In a folder that cannot be written, SQLite cannot make the index of an empty log.
        if str(error) == "unable to open database file" and not os.path.exists(path + "-wal"):
            try:
                return _checked(f"{uri}?immutable=1", path)
            except sqlite3.Error as second:
                error = second
        raise storage_error(error, path) from error


def _checked(uri: str, path: str) -> sqlite3.Connection:
    database = sqlite3.connect(uri, uri=True, timeout=10, check_same_thread=False)
    try:
        database.execute("PRAGMA query_only = 1")
        _refuse_foreign(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _refuse_unless_readable(path: str) -> None:
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise GradlogError(f"there is no file '{path}'", "check the path", ErrorCode.NOT_FOUND) from None
    except (OSError, ValueError) as error:
        raise GradlogError(
            f"'{path}' cannot be reached ({error})", "check the path", ErrorCode.STORAGE
        ) from error
    if stat.S_ISDIR(status.st_mode):
        raise GradlogError(
            f"'{path}' is a folder",
            "name the file inside it that gradlog recorded",
            ErrorCode.NOT_A_GRADLOG_FILE,
        )
    if not stat.S_ISREG(status.st_mode):
        raise _not_ours(f"'{path}' is not a regular file")
    if status.st_size == 0:
        raise _not_ours(f"'{path}' is empty: nothing was recorded in it")
    if not os.access(path, os.R_OK):
        raise GradlogError(
            f"'{path}' cannot be read: permission denied",
            f"ask its owner, or change it with: chmod +r '{path}'",
            ErrorCode.STORAGE,
        )


def _refuse_foreign(database: sqlite3.Connection, path: str) -> None:
    if database.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise _not_ours(f"'{path}' is an SQLite database that gradlog did not write")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > FORMAT:
        raise GradlogError(
            f"'{path}' has format {version} and this gradlog reads up to format {FORMAT}",
            "install a newer gradlog",
            ErrorCode.NEWER_FILE,
        )
    views = "SELECT count(*) FROM sqlite_schema WHERE type = 'view' AND name = 'gradients'"
    if database.execute(views).fetchone()[0] != 1:
        raise damaged(path, "the view gradients is missing")


def _not_ours(problem: str) -> GradlogError:
    return GradlogError(problem, "give a file that gradlog recorded", ErrorCode.NOT_A_GRADLOG_FILE)


def damaged(path: str, detail: str) -> GradlogError:
    """What to say of a file that contradicts itself."""
    return GradlogError(
        f"'{path}' is damaged ({detail})",
        f"restore a copy, or save what can be read with: sqlite3 '{path}' .recover",
        ErrorCode.NOT_A_GRADLOG_FILE,
    )


def storage_error(error: Exception, path: str) -> GradlogError:
    """Puts a failure of SQLite into words."""
    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "not a database" in message:
        return _not_ours(f"'{path}' is not an SQLite database")
    if "malformed" in message:
        return damaged(path, message)
    if "locked" in message:
        return GradlogError(
            f"'{path}' is locked by another program",
            "wait until that program has finished or close it, then try again",
            ErrorCode.STORAGE,
        )
    if "readonly" in message:
        return GradlogError(
            f"'{path}' is open for reading, and this statement writes", "write to a copy", ErrorCode.MISUSE
        )
    if "unable to open" in message:
        return GradlogError(
            f"'{path}' cannot be opened ({message})",
            "check the permissions of the file and of its folder, or read a copy",
            ErrorCode.STORAGE,
        )
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in message:
        return GradlogError(f"'{path}' was closed", "open it again", ErrorCode.MISUSE)
    return GradlogError(f"SQLite refused '{path}': {message}", "", ErrorCode.INVALID_DATA)


def refuse_if_recorded_with_another_sqlite(path: str) -> None:
    """Refuses a file that this process records, where Python has an SQLite of its own: closing it would
    drop the recorder's locks, see ``_library.load``."""
    if path in _library.recorded_here and not _library.shares_sqlite():
        raise GradlogError(
            f"'{path}' is being recorded by this process, whose Python has an SQLite of its own",
            "close the recorder first, or read the file in another process",
            ErrorCode.MISUSE,
        )
