"""One rule for each kernel class: the texts of a result's elements from those of its operands.

In: an equation, and the `scalar` writer that holds names and lines. Out: for each result, a list of
texts. Imports `functrans.ir`, `expression`, `kernel_text`, `views`, `passes.fuse`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.ir import primitive as kernels
from functrans.ir.program import Equation
from lowering.expression import PRODUCT, SUM, Text, template
from lowering.kernel_text import cast, constant, from_memory, local_dtype
from lowering.passes.domains import contract_domain, contract_layout
from lowering.views import View


class TooLarge(Exception):
    """The loop does not qualify: it is run step by step."""


def _elementwise(writer, equation: Equation, kernel, scope: dict, depth: int):
    operands = [writer.value(atom, scope) for atom in equation.inputs]
    size = equation.outputs[0].type.size
    kind = equation.inputs[0].type.dtype if equation.inputs else equation.outputs[0].type.dtype
    expr = template(kernel.expr.replace("{T}", local_dtype(kind).name))
    often = [kernel.expr.count(f"{{{k}}}") for k in range(len(operands))]
    operands = [writer.named(values, depth) if count > 1 else values
                for values, count in zip(operands, often)]
    rows = []
    for k in range(size):
        filled = expr.fill([values[k if len(values) > 1 else 0] for values in operands])
        rows.append(filled)
    if kernel.outputs > 1:
        return _several(writer, rows, kernel.outputs, depth)
    dtype = equation.outputs[0].type.dtype
    return [[cast(row, dtype) for row in rows]]


def _several(writer, rows: list, outputs: int, depth: int):
    results: list = [[] for _ in range(outputs)]
    for row in rows:
        names = [writer.numbers.name("v") for _ in range(outputs)]
        writer.line(depth, f"{', '.join(names)} = {row}")
        for target, name in zip(results, names):
            target.append(Text(name))
    return results


def _moved(places: np.ndarray, values: list) -> list:
    return [values[place if len(values) > 1 else 0] for place in places.ravel().tolist()]


def _numbered(shape) -> np.ndarray:
    return np.arange(math.prod(shape)).reshape(shape)


def _broadcast(writer, equation, kernel, scope, depth):
    operand, shape = equation.inputs[0], equation.outputs[0].type.shape
    spread = [1] * len(shape)
    for size, dim in zip(operand.type.shape, kernel.dims):
        spread[dim] = size
    places = np.broadcast_to(_numbered(operand.type.shape).reshape(spread), shape)
    return [_moved(places, writer.value(operand, scope))]


def _transpose(writer, equation, kernel, scope, depth):
    places = _numbered(equation.inputs[0].type.shape).transpose(kernel.perm)
    return [_moved(places, writer.value(equation.inputs[0], scope))]


def _reshape(writer, equation, kernel, scope, depth):
    return [writer.value(equation.inputs[0], scope)]


def _slice(writer, equation, kernel, scope, depth):
    shape = equation.outputs[0].type.shape
    grid = np.indices(shape)
    index = tuple(start + step * axis for start, step, axis in
                  zip(kernel.start, kernel.step, grid))
    places = _numbered(equation.inputs[0].type.shape)[index]
    return [_moved(np.asarray(places), writer.value(equation.inputs[0], scope))]


def _pad(writer, equation, kernel, scope, depth):
    operand, out = equation.inputs[0].type, equation.outputs[0].type
    places = np.full(out.shape, -1)
    for source in np.ndindex(*operand.shape):
        target = tuple(low + k * (gap + 1) for k, low, gap in
                       zip(source, kernel.low, kernel.interior))
        if all(0 <= k < size for k, size in zip(target, out.shape)):
            places[target] = np.ravel_multi_index(source, operand.shape) if source else 0
    values = writer.value(equation.inputs[0], scope)
    outside, = writer.value(equation.inputs[1], scope)
    return [[outside if place < 0 else values[place] for place in places.ravel().tolist()]]


def _concatenate(writer, equation, kernel, scope, depth):
    parts, start = [], 0
    values: list = []
    for atom in equation.inputs:
        parts.append(start + _numbered(atom.type.shape))
        values += writer.value(atom, scope)
        start += atom.type.size
    return [[values[k] for k in np.concatenate(parts, kernel.axis).ravel().tolist()]]


def _iota(writer, equation, kernel, scope, depth):
    kind = equation.outputs[0].type
    index = np.indices(kind.shape)[kernel.axis].astype(kind.dtype)
    return [[Text(constant(value)) for value in index.ravel()]]


def _reduce(writer, equation, kernel, scope, depth):
    operand, dtype = equation.inputs[0].type, equation.outputs[0].type.dtype
    kept = [k for k in range(operand.ndim) if k not in kernel.axes]
    rows = _numbered(operand.shape).transpose(*kept, *kernel.axes).reshape(
        equation.outputs[0].type.size, -1)
    values = writer.value(equation.inputs[0], scope)
    expr = template(kernel.combine.replace("{T}", local_dtype(dtype).name))
    results = []
    for row in rows.tolist():
        total = None
        for place in row:
            total = values[place] if total is None else cast(
                expr.fill({0: values[place], "acc": total}), dtype)
            total, = writer.named([total], depth)
        results.append(total or Text(constant(kernel.init)))
    return [results]


def _cumulate(writer, equation, kernel, scope, depth):
    kind = equation.outputs[0].type
    operands = [writer.value(atom, scope) for atom in equation.inputs]
    rows = np.moveaxis(_numbered(kind.shape), kernel.axis, -1).reshape(-1, kind.shape[kernel.axis])
    expr = template(kernel.combine.replace("{T}", local_dtype(kind.dtype).name))
    results: list = [None] * kind.size
    for row in rows.tolist():
        state = Text(constant(kernel.init))
        for place in (row[::-1] if kernel.reverse else row):
            filled = {k: values[place] for k, values in enumerate(operands)}
            state = cast(expr.fill({**filled, "acc": state}), kind.dtype)
            state, = writer.named([state], depth)
            results[place] = state
    return [results]


def _contract(writer, equation, kernel, scope, depth):
    left, right = contract_layout(equation, kernel)
    domain = contract_domain(equation, kernel)
    count = len(kernel.contract[0])
    outer, inner = domain[:len(domain) - count], domain[len(domain) - count:]
    a, b = (writer.value(atom, scope) for atom in equation.inputs)
    numbers = [_numbered(atom.type.shape) for atom in equation.inputs]
    results = []
    for point in np.ndindex(*outer):
        terms = []
        for summed in np.ndindex(*inner):
            place = (*point, *summed)
            x = a[numbers[0][tuple(place[k] for k in left)]]
            y = b[numbers[1][tuple(place[k] for k in right)]]
            terms.append(template("({0} * {1})").fill([x, y]))
        results.append(_sum(writer, terms, equation.outputs[0].type.dtype, depth))
    return [results]


def _sum(writer, terms: list, dtype, depth: int) -> Text:
    if not terms:
        return Text(constant(dtype.type(0)))
    total = cast(terms[0], dtype)
    for term in terms[1:]:
        total, = writer.named([cast(
            template("({0} + {1})").fill([total, term]), dtype)], depth)
    return writer.named([total], depth)[0]


def _dynamic_slice(writer, equation, kernel, scope, depth):
    operand, *starts = equation.inputs
    shape, sizes = operand.type.shape, kernel.sizes
    bounds = []
    for start, whole, size in zip(starts, shape, sizes):
        text, = writer.value(start, scope)
        last = writer.numbers.integer("d", whole - size)
        bounds.append(writer.named([Text(f"minimum(maximum(int64({text}), int64(0)), {last})")],
                                   depth)[0])
    return [_at(writer, scope, operand, [
        [Text(f"{bound} + {k}") if k else bound for bound, k in zip(bounds, place)]
        for place in np.ndindex(*sizes)], depth)]


def _gather(writer, equation, kernel, scope, depth):
    operand, *indices = equation.inputs
    lead = kernel.batch_dims
    index_shape = indices[0].type.shape
    window = operand.type.shape[lead + len(indices):]
    numbers = _numbered(index_shape)
    texts = [writer.named([Text(f"int64({value})") for value in writer.value(atom, scope)], depth)
             for atom in indices]
    if kernel.mode == "clip":
        limits = [writer.numbers.integer("d", operand.type.shape[lead + k] - 1)
                  for k in range(len(indices))]
        texts = [writer.named([Text(f"minimum(maximum({value}, int64(0)), {limit})")
                               for value in values], depth)
                 for values, limit in zip(texts, limits)]
    elif kernel.mode == "drop":
        raise TooLarge
    places = []
    for point in np.ndindex(*index_shape):
        chosen = [values[numbers[point]] for values in texts]
        for rest in np.ndindex(*window):
            places.append([*map(_whole, point[:lead]), *chosen, *map(_whole, rest)])
    return [_at(writer, scope, operand, places, depth)]


def _whole(value: int) -> Text:
    return Text(str(value))


def _at(writer, scope: dict, operand, places: list, depth: int) -> list:
    """Elements of an array in memory, at indices known at run time."""
    view = scope.get(operand)
    if not isinstance(view, View):
        raise TooLarge                        # indices into variables
    name = writer.pointer(view)
    results = []
    for place in places:
        terms = []
        for index, stride in zip(place, view.strides):
            if index.text != "0":
                terms.append(index.within(SUM) if stride == 1 else
                             f"{index.within(PRODUCT)} * {writer.numbers.integer('d', stride)}")
        results.append(from_memory(f"{name}[{' + '.join(terms) or '0'}]", view.dtype))
    return writer.named(results, depth)


RULES = {
    kernels.Elementwise: _elementwise, kernels.Broadcast: _broadcast,
    kernels.Transpose: _transpose, kernels.Reshape: _reshape, kernels.Slice: _slice,
    kernels.Pad: _pad, kernels.Concatenate: _concatenate, kernels.Iota: _iota,
    kernels.Reduce: _reduce, kernels.Cumulate: _cumulate, kernels.Contract: _contract,
    kernels.DynamicSlice: _dynamic_slice, kernels.Gather: _gather,
}
