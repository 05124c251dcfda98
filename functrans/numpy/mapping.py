"""Functions made of functions of single elements or vectors: vectorize, apply_along_axis.

All lanes are computed at once, as by vmap. A function that asks for the value of an element
(`if x > 0`, `math.sin(x)`) is called lane by lane instead, which only works outside of jit.

In: functions. Out: functions, arrays. Imports `transforms.vmap`, `numpy.manipulation`.
"""
from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np

from functrans import tree
from functrans.array import Array
from functrans.errors import ArgumentError, ConcretizationError
from functrans.numpy.joining import stack
from functrans.numpy.promotion import (as_arraylike, broadcast_one, broadcast_shapes,
                                       canonical_axis, canonical_dtype)
from functrans.primitives import shape as prim
from functrans.primitives.elementwise import convert
from functrans.transforms.vmap import batch_everywhere


def map_lanes(function: Callable, size: int, arrays: list, name: str) -> tuple[list, object]:
    """Results of `function(*lanes)` with the lanes in front, and the structure of a result."""
    structure = None

    def lane(*values):
        nonlocal structure
        leaves, structure = tree.flatten(function(*values))
        return [as_arraylike(leaf, name) for leaf in leaves]

    try:
        return batch_everywhere(lane, size, arrays, [True] * len(arrays), name=name), structure
    except ConcretizationError:
        if not size or not all(isinstance(array, Array) for array in arrays):
            raise
    results = [lane(*(array[k] for array in arrays)) for k in range(size)]
    return [stack(parts) for parts in zip(*results)], structure


# ---- vectorize ----

_NAME = r"\s*(?:\w+\s*(?:,\s*\w+\s*)*)?"
_SIGNATURE = re.compile(rf"^\s*\({_NAME}\)(?:\s*,\s*\({_NAME}\))*\s*->"
                        rf"\s*\({_NAME}\)(?:\s*,\s*\({_NAME}\))*\s*$")


def _parse(signature: str) -> tuple[list, list]:
    """The names of the core dimensions of each argument, and of each result."""
    if not _SIGNATURE.match(signature):
        raise ArgumentError(
            f"vectorize: not a valid gufunc signature: {signature!r}; write such as "
            "'(m,n),(n)->(m)'")
    return tuple([[tuple(part.strip() for part in item.split(",") if part.strip())
                   for item in re.findall(r"\(([^)]*)\)", side)]
                  for side in signature.split("->")])


def vectorize(pyfunc: Callable | None = None, otypes=None, doc: str | None = None, excluded=None,
              cache: bool = False, signature: str | None = None):
    """A function of single elements (or of what `signature` says) as a function of arrays.

    pyfunc: a function of arrays without axes, or with the core axes that are named in `signature`,
        such as "(m,n),(n)->(m)". Without it, a decorator is returned.
    otypes: dtypes of the results. excluded: numbers and names of arguments that are passed on as
        they are. doc: documentation of the new function. cache: has no effect.
    All other axes are broadcast. Positional and keyword arguments can be mixed where there is no
    signature. Raises ValueError for core axes that differ in size.

    >>> import functrans.numpy as fnp
    >>> fnp.vectorize(lambda a, b: a - b if a > b else a + b)(fnp.array([1, 2, 3]), 2)
    Array([3, 4, 1], dtype=int64)
    """
    if pyfunc is None:
        return lambda function: vectorize(function, otypes, doc, excluded, cache, signature)
    kinds = None if otypes is None else _output_types(otypes)
    fixed = frozenset(excluded or ())
    core = None if signature is None else _parse(signature)

    def vectorized(*args, **kwargs):
        return _call(pyfunc, args, kwargs, fixed, core, kinds)
    vectorized.__name__ = getattr(pyfunc, "__name__", "vectorized")
    vectorized.__doc__ = doc or pyfunc.__doc__
    vectorized.pyfunc, vectorized.signature, vectorized.otypes = pyfunc, signature, otypes
    return vectorized


def _output_types(otypes) -> list:
    return [canonical_dtype(kind) for kind in otypes]


def _call(function, args: tuple, kwargs: dict, fixed, core, kinds):
    """Calls with the arrays among the arguments mapped over all but their core axes."""
    places = [k for k in range(len(args)) if k not in fixed]
    names = [name for name in kwargs if name not in fixed]
    given = [args[k] for k in places] + [kwargs[name] for name in names]
    arrays = [as_arraylike(value, "vectorize") for value in given]
    inputs, outputs = core or ([()] * len(arrays), None)
    if len(inputs) != len(arrays):
        raise ArgumentError(
            f"vectorize: wrong number of positional arguments: expected {len(inputs)}, "
            f"got {len(arrays)}")

    def lane(*values):
        every = list(args)
        for k, value in zip(places, values):
            every[k] = value
        return function(*every, **{**kwargs, **dict(zip(names, values[len(places):]))})
    results, structure = _mapped(lane, arrays, inputs)
    results = _checked(results, outputs, arrays, inputs)
    if kinds is not None:
        results = [convert(x, kind) for x, kind in zip(results, kinds, strict=True)]
    return tree.unflatten(structure, results)


