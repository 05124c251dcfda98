"""Rows: statistics, quantiles, sets, calculus, polynomials, windows, bits."""
from __future__ import annotations

import numpy as np

import functrans.numpy as fnp
from numpy_rows.base import row
from numpy_rows.draw import Call, call
from numpy_rows.reductions import nan_rows, with_nan

_SIZE = "the size of the result depends on values"

# ---- order statistics ----
METHODS = ["linear", "lower", "higher", "nearest", "midpoint", "weibull", "hazen", "inverted_cdf",
           "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
           "median_unbiased", "normal_unbiased"]


def _quantile(scale, nan):
    def arguments(d):
        x = with_nan(d, "wide", empty=False) if nan or not d.integer(0, 3) else \
            d.array("wide", kind="distinct", empty=False)
        q = d.choice([0.25, 0.5, 1.0, 0.0, [0.1, 0.7], 1.5, -0.1] + [[[0.3]]] * (not nan))
        q = (np.asarray(q, x.dtype) * scale)[()]
        return call(x, q, d.axes(x), method=d.choice(METHODS), keepdims=d.flag())
    return arguments


for _name, _scale, _nan in (("quantile", 1, False), ("percentile", 100, False),
                            ("nanquantile", 1, True), ("nanpercentile", 100, True)):
    row(_name, _quantile(_scale, _nan), ulp=256)
row("quantile", lambda d: call(d.array("int64", empty=False, kind="distinct"),
                               d.choice([0.5, [0.2, 0.4]]), method=d.choice(METHODS)))
row("quantile", lambda d: call([1.0, 2.0], d.choice([0.5, 2]), method=d.choice(["linear", "no"])))
row("median", lambda d: call(x := d.array("floating", kind="distinct", empty=False), d.axes(x),
                             keepdims=d.flag()))
row("median", lambda d: call(x := with_nan(d, "floating", empty=False), d.axes(x)))
nan_rows("nanmedian", "wide", "distinct")

# ---- more that ignores NaN ----
nan_rows("nanargmax nanargmin", "floating", "distinct", axes=False)
row("nancumsum", lambda d: call(x := with_nan(d), d.axis(x)))
row("nancumprod", lambda d: call(x := with_nan(d), d.axis(x)), ulp=256)

# ---- covariance, counts, histograms ----


def _cov(d):
    x = d.array(d.choice(["float64", "complex128"]), d.choice([(2, 4), (3, 4), (4,), (1, 4)]))
    options = dict(rowvar=d.flag()) if x.ndim == 2 and x.shape[0] > 1 else {}
    count = x.shape[0] if options.get("rowvar") is False else x.shape[-1]
    if d.flag():
        options["y"] = d.array(x.dtype, x.shape)
    how = d.choice(["none", "bias", "ddof", "fweights", "aweights"])
    options.update({"none": {}, "bias": dict(bias=True), "ddof": dict(ddof=d.choice([0, 2])),
                    "fweights": dict(fweights=d.integers(1, 4, (count,))),
                    "aweights": dict(aweights=d.array("float64", (count,), "positive"))}[how])
    return Call((x,), options)


row("cov", _cov, ulp=1024)
row("cov", lambda d: call(d.array("float32", (2, 4))), ulp=1024, dtype=False)
row("corrcoef", lambda d: call(d.array("float64", d.choice([(2, 4), (3, 4), (4,)])),
                               rowvar=d.choice([True, False])), ulp=1024)
row("bincount", lambda d: call(d.integers(0, 5, d.shape(1, 1)),
                               **d.choice([{}, dict(minlength=7), dict(minlength=-1)])),
    jit=False, batched=False, why=_SIZE)
row("bincount", lambda d: call(d.choice([[0, 1], [1, -1], [[1]], []])))
row("bincount", lambda d: call(d.integers(0, 4, (5,)), d.array("floating", (5,)), length=4),
    reference=lambda x, w, length: np.bincount(x, w, 4)[:4], dtype=False)
row("digitize", lambda d: call(d.array("real"), d.choice([[-1, 0, 1], [1, 0, -1], [0], [1, 1],
                                                          [0, 2, 1], []]), d.flag()))
_EDGES = [3, [0.0, 0.5, 2.0], 1, 0, [1, 0], "no", 2.5]
row("histogram_bin_edges", lambda d: call(d.array("wide", low=1, kind="distinct"),
                                          d.choice(_EDGES), d.choice([None, (0, 1), (1, 1)])))
row("histogram_bin_edges", lambda d: call(d.array("float64", (9,)), d.choice(["auto", "fd"])),
    jit=False, grad=False, batched=False, why=_SIZE)
row("histogram", lambda d: call(d.array("float64", kind="distinct", low=1, empty=False),
                                d.choice(_EDGES[:3]),
                                **d.choice([{}, dict(range=(-1, 2)), dict(density=True)])))
row("histogram", lambda d: call(d.array("int64", (6,)), d.choice([3, [0, 1, 4]]),
                                weights=d.array("real", (6,))))
