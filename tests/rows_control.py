"""The rows of control flow: loops, choices, and the stacks that loops of unknown length keep.

Bodies are traced from the operands' types, so that each row serves all dtypes.
"""
from __future__ import annotations

import numpy as np
from cases import COMPLEX, FLOATS, STACK, Operand, Row, case

import functrans.numpy as fnp
from functrans.control.checkpoint import barrier_p, checkpoint_p, name_p
from functrans.control.cond import cond_p
from functrans.control.implicit import linear_solve_p
from functrans.control.iterate import iterate_p
from functrans.control.policies import everything_saveable, nothing_saveable
from functrans.control.scan import scan_p
from functrans.control.unwind import unwind_p, while_p
from functrans.ir.type import ArrayType, StackDtype
from functrans.jit import jit_p
from functrans.testing.conformance.libraries.functrans import ROOT
from functrans.primitives.stack import empty_stack_p, stack_add_p
from functrans.trace import trace

INEXACT = FLOATS + COMPLEX
_PAIR, _PAIRS = Operand((2,)), Operand((STACK, 2))
_STACK, _EMPTY = Operand((STACK, 2), stack=True), Operand((0, 2), stack=True)
_NUMBER = Operand((), "index:3", "int64")


def _slices(kinds) -> list:
    return [kind.with_shape(kind.shape[1:]) for kind in kinds]


def _elements(kinds) -> list:
    return [kind.dtype.element for kind in kinds]


# ---- iterate ----

_ITERATE = Row(iterate_p, tuple(case(Operand(shape, "positive"), method=ROOT)
                                for shape in ((2, 3), (), (0, 2))), FLOATS, ulp=8)


# ---- scan ----

def _step(w, state, count, x):
    """What is invariant (sin w), what is cheap (state * x), what must be kept (sin state)."""
    state = fnp.sin(state) * fnp.sin(w) + x
    return state, count + 1, state * x


def _scan(body, constants: int, carries: int, length: int = STACK, reverse: bool = False):
    def params(*kinds):
        count = constants + carries
        program, _ = trace(body, [*kinds[:count], *_slices(kinds[count:])], "step")
        return dict(body=program, length=length, reverse=reverse, constants=constants,
                    carries=carries)
    return params


_SCAN = Row(scan_p, (
    case(_PAIR, _PAIR, _NUMBER, _PAIRS, params=_scan(_step, 1, 2)),
    case(_PAIR, _PAIR, _NUMBER, _PAIRS, params=_scan(_step, 1, 2, reverse=True)),
    case(_PAIR, _PAIR, _NUMBER, Operand((0, 2)), params=_scan(_step, 1, 2, length=0)),
    case(_PAIR, _PAIRS, params=_scan(lambda w, x: (fnp.sin(w * x),), 1, 0)),
    case(_PAIR, _PAIR, params=_scan(lambda x, y: (y, fnp.sin(x)), 0, 2, length=3)),
    case(Operand((20,)), Operand((20,)), params=_scan(lambda w, x: (fnp.sin(x) * w,), 1, 1))),
    INEXACT, ulp=64)


# ---- loops of unknown length ----

def _unwind(body, constants: int, carries: int, reverse: bool = False):
    def params(_, *kinds):
        count = constants + carries
        program, _ = trace(body, [*kinds[:count], *_elements(kinds[count:])], "step")
        return dict(body=program, reverse=reverse, constants=constants, carries=carries)
    return params


_COUNT = Operand((), f"exactly:{STACK}", "int64")
_UNWIND = Row(unwind_p, (
    case(_COUNT, _PAIR, _PAIR, _NUMBER, _STACK, params=_unwind(_step, 1, 2)),
    case(_COUNT, _PAIR, _PAIR, _NUMBER, _STACK, params=_unwind(_step, 1, 2, reverse=True)),
    case(_COUNT, _PAIR, _PAIR, _NUMBER, _EMPTY, params=_unwind(_step, 1, 2)),
    case(Operand((), "exactly:0", "int64"), _PAIR, _PAIR, _NUMBER, _EMPTY,
         params=_unwind(_step, 1, 2)),
    case(_COUNT, _PAIR, params=_unwind(lambda x: (fnp.sin(x),), 0, 1))), INEXACT, ulp=64)


