"""Derivatives of users' functions: jvp, vjp, linearize, grad, linear_transpose.

In: a function of pytrees. Out: a function of pytrees. Each call traces the function with
values on demand, so ordinary Python control flow works, and walks the Program.
Imports `tree`, `trace`, `transforms`, `api.calls`, `api.vmap`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans import tree
from functrans.api.calls import (FlatFunction, as_input, as_result, check_callable, function_name,
                                 leaf_names, leaf_type, normalize_argnums, transformed, wraps)
from functrans.errors import ArgumentError, DtypeError, GradientError, ShapeError, StructureError
from functrans.ir.rewrite import dead_code
from functrans.ir.type import ArrayType, is_complex, is_inexact, tangent_type
from functrans.primitives.basic import full, zeros
from functrans.trace import Trace, Tracer, run, using
from functrans.tracebacks import boundary
from functrans.transforms import jvp as forward
from functrans.transforms.linearize import linearize as linearize_program_at
from functrans.transforms.linearize import record_linear
from functrans.transforms.transpose import transpose


class _Point:
    """A function, traced at a point: the Program and the values of its inputs.

    `nonzero` marks the inputs that tangents belong to: the leaves of `args`, but not what the
    function captured from outside, and not integers.
    """

    def __init__(self, function: Callable, args: tuple, who: str, has_aux: bool = False,
                 names: Sequence[str] | None = None, kwargs: dict | None = None):
        leaves, in_tree = tree.flatten((args, kwargs or {}))
        self.names = names or leaf_names(function, args, kwargs or {})
        self.leaves = [as_input(leaf, name, who)
                       for leaf, name in zip(leaves, self.names, strict=True)]
        self.types = [leaf.type for leaf in self.leaves]
        self.flat = FlatFunction(function, in_tree, has_aux, who)
        self.trace = Trace(f"{who} of {function_name(function)}", valued=True,
                           differentiates=True)
        try:
            with using(self.trace):
                inputs = [self.trace.new_input(leaf.type, name, leaf)
                          for leaf, name in zip(self.leaves, self.names)]
                outputs = self.flat(*inputs)
                self.count = len(outputs)
                program, captured = self.trace.finish([*outputs, *self._aux_tracers()])
                # What was only looked at, by Python's control flow, need not be differentiated.
                self.program = dead_code(program)
        except BaseException:
            self.trace.closed = True
            raise
        self.captured = len(captured)
        self.primals = [*captured, *self.leaves]
        self.nonzero = [False] * len(captured) + [is_inexact(kind.dtype) for kind in self.types]

    def _aux_tracers(self) -> list:
        return [leaf for leaf in tree.leaves(self.flat.aux)
                if isinstance(leaf, Tracer) and leaf.trace is self.trace]

    def finish(self, outs: Sequence) -> list:
        """Closes the trace; the function's outputs. `aux` has its values from now on."""
        self.trace.closed = True
        values = iter(outs[self.count:])
        self.aux = tree.map(
            lambda leaf: as_result(next(values))
            if isinstance(leaf, Tracer) and leaf.trace is self.trace else leaf, self.flat.aux)
        return [as_result(out) for out in outs[:self.count]]

    def linearize(self):
        """The outputs at the point, and the linear part."""
        try:
            outs, linear = linearize_program_at(self.program, self.primals, self.nonzero,
                                                self.trace.values)
        finally:
            self.trace.closed = True
        return self.finish(outs), linear

    def out_of(self, leaves: Sequence):
        return tree.unflatten(self.flat.out_tree, leaves)


# ---- forward ----

