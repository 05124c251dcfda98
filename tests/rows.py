"""One row for each primitive: operands, params and dtypes on which all laws are tried.

What a row is made of is in `cases.py`; the rows of control flow are in `rows_control.py`,
those of linear algebra and Fourier transforms in `rows_linalg.py`, those of the functions of
statistics in `rows_special.py`.
"""
from __future__ import annotations

import pkgutil
from importlib import import_module

import numpy as np
from cases import (
    ANY,
    BITS,
    COMPLEX,
    FLOATS,
    INTEGERS,
    NUMBERS,
    REAL,
    Operand,
    Row,
    binary,
    case,
    unary,
)
from rows_control import CONTROL
from rows_linalg import LINALG
from rows_special import SPECIAL

from functrans import control, primitives
from functrans.ir.primitive import Primitive
from functrans.primitives import (
    bitcast,
    contract,
    cumulative,
    elementwise,
    functions,
    index,
    random,
    reduce,
    shape,
    sort,
    window,
)
from functrans.primitives.basic import add_p, broadcast_p, reduce_sum_p

E, F = elementwise, functions
_ARITHMETIC = [
    binary(add_p), binary(E.sub_p), binary(E.mul_p), unary(E.neg_p, dtypes=NUMBERS),
    binary(E.div_p, "nonzero", FLOATS + COMPLEX),
    binary(E.guarded_mul_p, "nonzero"),
    binary(E.guarded_div_p, "nonzero", FLOATS + COMPLEX),
    binary(E.floor_divide_p, "nonzero", REAL),
    Row(E.remainder_p, (case(Operand((2, 3), "distinct"), Operand((2, 3), "above_one")),), REAL),
    Row(E.fmod_p, (case(Operand((2, 3), "distinct"), Operand((2, 3), "above_one")),), REAL),
    unary(E.abs_p, "nonzero", NUMBERS), unary(E.sign_p, "nonzero", NUMBERS),
    *(unary(p, "distinct", FLOATS) for p in (E.floor_p, E.ceil_p, E.round_p, E.trunc_p)),
    binary(E.next_after_p, dtypes=("float32", "float64"), second=False),
    binary(E.copysign_p, "nonzero", FLOATS),
    binary(E.max_p, dtypes=REAL + ("bool",)), binary(E.min_p, dtypes=REAL + ("bool",)),
]
_COMPARISON = [
    binary(E.eq_p, dtypes=ANY), binary(E.ne_p, dtypes=ANY),
    *(binary(p, dtypes=REAL + ("bool",)) for p in (E.lt_p, E.le_p, E.gt_p, E.ge_p)),
    unary(E.is_finite_p),
    binary(E.and_p, dtypes=BITS), binary(E.or_p, dtypes=BITS), binary(E.xor_p, dtypes=BITS),
    unary(E.not_p, dtypes=BITS),
    *(Row(p, (case((2, 3), Operand((2, 3), "shift")),), INTEGERS)
      for p in (E.shift_left_p, E.shift_right_arithmetic_p, E.shift_right_logical_p)),
    unary(E.population_count_p, dtypes=INTEGERS),
    unary(E.count_leading_zeros_p, dtypes=INTEGERS), binary(E.gcd_p, dtypes=INTEGERS),
    Row(E.select_p, (case(Operand((2, 3), dtype="bool"), (2, 3), (2, 3)),
                     case(Operand((), dtype="bool"), (), ())), ANY),
    unary(E.stop_gradient_p, dtypes=ANY), unary(E.weaken_p, dtypes=ANY),
]
_CONVERSION = [
    Row(E.convert_p, tuple(case((2, 3), dtype=np.dtype(name)) for name in
                           ("float16", "float32", "float64", "int8", "int64", "uint8", "bool",
                            "complex64")), ANY),
    unary(E.real_p, dtypes=COMPLEX), unary(E.imag_p, dtypes=COMPLEX),
    unary(E.conj_p, dtypes=COMPLEX),
    binary(E.complex_p, dtypes=("float32", "float64")),
    Row(bitcast.bitcast_p, (case((3, 2), dtype=np.dtype("int32")),),
        ("float32", "float64", "int16")),
]
_FUNCTIONS = [
    unary(F.exp_p), unary(F.expm1_p), unary(F.log_p, "positive"), unary(F.log2_p, "positive"),
    unary(F.log10_p, "positive"), unary(F.log1p_p, "positive"), unary(F.sqrt_p, "positive"),
    unary(F.rsqrt_p, "positive"), unary(F.cbrt_p, "nonzero", FLOATS),
    binary(F.pow_p, "positive", FLOATS + COMPLEX, ulp=16),
    Row(F.integer_pow_p, tuple(case(Operand((2, 3), "nonzero"), exponent=n)
                               for n in (2, 3, 5, -2, 1, 0)), FLOATS + COMPLEX, ulp=8),
    unary(F.sin_p), unary(F.cos_p), unary(F.tan_p, "unit", ulp=8),
    unary(F.asin_p, "unit", ulp=8), unary(F.acos_p, "unit", ulp=8), unary(F.atan_p),
    binary(F.atan2_p, "nonzero", FLOATS),
    unary(F.sinh_p), unary(F.cosh_p), unary(F.tanh_p), unary(F.asinh_p, ulp=8),
    unary(F.acosh_p, "above_one", ulp=8), unary(F.atanh_p, "unit", ulp=8),
    unary(F.logistic_p, dtypes=FLOATS), unary(F.erf_p, dtypes=FLOATS),
    unary(F.erfc_p, dtypes=FLOATS, ulp=8), unary(F.erf_inv_p, "unit", FLOATS, ulp=8),
    unary(F.lgamma_p, "above_one", FLOATS, ulp=64),
    unary(F.digamma_p, "above_one", FLOATS, ulp=64),
    Row(F.polygamma_p, (case(Operand((2, 3), "index:4"), Operand((2, 3), "above_one"),
                             fixed=(0,)),),
        ("float32", "float64"), ulp=256),
]
_SHAPE = [
    Row(broadcast_p, (case((3,), shape=(2, 3), dims=(1,)), case((), shape=(2, 2), dims=()),
                      case((2, 1), shape=(2, 4, 3), dims=(0, 2)),
                      case((0,), shape=(0, 2), dims=(0,))), ANY),
    Row(shape.reshape_p, (case((2, 6), shape=(3, 4)), case((4,), shape=(2, 1, 2)),
                          case((), shape=(1, 1)), case((0, 3), shape=(3, 0))), ANY),
    Row(shape.transpose_p, (case((2, 3, 4), perm=(2, 0, 1)), case((2, 3), perm=(1, 0))), ANY),
    Row(shape.reverse_p, (case((2, 3), axes=(1,)), case((2, 3), axes=(0, 1))), ANY),
    Row(shape.slice_p, (case((5, 6), start=(1, 0), limit=(4, 6), step=(1, 2)),
                        case((4,), start=(2,), limit=(2,), step=(1,))), ANY),
    Row(shape.pad_p, (case((2, 3), (), low=(1, 0), high=(0, 2), interior=(0, 1)),
                      case((4,), (), low=(-1,), high=(-1,), interior=(0,)),
                      case((0,), (), low=(2,), high=(1,), interior=(0,))), ANY),
    Row(shape.concatenate_p, (case((2, 1), (2, 3), (2, 0), axis=1),
                              case((1, 3), (2, 3), axis=0)), ANY),
    Row(shape.iota_p, (case(dtype=np.dtype("int32"), shape=(2, 3), axis=1),
                       case(dtype=np.dtype("float32"), shape=(4,), axis=0)), ("float32",)),
]
_REDUCE = [
    Row(reduce_sum_p, (case((2, 3, 4), axes=(1,)), case((2, 3), axes=(0, 1)),
                       case((0, 3), axes=(0,)), case((2, 3), axes=(0,))), NUMBERS, ulp=16),
    Row(reduce.reduce_prod_p, (case(Operand((2, 3), "nonzero"), axes=(1,)),
                               case(Operand((2, 3), "nonzero"), axes=(0, 1))), NUMBERS, ulp=16),
    *(Row(p, (case(Operand((2, 3, 2), "distinct"), axes=(1,)),
              case(Operand((4, 3), "distinct"), axes=(0,)),
              case(Operand((2, 3), "distinct"), axes=(0, 1))), REAL + ("bool",))
      for p in (reduce.reduce_max_p, reduce.reduce_min_p)),
    *(Row(p, (case((2, 3), axes=(1,)), case((3, 2), axes=(0, 1))), BITS)
      for p in (reduce.reduce_and_p, reduce.reduce_or_p)),
    *(Row(p, (case(Operand((2, 4), "distinct"), axis=1), case(Operand((4, 3), "distinct"), axis=0)),
          REAL + ("bool",)) for p in (reduce.argmax_p, reduce.argmin_p)),
    *(Row(p, (case(Operand((2, 4), "nonzero"), axis=1, reverse=False),
              case(Operand((4, 2), "nonzero"), axis=0, reverse=True)), NUMBERS, ulp=16)
      for p in (cumulative.cumsum_p, cumulative.cumprod_p)),
    *(Row(p, (case(Operand((2, 4), "distinct"), axis=1, reverse=False),
              case(Operand((4, 2), "distinct"), axis=0, reverse=True)), REAL)
      for p in (cumulative.cummax_p, cumulative.cummin_p)),
    Row(cumulative.linear_recurrence_p,
        (case((2, 4), (2, 4), axis=1, reverse=False),
         case((4, 2), (4, 2), axis=0, reverse=True)), FLOATS + COMPLEX, ulp=16),
]
_PRODUCTS = [
    Row(contract.dot_general_p, (
        case((3, 4), (4, 2), contract=((1,), (0,)), batch=((), ())),
        case((2, 3, 4), (2, 4, 5), contract=((2,), (1,)), batch=((0,), (0,))),
        case((4, 3), (2, 4), contract=((0,), (1,)), batch=((), ())),
        case((2, 3), (3, 2), contract=((0, 1), (1, 0)), batch=((), ())),
        case((3, 2, 2), (4, 2, 3), contract=((1,), (1,)), batch=((0,), (2,))),
        case((3,), (3,), contract=((0,), (0,)), batch=((), ())),
        case((3, 4), (4,), contract=((1,), (0,)), batch=((), ())),
        case((1, 1), (1,), contract=((1,), (0,)), batch=((), ())),
        case((2,), (3,), contract=((), ()), batch=((), ()))), NUMBERS, ulp=64),
]
_INDEX64 = "int64"


