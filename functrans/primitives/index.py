"""Indexing with arrays: gather + scatter, dynamic_slice + dynamic_update_slice.

One form of gather serves NumPy's indexing, `take_along_axis`, and the batch rule of
`dynamic_slice`: with `b` batch dimensions and `m` arrays of indices,

    operand (batch.., d1..dm, window..)   indices m times (batch.., n..)
    out     (batch.., n.., window..)      out[b, n, w] = operand[b, i1[b, n], .., im[b, n], w]

Scatter is its adjoint: `out = operand`, then `out[b, i[b, n].., w] op= updates[b, n, w]` in
order. Modes say what an index outside does: "raise", "clip", "drop" (reads zero, writes
nothing), "promise" (the caller promises that there is none).

Imports `ir`, `trace`, and the families of primitives above it.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import DtypeError, OutOfBoundsError, ShapeError
from functrans.ir import primitive as kernels
from functrans.ir.primitive import Primitive, Sum
from functrans.ir.program import Program, inner_programs
from functrans.ir.type import ArrayType, is_integer
from functrans.locations import describe, user_location
from functrans.primitives.basic import (add_tangents, broadcast, full, instantiate, is_linear,
                                        same_dtype, type_of_value, with_batch_axis, zeros)
from functrans.primitives.define import linear_jvp
from functrans.primitives.elementwise import convert, div, eq, guarded_div, mul, select
from functrans.primitives.shape import iota, move_axis, reshape
from functrans.trace import bind

MODES = ("raise", "clip", "drop", "promise")


# ---- shapes ----

def _split(operand, indices, batch_dims: int, name: str):
    """(sizes of the indexed dimensions, window shape), checked."""
    count = len(indices)
    shape = indices[0].shape
    for index in indices:
        if not is_integer(index.dtype):
            raise DtypeError(f"{name}: indices must be integers, got {index}")
        if index.shape != shape:
            raise ShapeError(f"{name}: indices must have one shape, got "
                             + ", ".join(map(str, indices)))
    if operand.ndim < batch_dims + count:
        raise ShapeError(f"{name}: too many indices ({count}) for {operand}")
    if shape[:batch_dims] != operand.shape[:batch_dims]:
        raise ShapeError(f"{name}: batch dimensions of {operand} and of indices of shape "
                         f"{shape} differ")
    return operand.shape[batch_dims:batch_dims + count], operand.shape[batch_dims + count:]


def _infer_gather(operand, *indices, batch_dims, mode):
    _, window = _split(operand, indices, batch_dims, "gather")
    return ArrayType(indices[0].shape + window, operand.dtype)


def _infer_scatter(name):
    def infer(operand, updates, *indices, batch_dims, mode, unique):
        same_dtype((operand, updates), name)
        _, window = _split(operand, indices, batch_dims, name)
        if updates.shape != indices[0].shape + window:
            raise ShapeError(f"{name}: updates must have shape {indices[0].shape + window}, "
                             f"got {updates}")
        return ArrayType(operand.shape, operand.dtype)
    return infer


# ---- evaluation ----

def _resolve(shape, indices, batch_dims: int, mode: str):
    """NumPy index arrays, batch dimensions included, and a mask of what lies inside."""
    indices = [np.asarray(index) for index in indices]
    inside = np.ones(indices[0].shape, bool)
    resolved = []
    for axis, index in enumerate(indices, batch_dims):
        size = shape[axis]
        good = (index >= 0) & (index < size)
        if mode == "raise" and not good.all():
            raise out_of_bounds(int(index[~good].flat[0]), axis - batch_dims, shape[batch_dims:])
        inside &= good
        resolved.append(np.clip(index, 0, max(size - 1, 0)).astype(np.int64))
    grid = np.indices(indices[0].shape[:batch_dims], dtype=np.int64)
    spread = indices[0].ndim - batch_dims
    batch = [part.reshape(part.shape + (1,) * spread) for part in grid]
    return (*batch, *resolved), inside


def out_of_bounds(index: int, axis: int, shape: tuple) -> OutOfBoundsError:
    """The error for an index along an axis of an array; names the user's line."""
    return outside(f"index {index} is out of bounds for axis {axis} with size {shape[axis]} of an "
                   f"array of shape {tuple(shape)}", user_location())


def outside(problem: str, location) -> OutOfBoundsError:
    """The error for an index outside, used at `location`."""
    return OutOfBoundsError(
        f"{problem}\n  at: {describe(location)}\n"
        "x.at[index].get(mode=...) and take(x, index, mode=...) allow indices outside: \"clip\", "
        "\"wrap\", \"fill\";\nx.at[index].set(value, mode=\"drop\") writes nothing there")


