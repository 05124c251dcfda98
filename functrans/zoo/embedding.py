"""The embedding: a vector for each of a number of things, words for example.

    params = embedding.init(ft.random.key(0), count=1000, features=64)
    vectors = embedding.apply(params, ids)               # ids: (...), vectors: (..., 64)

Parameters are a dict with "weight" of shape (count, features). The gradient adds up where an id
occurs several times. Imports `numpy`, `nn`.
"""
from __future__ import annotations

from collections.abc import Callable

from functrans import numpy as fnp
from functrans.errors import DtypeError, ShapeError
from functrans.ir.type import is_integer
from functrans.nn import initializers
from functrans.numpy.promotion import as_arraylike


def init(key, count: int, features: int, *, initializer: Callable | None = None,
         dtype=None) -> dict:
    """First parameters: by default normal numbers of variance 1 / features, vectors of length 1.

    >>> import functrans as ft
    >>> ft.zoo.embedding.init(ft.random.key(0), count=5, features=2)["weight"].shape
    (5, 2)
    """
    initializer = initializer or initializers.normal(features ** -0.5)
    return {"weight": initializer(key, (count, features), dtype)}


def apply(params: dict, ids):
    """The vectors of ids: of integers (...), an array (..., features).

    Raises TypeError for what is not integers, IndexError for an id that there is not.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = {"weight": fnp.array([[0.0, 1.0], [2.0, 3.0]])}
    >>> ft.zoo.embedding.apply(params, fnp.array([1, 0])).tolist()
    [[2.0, 3.0], [0.0, 1.0]]
    """
    return fnp.take(params["weight"], _integers(ids, "embedding.apply"), 0)


def bag(params: dict, ids):
    """Sums of vectors: of integers (..., n), an array (..., features). Negative ids count nothing.

    So a word of several parts becomes one vector: its hashed letter trigrams, for example. This is
    the product of the weights and the vector of counts, which is never written out.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = {"weight": fnp.array([[0.0, 1.0], [2.0, 3.0]])}
    >>> ft.zoo.embedding.bag(params, fnp.array([1, 1, -1]))
    Array([4., 6.], dtype=float32)
    """
    ids = _integers(ids, "embedding.bag")
    if not ids.ndim:
        raise ShapeError("embedding.bag: ids must have an axis to sum over, got a scalar")
    rows = fnp.take(params["weight"], fnp.maximum(ids, 0), 0)
    return fnp.where(fnp.expand_dims(ids >= 0, -1), rows, 0).sum(-2)


def attend(params: dict, x):
    """Scores of all ids: the products of x and each vector, (..., features) to (..., count).

    The last layer of a language model whose weights are tied to its first. Press, Wolf, "Using
    the output embedding to improve language models" (EACL 2017).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> params = {"weight": fnp.array([[0.0, 1.0], [2.0, 3.0]])}
    >>> ft.zoo.embedding.attend(params, fnp.array([1.0, 1.0]))
    Array([1., 5.], dtype=float32)
    """
    return as_arraylike(x, "embedding.attend") @ params["weight"].T


def _integers(ids, name: str):
    ids = as_arraylike(ids, name)
    if not is_integer(ids.dtype):
        raise DtypeError(f"{name}: ids must be integers, got {ids.type}")
    return ids
