"""Functions with a rule of their own for vectorization.

    operands (what is closed over.., arguments..) -> results

Under forward mode the function stays one with a rule: the rule's derivative. Reverse mode takes
its Program apart, so its derivative is vectorized as any other. Imports `ir`, `trace`,
`transforms`, `custom_rules`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from functrans.control.closures import Closure
from functrans.control.custom_rules import as_array, evaluate_program, transpose_program_at
from functrans.errors import CustomRuleError
from functrans.ir.primitive import Call, Primitive
from functrans.ir.program import Program
from functrans.primitives.basic import instantiate, type_of_value, with_batch_axis
from functrans.trace import bind, trace_at
from functrans.transforms.jvp import jvp, jvp_program, walk


@dataclass(frozen=True, slots=True, eq=False)
class VmapRule:
    """function(size, batched, values) -> (results, batched): for the arguments alone."""
    function: Callable
    closure: Closure

    def __call__(self, size: int, around: Sequence, batched: Sequence[bool],
                 values: Sequence) -> tuple:
        with self.closure.opened(around):
            return self.function(size, batched, values)


@dataclass(frozen=True, slots=True, eq=False)
class JvpOfVmapRule:
    """The rule of a function's jvp: values, then tangents of the `nonzero` ones, to results and
    tangents of the `nonzero_out` ones."""
    rule: Callable
    nonzero: tuple
    nonzero_out: tuple

    def __call__(self, size: int, around: Sequence, batched: Sequence[bool],
                 values: Sequence) -> tuple:
        count = len(self.nonzero)
        rest = iter(zip(values[count:], batched[count:]))
        tangents = [next(rest) if flag else (None, False) for flag in self.nonzero]
        flags = [own or other for own, (_, other) in zip(batched, tangents)]
        primals = [with_batch_axis(size, x, own) if flag else x
                   for x, own, flag in zip(values, batched, flags)]
        dts = [dt if dt is None or not flag else with_batch_axis(size, dt, own)
               for (dt, own), flag in zip(tangents, flags)]
        return self._derivative(size, around, flags, primals, dts)

    def _derivative(self, size, around, flags, primals, dts) -> tuple:
        out_flags: list = []

        def function(*every):
            outs, out_flags[:] = self.rule(size, every[:len(around)], flags, every[len(around):])
            return outs

        program, captured = trace_at(function, [*around, *primals])
        outs, tangents = jvp(program, [*captured, *around, *primals],
                             [None] * (len(captured) + len(around)) + dts)
        wanted = [instantiate(dt, type_of_value(out).strong())
                  for out, dt, flag in zip(outs, tangents, self.nonzero_out) if flag]
        return [*outs, *wanted], [*out_flags, *(own for own, flag in
                                                zip(out_flags, self.nonzero_out) if flag)]


def bind_custom_vmap(program: Program, operands: Sequence, rule, around: int, closed_over: int,
                     name: str) -> list:
    """Applies the primitive; see `bind_custom_jvp`."""
    return bind(custom_vmap_p, *operands, program=program, rule=rule, around=around,
                closed_over=closed_over, name=name)


def _batch(size, args, batched, params):
    count, fixed = params["around"], params["closed_over"]
    if any(batched[:fixed]):
        raise CustomRuleError(
            f"custom_vmap {params['name']} closes over a value that is mapped over, of which its "
            f"rule cannot know. Pass the value to {params['name']} as an argument")
    return params["rule"](size, args[:count], list(batched[fixed:]),
                          [as_array(x) for x in args[fixed:]])


def _jvp(primals, tangents, params):
    fixed = params["closed_over"]
    nonzero = tuple(dt is not None for dt in tangents)
    if any(nonzero[:fixed]):
        return walk(params["program"], primals, tangents, None, "jvp")
    program, nonzero_out = jvp_program(params["program"], nonzero)
    rule = JvpOfVmapRule(params["rule"], nonzero[fixed:], nonzero_out)
    results = bind(custom_vmap_p, *primals, *(dt for dt in tangents if dt is not None),
                   **{**params, "program": program, "rule": rule})
    rest = iter(results[len(nonzero_out):])
    return results[:len(nonzero_out)], [next(rest) if flag else None for flag in nonzero_out]


def _linearize(primals, tangents, params):
    return walk(params["program"], primals, tangents, None, "linearize")


custom_vmap_p = Primitive(
    name="custom_vmap", infer=lambda *types, program, **params: program.output_types,
    evaluate=evaluate_program, jvp=_jvp, linearize=_linearize, transpose=transpose_program_at,
    batch=_batch, multiple=True, inherits_weak=False,
    kernel=lambda types, params: Call(params["program"]), show=lambda params: "")
