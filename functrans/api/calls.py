"""Calling a user's function on flat lists of leaves, and naming arguments in errors.

In: functions, arguments as users pass them. Out: flat functions, names by path. Imports
`tree`, `array`, `primitives.basic`.
"""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from weakref import WeakKeyDictionary

import numpy as np

from functrans import tree
from functrans.array import Array, ArrayBase, as_array, scalar_literal, type_of
from functrans.errors import ArgumentError
from functrans.extras import as_dtype
from functrans.ir.type import ArrayType
from functrans.tracebacks import boundary


class ShapeDtypeStruct:
    """The shape and dtype of an array that does not exist: argument of `eval_shape`, `lower`.

    >>> import functrans as ft
    >>> ft.ShapeDtypeStruct((2, 3), "float32")
    ShapeDtypeStruct(shape=(2, 3), dtype=float32)
    """

    __slots__ = ("type",)

    def __init__(self, shape, dtype, *, weak_type: bool = False):
        self.type = ArrayType(tuple(shape), as_dtype(dtype), weak_type)

    shape = property(lambda self: self.type.shape)
    dtype = property(lambda self: self.type.dtype)
    ndim = property(lambda self: self.type.ndim)
    size = property(lambda self: self.type.size)
    weak_type = property(lambda self: self.type.weak)

    def __len__(self):
        return self.type.shape[0]

    def __eq__(self, other):
        return isinstance(other, ShapeDtypeStruct) and self.type == other.type

    def __hash__(self):
        return hash(self.type)

    def __repr__(self):
        weak = ", weak_type=True" if self.type.weak else ""
        return f"ShapeDtypeStruct(shape={self.shape}, dtype={self.dtype.name}{weak})"


def function_name(function: Callable) -> str:
    """The name under which a function appears in Programs and messages."""
    while hasattr(function, "func") and not hasattr(function, "__name__"):
        function = function.func                                   # functools.partial
    return getattr(function, "__name__", None) or type(function).__name__


def wraps(function: Callable) -> Callable:
    """As `functools.wraps`, but attributes stay behind: those of a jitted function are state."""
    return functools.wraps(function, updated=())


def transformed(function: Callable) -> Callable:
    """For the function that a transformation of `function` gives: its name, folded tracebacks."""
    def decorate(result: Callable) -> Callable:
        return functools.wraps(function, updated=())(boundary(result))
    return decorate


def check_callable(function, who: str):
    if not callable(function):
        raise ArgumentError(f"{who} takes a function, got {function!r} of type "
                            f"{type(function).__name__}")


_parameters: WeakKeyDictionary = WeakKeyDictionary()


def _parameters_of(function: Callable) -> list:
    """The parameters in a function's signature, which takes long to find; none if it has none."""
    try:
        return _parameters[function]
    except (KeyError, TypeError):           # the latter: it has no hash, or no weak references
        pass
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        found = []
    with suppress(TypeError):
        _parameters[function] = found
    return found


def argument_names(function: Callable, count: int, keywords: Sequence[str]) -> list[str]:
    """Names of positional arguments, then of keyword arguments, as the signature gives them."""
    parameters = _parameters_of(function)
    names = []
    for index in range(count):
        if index < len(parameters) and parameters[index].kind not in (
                inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.KEYWORD_ONLY):
            names.append(parameters[index].name)
        elif parameters and any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
            first = next(k for k, p in enumerate(parameters)
                         if p.kind is inspect.Parameter.VAR_POSITIONAL)
            names.append(f"{parameters[first].name}[{index - first}]")
        else:
            names.append(f"argument {index}")
    return names + list(keywords)


def leaf_names(function: Callable, args: Sequence, kwargs: dict) -> list[str]:
    """For each leaf of (args, kwargs), its name by path, such as `params['w'][0]`."""
    names = argument_names(function, len(args), sorted(kwargs))
    values = [*args, *(kwargs[key] for key in sorted(kwargs))]
    return [name + tree.keystr(path) for name, value in zip(names, values, strict=True)
            for path, _ in tree.leaves_with_path(value)]


