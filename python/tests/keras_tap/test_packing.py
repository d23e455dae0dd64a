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
        "step": numpy.int32(-7),
        "places": numpy.array([0x7FC12345, -1, 1], "int32"),
        "flag": numpy.array(True),
        "hard": NAN_WITH_PAYLOAD.reshape(2, 1, 2),
        "empty": numpy.zeros((0, 3), "float32"),
        "half": numpy.array([65504, -6e-8], "float16"),
        "other half": numpy.array(2, "float16"),
    }
    packing = Packing()
    packed = packing.pack(tensors_of(arrays))
    # float16, the flag by itself, and float32 with the integers; Keras had no view() before 3.12.
    assert len(packed) == 3 if hasattr(keras.ops, "view") else 4
    back = packing.unpack(packed, to_numpy)
    assert set(back) == set(arrays)
    for name, array in arrays.items():
        found = numpy.asarray(to_numpy(back[name]) if name == "flag" else back[name])
        assert (found.dtype, found.shape) == (numpy.asarray(array).dtype, numpy.shape(array))
        assert found.tobytes() == numpy.asarray(array).tobytes(), name


def test_a_compiled_step_packs_as_an_eager_one():
    backend = keras.backend.backend()
    if backend == "torch":
        pytest.skip("nothing leaves a compiled step on torch")
    packing = Packing()
    kept = {"hard": NAN_WITH_PAYLOAD, "step": numpy.array([1, -1, 0x7FC12345], "int32"), "large": numpy.int64(2**31 - 2)}

    def step(tensors):
        return packing.pack(tensors)

    if backend == "jax":
        import jax

        compiled = jax.jit(step)
    else:
        import tensorflow as tf

        compiled = tf.function(step, jit_compile=True)
    packed = compiled(tensors_of(kept))
    assert len(packed) == 1 if hasattr(keras.ops, "view") else 3
    back = packing.unpack(packed, to_numpy)
    assert numpy.array_equal(numpy.asarray(back["hard"]).view("uint32"), NAN_WITH_PAYLOAD.view("uint32"))
    assert numpy.array_equal(back["step"], kept["step"])
    assert int(back["large"]) == 2**31 - 2


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
