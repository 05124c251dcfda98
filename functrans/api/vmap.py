"""`vmap` of users' functions.

In: a function for one example. Out: the function for a batch. Imports `tree`, `trace`,
`transforms`, `api.calls`.
"""
from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from functrans import tree
from functrans.api.calls import (FlatFunction, as_input, as_result, check_callable, function_name,
                                 leaf_names, transformed)
from functrans.control.axes import named_axis
from functrans.errors import ArgumentError, ShapeError
from functrans.primitives.shape import move_axis
from functrans.transforms.vmap import batch_function, mapped_everywhere


def vmap(fun: Callable, in_axes=0, out_axes=0, axis_name: Hashable | None = None,
         axis_size: int | None = None, spmd_axis_name: Hashable | None = None) -> Callable:
    """A function that applies `fun` along axes of its arguments, all lanes at once.

    in_axes: for each positional argument the axis to map over: an int (negative ones count
        from the end), None for arguments that all lanes share, or a pytree prefix of such.
        Keyword arguments are mapped over axis 0.
    out_axes: where the mapped axis goes in the output, likewise (None: the output must not
        depend on the mapped arguments).
    axis_name: a name for the axis, by which `fun` computes across lanes: `lax.psum(x, name)`.
    axis_size: the number of lanes, needed only if nothing is mapped.
    spmd_axis_name: accepted, and of no effect: there is one device.
    Raises ValueError if mapped axes differ in size, naming the arguments.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(fnp.dot, in_axes=(0, None))(fnp.ones((2, 3)), fnp.ones(3))
    Array([3., 3.], dtype=float32)
    """
    check_callable(fun, "vmap")
    in_axes = tuple(in_axes) if isinstance(in_axes, list) else in_axes
    _check_axes_spec(in_axes, "in_axes")
    _check_axes_spec(out_axes, "out_axes")

    @transformed(fun)
    def mapped(*args, **kwargs):
        leaves, in_tree = tree.flatten((args, kwargs))
        names = leaf_names(fun, args, kwargs)
        inputs = [as_input(leaf, name, "vmap") for leaf, name in zip(leaves, names)]
        axes = _input_axes(fun, in_axes, args, kwargs)
        axes = [_normalize(axis, leaf, name) for axis, leaf, name in zip(axes, inputs, names)]
        size = _lanes(fun, inputs, axes, names, axis_size)
        outs, flags, out_tree = _run(fun, inputs, axes, names, size, in_tree, axis_name)
        targets = _output_axes(out_axes, out_tree)
        results = [_place(out, flag, axis, size, fun)
                   for out, flag, axis in zip(outs, flags, targets, strict=True)]
        return tree.unflatten(out_tree, results)
    return mapped


def _run(fun, inputs: Sequence, axes: Sequence, names: Sequence, size: int, in_tree,
         axis_name: Hashable):
    """Traces one lane, and evaluates the Program for all."""
    flat = FlatFunction(fun, in_tree, who="vmap")

    def lane(*values):
        with named_axis(axis_name, size):
            return flat(*values)

    outs, flags = batch_function(
        lane, size, [leaf if axis is None else move_axis(leaf, axis, 0)
                     for leaf, axis in zip(inputs, axes)],
        [axis is not None for axis in axes], axis_name, f"vmap of {function_name(fun)}", names)
    return outs, flags, flat.out_tree


def _check_axes_spec(spec, name: str):
    for axis in tree.leaves(spec):
        if isinstance(axis, bool) or not hasattr(axis, "__index__"):
            raise ArgumentError(f"vmap: {name} must hold ints and None, got {axis!r}")


def _input_axes(fun, in_axes, args: tuple, kwargs: dict) -> list:
    """The axis of each leaf of (args, kwargs)."""
    if isinstance(in_axes, tuple) and len(in_axes) != len(args):
        raise ArgumentError(f"vmap: in_axes={in_axes!r} must have one entry for each positional "
                            f"argument, but {function_name(fun)} was called with {len(args)}; "
                            "keyword arguments have none, they are mapped over axis 0")
    try:
        axes = tree.broadcast_prefix(in_axes, args, none_is_leaf=True)
    except (ValueError, TypeError) as error:
        raise ArgumentError(f"vmap: in_axes={in_axes!r} is not a prefix of the arguments of "
                            f"{function_name(fun)}: {error}") from None
    return axes + [0] * len(tree.leaves(kwargs))


def _normalize(axis, leaf, name: str) -> int | None:
    if axis is None:
        return None
    axis = int(axis)
    if not -leaf.ndim <= axis < leaf.ndim:
        raise ArgumentError(f"vmap: in_axes maps axis {axis} of {name}, which is {leaf.type} and "
                            f"has {_axes(leaf.ndim)}; None in in_axes leaves an argument unmapped")
    return axis % leaf.ndim


def _lanes(fun, inputs, axes, names, axis_size) -> int:
    """The number of lanes, on which all mapped axes must agree."""
    sizes = {}
    for leaf, axis, name in zip(inputs, axes, names):
        if axis is not None:
            sizes.setdefault(leaf.shape[axis], []).append((name, axis, leaf.type))
    if axis_size is not None:
        sizes.setdefault(int(axis_size), [])
    if not sizes:
        raise ArgumentError(f"vmap of {function_name(fun)}: nothing is mapped; give an argument an "
                            "axis in in_axes, or give axis_size")
    if len(sizes) > 1:
        lines = [f"  {name}: axis {axis} of {kind} has size {size}"
                 for size, found in sizes.items() for name, axis, kind in found]
        if axis_size is not None:
            lines.append(f"  axis_size={axis_size}")
        raise ShapeError(f"vmap of {function_name(fun)}: mapped axes differ in size:\n"
                         + "\n".join(lines))
    return next(iter(sizes))


def _output_axes(out_axes, out_tree) -> list:
    outputs = tree.unflatten(out_tree, [0] * out_tree.num_leaves)
    try:
        return tree.broadcast_prefix(out_axes, outputs, none_is_leaf=True)
    except (ValueError, TypeError) as error:
        raise ArgumentError(f"vmap: out_axes={out_axes!r} is not a prefix of the output "
                            f"{out_tree}: {error}") from None


def _place(out, batched: bool, axis, size: int, fun):
    """An output with its mapped axis at `axis`."""
    if axis is None:
        if batched:
            raise ArgumentError(f"vmap of {function_name(fun)}: out_axes is None for an output, "
                                f"{out.type} for all lanes, that depends on the mapped arguments; "
                                "give it an axis")
        return as_result(out)
    out = mapped_everywhere(size, out, batched)
    if not -out.ndim <= axis < out.ndim:
        raise ArgumentError(f"vmap of {function_name(fun)}: out_axes={axis} for an output that is "
                            f"{out.type} for all lanes, with {_axes(out.ndim)}")
    return move_axis(out, 0, axis % out.ndim)


def _axes(count: int) -> str:
    return "1 axis" if count == 1 else f"{count or 'no'} axes"
