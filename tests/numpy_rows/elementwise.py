"""Rows: ufuncs and other functions that map elements to elements."""
from __future__ import annotations

import numpy as np

from numpy_rows.base import binary, row, unary
from numpy_rows.draw import call

# ---- arithmetic ----
binary("add multiply", "any")
binary("subtract")
binary("true_divide divide", "inexacting", "nonzero")
binary("floor_divide remainder mod fmod divmod", "real", "nonzero", edges=False)
unary("negative", "number")
unary("positive abs absolute", "number", "nonzero")
unary("sign", "number", "nonzero")
unary("fabs", "floating", "nonzero")
unary("floor ceil trunc fix", "ordered", "distinct")
unary("rint", "floating")
row("round", lambda d: call(d.array("number", kind="nonzero"), d.integer(0, 2)))
row("around", lambda d: call(d.array("float", kind="nonzero")))
binary("maximum minimum fmax fmin", "ordered")
row("clip", lambda d: call(x := d.array("real", edges=True), d.choice([None, 0]),
                           d.choice([1, 2] if x.dtype.kind == "u" else [1, None])))
unary("square", "number")
unary("reciprocal", "inexact", "nonzero")
unary("conjugate conj real", "number")
unary("imag", "number")
row("angle", lambda d: call(d.array("inexacting", kind="nonzero"), d.flag()))

# ---- comparison and logic ----
binary("equal not_equal less less_equal greater greater_equal", "any")
binary("logical_and logical_or logical_xor", "any")
unary("logical_not isnan isinf isfinite", "any")
unary("isreal iscomplex", "number")
unary("isposinf isneginf", "float")
unary("signbit", "real")
binary("bitwise_and bitwise_or bitwise_xor", "bits", edges=False)
unary("bitwise_not bitwise_invert invert", "bits")
unary("bitwise_count", "integer")
for _name in ("left_shift", "right_shift", "bitwise_left_shift", "bitwise_right_shift"):
    row(_name, lambda d: call(d.array("int64", (2, 3)), d.integers(0, 70, d.choice([(3,), ()]))))

# ---- functions ----
unary("exp expm1 sin cos sinh cosh tanh arctan arcsinh atan asinh", "inexacting")
unary("tan", "inexacting", "unit")
unary("log log2 log10 log1p sqrt", "inexacting", "positive")
unary("cbrt", "floating", "nonzero")
unary("exp2 sinc", "floating")
unary("i0", "float64", edges=False, ulp=256)
unary("arcsin arccos arctanh asin acos atanh", "inexacting", "unit", edges=False)
unary("arccosh acosh", "inexacting", "above_one", edges=False)
unary("degrees radians rad2deg deg2rad", "floating")
binary("logaddexp logaddexp2 hypot", "floating", "nonzero")
binary("arctan2 atan2", "floating", "nonzero")
binary("copysign", "floating", "nonzero")
binary("nextafter", "float")
binary("heaviside", "floating")
binary("power pow", "inexact", "positive", edges=False, ulp=256)
binary("float_power", "float64", "positive", edges=False)


def _integer_powers(d):
    x = d.array("integer")
    return call(x, d.array(x.dtype, x.shape, "positive"))


row("power", _integer_powers, reference=lambda x, y: np.power(x, y))
row("power", lambda d: call(d.array("number", kind="nonzero"), d.integer(0, 4)), ulp=256)

# ---- parts of numbers ----
binary("gcd lcm", "integer", edges=False)
unary("modf", "floating", "distinct")
unary("frexp", "floating")
row("ldexp", lambda d: call(d.array("float", (2, 3)), d.integers(-30, 30, (3,))))
unary("spacing", "wide")
unary("nan_to_num", "any")
row("nan_to_num", lambda d: call(d.array("inexact", edges=True), nan=d.choice([0.0, 2.0]),
                                 posinf=d.choice([None, 5.0]), neginf=d.choice([None, -5])))
row("real_if_close", lambda d: call(d.array("number") * d.choice([1, 0])), jit=False,
    batched=False, grad=False, why="the dtype of the result depends on values")
row("unwrap", lambda d: call(d.array("float", low=1) * 4, axis=d.choice([-1, 0]),
                             **d.choice([{}, dict(period=3), dict(discont=2.0)])))
row("isclose", lambda d: call(*d.arrays(2, "floating", edges=True), equal_nan=d.flag()))
row("isclose", lambda d: call(x := d.array("float64", edges=True),
                             np.asarray(x + d.choice([0, 1e-9, 1e-4]))))
