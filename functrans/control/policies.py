"""Policies of `checkpoint`: which intermediate values the backward pass keeps.

A policy is a function `policy(primitive, *types, **params) -> bool`, asked for each equation;
`types` are those of its operands. Imports `ir`, `control.checkpoint`.
"""
from __future__ import annotations

from collections.abc import Callable

from functrans.control.checkpoint import name_p
from functrans.ir.primitive import Contract, Primitive


def everything_saveable(primitive: Primitive, *types, **params) -> bool:
    """Keeps all: as without `checkpoint`."""
    return True


def nothing_saveable(primitive: Primitive, *types, **params) -> bool:
    """Keeps nothing but the inputs."""
    return False


def dots_saveable(primitive: Primitive, *types, **params) -> bool:
    """Keeps the results of matrix products."""
    return _product(primitive, types, params) is not None


def dots_with_no_batch_dims_saveable(primitive: Primitive, *types, **params) -> bool:
    """Keeps the results of matrix products that are not batches of products."""
    product = _product(primitive, types, params)
    return product is not None and not product.batch[0]


def _product(primitive: Primitive, types, params) -> Contract | None:
    kernel = primitive.kernel and primitive.kernel(types, params)
    return kernel if isinstance(kernel, Contract) else None


checkpoint_dots = dots_saveable
checkpoint_dots_with_no_batch_dims = dots_with_no_batch_dims_saveable


def save_only_these_names(*names: str) -> Callable:
    """Keeps the values that `checkpoint_name` gave one of these names."""
    chosen = frozenset(names)

    def policy(primitive: Primitive, *types, **params) -> bool:
        return primitive is name_p and params["name"] in chosen
    return policy


def save_any_names_but_these(*names: str) -> Callable:
    """Keeps the values that `checkpoint_name` gave a name, unless it is one of these."""
    excluded = frozenset(names)

    def policy(primitive: Primitive, *types, **params) -> bool:
        return primitive is name_p and params["name"] not in excluded
    return policy


def save_anything_except_these_names(*names: str) -> Callable:
    """Keeps all values but those that `checkpoint_name` gave one of these names."""
    excluded = frozenset(names)

    def policy(primitive: Primitive, *types, **params) -> bool:
        return not (primitive is name_p and params["name"] in excluded)
    return policy


def save_from_both_policies(first: Callable, second: Callable) -> Callable:
    """Keeps what either policy keeps."""
    def policy(primitive: Primitive, *types, **params) -> bool:
        return first(primitive, *types, **params) or second(primitive, *types, **params)
    return policy