def _places(shape, size, distinct=False):
    return Operand(shape, f"{'distinct_' if distinct else ''}index:{size}", _INDEX64)


def _scatter(primitive, kind="nonzero", dtypes=NUMBERS) -> Row:
    mode = dict(mode="raise", unique=False)
    other = "distinct:1" if kind == "distinct" else kind       # no ties with the operand
    return Row(primitive, (
        case(Operand((4, 2), kind), Operand((3, 2), other), _places((3,), 4), batch_dims=0,
             **mode),
        case(Operand((3, 4), kind), Operand((5,), other), _places((5,), 3), _places((5,), 4),
             batch_dims=0, **mode),
        case(Operand((2, 4), kind), Operand((2, 3), other), _places((2, 3), 4), batch_dims=1,
             **mode)), dtypes, ulp=16)


_INDEX = [
    Row(index.gather_p, (
        case((4, 2), _places((3,), 4), batch_dims=0, mode="raise"),
        case((3, 4), _places((2, 2), 3), _places((2, 2), 4), batch_dims=0, mode="clip"),
        case((2, 4, 3), _places((2, 5), 4), batch_dims=1, mode="raise"),
        case((4,), Operand((6,), "index:7", _INDEX64), batch_dims=0, mode="drop")), ANY),
    _scatter(index.scatter_add_p), _scatter(index.scatter_set_p, dtypes=ANY),
    _scatter(index.scatter_mul_p),
    _scatter(index.scatter_min_p, "distinct", REAL),
    _scatter(index.scatter_max_p, "distinct", REAL),
    Row(window.dynamic_slice_p, (
        case((5, 4), _places((), 5), _places((), 3), sizes=(2, 3)),
        case((6,), _places((), 9), sizes=(3,))), ANY),
    Row(window.dynamic_add_p, (
        case((5, 4), (2, 3), _places((), 5), _places((), 3)),
        case((6,), (3,), _places((), 9))), NUMBERS),
    Row(window.dynamic_update_p, (
        case((5, 4), (2, 3), _places((), 5), _places((), 3)),
        case((6,), (3,), _places((), 9))), ANY),
    Row(sort.sort_p, (case(Operand((2, 5), "distinct"), axis=1, keys=1),
                      case(Operand((5, 2), "distinct"), Operand((5, 2), "distinct"), axis=0,
                           keys=1),
                      case(Operand((6,), "index:3", _INDEX64), Operand((6,), "distinct"), axis=0,
                           keys=2)),
        REAL + ("bool",)),
    Row(random.threefry2x32_p,
        (case(*[Operand((2, 3), "index:1000000", "uint32")] * 4),
         case(*[Operand((), "index:1000000", "uint32")] * 4)), ("float32",)),
    Row(random.use_key_p, (case(Operand((2,), "index:1000000", "uint32")),
                           case(Operand((3, 2), "index:1000000", "uint32"))), ("float32",)),
]

ROWS = (_ARITHMETIC + _COMPARISON + _CONVERSION + _FUNCTIONS + _SHAPE + _REDUCE + _PRODUCTS
        + _INDEX + CONTROL + LINALG + SPECIAL)
BY_NAME = {row.name: row for row in ROWS}


# Modules of functrans.control whose primitives call the user's functions or need a named axis, so
# that the laws do not fit them; and where they are tested.
TESTED_ELSEWHERE = {
    "axes": "test_axis_names", "callbacks": "test_callbacks", "custom_jvp": "test_custom_rules",
    "custom_vjp": "test_custom_rules", "custom_vmap": "test_custom_rules"}


def all_primitives() -> dict[str, Primitive]:
    """Every primitive that a module of functrans.primitives or functrans.control defines, but
    for those that are tested elsewhere."""
    found = {}
    for package in (primitives, control):
        for info in pkgutil.iter_modules(package.__path__):
            module = import_module(f"{package.__name__}.{info.name}")
            if package is primitives or info.name not in TESTED_ELSEWHERE:
                found.update((value.name, value) for value in vars(module).values()
                             if isinstance(value, Primitive))
    return found
