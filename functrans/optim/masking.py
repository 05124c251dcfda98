"""Transformations for some parameters only: masks and labels.

A mask is a pytree of booleans, a prefix of the parameters (a node may stand for all below it), or
a function that makes such a mask from the parameters.

Imports `tree`, `optim.base`, `optim.scaling`.
"""
from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

from functrans import tree
from functrans.errors import ArgumentError
from functrans.optim.base import GradientTransformation
from functrans.optim.scaling import add_weights


class MaskedNode(NamedTuple):
    """In the place of what a mask hides: a node without leaves."""


class MaskedState(NamedTuple):
    """The state of the inner transformation, for what the mask shows."""
    inner_state: Any


def _resolved(mask, params):
    """The mask for a tree of parameters or updates."""
    return mask(params) if callable(mask) else mask


def _shown(mask, values):
    """`values`, with `MaskedNode` where the mask is false."""
    return tree.map(lambda show, value: value if show else MaskedNode(), mask, values)


def masked(inner: GradientTransformation, mask: Any | Callable) -> GradientTransformation:
    """Applies a transformation where a mask is true; other updates pass unchanged.

    Raises StructureError where the mask is no prefix of the parameters.

    >>> import functrans as ft
    >>> halved = ft.optim.masked(ft.optim.scale(0.5), {"weight": True, "bias": False})
    >>> params = {"weight": 1.0, "bias": 1.0}
    >>> halved.update(params, halved.init(params))[0]
    {'bias': 1.0, 'weight': Array(0.5, dtype=float32, weak_type=True)}
    """
    def init(params):
        return MaskedState(inner.init(_shown(_resolved(mask, params), params)))

    def update(updates, state, params=None):
        shown = _resolved(mask, updates if params is None else params)
        some = None if params is None else _shown(shown, params)
        changed, inner_state = inner.update(_shown(shown, updates), state.inner_state, some)
        merged = tree.map(lambda show, new, old: new if show else old, shown, changed, updates)
        return merged, MaskedState(inner_state)
    return GradientTransformation(init, update)


def add_decayed_weights(weight_decay=0.0, mask=None) -> GradientTransformation:
    """u = g + weight_decay * parameter, where the mask is true.

    weight_decay: a number or a schedule. mask: see `masked`; None is everywhere. Often only
    matrices decay: `mask=lambda params: ft.tree.map(lambda p: p.ndim > 1, params)`.
    `update` needs the parameters.

    >>> import functrans as ft
    >>> decay = ft.optim.add_decayed_weights(0.5)
    >>> decay.update(1.0, decay.init(4.0), 4.0)[0]
    Array(3., dtype=float32)
    """
    everywhere = add_weights(weight_decay)
    return everywhere if mask is None else masked(everywhere, mask)


class MultiTransformState(NamedTuple):
    """The state of each transformation, by its label."""
    inner_states: dict


def multi_transform(transforms: Mapping[Hashable, GradientTransformation],
                    param_labels: Any | Callable) -> GradientTransformation:
    """Another transformation for each label.

    transforms: from labels to transformations. param_labels: a pytree of labels that is a prefix
    of the parameters, or a function that makes it from them.
    Raises ValueError for labels that have no transformation.

    >>> import functrans as ft
    >>> optimizer = ft.optim.multi_transform(
    ...     {"train": ft.optim.sgd(0.5), "freeze": ft.optim.set_to_zero()},
    ...     {"head": "train", "body": "freeze"})
    >>> params = {"head": 1.0, "body": 1.0}
    >>> updates, state = optimizer.update(params, optimizer.init(params))
    >>> float(updates["head"]), float(updates["body"])
    (-0.5, 0.0)
    """
    def parts(params):
        labels = _resolved(param_labels, params)
        _check_labels(labels, transforms)
        return {label: masked(transform, _equal_to(label, labels))
                for label, transform in transforms.items()}

    def init(params):
        return MultiTransformState({label: part.init(params)
                                    for label, part in parts(params).items()})

    def update(updates, state, params=None):
        states = {}
        for label, part in parts(updates if params is None else params).items():
            updates, states[label] = part.update(updates, state.inner_states[label], params)
        return updates, MultiTransformState(states)
    return GradientTransformation(init, update)


def _equal_to(label, labels):
    return tree.map(lambda own: own == label, labels)


def _check_labels(labels, transforms: Mapping):
    for path, label in tree.leaves_with_path(labels):
        if label not in transforms:
            raise ArgumentError(
                f"multi_transform: param_labels{tree.keystr(path)} is {label!r}, but "
                f"there are transforms for {', '.join(map(repr, transforms))}")
