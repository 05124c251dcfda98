"""Functions with a derivative of their own for reverse mode.

    custom_vjp:   (what is closed over.., arguments..) -> results
    custom_pull:  (what is closed over.., residuals.., tangents..) -> tangents of the results

Reverse mode runs the first rule, from arguments to results and residuals, and leaves an equation
that stands for the linear part. It cannot be run; its transpose is the second rule, from residuals
and cotangents of the results to those of the arguments. Imports `ir`, `trace`, `transforms`,
`custom_rules`.
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
from functrans.errors import CustomRuleError
from functrans.ir.primitive import Call, Primitive
from functrans.ir.program import Program
from functrans.ir.type import tangent_type
from functrans.primitives.basic import instantiate, reduce_sum, type_of_value
from functrans.trace import bind
from functrans.transforms.vmap import (
    batch_everywhere,
    batch_program,
    mapped_axis,
)


@dataclass(frozen=True, slots=True, eq=False)
class VjpRule:
    """The rules of a function. forward(values) -> (results, residuals, pull): lists, and
    pull(residuals, cotangents) -> cotangents of the values, None for zeros.
    """
    forward: Callable
    closure: Closure

    def __call__(self, around: Sequence, values: Sequence) -> tuple:
        with self.closure.opened(around):
            outs, residuals, pull = self.forward(values)
        return outs, residuals, Pull(pull, self.closure)


@dataclass(frozen=True, slots=True, eq=False)
class Pull:
    """The second of the user's functions, with what it closes over."""
    function: Callable
    closure: Closure

    def __call__(self, around: Sequence, residuals: Sequence, cotangents: Sequence) -> list:
        with self.closure.opened(around):
            return self.function(residuals, cotangents)


class MappedVjpRule:
    """The rules for all lanes of a mapped axis; all results and residuals have the axis."""

    def __init__(self, rule, size: int, around: Sequence[bool], values: Sequence[bool]):
        self.rule = rule
        self.size = size
        self.around = tuple(around)
        self.values = tuple(values)
        self.axis_name = mapped_axis()

    def __call__(self, around: Sequence, values: Sequence) -> tuple:
        found: list = []

        def lane(*lanes):
            outs, residuals, pull = self.rule(lanes[:len(around)], lanes[len(around):])
            found[:] = [len(outs), pull]
            return [*outs, *residuals]

        results = self._mapped(lane, [*around, *values], [*self.around, *self.values])
        count, pull = found
        return results[:count], results[count:], MappedPull(self, pull)

    def _mapped(self, lane: Callable, values: Sequence, flags: Sequence[bool]) -> list:
        return batch_everywhere(lane, self.size, values, flags, self.axis_name)


@dataclass(frozen=True, slots=True, eq=False)
class MappedPull:
    """The pull for all lanes: the cotangent of a value that lanes share is summed over them."""
    rule: MappedVjpRule
    pull: Callable

    def __call__(self, around: Sequence, residuals: Sequence, cotangents: Sequence) -> list:
        given = [k for k, ct in enumerate(cotangents) if ct is not None]
        first, second = len(around), len(around) + len(residuals)
        nonzero: list = []

        def lane(*lanes):
            own = dict(zip(given, lanes[second:]))
            results = self.pull(lanes[:first], lanes[first:second],
                                [own.get(k) for k in range(len(cotangents))])
            nonzero[:] = [ct is not None for ct in results]
            return [ct for ct in results if ct is not None]

        values = [*residuals, *(cotangents[k] for k in given)]
        results = iter(self.rule._mapped(lane, [*around, *values],
                                         [*self.rule.around, *[True] * len(values)]))
        whole = [next(results) if flag else None for flag in nonzero]
        return [ct if ct is None or flag else reduce_sum(ct, (0,))
                for ct, flag in zip(whole, self.rule.values, strict=True)]


# ---- the call ----

def bind_custom_vjp(program: Program, operands: Sequence, rule, around: int, closed_over: int,
                    name: str) -> list:
    """Applies the primitive; see `bind_custom_jvp`."""
    return bind(custom_vjp_p, *operands, program=program, rule=rule, around=around,
                closed_over=closed_over, name=name)


def _forward_mode(name: str) -> CustomRuleError:
    return CustomRuleError(
        f"forward mode (jvp, jacfwd, linearize, hessian) was asked of {name}, which is a "
        "custom_vjp function: its rules are for reverse mode only. Use reverse mode (grad, vjp, "
        f"jacrev), or give {name} a rule that serves both, with custom_jvp")


def _jvp(primals, tangents, params):
    raise _forward_mode(params["name"])


def _linearize(primals, tangents, params):
    count, fixed = params["around"], params["closed_over"]
    refuse_closed_over(tangents[:fixed], map(type_of_value, primals), "custom_vjp",
                       params["name"])
    around, given = primals[:count], tangents[fixed:]
    outs, residuals, pull = params["rule"](around, [as_array(x) for x in primals[fixed:]])
    kinds = tuple(tangent_type(type_of_value(out)) for out in outs)
    results = iter(bind(
        custom_pull_p, *around, *residuals, *(dt for dt in given if dt is not None), pull=pull,
        around=count, residuals=len(residuals), nonzero=tuple(dt is not None for dt in given),
        kinds=kinds, name=params["name"]))
    return outs, [None if kind is None else next(results) for kind in kinds]


def _batch(size, args, batched, params):
    program, flags = batch_program(params["program"], size, tuple(batched),
                                   (True,) * len(params["program"].outputs))
    rule = MappedVjpRule(params["rule"], size, batched[:params["around"]],
                         batched[params["closed_over"]:])
    return bind(custom_vjp_p, *args, **{**params, "program": program, "rule": rule}), flags


custom_vjp_p = Primitive(
    name="custom_vjp", infer=lambda *types, program, **params: program.output_types,
    evaluate=evaluate_program, jvp=_jvp, linearize=_linearize, transpose=transpose_program_at,
    batch=_batch, multiple=True, inherits_weak=False, custom=True,
    kernel=lambda types, params: Call(params["program"]), show=lambda params: "")


# ---- its linear part ----

def _refuse(*arguments, name, **params):
    raise _forward_mode(name)


def _pull_back(cotangents, inputs, params):
    count, first = params["around"], params["around"] + params["residuals"]
    rest = iter(cotangents)
    whole = [None if kind is None else instantiate(next(rest), kind) for kind in params["kinds"]]
    results = params["pull"](inputs[:count], [as_array(x) for x in inputs[count:first]], whole)
    chosen = [ct for ct, flag in zip(results, params["nonzero"], strict=True) if flag]
    return [None] * first + chosen


custom_pull_p = Primitive(
    name="custom_pull",
    infer=lambda *types, kinds, **params: tuple(kind for kind in kinds if kind is not None),
    evaluate=_refuse, jvp=lambda out, primals, tangents, params: _refuse(**params),
    linearize=lambda primals, tangents, params: _refuse(**params), transpose=_pull_back,
    batch=lambda size, args, batched, params: _refuse(**params), multiple=True,
    inherits_weak=False, show=lambda params: "")
