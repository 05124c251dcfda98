"""asin, acos, atan, atan2.

asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2)) brings every argument below 1/2, and
atan(a) = pi/4 + atan((a - 1) / (a + 1)), pi/2 - atan(1 / a) below tan(pi/8) (both in Cody & Waite
1980); then polynomials. Constants in two parts keep the last addition within an ulp.
"""
from __future__ import annotations

from .registry import function
from .vocabulary import (F32, F64, format_of, fused, is_negative, magnitude, multiply_add,
                         polynomial, square_root, where, with_sign_of)

# pi/2, rounded, and the rest
HALF_PI = {F32: (1.5707964, -4.371139e-08), F64: (1.5707963267948966, 6.123233995736766e-17)}

# (asin(x) - x) / x**3 and (atan(r) - r) / r**3, in the square
_ASIN = {
    F32: (0.16666752, 0.074953064, 0.04546977, 0.024180816, 0.042166296),
    F64: (0.16666666666665403, 0.07500000000338586, 0.044642856826944244,
          0.030381959196979776, 0.02237175655170471, 0.01735972814913008,
          0.013884997580765458, 0.012170814604330673, 0.006520878714000935,
          0.019548105542335138, -0.016256008292965633, 0.03193444231674856),
}
_ATAN = {
    F32: (-0.33333316, 0.19998528, -0.14244388, 0.1059912, -0.060898636),
    F64: (-0.333333333333332, 0.19999999999953622, -0.14285714280191483,
          0.11111110782989898, -0.0909089774087755, 0.0769205988276161,
          -0.06663100072185339, 0.05847859589665502, -0.05039169216612396,
          0.03806111000792157, -0.017903444984052483),
}


def _asin_parts(a):
    """Whether a > 1/2, and s and t such that s + t is asin(a), or asin(sqrt((1 - a) / 2))."""
    large = a > 0.5
    z = where(large, 0.5 * (1 - a), a * a)
    root = square_root(z)
    s = where(large, root, a)
    lost = where(large & (root > 0), fused(-root, root, z) / (2 * root), 0.0)
    return large, s, multiply_add(s * z, polynomial(z, _ASIN[z.dtype]), lost)


@function("f")
def asin(x):
    """Inverse sine, |x| <= 1; NaN beyond."""
    large, s, t = _asin_parts(magnitude(x))
    high, low = HALF_PI[x.dtype]
    return with_sign_of(where(large, (high - 2 * s) - (2 * t - low), s + t), x)


@function("f")
def acos(x):
    """Inverse cosine, |x| <= 1; NaN beyond. Accurate near 1, where it is small."""
    large, s, t = _asin_parts(magnitude(x))
    high, low = HALF_PI[x.dtype]
    negative = x < 0
    near_one = where(negative, 2 * ((high - s) - (t - low)), 2 * (s + t))
    signed_s, signed_t = where(negative, -s, s), where(negative, -t, t)
    return where(large, near_one, high - (signed_s - (low - signed_t)))


def _atan_of_quotient(y, x):
    """atan(y / x) for 0 <= y <= x, x > 0: in two parts."""
    large = y > 0.41421356 * x
    r = where(large, y - x, y) / where(large, y + x, x)
    z = r * r
    high, low = HALF_PI[z.dtype]
    tail = multiply_add(r * z, polynomial(z, _ATAN[z.dtype]), where(large, 0.5 * low, 0.0, like=z))
    base = where(large, 0.5 * high, 0.0, like=z)
    return base + r, ((base - (base + r)) + r) + tail


@function("f")
def atan(x):
    """Inverse tangent, all x."""
    a = magnitude(x)
    inverse = a > 1
    head, tail = _atan_of_quotient(where(inverse, 1.0, a), where(inverse, a, 1.0))
    high, low = HALF_PI[x.dtype]
    # a > 1, infinity included: pi/2 - atan(1 / a)
    return with_sign_of(where(inverse, (high - head) - (tail - low), head + tail), x)


def _ordered(y, x):
    """The smaller and the larger magnitude; scaled so that their quotient and sum are finite."""
    a, b = magnitude(y), magnitude(x)
    least, most = where(a < b, a, b), where(a < b, b, a)
    huge = most > 2.0 ** (format_of(x).bias - 2)
    least, most = where(huge, 0.25 * least, least), where(huge, 0.25 * most, most)
    # Two infinities are at 45 degrees, two zeros at 0.
    both_infinite = least == float("inf")
    least, most = where(both_infinite, 1.0, least), where(both_infinite, 1.0, most)
    return least, where(most == 0, 1.0, most)


@function("f")
def atan2(y, x):
    """The angle of the point (x, y), in [-pi, pi]; signed zeros and infinities as in C."""
    head, tail = _atan_of_quotient(*_ordered(y, x))
    steep, left = magnitude(y) > magnitude(x), is_negative(x)
    high, low = HALF_PI[x.dtype]
    backward = steep ^ left
    head, tail = where(backward, -head, head), where(backward, -tail, tail)
    # How many right angles to add.
    turn_high = where(steep, high, where(left, 2 * high, 0.0, like=x))
    turn_low = where(steep, low, where(left, 2 * low, 0.0, like=x))
    result = with_sign_of((turn_high + head) + (tail + turn_low), y)
    return where((x != x) | (y != y), x + y, result)
