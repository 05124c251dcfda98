"""Rows: functions of functions, of dtypes, and of arrays as Python objects."""
from __future__ import annotations

import io

import numpy as np

import functrans.numpy as fnp
from numpy_rows.base import row
from numpy_rows.draw import call

# ---- functions of functions ----
row("vectorize", lambda d: call(*d.arrays(2, "wide")),
    function=fnp.vectorize(lambda a, b: a * b + 1), reference=lambda a, b: a * b + 1)
row("vectorize", lambda d: call(d.array("wide", (2, 3)), d.array("wide", (4, 1, 3))),
    function=fnp.vectorize(lambda a, b: (a * b).sum(), signature="(n),(n)->()"),
    reference=lambda a, b: (a * b).sum(-1), ulp=256)
row("vectorize", lambda d: call(d.array("wide", empty=False)), jit=False, batched=False,
    function=fnp.vectorize(lambda a: a * 2 if a > 0 else -a), grad=False,
    reference=lambda a: np.where(a > 0, a * 2, -a), why="it asks for values, lane by lane")
row("frompyfunc", lambda d: call(*d.arrays(2, "wide")),
    function=fnp.frompyfunc(lambda a, b: a * 3 + b, 2, 1), reference=lambda a, b: a * 3 + b)
row("apply_along_axis", lambda d: call(d.choice([np.cumsum, np.max, np.diag]),
                                       d.choice([0, -1, 1]), d.array("wide", (2, 3, 2))),
    function=lambda f, axis, x: fnp.apply_along_axis(getattr(fnp, f.__name__), axis, x))
row("apply_over_axes", lambda d: call(d.array("wide", (2, 3, 2)), d.choice([0, [0, 1], (-1, 0)])),
    function=lambda x, axes: fnp.apply_over_axes(fnp.sum, x, axes),
    reference=lambda x, axes: np.apply_over_axes(np.sum, x, axes))
row("einsum_path", lambda d: call("ij,jk->ik", np.ones((2, 3)), np.ones((3, 2))), jit=False,
    batched=False, reference=lambda *args: np.einsum_path(*args)[0][1:],
    function=lambda *args: fnp.einsum_path(*args)[0][1:], why="its result is no array")

# ---- methods of elementwise functions ----
_UFUNCS = ["add", "multiply", "maximum", "minimum", "logical_or", "subtract", "bitwise_xor", "fmax"]


def _method(method: str):
    return dict(function=lambda name, *args, **kw: getattr(getattr(fnp, name), method)(*args, **kw),
                reference=lambda name, *args, **kw: getattr(getattr(np, name), method)(*args, **kw))


def _real(d, name, **options):
    return d.array("int64" if name == "bitwise_xor" else "wide", kind="distinct", **options)


row("ufunc.reduce", lambda d: call(n := d.choice(_UFUNCS), x := _real(d, n, low=1, empty=False),
                                   d.choice(list(range(-x.ndim, x.ndim))), keepdims=d.flag()),
    **_method("reduce"), ulp=256)
row("ufunc.accumulate", lambda d: call(n := d.choice(_UFUNCS), x := _real(d, n, low=1, empty=False),
                                       d.choice(list(range(-x.ndim, x.ndim)))),
    **_method("accumulate"), ulp=256)
row("ufunc.outer", lambda d: call(n := d.choice(_UFUNCS), _real(d, n, high=2),
                                  _real(d, n, high=1)), **_method("outer"))


def _at(name, x, places, values):
    changed = x.copy()
    getattr(np, name).at(changed, places, values)
    return changed


row("ufunc.at", lambda d: call(d.choice(["add", "subtract", "maximum", "multiply"]),
                               d.array("float64", (5,)), d.integers(0, 5, (3,)),
                               d.array("float64", (3,))), _at,
    function=lambda name, *args: getattr(fnp, name).at(*args, inplace=False))

# ---- dtypes and shapes ----
_KIND = dict(jit=False, batched=False, grad=False, why="its result is no array")
_NAMES = ["int8", "uint16", "int64", "float16", "float32", "float64", "complex64", "bool"]
row("can_cast", lambda d: call(d.choice(_NAMES), d.choice(_NAMES),
                               d.choice(["safe", "same_kind", "unsafe", "no", "equiv", "x"])),
    **_KIND)
row("can_cast", lambda d: call(d.choice([np.dtype("int8"), 1, 2.0]), "int16"), **_KIND)
row("isdtype", lambda d: call(np.dtype(d.choice(_NAMES)), d.choice(
    ["bool", "signed integer", "unsigned integer", "integral", "real floating", "numeric",
     "complex floating", np.dtype("float32"), ("bool", "integral"), "x"])), **_KIND)
row("issubdtype", lambda d: call(d.choice(_NAMES), d.choice(
    [np.floating, np.integer, np.inexact, np.number, np.generic, np.float32, "int64"])), **_KIND)
