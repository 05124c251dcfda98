"""Calling Python from traced functions: pure_callback, io_callback, and what debugging needs.

In: functions of pytrees of NumPy arrays. Imports `tree`, `control.callbacks`, `api.calls`.
"""
from __future__ import annotations

import string
from collections.abc import Callable, Sequence

import numpy as np

from functrans import tree
from functrans.api.calls import as_input, check_callable, function_name, leaf_names, leaf_type
from functrans.array import is_array_like
from functrans.control.callbacks import (
    VMAP_METHODS,
    HostFunction,
    debug_callback_p,
    io_callback_p,
    pure_callback_p,
)
from functrans.errors import ArgumentError, CustomRuleError
from functrans.ir.type import ArrayType
from functrans.trace import bind


def pure_callback(callback: Callable, result_shape_dtypes, *args, sharding=None,
                  vmap_method: str | None = None, **kwargs):
    """`callback(*args, **kwargs)`, called when the traced function runs.

    callback: a function of pytrees of NumPy arrays without effects: it may be called more than
        once, or not at all if nobody needs its result.
    result_shape_dtypes: a pytree of `ShapeDtypeStruct`s (or arrays), of the structure, shapes and
        dtypes of what it returns.
    vmap_method: what `vmap` makes of it: "sequential" calls it for one lane after the other;
        "expand_dims" calls it once, with the mapped axis in front, of size one where an argument
        is not mapped; "broadcast_all" likewise, with all arguments repeated;
        "legacy_vectorized" leaves arguments that are not mapped as they are.
    sharding: accepted, and of no effect: there is one device.
    Raises what the callback raises; CustomRuleError if its result is not as announced. It has no
    derivative: give the function around it a `custom_jvp` or `custom_vjp`.

    >>> import numpy as np
    >>> import functrans as ft
    >>> ft.jit(lambda x: ft.pure_callback(np.sin, x, x))(0.0)
    Array(0., dtype=float32)
    """
    if vmap_method is not None and vmap_method not in VMAP_METHODS:
        raise ArgumentError(f"pure_callback: vmap_method must be None or one of "
                            f"{', '.join(VMAP_METHODS)}, got {vmap_method!r}")
    return _call(pure_callback_p, callback, result_shape_dtypes, args, kwargs, "pure_callback",
                 vmap_method=vmap_method)


def io_callback(callback: Callable, result_shape_dtypes, *args, sharding=None,
                ordered: bool = False, **kwargs):
    """`callback(*args, **kwargs)`, called once each time the traced function runs.

    callback: a function of pytrees of NumPy arrays that may have effects. Calls happen in the
        order of the program; under `vmap`, for one lane after the other.
    result_shape_dtypes: see `pure_callback`; None for a function that returns nothing.
    ordered: accepted: calls are always in order.
    Raises what the callback raises, and CustomRuleError if its result is not as announced.

    >>> import functrans as ft
    >>> seen = []
    >>> ft.jit(lambda x: ft.io_callback(lambda x: seen.append(float(x)), None, x))(2.0)
    >>> seen
    [2.0]
    """
    return _call(io_callback_p, callback, result_shape_dtypes, args, kwargs, "io_callback")


def _call(primitive, callback: Callable, results, args: tuple, kwargs: dict, who: str, **params):
    check_callable(callback, who)
    leaves, in_tree = tree.flatten((args, kwargs))
    names = leaf_names(callback, args, kwargs)
    inputs = [as_input(leaf, name, who) for leaf, name in zip(leaves, names)]
    kinds, out_tree = tree.flatten(results)
    types = [leaf_type(kind, "a result", who) if not hasattr(kind, "type") else kind.type
             for kind in kinds]

    def function(*arrays):
        positional, keywords = tree.unflatten(in_tree, arrays)
        return callback(*positional, **keywords)

    host = HostFunction(function, _checker(callback, out_tree, who),
                        [kind.strong() for kind in types], function_name(callback))
    return tree.unflatten(out_tree, bind(primitive, *inputs, callback=host, **params))


def _checker(callback: Callable, out_tree, who: str) -> Callable:
    """The check of what a callback returned against what it should have."""
    def check(results, types: Sequence[ArrayType]) -> list:
        name = function_name(callback)
        if tree.structure(results) != out_tree:
            raise CustomRuleError(
                f"{who}: {name} returned another structure than announced:\n"
                f"  announced: {out_tree}\n  returned:  {tree.structure(results)}")
        paths = [tree.keystr(path) for path, _ in tree.leaves_with_path(results)]
        return [_result(leaf, kind, f"{who}: the result{path} of {name}")
                for leaf, kind, path in zip(tree.leaves(results), types, paths)]
    return check


