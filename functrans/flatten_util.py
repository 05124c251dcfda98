"""A pytree of arrays as one vector, and back: for optimizers and solvers of vectors.

Imports `tree`, `numpy`.
"""
from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from functrans import numpy as fnp
from functrans import tree
from functrans.errors import DtypeError, ShapeError

__all__ = ["ravel_pytree"]


def ravel_pytree(pytree) -> tuple:
    """All elements of a pytree as one vector, and the function that makes a pytree of such a one.

    pytree: of arrays and numbers. Returns `(vector, unravel)`. The dtype of the vector is that to
    which the leaves are promoted; `unravel(vector)` has the shapes of the leaves, and their dtypes,
    if these differ, or that of the vector, whichever it is. It raises ShapeError, a ValueError, for
    a vector of another length, and DtypeError, a TypeError, for one of another dtype where the
    leaves have several.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> vector, unravel = ft.flatten_util.ravel_pytree({"b": 1.0, "w": fnp.ones((2, 2))})
    >>> vector
    Array([1., 1., 1., 1., 1.], dtype=float32)
    >>> unravel(2 * vector)["w"].shape
    (2, 2)
    """
    leaves, treedef = tree.flatten(pytree)
    arrays = [fnp.asarray(leaf) for leaf in leaves]
    dtype = fnp.result_type(*arrays) if arrays else fnp.asarray(0.0).dtype
    vector = fnp.concatenate([array.astype(dtype).ravel() for array in arrays]) if arrays \
        else fnp.zeros(0, dtype)
    return vector, _unraveler(treedef, [(a.shape, a.dtype) for a in arrays], dtype)


def _unraveler(treedef, kinds: list, dtype) -> Callable:
    ends = list(itertools.accumulate(int(np.prod(shape)) for shape, _ in kinds))
    size = ends[-1] if ends else 0
    of_one_dtype = all(kind == dtype for _, kind in kinds)

    def unravel(vector):
        vector = fnp.asarray(vector)
        if vector.shape != (size,):
            raise ShapeError(f"unravel takes a vector of {size} elements, as the pytree has, got "
                             f"shape {vector.shape}")
        if vector.dtype != dtype and not of_one_dtype:
            raise DtypeError(f"unravel takes a vector of dtype {dtype.name}, as the pytree gave, "
                             f"got {vector.dtype.name}")
        starts = [0, *ends][:len(ends)]
        return tree.unflatten(treedef, [
            vector[start:end].reshape(shape).astype(vector.dtype if of_one_dtype else kind)
            for start, end, (shape, kind) in zip(starts, ends, kinds)])
    return unravel
