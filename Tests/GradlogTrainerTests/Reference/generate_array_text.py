"""Records what numpy's str() prints, in array-text.golden beside this script.

    pip install numpy==2.4.6
    python generate_array_text.py

Each case is four lines and then the text: a header "# name", the type, the shape, the values in
hexadecimal (bits of the type), and the printed lines, which end at the next header.
"""

import pathlib

import numpy as np

generator = np.random.default_rng(5)
normal = generator.normal

CASES = {
    "scalar": np.float32(0.1), "scalar-whole": np.float32(3), "scalar-small": np.float32(1e-5),
    "scalar-large": np.float32(1.5e20), "scalar-positional-large": np.float32(123456789),
    "scalar-negative-zero": np.float32(-0.0), "scalar-nan": np.float32(np.nan),
    "scalar-minus-infinity": np.float32(-np.inf), "scalar-limit": np.float32(1e16),
    "scalar-threshold": np.float32(1e-4), "scalar-double": np.float64(1) / 3,
    "scalar-million": np.float32(1e6), "scalar-below-million": np.float32(999999),
    "empty": np.zeros(0, "f4"), "empty-matrix": np.zeros((3, 0), "f4"), "one": np.ones(1, "f4"),
    "zeros": np.zeros((2, 3), "f4"), "negative-zero": np.array([0.0, -0.0, 1.0], "f4"),
    "mixed-widths": np.array([1, 2.5, 100.125, -3], "f4"),
    "eight-places": np.array([0.123456789, 1.000000001], "f8"),
    "huge": np.array([1e8, 1, 2], "f4"), "nearly-huge": np.array([99999999, 1e6], "f8"),
    "small": np.array([9.9e-5, 0.001], "f4"), "ratio": np.array([1, 1000.5], "f4"),
    "ratio-limit": np.array([1, 1000], "f4"), "exponents": np.array([1e-300, 2.5, -1e5], "f8"),
    "extremes": np.array([1.4e-45, 3.4028235e38, -1.1754944e-38], "f4"),
    "nan": np.array([np.nan, 1.5, -2.25], "f4"), "infinite": np.array([np.inf, 1, 10], "f4"),
    "minus-infinite": np.array([-np.inf, 0.5, np.nan], "f4"),
    "only-nan": np.array([np.nan, np.nan], "f4"), "only-infinite": np.array([[-np.inf], [np.inf]], "f4"),
    "scientific-nan": np.array([np.nan, 1e-9, -np.inf], "f4"),
    "half-places": np.array([0.5, 0.123456785, 0.000244140625, 0.001953125], "f8"),
    "half-float": np.array([0.123456785, 0.10000001, 0.99999999], "f4"),
    "exact-halves": np.array([2.0**-9, 3 * 2.0**-9, 5 * 2.0**-9], "f8"),
    "carry": np.array([0.999999999, 9.999999999], "f8"),
    "scientific-carry": np.array([9.9999999999e-9, 1.0], "f8"),
    "vector-wrapped": normal(size=20).astype("f4"), "matrix-wrapped": normal(size=(3, 12)).astype("f4"),
    "column": normal(size=(5, 1)).astype("f4"), "rank-3": normal(size=(2, 3, 4)).astype("f4"),
    "rank-4": normal(size=(2, 1, 2, 2)).astype("f4"),
    "gradient": (normal(size=(10, 16)) * 1e-3).astype("f4"),
    "threshold": normal(size=1000).astype("f4"), "summary": normal(size=1001).astype("f4"),
    "summary-matrix": normal(size=(64, 32)).astype("f4"),
    "summary-narrow": normal(size=(400, 4)).astype("f4"),
    "summary-rank-3": (normal(size=(8, 9, 20)) * 1e-6).astype("f4"),
    "doubles": normal(size=(4, 4)), "long-doubles": normal(size=(2, 3)) * 1e-7,
    "whole": np.arange(12, dtype="f4").reshape(3, 4), "wide-scientific": (normal(size=9) * 1e-8).astype("f4"),
    "random-bits": np.random.default_rng(9).integers(0, 2**32, 60, dtype="u4").view("f4"),
    "random-cut": np.round(np.random.default_rng(2).random(200), 9),
}

lines = []
for name, value in CASES.items():
    array = np.asarray(value)
    bits = array.reshape(-1).view("u4" if array.dtype == np.float32 else "u8")
    lines += [f"# {name}", str(array.dtype), " ".join(map(str, array.shape)),
              " ".join(f"{item:x}" for item in bits), str(value)]
(pathlib.Path(__file__).parent / "array-text.golden").write_text("\n".join(lines) + "\n")
