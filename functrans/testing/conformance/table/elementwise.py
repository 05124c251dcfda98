"""Operations on elements: arithmetic, comparison, choice, functions of analysis."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from functrans.testing.conformance.dtypes import (
    COMPLEX, DTYPES, FLOATS, INEXACT, INTEGERS, NUMBERS, REAL, WIDE)
from functrans.testing.conformance.operation import Table

INF = np.inf
ORDERED, BITS = (*REAL, "bool"), (*INTEGERS, "bool")


def _named(name: str):
    return lambda xp, *xs: getattr(xp, name)(*xs)


def _sign_bit(xp, x):
    """Whether the bits, read as an integer, are those of a negative number."""
    return xp.bitcast(x, f"int{8 * x.dtype.itemsize}") < 0


def add_to(table: Table):
    """Adds the operations of this file."""
    for family in (_arithmetic, _comparisons_and_bits, _choices, _powers, _angles,
                   _parts_and_conversions):
        family(table, partial(_alike, table, 1), partial(_alike, table, 2))


def _alike(table: Table, count: int, names: str, kind: str = "normal", dtypes=None,
           edges: bool = True, **options):
    """Functions of `count` operands of any shape, by their names."""
    for name in names.split():
        table.add(name, " ".join([f"mn:{kind}"] * count), _named(name), elementwise=True,
                  dtypes=dtypes or (INEXACT if count == 1 else NUMBERS), empty="m", edges=edges,
                  **options)


def _arithmetic(table: Table, unary: Callable, binary: Callable):
    """Sums, products, rounding; the larger and the smaller."""
    binary("add subtract")
    binary("multiply", limits=(((INF, 0.0), (0.0, INF)),))
    binary("divide", dtypes=INEXACT)
    unary("negative", dtypes=NUMBERS)
    table.add("absolute", "mn", lambda xp, x: xp.absolute(x), dtypes=NUMBERS, elementwise=True,
              empty="m", edges=True, kinks=((0.0,), (-0.0,)))
    unary("sign", dtypes=NUMBERS)
    unary("floor ceil rint trunc", "distinct", FLOATS)
    for name in ("floor_divide", "remainder", "fmod"):
        table.add(name, "mn:dividend mn:divisor", _named(name), dtypes=REAL, elementwise=True,
                  empty="m", edges=True)
    binary("nextafter", dtypes=WIDE, native=True, second=False)
    binary("copysign", dtypes=FLOATS, fixed=(1,))
    binary("maximum minimum", "distinct", ORDERED, kinks=((1.0, 1.0), (-2.0, -2.0)))


def _comparisons_and_bits(table: Table, unary: Callable, binary: Callable):
    """Truths, and integers bit by bit."""
    binary("equal not_equal", "distinct", DTYPES, second=False)
    binary("less less_equal greater greater_equal", "distinct", ORDERED, second=False)
    table.add("equal elements", "mn:few mn:few", lambda xp, x, y: (x == y, x <= y, x < y),
              dtypes=ORDERED, elementwise=True, empty="m", derivative=False)
    unary("isfinite isnan", dtypes=INEXACT, second=False)
    binary("bitwise_and bitwise_or bitwise_xor", dtypes=BITS, edges=False)
    unary("invert", dtypes=BITS, edges=False)
    for name in ("left_shift", "right_shift"):
        table.add(name, "mn mn:index:6",
                  lambda xp, x, k, name=name: getattr(xp, name)(x, xp.astype(k, str(x.dtype))),
                  dtypes=INTEGERS, elementwise=True, empty="m")
    unary("bitwise_count count_leading_zeros", dtypes=("int8", "int32", "int64"), edges=False)
    table.add("bitcast (the bit of the sign)", "mn", _sign_bit, dtypes=FLOATS, elementwise=True,
              empty="m", second=False)
    binary("gcd", dtypes=INTEGERS, edges=False)


def _choices(table: Table, unary: Callable, binary: Callable):
    """One of two, and what does not change the value."""
    table.add("where", "mn:truth mn mn", lambda xp, c, x, y: xp.where(c, x, y), dtypes=DTYPES,
              elementwise=True, empty="m", edges=True)
    table.add("where (a branch not taken)", "mn",
              lambda xp, x: xp.where(x > 0, xp.sqrt(xp.where(x > 0, x, x * 0)), x * 0),
              dtypes=FLOATS, elementwise=True, empty="m", kinks=((0.0,),), edges=True,
              limits=(((-1.0,), (0.0,)),))
    table.add("clip", "mn:distinct", lambda xp, x: xp.clip(x, -0.25, 0.25), dtypes=FLOATS,
              elementwise=True, empty="m", edges=True, kinks=((0.25,), (-0.25,)))
    table.add("x + 2 (a Python scalar)", "mn", lambda xp, x: 2 - (x + 2) * 3, dtypes=NUMBERS,
              elementwise=True, empty="m", edges=True)
    table.add("stop_gradient", "mn mn", lambda xp, x, y: x * xp.stop_gradient(y), elementwise=True,
              empty="m", fixed=(1,))


def _powers(table: Table, unary: Callable, binary: Callable):
    """Exponentials, logarithms, roots, powers."""
    unary("exp", limits=(((-INF,), (0.0,)),))
    unary("expm1 exp2", limits=(((-INF,), (0.0,)),), dtypes=FLOATS)
    unary("log", "positive", kinks=((0.0,),), limits=(((INF,), (0.0,)),))
    unary("log2 log10", "positive", FLOATS)
    unary("log1p", "positive", FLOATS, limits=(((INF,), (0.0,)),))
    unary("sqrt", "positive", kinks=((0.0,),), limits=(((INF,), (0.0,)),))
    unary("rsqrt", "positive", FLOATS, limits=(((INF,), (0.0,)),))
    unary("cbrt", dtypes=FLOATS, kinks=((0.0,),))
    unary("square reciprocal", dtypes=INEXACT)
    binary("power", "positive", INEXACT, ulp=64)
    table.add("x ** 3", "mn", lambda xp, x: x ** 3 + x ** -2, elementwise=True, empty="m",
              ulp=64)
    table.add("x ** 2 at 0", "mn", lambda xp, x: x ** 2, elementwise=True, empty="m",
              dtypes=NUMBERS, kinks=((0.0,),), edges=True)
    table.add("power at 0", "mn:positive mn:positive", lambda xp, x, y: xp.power(x, y),
              dtypes=FLOATS, elementwise=True, empty="m", ulp=64, kinks=((0.0, 2.0),), edges=False)


def _angles(table: Table, unary: Callable, binary: Callable):
    """Trigonometric and hyperbolic functions, and what is made of them."""
    unary("sin cos")
    unary("tan arcsin arccos", "unit", ulp=64)
    unary("arctan", "unit", limits=(((INF,), (0.0,)), ((-INF,), (0.0,))))
    binary("arctan2", dtypes=FLOATS)
    binary("hypot", dtypes=FLOATS, kinks=((0.0, 0.0),))
    unary("sinh cosh")
    unary("tanh", limits=(((INF,), (0.0,)), ((-INF,), (0.0,))))
    unary("arcsinh", ulp=64)
    unary("arccosh", "above_one", ulp=64)
    unary("arctanh", "unit", ulp=64)
    binary("logaddexp", dtypes=FLOATS, limits=(((-INF, 1.0), (0.0, 1.0)),
                                               ((0.0, -INF), (1.0, 0.0)),
                                               ((-INF, -INF), (None, None))))
    unary("sinc", dtypes=FLOATS, edges=False, kinks=((0.0,),), ulp=64)
    unary("nan_to_num", dtypes=("float64",), edges=True)


def _parts_and_conversions(table: Table, unary: Callable, binary: Callable):
    """Parts of complex numbers; other dtypes."""
    unary("real imag conj", dtypes=COMPLEX, edges=False)
    binary("complex", dtypes=WIDE, edges=False)
    unary("angle", dtypes=COMPLEX, edges=False)
    table.add("through complex128", "mn", lambda xp, x: xp.real(xp.astype(x, "complex128")),
              dtypes=("float64",), elementwise=True, empty="m")
    for name in (*FLOATS, "int32", "bool", "complex64"):
        table.add(f"astype {name}", "mn:distinct",
                  lambda xp, x, name=name: xp.astype(x, name),
                  dtypes=ORDERED if name != "complex64" else (*WIDE, *COMPLEX, "int32"),
                  elementwise=True, empty="m", derivative=name in ("float64", "complex64"))
