"""The C library of ``gradlog.h``: where it is, and its functions and structures for ctypes."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint32, c_void_p
from pathlib import Path

from gradlog.errors import ErrorCode, GradlogError

ABI_VERSION = 4

ABSENT_DTYPE, FROZEN_DTYPE = 0, -1

DTYPES = {"float16": 1, "bfloat16": 2, "float32": 3, "float64": 4}

HAS_STEP, HAS_LOSS, HAS_LEARNING_RATE, HAS_LOSS_SCALE = 1, 2, 4, 8


class CFinding(ctypes.Structure):
    """``gradlog_finding``"""

    _fields_ = [
        ("rule", c_char_p),
        ("severity", c_char_p),
        ("weight", c_char_p),
        ("advice", c_char_p),
        ("epoch", c_int64),
        ("batch", c_int64),
        ("step", c_int64),
        ("value", c_double),
        ("threshold", c_double),
        ("baseline", c_double),
        ("evidence", c_char_p),
        ("optimizer", c_char_p),
    ]


FindingCallback = ctypes.CFUNCTYPE(None, POINTER(CFinding), c_void_p)


class COptions(ctypes.Structure):
    """``gradlog_options``"""

    _fields_ = [
        ("size", c_size_t),
        ("rank", c_int64),
        ("world_size", c_int64),
        ("stage", c_char_p),
        ("framework", c_char_p),
        ("configuration", c_char_p),
        ("capture", c_int32),
        ("capture_first", c_int64),
        ("capture_second", c_int64),
        ("include", POINTER(c_char_p)),
        ("include_count", c_size_t),
        ("exclude", POINTER(c_char_p)),
        ("exclude_count", c_size_t),
        ("encoding", c_char_p),
        ("file_budget", c_int64),
        ("overlap", c_char_p),
        ("overflow", c_char_p),
        ("memory_limit", c_int64),
        ("commit_interval", c_double),
        ("journal", c_char_p),
        ("on_finding", FindingCallback),
        ("user_data", c_void_p),
        ("stop_on", c_char_p),
        ("log_findings", c_int32),
    ]


class CBatchContext(ctypes.Structure):
    """``gradlog_batch_context``"""

    _fields_ = [
        ("size", c_size_t),
        ("epoch", c_int64),
        ("batch", c_int64),
        ("step", c_int64),
        ("optimizer", c_char_p),
        ("call", c_int64),
        ("has", c_uint32),
        ("loss", c_double),
        ("learning_rate", c_double),
        ("loss_scale", c_double),
    ]


class CGradient(ctypes.Structure):
    """``gradlog_gradient``"""

    _fields_ = [
        ("weight", c_char_p),
        ("dtype", c_int32),
        ("rank", c_int32),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("data", c_void_p),
        ("indices", c_void_p),
        ("index_count", c_int64),
    ]


def find() -> Path:
    """The path of the library: ``$GRADLOG_LIBRARY``, else the one in this package."""
    given = os.environ.get("GRADLOG_LIBRARY")
    path = Path(given) if given else Path(__file__).parent / "_native" / "libgradlog-c.so"
    if not path.is_file():
        raise GradlogError(
            f"the library '{path}' is not there",
            "run scripts/python to build it, or set GRADLOG_LIBRARY to where it is",
            ErrorCode.NOT_FOUND,
        )
    return path


@functools.cache
def load() -> ctypes.CDLL:
    """The library, loaded once."""
    path = find()
    _load_sqlite()
    # Swift's runtime reads this once, when it is loaded: it would take over Python's own crash handling.
    backtrace = os.environ.get("SWIFT_BACKTRACE")
    os.environ["SWIFT_BACKTRACE"] = "enable=no"
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise GradlogError(
            f"the library '{path}' cannot be loaded ({error})",
            "install the gradlog-recorder of this machine",
            ErrorCode.NOT_FOUND,
        ) from error
    finally:
        if backtrace is None:
            del os.environ["SWIFT_BACKTRACE"]
        else:
            os.environ["SWIFT_BACKTRACE"] = backtrace
    _declare(library)
    if library.gradlog_abi_version() < ABI_VERSION:
        raise GradlogError(
            f"the library '{path}' is older than this package", "build it again", ErrorCode.MISUSE
        )
    return library


def _load_sqlite() -> None:
    # Python's first, so that both use one SQLite: a process that opens a file with two copies of SQLite
    # loses its locks on it. https://www.sqlite.org/howtocorrupt.html, section 2.2.1
    shares_sqlite()
    try:
        ctypes.CDLL("libsqlite3.so.0")
    except OSError:
        # This machine has none that programs share, so Python's is its own; the wheel brings one.
        with contextlib.suppress(OSError):
            ctypes.CDLL(str(Path(__file__).parent / "_native" / "libsqlite3.so.0"))


@functools.cache
def shares_sqlite() -> bool:
    """Whether Python's SQLite is the library that others in this process use too."""
    import _sqlite3  # noqa: F401

    try:
        return "libsqlite3" in Path("/proc/self/maps").read_text()
    except OSError:
        return True


class RecordedPaths:
    """The files that recorders of this process have open."""

    def __init__(self) -> None:
        self._paths: dict[int, str] = {}

    def add(self, handle: int, path: str) -> None:
        self._paths[handle] = path

    def remove(self, handle: int) -> None:
        self._paths.pop(handle, None)

    def __contains__(self, path: str) -> bool:
        def same(other: str) -> bool:
            with contextlib.suppress(OSError):
                return os.path.samefile(path, other)
            return False

        return any(same(other) for other in list(self._paths.values()))


recorded_here = RecordedPaths()


def _declare(library: ctypes.CDLL) -> None:
    recorder = c_void_p
    signatures: dict[str, tuple[object, list[object]]] = {
        "open": (c_int32, [c_char_p, c_char_p, POINTER(COptions), POINTER(c_void_p)]),
        "record": (c_int32, [recorder, c_void_p, c_void_p, c_size_t]),
        "tell_initial_norm": (c_int32, [recorder, c_char_p, c_double]),
        "flush": (c_int32, [recorder]),
        "close": (c_int32, [recorder]),
        "close_interrupted": (c_int32, [recorder]),
        "release": (None, [recorder]),
        "losses": (c_int32, [recorder, POINTER(c_int64), POINTER(c_int64)]),
        "resumed_after": (c_int32, [recorder, POINTER(c_int64), POINTER(c_int64)]),
        "finding_count": (c_size_t, [recorder]),
        "finding_at": (POINTER(CFinding), [recorder, c_size_t]),
        "stopped": (POINTER(CFinding), [recorder]),
        "last_problem": (c_char_p, []),
        "last_remedy": (c_char_p, []),
        "abi_version": (c_int32, []),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, f"gradlog_{name}")
        function.restype = result
        function.argtypes = arguments


def failure(library: ctypes.CDLL, code: int) -> GradlogError:
    """The last failure of this thread."""
    problem: bytes = library.gradlog_last_problem()
    remedy: bytes = library.gradlog_last_remedy()
    return GradlogError(problem.decode(errors="replace"), remedy.decode(errors="replace"), code)
