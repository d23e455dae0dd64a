"""Tensors that leave a compiled step together arrive as they were."""

import numpy
import pytest
from gradlog.keras.packing import Packing

keras = pytest.importorskip("keras")

NAN_WITH_PAYLOAD = numpy.array([0x7FC12345, 0xFF800001, 0x80000000, 0x00000001], numpy.uint32).view(numpy.float32)


def tensors_of(arrays):
    return {name: keras.ops.convert_to_tensor(array) for name, array in arrays.items()}


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_small_tensors_of_a_type_travel_as_one_and_come_back_bit_for_bit():
    arrays = {
        "kernel": numpy.arange(6, dtype="float32").reshape(2, 3),
        "scalar": numpy.float32(-0.0),
        "step": numpy.int32(7),
        "hard": NAN_WITH_PAYLOAD.reshape(2, 1, 2),
        "empty": numpy.zeros((0, 3), "float32"),
        "half": numpy.array([65504, -6e-8], "float16"),
        "other half": numpy.array(2, "float16"),
    }
    packing = Packing()
    packed = packing.pack(tensors_of(arrays))
    assert len(packed) == 3  # float32, float16, and the step by itself
    back = packing.unpack(packed, to_numpy)
    assert set(back) == set(arrays)
    for name, array in arrays.items():
        found = numpy.asarray(to_numpy(back[name]) if name == "step" else back[name])
        assert (found.dtype, found.shape) == (numpy.asarray(array).dtype, numpy.shape(array))
        assert found.tobytes() == numpy.asarray(array).tobytes(), name


def test_large_tensors_travel_by_themselves():
    arrays = {"a": numpy.ones(4096, "float32"), "b": numpy.ones(2, "float32"), "large": numpy.ones(4097, "float32")}
    packed = Packing().pack(tensors_of(arrays))
    assert len(packed) == 2
    assert packed["large"].shape[0] == 4097


def test_the_outputs_of_each_of_several_traces_are_told_apart():
    packing = Packing()
    one = {"a": numpy.ones(2, "float32"), "b": numpy.zeros(3, "float32")}
    other = {"a": numpy.full(1, 5, "float32"), "b": numpy.full(4, 6, "float32")}
    packed = [packing.pack(tensors_of(arrays)) for arrays in (one, other, one)]
    assert list(packed[0]) == list(packed[2]) != list(packed[1])
    for arrays, tensors in zip((one, other, one), packed, strict=True):
        back = packing.unpack(tensors, to_numpy)
        assert all(numpy.array_equal(back[name], array) for name, array in arrays.items())
