"""Simplification: equal equations once, constants computed, operations that do nothing removed.

In: a Program. Out: one that gives the same values. Imports `functrans.ir`, `passes.joins`.
"""
from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from functrans.ir.primitive import (Broadcast, Contract, Elementwise, Primitive, Reshape, Slice,
                                    Transpose)
from functrans.ir.program import Equation, Literal, Program, Var
from functrans.ir.rewrite import is_literal, substitute, uses
from functrans.ir.type import name_of
from lowering.passes.joins import Joins


def simplify(program: Program) -> Program:
    """One walk, in which each equation sees its operands simplified already."""
    mapping: dict = {}
    definitions: dict[Var, Equation] = {}
    seen: dict = {}
    joins = Joins()
    equations = []
    often = uses(program)
    for equation in program.equations:
        inputs = substitute(equation.inputs, mapping)
        if inputs != equation.inputs:
            equation = equation.replace(inputs=inputs)
        equation = joins.rewritten(equation, equation.kernel) \
            or _rewritten(equation, definitions, often)
        replacement = _replacement(equation, definitions)
        if replacement is None:
            key = _key(equation)
            known = seen.get(key) if key is not None else None
            if known is None:
                seen[key] = equation.outputs
                equations.append(equation)
                definitions.update((var, equation) for var in equation.outputs)
                continue
            replacement = known
        mapping.update(zip(equation.outputs, replacement, strict=True))
    return program.replace(equations=equations, outputs=substitute(program.outputs, mapping))


# ---- equal equations ----

def _key(equation: Equation):
    """What makes two equations equal; None where they must both run."""
    primitive = equation.primitive
    if equation.effect or not primitive.subexpressions:
        return None
    inputs = tuple([_atom_key(atom) for atom in equation.inputs])
    params = equation.params
    try:
        params = tuple(sorted(params.items()) if len(params) > 1 else params.items())
        hash(params)
    except TypeError:
        return None
    return primitive, inputs, params, tuple([var.type for var in equation.outputs])


def _atom_key(atom):
    if type(atom) is Literal:
        return atom.value.tobytes(), atom.value.dtype
    return atom


# ---- other ways to say the same ----

def _rewritten(equation: Equation, definitions: dict, often: dict) -> Equation:
    kernel = equation.kernel
    if isinstance(kernel, Elementwise):
        folded = _folded_constant(equation, kernel, definitions)
        if folded is not None:
            return folded
        equation = _with_literals(equation, definitions)
        return _unguarded(equation) if kernel.expr in _GUARDED else equation
    if isinstance(kernel, Broadcast):
        literal = _literal_everywhere(equation.inputs[0], definitions)
        if literal is not None and type(equation.inputs[0]) is not Literal:
            return equation.replace(inputs=(literal,), params={**equation.params, "dims": ()})
    if isinstance(kernel, Transpose):
        return _exchanged_product(equation, kernel, definitions, often)
    return equation


def _literal_everywhere(atom, definitions: dict) -> Literal | None:
    """The literal that an atom is at each of its elements, if it is one."""
    if type(atom) is Literal:
        return atom
    before = definitions.get(atom)
    if before is not None and isinstance(before.kernel, Broadcast) \
            and type(before.inputs[0]) is Literal:
        return before.inputs[0]
    return None


def _folded_constant(equation: Equation, kernel: Elementwise, definitions: dict):
    """An elementwise equation of constants: one constant, spread."""
    out = equation.outputs[0].type
    literals = [_literal_everywhere(atom, definitions) for atom in equation.inputs]
    if kernel.outputs != 1 or not out.shape or any(literal is None for literal in literals):
        return None
    spread = next(definitions[atom] for atom in equation.inputs if atom.type.shape)
    params = {"shape": out.shape, "dims": ()}
    return spread.replace(inputs=(_computed(equation, literals),), params=params,
                          outputs=equation.outputs)


def _computed(equation: Equation, literals: list) -> Literal:
    with np.errstate(all="ignore"):
        value = equation.primitive.evaluate(*(literal.value for literal in literals),
                                            **equation.params)
    return Literal(np.asarray(value, equation.outputs[0].type.dtype)[()])


def _with_literals(equation: Equation, definitions: dict) -> Equation:
    """Operands that are one literal everywhere become that literal, but for the last array."""
    inputs = list(equation.inputs)
    shaped = [k for k, atom in enumerate(inputs) if atom.type.shape]
    for k in shaped:
        literal = _literal_everywhere(inputs[k], definitions)
        if literal is not None and any(j != k and inputs[j].type.shape for j in shaped):
            inputs[k] = literal
    inputs = tuple(inputs)
    return equation if inputs == equation.inputs else equation.replace(inputs=inputs)