def _mapped(lane, arrays, inputs) -> tuple:
    """All axes but the core ones are broadcast, and run as lanes."""
    for array, names in zip(arrays, inputs):
        if array.ndim < len(names):
            raise ArgumentError(
                f"vectorize: an argument of shape {array.shape} does not have enough "
                f"dimensions for all core dimensions {names}")
    loops = [array.shape[:array.ndim - len(names)] for array, names in zip(arrays, inputs)]
    shape = broadcast_shapes(*loops)
    size = math.prod(shape)
    rows = []
    for array, loop in zip(arrays, loops):
        inner = array.shape[len(loop):]
        rows.append(prim.reshape(broadcast_one(array, (*shape, *inner)), (size, *inner)))
    outs, structure = map_lanes(lane, size, rows, "vectorize")
    return [prim.reshape(out, (*shape, *out.shape[1:])) for out in outs], structure


def _checked(results: list, outputs, arrays, inputs) -> list:
    """Results whose core axes have the sizes that the signature says."""
    sizes: dict = {}

    def check(names, shape, what: str):
        for name, size in zip(names, shape[len(shape) - len(names):]):
            if sizes.setdefault(name, size) != size:
                raise ArgumentError(f"vectorize: inconsistent size for core dimension {name!r}: "
                                    f"{size} in {what} vs {sizes[name]}")
    for k, (array, names) in enumerate(zip(arrays, inputs)):
        check(names, array.shape, f"argument {k}")
    if outputs is not None:
        if len(outputs) != len(results):
            raise ArgumentError(f"vectorize: wrong number of outputs from pyfunc: expected "
                                f"{len(outputs)}, got {len(results)}")
        for k, (out, names) in enumerate(zip(results, outputs)):
            check(names, out.shape, f"result {k}")
    return results


def frompyfunc(func: Callable, /, nin: int, nout: int, *, identity=None):
    """A function of `nin` numbers as an elementwise function of arrays, with `nout` results.

    >>> import functrans.numpy as fnp
    >>> fnp.frompyfunc(lambda a, b: a * 10 + b, 2, 1)(fnp.array([1, 2]), 3)
    Array([13, 23], dtype=int64)
    """
    from functrans.numpy.ufunc_methods import attach
    mapped = vectorize(func)

    def function(*args):
        if len(args) != nin:
            raise ArgumentError(f"{function.__name__} takes {nin} operands, got {len(args)}")
        results = mapped(*args)
        if isinstance(results, tuple) and len(results) != nout:
            raise ArgumentError(f"{function.__name__} gave {len(results)} results, not {nout}")
        return results
    function.__name__ = function.__qualname__ = getattr(func, "__name__", "function")
    function.__doc__ = func.__doc__
    function.nin, function.nout, function.nargs, function.identity = nin, nout, nin + nout, identity
    if nin == 2 and nout == 1:
        attach(function)
    return function


# ---- along axes ----

def apply_along_axis(func1d: Callable, axis: int, arr, *args, **kwargs):
    """`func1d(vector, *args, **kwargs)` of each vector along an axis, which its result replaces.

    >>> import functrans.numpy as fnp
    >>> fnp.apply_along_axis(fnp.cumsum, 1, fnp.ones((2, 3)))
    Array([[1., 2., 3.],
           [1., 2., 3.]], dtype=float32)
    """
    arr = as_arraylike(arr, "apply_along_axis")
    axis = canonical_axis(axis, arr.ndim)
    rest = [k for k in range(arr.ndim) if k != axis]
    shape = tuple(arr.shape[k] for k in rest)
    size = math.prod(shape)
    if not size:
        raise ArgumentError("apply_along_axis: cannot apply to an array without elements, of shape "
                            f"{arr.shape}")
    rows = prim.reshape(prim.transpose(arr, [*rest, axis]), (size, arr.shape[axis]))
    outs, structure = map_lanes(lambda row: func1d(row, *args, **kwargs), size, [rows],
                                "apply_along_axis")
    return tree.unflatten(structure, [_at_axis(out, shape, axis) for out in outs])


def _at_axis(out, shape: tuple, axis: int):
    """Lanes in the shape of the other axes, the axes of a result where the vector was."""
    inner = out.ndim - 1
    out = prim.reshape(out, (*shape, *out.shape[1:]))
    count = len(shape)
    order = [*range(axis), *range(count, count + inner), *range(axis, count)]
    return prim.transpose(out, order)


def apply_over_axes(func: Callable, a, axes):
    """`func(a, axis)` for each axis in turn; the number of axes stays.

    >>> import functrans.numpy as fnp
    >>> fnp.apply_over_axes(fnp.sum, fnp.ones((2, 3)), [0, 1])
    Array([[6.]], dtype=float32)
    """
    a = as_arraylike(a, "apply_over_axes")
    for axis in np.atleast_1d(np.asarray(axes)).tolist():
        axis = canonical_axis(axis, a.ndim)
        result = as_arraylike(func(a, axis), "apply_over_axes")
        if result.ndim != a.ndim:
            result = prim.expand_dims(result, (axis,))
            if result.ndim != a.ndim:
                raise ArgumentError("apply_over_axes: function is not returning an array of the "
                                    "correct shape")
        a = result
    return a