def _result(leaf, kind: ArrayType, what: str) -> np.ndarray:
    """A leaf of a result as an array of the type announced; Python numbers take its dtype."""
    value = np.asarray(leaf)
    weak = isinstance(leaf, (bool, int, float, complex)) and not isinstance(leaf, np.generic)
    if value.shape != kind.shape or value.dtype != kind.dtype and not (
            weak and np.can_cast(value.dtype, kind.dtype, "same_kind")):
        raise CustomRuleError(f"{what} was announced as {kind}, but is of shape {value.shape} and "
                              f"dtype {value.dtype}. Convert it (np.asarray(x, {kind.dtype.name!r})"
                              "), or announce what it returns")
    return value.astype(kind.dtype, copy=False)


# ---- debugging ----

def debug_callback(callback: Callable, *args, ordered: bool = False, partitioned: bool = False,
                   **kwargs):
    """`callback(*args, **kwargs)`, called each time the traced function runs, for its effect.

    Works under every transformation: the derivative of it is nothing, and under `vmap` it is
    called for one lane after the other. Arguments that are not arrays (strings, say) are passed as
    they are. ordered, partitioned: accepted; calls are always in order.

    >>> import functrans as ft
    >>> ft.grad(lambda x: ft.debug.callback(print, x) or x ** 2)(3.0)
    3.0
    Array(6., dtype=float32)
    """
    check_callable(callback, "debug.callback")
    leaves, in_tree = tree.flatten((args, kwargs))
    names = leaf_names(callback, args, kwargs)
    inputs = [as_input(leaf, name, "debug.callback")
              for leaf, name in zip(leaves, names) if is_array_like(leaf)]
    statics = [None if is_array_like(leaf) else (leaf,) for leaf in leaves]

    def function(*arrays):
        values = iter(arrays)
        whole = [static[0] if static else next(values) for static in statics]
        positional, keywords = tree.unflatten(in_tree, whole)
        callback(*positional, **keywords)

    host = HostFunction(function, lambda results, types: (), (), function_name(callback))
    bind(debug_callback_p, *inputs, callback=host)


def debug_print(fmt: str, *args, ordered: bool = False, partitioned: bool = False, **kwargs):
    """Prints `fmt.format(*args, **kwargs)` each time the traced function runs.

    fmt: a format string as for `str.format`; an f-string would be formatted when the function is
    traced, without values. See `debug.callback` for the rest.
    Raises what `str.format` raises for a format that does not fit the arguments, when traced.

    >>> import functrans as ft
    >>> ft.jit(lambda x: ft.debug.print("x is {x}", x=x))(3.0)
    x is 3.0
    """
    if not isinstance(fmt, str):
        raise ArgumentError(
            f"debug.print takes a format string first, got {fmt!r}; for values alone "
            'write debug.print("{}", x)')
    _require_format(fmt, args, kwargs)
    debug_callback(_Printer(fmt), *args, ordered=ordered, **kwargs)


class _Printer:
    __name__ = "print"

    def __init__(self, fmt: str):
        self.fmt = fmt

    def __call__(self, *args, **kwargs):
        print(self.fmt.format(*args, **kwargs))


class _Anything:
    """Takes every format specification; only used to see which arguments a format names."""

    def __format__(self, spec):
        return ""

    def __getattr__(self, name):
        return self

    def __getitem__(self, key):
        return self


def _require_format(fmt: str, args: tuple, kwargs: dict):
    """Raises unless the format names the arguments that are given, and all of them."""
    used: set = set()

    class Recorder(string.Formatter):
        def get_value(self, key, args, kwargs):
            used.add(key)
            super().get_value(key, args, kwargs)
            return _Anything()

        def convert_field(self, value, conversion):
            return value

    Recorder().vformat(fmt, args, kwargs)
    unused = [f"argument {k}" for k in range(len(args)) if k not in used]
    unused += [name for name in kwargs if name not in used]
    if unused:
        raise ArgumentError(f"debug.print: the format {fmt!r} does not use {', '.join(unused)}. An "
                            "f-string is formatted too early; write {} or {name} for each value")
