"""Parts of numbers: real and imaginary, fraction and exponent, sign; and mending of NaN.

In: arrays and numbers. Out: arrays. Imports `numpy.arithmetic`, `numpy.functions`, `primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import DtypeError
from functrans.ir.type import is_complex, is_inexact, is_integer
from functrans.numpy.arithmetic import abs
from functrans.numpy.functions import arctan2, degrees, inexact
from functrans.numpy.information import finfo
from functrans.numpy.promotion import (as_arraylike, as_operand, broadcast_all, cast, materialize,
                                       promote_inexact)
from functrans.numpy.ufunc import array_pair, binary, ufunc
from functrans.primitives import elementwise as basic
from functrans.primitives import functions
from functrans.primitives.basic import full
from functrans.primitives.elementwise import convert, select
from functrans.trace import bind

# ---- complex numbers ----

def real(val):
    """The real part.

    >>> import functrans.numpy as fnp
    >>> fnp.real(fnp.array(1 + 2j))
    Array(1., dtype=float32)
    """
    val = as_arraylike(val, "real")
    return basic.real(val) if is_complex(val.dtype) else val


def imag(val):
    """The imaginary part.

    >>> import functrans.numpy as fnp
    >>> fnp.imag(fnp.array(1 + 2j))
    Array(2., dtype=float32)
    """
    val = as_arraylike(val, "imag")
    return basic.imag(val) if is_complex(val.dtype) else full(val.type.strong(), 0)


@ufunc
def conjugate(x):
    """The complex conjugate.

    >>> import functrans.numpy as fnp
    >>> fnp.conjugate(fnp.array([1 + 2j]))
    Array([1.-2.j], dtype=complex64)
    """
    x = as_arraylike(x, "conjugate")
    return basic.conj(x) if is_complex(x.dtype) else x


conj = conjugate


def angle(z, deg: bool = False):
    """The argument of a complex number, in radians (degrees if `deg`).

    >>> import functrans.numpy as fnp
    >>> fnp.angle(fnp.array(1j))
    Array(1.5707964, dtype=float32)
    """
    z = inexact(z, "angle")
    value = arctan2(imag(z), real(z))
    return degrees(value) if deg else value


def real_if_close(a, tol: float = 100):
    """The real part, if all imaginary parts are below `tol` epsilons; `a` otherwise.

    It asks for values, so it cannot be traced by jit.

    >>> import functrans.numpy as fnp
    >>> fnp.real_if_close(fnp.array([1 + 0j]))
    Array([1.], dtype=float32)
    """
    a = as_arraylike(a, "real_if_close")
    if not is_complex(a.dtype):
        return a
    limit = tol * float(finfo(a.dtype).eps) if tol > 1 else tol
    parts = abs(basic.imag(a))._concrete("real_if_close (the dtype depends on the values)")
    return basic.real(a) if (parts < limit).all() else a


# ---- signs, neighbours, mantissas ----

copysign = binary("copysign", basic.copysign_p, "x1 with the sign of x2.",
                  "fnp.copysign(1.0, fnp.array(-0.0))", "Array(-1., dtype=float32)",
                  promote_inexact)
nextafter = binary("nextafter", basic.next_after_p,
                   "The next floating-point number after x1 towards x2.",
                   "bool(fnp.nextafter(1.0, fnp.array(2.0)) > 1)", "True", promote_inexact)


@ufunc
def spacing(x):
    """The distance to the next floating-point number away from zero, with the sign of x.

    >>> import functrans.numpy as fnp
    >>> bool(fnp.spacing(fnp.array(1.0)) == fnp.finfo(fnp.float32).eps)
    True
    """
    x = inexact(x, "spacing")
    if is_complex(x.dtype):
        raise DtypeError(f"spacing takes real numbers, not {x.dtype.name}")
    size = basic.stop_gradient(basic.abs_(x))
    step = basic.sub(basic.next_after(size, full(size.type.strong(), np.inf)), size)
    return select(basic.lt(x, x.dtype.type(0)), basic.neg(step), step)


@ufunc
def heaviside(x1, x2):
    """0 for negative x1, x2 for zero, 1 for positive.

    >>> import functrans.numpy as fnp
    >>> fnp.heaviside(fnp.array([-1.0, 0.0, 1.0]), 0.5)
    Array([0. , 0.5, 1. ], dtype=float32)
    """
    x1, x2 = array_pair(promote_inexact, as_operand(x1, "heaviside"),
                        as_operand(x2, "heaviside"))
    zero, one = x1.dtype.type(0), x1.dtype.type(1)
    step = select(basic.gt(x1, zero), one, zero)
    return select(basic.ne(x1, x1), x1, select(basic.eq(x1, zero), x2, step))


@ufunc
def modf(x):
    """(the fraction, the integer), both with the sign of x.

    >>> import functrans.numpy as fnp
    >>> fnp.modf(fnp.array(-1.5))
    (Array(-0.5, dtype=float32), Array(-1., dtype=float32))
    """
    x = inexact(x, "modf")
    whole = basic.trunc(x)
    endless = basic.eq(basic.abs_(x), x.dtype.type(np.inf))
    part = select(endless, x.dtype.type(0), basic.sub(x, whole))
    return basic.copysign(part, basic.stop_gradient(x)), whole


@ufunc
def ldexp(x1, x2):
    """x1 * 2**x2, for integers x2.

    >>> import functrans.numpy as fnp
    >>> fnp.ldexp(fnp.array(3.0), 2)
    Array(12., dtype=float32)
    """
    x1, x2 = inexact(x1, "ldexp"), as_arraylike(x2, "ldexp")
    if not is_integer(x2.dtype):
        raise DtypeError(f"ldexp takes integers as exponents, not {x2.dtype.name}")
    x1, exponent = array_pair(lambda *pair: list(pair), x1, x2)
    limit = x2.dtype.type(min(4200, np.iinfo(x2.dtype).max))
    exponent = basic.minimum(exponent, limit)
    if x2.dtype.kind == "i":
        exponent = basic.maximum(exponent, x2.dtype.type(-limit))
    return _scaled(x1, convert(exponent, np.int64))


def _scaled(x, exponent):
    """x * 2**exponent, in steps within range, so that only the last one rounds."""
    info = finfo(x.dtype)
    largest = int(info.maxexp) - 1
    two, zero = x.dtype.type(2), np.int64(0)
    for _ in range(3):                # the whole range, subnormal numbers included, and more
        part = basic.maximum(basic.minimum(exponent, np.int64(largest)), np.int64(-largest + 1))
        x = basic.mul(x, functions.pow_(two, convert(part, x.dtype)))
        exponent = basic.sub(exponent, part)
    return select(basic.eq(exponent, zero), x,
                  basic.mul(x, select(basic.gt(exponent, zero),
                                      full(x.type.strong(), np.inf), x.dtype.type(0))))


@ufunc
def frexp(x):
    """(mantissa, exponent) with x == mantissa * 2**exponent and 0.5 <= abs(mantissa) < 1.

    >>> import functrans.numpy as fnp
    >>> fnp.frexp(fnp.array(12.0))
    (Array(0.75, dtype=float32), Array(4, dtype=int32))
    """
    x = inexact(x, "frexp")
    if is_complex(x.dtype):
        raise DtypeError(f"frexp takes real numbers, not {x.dtype.name}")
    info = finfo(x.dtype)
    zero, one = x.dtype.type(0), x.dtype.type(1)
    usable = basic.and_(basic.is_finite(x), basic.ne(x, zero))
    safe = basic.stop_gradient(select(usable, x, one))
    # Subnormal numbers are lifted first, so that what divides them is a normal number.
    tiny = basic.lt(basic.abs_(safe), x.dtype.type(info.smallest_normal))
    lift = int(info.nmant) + 1
    lifted = select(tiny, basic.mul(safe, x.dtype.type(2.0 ** lift)), safe)
    guess = basic.add(basic.floor(bind(functions.log2_p, basic.abs_(lifted))), one)
    exponent = _corrected(lifted, convert(guess, np.int64))
    exponent = basic.sub(exponent, select(tiny, np.int64(lift), np.int64(0)))
    exponent = select(usable, exponent, np.int64(0))
    mantissa = select(usable, _scaled(select(usable, x, one), basic.neg(exponent)), x)
    return mantissa, convert(exponent, np.int32)


def _corrected(x, exponent):
    """The exponent, moved by one where the logarithm was rounded over an integer."""
    size = basic.abs_(_scaled(x, basic.neg(exponent)))
    high = basic.ge(size, x.dtype.type(1))
    low = basic.lt(size, x.dtype.type(0.5))
    one, zero = np.int64(1), np.int64(0)
    return basic.sub(basic.add(exponent, select(high, one, zero)), select(low, one, zero))


# ---- NaN ----

def nan_to_num(x, copy: bool = True, nan=0.0, posinf=None, neginf=None):
    """x with NaN and infinities replaced, by 0 and the largest finite numbers by default.

    >>> import functrans.numpy as fnp
    >>> fnp.nan_to_num(fnp.array([fnp.nan, 1.0]))
    Array([0., 1.], dtype=float32)
    """
    x = as_arraylike(x, "nan_to_num")
    if not is_inexact(x.dtype):
        return x
    if is_complex(x.dtype):
        parts = [nan_to_num(part, copy, nan, posinf, neginf)
                 for part in (basic.real(x), basic.imag(x))]
        return basic.complex_(*parts)
    info = finfo(x.dtype)
    high = info.max if posinf is None else posinf
    low = info.min if neginf is None else neginf
    for where, value in ((basic.ne(x, x), nan), (basic.eq(x, x.dtype.type(np.inf)), high),
                         (basic.eq(x, x.dtype.type(-np.inf)), low)):
        value = materialize(cast(as_operand(value, "nan_to_num"), x.dtype))
        x = select(*broadcast_all([where, value, x]))
    return x


def unwrap(p, discont=None, axis: int = -1, *, period=2 * np.pi):
    """Angles without jumps: multiples of the period are added along an axis.

    discont: jumps up to this size stay; half the period by default.

    >>> import functrans.numpy as fnp
    >>> fnp.unwrap(fnp.array([0.0, 4.0]), period=4)
    Array([0., 0.], dtype=float32)
    """
    from functrans.numpy.promotion import canonical_axis
    from functrans.numpy.reductions import cumsum
    from functrans.primitives.shape import pad, slice_axis
    p = as_arraylike(p, "unwrap")
    axis = canonical_axis(axis, p.ndim)
    size = p.shape[axis]
    if size < 2:
        return convert(p, p.dtype)
    gap = slice_axis(p, axis, 1, size) - slice_axis(p, axis, 0, size - 1)
    discont = period / 2 if discont is None else discont
    correction = _wrapped(gap, period) - gap
    stays = abs(gap) < discont
    correction = select(stays, correction.dtype.type(0), correction)
    before = tuple(int(k == axis) for k in range(p.ndim))
    return p + cumsum(pad(correction, before, (0,) * p.ndim), axis)


def _wrapped(gap, period):
    """The gap as a number from -period/2 to period/2; a gap of +period/2 stays."""
    if is_integer(gap.dtype) and isinstance(period, int):
        low, rest = period // 2, period % 2
        wrapped = (gap + low) % period - low
        ambiguous = rest == 0
    else:
        wrapped = (gap + period / 2) % period - period / 2
        low, ambiguous = period / 2, True
    if ambiguous:
        wrapped = select(basic.and_(wrapped == -low, gap > 0),
                         full(wrapped.type.strong(), low), wrapped)
    return wrapped

