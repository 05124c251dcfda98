"""Recomputation: a call of which reverse mode keeps the inputs, and computes the rest again.

    checkpoint:  operands -> results, by a Program and a policy
    barrier:     the operands as they are, but not before all of them are known

The linear part of a checkpointed Program is a Program of residuals and tangents that first computes
again what it needs. The policy says which values are residuals although they could be computed
again. A barrier in front of the transposed one ties the residuals to the cotangents: what is
computed from them is no equal of what went forward, and waits for the backward pass.

Effects happen once: what has one is not run again; its results are residuals.

In: Programs. Out: equations. Imports `ir`, `trace`, `primitives`, `transforms`, `jit`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from functrans.control.custom_rules import evaluate_program
from functrans.ir.effects import without_effect
from functrans.ir.primitive import Barrier, Call, Elementwise, Primitive, Scan
from functrans.ir.program import Equation, Program, Var
from functrans.ir.rewrite import dead_code, inline, substitute
from functrans.jit import jit_p
from functrans.primitives.basic import is_linear
from functrans.trace import bind
from functrans.transforms.jvp import jvp_program
from functrans.transforms.linearize import linearize_program
from functrans.transforms.transpose import transpose_program
from functrans.transforms.vmap import batch_program
from functrans.transforms.walk import cached_by_program

# ---- barrier ----


def _transpose_barrier(cotangents, inputs, params):
    kept = [k for k, ct in enumerate(cotangents) if ct is not None and is_linear(inputs[k])]
    behind = dict(zip(kept, barrier([cotangents[k] for k in kept])))
    return [behind.get(k) for k in range(len(inputs))]


def _jvp_barrier(out, primals, tangents, params):
    kept = [k for k, dt in enumerate(tangents) if dt is not None]
    behind = dict(zip(kept, barrier([tangents[k] for k in kept])))
    return tuple(behind.get(k) for k in range(len(primals)))


barrier_p = Primitive(
    name="barrier", infer=lambda *types: types, evaluate=lambda *arrays: arrays,
    jvp=_jvp_barrier, transpose=_transpose_barrier,
    batch=lambda size, args, batched, params: (barrier(args), batched),
    kernel=lambda types, params: Barrier(), multiple=True, inherits_weak=False,
    subexpressions=False)


def barrier(values: Sequence) -> Sequence:
    """The values, each to be read only when all of them are known."""
    return bind(barrier_p, *values) if values else ()


# ---- names ----

name_p = Primitive(
    name="checkpoint_name", infer=lambda operand, *, name: operand, evaluate=lambda x, *, name: x,
    jvp=lambda out, primals, tangents, params: tangents[0],
    transpose=lambda ct, inputs, params: (ct,),
    batch=lambda size, args, batched, params: (bind(name_p, *args, **params), True),
    kernel=lambda types, params: Elementwise("{0}", 0))


# ---- what is saved ----

@dataclass(frozen=True, slots=True)
class Recomputed:
    """A Program split for recomputation.

    known: inputs to (outputs, saved values); linear: (inputs.., saved values.., tangents..) to
    tangents, of the inputs and saved values that `read` marks.
    """
    known: Program
    linear: Program
    read: tuple
    nonzero_out: tuple


@cached_by_program
def split_for_recomputation(program: Program, nonzero: tuple, policy: Callable) -> Recomputed:
    """Splits a Program such that its linear part computes again what the policy does not save."""
    split = linearize_program(program, nonzero)
    count = len(split.nonzero_out)
    forward = _Forward(split.known, policy)
    again = forward.again(forward.outputs[count:])
    used = {atom for equation in again.equations for atom in equation.inputs}
    used.update(again.outputs)
    read = [var in used for var in again.inputs]
    first = len(split.known.inputs)
    kept = [var for var, flag in zip(forward.saved, read[first:]) if flag]
    mapping = dict(zip(split.linear.inputs, again.outputs))
    linear = split.linear.replace(
        inputs=[*(var for var, flag in zip(again.inputs, read) if flag),
                *split.linear.inputs[len(again.outputs):]],
        equations=[*again.equations, *(
            equation.replace(inputs=substitute(equation.inputs, mapping))
            for equation in split.linear.equations)],
        outputs=substitute(split.linear.outputs, mapping), names=None)
    known = split.known.replace(equations=forward.equations,
                                outputs=(*forward.outputs[:count], *kept))
    return Recomputed(dead_code(known), linear, (*read[:first], *[True] * len(kept)),
                      split.nonzero_out)


class _Forward:
    """The forward part, and which of its variables are saved."""

    def __init__(self, known: Program, policy: Callable):
        known = inline(known, lambda equation: equation.params["program"]
                       if equation.primitive is jit_p else None)
        self.inputs, self.outputs = known.inputs, known.outputs
        self.policy = policy
        self.equations: list[Equation] = []
        self.repeated: list = []         # what to run in place of each; None if it is saved
        saved: dict = {}
        for equation in known.equations:
            own = _saved_by(equation, policy)
            again = without_effect(equation)
            if not own and isinstance(equation.kernel, Scan):
                equation, again, own = _saving_rows(equation, policy)
            self.equations.append(equation)
            self.repeated.append(again)
            saved.update(dict.fromkeys(var for var in own if var not in known.inputs))
        self.saved = list(saved)

    def again(self, residuals: Sequence) -> Program:
        """The Program of residuals, from new variables for (inputs.., saved values..)."""
        fresh = {var: Var(var.type) for var in (*self.inputs, *self.saved)}
        inputs = list(fresh.values())
        equations = []
        for equation in self.repeated:
            if equation is None or all(var in fresh for var in equation.outputs):
                continue
            outputs = tuple(Var(var.type) for var in equation.outputs)
            equations.append(equation.replace(inputs=substitute(equation.inputs, fresh),
                                              outputs=outputs))
            for old, new in zip(equation.outputs, outputs):
                fresh.setdefault(old, new)
        return dead_code(Program(inputs, equations, substitute(residuals, fresh)))


def _saved_by(equation: Equation, policy: Callable) -> list[Var]:
    """The variables that are kept for an equation: its results, if it cannot be run again or the
    policy says so. A name is the value that it names, so that is kept.
    """
    if without_effect(equation) is None:
        return list(equation.outputs)
    types = [atom.type for atom in equation.inputs]
    if policy(equation.primitive, *types, **equation.params):
        named = equation.inputs if equation.primitive is name_p else equation.outputs
        return [atom for atom in named if type(atom) is Var]
    return []


def _saving_rows(equation: Equation, policy: Callable) -> tuple:
    """A scan that also stacks what the policy saves in each step: (the scan with these rows, the
    scan that reads them instead of computing them, the variables of the rows)."""
    again = without_effect(equation)
    body, kernel = equation.params["body"], equation.kernel
    chosen = list(dict.fromkeys(
        var for own in body.equations for var in _saved_by(own, policy)
        if var not in body.inputs and own.outputs))
    if again is None or not chosen:
        return equation, again, []
    rows = [Var(var.type.strong().with_shape((kernel.length, *var.type.shape))) for var in chosen]
    forward = equation.replace(
        params={**equation.params, "body": body.replace(outputs=(*body.outputs, *chosen))},
        outputs=(*equation.outputs, *rows))
    slices = {var: Var(var.type) for var in chosen}
    inner = again.params["body"]
    inner = inner.replace(
        inputs=(*inner.inputs, *slices.values()), names=None,
        equations=[own.replace(inputs=substitute(own.inputs, slices)) for own in inner.equations],
        outputs=substitute(inner.outputs, slices))
    again = again.replace(inputs=(*again.inputs, *rows),
                          params={**again.params, "body": dead_code(inner)})
    return forward, again, rows


# ---- the call ----

def bind_checkpoint(program: Program, operands: Sequence, policy: Callable, prevent_cse: bool,
                    name: str) -> list:
    """Applies the primitive.

    policy(primitive, *types, **params): whether the results of an equation are kept.
    """
    return bind(checkpoint_p, *operands, program=program, policy=policy,
                prevent_cse=prevent_cse, name=name)


def _again(program: Program, operands: Sequence, params: dict) -> list:
    return bind(checkpoint_p, *operands, **{**params, "program": program})


def _jvp(primals, tangents, params):
    nonzero = tuple(tangent is not None for tangent in tangents)
    program, nonzero_out = jvp_program(params["program"], nonzero)
    given = [tangent for tangent in tangents if tangent is not None]
    results = _again(program, [*primals, *given], params)
    rest = iter(results[len(nonzero_out):])
    return results[:len(nonzero_out)], [next(rest) if flag else None for flag in nonzero_out]


def _linearize(primals, tangents, params):
    nonzero = tuple(tangent is not None for tangent in tangents)
    split = split_for_recomputation(params["program"], nonzero, params["policy"])
    count = len(split.nonzero_out)
    results = _again(split.known, primals, params)
    outs = results[:count]
    if not any(split.nonzero_out):
        return outs, [None] * count
    sources = [*primals, *results[count:]]
    residuals = [value for value, flag in zip(sources, split.read, strict=True) if flag]
    given = [tangent for tangent in tangents if tangent is not None]
    rest = iter(_again(split.linear, [*residuals, *given], params))
    return outs, [next(rest) if flag else None for flag in split.nonzero_out]


def _transpose(cotangents, inputs, params):
    linear = tuple(is_linear(value) for value in inputs)
    nonzero = tuple(ct is not None for ct in cotangents)
    program, nonzero_in = transpose_program(params["program"], linear, nonzero)
    operands = [*(value for value in inputs if not is_linear(value)),
                *(ct for ct in cotangents if ct is not None)]
    if params["prevent_cse"]:
        operands = barrier(operands)
    results = iter(_again(program, operands, params))
    return [next(results) if flag else None for flag in nonzero_in]


def _batch(size, args, batched, params):
    program, flags = batch_program(params["program"], size, tuple(batched))
    return _again(program, args, params), flags


checkpoint_p = Primitive(
    name="checkpoint", infer=lambda *types, program, **params: program.output_types,
    evaluate=evaluate_program, jvp=_jvp, linearize=_linearize, transpose=_transpose,
    batch=_batch, multiple=True, inherits_weak=False,
    kernel=lambda types, params: Call(params["program"]), show=lambda params: "")
