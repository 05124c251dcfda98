"""The primitive whose rule is wrong: a traced function, looked through equation by equation.

In: a Subject of functrans whose derivative is wrong. Out: a sentence that names the primitive, its
rule and the user's line. Each equation is checked by itself, at the very values that it has in the
function; one that carries Programs is looked into. Imports `ir`, `trace`, `transforms`, `faults`.
"""
from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from functrans.array import Array, ArrayBase, as_array
from functrans.ir import primitive as kernels
from functrans.ir.program import Equation, Literal, Program, inner_programs
from functrans.ir.type import ArrayType, is_inexact
from functrans.locations import describe
from functrans.primitives.basic import instantiate
from functrans.testing.faults import find_fault
from functrans.testing.judge import Options
from functrans.testing.layout import Layout
from functrans.testing.subject import Subject
from functrans.trace import bind, evaluate, trace_at
from functrans.transforms.linearize import linearize
from functrans.transforms.transpose import transpose

DEEPEST = 8                  # how many Programs in Programs are looked into
SECONDS = 20.0               # how long is searched


def find(subject: Subject, mode: str, options: Options) -> str | None:
    """What is wrong, or None if each equation by itself is right.

    What is constant on purpose is named only if nothing else is wrong: it need not be a mistake.
    """
    end = time.monotonic() + SECONDS
    first = None
    for wider in dict.fromkeys((subject.shadowed, False)):     # or wrong in a narrow dtype alone
        for name, text in _suspicions_of(subject, wider, options, end):
            if name != "stop_gradient":
                return text
            first = first or text
    return first


def _suspicions_of(subject: Subject, wider: bool, options: Options, end: float) -> Iterator[tuple]:
    """Of the function as it is traced in float64, or at its own dtypes."""
    arrays = [as_array(array) for array in subject.arrays(subject.points, wider)]
    try:
        program, captured = trace_at(subject.call, arrays, subject.text)
        yield from suspicions(program, [*captured, *arrays], subject, options, end)
    except Exception:            # a function that cannot be traced again hides its equations
        return


def suspicions(program: Program, arguments: Sequence, subject: Subject, options: Options,
               end: float, depth: int = 0) -> Iterator[tuple[str, str]]:
    """(primitive, what is wrong) of the equations of a Program, run on arguments, whose derivative
    is wrong; of one that carries Programs those in it, if there are any."""
    for equation, inputs in steps(program, arguments):
        if time.monotonic() > end:
            return
        wrong = _wrong_rule(equation, inputs, subject, options)
        if wrong is None:
            continue
        found = False
        if depth < DEEPEST and not equation.primitive.custom:
            for part, operands in inner(equation, inputs):
                for each in suspicions(part, operands, subject, options, end, depth + 1):
                    found = True
                    yield each
        if not found:
            yield equation.primitive.name, f"{wrong}, at {describe(equation.location)}"


def steps(program: Program, arguments: Sequence) -> Iterator[tuple[Equation, list]]:
    """Each equation of a Program with the values of its inputs."""
    values = dict(zip(program.inputs, arguments, strict=True))
    for equation in program.equations:
        inputs = [as_array(atom.value) if type(atom) is Literal else values[atom]
                  for atom in equation.inputs]
        values.update(zip(equation.outputs, evaluate(equation, inputs), strict=True))
        yield equation, inputs


def inner(equation: Equation, inputs: list) -> Iterator[tuple[Program, list]]:
    """The Programs in an equation that run, with what they first run on."""
    kernel = equation.kernel
    if isinstance(kernel, kernels.Call):
        yield kernel.program, inputs
    elif isinstance(kernel, kernels.Branch):
        which = int(np.clip(int(inputs[0]), 0, len(kernel.branches) - 1))
        yield kernel.branches[which], inputs[1:]
    elif isinstance(kernel, kernels.Scan) and kernel.length:
        first = kernel.constants + kernel.carries
        row = -1 if kernel.reverse else 0
        yield kernel.body, [*inputs[:first], *(stack[row] for stack in inputs[first:])]
    elif isinstance(kernel, kernels.While):
        yield kernel.body, inputs[kernel.condition_constants:]


# ---- one equation ----

def _wrong_rule(equation: Equation, inputs: list, subject: Subject,
                options: Options) -> str | None:
    """Which rule of an equation is wrong at these values; None if none is."""
    alone = _subject_of(equation, inputs, subject)
    if alone is None:
        return None
    for mode in ("fwd", "rev"):
        if _is_wrong(alone, mode, options):
            return _named(equation, inputs, mode)
    return None


