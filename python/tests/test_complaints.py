"""What the package says on stderr, where nobody may listen: that must not end a training, nor end up among data."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from gradlog._complaint import complain


class Broken:
    """A stderr whose reader is gone."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError


def closed() -> Any:
    stream = open("/dev/null", "w")  # noqa: SIM115
    stream.close()
    return stream


def test_a_complaint_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    complain("one 'weight' is lost")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "gradlog: one 'weight' is lost\n")


@pytest.mark.parametrize("stream", [Broken(), closed(), None])
def test_nobody_has_to_listen(
    stream: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    complain("nobody hears this")
    assert capsys.readouterr().out == ""
