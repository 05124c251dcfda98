"""The words of the function bodies besides operators, each for NumPy and for `Value`s.

`x` is a NumPy scalar or array (computed now) or a `Value` (emitted), see `values.py`.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from llvmlite import ir

from .values import ComplexValue, Value, llvm_type, on_device

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


class Format(NamedTuple):
    """What bit tricks need to know of a floating-point format."""
    dtype: np.dtype
    integer: np.dtype     # signed, of the same width
    mantissa: int         # stored bits of the significand
    bias: int             # of the exponent
    tiny: float           # the smallest normal number
    shifter: float        # adding 1.5 * 2**mantissa rounds to an integer, in the lowest bits

    @property
    def width(self):
        return 8 * self.dtype.itemsize

    @property
    def one(self):
        """The bits of 1.0."""
        return self.bias << self.mantissa

    @property
    def sign(self):
        """The sign bit."""
        return 1 << (self.width - 1)


FORMATS = {
    F32: Format(F32, np.dtype(np.int32), 23, 127, 2.0 ** -126, 1.5 * 2.0 ** 23),
    F64: Format(F64, np.dtype(np.int64), 52, 1023, 2.0 ** -1022, 1.5 * 2.0 ** 52),
}


def format_of(x) -> Format:
    return FORMATS[x.dtype]


def constant_bits(value: float, fmt: Format) -> int:
    """The bits of a literal, as a Python integer."""
    return int(fmt.dtype.type(value).view(fmt.integer))


# ---- choice ----

def where(condition, x, y, like=None):
    """`x` where the condition holds, else `y`; both are computed.

    Of two literals, `like` gives the dtype.
    """
    model = next(v for v in (x, y, like) if hasattr(v, "dtype"))
    if not isinstance(condition, Value):
        return np.where(condition, x, y)[()].astype(model.dtype)
    return model.same(condition.builder.select(
        condition.ir, model.operand(x), model.operand(y)))


# ---- bits ----

def _unsigned(dtype):
    return np.dtype(f"u{dtype.itemsize}")


def bits(x):
    """The bits of a float, as a signed integer of the same width."""
    integer = format_of(x).integer
    if not isinstance(x, Value):
        return x.view(integer)
    return Value(x.builder, x.builder.bitcast(x.ir, llvm_type(integer)), integer)


def from_bits(i):
    """The float whose bits are those of the integer `i`."""
    dtype = np.dtype(f"f{i.dtype.itemsize}")
    if not isinstance(i, Value):
        return i.view(dtype)
    return Value(i.builder, i.builder.bitcast(i.ir, llvm_type(dtype)), dtype)


def as_unsigned(i):
    """The same bits as an unsigned integer: shifts bring in zeros, comparisons differ."""
    return _relabel(i, _unsigned(i.dtype))


def as_signed(i):
    return _relabel(i, np.dtype(f"i{i.dtype.itemsize}"))


def _relabel(i, dtype):
    return Value(i.builder, i.ir, dtype) if isinstance(i, Value) else i.view(dtype)


def resize(i, dtype):
    """An integer or bool as an integer of another width; extends by sign if it is signed."""
    if not isinstance(i, Value):
        return i.astype(dtype)
    size, target = i.ir.type.width, 8 * dtype.itemsize
    operation = "trunc" if target < size else "sext" if i.dtype.kind == "i" else "zext"
    changed = i.ir if target == size else getattr(i.builder, operation)(i.ir, llvm_type(dtype))
    return Value(i.builder, changed, dtype)


def to_integer(x):
    """A small float without fraction, as int64."""
    if not isinstance(x, Value):
        return x.astype(np.int64)
    return Value(x.builder, x.builder.fptosi(x.ir, ir.IntType(64)), np.dtype(np.int64))


# ---- arithmetic ----

def quotient_of_integers(x, y):
    """x / y truncated, for y != 0 where that does not overflow."""
    if isinstance(x, Value):
        divide = x.builder.sdiv if x.dtype.kind == "i" else x.builder.udiv
        return x.same(divide(x.ir, y.ir))
    return (x - np.fmod(x, y)) // y


def multiply_add(x, y, z):
    """x * y + z, rounded once where that is faster, else twice."""
    for model in (x, y, z):
        if isinstance(model, Value):
            kind = model.ir.type
            function = model.builder.module.declare_intrinsic(
                "llvm.fmuladd", [kind], ir.FunctionType(kind, [kind] * 3))
            operands = [model.operand(v) for v in (x, y, z)]
            return model.same(model.builder.call(function, operands))
    return x * y + z


def fused(x, y, z):
    """x * y + z, rounded once always. Slow on machines without the instruction (x86 to 2012)."""
    if isinstance(x, Value):
        return x.intrinsic("llvm.fma", y, z)
    if x.dtype == F32:
        return (np.multiply(x, np.asarray(y, F32), dtype=F64) + z).astype(F32)
    return _fused_float64(x, y, z)


def _split(x):
    """Halves of the significand: x == high + low, 26 bits each (Veltkamp 1968)."""
    scaled = x * (2.0 ** 27 + 1)
    high = scaled - (scaled - x)
    return high, x - high


def _fused_float64(x, y, z):
    """By Dekker's product (1971) of the significands and Knuth's sum."""
    (x, x_exponent), (y, y_exponent) = np.frexp(x), np.frexp(np.float64(y))
    exponent = x_exponent + y_exponent
    addend = np.ldexp(z, -exponent)
    (x_high, x_low), (y_high, y_low) = _split(x), _split(y)
    product = x * y
    error = ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low
    total, lost = two_sum(product, addend)
    result = np.ldexp(total + (lost + error), exponent)
    plain = ~np.isfinite(result) | (product == 0)
    return np.where(plain, np.ldexp(product, exponent) + z, result)[()]


def two_sum(x, y):
    """x + y and its rounding error (Knuth 1969)."""
    total = x + y
    part = total - x
    return total, (x - (total - part)) + (y - part)


def quick_two_sum(x, y):
    """The same if |x| >= |y| or x == 0 (Dekker 1971)."""
    total = x + y
    return total, (x - total) + y


def two_product(x, y):
    """x * y and its rounding error."""
    product = x * y
    return product, fused(x, y, -product)


def polynomial(x, coefficients):
    """The sum of coefficients[k] * x**k (Horner)."""
    result = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        result = multiply_add(result, x, coefficient)
    return result


def round_to_integer(x):
    """The nearest integer, as a float and as an integer, for |x| < 2**22 or 2**51."""
    fmt = format_of(x)
    return unshift(x + fmt.shifter)


def unshift(shifted):
    """The integer n, as a float and as an integer, from n + shifter."""
    fmt = format_of(shifted)
    return shifted - fmt.shifter, bits(shifted) - constant_bits(fmt.shifter, fmt)


def power_of_two(k, fmt):
    """2.0**k for an integer k from 1 - bias to bias."""
    return from_bits((k + fmt.bias) << fmt.mantissa)


def scale_by_power_of_two(x, k):
    """x * 2.0**k, rounded once if |x| is near 1: two steps, so that no factor overflows."""
    fmt = format_of(x)
    half = k >> 1
    return x * power_of_two(half, fmt) * power_of_two(k - half, fmt)


# ---- single instructions ----

def _instruction(name, evaluate):
    """An intrinsic of LLVM; the library that comes with NVVM has it under the same name."""
    def instruction(x, *others):
        if not isinstance(x, Value):
            return evaluate(x, *others)
        if on_device(x.builder):
            return x.function(device_function(name, x.dtype), *others)
        return x.intrinsic(f"llvm.{name}", *others)
    return instruction


def device_function(name: str, dtype) -> str:
    """A function of the library that comes with NVVM, for a dtype."""
    return f"__nv_{name}{'f' if dtype.itemsize == 4 else ''}"


magnitude = _instruction("fabs", np.abs)
square_root = _instruction("sqrt", np.sqrt)
round_down = _instruction("floor", np.floor)
round_up = _instruction("ceil", np.ceil)
round_to_zero = _instruction("trunc", np.trunc)
round_half_even = _instruction("rint", np.rint)
with_sign_of = _instruction("copysign", np.copysign)


def is_negative(x):
    """Whether the sign bit is set."""
    return bits(x) < 0


# ---- complex numbers ----

def make_complex(real, imag):
    if isinstance(real, Value):
        return ComplexValue(real, imag)
    result = np.empty(np.broadcast_shapes(np.shape(real), np.shape(imag)),
                      np.result_type(real.dtype, np.complex64))
    result.real, result.imag = real, imag
    return result[()]


def complex_product(z, w):
    return make_complex(z.real * w.real - z.imag * w.imag, z.real * w.imag + z.imag * w.real)