@boundary
def jvp(fun: Callable, primals: Sequence, tangents: Sequence, has_aux: bool = False):
    """The value of `fun` and its derivative along `tangents` (forward mode).

    fun: function of arrays and pytrees; primals: tuple of its arguments; tangents: tuple of the
    same structure, shapes and dtypes (for integers: anything, it is ignored).
    Returns `(out, tangent_out)`, or `(out, tangent_out, aux)` if `has_aux`.
    Raises TypeError if primals and tangents do not fit.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.jvp(fnp.sin, (0.0,), (2.0,))
    (Array(0., dtype=float32, weak_type=True), Array(2., dtype=float32, weak_type=True))
    """
    check_callable(fun, "jvp")
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise ArgumentError("jvp takes primals and tangents as tuples, one entry an argument; got "
                            f"{type(primals).__name__} and {type(tangents).__name__}")
    point = _Point(fun, tuple(primals), "jvp", has_aux)
    given = _tangent_leaves(point, tuple(primals), tuple(tangents))
    try:
        outs, tangent_outs = forward.jvp(point.program, point.primals,
                                         [None] * point.captured + given, point.trace.values)
    finally:
        point.trace.closed = True
    outs = point.finish(outs)
    results = [_tangent_result(tangent, out.type)
               for tangent, out in zip(tangent_outs, outs)]
    out, tangent_out = point.out_of(outs), point.out_of(results)
    return (out, tangent_out, point.aux) if has_aux else (out, tangent_out)


def _tangent_result(tangent, type: ArrayType):
    """A tangent as users get it: zeros written out; integers have the dtype float0."""
    if tangent is not None:
        return as_result(tangent)
    kind = tangent_type(type)
    return np.zeros(type.shape, float0) if kind is None else zeros(kind)


#: The dtype of the tangent of an integer: there is nothing in it (as in JAX).
float0 = np.dtype([("float0", np.void, 0)])


def _tangent_leaves(point: _Point, primals: tuple, tangents: tuple) -> list:
    """The tangents of a point's leaves, checked; None for integers."""
    structure, given = tree.structure(primals), tree.structure(tangents)
    if structure != given:
        raise StructureError("jvp: primals and tangents must have the same structure, got "
                             f"{structure} and {given}")
    return [_check_tangent(leaf, kind, name, "tangent")
            for leaf, kind, name in zip(tree.leaves(tangents), point.types, point.names)]


def _check_tangent(leaf, kind: ArrayType, name: str, what: str):
    """A tangent or cotangent for a value of type `kind`."""
    if not is_inexact(kind.dtype):
        return None
    value = as_input(leaf, f"the {what} of {name}", what)
    if value.shape != kind.shape:
        raise ShapeError(f"the {what} of {name} must have shape {kind.shape}, got {value.type}")
    if value.dtype != kind.dtype:
        if not value.weak_type:
            raise DtypeError(f"the {what} of {name} must have dtype {kind.dtype.name}, "
                             f"got {value.type}")
        value = value.astype(kind.dtype)
    return value


@boundary
def linearize(fun: Callable, *primals, has_aux: bool = False):
    """The value of `fun` at `primals`, and its derivative there as a linear function.

    Returns `(out, f_jvp)` where `f_jvp(*tangents)` gives the tangent of the output; all that
    does not depend on tangents is computed once. With `has_aux`: `(out, f_jvp, aux)`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> out, f_jvp = ft.linearize(fnp.sin, 0.0)
    >>> f_jvp(3.0)
    Array(3., dtype=float32, weak_type=True)
    """
    check_callable(fun, "linearize")
    point = _Point(fun, primals, "linearize", has_aux)
    outs, linear = point.linearize()

    @boundary
    def f_jvp(*tangents):
        given = [value for value in _tangent_leaves(point, primals, tangents)
                 if value is not None]
        results = iter(run(linear.program, [*linear.residuals, *given]))
        leaves = [_tangent_result(next(results) if flag else None, out.type)
                  for flag, out in zip(linear.nonzero_out, outs)]
        return point.out_of(leaves)

    out = point.out_of(outs)
    return (out, f_jvp, point.aux) if has_aux else (out, f_jvp)


# ---- reverse ----

@boundary
def vjp(fun: Callable, *primals, has_aux: bool = False):
    """The value of `fun` at `primals`, and the function that pulls cotangents back (reverse).

    Returns `(out, f_vjp)`; `f_vjp(ct)`, with `ct` of the structure, shapes and dtypes of `out`,
    is a tuple with the cotangent of each argument. With `has_aux`: `(out, f_vjp, aux)`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> out, f_vjp = ft.vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> f_vjp(1.0)
    (Array(3., dtype=float32, weak_type=True), Array(2., dtype=float32, weak_type=True))
    """
    check_callable(fun, "vjp")
    point = _Point(fun, primals, "vjp", has_aux)
    outs, linear = point.linearize()
    pull = _pullback(point, outs, linear)

    @boundary
    def f_vjp(ct):
        expected = point.flat.out_tree
        if tree.structure(ct) != expected:
            raise StructureError(f"vjp: the cotangent must have the structure of the output, "
                                 f"{expected}, got {tree.structure(ct)}")
        leaves = [_check_tangent(leaf, out.type, "the output", "cotangent")
                  for leaf, out in zip(tree.leaves(ct), outs)]
        return tree.unflatten(point.flat.in_tree, pull(leaves))[0]

    out = point.out_of(outs)
    return (out, f_vjp, point.aux) if has_aux else (out, f_vjp)