# Expressions that a literal in place of the first operand makes simpler: it is not zero.
_GUARDED = {"({0} * {1} if {0} != 0 else {T}(0))": "({0} * {1})",
            "({0} / {1} if {0} != 0 else {T}(0))": "({0} / {1})"}


def _unguarded(equation: Equation) -> Equation:
    first = equation.inputs[0]
    if type(first) is not Literal or first.value == 0:
        return equation
    return equation.replace(primitive=_plain_product(equation.primitive))


@cache
def _plain_product(guarded: Primitive) -> Primitive:
    """A guarded product or quotient without its guard."""
    def kernel(types, params):
        inner = guarded.kernel(types, params)
        return Elementwise(_GUARDED[inner.expr], inner.cost)
    return replace(guarded, name=guarded.name.removeprefix("guarded_"), kernel=kernel)


def _exchanged_product(equation: Equation, kernel: Transpose, definitions: dict,
                       often: dict) -> Equation:
    """A matrix product that is only read transposed: the product of the operands exchanged."""
    before = definitions.get(equation.inputs[0])
    product = before.kernel if before is not None else None
    if not isinstance(product, Contract) or often.get(equation.inputs[0], 0) != 1:
        return equation
    lhs, rhs = before.inputs
    batch, contracted = len(product.batch[0]), len(product.contract[0])
    left = lhs.type.ndim - batch - contracted
    right = rhs.type.ndim - batch - contracted
    exchanged = (*range(batch), *range(batch + left, batch + left + right),
                 *range(batch, batch + left))
    if kernel.perm != exchanged or not left or not right:
        return equation
    params = {"contract": product.contract[::-1], "batch": product.batch[::-1]}
    return before.replace(inputs=(rhs, lhs), params=params, outputs=equation.outputs)


# ---- single equations ----

def _replacement(equation: Equation, definitions: dict):
    """The atoms that an equation's results are, if it need not be computed."""
    kernel = equation.kernel
    if isinstance(kernel, Elementwise):
        return _simplified_elementwise(equation, kernel)
    if isinstance(kernel, (Broadcast, Transpose, Reshape, Slice)):
        return _simplified_relabeling(equation, kernel, definitions)
    return None


def _simplified_elementwise(equation: Equation, kernel: Elementwise):
    inputs = equation.inputs
    out = equation.outputs[0].type
    if kernel.outputs == 1 and not out.shape \
            and all(type(atom) is Literal for atom in inputs):
        return (_computed(equation, inputs),)
    if kernel.expr == "{0}" or _is_conversion_to_itself(equation, kernel):
        return _same(inputs[0], out)
    for place, value, kept in _IDENTITIES.get(kernel.expr, ()):
        if is_literal(inputs[place], value) and not _is_negative_zero(inputs[place]):
            return _same(inputs[kept], out)
    return None


def _is_conversion_to_itself(equation: Equation, kernel) -> bool:
    return kernel.expr == f"to_{name_of(equation.inputs[0].type.dtype)}({{0}})"


def _is_negative_zero(literal: Literal) -> bool:
    return literal.value.dtype.kind == "f" and bool(np.signbit(literal.value))


def _same(atom, kind):
    return (atom,) if atom.type.matches(kind) else None


# Expressions that give one operand where another is a certain literal: (which, value, result).
# x + 0 is not among them: it turns -0.0 into 0.0.
_IDENTITIES = {
    "({0} * {1})": ((1, 1, 0), (0, 1, 1)),
    "({0} / {1})": ((1, 1, 0),),
    "({0} - {1})": ((1, 0, 0),),
    "({0} * {1} if {0} != 0 else {T}(0))": ((0, 1, 1),),
}


def _simplified_relabeling(equation: Equation, kernel, definitions: dict):
    """A relabeling that moves nothing, or that undoes the one before."""
    operand, out = equation.inputs[0], equation.outputs[0].type
    if operand.type.shape == out.shape and _moves_nothing(kernel, out.shape):
        return _same(operand, out)
    before = definitions.get(operand) if type(operand) is Var else None
    if before is None:
        return None
    if isinstance(kernel, Reshape) and isinstance(before.kernel, Reshape) \
            and before.inputs[0].type.shape == out.shape:
        return _same(before.inputs[0], out)
    if isinstance(kernel, Transpose) and isinstance(before.kernel, Transpose):
        perm = [before.kernel.perm[k] for k in kernel.perm]
        if perm == list(range(len(perm))):
            return _same(before.inputs[0], out)
    return None


def _moves_nothing(kernel, shape: tuple) -> bool:
    if isinstance(kernel, Transpose):
        moved = [k for k in kernel.perm if shape[k] != 1]
        return moved == sorted(moved)
    if isinstance(kernel, Slice):
        return not any(kernel.start) and all(step == 1 for step in kernel.step)
    return True
