"""Functions with a derivative of their own for forward mode; reverse mode is its transpose.

    operands (what is closed over.., arguments..) -> results

The rule is the user's function, from values and tangents to those of the results, and is called
when the function is differentiated. Imports `ir`, `trace`, `transforms`, `custom_rules`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from functrans.control.closures import Closure
from functrans.control.custom_rules import (
    as_array,
    evaluate_program,
    refuse_closed_over,
    transpose_program_at,
)
from functrans.ir.primitive import Call, Primitive
from functrans.ir.program import Program
from functrans.primitives.basic import type_of_value
from functrans.trace import bind
from functrans.transforms.vmap import (
    batch_everywhere,
    batch_program,
    mapped_axis,
)


@dataclass(frozen=True, slots=True, eq=False)
class JvpRule:
    """function(values, tangents) -> (results, tangents): lists; None is a tangent that is zero."""
    function: Callable
    closure: Closure

    def __call__(self, around: Sequence, values: Sequence, tangents: Sequence) -> tuple:
        with self.closure.opened(around):
            return self.function(values, tangents)


class MappedJvpRule:
    """A rule for all lanes of a mapped axis; all its results have the axis."""

    def __init__(self, rule, size: int, around: Sequence[bool], values: Sequence[bool]):
        self.rule = rule
        self.size = size
        self.around = tuple(around)
        self.values = tuple(values)
        self.axis_name = mapped_axis()

    def __call__(self, around: Sequence, values: Sequence, tangents: Sequence) -> tuple:
        given = [k for k, tangent in enumerate(tangents) if tangent is not None]
        first, second = len(around), len(around) + len(values)
        nonzero: list = []

        def lane(*lanes):
            own = dict(zip(given, lanes[second:]))
            outs, dts = self.rule(lanes[:first], lanes[first:second],
                                  [own.get(k) for k in range(len(values))])
            nonzero[:] = [dt is not None for dt in dts]
            return [*outs, *(dt for dt in dts if dt is not None)]

        flags = [*self.around, *self.values, *(self.values[k] for k in given)]
        results = batch_everywhere(
            lane, self.size, [*around, *values, *(tangents[k] for k in given)], flags,
            self.axis_name)
        rest = iter(results[len(nonzero):])
        return results[:len(nonzero)], [next(rest) if flag else None for flag in nonzero]


def bind_custom_jvp(program: Program, operands: Sequence, rule, around: int, closed_over: int,
                    name: str) -> list:
    """Applies the primitive.

    around: how many operands, the first ones, the rule takes apart; closed_over: how many must
    not be differentiated.
    """
    return bind(custom_jvp_p, *operands, program=program, rule=rule, around=around,
                closed_over=closed_over, name=name)


def _infer(*types, program, **params):
    return program.output_types


def _jvp(primals, tangents, params):
    count, fixed = params["around"], params["closed_over"]
    refuse_closed_over(tangents[:fixed], map(type_of_value, primals), "custom_jvp",
                       params["name"])
    first = max(count, fixed)
    values = [as_array(value) for value in primals[first:]]
    return params["rule"](primals[:count], values, tangents[first:])


def _batch(size, args, batched, params):
    program, flags = batch_program(params["program"], size, tuple(batched),
                                   (True,) * len(params["program"].outputs))
    count, fixed = params["around"], params["closed_over"]
    rule = MappedJvpRule(params["rule"], size, batched[:count], batched[max(count, fixed):])
    return bind(custom_jvp_p, *args, **{**params, "program": program, "rule": rule}), flags


custom_jvp_p = Primitive(
    name="custom_jvp", infer=_infer, evaluate=evaluate_program, jvp=_jvp, linearize=_jvp,
    transpose=transpose_program_at, batch=_batch, multiple=True, inherits_weak=False,
    custom=True, kernel=lambda types, params: Call(params["program"]),
    show=lambda params: "")