def _pullback(point: _Point, outs: Sequence, linear) -> Callable:
    """From cotangents of the outputs to cotangents of the leaves."""
    inexact = point.nonzero[point.captured:]
    nonzero_out = linear.nonzero_out[:point.count]

    def pull(cotangents: Sequence) -> list:
        given = [ct for ct, flag in zip(cotangents, nonzero_out) if flag]
        # Tangents of aux outputs are not asked for: their cotangents are zero.
        given += [None] * (sum(linear.nonzero_out) - len(given))
        arguments = [*linear.residuals, *[None] * sum(inexact)]
        results = iter(transpose(linear.program, arguments, given)[len(linear.residuals):])
        return [_tangent_result(next(results) if flag else None, kind)
                for flag, kind in zip(inexact, point.types)]
    return pull


def value_and_grad(fun: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False,
                   holomorphic: bool = False, allow_int: bool = False) -> Callable:
    """A function that gives the value of `fun` and its gradient (reverse mode).

    fun: function to a real scalar (shape `()`), or to a pair `(scalar, aux)` if `has_aux`.
    argnums: which positional argument (or arguments) to differentiate; they may be pytrees.
    holomorphic: whether `fun` is a holomorphic function of complex inputs.
    allow_int: whether integer leaves are let pass, with gradients of dtype float0.
    Returns `(value, grad)` or `((value, aux), grad)`; the gradient has the structure of the
    argument, a tuple of such if `argnums` is a tuple.
    Raises TypeError for integer inputs and outputs that are not scalar.

    >>> import functrans as ft
    >>> ft.value_and_grad(lambda x: x ** 2)(3.0)
    (Array(9., dtype=float32, weak_type=True), Array(6., dtype=float32))
    """
    check_callable(fun, "grad")

    @transformed(fun)
    def value_and_gradient(*args, **kwargs):
        point = scalar_point(fun, args, kwargs, argnums, has_aux, holomorphic, allow_int)
        outs, linear = point.linearize()
        one = full(outs[0].type.strong(), 1)
        leaves = _pullback(point, outs, linear)([one])
        grads = tree.unflatten(point.flat.in_tree, leaves)[0]
        value = (outs[0], point.aux) if has_aux else outs[0]
        return value, (grads if isinstance(argnums, (tuple, list)) else grads[0])
    return value_and_gradient


def scalar_point(fun: Callable, args: Sequence, kwargs: dict, argnums, has_aux: bool = False,
                 holomorphic: bool = False, allow_int: bool = False) -> _Point:
    """A function to a scalar, traced at a point, as a function of the arguments at argnums."""
    numbers = normalize_argnums(argnums, len(args), function_name(fun), "grad")
    names = _differentiated_names(fun, args, kwargs, numbers)
    point = _Point(partial_at(fun, args, kwargs, numbers), tuple(args[k] for k in numbers),
                   "grad", has_aux, names)
    _check_inputs(point, holomorphic, allow_int, fun)
    _check_scalar(point, fun, holomorphic)
    return point


def grad(fun: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False,
         holomorphic: bool = False, allow_int: bool = False) -> Callable:
    """A function that gives the gradient of `fun` (reverse mode); see `value_and_grad`.

    >>> import functrans as ft
    >>> ft.grad(lambda x: x ** 3)(2.0)
    Array(12., dtype=float32)
    """
    both = value_and_grad(fun, argnums, has_aux, holomorphic, allow_int)

    @transformed(fun)
    def gradient(*args, **kwargs):
        value, grads = both(*args, **kwargs)
        return (grads, value[1]) if has_aux else grads
    return gradient


