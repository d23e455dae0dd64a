"""The one exception of gradlog."""

from __future__ import annotations

from enum import IntEnum


class ErrorCode(IntEnum):
    """The kind of failure, as in ``gradlog.h``."""

    INVALID_ARGUMENT = 1
    INVALID_TENSOR = 2
    NOT_FOUND = 3
    NOT_A_GRADLOG_FILE = 4
    NEWER_FILE = 5
    OVERLAP = 6
    STORAGE = 7
    INVALID_DATA = 8
    MISUSE = 9


class GradlogError(Exception):
    """What went wrong, in words a person can act on.

    ``problem`` says what happened and names the offending value, ``remedy`` says what to do next (empty
    when nothing can be advised), ``code`` is for programs.
    """

    problem: str
    remedy: str
    code: ErrorCode

    def __init__(self, problem: str, remedy: str = "", code: int = ErrorCode.INVALID_ARGUMENT) -> None:
        super().__init__(f"{problem}; {remedy}" if remedy else problem)
        self.problem = problem
        self.remedy = remedy
        self.code = ErrorCode(code)

    def __reduce__(self) -> tuple[type[GradlogError], tuple[str, str, int]]:
        return (type(self), (self.problem, self.remedy, int(self.code)))
