"""`custom_vjp`: a function with a derivative of its own, for reverse mode.

Imports `tree`, `control.custom_vjp`, `api.custom_rules`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans import tree
from functrans.api.calls import as_value, check_callable, function_name
from functrans.api.custom_rules import Call, CustomFunction, fitted
from functrans.api.grad import float0
from functrans.control.custom_vjp import VjpRule, bind_custom_vjp
from functrans.errors import StructureError, UnsupportedError
from functrans.ir.type import ArrayType, is_inexact
from functrans.primitives.basic import type_of_value


class custom_vjp(CustomFunction):
    """A function whose derivative is given by two rules, for reverse mode.

    fun: a function of pytrees of arrays; keyword arguments are resolved to positions.
    nondiff_argnums, nondiff_argnames: arguments that need not be arrays and are not
        differentiated; `fwd` takes them in their places, `bwd` first.
    `defvjp(fwd, bwd)`: `fwd(*args) -> (out, residuals)`, with any pytree of arrays as
    residuals; `bwd(*nondiff, residuals, cotangent) -> cotangents`, a tuple with one for each
    argument that is differentiated, of its structure; None stands for zeros, of a whole
    argument or a part. The cotangent of an integer output has the dtype `float0`. What the rules
    do may itself be differentiated.
    Raises AttributeError if it is called before it has rules; StructureError, with both sides by
    path, if rules do not fit the function; CustomRuleError in forward mode, which the
    rules say nothing of, and if a value that the function closes over is differentiated.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> @ft.custom_vjp
    ... def clip_gradient(x):
    ...     return x
    >>> clip_gradient.defvjp(lambda x: (x, None), lambda _, ct: (fnp.clip(ct, -1, 1),))
    >>> ft.grad(lambda x: 10 * clip_gradient(x))(3.0)
    Array(1., dtype=float32)
    """

    who = "custom_vjp"
    fwd: Callable | None = None
    bwd: Callable | None = None

    def defvjp(self, fwd: Callable, bwd: Callable, symbolic_zeros: bool = False,
               optimize_remat: bool = False):
        """Sets the rules. `optimize_remat` is accepted, and of no effect."""
        check_callable(fwd, "defvjp")
        check_callable(bwd, "defvjp")
        if symbolic_zeros:
            raise UnsupportedError("defvjp: symbolic_zeros=True is not supported: cotangents "
                                   "that are zero are passed as arrays of zeros")
        self.fwd, self.bwd = fwd, bwd

    def __call__(self, *args, **kwargs):
        self._require_rule(self.fwd, "defvjp")
        fwd, bwd = self.fwd, self.bwd
        return self._run(bind_custom_vjp,
                         lambda call, closure: VjpRule(_Forward(call, fwd, bwd), closure),
                         (fwd, bwd), args, kwargs)


class _Forward:
    """The user's `fwd` on leaves: values -> (results, residuals, pull)."""

    def __init__(self, call: Call, fwd: Callable, bwd: Callable):
        self.call = call
        self.fwd = fwd
        self.bwd = bwd

    def __call__(self, values: Sequence) -> tuple:
        call = self.call
        result = self.fwd(*call.whole(call.arguments(values)))
        if not (isinstance(result, (tuple, list)) and len(result) == 2):
            raise call.error(f"its rule {function_name(self.fwd)} must return a pair (output, "
                             f"residuals), got {tree.structure(result)}")
        outs = call.results(result[0], self.fwd)
        leaves, structure = tree.flatten(result[1])
        residuals = [self._residual(leaf, path) for leaf, (path, _) in
                     zip(leaves, tree.leaves_with_path(result[1]))]
        return outs, residuals, _Backward(call, self.bwd, structure)

    def _residual(self, leaf, path):
        try:
            return as_value(leaf)
        except TypeError:
            raise self.call.error(
                f"its rule {function_name(self.fwd)} gives the residual {leaf!r}"
                f"{_at(tree.keystr(path))}, which is not an array. Residuals are pytrees of "
                "arrays; let an argument that is none be one of nondiff_argnums") from None


class _Backward:
    """The user's `bwd` on leaves: (residuals, cotangents) -> cotangents of the values."""

    def __init__(self, call: Call, bwd: Callable, residual_tree):
        self.call = call
        self.bwd = bwd
        self.residual_tree = residual_tree

    def __call__(self, residuals: Sequence, cotangents: Sequence) -> list:
        call = self.call
        cts = [np.zeros(kind.shape, float0) if ct is None else ct
               for ct, kind in zip(cotangents, call.out_types, strict=True)]
        result = self.bwd(*call.static, tree.unflatten(self.residual_tree, residuals),
                          tree.unflatten(call.out_tree, cts))
        return self._checked(result)

    def _checked(self, result) -> list:
        """Cotangents of the leaves, of their shapes and dtypes; None for zeros."""
        call = self.call
        expected = call.arguments(call.types)
        if isinstance(result, list):
            result = tuple(result)
        if not isinstance(result, tuple) or len(result) != len(expected):
            shown = f"{len(result)}" if isinstance(result, tuple) else f"{tree.structure(result)}"
            raise call.error(
                f"its rule {function_name(self.bwd)} must return a tuple with one cotangent for "
                f"each of its {len(expected)} differentiated arguments, got {shown}")
        return [self._fitting(ct, kind, name) for ct, kind, name in
                zip(self._leaves(result, expected), call.types, call.names, strict=True)]

    def _leaves(self, result: tuple, expected: tuple) -> list:
        """A cotangent for each leaf; None for those of a part that is None."""
        call = self.call
        try:
            found = tree.broadcast_prefix(result, expected, none_is_leaf=True)
        except StructureError:
            found = None
        whole = [leaf for leaf in tree.leaves(result) if leaf is not None]
        if found is None or len([ct for ct in found if ct is not None]) != len(whole):
            raise StructureError(
                f"custom_vjp {call.custom.name}: its rule {function_name(self.bwd)} gives "
                "cotangents unlike the arguments (None may stand for a part):\n"
                f"  the arguments:  {tree.structure(expected)}\n"
                f"  the cotangents: {tree.structure(result)}")
        return found

    def _fitting(self, ct, kind: ArrayType, name: str):
        if ct is None or not is_inexact(kind.dtype):
            return None
        value, = fitted([as_value(ct)], [kind])
        own = type_of_value(value)
        if not own.matches(kind):
            raise StructureError(
                f"custom_vjp {self.call.custom.name}: its rule {function_name(self.bwd)} gives a "
                f"cotangent unlike its argument:\n  at {name}: the argument {kind}, the "
                f"cotangent {own}")
        return value


def _at(path: str) -> str:
    return f" at {path}" if path else ""