row("histogram2d", lambda d: call(d.array("float64", (5,)), d.array("float64", (5,)),
                                  d.choice([3, (2, 3), [0.0, 0.5, 2.0]]), density=d.flag()))
row("histogramdd", lambda d: call(d.array("float64", (5, 2)), d.choice([3, (2, 3)]),
                                  **d.choice([{}, dict(range=[(-1, 1), (0, 2)]),
                                              dict(density=True)])))

# ---- sets ----


def _unique(d):
    x = d.array("any", d.choice([(6,), (2, 3), (), (0,), (1,)]))
    flags = ("return_index", "return_inverse", "return_counts")
    return Call((x,), {flag: True for flag in flags if d.flag()})


row("unique", _unique, jit=False, batched=False, why=_SIZE)
row("unique", lambda d: call(with_nan(d, "wide", low=1, high=1), equal_nan=d.flag()), jit=False,
    batched=False, why=_SIZE)
row("unique", lambda d: call(d.array("int64", (4, 2), "index:2"), return_index=True,
                             return_inverse=True, return_counts=True, axis=d.choice([0, 1, -1])),
    jit=False, batched=False, why=_SIZE)


def _filled(x, size):
    values, index, inverse, counts = np.unique(x, True, True, True)
    missing = size - len(values)
    return (np.pad(values, (0, missing), constant_values=values[0]),
            np.pad(index, (0, missing), constant_values=index[0]), inverse,
            np.pad(counts, (0, missing)))


row("unique", lambda d: call(d.array("real", (2, 3)), True, True, True, size=8),
    reference=lambda x, *flags, size: _filled(x, size))
for _name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
    row(_name, lambda d: call(d.array("real", d.choice([(6,), (2, 3)]))), jit=False, batched=False,
        reference=(lambda x: np.sort(np.unique_values(x))) if _name == "unique_values" else None,
        why=_SIZE)


def _named_parts(name: str):
    def reference(x, size):
        values, index, inverse, counts = _filled(x, size)
        return {"unique_all": (values, index, inverse, counts), "unique_counts": (values, counts),
                "unique_inverse": (values, inverse), "unique_values": values}[name]
    return reference


for _name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
    row(_name, lambda d: call(d.array("real", (2, 3)), size=7), _named_parts(_name))
for _name in ("union1d", "intersect1d", "setdiff1d", "setxor1d"):
    row(_name, lambda d: call(x := d.array("any"), d.array(x.dtype)), jit=False, batched=False,
        why=_SIZE)
row("intersect1d", lambda d: call(d.array("int64", (5,)), d.array("int64", (4,)),
                                  return_indices=True), jit=False, batched=False, why=_SIZE)


def _sized(name):
    def reference(a, b, size, fill_value):
        values = getattr(np, name)(a, b)[:size]
        return np.pad(values, (0, size - len(values)), constant_values=fill_value)
    return reference


for _name in ("union1d", "intersect1d", "setdiff1d", "setxor1d"):
    row(_name, lambda d: call(d.array("int64", (4,)), d.array("int64", (3,)), size=7,
                              fill_value=-9), _sized(_name))
row("isin", lambda d: call(x := d.array("any"), d.array(x.dtype), invert=d.flag()))

# ---- calculus ----
row("diff", lambda d: call(x := d.array("any", low=1), d.choice([1, 2, 0]),
                           d.choice(list(range(-x.ndim, x.ndim)))))
row("diff", lambda d: call(x := d.array("real", (2, 3)), **d.choice([
    dict(prepend=x.dtype.type(1)), dict(append=np.ones((2, 1), x.dtype)), dict(n=-1),
    dict(prepend=x.dtype.type(1), append=x.dtype.type(2))])))
row("ediff1d", lambda d: call(x := d.array("number"), d.array(x.dtype, (2,)),
                              d.choice([None, 1])))
row("gradient", lambda d: call(x := d.array("inexact", d.choice([(4,), (3, 4), (3, 3, 3)]),),
                               axis=d.choice([None, 0, -1, (0,)] + [(1, 0)] * (x.ndim > 1)),
                               edge_order=d.choice([1, 2])), ulp=256)
row("gradient", lambda d: call(d.array("float64", (3, 4)), *d.choice([
    (2.0,), (2.0, 0.5), ([0, 1, 4], 0.5), ([0, 1, 4], [0, 2, 3, 7]), (1, 2, 3), ([1, 2], 1.0)]),
    edge_order=d.choice([1, 2, 3])), ulp=256)
row("gradient", lambda d: call(d.array("wide", (4,)), np.cumsum(d.array("wide", (4,), "positive")),
                               edge_order=d.choice([1, 2])), ulp=1024)
row("trapezoid", lambda d: call(x := d.array("inexact", low=1), dx=d.choice([1.0, 0.5]),
                                axis=d.choice(list(range(-x.ndim, x.ndim)))))
row("trapezoid", lambda d: call(x := d.array("wide", (2, 3)), d.array(x.dtype, d.choice([
    (3,), (2, 3)]))))
