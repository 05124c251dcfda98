"""Rows of the array API standard, version 2024.12: each function of its main namespace.

A row says which arguments the standard allows. The oracle is array-api-strict.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from numpy_rows.draw import Call, Draw, call

FLOATING = ("float32", "float64")
COMPLEX = ("complex64", "complex128")
SIGNED, UNSIGNED = ("int8", "int16", "int32", "int64"), ("uint8", "uint16", "uint32", "uint64")
INTEGER = SIGNED + UNSIGNED
REAL, INEXACT = FLOATING + INTEGER, FLOATING + COMPLEX
NUMERIC = FLOATING + COMPLEX + INTEGER
ANY = ("bool", *NUMERIC)
BITS = ("bool", *INTEGER)


@dataclass(frozen=True)
class StandardRow:
    """arguments: a Draw to a Call. special: whether elements can be NaN, infinite, signed zeros.

    ulp: how far results may be from the oracle's. values: whether they are compared.
    """
    name: str
    arguments: Callable[[Draw], Call]
    special: bool = False
    ulp: float = 64
    values: bool = True


STANDARD: list[StandardRow] = []


def row(name: str, arguments: Callable[[Draw], Call], **options):
    STANDARD.append(StandardRow(name, arguments, **options))


def _array(d: Draw, dtypes, shape=None, kind="normal", **options):
    return d.array(np.dtype(d.choice(dtypes)), shape, kind, **options)


def unary(names: str, dtypes, kind: str = "normal", **options):
    for name in names.split():
        row(name, lambda d: call(_array(d, dtypes, kind=kind, edges=True)), special=True, **options)


def binary(names: str, dtypes, kind: str = "normal", **options):
    """Of one dtype, or of an array and a Python number."""
    def arguments(d: Draw) -> Call:
        first, second = d.shapes(2)
        x = _array(d, dtypes, first, kind, edges=options.get("special", True))
        if d.integer(0, 3):
            return call(x, d.array(x.dtype, second, kind))
        scalar = True if x.dtype.kind == "b" else 2 if x.dtype.kind in "iu" else d.choice([2.0, 2])
        return call(*d.choice([(x, scalar), (scalar, x)]))
    for name in names.split():
        row(name, arguments, **{"special": True, **options})


# ---- elementwise ----
unary("abs", NUMERIC)
unary("acos asin atanh", INEXACT, "unit")
unary("acosh", INEXACT, "above_one")
unary("asinh atan cos cosh exp expm1 sin sinh tan tanh", INEXACT)
unary("log log10 log1p log2 sqrt", INEXACT, "positive")
unary("ceil floor trunc", REAL)
unary("round sign square negative positive", NUMERIC)
unary("isfinite isinf isnan", NUMERIC)
unary("conj imag real", COMPLEX)
unary("signbit", FLOATING)
unary("reciprocal", INEXACT, "nonzero")
unary("logical_not", ("bool",))
unary("bitwise_invert", BITS)
binary("add multiply subtract", NUMERIC)
binary("divide", INEXACT, "nonzero")
binary("atan2 copysign hypot logaddexp", FLOATING)
binary("nextafter", FLOATING)
binary("maximum minimum greater greater_equal less less_equal", REAL)
binary("equal not_equal", ANY)
binary("floor_divide remainder", REAL, "nonzero", special=False)
binary("pow", INEXACT, "positive", ulp=512)
row("pow", lambda d: call(x := _array(d, INTEGER), d.array(x.dtype, (), "positive")))
binary("logical_and logical_or logical_xor", ("bool",))
binary("bitwise_and bitwise_or bitwise_xor", BITS, special=False)
row("bitwise_left_shift", lambda d: call(x := _array(d, INTEGER), d.integers(0, 7, x.shape)
                                         .astype(x.dtype)))
row("bitwise_right_shift", lambda d: call(x := _array(d, INTEGER), d.integers(0, 7, x.shape)
                                          .astype(x.dtype)))
row("clip", lambda d: call(x := _array(d, REAL), x.dtype.type(0),
                           d.choice([x.dtype.type(2), None])))
row("clip", lambda d: call(_array(d, FLOATING), -1.0, 1))
row("where", lambda d: call(d.array("bool", (3,)), x := _array(d, ANY, (2, 3)),
                            d.array(x.dtype, d.choice([(3,), ()]))))

# ---- creation ----
_DTYPE = [None, "float32", "int64", "complex128", "bool", "uint8"]


def _kind(d: Draw):
    name = d.choice(_DTYPE)
    return {} if name is None else dict(dtype=name)


row("arange", lambda d: call(*d.choice([(3,), (1, 5), (1, 8, 3), (5, 1, -2), (2.5,)]),
                             **d.choice([{}, dict(dtype="float32")])))
row("asarray", lambda d: call(d.choice([1, 2.5, [1, 2], [[True]], [1.0, 2]]), **_kind(d)))
row("asarray", lambda d: call(d.choice([[1j], 2 + 1j]), **d.choice([{}, dict(dtype="complex64")])))
for _name in ("zeros", "ones", "empty"):
    row(_name, lambda d: call(d.shape(), **_kind(d)), values=_name != "empty")
    row(f"{_name}_like", lambda d: call(_array(d, ANY), **_kind(d)), values=_name != "empty")
row("full", lambda d: call(d.shape(), d.choice([2, 1.5, True, 1j])))
row("full_like", lambda d: call(_array(d, NUMERIC), 2, **d.choice([{}, dict(dtype="float64")])))
row("eye", lambda d: call(*d.choice([(3,), (2, 3), (0, 2)]), k=d.integer(-2, 2),
                          **d.choice([{}, dict(dtype="int32")])))
row("linspace", lambda d: call(d.choice([0, 1.5]), 2, d.choice([5, 1, 0]), endpoint=d.flag()))
row("meshgrid", lambda d: call(*d.choice([[_array(d, NUMERIC, (3,))] * 2, []]),
                               indexing=d.choice(["xy", "ij"])))
row("tril", lambda d: call(_array(d, ANY, d.shape(2, 3)), k=d.integer(-2, 2)))
row("triu", lambda d: call(_array(d, ANY, d.shape(2, 3)), k=d.integer(-2, 2)))

# ---- manipulation ----
row("broadcast_arrays", lambda d: call(*(_array(d, ANY, shape) for shape in d.shapes(2))))
row("broadcast_to", lambda d: call(_array(d, ANY, (3,)), d.choice([(2, 3), (3,), (0, 3)])))
row("concat", lambda d: call([x := _array(d, ANY, (2, 3)), d.array(x.dtype, (2, 3))],
                             axis=d.choice([0, 1, -1, None])))
row("expand_dims", lambda d: call(_array(d, ANY, (2, 3)), axis=d.integer(-3, 2)))
row("flip", lambda d: call(x := _array(d, ANY), axis=d.axes(x)))
row("matrix_transpose", lambda d: call(_array(d, ANY, d.shape(2, 3))))
row("moveaxis", lambda d: call(_array(d, ANY, (2, 3, 4)), *d.choice([(0, -1), ((0, 1), (2, 0))])))
row("permute_dims", lambda d: call(_array(d, ANY, (2, 3, 4)), d.choice([(2, 0, 1), (0, 1, 2)])))
row("repeat", lambda d: call(x := _array(d, ANY, (2, 3)), d.choice([2, 0]), axis=d.axis(x)))
row("reshape", lambda d: call(_array(d, ANY, (2, 6)), d.choice([(3, 4), (-1,), (2, -1, 3)])))
row("roll", lambda d: call(_array(d, ANY, (2, 3)), *d.choice([(1,), (-2,)]),
                           axis=d.choice([None, 0, -1])))
row("squeeze", lambda d: call(_array(d, ANY, (1, 3, 1)), d.choice([0, -1, (0, 2)])))
row("stack", lambda d: call([x := _array(d, ANY, (2, 3)), d.array(x.dtype, (2, 3))],
                            axis=d.integer(-3, 2)))
row("tile", lambda d: call(_array(d, ANY, (2, 3)), d.choice([(2,), (2, 1), (1, 2, 2)])))
row("unstack", lambda d: call(_array(d, ANY, (2, 3)), axis=d.choice([0, 1, -1])))

# ---- indexing, searching, sorting, sets ----
row("take", lambda d: call(_array(d, ANY, (3, 2)), d.integers(0, 2, (4,)), axis=d.choice([0, 1])))
row("take_along_axis", lambda d: call(_array(d, ANY, (3, 2)), d.integers(0, 3, (2, 2)), axis=0))
for _name in ("argmax", "argmin"):
    row(_name, lambda d: call(x := _array(d, REAL, kind="distinct", low=1, empty=False),
                              axis=d.axis(x), keepdims=d.flag()))
row("count_nonzero", lambda d: call(x := _array(d, ANY), axis=d.axes(x), keepdims=d.flag()))
row("nonzero", lambda d: call(_array(d, ANY, d.shape(1, 3))))
row("searchsorted", lambda d: call(np.sort(x := _array(d, REAL, (5,))), d.array(x.dtype, (2, 3)),
                                   side=d.choice(["left", "right"])))
for _name in ("sort", "argsort"):
    row(_name, lambda d: call(x := _array(d, REAL, kind="distinct", low=1), descending=d.flag(),
                              axis=d.choice(list(range(-x.ndim, x.ndim)))))
for _name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
    row(_name, lambda d: call(_array(d, REAL, kind="normal")), values=_name != "unique_values")

# ---- sums and the like ----
for _name in ("sum", "prod"):
    row(_name, lambda d: call(x := _array(d, NUMERIC), axis=d.axes(x), keepdims=d.flag(),
                              **d.choice([{}, dict(dtype="float64")] if x.dtype.kind != "c"
                                         else [{}])), ulp=256)
for _name in ("max", "min"):
    row(_name, lambda d: call(x := _array(d, REAL, empty=False), axis=d.axes(x),
                              keepdims=d.flag()))
row("mean", lambda d: call(x := _array(d, INEXACT, empty=False), axis=d.axes(x),
                           keepdims=d.flag()), ulp=256)
for _name in ("std", "var"):
    row(_name, lambda d: call(x := _array(d, FLOATING, (3, 4)), axis=d.axes(x), keepdims=d.flag(),
                              correction=d.choice([0.0, 1])), ulp=1024)
for _name in ("all", "any"):
    row(_name, lambda d: call(x := _array(d, ANY), axis=d.axes(x), keepdims=d.flag()))
for _name in ("cumulative_sum", "cumulative_prod"):
    row(_name, lambda d: call(x := _array(d, NUMERIC, low=1), include_initial=d.flag(),
                              axis=d.choice(list(range(-x.ndim, x.ndim)))), ulp=512)
row("diff", lambda d: call(x := _array(d, NUMERIC, low=1), n=d.choice([1, 2]),
                           axis=d.choice(list(range(-x.ndim, x.ndim)))))

# ---- products ----
row("matmul", lambda d: call(x := _array(d, NUMERIC, (2, 3)), d.array(x.dtype, d.choice(
    [(3, 4), (3,), (5, 3, 2)]))), ulp=256)
row("tensordot", lambda d: call(x := _array(d, NUMERIC, (2, 3)), d.array(x.dtype, (3, 2)),
                                axes=d.choice([1, 0, ((0, 1), (1, 0))])), ulp=256)
row("vecdot", lambda d: call(x := _array(d, NUMERIC, (2, 3)), d.array(x.dtype, d.choice(
    [(2, 3), (3,)])), axis=-1), ulp=256)

# ---- dtypes ----
row("astype", lambda d: call(_array(d, REAL), np.dtype(d.choice(["float64", "int64", "bool",
                                                                "complex64"]))))
row("can_cast", lambda d: (k := d.choice([FLOATING + COMPLEX, INTEGER, ("bool",)]), call(
    np.dtype(d.choice(k)), np.dtype(d.choice(k))))[1])
row("finfo", lambda d: call(np.dtype(d.choice(INEXACT))), values=False)
row("iinfo", lambda d: call(np.dtype(d.choice(INTEGER))), values=False)
row("isdtype", lambda d: call(np.dtype(d.choice(ANY)), d.choice(
    ["bool", "integral", "real floating", "complex floating", "numeric", "signed integer",
     "unsigned integer", ("bool", "integral"), np.dtype("int8")])))
row("result_type", lambda d: call(k := np.dtype(d.choice(REAL)), k,
                                  d.array(k, ())))
row("from_dlpack", lambda d: call(_array(d, NUMERIC)))
