"""Complex sin, cos, tan, sinh, cosh, tanh and their inverses.

sinh(x + iy) = sinh x cos y + i cosh x sin y, scaled so that only the result overflows; tanh and
the inverses after W. Kahan (1987). The circular functions are the hyperbolic ones turned by i.
"""
from __future__ import annotations

from .comparison import is_finite
from .complex_elementary import is_infinite, modulus, square_root_parts, times_direction
from .exponential import exp
from .hyperbolic import acosh, asinh, atanh, cosh, sinh, sinh_cosh_parts, tanh
from .inverse_trigonometric import HALF_PI, acos, asin, atan, atan2
from .logarithm import log, log1p
from .registry import version
from .trigonometric import cos, sin, tan
from .vocabulary import (F32, F64, is_negative, magnitude, make_complex, square_root, where,
                         with_sign_of)

INFINITY = float("inf")
LN2 = 0.6931471805599453


def _times_i(z):
    return make_complex(-z.imag, z.real)


def _over_i(z):
    return make_complex(z.imag, -z.real)


def _sinh_cosh(z):
    """sinh x cos y, sinh x sin y, cosh x cos y, cosh x sin y."""
    x, y = z.real, z.imag
    s, c, k = sinh_cosh_parts(x)
    cosine, sine = cos(y), sin(y)
    # sinh(0) is 0 whatever the direction; without a direction, infinity stays.
    s_cosine = where(x == 0, where(cosine < 0, -x, x), times_direction(s, cosine, k))
    s_sine = where(x == 0, where(is_negative(sine), -x, x), times_direction(s, sine, k))
    lost = is_infinite(x) & (is_finite(y) ^ True)
    return (where(lost, x, s_cosine), s_sine,
            where(lost, INFINITY, times_direction(c, cosine, k)), times_direction(c, sine, k))


@version(sinh, "c")
def _sinh(z):
    s_cosine, _, _, c_sine = _sinh_cosh(z)
    return make_complex(s_cosine, c_sine)


@version(cosh, "c")
def _cosh(z):
    _, s_sine, c_cosine, _ = _sinh_cosh(z)
    return make_complex(c_cosine, s_sine)


@version(sin, "c")
def _sin(z):
    return _over_i(sinh(_times_i(z)))


@version(cos, "c")
def _cos(z):
    return cosh(_times_i(z))


_TANH_ONE = {F32: 10.0, F64: 20.0}


@version(tanh, "c")
def _tanh(z):
    x, y = z.real, z.imag
    large = magnitude(x) > _TANH_ONE[x.dtype]
    t, s = tan(y), sinh(where(large, 1.0, x))
    beta = 1 + t * t
    divisor = 1 + beta * s * s
    real = where(x == 0, x, beta * square_root(1 + s * s) * s / divisor)
    imag = where(y == 0, y, t / divisor)
    known = is_finite(y) | is_infinite(x)
    far_real = where(known, where(x < 0, -1.0, 1.0, like=x), float("nan"))
    product = where(is_finite(y), sin(y) * cos(y), where(known, 0.0, y))
    far_imag = with_sign_of(4 * magnitude(product) * exp(-2 * magnitude(x)), product)
    return make_complex(where(large, far_real, real), where(large, far_imag, imag))


@version(tan, "c")
def _tan(z):
    return _over_i(tanh(_times_i(z)))


@version(asin, "c")
def _asin(z):
    x, y = z.real, z.imag
    a, b = square_root_parts(1 - x, -y)
    c, d = square_root_parts(1 + x, y)
    infinite = is_infinite(x) | is_infinite(y)
    across = where(infinite, magnitude(y), a * c - b * d)
    along = where(infinite, INFINITY, asinh(a * d - b * c))
    return make_complex(where(x == 0, x, atan2(x, across)), with_sign_of(along, y))


@version(acos, "c")
def _acos(z):
    x, y = z.real, z.imag
    a, b = square_root_parts(1 - x, -y)
    c, d = square_root_parts(1 + x, y)
    infinite = is_infinite(x) | is_infinite(y)
    real = where(infinite, atan2(magnitude(y), x), 2 * atan2(a, c))
    along = where(infinite, INFINITY, asinh(c * b - d * a))
    real = where(x == 0, HALF_PI[x.dtype][0], real)
    return make_complex(real, with_sign_of(along, -y))


@version(acosh, "c")
def _acosh(z):
    x, y = z.real, z.imag
    a, b = square_root_parts(x - 1, y)
    c, d = square_root_parts(x + 1, y)
    infinite = is_infinite(x) | is_infinite(y)
    angle = where(infinite, atan2(y, x), 2 * atan2(b, c))
    right_angle = with_sign_of(where(x == 0, HALF_PI[x.dtype][0], angle), y)
    return make_complex(where(infinite, INFINITY, asinh(a * c + b * d)),
                        where(x == 0, right_angle, angle))


@version(asinh, "c")
def _asinh(z):
    return _over_i(asin(_times_i(z)))


_FAR = {F32: 2.0 ** 30, F64: 2.0 ** 60}         # 1 + z * z == z * z
_NEAR_POLE = {F32: 2.0 ** -30, F64: 2.0 ** -60}


@version(atanh, "c")
def _atanh(z):
    x, y = magnitude(z.real), z.imag
    gap = modulus(1 - x, y)
    near = gap < _NEAR_POLE[x.dtype]
    safe_gap = where(near, 1.0, gap)
    real = where(near, 0.5 * (LN2 - log(gap)), 0.25 * log1p(x / safe_gap * 4 / safe_gap))
    real = where(is_infinite(gap) | (x == 0), 0.0, real)
    far = (x > _FAR[x.dtype]) | (magnitude(y) > _FAR[x.dtype])
    x_safe, y_safe = where(far, 1.0, x), where(far, 1.0, y)
    angle = 0.5 * atan2(2 * y_safe, (1 - x_safe) * (1 + x_safe) - y_safe * y_safe)
    right_angle = where(is_negative(y), -HALF_PI[x.dtype][0], HALF_PI[x.dtype][0], like=x)
    imag = where(far & (y == y), right_angle, where(far, y, angle))
    return make_complex(with_sign_of(real, z.real), imag)


@version(atan, "c")
def _atan(z):
    return _over_i(atanh(_times_i(z)))
