"""Solutions of equations, differentiated by what defines them and not by how they are found.

    linear_solve:  (constants.., b..) -> (x.., aux..),  where A x = b

All Programs take the constants first, whether they read them or not: `matvec` is A, `vecmat` its
adjoint, `solve` and `transpose_solve` find x for each. Derivative: A dx = db - dA x. Adjoint: the
same equation with the roles of A and its adjoint exchanged.

A root of f(c, x) = 0 is a function with a derivative of its own: f_x dx = -f_c dc.

Source: Blondel et al., "Efficient and modular implicit differentiation" (2022). Imports `ir`,
`trace`, `primitives`, `transforms`, `custom_jvp`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

from functrans.control.closures import Closure
from functrans.control.custom_jvp import JvpRule, bind_custom_jvp
from functrans.control.custom_rules import as_array, evaluate_program
from functrans.errors import CustomRuleError
from functrans.ir.primitive import Call, Primitive
from functrans.ir.program import Program
from functrans.ir.type import is_inexact, tangent_type
from functrans.primitives.basic import (
    add_tangents,
    instantiate,
    is_linear,
    type_of_value,
    with_batch_axis,
)
from functrans.primitives.elementwise import neg
from functrans.trace import bind, run, trace_closed
from functrans.transforms.jvp import walk
from functrans.transforms.linearize import linearize
from functrans.transforms.transpose import transpose
from functrans.transforms.vmap import batch_program

# ---- linear equations ----


def bind_linear_solve(matvec: Program, vecmat: Program | None, solve: Program,
                      transpose_solve: Program | None, constants: Sequence, b: Sequence) -> list:
    """Applies the primitive: x, then what else `solve` gives."""
    return bind(linear_solve_p, *constants, *b, matvec=matvec, vecmat=vecmat, solve=solve,
                transpose_solve=transpose_solve, constants=len(constants))


def adjoint_of(matvec: Program, constants: int) -> Program:
    """The adjoint of a Program that is linear in its inputs behind the constants."""
    kinds = matvec.input_types[constants:]

    def run_adjoint(*arguments):
        values = [*arguments[:constants], *[None] * len(kinds)]
        cts = transpose(matvec, values, arguments[constants:])[constants:]
        return [instantiate(ct, tangent_type(kind)) for ct, kind in zip(cts, kinds)]
    return trace_closed(run_adjoint, [*matvec.input_types[:constants], *matvec.output_types],
                        f"adjoint of {matvec.name}")


def _differentiate(primals, tangents, params):
    """The linear part is an equation of the same matrix."""
    count = params["constants"]
    constants, outs = primals[:count], bind(linear_solve_p, *primals, **params)
    x = outs[:len(primals) - count]
    moved = [None] * len(x)
    if any(dt is not None for dt in tangents[:count]):
        _, moved = walk(params["matvec"], [*constants, *x],
                        [*tangents[:count], *[None] * len(x)], None, "linearize")
    right = [add_tangents(db, None if dax is None else neg(dax))
             for db, dax in zip(tangents[count:], moved)]
    if all(dt is None for dt in right):
        return outs, [None] * len(outs)
    right = [instantiate(dt, tangent_type(type_of_value(value))) for dt, value in zip(right, x)]
    dx = bind(linear_solve_p, *constants, *right, **params)[:len(x)]
    return outs, [*dx, *[None] * (len(outs) - len(x))]


def _transpose(cotangents, inputs, params):
    count = params["constants"]
    size = len(inputs) - count
    if any(is_linear(value) for value in inputs[:count]):
        raise CustomRuleError("the solution of linear equations is no linear function of the "
                              "matrix, so it has no adjoint with respect to it")
    if params["transpose_solve"] is None:
        raise CustomRuleError(
            "custom_linear_solve: reverse mode needs to solve equations of the adjoint: give it "
            "transpose_solve, or say symmetric=True if the matrix is")
    kinds = params["matvec"].output_types
    cts = [instantiate(ct, tangent_type(kind)) for ct, kind in zip(cotangents[:size], kinds)]
    solve = params["solve"].replace(outputs=params["solve"].outputs[:size])
    results = bind_linear_solve(params["vecmat"], params["matvec"], params["transpose_solve"],
                                solve, inputs[:count], cts)
    return [None] * count + [ct if is_linear(value) else None
                             for ct, value in zip(results, inputs[count:])]


def _batch(size, args, batched, params):
    """Equations for all lanes: x, and so b, is another one in each."""
    count = params["constants"]
    b = [with_batch_axis(size, as_array(value), flag)
         for value, flag in zip(args[count:], batched[count:])]
    flags = (*batched[:count], *[True] * len(b))

    def lanes(program: Program | None) -> Program | None:
        return program and batch_program(program, size, flags, (True,) * len(program.outputs))[0]

    outs = bind_linear_solve(*(lanes(params[name]) for name in
                               ("matvec", "vecmat", "solve", "transpose_solve")),
                             args[:count], b)
    return outs, [True] * len(outs)


def _evaluate(*arrays, solve, **params):
    return evaluate_program(*arrays, program=solve)


linear_solve_p = Primitive(
    name="linear_solve", infer=lambda *types, solve, **params: solve.output_types,
    evaluate=_evaluate, jvp=_differentiate, linearize=_differentiate, transpose=_transpose,
    batch=_batch, multiple=True, inherits_weak=False,
    kernel=lambda types, params: Call(params["solve"]), show=lambda params: "")


# ---- roots ----

def bind_root(f: Program, solve: Program, tangent_solve: Callable, closure: Closure,
              constants: Sequence, guess: Sequence, name: str) -> list:
    """The root of f, found by `solve` from a guess.

    f, solve: (constants.., x..) to residuals; to (x.., aux..). tangent_solve(g, y): the list of x
    with g(x) = y, for a linear function g of lists. closure: what that reads from around it.
    """
    operands = [*closure.tracers, *constants, *guess]
    program = closure.first_of(solve)
    count, size = len(constants), len(guess)

    def rule(values, tangents):
        outs = bind_custom_jvp(program, [*closure.tracers, *values], JvpRule(rule, closure),
                               len(closure.tracers), 0, name)
        x, dc = outs[:size], tangents[:count]
        nothing = [None] * len(outs)
        if all(dt is None for dt in dc):
            return outs, nothing
        _, right = walk(f, [*values[:count], *x], [*dc, *[None] * size], None, "linearize")
        if all(dt is None for dt in right):
            return outs, nothing
        right = [neg(instantiate(dt, tangent_type(type_of_value(value))))
                 for dt, value in zip(right, x)]
        _, linear = linearize(f, [*values[:count], *x], [False] * count + [True] * size,
                              force=(True,) * size)
        dx = tangent_solve(lambda given: run(linear.program, [*linear.residuals, *given]), right)
        return outs, [*dx, *nothing[size:]]

    return bind_custom_jvp(program, operands, JvpRule(rule, closure), len(closure.tracers), 0,
                           name)


def require_inexact(values: Sequence, names: Sequence[str], who: str):
    """Raises unless all unknowns are floating-point numbers."""
    for value, name in zip(values, names):
        if not is_inexact(value.dtype):
            raise CustomRuleError(f"{who}: {name} is {value.type}; unknowns are floating-point "
                                  "numbers. Convert it, with .astype(float)")
