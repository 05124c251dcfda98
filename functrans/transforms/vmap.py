"""Vectorization: a walk that evaluates a Program for all lanes of a mapped axis at once.

In: a Program for one lane, values of its inputs, which of them have the mapped axis (in
front). Out: values of its outputs, and which of them have it. A mapped axis may have a name, by
which primitives compute across lanes. Imports `ir`, `trace`, `transforms.walk`.
"""
from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextvars import ContextVar

from functrans.ir.program import Equation, Literal, Program
from functrans.locations import located
from functrans.primitives.basic import broadcast, type_of_value
from functrans.trace import Trace, evaluate, trace_closed, using
from functrans.transforms.walk import cached_by_program, rule_of

_mapped_axis: ContextVar[Hashable] = ContextVar("functrans_mapped_axis", default=None)

# The name of the axis that the walk in hand maps over; None if it has none.
mapped_axis: Callable = _mapped_axis.get


def batch(program: Program, size: int, arguments: Sequence, batched: Sequence[bool],
          known: dict | None = None, axis_name: Hashable = None) -> tuple[list, list]:
    """Evaluates `program` over `size` lanes."""
    token = _mapped_axis.set(axis_name)
    try:
        return _walk(program, size, arguments, batched, known)
    finally:
        _mapped_axis.reset(token)


def _walk(program: Program, size: int, arguments: Sequence, batched: Sequence[bool],
          known: dict | None) -> tuple[list, list]:
    values = dict(known or {})
    values.update(zip(program.inputs, arguments, strict=True))
    mapped = {var for var, flag in zip(program.inputs, batched, strict=True) if flag}

    def read(atom):
        return atom.value if type(atom) is Literal else values[atom]

    for equation in program.equations:
        if equation.outputs and equation.outputs[0] in values and not equation.effect:
            continue
        flags = [atom in mapped for atom in equation.inputs]
        inputs = [read(atom) for atom in equation.inputs]
        with located(equation.location):
            outs, out_flags = _apply(equation, size, inputs, flags)
        values.update(zip(equation.outputs, outs, strict=True))
        mapped.update(var for var, flag in zip(equation.outputs, out_flags) if flag)
    return ([read(atom) for atom in program.outputs],
            [atom in mapped for atom in program.outputs])


def _apply(equation: Equation, size: int, inputs: list, flags: list):
    if not any(flags) and not computes_across(equation):
        return evaluate(equation, inputs), [False] * len(equation.outputs)
    outs, out_flags = rule_of(equation, "batch")(size, inputs, flags, equation.params)
    if equation.primitive.multiple:
        return outs, out_flags
    return (outs,), (out_flags,)


def computes_across(part: Equation | Program) -> bool:
    """Whether an equation or Program computes across the lanes of the axis mapped over."""
    name = mapped_axis()
    return name is not None and name in part.axis_names


def batch_program(program: Program, size: int, batched: tuple,
                  force: tuple | None = None) -> tuple[Program, tuple]:
    """The Program for all lanes at once; and which of its outputs have the mapped axis.

    force: which outputs must have it (None: those that depend on a mapped input).
    """
    name = mapped_axis() if computes_across(program) else None
    return _batch_program(program, size, batched, force, name)


@cached_by_program
def _batch_program(program: Program, size: int, batched: tuple, force: tuple | None,
                   axis_name: Hashable) -> tuple[Program, tuple]:
    types = [kind.with_shape((size, *kind.shape)) if flag else kind
             for kind, flag in zip(program.input_types, batched)]
    flags: list = []

    def run(*arguments):
        outs, out_flags = batch(program, size, arguments, batched, axis_name=axis_name)
        wanted = force or (False,) * len(outs)
        flags[:] = [flag or want for flag, want in zip(out_flags, wanted)]
        return [mapped_everywhere(size, out, flag) if want else out
                for out, flag, want in zip(outs, out_flags, wanted)]

    result = trace_closed(run, types, f"vmap of {program.name}")
    return result, tuple(flags)


def batch_function(function: Callable, size: int, inputs: Sequence, batched: Sequence[bool],
                   axis_name: Hashable = None, name: str = "vmap",
                   names: Sequence[str] | None = None) -> tuple[list, list]:
    """Traces `function(*lanes) -> values` for one lane, and evaluates it for all."""
    tape = Trace(name, valued=True, preview=True, axis_name=axis_name)
    labels = names or [""] * len(inputs)
    try:
        with using(tape):
            lanes = [tape.new_input(_lane_type(value, flag), label, None if flag else value)
                     for value, flag, label in zip(inputs, batched, labels, strict=True)]
            program, captured = tape.finish(function(*lanes))
        return batch(program, size, [*captured, *inputs], [False] * len(captured) + [*batched],
                     tape.values, axis_name)
    finally:
        tape.closed = True


def batch_everywhere(function: Callable, size: int, inputs: Sequence, batched: Sequence[bool],
                     axis_name: Hashable = None, name: str = "vmap") -> list:
    """As `batch_function`, but all results have the mapped axis."""
    outs, flags = batch_function(function, size, inputs, batched, axis_name, name)
    return [mapped_everywhere(size, out, flag) for out, flag in zip(outs, flags)]


def _lane_type(value, batched: bool):
    kind = type_of_value(value)
    return kind.with_shape(kind.shape[1:]) if batched else kind


def mapped_everywhere(size: int, out, batched: bool):
    """`out` with the mapped axis in front, literals included."""
    return out if batched else broadcast(out, (size, *out.shape), range(1, out.ndim + 1))