row("interp", lambda d: call(d.array("float64", kind="distinct:1") * 2, np.sort(d.array(
    "float64", (4,), "distinct")), d.array(d.choice(["float64", "complex128"]), (4,)),
    **d.choice([{}, dict(left=-1.0), dict(right=5.0)])), ulp=256)
row("interp", lambda d: call(d.array("float64", (3,), "distinct:1"), d.array("float64", (4,),
                                                                          "distinct"),
                             d.array("float64", (4,)), period=d.choice([3, 0])), ulp=4096)
row("interp", lambda d: call(*d.choice([(1.0, [], []), (1.0, [1], [2]), ([0, 3], [1], [2]),
                                        (1.0, [1, 2], [1])])))
for _name in ("convolve", "correlate"):
    row(_name, lambda d: call(d.array("number", d.choice([(4,), (2,), (1,), (0,), ()])),
                              d.array("number", d.choice([(3,), (2,), (5,), (1,)])),
                              d.choice(["full", "same", "valid", "none"])), ulp=256)

# ---- polynomials ----
row("polyval", lambda d: call(d.array("number", d.choice([(3,), (1,)])),
                              d.array("number")), ulp=256)
for _name in ("polyadd", "polysub", "polymul"):
    row(_name, lambda d: call(d.array("number", d.choice([(3,), (1,)]), "nonzero"),
                              d.array("number", d.choice([(2,), (4,)]), "nonzero")))
row("polymul", lambda d: call(d.choice([[0, 0, 1, 2], [0], 3]), [1, 2]))
row("polydiv", lambda d: call(d.array("float64", d.choice([(4,), (2,), (3,)]), "positive"),
                              d.array("float64", d.choice([(2,), (3,)]), "positive")),
    ulp=4096)
row("polyder", lambda d: call(d.array("number", (4,)), d.choice([1, 2, 0, 5, -1])))
row("polyint", lambda d: call(d.array(d.choice(["float64", "complex128", "integer"]), (3,)),
                              d.choice([1, 2, 0, -1]), d.choice([None, 3, [1, 2]])))
row("poly", lambda d: call(d.array("float64", d.choice([(3,), (1,), (0,)]))), ulp=256)
row("vander", lambda d: call(d.array(d.choice(["integer", "float64", "complex128"]), (3,),
                                     "nonzero"), d.choice([None, 2, 4, 0]),
                             d.flag()), ulp=256)

row("poly", lambda d: call(d.array("float64", (2, 2))), ulp=4096, grad=False)
row("polyfit", lambda d: call(np.sort(d.array("float64", (5,), "distinct")), d.array(
    "float64", d.choice([(5,), (5, 2)])), d.choice([1, 2]),
    **d.choice([{}, dict(w=d.array("float64", (5,), "positive"))])), ulp=1e5)
row("polyfit", lambda d: call(d.array("float64", (5,), "distinct"), d.array("float64", (5,)), 1,
                              **d.choice([dict(full=True), dict(cov=True),
                                          dict(cov="unscaled")])), ulp=1e5, dtype=False)
row("polyfit", lambda d: call(*d.choice([([1, 2], [1, 3], 1), ([1, 2], [1], 1), ([[1]], [1], 1),
                                         ([], [], 1), ([1, 2], [1, 2], -1)])))


def _by_size(function):
    def ordered(p):
        found = np.asarray(function(p))
        return found[np.lexsort((found.imag.round(6), found.real.round(6)))] + 0j
    return ordered


row("roots", lambda d: call(d.choice([[1.0, -3, 2], [1.0, 0, 1], [0, 0, 1.0, 2], [1.0, 2, 0, 0],
                                      [5.0], [0.0], [[1.0]]])), _by_size(np.roots),
    function=_by_size(fnp.roots), jit=False, batched=False, why="known zeros are dropped first",
    ulp=1e6)

# ---- windows, bits ----
for _name in ("bartlett", "blackman", "hamming", "hanning"):
    row(_name, lambda d: call(d.choice([4, 5, 1, 0])), ulp=256)
row("kaiser", lambda d: call(d.choice([5, 4, 1, 0]), d.choice([2.5, 0.0, 14])), ulp=256)
row("kaiser", lambda d: call(5, d.array("float64", (), "positive")), ulp=256, batched=False,
    reference=lambda M, beta: np.kaiser(M, float(beta)),
    why="one window at a time in NumPy")
row("packbits", lambda d: call(x := d.array("bits"), d.axis(x), d.choice(["big", "little"])))
row("unpackbits", lambda d: call(x := d.array(np.dtype("uint8"), low=1, empty=False), d.axis(x),
                                 d.choice([None, 3, 20, -2]), d.choice(["big", "little", "no"])))

# ---- equality ----
row("allclose", lambda d: call(*d.arrays(2, "inexact", edges=True), equal_nan=d.flag()))
row("array_equal", lambda d: call(x := d.array("any", edges=True),
                                  d.choice([x, d.array("any"), x.copy()]), equal_nan=d.flag()))
row("array_equiv", lambda d: call(x := d.array("any"), d.choice([x, x[None], d.array("any")])))