row("promote_types", lambda d: call(d.choice(_NAMES), d.choice(_NAMES)), **_KIND)
row("result_type", lambda d: call(d.choice(_NAMES), d.choice([1, 1.0, 1j, "int16", True]),
                                  d.array("any", ())), **_KIND)
for _name in ("iscomplexobj", "isrealobj", "ndim", "shape", "size", "isfortran"):
    row(_name, lambda d: call(np.ascontiguousarray(d.array("any", low=1))), **_KIND)
row("size", lambda d: call(d.array("any", (2, 3)), d.choice([0, -1, 5])), **_KIND)
row("iterable", lambda d: call(d.choice([1, [1], "a", np.ones(2), 2.5])), **_KIND)
row("isscalar", lambda d: call(d.choice([1, 2.0, "a", [1], np.ones(1)])), **_KIND)
row("common_type", lambda d: call(d.array("any", ()), d.array("any", ())), **_KIND)
row("min_scalar_type", lambda d: call(d.choice([1, -1, 300, 1.5, True, 1j])), **_KIND)
row("shares_memory", lambda d: call(np.ones(2), np.ones(2)), **_KIND)
row("may_share_memory", lambda d: call(np.ones(2), np.ones(2)), **_KIND)
row("broadcast_shapes", lambda d: call(d.shape(), d.shape()), **_KIND)
row("finfo", lambda d: call(d.choice(["float16", "float32", "float64", "complex64"])),
    function=lambda k: fnp.finfo(k).eps, reference=lambda k: np.finfo(k).eps, **_KIND)
row("iinfo", lambda d: call(d.choice(["int8", "uint64"])), function=lambda k: fnp.iinfo(k).max,
    reference=lambda k: np.iinfo(k).max, **_KIND)

# ---- the same array ----
row("from_dlpack", lambda d: call(d.array("number")), jit=False, batched=False, grad=False,
    why="the memory of a traced array cannot be read")
for _name in ("asanyarray", "ascontiguousarray", "asfortranarray", "asarray_chkfinite", "require"):
    row(_name, lambda d: call(d.array("any"), d.choice([None, "complex128"])))
row("asarray_chkfinite", lambda d: call(d.choice([[1.0, np.nan], [np.inf], [1.0]])))

# ---- files and text ----
_TEXT = dict(jit=False, batched=False, grad=False, why="it reads or writes text or files")
for _name in ("array2string", "array_str"):
    row(_name, lambda d: call(d.array("any")), **_TEXT)
row("array_repr", lambda d: call(d.array("wide", (2, 3))), **_TEXT,
    reference=lambda x: f"Array({np.array2string(x, separator=', ', prefix='Array(')}, "
                        f"dtype={x.dtype.name})")
row("format_float_positional", lambda d: call(d.choice([1.5, np.float32(1e10), 1e-5])), **_TEXT)
row("format_float_scientific", lambda d: call(d.choice([1.5, np.float32(1e10), 1e-5])), **_TEXT)
row("base_repr", lambda d: call(d.choice([5, -9, 0]), d.choice([2, 3, 36, 40])), **_TEXT)
row("binary_repr", lambda d: call(d.choice([5, 3, 0]), d.choice([None, 4])), **_TEXT)
row("frombuffer", lambda d: call(b"\x01\x02\x03\x04", d.choice(["uint8", "int16"])), **_TEXT)
row("fromiter", lambda d: call([1, 2, 3], d.choice(["int32", "float64"])), **_TEXT)
row("fromstring", lambda d: call("1 2 3", d.choice(["int32", "float64"]), sep=" "), **_TEXT)
row("ndenumerate", lambda d: call(d.array("any", (2, 2))), **_TEXT,
    function=lambda x: [fnp.asarray(v) for _, v in fnp.ndenumerate(x)],
    reference=lambda x: [v for _, v in np.ndenumerate(x)])
row("ndindex", lambda d: call(2, 3), **_TEXT, function=lambda *n: list(fnp.ndindex(*n)),
    reference=lambda *n: list(np.ndindex(*n)))


def _through_file(save: str, load: str, namespace):
    def run(x):
        file = io.BytesIO()
        getattr(namespace, save)(file, namespace.asarray(x))
        file.seek(0)
        read = getattr(namespace, load)(file)
        return read["arr_0"] if hasattr(read, "files") else read
    return run


for _save, _load in (("save", "load"), ("load", "load"), ("savez", "load"),
                     ("savez_compressed", "load"), ("savetxt", "loadtxt"), ("loadtxt", "loadtxt"),
                     ("genfromtxt", "genfromtxt"), ("fromfile", "load")):
    _writer = {"loadtxt": "savetxt", "genfromtxt": "savetxt", "load": "save", "fromfile": "save"}
    row(_save, lambda d: call(d.array("float64", (2, 3))), **_TEXT,
        function=_through_file(_writer.get(_save, _save), _load, fnp),
        reference=_through_file(_writer.get(_save, _save), _load, np))