def indexed_shape(program: Program, location) -> tuple | None:
    """The shape of the array that a Program indexes at a line of the user's, as written there."""
    made = {}
    for equation in program.equations:
        made.update(dict.fromkeys(equation.outputs, equation))
        if isinstance(equation.kernel, (kernels.Gather, kernels.Scatter)) \
                and _same_place(equation.location, location):
            operand = equation.inputs[0]
            source = made.get(operand)
            turned = source is not None and isinstance(source.kernel, kernels.Transpose)
            return (source.inputs[0] if turned else operand).type.shape
        found = [indexed_shape(inner, location) for inner in inner_programs(equation)]
        if any(shape is not None for shape in found):
            return next(shape for shape in found if shape is not None)
    return None


def _same_place(a, b) -> bool:
    return a is b or (a is not None and b is not None and a.code is b.code
                      and (a.line, a.instruction) == (b.line, b.instruction))


def _evaluate_gather(operand, *indices, batch_dims, mode):
    where, inside = _resolve(operand.shape, indices, batch_dims, mode)
    window = operand.shape[batch_dims + len(indices):]
    if 0 in operand.shape:
        return np.zeros(indices[0].shape + window, operand.dtype)
    out = operand[where]
    if mode == "drop" and not inside.all():
        out = np.where(inside.reshape(inside.shape + (1,) * len(window)), out,
                       np.zeros_like(out))
    return out


def _evaluate_scatter(put):
    def evaluate(operand, updates, *indices, batch_dims, mode, unique):
        out = np.array(operand)
        where, inside = _resolve(out.shape, indices, batch_dims, mode)
        if out.size and updates.size:
            where = np.broadcast_arrays(*where)
            if mode == "drop":
                where, updates = [index[inside] for index in where], updates[inside]
            put(out, tuple(where), updates)
        return out
    return evaluate


# ---- gather ----

def _transpose_gather(ct, inputs, params):
    operand, *indices = inputs
    base = zeros(operand.type) if operand.sum is None else operand.sum
    total = scatter(scatter_add_p, base, ct, indices, **params)
    return (total if operand.sum is None else Sum(total), *(None for _ in indices))


def _batch_gather(size, args, batched, params):
    operand, *indices = args
    batch_dims, mode = params["batch_dims"], params["mode"]
    if not any(batched[1:]):
        behind = batch_dims + len(indices)
        out = gather(move_axis(operand, 0, behind), indices, batch_dims, mode)
        return move_axis(out, indices[0].ndim, 0), True
    indices = [with_batch_axis(size, *pair) for pair in zip(indices, batched[1:])]
    if batched[0]:
        return gather(operand, indices, batch_dims + 1, mode), True
    indices = [move_axis(index, 0, batch_dims) for index in indices]
    return move_axis(gather(operand, indices, batch_dims, mode), batch_dims, 0), True


gather_p = Primitive(
    name="gather", infer=_infer_gather, evaluate=_evaluate_gather,
    jvp=linear_jvp(lambda: gather_p, [0]), transpose=_transpose_gather, batch=_batch_gather,
    kernel=lambda types, params: kernels.Gather(params["batch_dims"], params["mode"]))


def gather(operand, indices, batch_dims: int = 0, mode: str = "raise"):
    """Elements (or windows) of `operand` at `indices`, one array for each indexed axis."""
    return bind(gather_p, operand, *indices, batch_dims=batch_dims, mode=mode)


def take_along(x, index, axis: int, mode: str = "promise"):
    """`x` at `index` along `axis`, position by position along the others."""
    everywhere = [index if k == axis else iota(index.dtype, index.shape, k)
                  for k in range(x.ndim)]
    return gather(x, everywhere, 0, mode)


# ---- scatter ----

def _scatter_primitive(name, put, combine, jvp, transpose=None) -> Primitive:
    primitive = Primitive(
        name=name, infer=_infer_scatter(name), evaluate=_evaluate_scatter(put), jvp=jvp,
        transpose=transpose, batch=lambda *args: _batch_scatter(primitive, *args),
        kernel=lambda types, params:
            kernels.Scatter(params["batch_dims"], params["mode"], combine))
    return primitive


def scatter(primitive, operand, updates, indices, batch_dims: int = 0, mode: str = "raise",
            unique: bool = False):
    """`operand` with `updates` put in at `indices`; `unique` promises no index twice."""
    return bind(primitive, operand, updates, *indices, batch_dims=batch_dims, mode=mode,
                unique=unique)


def _batch_scatter(primitive, size, args, batched, params):
    operand, updates, *indices = args
    batch_dims = params["batch_dims"]
    if not any(batched[2:]):                    # the mapped axis as one more window axis
        place = indices[0].ndim
        operand = move_axis(with_batch_axis(size, operand, batched[0]), 0,
                            batch_dims + len(indices))
        updates = move_axis(with_batch_axis(size, updates, batched[1]), 0, place)
        out = bind(primitive, operand, updates, *indices, **params)
        return move_axis(out, batch_dims + len(indices), 0), True
    every = [with_batch_axis(size, *pair) for pair in zip(args, batched)]
    return bind(primitive, *every, **{**params, "batch_dims": batch_dims + 1}), True


def _assign(out, where, updates):
    out[where] = updates


def _linear_in_both(primitive):
    return linear_jvp(primitive, [0, 1])