def _is_wrong(alone: Subject, mode: str, options: Options) -> bool:
    try:
        return find_fault(alone, mode, options) is not None
    except Exception:            # it has no such mode: the other one tells
        return False


def _named(equation: Equation, inputs: list, mode: str) -> str:
    primitive = equation.primitive
    if primitive.name == "stop_gradient":
        return "`stop_gradient`, which is constant on purpose"
    if primitive.custom:
        return f"the rule of {equation.params.get('name', primitive.name)} ({primitive.name})"
    if mode == "fwd":
        return f"the jvp rule of `{primitive.name}`"
    try:
        return _wrong_transpose(equation, inputs) or f"reverse mode of `{primitive.name}`"
    except Exception:            # it has no linear part, but a rule for reverse mode alone
        return f"reverse mode of `{primitive.name}`"


def _subject_of(equation: Equation, inputs: list, subject: Subject) -> Subject | None:
    """The equation as a function of those of its inputs that may have a derivative."""
    if equation.effect or not all(isinstance(value, ArrayBase) and isinstance(
            value.dtype, np.dtype) for value in inputs):
        return None
    kept = [k for k, value in enumerate(inputs) if is_inexact(value.dtype)]

    def function(*arrays):
        every = list(inputs)
        for k, array in zip(kept, arrays):
            every[k] = array
        out = bind(equation.primitive, *every, **equation.params)
        return list(out) if equation.primitive.multiple else [out]

    layout = Layout(tuple(inputs[k].shape for k in kept),
                    tuple(inputs[k].dtype.name for k in kept),
                    tuple(f"operand {k}" for k in kept))
    points = [subject.library.numpy(inputs[k]) for k in kept]
    narrow = False if inner_programs(equation) else None     # Programs have dtypes of their own
    alone = Subject(subject.library, function, points, layout, equation.primitive.name,
                    shadow=narrow)
    return alone if alone.outputs.size and kept else None


def _wrong_transpose(equation: Equation, inputs: list) -> str | None:
    """The primitive, in the linear part of an equation, whose transpose is not its adjoint."""
    program = Program(equation.inputs, (equation,), equation.outputs)
    names = dict.fromkeys(atom for atom in equation.inputs if type(atom) is not Literal)
    program = program.replace(inputs=tuple(names))
    values = dict(zip(equation.inputs, inputs))
    nonzero = [is_inexact(var.type.dtype) for var in program.inputs]
    _, linear = linearize(program, [values[var] for var in program.inputs], nonzero)
    rng = np.random.default_rng(0)
    tangents = [_drawn(rng, var.type) for var in linear.program.inputs[len(linear.residuals):]]
    depends = set(linear.program.inputs[len(linear.residuals):])
    for step, operands in steps(linear.program, [*linear.residuals, *tangents]):
        flags = [atom in depends for atom in step.inputs]
        if any(flags):
            depends.update(step.outputs)
            if not is_adjoint(rng, step, operands, flags):
                return (f"the transpose rule of `{step.primitive.name}`, which reverse mode of "
                        f"`{equation.primitive.name}` uses")
    return None


def is_adjoint(rng, step: Equation, operands: list, flags: list) -> bool:
    """The dot-product test of one linear equation; passed where numbers are not finite."""
    outs = evaluate(step, operands)
    cts = [_drawn(rng, out.type) if is_inexact(out.dtype) else None for out in outs]
    variables = [atom if type(atom) is not Literal else None for atom in step.inputs]
    order = [k for k, atom in enumerate(variables)
             if atom is not None and atom not in variables[:k]]
    program = Program([variables[k] for k in order], (step,), step.outputs)
    pulled = transpose(program, [None if flags[k] else operands[k] for k in order], cts)
    left = sum(_dot(out, ct) for out, ct in zip(outs, cts) if ct is not None)
    right = sum(_dot(instantiate(ct, operands[k].type), operands[k])
                for k, ct in zip(order, pulled) if flags[k])
    return not np.isfinite(left + right) or bool(np.isclose(left, right, rtol=1e-6, atol=1e-9))


@np.errstate(all="ignore")
def _dot(a, b) -> float:
    return float(np.sum(np.asarray(a) * np.asarray(b)).real)


def _drawn(rng, kind: ArrayType) -> Array:
    value = rng.normal(size=kind.shape)
    return Array(np.asarray(value + 1j * rng.normal(size=kind.shape) if kind.dtype.kind == "c"
                            else value).astype(kind.dtype))
