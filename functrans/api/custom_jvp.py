"""`custom_jvp`: a function with a derivative of its own, for forward and reverse mode.

Imports `tree`, `control.custom_jvp`, `api.custom_rules`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans import tree
from functrans.api.calls import as_value, check_callable, function_name
from functrans.api.compare import require_same_types
from functrans.api.custom_rules import Call, CustomFunction, fitted
from functrans.api.grad import float0
from functrans.control.custom_jvp import JvpRule, bind_custom_jvp
from functrans.control.custom_rules import written_out
from functrans.errors import ArgumentError, UnsupportedError
from functrans.ir.type import ArrayType, is_inexact, tangent_type
from functrans.primitives.basic import type_of_value, zeros


class custom_jvp(CustomFunction):
    """A function whose derivative is given by a rule: `rule(primals, tangents) -> (out, tangent)`.

    fun: a function of pytrees of arrays; keyword arguments are resolved to positions.
    nondiff_argnums, nondiff_argnames: arguments that need not be arrays and are not
        differentiated; the rule takes them first: `rule(*nondiff, primals, tangents)`.
    The rule serves `jvp`, and, transposed, `grad`; it must be linear in the tangents. What it
    does may itself be differentiated. `tangents` has zeros written out; those of integers have
    the dtype `float0`.
    Raises AttributeError if it is called before it has a rule; StructureError, with both sides
    by path, if output and tangent of the rule are not of the function's structure, shapes and
    dtypes; CustomRuleError if a value that the function closes over is differentiated.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> @ft.custom_jvp
    ... def log1pexp(x):
    ...     return fnp.log(1 + fnp.exp(x))
    >>> @log1pexp.defjvp
    ... def rule(primals, tangents):
    ...     (x,), (dx,) = primals, tangents
    ...     return log1pexp(x), dx * (1 - 1 / (1 + fnp.exp(x)))
    >>> ft.grad(log1pexp)(100.0)
    Array(1., dtype=float32)
    """

    who = "custom_jvp"
    jvp: Callable | None = None

    def defjvp(self, jvp: Callable, symbolic_zeros: bool = False) -> Callable:
        """Sets the rule, and returns it; a decorator."""
        check_callable(jvp, "defjvp")
        if symbolic_zeros:
            raise UnsupportedError("defjvp: symbolic_zeros=True is not supported: tangents "
                                   "that are zero are passed as arrays of zeros")
        self.jvp = jvp
        return jvp

    def defjvps(self, *jvps: Callable | None):
        """Sets a rule for each argument: `jvp(tangent, out, *primals)`; None is no derivative.

        >>> import functrans as ft
        >>> f = ft.custom_jvp(lambda x, y: x * y)
        >>> f.defjvps(lambda dx, out, x, y: dx * y, None)
        >>> ft.grad(f, (0, 1))(2.0, 3.0)
        (Array(3., dtype=float32), Array(0., dtype=float32))
        """
        if self.nondiff_argnums:
            raise ArgumentError("defjvps cannot be used with nondiff_argnums; use defjvp")

        def rule(primals, tangents):
            if len(primals) != len(jvps):
                raise ArgumentError(f"defjvps of {self.name} was given {len(jvps)} rules, but the "
                                    f"function was called with {len(primals)} arguments")
            out = self(*primals)
            total = tree.map(_zero_like, out)
            for jvp, tangent in zip(jvps, tangents):
                if jvp is not None:
                    total = tree.map(lambda a, b: a + b, total, jvp(tangent, out, *primals))
            return out, total
        self.defjvp(rule)

    def __call__(self, *args, **kwargs):
        self._require_rule(self.jvp, "defjvp")
        jvp = self.jvp
        return self._run(bind_custom_jvp,
                         lambda call, closure: JvpRule(_Flat(call, jvp), closure),
                         (jvp,), args, kwargs)


def _zero_like(leaf):
    kind = type_of_value(as_value(leaf)).strong()
    return zeros(kind)


class _Flat:
    """The user's rule on leaves: (values, tangents) -> (results, tangents)."""

    def __init__(self, call: Call, jvp: Callable):
        self.call = call
        self.jvp = jvp

    def __call__(self, values: Sequence, tangents: Sequence) -> tuple[list, list]:
        call = self.call
        dts = [np.zeros(x.shape, float0) if dt is None else dt
               for x, dt in zip(values, written_out(tangents, values), strict=True)]
        result = self.jvp(*call.static, call.arguments(values), call.arguments(dts))
        if not (isinstance(result, (tuple, list)) and len(result) == 2):
            raise call.error(f"its rule {function_name(self.jvp)} must return a pair (output, "
                             f"tangent), got {tree.structure(result)}")
        return call.results(result[0], self.jvp), self._tangents(result[1])

    def _tangents(self, tangent) -> list:
        """Leaves of the tangent, which must have the structure and types of the output."""
        call = self.call
        leaves, structure = tree.flatten(tangent)
        fits = structure == call.out_tree
        values = [None if fits and not is_inexact(kind.dtype) else as_value(leaf)
                  for leaf, kind in zip(leaves, call.out_types if fits else leaves)]
        kinds = [tangent_type(kind) for kind in call.out_types]
        given = fitted([value for value in values if value is not None],
                       [kind for kind in kinds if kind is not None])
        rest = iter(given)
        values = [None if value is None else next(rest) for value in values]
        require_same_types(
            [kind.strong() for kind in call.out_types], call.out_tree,
            [_type(value, kind) for value, kind in zip(values, call.out_types)] if fits
            else [type_of_value(value) for value in values], structure,
            f"custom_jvp {call.custom.name}: its rule {function_name(self.jvp)} gives a tangent "
            "unlike the output", "the output", "the tangent")
        return values


def _type(value, kind: ArrayType) -> ArrayType:
    return kind if value is None else type_of_value(value)
