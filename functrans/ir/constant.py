"""Arrays written into a Program, where a Literal will not do. Imports `ir` only.

What a function closes over is an input of its Program. But a rule that is run while a Program is
being transformed may read arrays, too, and the transformed Program has the inputs that it has.
"""
from __future__ import annotations

import numpy as np

from functrans.ir.primitive import Constant, Primitive
from functrans.ir.program import Equation, Literal, Var
from functrans.ir.type import ArrayType

constant_p = Primitive(
    name="constant", infer=lambda *, value: ArrayType(value.shape, value.dtype),
    evaluate=lambda *, value: value, kernel=lambda types, params: Constant(params["value"]),
    inherits_weak=False, show=lambda params: "")


def constant(value: np.ndarray, kind: ArrayType, equations: list, location=None) -> Var | Literal:
    """The atom that stands for an array; its equation is appended where it needs one."""
    if not kind.shape:
        return Literal(np.asarray(value)[()], kind.weak)
    var = Var(kind)
    value = np.ascontiguousarray(value)
    equations.append(Equation(constant_p, (), {"value": value}, (var,), location))
    return var
