"""Linearization: forward mode whose linear part is recorded instead of run.

In: a Program and values. Out: values, and a linear Program from tangents to tangents, whose
first inputs are the residuals: the values that it needs from the point of linearization.
Reverse mode is this, transposed. Imports `ir`, `trace`, `transforms`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from functrans.ir.primitive import Primitive
from functrans.ir.program import Program
from functrans.ir.rewrite import dead_code
from functrans.ir.type import tangent_type
from functrans.primitives.basic import instantiate, type_of_value
from functrans.trace import Trace, Tracer, trace_closed, using
from functrans.transforms.jvp import walk
from functrans.transforms.walk import cached_by_program


class LinearTrace(Trace):
    """Records only what depends on its own tracers; all else runs in the parent."""

    @property
    def gives_values(self) -> bool:
        return self.parent.gives_values

    def bind(self, primitive: Primitive, args: Sequence, params: dict):
        for arg in args:
            if type(arg) is Tracer and arg.trace is self:
                return super().bind(primitive, args, params)
        parent = self.parent
        if type(parent) is Trace:               # it only writes down: who is current is no matter
            return parent.bind(primitive, args, params)
        with using(parent):
            return parent.bind(primitive, args, params)


@dataclass(frozen=True, slots=True)
class Linearized:
    """The linear part of a function at a point.

    program: inputs are the residuals, then one tangent for each nonzero input.
    nonzero_out: for each output, whether it has a tangent; program's outputs are those.
    """
    program: Program
    residuals: tuple
    nonzero_out: tuple


def record_linear(function: Callable, types: Sequence, name: str) -> tuple:
    """Runs `function(*linear tracers) -> (outs, tangents)`; returns (outs, Linearized)."""
    tape = LinearTrace(name)
    try:
        with using(tape):
            outs, tangents = function(*(tape.new_input(kind) for kind in types))
        program, residuals = tape.finish([dt for dt in tangents if dt is not None])
    finally:
        tape.closed = True
    nonzero_out = tuple(tangent is not None for tangent in tangents)
    return outs, _without_unused(Linearized(program, tuple(residuals), nonzero_out))


def _without_unused(linear: Linearized) -> Linearized:
    """Drops equations that no output needs, and residuals that nobody reads then."""
    program = dead_code(linear.program)
    read = {atom for equation in program.equations for atom in equation.inputs}
    read.update(program.outputs)
    count = len(linear.residuals)
    kept = [var in read for var in program.inputs[:count]]
    inputs = [var for var, keep in zip(program.inputs, kept) if keep]
    names = (None,) * len(inputs) + (None,) * (len(program.inputs) - count)
    return Linearized(
        program.replace(inputs=(*inputs, *program.inputs[count:]), names=names),
        tuple(value for value, keep in zip(linear.residuals, kept) if keep),
        linear.nonzero_out)


def linearize(program: Program, primals: Sequence, nonzero: Sequence[bool],
              known: dict | None = None, force: tuple | None = None) -> tuple[list, Linearized]:
    """The outputs of `program` at `primals`, and its linear part along the `nonzero` inputs."""
    kinds = [tangent_type(kind) for kind, flag in zip(program.input_types, nonzero) if flag]

    def run(*tracers):
        rest = iter(tracers)
        tangents = [next(rest) if flag else None for flag in nonzero]
        outs, tangent_outs = walk(program, primals, tangents, known, "linearize")
        if force is not None:
            tangent_outs = [instantiate(dt, type_of_value(out)) if flag else dt
                            for dt, out, flag in zip(tangent_outs, outs, force)]
        return outs, tangent_outs

    return record_linear(run, kinds, f"linear part of {program.name}")


@dataclass(frozen=True, slots=True)
class Split:
    """A Program, split: `known` computes outputs and residuals, `linear` the tangents.

    known: inputs to (outputs, residuals); linear: (residuals, tangents) to tangents.
    """
    known: Program
    linear: Program
    residuals: int
    nonzero_out: tuple


@cached_by_program
def linearize_program(program: Program, nonzero: tuple, force: tuple | None = None) -> Split:
    """Splits `program` into what depends on tangents of the `nonzero` inputs and what not.

    force: which outputs get a tangent even if it is zero.
    """
    found: list = []

    def run(*primals):
        outs, linear = linearize(program, primals, nonzero, force=force)
        found.append(linear)
        return [*outs, *linear.residuals]

    known = trace_closed(run, program.input_types, program.name)
    linear = found[0]
    return Split(known, linear.program, len(linear.residuals), linear.nonzero_out)
