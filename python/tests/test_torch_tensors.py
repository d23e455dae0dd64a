"""Tensors of torch, where it is installed."""

from __future__ import annotations

import numpy
import pytest
from conftest import rows

import gradlog

torch = pytest.importorskip("torch")


def test_tensors_of_every_type_and_layout(path: str) -> None:
    base = torch.arange(24.0).reshape(2, 3, 4) - 3.25
    gradients = {
        "single": base,
        "double": base.double(),
        "half": base.half(),
        "brain": base.bfloat16(),
        "transposed": base.permute(2, 0, 1),
        "expanded": base[0, 0].expand(5, 4),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(base.clone()),
        "sparse": torch.sparse_coo_tensor([[1, 1, 4]], [[1.0], [2.0], [3.0]], (6, 1)),
    }
    with gradlog.Recorder(path, "r") as recorder:
        recorder.record(gradients, epoch=0, batch=0, loss=torch.tensor(0.5, requires_grad=True))
    recording = gradlog.open(path)
    for name, tensor in gradients.items():
        expected = tensor.detach().to_dense() if tensor.is_sparse else tensor.detach()
        expected = expected.float() if expected.dtype is torch.bfloat16 else expected
        assert numpy.array_equal(recording.gradient("r", name), expected.numpy()), name
    assert rows(path, "SELECT DISTINCT loss FROM gradients") == [(0.5,)]
    kinds = dict(rows(path, "SELECT weight, dtype FROM gradients"))
    assert kinds["brain"] == "bfloat16" and kinds["half"] == "float16"


def test_integers_are_refused(path: str) -> None:
    with gradlog.Recorder(path, "r") as recorder, pytest.raises(TypeError, match="int64"):
        recorder.record({"w": torch.arange(3)}, epoch=0, batch=0)