def partial_at(fun: Callable, args: Sequence, kwargs: dict, numbers: tuple) -> Callable:
    """`fun` as a function of the arguments at `numbers` alone."""
    @wraps(fun)
    def partial(*some):
        every = list(args)
        for number, value in zip(numbers, some):
            every[number] = value
        return fun(*every, **kwargs)
    return partial


def _differentiated_names(fun, args, kwargs, numbers) -> list[str]:
    names = []
    for number in numbers:
        alone = [None] * len(args)
        alone[number] = args[number]
        names += leaf_names(fun, alone, {})
    return names


def _check_inputs(point: _Point, holomorphic: bool, allow_int: bool, fun):
    for kind, name in zip(point.types, point.names):
        if not is_inexact(kind.dtype) and not allow_int:
            _close(point)
            raise GradientError(
                f"grad of {function_name(fun)} with respect to {name}, which is {kind}: only "
                "floating-point inputs have a gradient. Convert it (x.astype(float32)), or "
                "choose other arguments with argnums")
        if holomorphic and not is_complex(kind.dtype):
            _close(point)
            raise GradientError(f"grad with holomorphic=True needs complex inputs, but {name} "
                                f"is {kind}")


def _check_scalar(point: _Point, fun, holomorphic: bool):
    kinds = point.program.output_types[:point.count]
    single = point.count == 1 and point.flat.out_tree == tree.structure(0)
    problem = None
    if not single:
        returned = tree.unflatten(point.flat.out_tree, kinds)
        problem = f"it returned {returned}" if returned is not None else \
            "it returned None; is the return statement missing?"
    elif kinds[0].shape:
        problem = f"it returned {kinds[0]}, which is not a scalar; sum it, or use jacrev or vjp"
    elif not is_inexact(kinds[0].dtype):
        problem = f"it returned {kinds[0]}, which is not a floating-point number"
    elif is_complex(kinds[0].dtype) and not holomorphic:
        problem = f"it returned {kinds[0]}; say holomorphic=True, or return a real number"
    if problem:
        _close(point)
        raise GradientError(f"grad of {function_name(fun)} needs a function that returns one "
                            f"floating-point number (and aux, if has_aux): {problem}")


def _close(point: _Point):
    point.trace.closed = True


# ---- transposition of linear functions ----

@boundary
def linear_transpose(fun: Callable, *primals) -> Callable:
    """The adjoint of a linear function: from cotangents of its output to those of its inputs.

    fun: a linear function of its arguments; primals: arrays or `ShapeDtypeStruct`s that give
    the shapes and dtypes. Returns `f_t(ct)`, a tuple with one entry an argument.

    >>> import functrans as ft
    >>> ft.linear_transpose(lambda x: 3 * x, 0.0)(2.0)
    (Array(6., dtype=float32, weak_type=True),)
    """
    check_callable(fun, "linear_transpose")
    leaves, in_tree = tree.flatten((primals, {}))
    names = leaf_names(fun, primals, {})
    types = [_linear_type(leaf, name) for leaf, name in zip(leaves, names)]
    flat = FlatFunction(fun, in_tree, who="linear_transpose")

    def run_flat(*tracers):
        outs = flat(*tracers)
        return outs, [out if isinstance(out, Tracer) else None for out in outs]

    outs, linear = record_linear(run_flat, types, f"linear_transpose of {function_name(fun)}")

    @boundary
    def transposed(ct):
        cts = [_check_tangent(leaf, out.type, "the output", "cotangent")
               for leaf, out in zip(tree.leaves(ct), outs)]
        given = [ct for ct, flag in zip(cts, linear.nonzero_out) if flag]
        arguments = [*linear.residuals, *[None] * len(types)]
        results = transpose(linear.program, arguments, given)[len(linear.residuals):]
        return tree.unflatten(in_tree, [_tangent_result(value, kind)
                                        for value, kind in zip(results, types)])[0]
    return transposed


def _linear_type(leaf, name: str) -> ArrayType:
    kind = leaf_type(leaf, name, "linear_transpose")
    if not is_inexact(kind.dtype):
        raise GradientError(f"linear_transpose: {name} is {kind}, not floating point")
    return kind.strong()