def _transpose_add(ct, inputs, params):
    operand, updates, *indices = inputs
    back = gather(ct, indices, params["batch_dims"], params["mode"]) \
        if is_linear(updates) else None
    return (ct if is_linear(operand) else None, back, *(None for _ in indices))


scatter_add_p = _scatter_primitive(
    "scatter_add", np.add.at, "({acc} + {0})", _linear_in_both(lambda: scatter_add_p),
    _transpose_add)


def _last_writer(operand_type, updates_type, indices, params):
    """Where an update is the last at its index, so that its value stays."""
    order_shape = indices[0].shape
    count = int(np.prod(order_shape))
    window = updates_type.ndim - len(order_shape)
    base = full(ArrayType(operand_type.shape[:operand_type.ndim - window], np.int64), -1)
    order = reshape(iota(np.int64, (count,)), order_shape)
    winners = scatter(scatter_set_p, base, order, indices, **params)
    reached = gather(winners, indices, params["batch_dims"], params["mode"])
    return eq(reached, order)


def _transpose_set(ct, inputs, params):
    operand, updates, *indices = inputs
    kept = to_updates = None
    if is_linear(operand):
        shape = indices[0].shape + ct.shape[params["batch_dims"] + len(indices):]
        kept = scatter(scatter_set_p, ct, zeros(ArrayType(shape, ct.dtype)), indices, **params)
    if is_linear(updates):
        to_updates = gather(ct, indices, params["batch_dims"], params["mode"])
        if not params["unique"]:
            mask = _last_writer(ct.type, updates.type, indices, params)
            mask = broadcast(mask, to_updates.shape, range(mask.ndim))
            to_updates = select(mask, to_updates, ct.dtype.type(0))
    return (kept, to_updates, *(None for _ in indices))


scatter_set_p = _scatter_primitive(
    "scatter_set", _assign, "{0}", _linear_in_both(lambda: scatter_set_p), _transpose_set)


def _jvp_scatter_mul(out, primals, tangents, params):
    """Product rule; the product of the other updates at an index by division, zeros apart."""
    operand, updates, *indices = primals
    from_operand = from_updates = None
    if tangents[0] is not None:
        from_operand = bind(scatter_mul_p, tangents[0], updates, *indices, **params)
    if tangents[1] is not None:
        others = mul(_product_of_others(operand, updates, indices, params),
                     gather(operand, indices, params["batch_dims"], params["mode"]))
        base = zeros(type_of_value(operand))
        from_updates = scatter(scatter_add_p, base, mul(tangents[1], others), indices, **params)
    return add_tangents(from_operand, from_updates)


def _product_of_others(operand, updates, indices, params):
    one, zero = updates.dtype.type(1), updates.dtype.type(0)
    is_zero = eq(updates, zero)
    filled = select(is_zero, one, updates)
    ones, none = full(operand.type.strong(), 1), full(operand.type.strong(), 0)
    where = dict(batch_dims=params["batch_dims"], mode=params["mode"])
    product = gather(scatter(scatter_mul_p, ones, filled, indices, **params), indices, **where)
    zeros_here = gather(scatter(scatter_add_p, none, convert(is_zero, updates.dtype), indices,
                                **params), indices, **where)
    if_nonzero = select(eq(zeros_here, zero), div(product, filled), zero)
    return select(is_zero, select(eq(zeros_here, one), product, zero), if_nonzero)


def _transpose_mul(ct, inputs, params):
    operand, updates, *indices = inputs
    return (bind(scatter_mul_p, ct, updates, *indices, **params),
            *(None for _ in inputs[1:]))


scatter_mul_p = _scatter_primitive("scatter_mul", np.multiply.at, "({acc} * {0})",
                                   _jvp_scatter_mul, _transpose_mul)


def _jvp_scatter_extreme(out, primals, tangents, params):
    """The mean of the tangents of all that attain the extreme at an index."""
    operand, updates, *indices = primals
    where = dict(batch_dims=params["batch_dims"], mode=params["mode"])
    attained = convert(eq(updates, gather(out, indices, **where)), updates.dtype)
    stayed = convert(eq(operand, out), operand.dtype)
    count = scatter(scatter_add_p, stayed, attained, indices, **params)
    dx = instantiate(tangents[0], type_of_value(operand))
    du = instantiate(tangents[1], type_of_value(updates))
    total = scatter(scatter_add_p, mul(dx, stayed), mul(du, attained), indices, **params)
    return guarded_div(total, count)


scatter_min_p = _scatter_primitive("scatter_min", np.minimum.at, "minimum({acc}, {0})",
                                   _jvp_scatter_extreme)
scatter_max_p = _scatter_primitive("scatter_max", np.maximum.at, "maximum({acc}, {0})",
                                   _jvp_scatter_extreme)

SCATTERS = {"set": scatter_set_p, "add": scatter_add_p, "mul": scatter_mul_p,
            "min": scatter_min_p, "max": scatter_max_p}
