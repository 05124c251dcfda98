"""lgamma, digamma.

Arguments below 8 are shifted by the recurrence Gamma(x + 1) = x Gamma(x) to an interval about
the functions' zeros, where a polynomial times that zero's factor keeps relative accuracy.
From 8 on, Stirling's series, with minimax coefficients. Negative arguments by reflection
(Abramowitz & Stegun 1964, chapter 6).
"""
from __future__ import annotations

from .logarithm import log
from .registry import function
from .trigonometric import sine_cosine_of_pi
from .vocabulary import F32, F64, magnitude, multiply_add, polynomial, round_down, where

INFINITY = float("inf")
_STIRLING_FROM = 8.0
_STEPS = 6          # from below 8 to at most 2
PI = 3.141592653589793
LOG_PI = 1.1447298858494002
HALF_LOG_TWO_PI = 0.9189385332046728

# lgamma(2 + t) / t, in t + 1/4
_LGAMMA = {
    F32: (0.3376045, 0.36052814, -0.08609118, 0.030229565, -0.0124740135, 0.005613387,
          -0.00262814, 0.0012571883, -0.00077061035, 0.00044644345),
    F64: (0.3376044840819422, 0.3605281221403242, -0.0860912512263611, 0.030229978825832518,
          -0.012471680011226475, 0.005606724830192606, -0.0026545437200284103,
          0.0013001093445613138, -0.0006518932253988605, 0.00033250363314998567,
          -0.0001718046633348147, 8.967476222358786e-05, -4.716797287486182e-05,
          2.4964855645372027e-05, -1.3400990594047159e-05, 7.24763233110053e-06,
          -3.5399699175230077e-06, 1.7591244816264454e-06, -1.6307232186720754e-06,
          1.0116403402369035e-06),
}
# (lgamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2) x, in 1 / x**2
_STIRLING = {
    F32: (0.083333336, -0.002778978, 0.00086136966),
    F64: (0.08333333333333333, -0.002777777777754791, 0.0007936507750375745,
          -0.0005952324846690266, 0.0008409559419946841, -0.0018607557648642567,
          0.004427127459125033),
}


def _shift_to_two(x):
    """t and a product: Gamma(x) = Gamma(2 + t) * product, or / product below 1.25.

    t is from -3/4, where lgamma(2 + t) is near its minimum, to 1/4.
    """
    y, product = x, where(x < 0.25, x * (x + 1), where(x < 1.25, x, 1.0))
    for _ in range(_STEPS):
        down = y > 2.25
        y = where(down, y - 1, y)
        product = where(down, product * y, product)
    # Below 1.25, not from a sum, which would be rounded.
    return where(x < 0.25, x, where(x < 1.25, x - 1, y - 2)), product


def _lgamma_positive(x):
    """lgamma(x) for x > 0."""
    large = x >= _STIRLING_FROM
    t, product = _shift_to_two(where(large, 2.0, x))
    logarithm = log(where(large, x, product))
    near = multiply_add(t, polynomial(t + 0.25, _LGAMMA[x.dtype]),
                        where(x < 1.25, -logarithm, logarithm))
    inverse = 1 / x
    series = multiply_add(inverse, polynomial(inverse * inverse, _STIRLING[x.dtype]),
                          HALF_LOG_TWO_PI - 0.5)
    far = multiply_add(x - 0.5, logarithm - 1, series)
    return where(large, far, near)


@function("f")
def lgamma(x):
    """log |Gamma(x)|, all x; infinite at 0 and at negative integers."""
    # Gamma(x) Gamma(1 - x) sin(pi x) = pi
    negative = x < 0
    direct = _lgamma_positive(where(negative, 1 - x, x))
    sine, _ = sine_cosine_of_pi(x)
    result = where(negative, LOG_PI - log(magnitude(sine)) - direct, direct)
    infinite = ((x <= 0) & (round_down(x) == x)) | (magnitude(x) == INFINITY)
    return where(x != x, x, where(infinite, INFINITY, result))


# digamma(1.5 + t) / (1.5 + t - root) for |t| <= 1/2
_DIGAMMA = {
    F32: (0.9510559, -0.4236275, 0.24054278, -0.14839876, 0.094976544, -0.062057473,
          0.040941436, -0.025778899, 0.016696367, -0.016387846, 0.011573321),
    F64: (0.951055876031833, -0.4236274212814607, 0.2405424842407739, -0.14840492305384972,
          0.09498872445498371, -0.061922133278182453, 0.04076083381023768,
          -0.026975796553040533, 0.01790725249636482, -0.011908222430781613,
          0.007926943794526376, -0.005279906820262913, 0.0035190141614290984,
          -0.0023457444732931532, 0.001556588010010387, -0.0010351645886992479,
          0.0007234755676034574, -0.0004900604986583289, 0.0002269524202160241,
          -0.000137499439924939, 0.0002599096952995499, -0.00018378617547425106),
}
_DIGAMMA_ROOT = {F32: (1.4616321, 1.243815e-08), F64: (1.4616321449683622, 9.549995429965697e-17)}
# (log(x) - 1 / (2 x) - digamma(x)) x**2, in 1 / x**2
_DIGAMMA_TAIL = {
    F32: (0.083333336, -0.008334073, 0.003952282),
    F64: (0.08333333333333333, -0.008333333333287288, 0.003968253916859615,
          -0.004166645978231265, 0.007571819435780831, -0.020704907122090443,
          0.06376221990341463),
}


def _digamma_small(x):
    """digamma(x) for 0 < x < 8; the sum of 1 / (x + k) as one fraction."""
    up = x < 1
    numerator, denominator = where(up, -1.0, 0.0, like=x), where(up, x, 1.0)
    y = where(up, x + 1, x)
    for _ in range(_STEPS):
        down = y > 2
        y = where(down, y - 1, y)
        numerator = where(down, multiply_add(numerator, y, denominator), numerator)
        denominator = where(down, denominator * y, denominator)
    high, low = _DIGAMMA_ROOT[x.dtype]
    near = ((y - high) - low) * polynomial(y - 1.5, _DIGAMMA[x.dtype])
    return near + numerator / denominator


def _digamma_positive(x):
    large = x >= _STIRLING_FROM
    small = _digamma_small(where(large, 2.0, x))
    inverse = 1 / x
    z = inverse * inverse
    series = multiply_add(z, polynomial(z, _DIGAMMA_TAIL[x.dtype]), 0.5 * inverse)
    return where(large, log(x) - series, small)


@function("f")
def digamma(x):
    """The derivative of lgamma, all x; NaN at negative integers, -inf at 0 and inf at -0."""
    reflected = x <= 0
    result = _digamma_positive(where(reflected, 1 - x, x))
    sine, cosine = sine_cosine_of_pi(x)
    result = where(reflected, result - PI * cosine / sine, result)
    return where((x < 0) & (round_down(x) == x), float("nan"), result)
