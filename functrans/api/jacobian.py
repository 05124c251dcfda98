"""Jacobians and Hessians of users' functions: vmap of jvp and of vjp over a basis.

In: a function of pytrees. Out: a function that gives pytrees of pytrees of arrays. Imports
`tree`, `api`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans import tree
from functrans.api.calls import (as_input, check_callable, function_name, leaf_names,
                                 normalize_argnums, transformed)
from functrans.api.grad import grad, jvp, partial_at, vjp
from functrans.api.vmap import vmap
from functrans.errors import ArgumentError, GradientError
from functrans.ir.type import is_complex, is_inexact
from functrans.primitives.shape import reshape


def jacfwd(fun: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False,
           holomorphic: bool = False) -> Callable:
    """The Jacobian of `fun`, column by column (forward mode, all columns at once).

    fun: function of arrays to a pytree of arrays, or to a pair `(output, aux)` if `has_aux`.
    argnums: which positional argument (or arguments) to differentiate; they may be pytrees.
    holomorphic: whether `fun` is a holomorphic function of complex inputs.
    The result has the structure of the output, each leaf replaced by the structure of the
    argument; a leaf has shape `output shape + input shape`. Best where inputs are few.
    Raises TypeError for integers, and for complex inputs unless `holomorphic`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.jacfwd(lambda x: x * x)(fnp.array([1.0, 2.0]))
    Array([[2., 0.],
           [0., 4.]], dtype=float32)
    """
    check_callable(fun, "jacfwd")

    @transformed(fun)
    def jacobian(*args, **kwargs):
        numbers = normalize_argnums(argnums, len(args), function_name(fun), "jacfwd")
        partial = partial_at(fun, args, kwargs, numbers)
        chosen = tuple(args[k] for k in numbers)
        leaves = _check_inputs(partial, chosen, "jacfwd", holomorphic, real=True)
        in_tree, basis = tree.structure(chosen), _standard_basis(leaves)

        def push(*tangents):
            result = jvp(partial, chosen, tree.unflatten(in_tree, tangents), has_aux)
            _check_outputs(partial, result[0], "jacfwd", holomorphic, real=False)
            return (result[1], result[2]) if has_aux else result[1]

        columns = vmap(push, out_axes=(-1, None) if has_aux else -1)(*basis)
        columns, aux = columns if has_aux else (columns, None)
        single = not isinstance(argnums, (tuple, list))
        jac = tree.map(lambda leaf: _split_axis(leaf, leaves, in_tree, -1, single), columns)
        return (jac, aux) if has_aux else jac
    return jacobian


def jacrev(fun: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False,
           holomorphic: bool = False) -> Callable:
    """The Jacobian of `fun`, row by row (reverse mode, all rows at once); see `jacfwd`.

    Best where outputs are few. Raises TypeError for integers, and for complex outputs unless
    `holomorphic`; of a real function of complex numbers it gives what `grad` does.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.jacrev(lambda x: x * x)(fnp.array([1.0, 2.0]))
    Array([[2., 0.],
           [0., 4.]], dtype=float32)
    """
    check_callable(fun, "jacrev")

    @transformed(fun)
    def jacobian(*args, **kwargs):
        numbers = normalize_argnums(argnums, len(args), function_name(fun), "jacrev")
        partial = partial_at(fun, args, kwargs, numbers)
        chosen = tuple(args[k] for k in numbers)
        _check_inputs(partial, chosen, "jacrev", holomorphic, real=False)
        result = vjp(partial, *chosen, has_aux=has_aux)
        out, pull = result[:2]
        _check_outputs(partial, out, "jacrev", holomorphic, real=True)
        out_leaves, out_tree = tree.flatten(out)
        basis = _standard_basis(out_leaves)
        rows = vmap(lambda *cts: pull(tree.unflatten(out_tree, cts)))(*basis)
        single = not isinstance(argnums, (tuple, list))
        per_output = _split_rows(rows[0] if single else rows, out_leaves)
        jac = tree.unflatten(out_tree, per_output)
        return (jac, result[2]) if has_aux else jac
    return jacobian


def hessian(fun: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False,
            holomorphic: bool = False) -> Callable:
    """The matrix of second derivatives: forward over reverse.

    For a scalar function of an array of shape `s`, an array of shape `s + s`; for pytrees, the
    structure nested in itself.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.hessian(lambda x: (x ** 3).sum())(fnp.array([1.0, 2.0]))
    Array([[ 6.,  0.],
           [ 0., 12.]], dtype=float32)
    """
    rows = jacrev(fun, argnums, has_aux, holomorphic)
    return jacfwd(rows, argnums, has_aux, holomorphic)


def hvp(f: Callable, primals: Sequence, tangents: Sequence):
    """The Hessian of a scalar function times a vector, without the Hessian: forward over reverse.

    f: function of pytrees to a real scalar; primals: tuple of its arguments; tangents: tuple of
    the same structure, shapes and dtypes. Costs a few times what `f` does.
    Returns the product in the structure of the argument; a tuple with one entry an argument, if
    there are several. Raises TypeError if primals and tangents do not fit.
    Source: Pearlmutter, "Fast exact multiplication by the Hessian" (1994).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.hvp(lambda x: (x ** 3).sum(), (fnp.array([1.0, 2.0]),), (fnp.array([1.0, 1.0]),))
    Array([ 6., 12.], dtype=float32)
    """
    check_callable(f, "hvp")
    if not isinstance(primals, (tuple, list)) or not primals:
        raise ArgumentError(f"hvp takes primals as a tuple, one entry an argument; got {primals!r}")
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(f, argnums), tuple(primals), tangents)[1]


def _check_inputs(fun, args, who: str, holomorphic: bool, real: bool) -> list:
    """The leaves as arrays. real: whether complex ones need `holomorphic`."""
    names = leaf_names(fun, args, {})
    inputs = [as_input(leaf, name, who) for leaf, name in zip(tree.leaves(args), names)]
    for leaf, name in zip(inputs, names):
        where = f"{who} of {function_name(fun)} with respect to {name}, which is {leaf.type}"
        if not is_inexact(leaf.dtype):
            raise GradientError(f"{where}: only floating-point inputs have a derivative; convert "
                                "it (x.astype(float32)), or choose other arguments with argnums")
        _check_complex(where, leaf.dtype, holomorphic, real)
    return inputs


def _check_outputs(fun, out, who: str, holomorphic: bool, real: bool):
    for path, leaf in tree.leaves_with_path(out):
        where = f"{who} of {function_name(fun)}, whose output{tree.keystr(path)} is {leaf.type}"
        if not is_inexact(leaf.dtype):
            raise GradientError(f"{where}: only floating-point outputs have a derivative; return "
                                "it as aux (has_aux=True)")
        _check_complex(where, leaf.dtype, holomorphic, real)


def _check_complex(where: str, dtype, holomorphic: bool, real: bool):
    if holomorphic and not is_complex(dtype):
        raise GradientError(f"{where}: holomorphic=True is for complex numbers")
    if real and not holomorphic and is_complex(dtype):
        raise GradientError(f"{where}: of complex numbers there is one Jacobian only if the "
                            "function is holomorphic: say holomorphic=True; or take real and "
                            "imaginary parts as two real arrays")


def _standard_basis(leaves: Sequence) -> list:
    """For each leaf, an array (total, *shape) that goes through all directions of all leaves."""
    total = sum(leaf.size for leaf in leaves)
    basis, start = [], 0
    for leaf in leaves:
        rows = np.zeros((total, leaf.size), leaf.dtype)
        rows[start:start + leaf.size] = np.eye(leaf.size, dtype=leaf.dtype)
        basis.append(as_input(rows.reshape(total, *leaf.shape), "", ""))
        start += leaf.size
    return basis


def _split_axis(array, leaves: Sequence, in_tree, axis: int, single: bool):
    """A pytree of the argument's structure from an axis that runs over all its elements."""
    parts, start = [], 0
    for leaf in leaves:
        part = array[..., start:start + leaf.size]
        parts.append(reshape(part, (*array.shape[:-1], *leaf.shape)))
        start += leaf.size
    structure = tree.unflatten(in_tree, parts)
    return structure[0] if single else structure


def _split_rows(rows, out_leaves: Sequence) -> list:
    """For each output leaf, the pytree of rows that belong to it."""
    results, start = [], 0
    for leaf in out_leaves:
        stop = start + leaf.size
        results.append(tree.map(
            lambda row, low=start, high=stop, shape=leaf.shape:
                reshape(row[low:high], (*shape, *row.shape[1:])), rows))
        start = stop
    return results
