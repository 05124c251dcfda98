"""Operations between the scalars of kernels, with the types that numba gives them.

Integers are computed with 64 bits, floats as they are; a number in the text takes the dtype of what
it stands beside. What a kernel has no need of raises `Unsupported`.

In: Python's operators, `Value`s, `ComplexValue`s, numbers. Out: the same. Imports `lowering.math`.
"""
from __future__ import annotations

import ast

import numpy as np

from lowering.math.convert import convert as _convert
from lowering.math.division import floor_divide, remainder
from lowering.math.values import BOOL, ComplexValue, Value, constant

INT64, UINT64 = np.dtype(np.int64), np.dtype(np.uint64)
FLOAT64 = np.dtype(np.float64)

# What numba sets on all instructions of a kernel: multiplications and additions may be fused.
_FLAGS = ("contract",)


class Unsupported(Exception):
    """A kernel's text contains what is not translated here."""


def convert(value, dtype: np.dtype, builder):
    """A scalar or number as `dtype`."""
    if isinstance(value, (Value, ComplexValue)):
        return value if value.dtype == dtype else _convert(value, dtype)
    if dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        number = complex(value)
        return ComplexValue(*(Value(builder, constant(each, part), part)
                              for each in (number.real, number.imag)))
    if dtype.kind in "iu" and isinstance(value, float):
        raise Unsupported(f"{value} as an integer")
    return Value(builder, constant(value, dtype), dtype)


def as_scalar(value, builder):
    """A number as the scalar that it is by itself; scalars as they are."""
    if isinstance(value, (Value, ComplexValue)):
        return value
    kinds = {bool: BOOL, int: INT64, float: FLOAT64}
    return convert(value, kinds[type(value)], builder)


def truth(value, builder) -> Value:
    """Whether a scalar is not zero."""
    return convert(as_scalar(value, builder), BOOL, builder)


# ---- types ----

def _is_number(value) -> bool:
    return not isinstance(value, (Value, ComplexValue))


def _wide(dtype: np.dtype) -> np.dtype:
    """The dtype in which integers and bools are computed."""
    return UINT64 if dtype.kind == "u" else INT64


def _common(left, right) -> np.dtype:
    """The dtype in which two operands meet; numbers follow the other one."""
    if _is_number(left) or _is_number(right):
        number, other = (left, right.dtype) if _is_number(left) else (right, left.dtype)
        fits = {"i": int, "u": int, "f": (int, float), "c": (int, float), "b": bool}[other.kind]
        if not isinstance(number, fits) or other == np.float32 and isinstance(number, float):
            raise Unsupported(f"{number!r} beside {other}")
        return other
    if left.dtype == right.dtype:
        return left.dtype
    kinds = {left.dtype.kind, right.dtype.kind}
    if kinds <= {"i", "b"}:
        return INT64
    if kinds == {"u"}:
        return UINT64
    if kinds == {"i", "u"} and UINT64 not in (left.dtype, right.dtype):
        return INT64
    raise Unsupported(f"{left.dtype} beside {right.dtype}")


def unified(left, right, builder) -> tuple:
    """Two results of a choice, as scalars of one dtype."""
    if _is_number(left) and _is_number(right):
        left = as_scalar(left, builder)
    dtype = _common(left, right)
    return convert(left, dtype, builder), convert(right, dtype, builder)


# ---- operators ----

_FLOATING = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
_INTEGRAL = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitAnd: "and_",
             ast.BitOr: "or_", ast.BitXor: "xor", ast.LShift: "shl"}
_BITS = (ast.BitAnd, ast.BitOr, ast.BitXor)
_OF_INTEGERS = {ast.FloorDiv: floor_divide, ast.Mod: remainder}


def binary(operator: type, left, right, builder):
    """`left operator right`."""
    if _is_number(left) and _is_number(right):
        left = as_scalar(left, builder)
    dtype = _common(left, right)
    if dtype.kind in "iu" or dtype == BOOL and operator not in _BITS:
        dtype = _wide(dtype)
    left, right = (convert(value, dtype, builder) for value in (left, right))
    if dtype.kind == "c":
        return _of_complex(operator, left, right, builder)
    return _of_reals(operator, left, right, builder)


def _of_reals(operator: type, left: Value, right: Value, builder) -> Value:
    dtype = left.dtype
    if dtype.kind == "f" and operator in _FLOATING:
        write = getattr(builder, _FLOATING[operator])
        return left.same(write(left.ir, right.ir, flags=_FLAGS))
    if dtype.kind in "iub" and operator in _INTEGRAL:
        return left.same(getattr(builder, _INTEGRAL[operator])(left.ir, right.ir))
    if dtype.kind in "iu" and operator is ast.RShift:
        return left >> right
    if operator in _OF_INTEGERS and dtype.kind != "b":
        return _OF_INTEGERS[operator](left, right)
    if operator is ast.Div and dtype.kind in "iu":
        return _of_reals(operator, *(convert(value, FLOAT64, builder)
                                     for value in (left, right)), builder)
    raise Unsupported(f"{operator.__name__} of {dtype}")


def _of_complex(operator: type, left, right, builder):
    def part(symbol, x, y):
        return _of_reals(symbol, x, y, builder)

    if operator in (ast.Add, ast.Sub):
        return ComplexValue(part(operator, left.real, right.real),
                            part(operator, left.imag, right.imag))
    if operator is ast.Mult:
        products = [part(ast.Mult, x, y) for x, y in
                    ((left.real, right.real), (left.imag, right.imag),
                     (left.real, right.imag), (left.imag, right.real))]
        return ComplexValue(part(ast.Sub, *products[:2]), part(ast.Add, *products[2:]))
    raise Unsupported(f"{operator.__name__} of complex numbers")


def unary(operator: type, value, builder):
    """`operator value`."""
    if operator is ast.Not:
        return truth(value, builder).__invert__()
    if operator is ast.UAdd:
        return value
    if operator is ast.USub and _is_number(value):
        return -value
    value = as_scalar(value, builder)
    if operator is ast.Invert and value.dtype.kind in "iu":
        return ~convert(value, _wide(value.dtype), builder)
    if operator is ast.USub and value.dtype.kind != "b":
        return _negated(value, builder)
    raise Unsupported(f"{operator.__name__} of {value.dtype}")


def _negated(value, builder):
    if value.dtype.kind == "c":
        return ComplexValue(_negated(value.real, builder), _negated(value.imag, builder))
    if value.dtype.kind == "f":
        return value.same(builder.fneg(value.ir, flags=_FLAGS))
    return -convert(value, _wide(value.dtype), builder)


_SYMBOLS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==",
            ast.NotEq: "!="}


def compare(operator: type, left, right, builder) -> Value:
    """`left operator right`, a bool."""
    if _is_number(left) and _is_number(right):
        left = as_scalar(left, builder)
    dtype = _common(left, right)
    left, right = (convert(value, dtype, builder) for value in (left, right))
    if dtype.kind != "c":
        return left._compare(_SYMBOLS[operator], right)
    if operator not in (ast.Eq, ast.NotEq):
        raise Unsupported(f"{operator.__name__} of complex numbers")
    parts = [compare(operator, *pair, builder) for pair in
             ((left.real, right.real), (left.imag, right.imag))]
    return parts[0] & parts[1] if operator is ast.Eq else parts[0] | parts[1]
