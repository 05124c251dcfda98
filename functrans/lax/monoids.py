"""What combines elements: the user's function of two scalars, on whole arrays.

A function that is a single sum, product, maximum, ... is known by its trace, and becomes that
primitive; any other is vectorized over the elements.

In: functions of two values (pytrees of scalars). Out: functions of two lists of arrays of one
shape. Imports `tree`, `trace`, `api.vmap`, `lax.common`, `primitives`.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from functrans import tree
from functrans.api.calls import check_callable
from functrans.api.compare import require_same_types
from functrans.api.vmap import vmap
from functrans.errors import ShapeError, StructureError
from functrans.ir.primitive import Primitive
from functrans.ir.program import Program
from functrans.ir.type import ArrayType
from functrans.lax.common import described, strong_output, trace_function
from functrans.lax.operands import in_dtype, one
from functrans.primitives import shape as prim
from functrans.primitives.basic import broadcast
from functrans.primitives.elementwise import convert
from functrans.trace import bind


@dataclass(frozen=True, slots=True)
class Monoid:
    """Arrays to be combined. starts: their initial values, scalars of their dtypes.

    primitive: what combines one array's elements, where it is a single primitive, or None.
    """
    arrays: list
    starts: list
    structure: object
    combine: Callable
    primitive: Primitive | None


def monoid_of(operands, init_values, computation: Callable, name: str) -> Monoid:
    """The arrays, the initial values and the computation of a reduction, checked.

    Raises TypeError where their structures or dtypes differ, or the function returns other types
    than it takes; ShapeError for arrays of different shapes.
    """
    check_callable(computation, f"lax.{name}")
    leaves, structure = tree.flatten(operands)
    arrays = [one(leaf, name) for leaf in leaves]
    starts, start_structure = tree.flatten(init_values)
    if structure != start_structure or not arrays:
        raise StructureError(f"lax.{name}: the arrays and their initial values must have one "
                             f"structure, got {structure} and {start_structure}")
    if any(x.shape != arrays[0].shape for x in arrays):
        raise ShapeError(f"lax.{name} takes arrays of one shape, got "
                         + ", ".join(str(x.type) for x in arrays))
    starts = [_start(start, x, name) for start, x in zip(starts, arrays)]
    program = _traced(computation, [x.type.strong() for x in starts], structure, name)
    primitive = _single(program) if program is not None else None
    if primitive is not None:
        return Monoid(arrays, starts, structure,
                      lambda a, b: [bind(primitive, a[0], b[0])], primitive)
    return Monoid(arrays, starts, structure, _elementwise(computation, structure, name), None)


def _start(start, array, name: str):
    start = one(in_dtype(start, array, name, "the initial value"), name)
    if start.shape:
        raise ShapeError(f"lax.{name}: initial values are scalars, got {start.type}")
    return start


def _traced(computation: Callable, types: Sequence[ArrayType], structure, name: str):
    """The Program of the function, on scalars; None if it reads values from outside."""
    pair = tree.structure(tuple(tree.unflatten(structure, types) for _ in range(2)))
    traced = trace_function(computation, [*types, *types], pair, f"lax.{name}", "computation")
    program = strong_output(traced.program, types, range(len(types))) \
        if len(traced.program.outputs) == len(types) else traced.program
    require_same_types(types, structure, [kind.strong() for kind in program.output_types],
                       traced.out_tree,
                       f"lax.{name}: {described(computation)} must return what it takes",
                       "taken", "returned")
    return None if traced.captured else program


def _single(program: Program) -> Primitive | None:
    """The primitive that is all of a Program of two inputs, given both."""
    if len(program.equations) != 1 or len(program.inputs) != 2 or len(program.outputs) != 1:
        return None
    equation, = program.equations
    whole = equation.outputs == program.outputs and equation.inputs == program.inputs
    return equation.primitive if whole and not equation.params else None


def _elementwise(computation: Callable, structure, name: str) -> Callable:
    """The function on arrays, element by element."""
    lanes = vmap(computation)

    def combine(a: Sequence, b: Sequence) -> list:
        shape, kinds = a[0].shape, [x.dtype for x in a]
        flat = [tree.unflatten(structure, [prim.reshape(x, (math.prod(shape),)) for x in side])
                for side in (a, b)]
        results = tree.flatten(lanes(*flat))[0]
        return [prim.reshape(convert(x, kind), shape) for x, kind in zip(results, kinds)]
    return combine



# ---- folding along an axis, neighbours with neighbours ----

def part(arrays: Sequence, axis: int, start: int, stop: int, step: int = 1) -> list:
    """The arrays from `start` to `stop` along an axis, every `step`-th."""
    results = []
    for x in arrays:
        low, high, steps = [0] * x.ndim, list(x.shape), [1] * x.ndim
        low[axis], high[axis], steps[axis] = start, stop, step
        results.append(prim.slice_(x, low, high, steps))
    return results


def fold(combine: Callable, arrays: list, axis: int) -> list:
    """All elements along an axis combined, in their order, by a tree: the axis has size 1 then."""
    while (size := arrays[0].shape[axis]) > 1:
        even = size - size % 2
        pairs = combine(part(arrays, axis, 0, even - 1, 2), part(arrays, axis, 1, even, 2))
        if size % 2:
            last = part(arrays, axis, size - 1, size)
            pairs = [prim.concatenate([x, y], axis) for x, y in zip(pairs, last)]
        arrays = pairs
    return arrays


def spread(starts: Sequence, shape: tuple) -> list:
    """The initial values in every place of a shape."""
    return [broadcast(start, shape) for start in starts]
