"""What a single equation does at a point: its cost, its slope, and the choice at a kink.

In: an equation and the values that it read and gave. Out: numbers and texts. Nothing is known here
of single primitives: slopes are asked of their rules, and kinks are looked for by differences.

Imports `ir`, `trace`, `transforms`.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache, reduce

import numpy as np

from functrans.array import Array
from functrans.ir import primitive as kernels
from functrans.ir.library import LibraryProgram
from functrans.ir.program import Equation, Program, Var
from functrans.ir.type import is_inexact
from functrans.primitives.basic import zeros
from functrans.trace import run
from functrans.transforms.jvp import jvp_program
from functrans.transforms.linearize import linearize_program
from functrans.transforms.transpose import transpose

_PROBED = 64            # elements of an operand up to which all partial derivatives are looked at
_STEP = 1e-7            # of differences, relative

# Kernels that only move elements, or add them: their partial derivatives are 0 and 1.
_MOVES = (kernels.Broadcast, kernels.Transpose, kernels.Reshape, kernels.Slice, kernels.Pad,
          kernels.Concatenate, kernels.DynamicSlice, kernels.Gather, kernels.Barrier)


# ---- cost ----

def flops(equation: Equation) -> float:
    """Operations, roughly: an elementwise equation as many an element as its kernel says."""
    kernel = equation.kernel
    if isinstance(kernel, kernels.Elementwise):
        return kernel.cost * equation.outputs[0].type.size
    if isinstance(kernel, kernels.Contract):
        left = equation.inputs[0].type
        summed = math.prod(left.shape[k] for k in kernel.contract[0])
        return 2.0 * summed * equation.outputs[0].type.size
    if isinstance(kernel, (kernels.Reduce, kernels.ArgReduce, kernels.Cumulate)):
        return float(equation.inputs[0].type.size)
    if isinstance(kernel, (kernels.Scatter, kernels.DynamicUpdate)):
        return float(equation.inputs[-1 if isinstance(kernel, kernels.Scatter) else 1].type.size)
    if isinstance(kernel, kernels.Sort):
        size = equation.inputs[0].type.size
        return size * math.log2(max(size, 2))
    if isinstance(kernel, LibraryProgram):
        return _library_flops(equation)
    return 0.0


def _library_flops(equation: Equation) -> float:
    """About n cubed for each matrix: of the order of what LAPACK does."""
    kind = equation.inputs[0].type
    return float(kind.size * max(kind.shape[-2:], default=1))


# ---- slopes ----

def largest_slope(equation: Equation, inputs: Sequence, marks: Sequence[bool]) -> float | None:
    """The largest absolute partial derivative of an output with respect to a marked operand.

    None where it is not known, 0 where no derivative flows.
    """
    kernel, known = equation.kernel, []
    if isinstance(kernel, _MOVES):
        return 1.0 if _active(equation, marks) else 0.0
    if isinstance(kernel, kernels.Contract):
        others = {0: inputs[1], 1: inputs[0]}
        return max((_largest(others[k]) for k in _active(equation, marks)), default=0.0)
    for place in _active(equation, marks):
        if isinstance(kernel, kernels.Reduce):
            known.append(_largest(_pulled(equation, inputs, place)))
            continue
        if not isinstance(kernel, kernels.Elementwise) and np.size(inputs[place]) > _PROBED:
            return None
        known += [_largest(tangent) for tangent in _columns(equation, inputs, place)]
    return max(known, default=0.0)


def _pulled(equation: Equation, inputs: Sequence, place: int):
    """The partial derivatives of a reduction: each element is in one result."""
    split = linearize_program(_alone(equation), tuple(k == place for k in range(len(inputs))))
    known = run(split.known, [Array(np.asarray(x)) for x in inputs])
    ones = [Array(np.ones(atom.type.shape, atom.type.dtype)) for atom in equation.outputs]
    residuals = known[len(ones):]
    found = transpose(split.linear, [*residuals, None], ones)[-1]
    return 0.0 if found is None else found


def _active(equation: Equation, marks: Sequence[bool]) -> list[int]:
    """The operands that a derivative depends on."""
    return [place for place, (atom, mark) in enumerate(zip(equation.inputs, marks))
            if mark and is_inexact(atom.type.dtype)]


def _largest(x) -> float:
    size = np.abs(np.asarray(x, np.complex128 if np.iscomplexobj(x) else np.float64))
    return float("nan") if np.isnan(size).any() else float(size.max(initial=0.0))


def _columns(equation: Equation, inputs: Sequence, place: int):
    """Partial derivatives with respect to an operand: of each element at once, or one by one."""
    shape, dtype = np.shape(inputs[place]), np.asarray(inputs[place]).dtype
    if isinstance(equation.kernel, kernels.Elementwise):
        yield from slopes(equation, inputs, place, np.ones(shape, dtype))
        return
    for number in range(math.prod(shape)):
        direction = np.zeros(math.prod(shape), dtype)
        direction[number] = 1
        yield from slopes(equation, inputs, place, direction.reshape(shape))


def slopes(equation: Equation, inputs: Sequence, place: int, direction) -> list:
    """The derivatives of the outputs along a direction of one operand, by the jvp rule."""
    program, nonzero = _jvp_of(equation, place)
    arrays = [Array(np.asarray(x)) for x in (*inputs, direction)]
    tangents = iter(run(program, arrays)[len(equation.outputs):])
    return [np.asarray(next(tangents) if flag else zeros(out.type))
            for out, flag in zip(equation.outputs, nonzero) if is_inexact(out.type.dtype)]


@lru_cache(maxsize=1024)
def _jvp_of(equation: Equation, place: int) -> tuple:
    return jvp_program(_alone(equation), tuple(k == place for k in range(len(equation.inputs))))


@lru_cache(maxsize=1024)
def _alone(equation: Equation) -> Program:
    """An equation as a Program; in loops it is asked for in each step."""
    variables = tuple(Var(atom.type) for atom in equation.inputs)
    outputs = tuple(Var(atom.type) for atom in equation.outputs)
    return Program(variables, (equation.replace(inputs=variables, outputs=outputs),), outputs)


# ---- kinks ----

def conventions(equation: Equation, inputs: Sequence, outs: Sequence,
                marks: Sequence[bool]) -> dict[str, int]:
    """What was chosen where a derivative does not exist: texts, and for how many elements.

    The rules are those of docs/subgradients.md.
    """
    found: dict[str, int] = {}
    if isinstance(equation.kernel, (kernels.Elementwise, kernels.Reduce)):
        for place in _active(equation, marks):
            for text, count in _at_operand(equation, inputs, outs, place).items():
                found[text] = max(found.get(text, 0), count)     # the same place, seen from both
        _add(found, "rule 4: what is not chosen does not count", _hidden(equation, inputs, outs))
    return found


def _add(found: dict, text: str, where):
    if count := int(np.count_nonzero(where)):
        found[text] = found.get(text, 0) + count


def _hidden(equation: Equation, inputs: Sequence, outs: Sequence):
    """Elements of operands that are not finite, where the result is."""
    if not isinstance(equation.kernel, kernels.Elementwise) or not is_inexact(outs[0].dtype):
        return False
    bad = [~np.isfinite(x) for x in inputs if is_inexact(np.asarray(x).dtype)]
    return reduce(np.logical_or, bad, False) & np.isfinite(outs[0]) if len(inputs) > 2 else False


def _at_operand(equation: Equation, inputs: Sequence, outs: Sequence, place: int) -> dict:
    x = np.asarray(inputs[place])
    if x.dtype.kind != "f" or not x.size:
        return {}
    direction = _direction(equation, x)
    try:
        sides = [_sides(equation, inputs, place, direction, step) for step in (_STEP, _STEP / 8)]
    except (TypeError, ValueError):                  # it takes no float64
        return {}
    if sides[0] is None:
        return {}
    found: dict[str, int] = {}
    (left, right, jump, near), (left2, right2, jump2, _) = sides
    steps = jump2 if jump.dtype == bool else \
        (jump > 1e-6 * (1 + np.abs(outs[0]))) & (jump2 > 0.5 * jump)     # it does not vanish
    if outs[0].dtype.kind == "b":
        _add(found, "rule 3: a comparison at its threshold counts as constant", steps)
    else:
        _add(found, "rule 3: a step has the derivative 0", steps)
    if not is_inexact(outs[0].dtype):
        return found
    slope = np.asarray(slopes(equation, inputs, place, direction.astype(x.dtype))[0], np.float64)
    with np.errstate(all="ignore"):
        grows = ~(np.isfinite(left2) & np.isfinite(right2)) \
            | (np.abs(left2) > 1.5 * np.abs(left)) | (np.abs(right2) > 1.5 * np.abs(right))
        _add(found, "rule 5: an infinite slope is infinite", np.isinf(slope) & near & grows)
        scale = 1 + np.abs(left) + np.abs(right)
        kink = ~steps & np.isfinite(slope) & (np.abs(right - left) > 1e-3 * scale) \
            & (np.abs(right2 - left2) > 0.5 * np.abs(right - left))
        mean = np.abs(slope - (left + right) / 2) < 1e-3 * scale
        if isinstance(equation.kernel, kernels.Reduce):      # of several that tie
            mean |= (slope > np.minimum(left, right)) & (slope < np.maximum(left, right))
        flat = (np.abs(slope) < 1e-6) & (np.minimum(np.abs(left), np.abs(right)) < 1e-6)
    _add(found, "rule 1: sides of equal right get the mean", kink & mean)
    _add(found, "rule 2: flat on one side counts as flat", kink & ~mean & flat)
    _add(found, "the derivative of one side", kink & ~mean & ~flat)
    return found


def _direction(equation: Equation, x: np.ndarray) -> np.ndarray:
    """Ones; for a reduction, in which elements meet, different numbers of their size."""
    if isinstance(equation.kernel, kernels.Elementwise):
        return np.ones(x.shape)
    size = np.abs(x[np.isfinite(x)]).max(initial=0.0)
    return np.random.default_rng(0).uniform(0.5, 1.5, x.shape) * (size or 1.0)


def _sides(equation: Equation, inputs: Sequence, place: int, direction, step: float):
    """(slope to the left, to the right, by how much it changes there, whether a side is finite).

    None if they say nothing.
    """
    values = [np.asarray(x, np.float64) if np.asarray(x).dtype.kind == "f" else x for x in inputs]
    x = values[place]
    size = step * np.where(x == 0, 1, np.abs(x)) * direction

    def at(point):
        given = [*values[:place], point, *values[place + 1:]]
        out = equation.primitive.evaluate(*given, **equation.params)
        return np.asarray(out[0] if equation.primitive.multiple else out)

    with np.errstate(all="ignore"):
        return _differences(equation, at, x, size, direction, step)


def _differences(equation: Equation, at, x, size, direction, step: float):
    low, middle, high = at(x - size), at(x), at(x + size)
    if middle.dtype.kind in "biu":
        return low, high, low != high, True
    if middle.dtype != np.float64:
        return None
    if not isinstance(equation.kernel, kernels.Elementwise):
        size = step * np.ones(middle.shape)
        low, high = at(x - step * direction), at(x + step * direction)
    jump = np.where(np.isfinite(middle), np.abs(high - low), 0.0)
    near = np.isfinite(low) | np.isfinite(high)
    return (middle - low) / size, (high - middle) / size, jump, near