class FlatFunction:
    """A function of pytrees as a function from leaves to leaves.

    After a call, `out_tree` is the structure of its result, and `aux` its second result where
    `has_aux`.
    """

    def __init__(self, function: Callable, in_tree, has_aux: bool = False, who: str = ""):
        self.function = function
        self.in_tree = in_tree
        self.has_aux = has_aux
        self.who = who
        self.out_tree = None
        self.aux = None

    def __call__(self, *leaves) -> list:
        args, kwargs = tree.unflatten(self.in_tree, leaves)
        out = self.function(*args, **kwargs)
        if self.has_aux:
            out, self.aux = self._pair(out)
        leaves, self.out_tree = tree.flatten(out)
        return [self._value(leaf, index) for index, leaf in enumerate(leaves)]

    def _pair(self, out):
        if not (isinstance(out, tuple) and len(out) == 2):
            raise ArgumentError(f"{self.who} with has_aux=True: {function_name(self.function)} "
                                f"must return a pair (output, aux), got {_brief(out)}")
        return out

    def _value(self, leaf, index: int):
        try:
            return as_value(leaf)
        except TypeError as error:
            path = self._path(index)
            raise ArgumentError(
                f"{function_name(self.function)} returned {_brief(leaf)}{path}, which is not an "
                f"array: {self.who or 'a transformed function'} needs arrays, numbers or pytrees "
                "of them") from error

    def _path(self, index: int) -> str:
        if self.out_tree.num_leaves == 1 and self.out_tree == tree.structure(0):
            return ""
        paths = tree.leaves_with_path(tree.unflatten(self.out_tree,
                                                     range(self.out_tree.num_leaves)))
        return f" at {tree.keystr(paths[index][0])}"


def _brief(value) -> str:
    if isinstance(value, ArrayBase):
        return f"the array {value.type}"
    text = repr(value)
    return f"{text if len(text) < 60 else text[:57] + '...'} of type {type(value).__name__}"


def as_value(leaf):
    """A leaf of a result as something that a Program can return."""
    if isinstance(leaf, ArrayBase):
        return leaf
    if isinstance(leaf, (bool, int, float, complex)) and not isinstance(leaf, np.generic):
        return scalar_literal(leaf)                      # np.float64 is a float, but no weak one
    return as_array(leaf)


def leaf_type(leaf, name: str, who: str) -> ArrayType:
    """The type of an argument's leaf, or an error that names it."""
    if isinstance(leaf, ShapeDtypeStruct):
        return leaf.type
    try:
        return type_of(leaf)
    except TypeError:
        raise ArgumentError(
            f"{who}: {name} is {_brief(leaf)}, not an array or number. Pass it as a static "
            "argument, or close over it") from None


def as_input(leaf, name: str, who: str):
    """An argument's leaf as an array or tracer, or an error that names it."""
    if isinstance(leaf, ArrayBase):
        return leaf
    leaf_type(leaf, name, who)
    return as_array(leaf)


def as_result(value) -> ArrayBase:
    """A value from a walk, as users get it: literals become arrays."""
    return Array(np.asarray(value)) if isinstance(value, np.generic) else value


def normalize_argnums(argnums, count: int, name: str, who: str) -> tuple:
    """`argnums` as a tuple of non-negative positions."""
    given = argnums if isinstance(argnums, (tuple, list)) else (argnums,)
    positions = []
    for number in given:
        if isinstance(number, bool) or not hasattr(number, "__index__"):
            raise ArgumentError(f"{who}: argnums must be an int or a tuple of ints, the positions "
                                f"of arguments, got {argnums!r}")
        position = int(number)
        if not -count <= position < count:
            raise ArgumentError(
                f"{who}: argnums={argnums!r}, but {name} was called with {count} positional "
                f"argument{'s' if count != 1 else ''}; arguments passed by keyword do not count")
        positions.append(position % count)
    if len(set(positions)) != len(positions):
        raise ArgumentError(f"{who}: argnums={argnums!r} names an argument twice")
    return tuple(positions)