def _while(body, counted: bool):
    """As long as the second carry is below the first operand; `body(w, x, k)`."""
    def params(limit, w, x, k):
        program, _ = trace(body, [w, x, k], "step")
        condition, _ = trace(lambda limit, x, k: (k < limit,), [limit, x, k], "test")
        return dict(condition=condition, body=program, condition_constants=1, constants=1,
                    carries=2, counted=counted)
    return params


_LIMIT, _START = Operand((), "index:4", "int64"), Operand((), "exactly:0", "int64")
_WHILE = Row(while_p, (
    case(_LIMIT, _PAIR, _PAIR, _START,
         params=_while(lambda w, x, k: (fnp.sin(x) * fnp.sin(w) + x, k + 1), False)),
    case(_LIMIT, _PAIR, _PAIR, _START, counted=2,
         params=_while(lambda w, x, k: (fnp.sin(x) * w, k + 1, x * w), True)),
    case(_LIMIT, Operand((20,)), Operand((20,)), _START,
         params=_while(lambda w, x, k: (fnp.sin(x) * w, k + 1), False))), INEXACT, ulp=64)


# ---- choices ----

def _branches(*functions):
    def params(_, *kinds):
        return dict(branches=tuple(trace(function, kinds, "branch")[0]
                                   for function in functions))
    return params


_THREE = _branches(lambda x, y: (fnp.sin(x) * y, x), lambda x, y: (y, x * x),
                   lambda x, y: (fnp.ones_like(x), fnp.cos(y)))
_COND = Row(cond_p, (
    case(_NUMBER, _PAIR, _PAIR, params=_THREE),
    case(Operand((), "exactly:7", "int64"), _PAIR, _PAIR, params=_THREE),
    case(Operand((), "exactly:-1", "int64"), _PAIR, _PAIR, params=_THREE),
    case(_NUMBER, Operand((20,)), Operand((20,)), params=_THREE),
    case(_NUMBER, _PAIR, params=_branches(lambda x: (fnp.sin(x),)))), INEXACT, ulp=16)


# ---- stacks ----

def _stack(shape=()) -> ArrayType:
    return ArrayType(shape, StackDtype(ArrayType((2,), np.dtype("float32"))))


_STACKS = [
    Row(stack_add_p, (case(_STACK, _STACK), case(_STACK, _EMPTY), case(_EMPTY, _STACK),
                      case(_EMPTY, _EMPTY)), INEXACT),
    Row(empty_stack_p, (case(kind=_stack()),), ("float32",)),
]

# ---- calls ----

def _called(function, **options):
    """Params of a call of `function`, traced at the operands' types."""
    def params(*kinds):
        return dict(program=trace(function, kinds, "f")[0], name="f", **options)
    return params


def _smooth(x, y):
    return fnp.sin(fnp.sin(x) * y), x * y


def _linear(*kinds):
    """3 x = b and its adjoint, which is the same; the first operand is the factor's."""
    def matvec(a, x):
        return (a * x,)

    def solve(a, b):
        return (b / a,)
    matrix, solver = (trace(function, kinds, function.__name__)[0] for function in (matvec, solve))
    return dict(matvec=matrix, vecmat=matrix, solve=solver, transpose_solve=solver, constants=1)


_CALLS = [
    Row(jit_p, (case(_PAIR, _PAIR, params=_called(_smooth, target=None)),), INEXACT, ulp=16),
    Row(checkpoint_p, (
        case(_PAIR, _PAIR, params=_called(_smooth, policy=nothing_saveable, prevent_cse=True)),
        case(_PAIR, _PAIR, params=_called(_smooth, policy=everything_saveable,
                                          prevent_cse=False))), INEXACT, ulp=16),
    Row(barrier_p, (case(_PAIR, Operand((3, 2)), Operand(())), case(_PAIR)), INEXACT),
    Row(name_p, (case(_PAIR, name="a"), case(Operand(()), name="b")), INEXACT),
    Row(linear_solve_p, (case(Operand((2,), "positive"), _PAIR, params=_linear),), INEXACT,
        ulp=16),
]

CONTROL = [*_CALLS, _ITERATE, _SCAN, _UNWIND, _WHILE, _COND, *_STACKS]
