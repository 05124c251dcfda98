"""Jacobians and Hessians of users' functions: vmap of jvp and of vjp over a basis.

In: a function of pytrees. Out: a function that gives pytrees of pytrees of arrays. Imports
`tree`, `api`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans import tree
from functrans.api.calls import (as_input, check_callable, function_name, leaf_names, normalize_argnums, wraps)
from functrans.api.grad import jvp, partial_at, vjp
from functrans.api.vmap import vmap
from functrans.errors import GradientError
from functrans.ir.type import is_inexact
from functrans.primitives.shape import reshape


def jacfwd(fun: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable:
    """The Jacobian of `fun`, column by column (forward mode, all columns at once).

    The result has the structure of the output, each leaf replaced by the structure of the
    argument; a leaf has shape `output shape + input shape`. Best where inputs are few.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.jacfwd(lambda x: x * x)(fnp.array([1.0, 2.0]))
    Array([[2., 0.],
           [0., 4.]], dtype=float32)
    """
    check_callable(fun, "jacfwd")

    @wraps(fun)
    def jacobian(*args, **kwargs):
        numbers = normalize_argnums(argnums, len(args), function_name(fun), "jacfwd")
        partial = partial_at(fun, args, kwargs, numbers)
        chosen = tuple(args[k] for k in numbers)
        leaves, in_tree, basis = _basis(partial, chosen, "jacfwd")

        def push(*tangents):
            result = jvp(partial, chosen, tree.unflatten(in_tree, tangents), has_aux)
            return (result[1], result[2]) if has_aux else result[1]

        columns = vmap(push, out_axes=(-1, None) if has_aux else -1)(*basis)
        columns, aux = columns if has_aux else (columns, None)
        single = not isinstance(argnums, (tuple, list))
        jac = tree.map(lambda leaf: _split_axis(leaf, leaves, in_tree, -1, single), columns)
        return (jac, aux) if has_aux else jac
    return jacobian


def jacrev(fun: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable:
    """The Jacobian of `fun`, row by row (reverse mode, all rows at once); see `jacfwd`.

    Best where outputs are few.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.jacrev(lambda x: x * x)(fnp.array([1.0, 2.0]))
    Array([[2., 0.],
           [0., 4.]], dtype=float32)
    """
    check_callable(fun, "jacrev")

    @wraps(fun)
    def jacobian(*args, **kwargs):
        numbers = normalize_argnums(argnums, len(args), function_name(fun), "jacrev")
        partial = partial_at(fun, args, kwargs, numbers)
        chosen = tuple(args[k] for k in numbers)
        _check_inexact(partial, chosen, "jacrev")
        result = vjp(partial, *chosen, has_aux=has_aux)
        out, pull = result[:2]
        out_leaves, out_tree = tree.flatten(out)
        basis = _standard_basis(out_leaves)
        rows = vmap(lambda *cts: pull(tree.unflatten(out_tree, cts)))(*basis)
        single = not isinstance(argnums, (tuple, list))
        per_output = _split_rows(rows[0] if single else rows, out_leaves)
        jac = tree.unflatten(out_tree, per_output)
        return (jac, result[2]) if has_aux else jac
    return jacobian


def hessian(fun: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable:
    """The matrix of second derivatives: forward over reverse.

    For a scalar function of an array of shape `s`, an array of shape `s + s`; for pytrees, the
    structure nested in itself.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.hessian(lambda x: (x ** 3).sum())(fnp.array([1.0, 2.0]))
    Array([[ 6.,  0.],
           [ 0., 12.]], dtype=float32)
    """
    return jacfwd(jacrev(fun, argnums, has_aux=has_aux), argnums, has_aux=has_aux)


def _check_inexact(fun, args, who: str) -> list:
    leaves = tree.leaves(args)
    names = leaf_names(fun, args, {})
    inputs = [as_input(leaf, name, who) for leaf, name in zip(leaves, names)]
    for leaf, name in zip(inputs, names):
        if not is_inexact(leaf.dtype):
            raise GradientError(f"{who} of {function_name(fun)} with respect to {name}, which is "
                                f"{leaf.type}: only floating-point inputs have a derivative")
    return inputs


def _basis(fun, args: tuple, who: str):
    leaves = _check_inexact(fun, args, who)
    return leaves, tree.structure(args), _standard_basis(leaves)


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
